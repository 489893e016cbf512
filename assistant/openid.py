"""Signing in through the company's identity provider: OpenID Connect, code flow with PKCE.

Discovery, state, nonce and the ID token's signature and claims are checked as OpenID Connect
Core 1.0 says. This is the only file that knows Authlib; it is loaded when somebody signs in so.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from kb.errors import NotAllowed, VerbatimError
from kb.settings import Settings
from kb.single_sign_on import Identity

SCOPE = "openid email profile"
# Only what is signed with the provider's private key; `none` and shared secrets are not.
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "EdDSA"]
LEEWAY_SECONDS = 60
TIMEOUT = 10.0
WELL_KNOWN = "/.well-known/openid-configuration"


class ProviderFailed(VerbatimError):
    """The provider cannot be reached or speaks otherwise than it should; try again later."""


@dataclass(frozen=True)
class Attempt:
    """One way to the provider and back; all its parts follow from a secret in a cookie."""

    secret: str
    redirect: str

    @property
    def state(self) -> str:
        """Comes back with the browser: the answer belongs to this very browser."""
        return self._part("state")

    @property
    def nonce(self) -> str:
        """Comes back in the ID token: it was made for this attempt."""
        return self._part("nonce")

    @property
    def verifier(self) -> str:
        """RFC 7636: whoever intercepts the code cannot redeem it."""
        return self._part("verifier")

    def _part(self, name: str) -> str:
        return sha256(f"{name} {self.secret}".encode(errors="surrogatepass")).hexdigest()


def sign_in_url(settings: Settings, attempt: Attempt) -> str:
    """Where the browser goes to prove who it is. Raises ProviderFailed."""
    with _client(settings, attempt) as client:
        endpoint = _discovered(client, settings)["authorization_endpoint"]
        url, _state = client.create_authorization_url(
            endpoint, state=attempt.state, nonce=attempt.nonce, code_verifier=attempt.verifier
        )
        return str(url)


def identity_of(settings: Settings, attempt: Attempt, code: str) -> Identity:
    """Who came back with this code. Raises ProviderFailed, NotAllowed for a forged token."""
    with _client(settings, attempt) as client:
        provider = _discovered(client, settings)
        token = _redeemed(client, provider, attempt, code)
        keys = _fetched(client, provider["jwks_uri"])
        claims = _claims(token, keys, settings, attempt)
        if "email" not in claims and provider.get("userinfo_endpoint"):
            more = _user_info(client, provider["userinfo_endpoint"])
            # OpenID Connect Core 5.3.2: other people's information is no answer.
            claims |= more if more.get("sub") == claims["sub"] else {}
    return Identity(
        subject=f"{settings.oidc_issuer} {claims['sub']}",
        email=str(claims.get("email", "")),
        name=str(claims.get("name", "")),
        is_verified=claims.get("email_verified") is True,
    )


def _client(settings: Settings, attempt: Attempt) -> Any:
    from authlib.integrations.httpx_client import OAuth2Client

    return OAuth2Client(
        settings.oidc_client_id,
        settings.oidc_client_secret or None,
        token_endpoint_auth_method="client_secret_basic" if settings.oidc_client_secret else "none",
        scope=SCOPE,
        redirect_uri=attempt.redirect,
        code_challenge_method="S256",
        timeout=TIMEOUT,
    )


def _discovered(client: Any, settings: Settings) -> dict[str, Any]:
    provider = _fetched(client, settings.oidc_issuer.rstrip("/") + WELL_KNOWN)
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if provider.get("issuer", "").rstrip("/") != settings.oidc_issuer.rstrip("/"):
        raise ProviderFailed("the identity provider calls itself otherwise than the setting does")
    if any(not urlsplit(str(provider.get(name, ""))).netloc for name in needed):
        raise ProviderFailed("the identity provider does not say where to sign in")
    return provider


def _fetched(client: Any, url: str) -> dict[str, Any]:
    import httpx2

    try:
        reply = client.request("GET", url, withhold_token=True)
        reply.raise_for_status()
        found = reply.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise ProviderFailed("the identity provider cannot be reached") from error
    if not isinstance(found, dict):
        raise ProviderFailed("the identity provider speaks otherwise than it should")
    return found


def _redeemed(client: Any, provider: dict[str, Any], attempt: Attempt, code: str) -> dict[str, Any]:
    import httpx2
    from authlib.integrations.base_client import OAuthError

    methods = provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if client.client_secret and "client_secret_basic" not in methods:
        client.token_endpoint_auth_method = "client_secret_post"
    try:
        token = client.fetch_token(
            provider["token_endpoint"], code=code, code_verifier=attempt.verifier
        )
    except OAuthError as error:
        raise NotAllowed("the identity provider did not accept this sign-in") from error
    except (httpx2.HTTPError, ValueError) as error:
        raise ProviderFailed("the identity provider cannot be reached") from error
    if "id_token" not in token:
        raise ProviderFailed("the identity provider does not say who it is")
    return dict(token)


def _claims(
    token: dict[str, Any], keys: dict[str, Any], settings: Settings, attempt: Attempt
) -> dict[str, Any]:
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    wanted = {
        "iss": {"essential": True, "values": [settings.oidc_issuer, settings.oidc_issuer + "/"]},
        "aud": {"essential": True, "value": settings.oidc_client_id},
    }
    given = {
        "nonce": attempt.nonce,
        "client_id": settings.oidc_client_id,
        "access_token": token.get("access_token", ""),
    }
    try:
        key_set = KeySet.import_key_set(keys)  # type: ignore[arg-type]
        decoded = jwt.decode(token["id_token"], key_set, algorithms=ALGORITHMS)
        claims = CodeIDToken(decoded.claims, decoded.header, wanted, given)
        claims.validate(leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise NotAllowed("the identity provider's word could not be checked") from error
    return dict(claims)


def _user_info(client: Any, url: str) -> dict[str, Any]:
    import httpx2

    try:
        found = client.get(url).json()
    except (httpx2.HTTPError, ValueError) as error:
        raise ProviderFailed("the identity provider cannot be reached") from error
    return found if isinstance(found, dict) else {}
