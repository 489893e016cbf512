"""What is said in a chat and at the desk: for its description, never checked at run time."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from web.shapes import Corrected, GivenAnswer, Link, Notice, Reason, ReceiptNote, Sha256, Version

Author = Literal["customer", "assistant", "agent", "system", "note"]
Kind = Literal[
    "message", "answer", "clarify", "abstained", "phrase", "offer", "status", "note", "correction"
]
Why = Literal["request", "failures", "complaint", "frustration", "people_only", "other"]
Wish = Literal["wait", "callback", "email"]
Status = Literal["open", "waiting", "with_agent", "resolved"]
CaseStatus = Literal["waiting", "with_agent", "resolved", "cancelled"]
Number = Field(ge=1, description="Counted within the conversation")


class Phrase(BaseModel):
    """Approved words that answer nothing, such as a greeting."""

    name: str = Field(description="One of docs/phrases.md")
    version: int | None = Field(description="Of the published phrase; null for a built-in one")
    sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="Of the approved words, before a name was put in"
    )


class SaidPhrase(Phrase):
    """Approved words that answer nothing, as they were said."""

    text: str
    html: str = Field(description="`text` as safe HTML")


class ChatReply(BaseModel):
    """What the assistant says: a reply to `ask`, or approved words that answer nothing."""

    outcome: Literal["answered", "clarify", "abstained", "corrected", "phrase"]
    locale: str = Field(description="The question's language")
    confidence: float | None = Field(ge=0, le=1, description="Null where nothing was searched for")
    answer: GivenAnswer | None = Field(
        description="Null unless `outcome` is `answered` or `corrected`"
    )
    options: list[Link] = Field(description="With `clarify`, two or three to choose from")
    related: list[Link] = Field(max_length=3, description="Worth reading, best first")
    reason: Reason | Why | None = Field(
        description="Why there is no answer or, with the offer of a person, why it is made"
    )
    notice: Notice | None = Field(description="The gravest that concerns it now, if any")
    phrase: SaidPhrase | None = Field(
        description="What is said where there is no answer, or before a correction"
    )
    receipt: ReceiptNote | None = Field(description="Null where nothing was searched for")


class Reference(BaseModel):
    """An approved answer without its words."""

    article: str = Field(description="Its slug")
    version: int = Version
    locale: str
    title: str
    url: str
    sha256: str = Sha256


class UsedAnswer(Reference):
    """The approved answer that an agent's words are, or began as."""

    deviates: bool = Field(description="Whether the agent changed the approved words")


class Corrects(BaseModel):
    """What was said wrongly before."""

    turns: list[int] = Field(description="Which turns said it")
    why: str = Field(description="What was wrong, in one sentence")
    version: int = Version
    locale: str
    text: str = Field(description="The wrong answer, as it was given, in Markdown")
    html: str = Field(description="`text` as safe HTML")
    sha256: str = Sha256


class Turn(BaseModel):
    """One thing said."""

    n: int = Number
    at: datetime
    author: Author = Field(description="`note` is for colleagues; customers never get it")
    name: str | None = Field(description="The agent's")
    kind: Kind = Field(
        description="`offer` is the offer of a person; `correction` says that an answer was wrong"
    )
    locale: str
    text: str = Field(description="Plain as a customer typed it, else Markdown")
    html: str | None = Field(description="`text` as safe HTML; null for a customer's words")
    reply: ChatReply | None = Field(description="With the assistant's turns")
    phrase: Phrase | None = Field(description="Which approved words these are, if they are")
    article: UsedAnswer | None = Field(description="With an agent's turns")
    corrected: Corrected | None = Field(description="Set once these words turned out wrong")
    corrects: Corrects | None = Field(description="With a correction")
    helped: bool | None = Field(description="The customer's verdict on an answer")
    client_id: str | None = Field(description="The sender's own name for it")


class Exchange(BaseModel):
    """The customer's turn, and what is said to it."""

    turn: Turn
    reply: ChatReply | None = Field(description="Null once a person has been asked for")
    turns: list[Turn] = Field(min_length=1, description="`turn` and all that was said to it")


class Judged(BaseModel):
    """The answer that was judged, and what is said to the verdict."""

    turn: Turn
    turns: list[Turn] = Field(max_length=1, description="After the second no, an offer")
