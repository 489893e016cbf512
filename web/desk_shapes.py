"""What the desk replies with: for its description and its tests, never checked at run time."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from web.chat_shapes import HasRead, Known, Typing
from web.package_shapes import Colleague, Suggestion
from web.turn_shapes import CaseStatus, Turn, Why, Wish

Role = Literal["contributor", "publisher", "agent", "admin"]
Room = Field(ge=1, le=20, description="How many cases at once")


# -- who is there ------------------------------------------------------------------


class Me(Colleague):
    """Who has signed in."""

    email: str
    role: Role


class Presence(BaseModel):
    """Whether cases may come, and which."""

    online: bool
    languages: list[str] = Field(description="Empty for all")
    skills: list[str] = Field(description="Categories of articles; empty for all")
    room: int = Room
    since: datetime | None = Field(description="Null when offline")


class Agent(Colleague):
    """Somebody who has been at the desk."""

    online: bool
    languages: list[str]
    skills: list[str]
    open: int = Field(ge=0, description="How many cases they have on their hands")
    room: int = Room


class Counts(BaseModel):
    """How much there is to do."""

    waiting: int = Field(ge=0)
    mine: int = Field(ge=0)


class Desk(BaseModel):
    """Who I am, who is there, how much waits."""

    me: Me
    presence: Presence
    agents: list[Agent] = Field(description="By name")
    counts: Counts
    locales: list[str] = Field(description="What the help site is written in")


# -- cases -------------------------------------------------------------------------


class CaseLine(BaseModel):
    """A case, as the queue shows it."""

    id: int
    conversation: str = Field(description="Its id")
    status: CaseStatus
    reason: Why
    want: str = Field(description="What the customer wants, in their own words")
    locale: str
    skill: str = Field(description="The category of what was talked about; may be empty")
    created_at: datetime
    waited_seconds: int = Field(ge=0, description="From asking to being taken, or until now")
    position: int | None = Field(ge=1, description="In the queue; null unless waiting")
    wish: Wish
    customer: Known
    agent: Colleague | None = Field(description="Who has it, or had it to the end")
    offered_to: Colleague | None
    offered_to_me: bool
    unread: int = Field(ge=0, description="How many of the customer's turns no agent has read")
    last: str = Field(max_length=200, description="How the latest words of the two begin")
    returned: bool = Field(description="Whether it lost its agent, and so comes first")


class CaseList(BaseModel):
    """Cases: those that wait in the order of their turn, others newest first."""

    items: list[CaseLine]
    total: int = Field(ge=0, description="On all pages together")
    next: int | None = Field(description="Send it as `after` for the next page; null on the last")


class Spoken(BaseModel):
    """The agent's turn."""

    turn: Turn


# -- knowledge ---------------------------------------------------------------------


class Suggestions(BaseModel):
    """Approved answers to a question, best first."""

    question: str = Field(description="What was searched for; empty for nothing")
    items: list[Suggestion]


class Noted(BaseModel):
    """It is kept."""

    id: int


class Verified(BaseModel):
    """Somebody has made sure that a wording is still right."""

    id: int = Field(description="To take it back with")
    article: str
    version: int
    locale: str
    verified_at: datetime
    due_at: datetime | None = Field(description="When somebody should look again")


# -- events ------------------------------------------------------------------------


class QueueMoved(BaseModel):
    """How many wait."""

    waiting: int = Field(ge=0)


class CaseMoved(BaseModel):
    """Where a case stands now."""

    id: int
    status: CaseStatus
    agent: Colleague | None
    offered_to: int | None = Field(description="A person's id")


class CaseTurn(BaseModel):
    """Something was said in a case that waits or is one's own."""

    handoff: int
    conversation: str
    turn: Turn


class CaseTyping(Typing):
    """The customer is writing."""

    handoff: int


class CaseRead(HasRead):
    """Somebody has read."""

    handoff: int


EVENTS: dict[str, type[BaseModel]] = {
    "queue": QueueMoved,
    "handoff": CaseMoved,
    "turn": CaseTurn,
    "typing": CaseTyping,
    "read": CaseRead,
}
