"""A small OpenID provider on loopback that speaks the real protocol and signs with a real key."""

import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Form, Header
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "verbatim", "between us"


class Provider:
    """Whoever comes is `person`; `spoil` changes the next ID token's claims."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.spoil: dict[str, Any] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.signing = self.key
        self.issuer = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.discovery)
        self.app.get("/keys")(self.keys)
        self.app.get("/authorize")(self.authorize)
        self.app.post("/token")(self.token)

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def authorize(
        self, client_id: str, redirect_uri: str, scope: str, state: str, nonce: str,
        code_challenge: str, code_challenge_method: str, response_type: str,
    ) -> Response:  # fmt: skip
        """The person is signed in here already, and agrees."""
        assert (client_id, response_type, code_challenge_method) == (CLIENT, "code", "S256")
        assert "openid" in scope.split()
        code = f"code-{len(self.codes)}"
        kept = {"nonce": nonce, "challenge": code_challenge, "redirect": redirect_uri}
        self.codes[code] = kept
        return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}", 303)

    def token(
        self,
        code: Annotated[str, Form()],
        code_verifier: Annotated[str, Form()],
        redirect_uri: Annotated[str, Form()],
        authorization: Annotated[str, Header()] = "",
    ) -> Response:
        """Once for a code, to the client that asked, with the verifier of its challenge."""
        digest = sha256(code_verifier.encode()).digest()
        kept = self.codes.pop(code, {})
        is_right = (
            kept.get("challenge") == urlsafe_b64encode(digest).rstrip(b"=").decode()
            and kept.get("redirect") == redirect_uri
            and authorization.startswith("Basic ")
        )
        if not is_right:
            return JSONResponse({"error": "invalid_grant"}, 400)
        at = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 300}
        claims |= {"nonce": kept["nonce"]} | self.person | self.spoil
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signing)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": token})


@contextmanager
def open_provider() -> Iterator[Provider]:
    """Serving on a free port."""
    provider = Provider()
    server = uvicorn.Server(uvicorn.Config(provider.app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    provider.issuer = f"http://127.0.0.1:{port}"
    yield provider
    server.should_exit = True
    thread.join(timeout=10)
