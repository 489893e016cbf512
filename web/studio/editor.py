"""The editor: what is typed is kept, checked, previewed, merged, saved, sent for review."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session, col, select
from starlette.datastructures import UploadFile as SentFile

from kb.articles import (
    Article,
    Revision,
    Wording,
    find_article,
    find_revision,
    get_article,
    latest_revision,
)
from kb.audiences import AGENTS, ASSISTANT, CUSTOMERS, PUBLIC
from kb.db import reading, transaction
from kb.errors import Conflict, Invalid, NotFound
from kb.fact_uses import expand, folded, set_uses
from kb.inventory import choices
from kb.merging import Merged, merge
from kb.people import Person
from kb.pictures import add_picture, markdown_of
from kb.publishing import draft, submit
from kb.settings import LOCALE_NAMES
from kb.shared_facts import facts_in
from kb.slugs import free_slug
from kb.working_copies import (
    WorkingCopy,
    close,
    find_copy,
    get_copy,
    keep,
    new_copies,
    new_copy_id,
    others_at,
    reopen,
)
from web.article_pages import Slug
from web.forms import from_this_site
from web.i18n import _, audience_name, category_name
from web.login import staff_locale
from web.pages import services_of
from web.studio.article import FIELD_NAMES
from web.studio.articles import ROOM
from web.studio.checks import LEVELS, LINK_REASONS, MEASURES, check
from web.studio.preview import CHANNELS, preview
from web.studio.shell import editor_of, studio_page
from web.studio.typed import Typed
from web.studio.wrongs import Note, Wrong, note_of

NEW = "new"
CHANNEL_NAMES = {
    "help_site": _("Help site"),
    "widget": _("Chat"),
    "sidebar": _("Sidebar"),
    "plain": _("Plain text"),
}
SLUG_TAKEN = _("Another article has this address. Choose another.")
NO_SLUG = _("Give the article an address of lower-case Latin words joined by hyphens.")
ALT_MISSING = _("Say in words what the picture shows, for those who cannot see it.")
NO_FILE = _("Choose a picture first.")

router = APIRouter()


@dataclass(frozen=True)
class Sent:
    """A form of the editor: the fields, and on what they stand."""

    typed: Typed
    copy: str
    locale: str
    based_on: int
    action: str
    form: Mapping[str, Any]


async def sent(request: Request) -> AsyncIterator[Sent]:
    """The form that came with the request; its files are gone afterwards."""
    async with request.form() as form:
        based_on, locale = str(form.get("based_on", "0")), str(form.get("in", ""))
        if locale not in LOCALE_NAMES or not (based_on.isascii() and based_on.isdigit()):
            raise HTTPException(422, "this form is not whole; open the editor again")
        typed = Typed.from_form({name: form.get(name) for name in form})
        action = str(form.get("action", "check"))
        copy = str(form.get("copy", "")) or new_copy_id()
        yield Sent(typed, copy[:64], locale, int(based_on[:9]), action, dict(form))


Picture = Annotated[UploadFile, File()]
SentForm = Annotated[Sent, Depends(sent)]


@dataclass(frozen=True)
class Place:
    """What is edited: an article, or a new one, in one language; `newest` is its last version."""

    article: Article | None
    locale: str
    newest: Revision | None

    @property
    def slug(self) -> str:
        """As addresses name it."""
        return self.article.slug if self.article else NEW

    @property
    def path(self) -> str:
        """Where its editor is."""
        return f"/studio/articles/{self.slug}/edit" if self.article else "/studio/articles/new"

    @property
    def version(self) -> int:
        """The version that stands now; 0 for none."""
        return self.newest.version if self.newest else 0

    @property
    def article_id(self) -> int | None:
        """None for a new one."""
        return self.article.id if self.article else None


def _place(session: Session, slug: str, locale: str) -> Place:
    if slug == NEW:
        return Place(None, locale, None)
    article = get_article(session, slug)
    assert article.id is not None
    return Place(article, locale, latest_revision(session, article.id, locale))


# -- opening -----------------------------------------------------------------------


@router.api_route("/articles/new", methods=["GET", "HEAD"])
def open_new(request: Request, copy: str = "", discarded: str = "") -> Response:
    """An empty editor, or filled with what the address brings or what was begun before."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        place = Place(None, _wanted_locale(request), None)
        found = get_copy(session, copy, person) if copy else None
        typed = Typed.from_form(found.fields) if found else _from_address(request)
        return _editor(request, session, person, place, typed, found, discarded=discarded)


@router.api_route("/articles/{slug}/edit", methods=["GET", "HEAD"])
def open_editor(request: Request, slug: Slug, discarded: str = "") -> Response:
    """The newest version, or what this person typed on it and has not saved."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        article = get_article(session, slug)
        place = _place(session, slug, _wanted_locale(request, article.source_locale))
        found = find_copy(session, person, article.id, place.locale)
        typed = _as_saved(session, place)
        if found:
            typed = Typed.from_form(found.fields)
        return _editor(request, session, person, place, typed, found, discarded=discarded)


def _wanted_locale(request: Request, otherwise: str = "") -> str:
    """The language to write in: `?in=`, else `?locale=`, which also is the page's."""
    asked = (request.query_params.get(name, "") for name in ("in", "locale"))
    found = next((code for code in asked if code in LOCALE_NAMES), "")
    return found or otherwise or staff_locale(request)


def _from_address(request: Request) -> Typed:
    query = request.query_params
    named = {name: query.get(name, "")[:2000] for name in ("title", "answer", "category", "tags")}
    return Typed.from_form(named | {"phrasings": "\n".join(query.getlist("phrasing")[:50])})


def _as_saved(session: Session, place: Place) -> Typed:
    """The newest version; for a language that has none the article's facts, without words."""
    if place.newest:
        return Typed.from_wording(folded(session, place.newest), place.slug)
    assert place.article is not None
    source = find_revision(session, place.article, place.article.source_locale)
    if source is None:
        return Typed(slug=place.slug)
    facts = source.wording
    empty = Wording("", "", "", (), facts.category, facts.audience, facts.owner, facts.verify_days)
    return Typed.from_wording(empty, place.slug)


def _editor(
    request: Request,
    session: Session,
    person: Person,
    place: Place,
    typed: Typed,
    copy: WorkingCopy | None,
    note: Note | None = None,
    field: str = "",
    based_on: int | None = None,
    discarded: str = "",
) -> Response:
    """The page; `note` says what was wrong with what was sent."""
    services, reader = services_of(request), staff_locale(request)
    there = choices(session)
    article_id = place.article_id
    audiences = dict.fromkeys((PUBLIC, CUSTOMERS, AGENTS, ASSISTANT, *there.audiences))
    return studio_page(
        request,
        "articles/editor.html",
        person,
        ROOM,
        note.status if note else 200,
        place=place,
        typed=typed,
        copy=copy,
        copy_id=copy.id if copy else new_copy_id(),
        based_on=copy.based_on if copy and based_on is None else (based_on or place.version),
        has_moved=copy is not None and copy.based_on != place.version,
        checks=check(session, services.index, typed, place.locale, article_id),
        others=others_at(session, article_id, place.locale, person) if article_id else [],
        unfinished=[c for c in new_copies(session, person) if not place.article and c is not copy],
        categories=[(name, category_name(name, reader)) for name in there.categories],
        audiences=[(name, audience_name(name, reader)) for name in audiences],
        owners=sorted({*there.owners, *_staff(session)}),
        tags=there.tags,
        channels=CHANNEL_NAMES,
        facts=_facts(session, place.locale),
        note=note,
        wrong_field=field,
        discarded=discarded,
        link_reasons=LINK_REASONS,
        measures=MEASURES,
        levels=LEVELS,
    )


def _facts(session: Session, locale: str) -> list[tuple[str, str, str]]:
    """What can be stated in that language: name, value, what it is."""
    return [(f.name, f.values[locale], f.about) for f in facts_in(session, locale)]


def _staff(session: Session) -> list[str]:
    query = select(Person.email).where(
        col(Person.deactivated_at).is_(None), ~col(Person.email).endswith(".invalid")
    )
    return list(session.exec(query))


# -- saving ------------------------------------------------------------------------


@router.post("/articles/new", dependencies=[Depends(from_this_site)])
def post_new(request: Request, form: SentForm) -> Response:
    """A new article as a draft, sent for review if asked."""
    return _act(request, NEW, form)


@router.post("/articles/{slug}/edit", dependencies=[Depends(from_this_site)])
def post_editor(request: Request, slug: Slug, form: SentForm) -> Response:
    """A new draft, sent for review if asked; or both versions side by side where two wrote."""
    return _act(request, slug, form)


def _act(request: Request, slug: str, form: Sent) -> Response:
    """Whatever comes of it, what was typed is kept first."""
    with transaction(services_of(request).engine) as session:
        person = editor_of(request, session)
        place = _place(session, slug, form.locale)
        copy = _keep(session, person, place, form)
    try:
        typed = _with_picture(request, form)
        if form.action in ("save", "submit"):
            return _saved(request, slug, form)
    except Conflict:
        return _merge_page(request, slug, form)
    except Invalid as error:
        with reading(services_of(request).engine) as session:
            note = note_of(error)
            return _editor(
                request, session, person, place, form.typed, copy, note, error.field or ""
            )
    with reading(services_of(request).engine) as session:
        return _editor(request, session, person, place, typed, copy)


def _keep(session: Session, person: Person, place: Place, form: Sent) -> WorkingCopy:
    """The working copy; it counts as changed where it differs from the version below it."""
    saved = Typed(slug=form.typed.slug)
    if place.article:
        base = find_revision(session, place.article, place.locale, form.based_on or None)
        folded_base = Typed.from_wording(folded(session, base), place.slug) if base else None
        saved = folded_base or _as_saved(session, place)
    is_changed = _words(form.typed) != _words(saved)
    fields = form.typed.fields
    where = (place.article_id, place.locale, form.based_on)
    return keep(session, form.copy, person, *where, fields, is_changed)


def _words(typed: Typed) -> dict[str, str]:
    return {name: text.strip() for name, text in typed.fields.items() if name != "slug"}


def _with_picture(request: Request, form: Sent) -> Typed:
    """The fields, with a picture at the end of the long form where one was sent along."""
    if form.action != "picture":
        return form.typed
    upload = form.form.get("picture")
    if not isinstance(upload, SentFile) or not upload.filename:
        raise Wrong(NO_FILE, "picture")
    link = _kept_picture(request, upload, str(form.form.get("alt", "")))
    body = f"{form.typed.body.rstrip()}\n\n{link[1]}\n".lstrip()
    return Typed.from_form(form.typed.fields | {"body": body})


def _kept_picture(request: Request, upload: SentFile, alt: str) -> tuple[str, str]:
    if not alt.strip():
        raise Wrong(ALT_MISSING, "alt")
    data = upload.file.read()
    with transaction(services_of(request).engine) as session:
        editor_of(request, session)
        address = add_picture(session, upload.filename or "", data)
    return address, markdown_of(address, alt)


def _saved(request: Request, slug: str, form: Sent) -> Response:
    with transaction(services_of(request).engine) as session:
        person = editor_of(request, session)
        place = _place(session, slug, form.locale)
        wording = form.typed.checked()
        named = place.slug if place.article else _new_slug(session, form.typed)
        expanded = expand(session, wording, form.locale)
        newest = place.newest
        if newest is None or newest.sha256 != expanded.wording.sha256:
            based_on = form.based_on
            newest = draft(session, named, form.locale, wording, person, based_on, carries=False)
        else:
            set_uses(session, newest, expanded.uses, person)
        if form.action == "submit" and newest.state == "draft":
            submit(session, newest, person)
        close(session, form.copy, person)
    done = "submitted" if form.action == "submit" else "saved"
    query = urlencode({"in": form.locale, "done": done})
    return RedirectResponse(f"/studio/articles/{named}?{query}", 303)


def _new_slug(session: Session, typed: Typed) -> str:
    slug = typed.slug.strip() or free_slug(session, typed.title)
    if not slug:
        raise Wrong(NO_SLUG, "slug")
    if slug == NEW or find_article(session, slug):
        raise Wrong(SLUG_TAKEN, "slug")
    return slug


# -- two editors ---------------------------------------------------------------------


def _merge_page(request: Request, slug: str, form: Sent) -> Response:
    """Base, theirs and mine: what fits together is joined, what does not is to be chosen."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        place = _place(session, slug, form.locale)
        if place.newest is None or place.newest.version == form.based_on:
            copy = get_copy(session, form.copy, person)
            note = note_of(Conflict("the draft is being reviewed already"))
            return _editor(request, session, person, place, form.typed, copy, note)
        author = session.get_one(Person, place.newest.author_id)
        return studio_page(
            request,
            "articles/merge.html",
            person,
            ROOM,
            409,
            place=place,
            author=author,
            copy_id=form.copy,
            merged=_merged(session, place, form.typed, form.based_on),
            mine=form.typed.fields,
            theirs=Typed.from_wording(folded(session, place.newest), place.slug).fields,
            field_names=FIELD_NAMES,
        )


def _merged(session: Session, place: Place, mine: Typed, based_on: int) -> Merged:
    assert place.newest is not None
    assert place.article is not None
    base = find_revision(session, place.article, place.locale, based_on) if based_on else None
    old = Typed.from_wording(folded(session, base)) if base else Typed()
    own = {name: text for name, text in mine.fields.items() if name != "slug"}
    other = Typed.from_wording(folded(session, place.newest)).fields
    return merge({name: old.fields[name] for name in own}, own, other)


@router.post("/articles/{slug}/merge", dependencies=[Depends(from_this_site)])
def post_merge(
    request: Request,
    slug: Slug,
    form: SentForm,
) -> Response:
    """The choices become the working copy, on top of their version; nothing is saved yet."""
    with transaction(services_of(request).engine) as session:
        person = editor_of(request, session)
        place = _place(session, slug, form.locale)
        copy = get_copy(session, form.copy, person)
        if place.newest is None:
            raise NotFound("there is nothing to merge with")
        mine = Typed.from_form(copy.fields)
        choices_made = {k: v for k, v in form.form.items() if isinstance(v, str)}
        fields = _merged(session, place, mine, copy.based_on).resolved(choices_made)
        whole = mine.fields | fields
        based_on = place.version
        keep(session, copy.id, person, place.article_id, place.locale, based_on, whole, True)
    return RedirectResponse(f"{place.path}?{urlencode({'in': place.locale})}", 303)


# -- working copies ------------------------------------------------------------------


@router.post("/copies", dependencies=[Depends(from_this_site)])
def post_copy(request: Request, form: SentForm, article: Annotated[str, Form()]) -> Response:
    """Kept; who else is here, and which version is the newest now."""
    with transaction(services_of(request).engine) as session:
        person = editor_of(request, session)
        place = _place(session, article, form.locale)
        copy = _keep(session, person, place, form)
        there = place.article_id
        others = others_at(session, there, place.locale, person) if there else []
        return JSONResponse(
            {
                "copy": copy.id,
                "changed": copy.has_changes,
                "newest": place.version,
                "others": [other.name for other in others],
                "slug": free_slug(session, form.typed.title) if place.article is None else "",
            }
        )


@router.post("/copies/{copy_id}/closing", dependencies=[Depends(from_this_site)])
def discard_copy(request: Request, copy_id: str) -> Response:
    """Discarded; the next page offers to take it back."""
    with transaction(services_of(request).engine) as session:
        person = editor_of(request, session)
        copy = get_copy(session, copy_id, person)
        close(session, copy.id, person)
        return RedirectResponse(_address(session, copy, discarded=copy.id), 303)


@router.post("/copies/{copy_id}/reopening", dependencies=[Depends(from_this_site)])
def undo_discarding(request: Request, copy_id: str) -> Response:
    """As it was."""
    with transaction(services_of(request).engine) as session:
        person = editor_of(request, session)
        copy = reopen(session, copy_id, person)
        named = {} if copy.article_id else {"copy": copy.id}
        return RedirectResponse(_address(session, copy, **named), 303)


def _address(session: Session, copy: WorkingCopy, **more: str) -> str:
    query = urlencode({"in": copy.locale, **more})
    if copy.article_id is None:
        return f"/studio/articles/new?{query}"
    slug = session.get_one(Article, copy.article_id).slug
    return f"/studio/articles/{slug}/edit?{query}"


# -- while typing --------------------------------------------------------------------


@router.post("/preview/{channel}", dependencies=[Depends(from_this_site)])
def show_preview(
    request: Request, channel: str, form: SentForm, article: Annotated[str, Form()] = NEW
) -> Response:
    """A page for a frame of the editor."""
    with reading(services_of(request).engine) as session:
        editor_of(request, session)
        typed = form.typed.shown(session, form.locale)
    if channel not in CHANNELS:
        raise NotFound("there is no such channel")
    version = form.based_on + 1
    return preview(request, channel, typed, form.locale, article, version)


@router.post("/checks", dependencies=[Depends(from_this_site)])
def show_checks(
    request: Request, form: SentForm, article: Annotated[str, Form()] = NEW
) -> Response:
    """What there is to look at, as a part of the page."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        place = _place(session, article, form.locale)
        index = services_of(request).index
        return studio_page(
            request,
            "articles/checks.html",
            person,
            ROOM,
            checks=check(session, index, form.typed, form.locale, place.article_id),
            link_reasons=LINK_REASONS,
            measures=MEASURES,
            levels=LEVELS,
        )


@router.post("/pictures", dependencies=[Depends(from_this_site)])
def post_picture(request: Request, picture: Picture, alt: Annotated[str, Form()] = "") -> Response:
    """A picture that was dropped, pasted or chosen; its address, and how to write it."""
    try:
        address, markdown = _kept_picture(request, picture, alt)
    except Invalid as error:
        return JSONResponse({"detail": str(error), "field": error.field}, 422)
    return JSONResponse({"address": address, "markdown": markdown}, 201)
