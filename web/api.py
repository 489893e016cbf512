"""The JSON API under /api/v1: ask, search, read; and, with a key, write and publish."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import Session

from assistant.answering import Abstained, Answered, Clarification, Reply, Words, ask
from assistant.receipts import Receipt, get_receipt
from assistant.understanding import check_locale, understand
from kb.articles import (
    SLUG,
    Revision,
    Wording,
    check_slug,
    find_article,
    get_article,
    get_revision,
)
from kb.audiences import AGENTS, PUBLIC, Audiences, audience_of, visible_to
from kb.catalogue import list_live, live_in, published_version
from kb.db import reading, transaction
from kb.errors import Conflict, NotFound
from kb.frontmatter import parse_days
from kb.markdown import render
from kb.people import Person
from kb.publishing import (
    Publication,
    approve,
    draft,
    live_publication,
    publish,
    request_changes,
    submit,
    withdraw,
)
from kb.translations import is_outdated
from retriever.search import find_matches
from web.guards import person_of, staff
from web.records import RECEIPT_ID
from web.services import Services

router = APIRouter(prefix="/api/v1")
PROBLEM = {
    "description": "What is wrong and what to do, as RFC 9457 problem details",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
ERRORS: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 404, 409, 413, 422, 429), PROBLEM
)


def _known_slug(slug: str) -> str:
    """The slug in the address. Raises NotFound for what no article can be called."""
    if not SLUG.fullmatch(slug):
        raise NotFound(f"there is no article {slug[:120]!r}")
    return slug


def _known_receipt(receipt_id: str) -> str:
    if not RECEIPT_ID.fullmatch(receipt_id):
        raise NotFound("there is no such receipt")
    return receipt_id


def _plausible(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2200:
        raise ValueError("the year must be 2000 to 2200")
    return at


Slug = Annotated[str, Path(examples=["reset-password"]), AfterValidator(_known_slug)]
ReceiptId = Annotated[str, Path(), AfterValidator(_known_receipt)]
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
Version = Annotated[int, Path(ge=1, le=1_000_000_000, examples=[1])]
Locale = Annotated[str | None, Query(max_length=20, examples=["en"])]
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str, Query(max_length=120, description="`next` of the page before")]


def services_of(request: Request) -> Services:
    """The opened parts of this process."""
    found: Services = request.app.state.services
    return found


Opened = Annotated[Services, Depends(services_of)]


# -- ask and search ----------------------------------------------------------------


class Question(BaseModel):
    """A question in the customer's own words."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "i forgot my password", "locale": "en"}]}
    )
    question: str
    locale: str | None = Field(None, description="Found from the question when left out")
    channel: str = Field("api", description="help_site, widget, sidebar (with a key) or api")


@router.post("/ask", tags=["ask"], responses=ERRORS, summary="The approved answer, or none")
def ask_question(body: Question, request: Request, services: Opened) -> dict[str, Any]:
    """`answered`, `clarify` (2–3 options) or `abstained`; always with a receipt."""
    with Session(services.engine, expire_on_commit=False) as session:
        audience = _audience(request, session, body.channel)
        reply = ask(
            session,
            services.index,
            body.question,
            services.settings.locales,
            body.locale,
            body.channel,
            audience,
        )
        session.commit()
        return reply_json(services, reply)


def _audience(request: Request, session: Session, channel: str) -> str:
    """A channel that shows more than the public may read needs a key."""
    audience = audience_of(channel)
    person = person_of(request, session)
    if audience != PUBLIC and person is None:
        staff(request, session)
    return audience


@router.get("/search", tags=["ask"], responses=ERRORS, summary="Articles that fit, best first")
def search(
    services: Opened,
    q: Annotated[str, Query(max_length=100_000, examples=["gift card"])],
    locale: Locale = None,
    limit: Limit = 10,
) -> dict[str, Any]:
    """Live public articles, with how much of the belief each holds."""
    with reading(services.engine) as session:
        question = understand(q, locale, services.settings.locales)
        if not question.has_words:
            return {"items": [], "total": 0, "next": None}
        findings = find_matches(
            session, services.index, question.text, question.language, PUBLIC, limit
        )
        items = []
        for match in findings.matches:
            try:
                live = _live(session, services, match.slug, question.locale, visible_to(PUBLIC))
            except NotFound:
                continue
            score = {"score": round(match.share, 4)}
            items.append(_summary(services, live) | score)
        return {"items": items, "total": len(items), "next": None}


# -- read --------------------------------------------------------------------------


@router.get("/articles", tags=["articles"], responses=ERRORS, summary="What is live")
def articles(
    request: Request,
    services: Opened,
    locale: Locale = None,
    limit: Limit = 50,
    after: After = "",
) -> dict[str, Any]:
    """Live articles of one locale, by slug; with a key, of every audience."""
    with reading(services.engine) as session:
        locale = _locale(services, locale)
        page = list_live(session, locale, _visible(request, session), limit, after)
        items = [_summary(services, publication) for publication in page.items]
        return {"items": items, "total": page.total, "next": page.next}


@router.get("/articles/{slug}", tags=["articles"], responses=ERRORS, summary="One live article")
def article(
    slug: Slug, request: Request, services: Opened, locale: Locale = None
) -> dict[str, Any]:
    """In the asked locale, or in another with `locale` saying which."""
    with reading(services.engine) as session:
        locale = _locale(services, locale)
        live = _live(session, services, slug, locale, _visible(request, session))
        return _full(services, session, live.revision, live)


@router.get(
    "/articles/{slug}/versions/{version}",
    tags=["articles"],
    responses=ERRORS,
    summary="A version as it was",
)
def article_version(
    slug: Slug, version: Version, request: Request, services: Opened, locale: Locale = None
) -> dict[str, Any]:
    """Any version that was once public; with a key, any version at all."""
    with reading(services.engine) as session:
        locale = _locale(services, locale)
        if person_of(request, session):
            revision = get_revision(session, get_article(session, slug), locale, version)
        else:
            revision = published_version(session, slug, locale, version, visible_to(PUBLIC))
        live = live_publication(session, revision.article_id, revision.locale)
        current = live if live and live.revision_id == revision.id else None
        return _full(services, session, revision, current)


@router.get("/receipts/{receipt_id}", tags=["ask"], responses=ERRORS, summary="What was said")
def receipt(receipt_id: ReceiptId, request: Request, services: Opened) -> dict[str, Any]:
    """The reply as it was given, and whether its words still hold; an agent's needs a key."""
    with reading(services.engine) as session:
        found = get_receipt(session, receipt_id)
        if found.audience != PUBLIC and person_of(request, session) is None:
            raise NotFound("there is no such receipt")
        return receipt_json(services, session, found)


# -- write -------------------------------------------------------------------------


class NewRevision(BaseModel):
    """The fields of a content file; `based_on` guards against two editors at once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "locale": "en",
                    "title": "Reset your password",
                    "answer": "Open **Settings → Security**.",
                    "phrasings": ["I forgot my password"],
                    "body": "",
                }
            ]
        },
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
    based_on: int | None = Field(None, ge=0, description="The version this edit started from")

    def wording(self) -> Wording:
        """The Wording these fields make."""
        return Wording(
            title=self.title.strip(),
            answer=self.answer.strip(),
            body=self.body.strip(),
            phrasings=tuple(dict.fromkeys(p.strip() for p in self.phrasings)),
            category=self.category.strip() or "general",
            audience=self.audience,
            owner=self.owner.strip(),
            verify_days=parse_days(self.verify_every),
        )


class NewArticle(NewRevision):
    """A new article and its first revision."""

    slug: str


class Place(BaseModel):
    """Which revision of an article: the newest of the fallback locale unless said."""

    locale: str | None = None


class NewPublication(Place):
    """Publish now, or from `starts_at`, until `expires_at` if given."""

    version: int | None = Field(None, ge=1, le=1_000_000_000)
    starts_at: Moment | None = None
    expires_at: Moment | None = None


@router.post("/articles", tags=["write"], status_code=201, responses=ERRORS)
def create_article(body: NewArticle, request: Request, services: Opened) -> dict[str, Any]:
    """A new article with a first draft."""
    with transaction(services.engine) as session:
        by = staff(request, session)
        if find_article(session, check_slug(body.slug)):
            raise Conflict(f"{body.slug} exists; post to /api/v1/articles/{body.slug}/revisions")
        revision = draft(
            session, body.slug, _locale(services, body.locale), body.wording(), by, body.based_on
        )
        return _full(services, session, revision, None)


@router.post("/articles/{slug}/revisions", tags=["write"], status_code=201, responses=ERRORS)
def create_revision(
    slug: Slug, body: NewRevision, request: Request, services: Opened
) -> dict[str, Any]:
    """A new draft beside the live wording; 409 when `based_on` has been overtaken."""
    with transaction(services.engine) as session:
        by = staff(request, session)
        get_article(session, slug)
        locale = _locale(services, body.locale)
        revision = draft(session, slug, locale, body.wording(), by, body.based_on)
        return _full(services, session, revision, None)


@router.post("/articles/{slug}/revisions/{version}/review", tags=["write"], responses=ERRORS)
def submit_revision(
    slug: Slug, version: Version, request: Request, services: Opened, body: Place | None = None
) -> dict[str, Any]:
    """Ask for a review of a draft."""
    return _step(services, request, slug, version, body, submit)


@router.delete("/articles/{slug}/revisions/{version}/review", tags=["write"], responses=ERRORS)
def send_back_revision(
    slug: Slug, version: Version, request: Request, services: Opened, locale: Locale = None
) -> dict[str, Any]:
    """Send a revision in review back to its author."""
    return _step(services, request, slug, version, Place(locale=locale), request_changes)


@router.post("/articles/{slug}/revisions/{version}/approval", tags=["write"], responses=ERRORS)
def approve_revision(
    slug: Slug, version: Version, request: Request, services: Opened, body: Place | None = None
) -> dict[str, Any]:
    """Approve somebody else's revision."""
    return _step(services, request, slug, version, body, approve)


@router.post("/articles/{slug}/publication", tags=["write"], status_code=201, responses=ERRORS)
def publish_article(
    slug: Slug, request: Request, services: Opened, body: NewPublication | None = None
) -> dict[str, Any]:
    """Make an approved revision live; when this returns, every channel says it."""
    body = body or NewPublication()
    with transaction(services.engine) as session:
        by = staff(request, session)
        found = get_article(session, slug)
        revision = get_revision(session, found, _locale(services, body.locale), body.version)
        publication = publish(session, revision, by, body.starts_at, body.expires_at)
        made = _full(services, session, revision, publication) | {
            "starts_at": _iso(publication.starts_at),
            "expires_at": _iso(publication.expires_at),
        }
    services.index.bring_level()
    return made


@router.delete("/articles/{slug}/publication", tags=["write"], status_code=204, responses=ERRORS)
def withdraw_article(
    slug: Slug, request: Request, services: Opened, locale: Locale = None
) -> Response:
    """Take an article off every channel, in one locale."""
    with transaction(services.engine) as session:
        by = staff(request, session)
        withdraw(session, get_article(session, slug), _locale(services, locale), by)
    services.index.bring_level()
    return Response(status_code=204)


def _step(
    services: Services, request: Request, slug: str, version: int, body: Place | None, verb: Any
) -> dict[str, Any]:
    with transaction(services.engine) as session:
        by: Person = staff(request, session)
        locale = _locale(services, body.locale if body else None)
        revision = get_revision(session, get_article(session, slug), locale, version)
        verb(session, revision, by)
        return _full(services, session, revision, None)


# -- shapes ------------------------------------------------------------------------


def reply_json(services: Services, reply: Reply) -> dict[str, Any]:
    """A Reply in the shape of the contract."""
    outcome = reply.outcome
    answer = answer_json(services, outcome.words) if isinstance(outcome, Answered) else None
    options = outcome.options if isinstance(outcome, Clarification) else ()
    related = () if isinstance(outcome, Clarification) else outcome.related
    return {
        "outcome": reply.label,
        "locale": reply.question.locale,
        "confidence": reply.confidence,
        "answer": answer,
        "options": [_link(services, words) for words in options],
        "related": [_link(services, words) for words in related],
        "reason": outcome.reason if isinstance(outcome, Abstained) else None,
        "notice": None,
        "receipt": {
            "id": reply.receipt.id,
            "epoch": reply.receipt.epoch,
            "issued_at": _iso(reply.receipt.issued_at),
        },
    }


def answer_json(services: Services, words: Words) -> dict[str, Any]:
    """An approved answer, letter for letter, with where it comes from."""
    return _answer(services, words.revision, words.slug)


def _answer(services: Services, revision: Revision, slug: str) -> dict[str, Any]:
    base = services.settings.base_url
    approved = _iso(revision.approved_at)
    return {
        "article": slug,
        "version": revision.version,
        "locale": revision.locale,
        "title": revision.title,
        "text": revision.answer,
        "html": render(revision.answer, base),
        "url": f"{base}/{revision.locale}/articles/{slug}",
        "sha256": revision.answer_sha256,
        "approved_at": approved,
        "verified_at": approved,
    }


def _link(services: Services, words: Words) -> dict[str, str]:
    locale = words.locale_asked
    return {
        "article": words.slug,
        "title": words.revision.title,
        "url": f"{services.settings.base_url}/{locale}/articles/{words.slug}",
    }


def _summary(services: Services, live: Publication) -> dict[str, Any]:
    revision, slug = live.revision, live.article.slug
    return _answer(services, revision, slug) | {"category": revision.category}


def _full(
    services: Services, session: Session, revision: Revision, live: Publication | None
) -> dict[str, Any]:
    article = revision.article
    return _answer(services, revision, article.slug) | {
        "slug": article.slug,
        "category": revision.category,
        "audience": revision.audience,
        "body": revision.body,
        "body_html": render(revision.body, services.settings.base_url),
        "phrasings": revision.phrasings,
        "state": revision.state,
        "live": live is not None,
        "outdated": is_outdated(session, article, revision),
    }


def receipt_json(services: Services, session: Session, receipt: Receipt) -> dict[str, Any]:
    """A Receipt, the words it stands for, and whether they are still live."""
    revision = session.get(Revision, receipt.revision_id) if receipt.revision_id else None
    live = live_publication(session, revision.article_id, revision.locale) if revision else None
    return {
        "id": receipt.id,
        "issued_at": _iso(receipt.issued_at),
        "epoch": receipt.epoch,
        "channel": receipt.channel,
        "question": receipt.question,
        "locale": receipt.locale,
        "outcome": receipt.outcome,
        "confidence": receipt.confidence,
        "answer": _answer(services, revision, receipt.article or "") if revision else None,
        "still_holds": bool(live and revision and live.revision_id == revision.id)
        if revision
        else None,
    }


def _live(
    session: Session, services: Services, slug: str, locale: str, audiences: Audiences
) -> Publication:
    return live_in(session, slug, locale, services.settings.locales, audiences)


def _visible(request: Request, session: Session) -> Audiences:
    return visible_to(AGENTS if person_of(request, session) else PUBLIC)


def _locale(services: Services, locale: str | None) -> str:
    check_locale(locale, services.settings.locales)
    return locale or services.settings.fallback_locale


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
