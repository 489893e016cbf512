"""What a person is given with a case, so that nobody has to repeat anything."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from assistant.conversations import (
    CUSTOMER,
    Conversation,
    Turn,
    conversations_of,
    turns_of,
)
from assistant.desk.cases import earlier_handoffs
from assistant.handoffs import Handoff, status_of
from assistant.intents import Intent, intents_of, remainder_of
from kb.articles import CONTROL, Revision, load_revisions
from kb.errors import Invalid

WANT_LIMIT = 500
CONTACT_LIMIT = 200
FACT_KINDS_LIMIT = 40
# Letters below which a message is no question in any language.
SHORT = 1
FALLBACK = "en"
HANDING_OVER = ("handing_over", "contact_kept")
SAYS_NOTHING = {Intent.PERSON, Intent.YES, Intent.NO}


@dataclass(frozen=True)
class Given:
    """An approved wording that the customer was shown, and whether it helped."""

    turn: int
    revision: Revision
    by: str
    helped: bool | None


@dataclass(frozen=True)
class Earlier:
    """Another conversation of the same customer."""

    conversation: Conversation
    handoff: Handoff | None
    status: str
    want: str


@dataclass(frozen=True)
class Package:
    """The whole story of a case."""

    conversation: Conversation
    handoff: Handoff | None
    want: str
    turns: tuple[Turn, ...]
    given: tuple[Given, ...]
    earlier: tuple[Earlier, ...]

    @property
    def asked(self) -> list[str]:
        """The customer's questions in order, without courtesies and wishes for a person."""
        said = [turn.text for turn in self.turns if turn.author == CUSTOMER]
        return [words for text in said if (words := _question_in(text))]

    @property
    def question(self) -> str:
        """The customer's latest question, for suggestions; else what they want."""
        return self.asked[-1] if self.asked else self.want


def package_of(
    session: Session, conversation: Conversation, handoff: Handoff | None = None
) -> Package:
    """Everything known about a conversation, as it is now."""
    turns = turns_of(session, conversation.id)
    return Package(
        conversation,
        handoff,
        conversation.want or want_of(turns),
        tuple(turns),
        _given(session, turns),
        _earlier(session, conversation),
    )


def want_of(turns: list[Turn]) -> str:
    """What the customer wants in one line, in their own words: the last thing they asked the
    assistant. What is said to a person afterwards does not change why they came."""
    ends = [n for n, turn in enumerate(turns) if _phrase_of(turn) in HANDING_OVER]
    before = turns[: ends[-1]] if ends else turns
    asked = [words for t in before if t.author == CUSTOMER and (words := _question_in(t.text))]
    return _shortened(asked[-1]) if asked else ""


def _phrase_of(turn: Turn) -> str:
    return str(turn.detail.get("phrase", {}).get("name", ""))


def _question_in(text: str) -> str:
    """The words that ask something; none in a greeting, a yes or a wish for a person."""
    words = " ".join(remainder_of(text).split())
    is_short = len(words) <= SHORT
    return "" if is_short or intents_of(text, FALLBACK) & SAYS_NOTHING else words


def _shortened(text: str) -> str:
    return text if len(text) <= WANT_LIMIT else text[: WANT_LIMIT - 1].rsplit(" ", 1)[0] + "…"


def _given(session: Session, turns: list[Turn]) -> tuple[Given, ...]:
    ids = {turn.revision_id for turn in turns if turn.revision_id}
    revisions = load_revisions(session, ids)
    return tuple(
        Given(turn.number, revisions[turn.revision_id], turn.author, turn.helped)
        for turn in turns
        if turn.revision_id
    )


def _earlier(session: Session, conversation: Conversation) -> tuple[Earlier, ...]:
    if conversation.customer_id is None:
        return ()
    others = conversations_of(session, conversation.customer_id, besides=conversation.id, limit=10)
    handoffs = earlier_handoffs(session, [other.id for other in others])
    return tuple(
        Earlier(
            other,
            handoffs.get(other.id),
            status_of(other, handoffs.get(other.id)),
            other.want or want_of(turns_of(session, other.id)),
        )
        for other in others
    )


def correct(
    session: Session,
    conversation: Conversation,
    want: str | None = None,
    contact: dict[str, str | None] | None = None,
    facts: list[dict[str, Any]] | None = None,
    share_pages: bool | None = None,
) -> None:
    """The customer's own word on what is passed on; what the website vouched for stays.

    Raises Invalid for what is too long or no address.
    """
    if want is not None:
        conversation.want = _line(want, WANT_LIMIT, "want") or None
    for name, value in (contact or {}).items():
        if value is not None and not (conversation.is_verified and getattr(conversation, name)):
            setattr(conversation, name, _contact(name, value))
    if facts is not None:
        conversation.facts = [_fact(fact) for fact in facts[:FACT_KINDS_LIMIT]]
    if share_pages is False:
        conversation.pages, conversation.searches = [], []
        conversation.page_url = conversation.page_title = None
    session.add(conversation)
    session.flush()


def _fact(fact: dict[str, Any]) -> dict[str, Any]:
    kind = _line(str(fact.get("kind", "")), 40, "facts")
    return {"kind": kind or "other", "value": _line(str(fact.get("value", "")), 200, "facts")}


def _contact(name: str, value: str) -> str | None:
    value = _line(value, CONTACT_LIMIT, f"contact.{name}")
    if name == "email" and value and ("@" not in value[1:-1] or " " in value):
        raise Invalid(f"{value!r} is not an e-mail address", "contact.email")
    if name == "phone" and value and sum(c.isdigit() for c in value) < 5:
        raise Invalid(f"{value!r} is not a telephone number", "contact.phone")
    return value or None


def _line(text: str, limit: int, name: str) -> str:
    text = " ".join(CONTROL.sub(" ", text).split())
    if len(text) > limit:
        raise Invalid(f"{name} has {len(text)} characters; the limit is {limit}", name)
    return text
