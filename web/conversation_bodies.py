"""What the chat sends."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kb.articles import CONTROL
from web import chat_examples


def _plain(text: str) -> str:
    """What a page calls itself may hold anything; control characters cannot be kept."""
    return CONTROL.sub("", text)


Url = Annotated[str, Field(max_length=2000), AfterValidator(_plain)]
Line = Annotated[str, Field(max_length=300), AfterValidator(_plain)]
At = Annotated[str, Field(max_length=40), AfterValidator(_plain)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
ClientId = Annotated[str | None, Field(description="The same again sends nothing twice")]


class Visited(BaseModel):
    """A page that the customer was on before."""

    url: Url
    title: Line = ""
    at: At = ""


class Searched(BaseModel):
    """A search that the customer made before."""

    q: Line
    at: At = ""


class NewConversation(BaseModel):
    """Where a conversation begins; `identity` is a token that the website has signed."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.NEW_CONVERSATION]})
    channel: Literal["widget", "help_site", "api"] = "widget"
    locale: str | None = Field(None, max_length=20)
    page_url: Url | None = None
    page_title: Line | None = None
    referrer: Url | None = None
    identity: str | None = Field(None, max_length=8000)
    pages: list[Visited] = Field([], max_length=30)
    searches: list[Searched] = Field([], max_length=30)


class Identity(BaseModel):
    """Who the customer is, in the website's word."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.IDENTITY]})
    identity: str = Field(max_length=8000)


class NewTurn(BaseModel):
    """What the customer says."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.NEW_TURN]})
    text: str
    client_id: ClientId = None
    page_url: Url | None = None
    page_title: Line | None = None


class Choice(BaseModel):
    """An option of the clarification in turn `n`, or null for none of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.CHOICE]})
    n: Number
    article: str | None = Field(None, max_length=200)
    client_id: ClientId = None


class Verdict(BaseModel):
    """Whether an answer helped."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.VERDICT]})
    helped: bool
    comment: str = ""


class Contact(BaseModel):
    """How the customer can be reached."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Correction(BaseModel):
    """What the customer changes in what is passed on."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.CORRECTION]})
    want: str | None = None
    contact: Contact | None = None
    facts: list[dict[str, Any]] | None = Field(None, max_length=50)
    share_pages: bool | None = None


class NewHandoff(BaseModel):
    """A wish for a person."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.NEW_HANDOFF]})
    reason: str | None = Field(None, max_length=40)
    contact: Contact | None = None
    wish: Literal["wait", "callback", "email"] = "wait"


class Seen(BaseModel):
    """Up to which turn somebody has read."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.SEEN]})
    n: Number


class Satisfaction(BaseModel):
    """Whether it is solved, and how it was."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.SATISFACTION]})
    solved: bool
    score: int | None = Field(None, ge=1, le=5)
    comment: str = ""


class Email(BaseModel):
    """Where to send something."""

    model_config = ConfigDict(json_schema_extra={"examples": [chat_examples.EMAIL]})
    email: str = Field(max_length=200)
