"""E-mail: printed until a server is set, by SMTP from then on."""

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from hashlib import sha256
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from assistant.letters import Letter, check_address, site_of
from assistant.outgoing import TIMEOUT, Outgoing, Sender, Undeliverable
from kb.articles import CONTROL
from kb.errors import Invalid
from kb.settings import Settings

PORTS = {"smtp": 25, "smtps": 465}
HIDDEN = "…"


class Mailer(Protocol):
    """Something that sends a letter; `key` is the same whenever the same letter is sent."""

    def send(self, letter: Letter, key: str, at: datetime) -> None:
        """Hand it over, or raise: Undeliverable for ever, anything else for now."""


def mailer_of(settings: Settings) -> Mailer:
    """By SMTP where VERBATIM_SMTP_URL is set, else on the console."""
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url, sender_of(settings))
    return ConsoleMailer()


def mail_sender(mailer: Mailer) -> Sender:
    """Delivers the outbox's letters."""

    def send(message: Outgoing) -> None:
        mailer.send(Letter(**message.data), message.key, message.created_at)

    return send


def sender_of(settings: Settings) -> str:
    """VERBATIM_MAIL_FROM, else nobody at the site's own host."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    name, _mark, address = (settings.mail_from or f"no-reply@{host}").rpartition("<")
    name = name.strip().strip('"') or site_of(settings, settings.fallback_locale)
    return formataddr((" ".join(name.split()), address.rstrip(">").strip()))


class ConsoleMailer:
    """Prints each letter as one block; addresses that open something are left out."""

    def send(self, letter: Letter, key: str, at: datetime) -> None:
        """Print it."""
        text = letter.text.replace(letter.secret, HIDDEN) if letter.secret else letter.text
        lines = [f"To: {letter.to}", f"Subject: {letter.subject}", "", *text.splitlines()]
        block = "\n".join(f"  | {CONTROL.sub('', line)}" for line in lines)
        print(f"E-mail (set VERBATIM_SMTP_URL to send it):\n{block}", flush=True)


@dataclass
class SmtpMailer:
    """Sends each letter by a server such as smtp://user:password@host:587?starttls=1."""

    url: str = field(repr=False)
    sender: str
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def send(self, letter: Letter, key: str, at: datetime) -> None:
        """Over a connection of its own. Raises Undeliverable for what is refused for ever."""
        message = compose(letter, self.sender, key, at)
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise _failure(code, reason, error) from error
        except smtplib.SMTPDataError as error:
            raise _failure(error.smtp_code, error.smtp_error, error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Undeliverable(f"the mail server cannot send this: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "localhost", parts.port or PORTS[parts.scheme]
        server = (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=self.context)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=TIMEOUT)
        )
        try:
            if parts.scheme == "smtp" and _wants_starttls(self.url):
                server.starttls(context=self.context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server


def _wants_starttls(url: str) -> bool:
    """As the address says; a password does not travel in the clear unless it says so."""
    parts = urlsplit(url)
    said = parse_qs(parts.query).get("starttls", ["1" if parts.username else "0"])[-1]
    return said.lower() not in ("0", "false", "no", "off")


def _failure(code: int, reason: bytes | str, error: Exception) -> Exception:
    words = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return Undeliverable(f"{code} {words}") if code >= 500 else error


def compose(letter: Letter, sender: str, key: str, at: datetime) -> EmailMessage:
    """The letter as RFC 5322 has it; the same key always gives the same Message-ID."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _wire_address(letter.to)
    message["Subject"] = " ".join(CONTROL.sub(" ", letter.subject).split())
    message["Date"] = format_datetime(at)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    message["Message-ID"] = f"<{sha256(key.encode()).hexdigest()[:40]}@{domain}>"
    # RFC 3834: nobody's holiday notice answers a machine.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if letter.leave:
        message["List-Unsubscribe"] = f"<{letter.leave}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    # Set last: becoming two parts moves what is said of the content into the first.
    message["Content-Language"] = letter.locale
    return message


def _wire_address(text: str) -> str:
    try:
        local, _at, domain = check_address(text).rpartition("@")
    except Invalid as error:
        raise Undeliverable(str(error)) from error
    return f"{local}@{domain.encode('idna').decode()}"
