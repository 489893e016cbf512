"""What is passed on with a case: for its description and its tests, never checked at run time."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from web.shapes import Version, Words
from web.turn_shapes import CaseStatus, Number, Reference, Status, Turn, Why, Wish

Disposition = Literal["answered", "new", "other"]
Badge = Literal["verified", "stale", "outdated", "agents_only", "not_validated", "corrected"]


class Reachable(BaseModel):
    """How the customer can be reached."""

    name: str | None
    email: str | None
    phone: str | None


class Page(BaseModel):
    """The page that the customer is on."""

    url: str | None
    title: str | None


class VisitedPage(BaseModel):
    """A page that the customer was on before."""

    url: str
    title: str
    at: str = Field(description="When, in the website's word")


class PastSearch(BaseModel):
    """A search that the customer made before."""

    q: str
    at: str = Field(description="When, in the website's word")


class Fact(BaseModel):
    """Something already given, such as the number of an order."""

    kind: str = Field(description="order_number, email, phone or the customer's own name for it")
    value: str


class FoundFact(Fact):
    """Something already given, and where it was said."""

    turn: int = Number


class ShownAnswer(BaseModel):
    """An answer that the customer was given."""

    title: str
    version: int = Version
    helped: bool | None


class PackagePreview(BaseModel):
    """What would be passed on to a person, for its customer to look through and correct."""

    want: str = Field(description="What the customer wants, in their own words")
    contact: Reachable
    verified: bool
    facts: list[FoundFact | Fact]
    page: Page
    pages: list[VisitedPage]
    searches: list[PastSearch]
    transcript_turns: int = Field(ge=0, description="How many turns are passed on")
    answers: list[ShownAnswer]
    language: str


class ReadUpTo(BaseModel):
    """Up to which turn each side has read; 0 for none."""

    customer: int = Field(ge=0)
    agent: int = Field(ge=0)


class Colleague(BaseModel):
    """Somebody of the staff."""

    id: int
    name: str


class Customer(Reachable):
    """Who has asked."""

    id: str | None = Field(description="In the website's word; null for a visitor")
    verified: bool = Field(description="Whether the website has vouched for who this is")
    attributes: dict[str, str] = Field(description="What else the website says of them")


class GivenReference(Reference):
    """An approved answer that the customer was given."""

    turn: int = Number
    by: Literal["assistant", "agent"]
    helped: bool | None = Field(description="The customer's verdict")


class EarlierTalk(BaseModel):
    """Another conversation of the same customer."""

    id: str
    started_at: datetime
    status: Status
    want: str
    handoff: int | None = Field(description="The id of its latest case")
    disposition: Disposition | None
    agent: Colleague | None = Field(description="Who resolved it")


class Suggestion(Words):
    """An approved answer that may help; `agents_only` ones are not for customers."""

    approved_at: datetime | None = Field(description="Null for a draft, which is `not_validated`")
    verified_at: datetime | None
    audience: str = Field(description="public, customers, agents or a segment's name")
    badges: list[Badge]
    score: float = Field(ge=0, le=1, description="Its part of the belief; 0 for a draft")
    owner: str = Field(description="Whom to ask about it; may be empty")


class Case(BaseModel):
    """A case with its whole story, so that nobody has to repeat anything."""

    schema_: str = Field(alias="schema", description="Where the format of a case is published")
    id: int
    conversation: str = Field(description="Its id")
    status: CaseStatus
    reason: Why = Field(description="Why a person was asked for")
    wish: Wish = Field(description="How the customer would like to be answered")
    want: str = Field(description="What the customer wants, in their own words")
    created_at: datetime
    claimed_at: datetime | None
    resolved_at: datetime | None
    waited_seconds: int = Field(ge=0, description="From asking to being taken, or until now")
    locale: str
    skill: str = Field(description="The category of what was talked about; may be empty")
    channel: str
    customer: Customer
    page: Page
    pages: list[VisitedPage]
    searches: list[PastSearch]
    facts: list[FoundFact | Fact]
    transcript: list[Turn] = Field(description="All turns, notes for colleagues included")
    answers: list[GivenReference]
    earlier: list[EarlierTalk] = Field(max_length=10)
    agent: Colleague | None = Field(description="Who has it, or had it to the end")
    read: ReadUpTo
    disposition: Disposition | None = Field(description="How it ended")
    note: str = Field(description="The agent's last word for colleagues")
    solved: bool | None = Field(description="In the customer's word")
    score: int | None = Field(ge=1, le=5)
    comment: str = Field(description="What the customer said of it")
    suggestions: list[Suggestion] = Field(description="What would answer it, best first")
