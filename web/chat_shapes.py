"""What the chat replies with: for its description and its tests, never checked at run time."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from web.package_shapes import Reachable, ReadUpTo
from web.turn_shapes import Author, CaseStatus, Status, Turn, Why, Wish


class Handoff(BaseModel):
    """A wish for a person, as its customer sees it."""

    id: int
    status: CaseStatus
    wish: Wish
    reason: Why
    position: int | None = Field(ge=1, description="In the queue; null unless waiting")
    estimated_wait_seconds: int | None = Field(ge=0, description="Null when nobody can tell")
    choose: bool = Field(description="Whether to offer a call or an e-mail instead of waiting")
    created_at: datetime
    contact: Reachable


class HandedOff(BaseModel):
    """The wish for a person."""

    handoff: Handoff


class CalledOff(BaseModel):
    """What became of the wish for a person."""

    handoff: Handoff | None = Field(description="Null when nobody had been asked for")


class AgentName(BaseModel):
    """Who is with the customer."""

    name: str


class Standing(BaseModel):
    """Where a conversation stands."""

    status: Status
    handoff: Handoff | None = Field(description="The latest wish for a person")
    agent: AgentName | None = Field(description="With `with_agent`")
    ask_solved: bool = Field(description="Whether to ask the customer if it is solved")


class Known(BaseModel):
    """Who the customer is."""

    verified: bool = Field(description="Whether the website has vouched for it")
    name: str | None
    email: str | None


class Satisfied(BaseModel):
    """Whether it was solved, in the customer's word."""

    solved: bool
    score: int | None = Field(ge=1, le=5)


class Conversation(Standing):
    """A conversation as its customer sees it."""

    id: str
    locale: str
    started_at: datetime
    turns: list[Turn]
    customer: Known
    satisfaction: Satisfied | None = Field(description="Null until the customer has said")
    read: ReadUpTo
    last_event: int = Field(ge=0, description="Events go on after this `Last-Event-ID`")


class Begun(BaseModel):
    """A conversation and the token that opens it."""

    id: str
    token: str = Field(description="Shown only here; keep it on this device")
    conversation: Conversation


class NewToken(BaseModel):
    """One more token that opens the conversation."""

    token: str


class OwnConversation(BaseModel):
    """One of the customer's own conversations, in a line."""

    id: str
    started_at: datetime
    changed_at: datetime
    status: Status
    want: str = Field(description="What the customer wants, in their own words")
    last: str = Field(max_length=200, description="How the latest turn begins")


class OwnConversations(BaseModel):
    """A customer's own conversations, the one that moved last first."""

    items: list[OwnConversation] = Field(max_length=20)


class Accepted(BaseModel):
    """It will be done soon."""

    status: Literal["accepted"]


# -- events ------------------------------------------------------------------------


class Typing(BaseModel):
    """Somebody is writing."""

    author: Author
    name: str | None


class HasRead(BaseModel):
    """Somebody has read."""

    author: Author
    n: int = Field(ge=1, description="Up to which turn")


class Deleted(BaseModel):
    """The conversation is no more; close the stream."""


EVENTS: dict[str, type[BaseModel]] = {
    "conversation": Standing,
    "turn": Turn,
    "typing": Typing,
    "read": HasRead,
    "deleted": Deleted,
}
