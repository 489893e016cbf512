"""The JSON API under /api/v1: ask, search, read; and, with a key, write and publish."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AfterValidator
from sqlmodel import Session

from assistant.answering import ask
from assistant.collation import check_publication
from assistant.past import ask_past
from assistant.receipts import get_receipt
from assistant.sealing import head, seal, seal_of
from assistant.signing import public_keys
from assistant.understanding import check_locale, understand
from kb.articles import SLUG, check_slug, find_article, get_article, get_revision
from kb.audiences import AGENTS, PUBLIC, Audiences, audience_of, visible_to
from kb.catalogue import list_live, live_in, published_version
from kb.db import reading, transaction
from kb.errors import Conflict, NotFound
from kb.notices import Subject, current, notices_for
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
from retriever.search import find_matches
from web import examples, shapes
from web.bodies import NewArticle, NewPublication, NewRevision, Place, Question
from web.guards import is_local, person_of, staff
from web.openapi import ACCEPTED, ERRORS, NEEDED, gives, takes
from web.records import RECEIPT_ID
from web.replies import (
    article_json,
    gravest,
    head_json,
    key_json,
    notice_json,
    past_json,
    publication_json,
    receipt_json,
    reply_json,
    subject_of,
    summary_json,
)
from web.services import Services

router = APIRouter(prefix="/api/v1")


def _known_slug(slug: str) -> str:
    """The slug in the address. Raises NotFound for what no article can be called."""
    if not SLUG.fullmatch(slug):
        raise NotFound(f"there is no article {slug[:120]!r}")
    return slug


def _known_receipt(receipt_id: str) -> str:
    if not RECEIPT_ID.fullmatch(receipt_id):
        raise NotFound("there is no such receipt")
    return receipt_id


Slug = Annotated[str, Path(examples=["reset-password"]), AfterValidator(_known_slug)]
ReceiptId = Annotated[str, Path(examples=[examples.NOTE["id"]]), AfterValidator(_known_receipt)]
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


@router.post(
    "/ask",
    tags=["ask"],
    summary="The approved answer, or none",
    **gives(shapes.Reply, "answered", "answered_in_body", "clarify", "abstained", key=ACCEPTED),
)
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
        return reply_json(services, session, reply)


def _audience(request: Request, session: Session, channel: str) -> str:
    """A channel that shows more than the public may read needs a key."""
    audience = audience_of(channel)
    person = person_of(request, session)
    if audience != PUBLIC and person is None:
        staff(request, session)
    return audience


@router.get(
    "/search",
    tags=["ask"],
    summary="Articles that fit, best first",
    **gives(shapes.SearchResults, "search_results"),
)
def search(
    services: Opened,
    q: Annotated[str, Query(max_length=100_000, examples=["gift card"])],
    locale: Locale = None,
    limit: Limit = 10,
) -> dict[str, Any]:
    """Live public articles, with how much of the belief each holds."""
    with reading(services.engine) as session:
        question = understand(q, locale, services.settings.locales)
        notice = gravest(services, current(session, visible_to(PUBLIC)), question.locale)
        if not question.has_words:
            return {"items": [], "total": 0, "next": None, "notice": notice}
        findings = find_matches(
            session, services.index, question.search, question.language, PUBLIC, limit
        )
        items = []
        for match in findings.matches:
            try:
                live = _live(session, services, match.slug, question.locale, visible_to(PUBLIC))
            except NotFound:
                continue
            score = {"score": round(match.share, 4)}
            items.append(summary_json(services, live) | score)
        return {"items": items, "total": len(items), "next": None, "notice": notice}


@router.get(
    "/notices",
    tags=["ask"],
    summary="What is announced now",
    **gives(shapes.NoticeList, "notices", key=ACCEPTED),
)
def notices(
    request: Request,
    services: Opened,
    locale: Locale = None,
    channel: Annotated[str, Query(max_length=20, examples=["widget"])] = "api",
    article: Annotated[str, Query(max_length=120, examples=["reset-password"])] = "",
) -> dict[str, Any]:
    """What stands everywhere on that channel; with an article, what concerns it, too."""
    with reading(services.engine) as session:
        audiences = visible_to(_audience(request, session, channel))
        locale = _locale(services, locale)
        subjects: list[Subject] = []
        if article:
            revision = _live(session, services, _known_slug(article), locale, audiences).revision
            subjects = [subject_of(revision, article)]
        fallback = services.settings.fallback_locale
        found = notices_for(session, locale, fallback, audiences, subjects)
        items = [notice_json(services, shown) for shown in found]
        return {"items": items, "total": len(items), "next": None}


# -- read --------------------------------------------------------------------------


@router.get(
    "/articles",
    tags=["articles"],
    summary="What is live",
    **gives(shapes.ArticleList, "article_list", key=ACCEPTED),
)
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
        items = [summary_json(services, publication) for publication in page.items]
        return {"items": items, "total": page.total, "next": page.next}


@router.get(
    "/articles/{slug}",
    tags=["articles"],
    summary="One live article",
    **gives(shapes.Article, "live", key=ACCEPTED),
)
def article(
    slug: Slug, request: Request, services: Opened, locale: Locale = None
) -> dict[str, Any]:
    """In the asked locale, or in another with `locale` saying which."""
    with reading(services.engine) as session:
        locale = _locale(services, locale)
        live = _live(session, services, slug, locale, _visible(request, session))
        return article_json(services, session, live.revision, True)


@router.get(
    "/articles/{slug}/versions/{version}",
    tags=["articles"],
    summary="A version as it was",
    **gives(shapes.Article, "replaced", key=ACCEPTED),
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
        is_live = live is not None and live.revision_id == revision.id
        return article_json(services, session, revision, is_live)


@router.get("/keys", tags=["ask"], summary="Public keys", **gives(shapes.PublicKeys, "keys"))
def list_keys(services: Opened) -> dict[str, Any]:
    """The keys that receipts are signed with, those of the past included."""
    services.signer  # noqa: B018  (made the first time somebody asks)
    with reading(services.engine) as session:
        return {"keys": [key_json(key) for key in public_keys(session)]}


@router.get(
    "/receipts/head",
    tags=["ask"],
    summary="The newest seal",
    **gives(shapes.ChainHead, "head"),
)
def chain_head(services: Opened) -> dict[str, Any]:
    """How far the chain of receipts goes; who keeps it can tell if it is ever cut or rewritten."""
    with reading(services.engine) as session:
        return head_json(head(session))


@router.get(
    "/receipts/{receipt_id}",
    tags=["ask"],
    summary="What was said",
    **gives(shapes.Receipt, "receipt", "corrected_receipt", "explained_receipt", key=ACCEPTED),
)
def receipt(receipt_id: ReceiptId, request: Request, services: Opened) -> dict[str, Any]:
    """The reply as it was given, and whether its words still hold; an agent's needs a key.

    With a key, `explanation` says which texts spoke for it, how strongly, and what came second.
    """
    _seal_if_new(services, receipt_id)
    with reading(services.engine) as session:
        found = get_receipt(session, receipt_id)
        person = person_of(request, session)
        if found.audience != PUBLIC and person is None:
            raise NotFound("there is no such receipt")
        return receipt_json(services, session, found, for_staff=person is not None)


def _seal_if_new(services: Services, receipt_id: str) -> None:
    """Whoever looks at once need not come again for the proof."""
    with reading(services.engine) as session:
        is_new = seal_of(session, get_receipt(session, receipt_id)) is None
    if is_new:
        seal(services.engine, services.signer)


@router.get(
    "/past",
    tags=["ask"],
    summary="What was said then",
    **gives(shapes.PastReply, "past_reply", key=NEEDED),
)
def ask_the_past(
    request: Request,
    services: Opened,
    question: Annotated[str, Query(max_length=100_000, examples=["i forgot my password"])],
    at: Annotated[datetime, Query(examples=["2026-11-01T12:00:00Z"])],
    locale: Locale = None,
) -> dict[str, Any]:
    """A question as of a moment: from the words that were live then; and what was recorded.

    It lays out the whole store of that moment, so it takes a second or more, and no receipt.
    """
    with reading(services.engine) as session:
        if not is_local(request):
            staff(request, session)
        past = ask_past(session, services.index, question, services.settings.locales, at, locale)
        return past_json(services, past)


# -- write -------------------------------------------------------------------------


@router.post(
    "/articles", tags=["write"], **gives(shapes.Article, "first_draft", status=201, key=NEEDED)
)
def create_article(body: NewArticle, request: Request, services: Opened) -> dict[str, Any]:
    """A new article with a first draft."""
    with transaction(services.engine) as session:
        by = staff(request, session)
        if find_article(session, check_slug(body.slug)):
            raise Conflict(f"{body.slug} exists; post to /api/v1/articles/{body.slug}/revisions")
        revision = draft(
            session, body.slug, _locale(services, body.locale), body.wording(), by, body.based_on
        )
        return article_json(services, session, revision)


@router.post(
    "/articles/{slug}/revisions",
    tags=["write"],
    **gives(shapes.Article, "draft", status=201, key=NEEDED),
)
def create_revision(
    slug: Slug, body: NewRevision, request: Request, services: Opened
) -> dict[str, Any]:
    """A new draft beside the live wording; 409 when `based_on` has been overtaken."""
    with transaction(services.engine) as session:
        by = staff(request, session)
        get_article(session, slug)
        locale = _locale(services, body.locale)
        revision = draft(session, slug, locale, body.wording(), by, body.based_on)
        return article_json(services, session, revision)


@router.post(
    "/articles/{slug}/revisions/{version}/review",
    tags=["write"],
    **gives(shapes.Article, "in_review", key=NEEDED),
)
def submit_revision(
    slug: Slug, version: Version, request: Request, services: Opened, body: Place | None = None
) -> dict[str, Any]:
    """Ask for a review of a draft."""
    return _step(services, request, slug, version, body, submit)


@router.delete(
    "/articles/{slug}/revisions/{version}/review",
    tags=["write"],
    **gives(shapes.Article, "draft", key=NEEDED),
)
def send_back_revision(
    slug: Slug, version: Version, request: Request, services: Opened, locale: Locale = None
) -> dict[str, Any]:
    """Send a revision in review back to its author."""
    return _step(services, request, slug, version, Place(locale=locale), request_changes)


@router.post(
    "/articles/{slug}/revisions/{version}/approval",
    tags=["write"],
    **gives(shapes.Article, "approved", key=NEEDED),
)
def approve_revision(
    slug: Slug, version: Version, request: Request, services: Opened, body: Place | None = None
) -> dict[str, Any]:
    """Approve somebody else's revision."""
    _check_contradictions(services, request, slug, body.locale if body else None, version)
    return _step(services, request, slug, version, body, approve)


@router.post(
    "/articles/{slug}/publication",
    tags=["write"],
    **gives(shapes.Publication, "scheduled", status=201, key=NEEDED),
)
def publish_article(
    slug: Slug, request: Request, services: Opened, body: NewPublication | None = None
) -> dict[str, Any]:
    """Make an approved revision live; when this returns, every channel says it."""
    body = body or NewPublication()
    _check_contradictions(services, request, slug, body.locale, body.version)
    with transaction(services.engine) as session:
        by = staff(request, session)
        found = get_article(session, slug)
        revision = get_revision(session, found, _locale(services, body.locale), body.version)
        publication = publish(session, revision, by, body.starts_at, body.expires_at)
        made = publication_json(services, session, publication)
    services.index.bring_level()
    return made


@router.delete(
    "/articles/{slug}/publication",
    tags=["write"],
    status_code=204,
    responses=ERRORS,
    **takes(NEEDED),
)
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
        return article_json(services, session, revision)


def _check_contradictions(
    services: Services, request: Request, slug: str, locale: str | None, version: int | None
) -> None:
    """Where what is to be published, or approved for that, contradicts what shows."""
    with reading(services.engine) as session:
        staff(request, session)
        article = get_article(session, slug)
        revision = get_revision(session, article, _locale(services, locale), version)
    if revision.is_approved or (revision.submission and revision.submission.publishes):
        setting = services.settings.contradictions
        check_publication(services.engine, services.index, revision, setting)


def _live(
    session: Session, services: Services, slug: str, locale: str, audiences: Audiences
) -> Publication:
    return live_in(session, slug, locale, services.settings.locales, audiences)


def _visible(request: Request, session: Session) -> Audiences:
    return visible_to(AGENTS if person_of(request, session) else PUBLIC)


def _locale(services: Services, locale: str | None) -> str:
    check_locale(locale, services.settings.locales)
    return locale or services.settings.fallback_locale
