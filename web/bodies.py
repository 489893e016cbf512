"""What programs send to the JSON API."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from kb.articles import Wording, tidy_tag
from kb.audiences import PUBLIC
from kb.frontmatter import parse_days
from kb.links import check_links
from web import examples


def _plausible(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2200:
        raise ValueError("the year must be 2000 to 2200")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]


class Question(BaseModel):
    """A question in the customer's own words."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.QUESTION]})
    question: str
    locale: str | None = Field(None, description="Found from the question when left out")
    channel: str = Field("api", description="help_site, widget, sidebar (with a key) or api")


class NewRevision(BaseModel):
    """The fields of a content file; `based_on` guards against two editors at once."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [examples.NEW_REVISION]}
    )
    locale: str | None = None
    title: str
    answer: str
    body: str = ""
    phrasings: list[str] = []
    category: str = "general"
    audience: str = PUBLIC
    owner: str = ""
    verify_every: str | None = Field(None, examples=["90d"])
    tags: list[str] = Field([], examples=[["sign-in"]])
    based_on: int | None = Field(None, ge=0, description="The version this edit started from")

    def wording(self) -> Wording:
        """The Wording these fields make. Raises Invalid for a relative link."""
        wording = Wording(
            title=self.title.strip(),
            answer=self.answer.strip(),
            body=self.body.strip(),
            phrasings=tuple(dict.fromkeys(p.strip() for p in self.phrasings)),
            category=self.category.strip() or "general",
            audience=self.audience,
            owner=self.owner.strip(),
            verify_days=parse_days(self.verify_every),
            tags=tuple(tidy_tag(tag) for tag in self.tags),
        )
        check_links(wording)
        return wording


class NewArticle(NewRevision):
    """A new article and its first revision."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.NEW_ARTICLE]})
    slug: str


class Place(BaseModel):
    """Which revision of an article: the newest of the fallback locale unless said."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PLACE]})
    locale: str | None = None


class NewPublication(Place):
    """Publish now, or from `starts_at`, until `expires_at` if given."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.NEW_PUBLICATION]})
    version: int | None = Field(None, ge=1, le=1_000_000_000)
    starts_at: Moment | None = None
    expires_at: Moment | None = None
