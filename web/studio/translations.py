"""Translations: which are missing or outdated, and the side-by-side editor."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from kb.articles import Article, Revision, get_article, latest_revision
from kb.db import reading, transaction
from kb.errors import Conflict, Invalid, NotFound
from kb.fact_uses import stated_in
from kb.people import Person
from kb.publishing import draft, submit
from kb.settings import LOCALE_NAMES
from kb.shared_facts import facts_in
from kb.translation_board import STATES, Wanted, translation_board
from kb.translations import source_of, translated_source
from kb.xliff import Returned, export_xliff, import_xliff
from web.forms import from_this_site
from web.i18n import _, translate
from web.login import staff_locale, staff_page
from web.pages import services_of
from web.studio.shell import editor_of, studio_page
from web.studio.translation_view import Bench, Draft, bench_of, read_form

router = APIRouter(prefix="/translations")
PAGE_SIZE = 50
DONE = {
    "saved": _("The draft is saved."),
    "submitted": _("The translation is in review. Somebody else approves it."),
    "unchanged": _("Nothing had changed, so no new version was made."),
}


@router.api_route("", methods=["GET", "HEAD"])
def show_matrix(
    request: Request,
    locale: Annotated[str, Query(alias="in")] = "",
    state: str = "",
    category: str = "",
    q: str = "",
    page: int = 1,
) -> Response:
    """Articles by locales."""
    services = services_of(request)
    wanted = Wanted(locale, state, category, q.strip()[:200])
    with reading(services.engine) as session:
        person = editor_of(request, session)
        board = translation_board(session)
        found = board.find(wanted)
        pages = max(1, -(-len(found) // PAGE_SIZE))
        number = min(max(1, page), pages)
        return studio_page(
            request,
            "translations.html",
            person,
            "translations",
            counts=board.counts(services.settings.locales),
            columns=services.settings.locales,
            rows=found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE],
            total=len(found),
            total_articles=len(board.rows),
            wanted=wanted,
            states=STATES,
            categories=board.categories(),
            page_number=number,
            pages=pages,
            address=lambda n: _address(wanted, n),
        )


def _address(wanted: Wanted, page: int) -> str:
    asked = {"in": wanted.locale, "state": wanted.state, "category": wanted.category}
    asked |= {"q": wanted.search, "page": str(page)}
    return "/studio/translations?" + urlencode({k: v for k, v in asked.items() if v})


@router.api_route("/xliff", methods=["GET", "HEAD"])
def export(
    request: Request,
    locale: Annotated[str, Query(alias="in")] = "",
    state: str = "",
    category: str = "",
    q: str = "",
) -> Response:
    """The articles that the matrix shows, as one file for translators into a language."""
    wanted = Wanted(locale, state, category, q.strip()[:200])
    with reading(services_of(request).engine) as session:
        editor_of(request, session)
        slugs = [row.slug for row in translation_board(session).find(wanted)]
        document = export_xliff(session, slugs, locale)
    name = "-".join(part for part in ("verbatim", locale, state) if part)
    disposition = f'attachment; filename="{name}.xlf"'
    return Response(
        document, media_type="application/xliff+xml", headers={"Content-Disposition": disposition}
    )


@router.post("/xliff", dependencies=[Depends(from_this_site)])
def take_back(request: Request, document: Annotated[UploadFile, File()]) -> Response:
    """Drafts from a translators' file, and what became of each article."""
    engine, wrong = services_of(request).engine, None
    report: list[Returned] = []
    with transaction(engine) as session:
        person = editor_of(request, session)
        try:
            report = import_xliff(session, document.file.read(), person)
        except Invalid as error:
            wrong = error
    return studio_page(
        request,
        "xliff.html",
        person,
        "translations",
        422 if wrong else 200,
        report=report,
        wrong=wrong,
    )


@router.api_route("/{slug}/{locale}", methods=["GET", "HEAD"])
def show_editor(request: Request, slug: str, locale: str) -> Response:
    """Source and translation side by side."""
    done = DONE.get(request.query_params.get("done", ""), "")
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        bench = _bench(session, slug, locale)
        return _page(request, person, bench, done=translate(staff_locale(request), done))


@router.post("/{slug}/{locale}", dependencies=[Depends(from_this_site)])
async def save(request: Request, slug: str, locale: str) -> Response:
    """A new draft of the translation, perhaps submitted at once."""
    form = read_form(await request.form())
    return await run_in_threadpool(_save, request, slug, locale, form)


@router.post("/{slug}/{locale}/facts", dependencies=[Depends(from_this_site)])
async def check_facts(request: Request, slug: str, locale: str) -> Response:
    """What differs from the source in what has been typed so far, as a part of the page."""
    form = read_form(await request.form())
    return await run_in_threadpool(_check_facts, request, slug, locale, form)


def _check_facts(request: Request, slug: str, locale: str, form: Draft) -> Response:
    with reading(services_of(request).engine) as session:
        editor_of(request, session)
        bench = _bench(session, slug, locale, form)
        return staff_page(
            request, "studio/translation_warnings.html", warnings=bench.warnings, to=locale
        )


def _save(request: Request, slug: str, locale: str, form: Draft) -> Response:
    engine = services_of(request).engine
    try:
        with transaction(engine) as session:
            person = editor_of(request, session)
            done = _write(session, _bench(session, slug, locale, form), form, person)
    except (Conflict, Invalid) as error:
        return _again(request, slug, locale, form, error)
    return RedirectResponse(f"/studio/translations/{slug}/{locale}?done={done}", 303)


def _write(session: Session, bench: Bench, form: Draft, person: Person) -> str:
    newest, wording = bench.newest, bench.wording(form)
    is_same = newest is not None and (
        wording == newest.wording and newest.source_version == form.source_version
    )
    if newest and is_same:
        revision = newest
    else:
        revision = draft(
            session,
            bench.slug,
            bench.locale,
            wording,
            person,
            based_on=form.based_on,
            source_version=form.source_version,
        )
    if form.is_final and revision.state == "draft":
        submit(session, revision, person)
        return "submitted"
    return "unchanged" if is_same else "saved"


def _again(
    request: Request, slug: str, locale: str, form: Draft, error: Conflict | Invalid
) -> Response:
    """The page with what was typed, and why it was not saved."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        bench = _bench(session, slug, locale, form)
        status = 409 if isinstance(error, Conflict) else 422
        return _page(request, person, bench, status, wrong=error)


def _page(
    request: Request, person: Person, bench: Bench, status: int = 200, **told: object
) -> Response:
    told = {"done": "", "wrong": None} | told
    return studio_page(
        request, "translation.html", person, "translations", status, bench=bench, **told
    )


def _bench(session: Session, slug: str, locale: str, form: Draft | None = None) -> Bench:
    """What lies before the translator. Raises NotFound."""
    article, source = _source(session, slug, locale)
    assert article.id is not None
    newest = latest_revision(session, article.id, locale)
    made_from = translated_source(session, article, newest) if newest else None
    bench = bench_of(source, newest, made_from, locale, form)
    values = {fact.name: fact.values[locale] for fact in facts_in(session, locale)}
    return replace(bench, stated=tuple(stated_in(session, source)), values=values)


def _source(session: Session, slug: str, locale: str) -> tuple[Article, Revision]:
    article = get_article(session, slug)
    source = source_of(session, article)
    if source is None or locale not in LOCALE_NAMES or locale == article.source_locale:
        raise NotFound(f"there is nothing to translate from {slug[:120]!r} into {locale[:40]!r}")
    return article, source
