"""Articles and their immutable Revisions.

A Revision's state is derived from its Reviews:

    draft ─submit→ in_review ─approve→ approved          approver ≠ author
    in_review ─request_changes→ draft
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, UniqueConstraint, false, func
from sqlalchemy.orm import joinedload, selectinload
from sqlmodel import Field, Relationship, Session, SQLModel, col, select

from kb.db import Lines, UtcDateTime, now, written_once
from kb.errors import Invalid, NotFound
from kb.settings import LOCALE_NAMES

ANSWER_LIMIT = 600
LIMITS = {"title": 200, "body": 200_000, "category": 80, "owner": 200}
PHRASING_LIMIT, PHRASINGS_LIMIT = 300, 500
# By the last verdict; anything else leaves a draft.
STATE_AFTER = {"submitted": "in_review", "approved": "approved", "adopted": "approved"}
TAG_LIMIT, TAGS_LIMIT = 40, 20
LAST_VERSION = 2**31 - 1
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
AUDIENCE = re.compile(r"[a-z][a-z0-9_-]{0,39}")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Wording:
    """Everything an editor writes; two equal Wordings have the same hash."""

    title: str
    answer: str
    body: str = ""
    phrasings: tuple[str, ...] = ()
    category: str = "general"
    audience: str = "public"
    owner: str = ""
    verify_days: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Digest of all fields, hex; where there are no tags, as it was before there were any."""
        fields = {k: v for k, v in asdict(self).items() if v or k != "tags"}
        canonical = json.dumps(fields, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def tidied(self) -> "Wording":
        """The same words without what no reader sees, so that a file can hold them exactly."""
        return replace(
            self,
            title=_tidy(self.title),
            answer=_tidy(self.answer),
            body=_tidy(self.body),
            phrasings=tuple(dict.fromkeys(_tidy(text) for text in self.phrasings)),
            category=_tidy(self.category) or "general",
            owner=_tidy(self.owner),
            tags=tuple(dict.fromkeys(filter(None, map(tidy_tag, self.tags)))),
        )


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def tidy_tag(tag: str) -> str:
    """A tag as it is kept: lower case, single blanks."""
    return " ".join(tag.lower().split())


class Article(SQLModel, table=True):
    """The lasting identity of one piece of knowledge."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True, index=True)
    source_locale: str
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


@written_once
class Phrasing(SQLModel, table=True):
    """A question in a customer's words."""

    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(default=None, foreign_key="revision.id", index=True)
    position: int
    text: str


class Review(SQLModel, table=True):
    """Somebody submitted, approved or sent back a Revision."""

    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(default=None, foreign_key="revision.id", index=True)
    verdict: str
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    note: str = ""
    # What a submission asks for: to be published once approved, at a time, until another.
    publishes: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    starts_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Verification(SQLModel, table=True):
    """Somebody made sure that a Revision is still right: said so, or gave it to a customer.

    An approval counts as one without a row here. Taken back when it was a mistake.
    """

    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(foreign_key="revision.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    how: str
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    undone_by_id: int | None = Field(default=None, foreign_key="person.id")


@written_once
class Revision(SQLModel, table=True):
    """Immutable wording in one locale, numbered per article and locale."""

    __table_args__ = (
        UniqueConstraint("article_id", "locale", "version"),
        Index("ix_revision_latest", "article_id", "locale", "version"),
        Index("ix_revision_facets", "category", "audience", "owner", "tags"),
    )

    id: int | None = Field(default=None, primary_key=True)
    article_id: int = Field(foreign_key="article.id")
    locale: str
    version: int
    title: str
    answer: str
    body: str
    category: str
    audience: str
    owner: str
    verify_days: int | None = None
    tags: list[str] = Field(default_factory=list, sa_column=Column(Lines, nullable=False))
    sha256: str
    answer_sha256: str
    source_version: int | None = None
    author_id: int = Field(foreign_key="person.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    article: Article = Relationship()
    phrasing_rows: list[Phrasing] = Relationship(
        sa_relationship_kwargs={"order_by": "Phrasing.position"}
    )
    reviews: list[Review] = Relationship(sa_relationship_kwargs={"order_by": "Review.id"})
    verifications: list[Verification] = Relationship(
        sa_relationship_kwargs={"order_by": "Verification.id"}
    )

    @property
    def phrasings(self) -> list[str]:
        """The questions this wording answers, in the editor's order."""
        return [row.text for row in self.phrasing_rows]

    @property
    def state(self) -> str:
        """`draft`, `in_review` or `approved`."""
        return STATE_AFTER.get(self.reviews[-1].verdict, "draft") if self.reviews else "draft"

    @property
    def is_approved(self) -> bool:
        """Whether a second person has approved it."""
        return self.state == "approved"

    @property
    def approved_at(self) -> datetime | None:
        """When it was approved, if it is."""
        return self.reviews[-1].at if self.is_approved else None

    @property
    def verified_at(self) -> datetime | None:
        """When somebody last made sure that it is right; its approval counts."""
        if not self.is_approved:
            return None
        return max([self.reviews[-1].at, *(v.at for v in self.verifications if not v.undone_at)])

    @property
    def submission(self) -> Review | None:
        """How a review was last asked for, if it ever was."""
        asked = [review for review in self.reviews if review.verdict == "submitted"]
        return asked[-1] if asked else None

    @property
    def wording(self) -> Wording:
        """What the editor wrote, as one value."""
        return Wording(
            title=self.title,
            answer=self.answer,
            body=self.body,
            phrasings=tuple(self.phrasings),
            category=self.category,
            audience=self.audience,
            owner=self.owner,
            verify_days=self.verify_days,
            tags=tuple(self.tags),
        )


def answer_digest(text: str) -> str:
    """SHA-256 of an answer's text, hex: what every channel can be checked against."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_wording(wording: Wording) -> None:
    """Raises Invalid naming the field and what to do about it."""
    for name in ("title", "answer", "body", "category", "owner"):
        _check_text(name, getattr(wording, name))
    for name in ("title", "answer"):
        if not getattr(wording, name).strip():
            raise Invalid(f"{name} is empty; write one", name)
    if len(wording.answer) > ANSWER_LIMIT:
        raise Invalid(
            f"answer has {len(wording.answer)} characters; shorten it to {ANSWER_LIMIT} "
            "and move the rest to the body",
            "answer",
        )
    if not AUDIENCE.fullmatch(wording.audience):
        raise Invalid(
            f"audience {wording.audience!r} is not a name such as public, customers or agents",
            "audience",
        )
    if wording.verify_days is not None and not 1 <= wording.verify_days <= 3650:
        raise Invalid("verify_every must be 1 to 3650 days, such as 90d", "verify_every")
    _check_phrasings(wording.phrasings)
    _check_tags(wording.tags)


def _check_text(name: str, text: str) -> None:
    if CONTROL.search(text):
        raise Invalid(f"{name} contains control characters; remove them", name)
    if name in LIMITS and len(text) > LIMITS[name]:
        raise Invalid(f"{name} has {len(text)} characters; the limit is {LIMITS[name]}", name)


def _check_phrasings(phrasings: tuple[str, ...]) -> None:
    if len(phrasings) > PHRASINGS_LIMIT:
        raise Invalid(f"more than {PHRASINGS_LIMIT} phrasings; keep the best", "phrasings")
    for text in phrasings:
        _check_text("phrasings", text)
        if not text.strip() or len(text) > PHRASING_LIMIT:
            raise Invalid(f"a phrasing has 1 to {PHRASING_LIMIT} characters", "phrasings")


def _check_tags(tags: tuple[str, ...]) -> None:
    if len(tags) > TAGS_LIMIT:
        raise Invalid(f"more than {TAGS_LIMIT} tags; keep the most useful", "tags")
    for tag in tags:
        _check_text("tags", tag)
        if not tag.strip() or len(tag) > TAG_LIMIT or re.search(r"[,\n]", tag):
            raise Invalid(f"a tag has 1 to {TAG_LIMIT} characters and no comma", "tags")


def check_slug(slug: str) -> str:
    """The slug itself. Raises Invalid unless it is lower-case words joined by hyphens."""
    if not SLUG.fullmatch(slug) or len(slug) > 120:
        raise Invalid(f"slug {slug[:130]!r} must be lower-case words joined by hyphens", "slug")
    return slug


def check_locale(locale: str) -> str:
    """The locale itself. Raises Invalid for one that this release does not know."""
    if locale not in LOCALE_NAMES:
        raise Invalid(
            f"unknown locale {locale[:40]!r}; choose from {', '.join(LOCALE_NAMES)}", "locale"
        )
    return locale


def find_article(session: Session, slug: str) -> Article | None:
    """The article of that slug, live or not."""
    if not SLUG.fullmatch(slug):
        return None
    return session.exec(select(Article).where(Article.slug == slug)).first()


def get_article(session: Session, slug: str) -> Article:
    """The article of that slug. Raises NotFound."""
    article = find_article(session, slug)
    if article is None:
        raise NotFound(f"there is no article {slug[:120]!r}")
    return article


def latest_revision(session: Session, article_id: int, locale: str) -> Revision | None:
    """The newest Revision in that locale, whatever its state."""
    query = _revisions(article_id, locale).order_by(col(Revision.version).desc())
    newest: Revision | None = session.exec(query.limit(1)).first()
    return newest


def get_revision(
    session: Session, article: Article, locale: str, version: int | None = None
) -> Revision:
    """One Revision, the newest unless a version is named. Raises NotFound."""
    found = find_revision(session, article, locale, version)
    if found is None:
        wanted = "version" if version is None else f"version {version}"
        raise NotFound(f"{article.slug} has no {wanted} in {locale[:40]!r}")
    return found


def find_revision(
    session: Session, article: Article, locale: str, version: int | None = None
) -> Revision | None:
    """One Revision, the newest unless a version is named."""
    assert article.id is not None
    if locale not in LOCALE_NAMES:
        return None
    if version is None:
        return latest_revision(session, article.id, locale)
    if not 1 <= version <= LAST_VERSION:
        return None
    query = _revisions(article.id, locale).where(Revision.version == version)
    found: Revision | None = session.exec(query).first()
    return found


def load_revisions(session: Session, ids: Iterable[int]) -> dict[int, Revision]:
    """Revisions by id, whole, so that they can be read when the session is gone."""
    query = (
        select(Revision)
        .where(col(Revision.id).in_(list(ids)))
        .options(
            joinedload(Revision.article),  # type: ignore[arg-type]
            selectinload(Revision.phrasing_rows),  # type: ignore[arg-type]
            selectinload(Revision.reviews),  # type: ignore[arg-type]
            selectinload(Revision.verifications),  # type: ignore[arg-type]
        )
    )
    return {revision.id: revision for revision in session.exec(query) if revision.id}


def _revisions(article_id: int, locale: str) -> Any:
    return (
        select(Revision)
        .where(Revision.article_id == article_id, Revision.locale == locale)
        .options(selectinload(Revision.phrasing_rows), selectinload(Revision.reviews))  # type: ignore
    )


def insert_revision(
    session: Session,
    article: Article,
    locale: str,
    wording: Wording,
    author_id: int,
    source_version: int | None,
) -> Revision:
    """Write the next version; only `publishing` calls this, inside its transitions."""
    assert article.id is not None
    newest = session.exec(
        select(func.max(Revision.version)).where(
            Revision.article_id == article.id, Revision.locale == locale
        )
    ).one()
    fields = {k: v for k, v in asdict(wording).items() if k != "phrasings"}
    fields["tags"] = list(wording.tags)
    revision = Revision(
        article_id=article.id,
        locale=locale,
        version=(newest or 0) + 1,
        sha256=wording.sha256,
        answer_sha256=answer_digest(wording.answer),
        source_version=source_version,
        author_id=author_id,
        **fields,
    )
    revision.phrasing_rows = [
        Phrasing(position=n, text=text) for n, text in enumerate(wording.phrasings)
    ]
    session.add(revision)
    session.flush()
    return revision
