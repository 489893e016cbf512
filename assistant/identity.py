"""Who a customer is, in the word of the company's own website: a signed token (JWT, HS256).

The website's server signs `{"sub": …, "exp": …}` with the secret of VERBATIM_IDENTITY_SECRET
(RFC 7519, HMAC-SHA256); a browser's word is never taken. This is the only file that knows PyJWT.
"""

from dataclasses import dataclass, field
from typing import Any

import jwt
from sqlmodel import Session

from assistant.conversations import Conversation, conversations_of
from assistant.handoffs import latest_handoff, status_of
from kb.articles import AUDIENCE, CONTROL
from kb.audiences import CUSTOMERS, PUBLIC
from kb.db import now
from kb.errors import Invalid, NotAllowed

TEXT_LIMIT = 200
ATTRIBUTES_LIMIT = 30
RESUMED_WITHIN_HOURS = 24
# PyJWT warns of shorter ones; RFC 7518 asks for as many bytes as the hash has.
SECRET_BYTES = 32


@dataclass(frozen=True)
class Customer:
    """Somebody the website has signed in; `audience` is what they may read."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    audience: str = CUSTOMERS
    attributes: dict[str, Any] = field(default_factory=dict)


def verify_identity(secret: str, token: str) -> Customer:
    """Whom a token stands for. Raises NotAllowed when forged, expired or not asked for."""
    if len(secret.encode()) < SECRET_BYTES:
        raise NotAllowed(
            "this server takes no identities; set VERBATIM_IDENTITY_SECRET "
            f"to {SECRET_BYTES} bytes or more"
        )
    try:
        claims = jwt.decode(
            token, secret, algorithms=["HS256"], options={"require": ["exp", "sub"]}, leeway=10
        )
    except jwt.ExpiredSignatureError as error:
        raise NotAllowed("this identity has expired; have the website sign a new one") from error
    except jwt.InvalidTokenError as error:
        raise NotAllowed("this identity was not signed by the website") from error
    return _customer(claims)


def _customer(claims: dict[str, Any]) -> Customer:
    audience = claims.get("audience", CUSTOMERS)
    if not isinstance(audience, str) or not AUDIENCE.fullmatch(audience):
        raise Invalid("the identity's audience must be a segment's name", "identity")
    if audience in (PUBLIC, "agents", "assistant"):
        raise Invalid(f"no customer can be of the audience {audience}", "identity")
    attributes = claims.get("attributes", {})
    if not isinstance(attributes, dict) or len(attributes) > ATTRIBUTES_LIMIT:
        raise Invalid(f"attributes are up to {ATTRIBUTES_LIMIT} names with values", "identity")
    shown = {_plain(key)[:80]: _plain(value)[:TEXT_LIMIT] for key, value in attributes.items()}
    texts = {name: _text(claims, name) for name in ("name", "email", "phone")}
    return Customer(id=_text(claims, "sub") or "", audience=audience, attributes=shown, **texts)


def _plain(value: Any) -> str:
    return CONTROL.sub("", str(value))


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_LIMIT or not value.isprintable():
        raise Invalid(f"the identity's {name} must be up to {TEXT_LIMIT} characters", "identity")
    return value


def known_as(conversation: Conversation, customer: Customer) -> None:
    """The conversation is this customer's from now on. Raises NotAllowed if it is another's."""
    if conversation.customer_id not in (None, customer.id):
        raise NotAllowed("this conversation is somebody else's; start a new one")
    conversation.customer_id, conversation.audience = customer.id, customer.audience
    conversation.name = customer.name or conversation.name
    conversation.email = customer.email or conversation.email
    conversation.phone = customer.phone or conversation.phone
    conversation.attributes = customer.attributes


def unfinished(session: Session, customer: Customer) -> Conversation | None:
    """The customer's own conversation that goes on, begun perhaps on another device."""
    for conversation in conversations_of(session, customer.id, limit=3):
        status = status_of(conversation, latest_handoff(session, conversation.id))
        idle = (now() - conversation.changed_at).total_seconds() / 3600
        if status in ("waiting", "with_agent") or (
            status == "open" and idle < RESUMED_WITHIN_HOURS
        ):
            return conversation
    return None
