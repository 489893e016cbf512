"""A real SMTP server on loopback that keeps what it is given, or refuses it."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CERTIFICATE = Path(__file__).parent / "loopback-tests-only.pem"


class Postbox:
    """What has arrived; `refusal` is the reply to the next letters, `logins` who came in."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.refusal = ""
        self.port = 0

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        self.messages.append(message_from_bytes(content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def authenticate(self, _s: Any, _e: Any, _p: Any, _m: Any, given: LoginPassword) -> AuthResult:
        self.logins.append((given.login, given.password))
        return AuthResult(success=given.password == b"p@ss word")


class AnyPort(Controller):
    """Listens on a free port, and then knows which."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def postbox(how: str = "plain") -> Iterator[Postbox]:
    """Open on a free port: `plain`, `starttls` (which it insists on) or `smtps`."""
    box = Postbox()
    more: dict[str, Any] = {"enable_SMTPUTF8": True}
    if how != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        more |= {"authenticator": box.authenticate}
        if how == "starttls":
            more |= {"tls_context": context, "require_starttls": True, "auth_required": True}
        else:
            more |= {"ssl_context": context, "auth_require_tls": False}
    controller = AnyPort(box, hostname="127.0.0.1", port=0, **more)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def trusting() -> ssl.SSLContext:
    """A context that knows the server's certificate, and no other."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))
