"""What the desk sends."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Version = Annotated[int | None, Field(ge=1, le=1_000_000_000)]
Code = Annotated[str | None, Field(max_length=20)]
HandoffId = Annotated[int | None, Field(ge=1, le=2**31 - 1)]


class NewPresence(BaseModel):
    """Whether cases may come, and which."""

    online: bool
    languages: list[str] | None = Field(None, max_length=20)
    skills: list[str] | None = Field(None, max_length=60)
    room: int | None = Field(None, ge=1, le=20)


class NewReply(BaseModel):
    """What the agent says; with `article`, it began as that approved answer."""

    text: str
    client_id: str | None = None
    article: str | None = Field(None, max_length=200)
    version: Version = None
    locale: Code = None


class NewNote(BaseModel):
    """Words for colleagues."""

    text: str


class NewTransfer(BaseModel):
    """To a person's id, a language or a skill; without `to`, back to the queue."""

    to: str | int | None = None
    note: str = ""


class NewResolution(BaseModel):
    """How the case ended; `answered` says by which article."""

    disposition: Literal["answered", "new", "other"]
    article: str | None = Field(None, max_length=200)
    version: Version = None
    locale: Code = None
    note: str = ""


class NewUse(BaseModel):
    """An article was given to a customer."""

    handoff: HandoffId = None
    locale: Code = None
    version: Version = None
    how: Literal["inserted", "linked"] = "linked"
    text: str | None = Field(None, max_length=4000)


class NewFlag(BaseModel):
    """Something is wrong with an article."""

    reason: str
    handoff: HandoffId = None
    locale: Code = None
    version: Version = None


class NewKnowledge(BaseModel):
    """A draft from a conversation; what is left out is taken from it."""

    title: str | None = Field(None, max_length=200)
    answer: str | None = None
    slug: str | None = Field(None, max_length=120)
