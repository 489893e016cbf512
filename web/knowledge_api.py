"""Knowledge beside a case, over HTTP: suggestions, and KCS's moves *use*, *flag* and *add*."""

import re
import unicodedata
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel import Session

from assistant.conversations import (
    AGENT,
    get_conversation,
)
from assistant.desk.kcs import flag_article, tell_owner, use_article
from assistant.desk.suggestions import suggest
from assistant.handoffs import get_handoff
from assistant.package import Package, package_of
from assistant.personal import without_facts
from kb.articles import (
    PHRASING_LIMIT,
    Revision,
    Wording,
    find_article,
    get_article,
    get_revision,
)
from kb.db import reading, transaction
from kb.errors import Invalid, NotFound
from kb.links import check_links
from kb.publishing import draft, live_publication
from kb.verification import confirm, due_at, take_back
from web import desk_shapes, shapes
from web.api import Opened, Slug
from web.desk_api import HandoffId, agent_of, given_revision
from web.desk_bodies import (
    NewFlag,
    NewKnowledge,
    NewUse,
    NewVerification,
)
from web.guards import staff
from web.openapi import NEEDED, done, gives
from web.packages import suggestion_json
from web.replies import article_json, iso
from web.services import Services

router = APIRouter(prefix="/api/v1", tags=["desk"])
UNSAFE = re.compile(r"[^a-z0-9]+")


@router.get(
    "/suggestions",
    summary="Answers for an agent",
    **gives(desk_shapes.Suggestions, "suggestions", "draft_suggested", key=NEEDED),
)
def show_suggestions(
    request: Request,
    services: Opened,
    handoff: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    q: Annotated[str, Query(max_length=4000)] = "",
    locale: Annotated[str | None, Query(max_length=20)] = None,
) -> dict[str, Any]:
    """Approved answers to a customer's latest words, or to a question by hand."""
    with reading(services.engine) as session:
        agent_of(request, session)
        question = q.strip()
        if handoff and not question:
            case = get_handoff(session, handoff)
            conversation = get_conversation(session, case.conversation_id)
            question = package_of(session, conversation, case).question
            locale = locale or conversation.locale
        locales = services.settings.locales
        found = suggest(session, services.index, question, locales, locale) if question else []
        items = [suggestion_json(services, suggestion) for suggestion in found]
        return {"question": question, "items": items}


@router.post(
    "/articles/{slug}/uses",
    summary="Use it",
    **gives(desk_shapes.Noted, "noted", status=201, key=NEEDED),
)
def use(slug: Slug, body: NewUse, request: Request, services: Opened) -> dict[str, Any]:
    """KCS's *use it*: this article was given to a customer."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        revision = given_revision(session, services, slug, body.locale, body.version)
        assert revision is not None
        case = get_handoff(session, body.handoff).id if body.handoff else None
        made = use_article(session, revision, me, body.how, case, body.text)
        return {"id": made.id}


@router.post(
    "/articles/{slug}/flags",
    summary="Flag it",
    **gives(desk_shapes.Noted, "noted", status=201, key=NEEDED),
)
def flag(slug: Slug, body: NewFlag, request: Request, services: Opened) -> dict[str, Any]:
    """KCS's *flag it*: something is wrong here."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        revision = given_revision(session, services, slug, body.locale, body.version)
        assert revision is not None
        case = get_handoff(session, body.handoff).id if body.handoff else None
        flagged = flag_article(session, revision, me, body.reason, case)
        tell_owner(session, flagged, revision, me, services.settings.base_url)
        return {"id": flagged.id}


@router.post(
    "/articles/{slug}/verifications",
    summary="Still right",
    **gives(desk_shapes.Verified, "verified", status=201, key=NEEDED),
)
def verify(
    slug: Slug, request: Request, services: Opened, body: NewVerification | None = None
) -> dict[str, Any]:
    """Somebody has looked, and it holds: the interval begins anew. Nothing else changes."""
    body = body or NewVerification()
    with transaction(services.engine) as session:
        by = staff(request, session)
        revision = _approved_wording(session, services, slug, body)
        made = confirm(session, revision, by)
        return {
            "id": made.id,
            "article": slug,
            "version": revision.version,
            "locale": revision.locale,
            "verified_at": iso(made.at),
            "due_at": iso(due_at(made.at, revision.verify_days)),
        }


def _approved_wording(
    session: Session, services: Services, slug: str, body: NewVerification
) -> Revision:
    """The version that is named, else what is live. Raises NotFound."""
    locale = body.locale or services.settings.fallback_locale
    article = get_article(session, slug)
    if body.version is None and article.id is not None:
        live = live_publication(session, article.id, locale)
        if live is None:
            raise NotFound(f"{slug} is not live in {locale}")
        return live.revision
    return get_revision(session, article, locale, body.version)


@router.delete(
    "/articles/{slug}/verifications/{verification_id}",
    summary="Take a verification back",
    **done(NEEDED),
)
def unverify(
    slug: Slug,
    verification_id: Annotated[int, Path(ge=1, le=2**31 - 1, examples=[7])],
    request: Request,
    services: Opened,
) -> Response:
    """It was a mistake; the one before counts again."""
    with transaction(services.engine) as session:
        by = staff(request, session)
        get_article(session, slug)
        take_back(session, verification_id, by)
    return Response(status_code=204)


@router.post(
    "/handoffs/{handoff_id}/draft",
    summary="Add it",
    **gives(shapes.Article, "first_draft", status=201, key=NEEDED),
)
def add_knowledge(
    handoff_id: HandoffId, body: NewKnowledge, request: Request, services: Opened
) -> dict[str, Any]:
    """KCS's *add it*: a draft from this conversation, asked for in the customer's words."""
    with transaction(services.engine) as session:
        me = agent_of(request, session)
        handoff = get_handoff(session, handoff_id)
        conversation = get_conversation(session, handoff.conversation_id)
        package = package_of(session, conversation, handoff)
        slug = body.slug or _free_slug(
            session, body.title or without_facts(package.want), handoff_id
        )
        if find_article(session, slug):
            raise Invalid(f"{slug} exists; fix that article instead", "slug")
        wording = _drafted(package, body)
        check_links(wording)
        revision = draft(session, slug, conversation.locale, wording, me)
        return article_json(services, session, revision)


def _drafted(package: Package, body: NewKnowledge) -> Wording:
    said = [turn.text for turn in package.turns if turn.author == AGENT]
    answer = body.answer or (said[-1] if said else "")
    if not answer.strip():
        raise Invalid("write the answer; nobody has given one in this conversation yet", "answer")
    title = " ".join((body.title or without_facts(package.want)).split())[:200]
    asked = dict.fromkeys(without_facts(text) for text in package.asked)
    return Wording(
        title=title or "?",
        answer=answer.strip(),
        phrasings=tuple(text for text in asked if 0 < len(text) <= PHRASING_LIMIT)[:10],
        category=package.handoff.skill if package.handoff and package.handoff.skill else "general",
    )


def _free_slug(session: Session, text: str, handoff_id: int) -> str:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    slug = UNSAFE.sub("-", plain).strip("-")[:60].strip("-")
    if not slug or find_article(session, slug):
        slug = f"{slug}-{handoff_id}".strip("-") if slug else f"case-{handoff_id}"
    return slug
