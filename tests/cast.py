"""People and articles that the tests know by name."""

from typing import Any

from sqlmodel import Session

from assistant.receipts import Receipt
from kb.articles import Revision, Wording
from kb.people import Person, add_person, find_person
from kb.publishing import approve, draft, publish, submit

PASSWORD_RESET = Wording(
    title="Reset your password",
    answer="Open **Sign in → Forgot password?** The link we send works for 30 minutes.",
    body="## Steps\n\n1. Open the sign-in page.\n2. Choose **Forgot password?**\n",
    phrasings=("I forgot my password", "can't log in any more", "lost my login"),
    category="account",
)
REFUND_POLICY = Wording(
    title="When you get your money back",
    answer="We refund within 3 working days after the return has arrived.",
    body="The bank may need 2 to 5 working days more.",
    phrasings=("where is my refund", "how long until I have my money back", "refund time"),
    category="refunds",
)
DELIVERY_COSTS = Wording(
    title="What delivery costs",
    answer="Delivery costs €3.95 and is free from €50.",
    body="Furniture costs €29.",
    phrasings=("how much is shipping", "is delivery free", "postage price"),
    category="delivery",
)
# Long enough to have parts; not in the shop.
SENDING_BACK = Wording(
    title="Send something back",
    answer="You have **30 days**, and the return is free.",
    body="""Before you start, have the order number ready.

## Parcels from a neighbour

Our driver leaves a card with the number of the neighbour's door.

## In a shop

Show the *code* at the till.
""",
    phrasings=("how do I return this", "wrong size", "I changed my mind"),
    category="returns",
)
GOODWILL = Wording(
    title="Goodwill credit",
    answer="Agents may give up to €15 without asking a team lead.",
    phrasings=("how much goodwill may I give", "compensation for an angry customer"),
    category="contact",
    audience="agents",
)


def mina(session: Session) -> Person:
    """A publisher."""
    return _person(session, "mina@example.com", "publisher")


def tariq(session: Session) -> Person:
    """A contributor, who writes and may not approve."""
    return _person(session, "tariq@example.com", "contributor")


def omar(session: Session) -> Person:
    """An agent."""
    return _person(session, "omar@example.com", "agent")


def _person(session: Session, email: str, role: str) -> Person:
    return find_person(session, email) or add_person(session, email, role)


def approved(session: Session, slug: str, wording: Wording, locale: str = "en") -> Revision:
    """Written by tariq, approved by mina, not yet published."""
    revision = draft(session, slug, locale, wording, tariq(session))
    submit(session, revision, tariq(session))
    approve(session, revision, mina(session))
    return revision


def published(session: Session, slug: str, wording: Wording, locale: str = "en") -> Revision:
    """Approved and live."""
    revision = approved(session, slug, wording, locale)
    publish(session, revision, mina(session))
    return revision


def shop(session: Session) -> None:
    """Four live articles, one of them for agents only."""
    published(session, "reset-password", PASSWORD_RESET)
    published(session, "refund-time", REFUND_POLICY)
    published(session, "delivery-costs", DELIVERY_COSTS)
    published(session, "goodwill-credit", GOODWILL)


def silence(**otherwise: Any) -> Receipt:
    """The receipt of a reply that said nothing to a customer, and kept nothing more."""
    said = {"epoch": 1, "channel": "api", "audience": "public", "question": "?", "locale": "en"}
    return Receipt(**said | {"outcome": "abstained", "confidence": 0.0} | otherwise)
