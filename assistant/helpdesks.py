"""Telling a help desk what becomes of a case: the built-in desk reads the store by itself, any
other is told over a signed webhook, in the order of the outbox and until it has said yes.

Events: created, cancelled, resolved, reopened, and deleted when the customer's words are gone.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

import httpx
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.handoffs import Handoff
from assistant.outgoing import TIMEOUT, Outgoing, Sender, queue
from kb.db import now, reading
from kb.settings import Settings

HANDOFF = "handoff"
EVENTS = ("created", "cancelled", "resolved", "reopened", "deleted")
DELETED = "deleted"

# The whole story of a case as JSON; the web layer knows the format.
Present = Callable[[Session, Handoff], dict[str, Any]]


class HelpDesk(Protocol):
    """Where people answer; it is told of each event, and perhaps twice with the same delivery."""

    def tell(self, delivery: str, case: dict[str, Any], at: datetime) -> None:
        """Take the case as it stands now, `case["event"]` being the news; or raise."""


def help_desk_of(settings: Settings) -> HelpDesk:
    """The one at VERBATIM_WEBHOOK_URL where set, else the built-in desk."""
    if settings.webhook_url:
        return WebhookDesk(settings.webhook_url, settings.webhook_secret)
    return BuiltInDesk()


def announce(session: Session, handoff: Handoff, event: str) -> None:
    """Whichever help desk there is will hear of it, once the transaction is committed.

    No words are kept for it: the case is read when it is told.
    """
    at = now()
    data = {"event": event, "at": _iso(at), "handoff": handoff.id}
    data |= {"conversation": handoff.conversation_id}
    queue(session, HANDOFF, f"{HANDOFF}-{handoff.id}-{event}-{at.timestamp():.6f}", data)


def handoff_sender(engine: Engine, desk: HelpDesk, present: Present) -> Sender:
    """Delivers the outbox's announcements."""

    def send(message: Outgoing) -> None:
        if isinstance(desk, BuiltInDesk):
            return
        case = _case(engine, message.data, present)
        if case:
            desk.tell(delivery_of(message.key), case, now())

    return send


def _case(engine: Engine, data: dict[str, Any], present: Present) -> dict[str, Any] | None:
    """What is told; None for a case that was deleted meanwhile, which has news of its own."""
    news = {"event": data["event"], "occurred_at": data["at"]}
    if data["event"] == DELETED:
        return news | {"id": data["handoff"], "conversation": data["conversation"]}
    with reading(engine) as session:
        handoff = session.get(Handoff, data["handoff"])
        if handoff is None or handoff.conversation_id != data["conversation"]:
            return None
        return news | present(session, handoff)


def delivery_of(key: str) -> str:
    """The same for the same news, however often it is sent."""
    return sha256(key.encode()).hexdigest()[:32]


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class BuiltInDesk:
    """The desk of this product: its queue is the store itself, so there is nothing to tell."""

    def tell(self, delivery: str, case: dict[str, Any], at: datetime) -> None:
        """Nothing to do."""


@dataclass
class WebhookDesk:
    """Any other: one POST for each event, signed like
    `Verbatim-Signature: t=1767225600,v1=<hex HMAC-SHA256 of "t.body">`."""

    url: str = field(repr=False)
    secret: str = field(repr=False)

    def tell(self, delivery: str, case: dict[str, Any], at: datetime) -> None:
        """Raises unless the help desk answers 2xx in time."""
        body = json.dumps(case, ensure_ascii=False).encode()
        response = httpx.post(
            self.url, content=body, headers=self._headers(delivery, case, body, at), timeout=TIMEOUT
        )
        if not response.is_success:
            raise ConnectionError(f"the help desk answered {response.status_code}")

    def _headers(
        self, delivery: str, case: dict[str, Any], body: bytes, at: datetime
    ) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "Verbatim",
            "Verbatim-Event": f"{HANDOFF}.{case['event']}",
            "Verbatim-Delivery": delivery,
            "Verbatim-Signature": signature(self.secret, body, at),
        }


def signature(secret: str, body: bytes, at: datetime) -> str:
    """Proof that a body comes from who knows the secret, and of when it was sent."""
    stamp = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    return f"t={stamp},v1={digest}"
