"""Wordings whose article customers or agents have named, to be taken over by an editor."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session, col, select

from assistant.confirmations import Confirmed, decline, is_about_confirmed, take_over
from assistant.gap_decisions import GapDecision, active_decisions
from kb.articles import Article
from kb.db import reading, transaction
from kb.errors import Invalid, VerbatimError
from kb.people import Person
from web.forms import from_this_site
from web.i18n import _
from web.pages import services_of
from web.studio.gatherers import gatherer_of
from web.studio.questions import NAMES, deciders_of, questions_page, still_reading, titles_of
from web.studio.shell import editor_of

PATH = "/questions/confirmed"
# Articles on a page, wordings of one that are listed, and decisions that are shown below.
ARTICLES, LISTED, DECIDED = 20, 30, 20
# So many more that say so than deny it, and a wording is ticked beforehand.
TICKED = 2
CONFIRMED_NAMES = {
    "chosen": _("Chosen by customers"),
    "given": _("Given by agents"),
    "helped": _("Helped"),
    "failed": _("Did not help"),
}

router = APIRouter(prefix=PATH)


@router.api_route("", methods=["GET", "HEAD"])
def show_confirmed(
    request: Request, page: Annotated[int, Query(ge=1, le=100_000)] = 1, done: str = ""
) -> Response:
    """Wordings by the article that they mean, those first that the assistant could not tell."""
    with reading(services_of(request).engine) as session:
        return _listed(request, session, editor_of(request, session), page, done)


def _listed(
    request: Request,
    session: Session,
    person: Person,
    page: int = 1,
    done: str = "",
    status: int = 200,
    problem: str = "",
) -> Response:
    found = gatherer_of(request).confirmed(session)
    if found is None:
        return still_reading(request, person)
    together = _by_article(found)
    pages = max(1, -(-len(together) // ARTICLES))
    page = min(page, pages)
    shown = list(together.items())[(page - 1) * ARTICLES :][:ARTICLES]
    decisions = [d for d in active_decisions(session) if is_about_confirmed(d)][: -DECIDED - 1 : -1]
    return questions_page(
        request,
        "questions_confirmed.html",
        person,
        done,
        status=status,
        shown=[(id_, of[:LISTED], len(of)) for id_, of in shown],
        titles=_titles(request, {id_ for id_, _of in shown}, decisions),
        slugs=_slugs(session, [id_ for id_, _of in shown]),
        decisions=decisions,
        deciders=deciders_of(session, {d.by_id for d in decisions}),
        ticked=TICKED,
        page_number=page,
        pages=pages,
        problem=problem,
        **NAMES | {"confirmed_names": CONFIRMED_NAMES},
    )


def _by_article(found: Iterable[Confirmed]) -> dict[int, list[Confirmed]]:
    together: dict[int, list[Confirmed]] = {}
    for confirmed in found:
        together.setdefault(confirmed.article_id, []).append(confirmed)
    return together


def _titles(request: Request, shown: set[int], decisions: Iterable[GapDecision]) -> dict[int, str]:
    return titles_of(request, shown | {d.article_id for d in decisions if d.article_id})


def _slugs(session: Session, ids: Iterable[int]) -> dict[int | None, str]:
    articles = session.exec(select(Article).where(col(Article.id).in_(list(ids))))
    return {article.id: article.slug for article in articles}


@router.post("", dependencies=[Depends(from_this_site)])
def post_confirmed(
    request: Request,
    phrase: Annotated[list[str] | None, Form()] = None,
    action: Annotated[str, Form()] = "",
) -> Response:
    """Give the ticked wordings to their articles, or leave them out."""
    try:
        with transaction(services_of(request).engine) as session:
            person = editor_of(request, session)
            chosen = _by_article(_chosen(request, session, phrase or ()))
            done = _carry_out(session, chosen, action, person)
    except VerbatimError as error:
        with reading(services_of(request).engine) as session:
            person = editor_of(request, session)
            return _listed(request, session, person, status=422, problem=str(error))
    return RedirectResponse(f"/studio{PATH}?done={done}", 303)


def _chosen(request: Request, session: Session, keys: Iterable[str]) -> list[Confirmed]:
    wanted, found = set(keys), gatherer_of(request).confirmed(session) or []
    chosen = [confirmed for confirmed in found if confirmed.key in wanted]
    if not chosen:
        raise Invalid("choose at least one of the wordings", "phrase")
    return chosen


def _carry_out(
    session: Session, chosen: dict[int, list[Confirmed]], action: str, person: Person
) -> str:
    if action == "decline":
        for wordings in chosen.values():
            decline(session, wordings, person)
        return "declined"
    made: list[Any] = []
    for article_id, wordings in chosen.items():
        article = session.get(Article, article_id)
        assert article
        made += take_over(session, article, wordings, person)
    return "phrased" if all(revision.state == "in_review" for revision in made) else "draft"
