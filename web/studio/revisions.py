"""The page of one revision: its words, what changed, what is said of it, and its next steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from assistant.collation import check_publication, look_at
from assistant.contradictions import BLOCK, OFF, ability_to_dismiss
from assistant.impact_runs import is_stale, latest_run
from assistant.notifications import catch_up
from kb import comments
from kb.articles import Revision, get_article, get_revision
from kb.audiences import ASSISTANT, PUBLIC
from kb.db import reading, transaction
from kb.errors import Conflict, NotFound, VerbatimError
from kb.people import Person
from kb.publishing import (
    Publication,
    approve,
    cancel,
    publish,
    request_changes,
    restore,
    submit,
    withdraw,
)
from web.article_pages import known_slug
from web.forms import from_this_site
from web.i18n import _
from web.pages import known_locale, services_of
from web.studio.contradiction_view import Shown
from web.studio.contradiction_view import shown as show_all
from web.studio.revision_view import PART_NAMES, STATES, RevisionView, view_revision
from web.studio.shell import editor_of, studio_page
from web.studio.times import showing, zones
from web.studio.wrongs import Note, Wrong, note_of

Text = Annotated[str, Form()]
Verb = Callable[[Session, Revision, Person], "Revision | None"]
DONE = {
    "submitted": _("A review is asked for. Who may approve has been told."),
    "approved": _("Approved."),
    "published": _("Published: it is on every channel now."),
    "scheduled": _("It goes live by itself at that time."),
    "sent-back": _("Sent back, with your note."),
    "cancelled": _("The schedule is cancelled."),
    "withdrawn": _("Withdrawn: no channel says it any more."),
    "restored": _("This is a new draft with the old words. Nothing is published yet."),
    "commented": _("Your comment is kept."),
    "resolved": _("The thread is resolved."),
    "reopened": _("The thread is open again."),
    "verified": _("Marked as still right."),
    "undone": _("Taken back."),
}
STAFF_CHANNELS = (_("The agents’ desk"), _("The sidebar in other help desks"))
CHANNELS = (_("The help site"), _("The chat on the website"), _("The API"), *STAFF_CHANNELS)
BLOCKED = _("Not published: it contradicts another answer.")
NOTHING: Mapping[str, str] = {}
PLACE = "/articles/{slug}/{locale}/{version}"

router = APIRouter()


@dataclass(frozen=True)
class Place:
    """Which revision an address names."""

    slug: str
    locale: str
    version: int

    @property
    def path(self) -> str:
        """Its page."""
        return f"/studio/articles/{self.slug}/{self.locale}/{self.version}"


def place_of(
    request: Request, slug: str, locale: str, version: Annotated[int, Path(ge=1, le=10**9)]
) -> Place:
    """The revision in the address. Raises NotFound for what cannot be one."""
    return Place(known_slug(slug), known_locale(request, locale), version)


At = Annotated[Place, Depends(place_of)]
from_here = [Depends(from_this_site)]


@router.api_route(PLACE, methods=["GET", "HEAD"])
def show_revision(
    request: Request, at: At, view: str = "", against: str = "", done: str = "", undo: str = ""
) -> Response:
    """The words or the changes, the comments, and what can be done next."""
    undo = undo if done == "verified" else ""
    return _page(request, at, view=view, against=against, done=DONE.get(done, ""), undo=undo)


@router.post(f"{PLACE}/review", dependencies=from_here)
def post_review(
    request: Request,
    at: At,
    publishes: Text = "",
    starts: Text = "",
    until: Text = "",
    zone: Text = "UTC",
) -> Response:
    """Ask for a review, and perhaps to publish with the approval."""

    def step(session: Session, revision: Revision, me: Person) -> None:
        submit(session, revision, me, bool(publishes), *showing(starts, until, zone))

    return _step(request, at, step, "submitted", starts=starts, until=until, zone=zone)


@router.post(f"{PLACE}/approval", dependencies=from_here)
def post_approval(request: Request, at: At, publishes: Text = "") -> Response:
    """Approve, and publish too where that was asked for and is wanted."""
    done = ["approved"]

    def step(session: Session, revision: Revision, me: Person) -> None:
        if revision.author_id == me.id and me.may("approve"):
            raise Wrong(_("You wrote this version, so somebody else has to approve it."), "by", 403)
        publication = approve(session, revision, me, bool(publishes))
        done[0] = outcome_of(publication) if publication else "approved"

    return (publishes and contradicting(request, at)) or _step(request, at, step, done)


@router.post(f"{PLACE}/changes", dependencies=from_here)
def post_changes(request: Request, at: At, note: Text = "") -> Response:
    """Send it back with a note."""

    def step(session: Session, revision: Revision, me: Person) -> None:
        if not note.strip() and not _has_open_threads(session, revision):
            raise Wrong(_("Say what should change, here or in a comment."), "note")
        request_changes(session, revision, me, note)

    return _step(request, at, step, "sent-back", note=note)


def _has_open_threads(session: Session, revision: Revision) -> bool:
    threads = comments.threads_on(session, revision.article_id, revision.locale)
    return any(thread[0].is_open for thread in threads)


@router.post(f"{PLACE}/publication", dependencies=from_here)
def post_publication(
    request: Request,
    at: At,
    when: Text = "now",
    starts: Text = "",
    until: Text = "",
    zone: Text = "UTC",
    corrects: Text = "",
    why: Text = "",
) -> Response:
    """Publish now or at a time, until another or for good.

    What corrects something is shown first to whom it will be told, and is published there.
    """
    done = ["published"]
    if corrects and when != "at":
        marked = {"article": at.slug, "locale": at.locale, "publishes": str(at.version)}
        query = urlencode(marked | {"why": why[:300], "until": until, "zone": zone})
        return RedirectResponse(f"/studio/corrections/new?{query}", 303)

    def step(session: Session, revision: Revision, me: Person) -> None:
        times = publication_times(when, starts, until, zone)
        if corrects:
            raise Wrong(
                _("A correction is told when it is live: publish it now, or mark it afterwards."),
                "corrects",
            )
        done[0] = outcome_of(publish(session, revision, me, *times))

    typed = {"when": when, "starts": starts, "until": until, "zone": zone}
    typed |= {"corrects": corrects, "why": why}
    return contradicting(request, at, **typed) or _step(request, at, step, done, **typed)


def contradicting(request: Request, at: Place, **typed: str) -> Response | None:
    """The page with what stands in the way, where contradictions block a publication."""
    services = services_of(request)
    with reading(services.engine) as session:
        me = editor_of(request, session)
        revision = get_revision(session, get_article(session, at.slug), at.locale, at.version)
    if not me.may("publish"):
        return None
    try:
        setting = services.settings.contradictions
        check_publication(services.engine, services.index, revision, setting)
    except Conflict as error:
        return _page(request, at, wrong=Note(BLOCKED, 409, str(error)), typed=typed)
    return None


def publication_times(
    when: str, starts: str, until: str, zone: str
) -> tuple[datetime | None, datetime | None]:
    """When a version goes live and ends, as the form says it. Raises Wrong."""
    if when == "at" and not starts.strip():
        raise Wrong(_("Choose when it should go live."), "starts")
    return showing(starts if when == "at" else "", until, zone)


def outcome_of(publication: Publication) -> str:
    """`published`, or `scheduled` for a time."""
    return "published" if publication.start_recorded else "scheduled"


@router.post(PLACE + "/publications/{publication_id}/cancellation", dependencies=from_here)
def post_cancellation(request: Request, at: At, publication_id: int) -> Response:
    """Take back a schedule."""

    def step(session: Session, revision: Revision, me: Person) -> None:
        found = session.get(Publication, publication_id)
        if found is None or found.revision_id != revision.id:
            raise NotFound("there is no such schedule")
        cancel(session, found, me)

    return _step(request, at, step, "cancelled")


@router.api_route(f"{PLACE}/withdrawal", methods=["GET", "HEAD"])
def show_withdrawal(request: Request, at: At) -> Response:
    """What will happen, before it does."""
    return _page(request, at, "withdrawal.html", ability="publish")


@router.post(f"{PLACE}/withdrawal", dependencies=from_here)
def post_withdrawal(request: Request, at: At) -> Response:
    """Take it off every channel."""

    def step(session: Session, revision: Revision, me: Person) -> None:
        withdraw(session, revision.article, revision.locale, me)

    return _step(request, at, step, "withdrawn")


@router.post(f"{PLACE}/restoration", dependencies=from_here)
def post_restoration(request: Request, at: At) -> Response:
    """Its wording as a new draft."""
    return _step(request, at, restore, "restored")


# -- comments ----------------------------------------------------------------------


@router.post(f"{PLACE}/comments", dependencies=from_here)
def post_comment(
    request: Request,
    at: At,
    text: Text = "",
    passage: Text = "",
    part: Text = "",
    quote: Text = "",
    position: Text = "",
) -> Response:
    """Begin a thread, about what was selected, a paragraph that was chosen, or the whole."""

    def step(session: Session, revision: Revision, me: Person) -> None:
        _check_text(text)
        if quote.strip():
            near = int(position) if position.isdecimal() else 0
            comments.comment(session, revision, me, text, part, quote, near)
        else:
            comments.comment(session, revision, me, text, *_chosen(revision, me, passage))

    kept = {"text": text, "passage": passage, "part": part, "quote": quote, "position": position}
    return _step(request, at, step, "commented", "#comments", **kept)


def _chosen(revision: Revision, me: Person, passage: str) -> tuple[str, str]:
    part, _sep, number = passage.partition(":")
    if not part:
        return "", ""
    blank = RevisionView(revision.article, revision, me, None, [], [], None, [], [])
    for name, n, words in blank.passages:
        if (name, str(n)) == (part, number):
            return part, words[: comments.QUOTE_LIMIT].strip()
    raise Wrong(_("Choose the passage again: the text has changed."), "passage")


@router.post(PLACE + "/comments/{comment_id}/replies", dependencies=from_here)
def post_reply(request: Request, at: At, comment_id: int, text: Text = "") -> Response:
    """Answer in a thread."""

    def say(session: Session, said: comments.Comment, me: Person) -> None:
        _check_text(text)
        comments.reply(session, said, me, text)

    return _about(request, at, comment_id, say, "commented", reply=text)


@router.post(PLACE + "/comments/{comment_id}", dependencies=from_here)
def post_edit(request: Request, at: At, comment_id: int, text: Text = "") -> Response:
    """Change one's own words."""

    def change(session: Session, said: comments.Comment, me: Person) -> None:
        _check_text(text)
        comments.edit(session, said, me, text)

    return _about(request, at, comment_id, change, "commented", edit=text)


@router.post(PLACE + "/comments/{comment_id}/resolution", dependencies=from_here)
def post_resolution(request: Request, at: At, comment_id: int, reopens: Text = "") -> Response:
    """It is dealt with, or it is not after all."""
    verb = comments.reopen if reopens else comments.resolve
    return _about(request, at, comment_id, verb, "reopened" if reopens else "resolved")


def _about(
    request: Request,
    at: Place,
    comment_id: int,
    verb: Callable[[Session, comments.Comment, Person], object],
    done: str,
    **typed: str,
) -> Response:
    def step(session: Session, revision: Revision, me: Person) -> None:
        place = (revision.article_id, revision.locale)
        verb(session, comments.get_comment(session, comment_id, *place), me)

    return _step(request, at, step, done, "#comments", comment=str(comment_id), **typed)


def _check_text(text: str) -> None:
    if not text.strip():
        raise Wrong(_("Write something first."), "text")
    if len(text) > comments.TEXT_LIMIT:
        raise Wrong(_("That is too long for a comment. Please shorten it."), "text")


# -- pages -------------------------------------------------------------------------


def _step(
    request: Request, at: Place, verb: Verb, done: str | list[str], anchor: str = "", **typed: str
) -> Response:
    """One step in one transaction; when it is over, every channel says what is true now."""
    services = services_of(request)
    try:
        with transaction(services.engine) as session:
            me = editor_of(request, session)
            article = get_article(session, at.slug)
            made = verb(session, get_revision(session, article, at.locale, at.version), me)
            place = Place(at.slug, at.locale, made.version if made else at.version)
            catch_up(session)
    except NotFound:
        raise
    except VerbatimError as error:
        return _page(request, at, wrong=note_of(error), typed=typed)
    services.index.bring_level()
    word = done if isinstance(done, str) else done[0]
    return RedirectResponse(f"{place.path}?done={word}{anchor}", 303)


def _page(
    request: Request,
    at: Place,
    template: str = "revision.html",
    ability: str = "write",
    view: str = "",
    against: str = "",
    done: str = "",
    undo: str = "",
    wrong: Note | None = None,
    typed: Mapping[str, str] = NOTHING,
) -> Response:
    services = services_of(request)
    with reading(services.engine) as session:
        me = editor_of(request, session, ability)
        shown = view_revision(session, at.slug, at.locale, at.version, me, against)
        is_review = shown.revision.state == "in_review" and not shown.is_own
        shows_changes = view == "changes" or bool(against) or (not view and is_review)
        run = latest_run(session, shown.revision)
        return studio_page(
            request,
            template,
            me,
            "articles",
            wrong.status if wrong else 200,
            view=shown,
            revision=shown.revision,
            shows_changes=shows_changes and shown.compared is not None,
            states=STATES,
            part_names=PART_NAMES,
            zones=zones(),
            zone=services.settings.desk_timezone,
            channels=_channels_of(shown.revision),
            run=run,
            is_stale=run is not None and is_stale(session, run),
            contradictions=_contradictions(request, session, shown),
            blocks_contradictions=services.settings.contradictions == BLOCK,
            may_dismiss=me.may(ability_to_dismiss(services.settings.contradictions)),
            done=done,
            undo=undo,
            wrong=wrong,
            typed=typed,
        )


def _contradictions(request: Request, session: Session, view: RevisionView) -> list[Shown]:
    """What the newest wording contradicts; what has been replaced contradicts nobody."""
    services = services_of(request)
    if services.settings.contradictions == OFF or not (view.is_newest or view.is_live):
        return []
    return show_all(session, look_at(services.engine, services.index, view.revision))


def _channels_of(revision: Revision) -> tuple[str, ...]:
    """Which channels say it."""
    if revision.audience == ASSISTANT:
        return (_("The assistant in the chat, which falls back on its built-in words"),)
    return CHANNELS if revision.audience == PUBLIC else STAFF_CHANNELS
