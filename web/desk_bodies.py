"""What the desk sends."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kb.articles import CONTROL
from web import desk_examples


def _printable(code: str | None) -> str | None:
    if code and CONTROL.search(code):
        raise ValueError("a code has no control characters")
    return code


def _plain(text: str | None) -> str | None:
    return text and CONTROL.sub("", text)


Version = Annotated[int | None, Field(ge=1, le=1_000_000_000)]
Code = Annotated[str | None, Field(max_length=20), AfterValidator(_printable)]
HandoffId = Annotated[int | None, Field(ge=1, le=2**31 - 1)]


class NewPresence(BaseModel):
    """Whether cases may come, and which."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_PRESENCE]})
    online: bool
    languages: list[str] | None = Field(None, max_length=20)
    skills: list[str] | None = Field(None, max_length=60)
    room: int | None = Field(None, ge=1, le=20)


class NewReply(BaseModel):
    """What the agent says; with `article`, it began as that approved answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_REPLY]})
    text: str
    client_id: str | None = None
    article: str | None = Field(None, max_length=200)
    version: Version = None
    locale: Code = None


class NewNote(BaseModel):
    """Words for colleagues."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_NOTE]})
    text: str
    client_id: str | None = Field(None, description="The same again writes nothing twice")


class NewTransfer(BaseModel):
    """To a person's id, a language or a skill; without `to`, back to the queue."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_TRANSFER]})
    to: str | int | None = None
    note: str = ""


class NewResolution(BaseModel):
    """How the case ended; `answered` says by which article."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_RESOLUTION]})
    disposition: Literal["answered", "new", "other"]
    article: str | None = Field(None, max_length=200)
    version: Version = None
    locale: Code = None
    note: str = ""


class NewUse(BaseModel):
    """An article was given to a customer."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_USE]})
    handoff: HandoffId = None
    locale: Code = None
    version: Version = None
    how: Literal["inserted", "linked"] = "linked"
    text: Annotated[str | None, Field(max_length=4000), AfterValidator(_plain)] = None


class NewFlag(BaseModel):
    """Something is wrong with an article."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_FLAG]})
    reason: str
    handoff: HandoffId = None
    locale: Code = None
    version: Version = None


class NewVerification(BaseModel):
    """An approved wording is still right; without a version, the one that is live."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_VERIFICATION]})
    locale: Code = None
    version: Version = None


class NewKnowledge(BaseModel):
    """A draft from a conversation; what is left out is taken from it."""

    model_config = ConfigDict(json_schema_extra={"examples": [desk_examples.NEW_KNOWLEDGE]})
    title: str | None = Field(None, max_length=200)
    answer: str | None = None
    slug: str | None = Field(None, max_length=120)
