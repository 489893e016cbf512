"""Questions in the studio: what nobody answered, grouped by meaning, and the whole record."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session, col, select

from assistant.asked import OUTCOMES, PAGE, Wanted, asked_page, count_asked, every_asked
from assistant.confirmations import is_about_confirmed
from assistant.gap_answers import give_wording, wording_of
from assistant.gap_decisions import DISMISSED, DRAFTED, PHRASED, REASONS, decide, undo
from assistant.gaps import KINDS, PERIODS, UNANSWERED, WINDOW, Gap, Phrase
from kb.articles import LIMITS, Article, Revision, find_article
from kb.audiences import CHANNELS
from kb.db import now, reading, transaction
from kb.errors import Invalid, NotFound, VerbatimError
from kb.people import Person
from web.forms import from_this_site
from web.i18n import _, translate
from web.login import staff_locale
from web.pages import services_of
from web.studio.csv_files import csv_file
from web.studio.gatherers import gatherer_of
from web.studio.shell import editor_of, studio_page

ROOM = "questions"
GROUPS = 20
# As many of a group's phrasings as its page lists; the rest are of the same kind.
LISTED = 100
DONE = {
    "phrased": _("The wording is in review now. Once it is live, the question is answered."),
    "draft": _("The wording was added to a colleague’s draft, which is still theirs to submit."),
    "dismissed": _("Put aside. It comes back if many more ask it."),
    "declined": _("Left out. It can be taken back below."),
    "undone": _("Taken back: the questions are open again."),
}
KIND_NAMES = {
    "unanswered": _("Unanswered"),
    "doubtful": _("Doubtful"),
    "unhelpful": _("Did not help"),
    "person": _("Needed a person"),
}
OUTCOME_NAMES = {
    "answered": _("Answered"),
    "clarify": _("Asked back"),
    "abstained": _("No answer"),
}
REASON_NAMES = {
    "out_of_scope": _("Not for us to answer"),
    "spam": _("Spam or nonsense"),
    "answered_elsewhere": _("Answered elsewhere"),
}
ACTION_NAMES = {
    "phrased": _("Wording given to an article"),
    "drafted": _("Draft started"),
    "dismissed": _("Put aside"),
    "declined": _("Left out"),
}
NAMES: dict[str, Any] = {
    "kind_names": KIND_NAMES,
    "outcome_names": OUTCOME_NAMES,
    "reason_names": REASON_NAMES,
    "action_names": ACTION_NAMES,
}

router = APIRouter(prefix=f"/{ROOM}")

Done = Annotated[str, Query()]
Page = Annotated[int, Query(ge=1, le=100_000)]
Chosen = Annotated[list[str] | None, Form()]


@router.api_route("", methods=["GET", "HEAD"])
def show_questions(
    request: Request,
    kind: str = UNANSWERED,
    days: int = WINDOW,
    state: str = "open",
    page: Page = 1,
    done: Done = "",
) -> Response:
    """Groups of questions that were not helped with in one way, biggest first."""
    kind = kind if kind in KINDS else UNANSWERED
    days = days if days in PERIODS else WINDOW
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        gaps = gatherer_of(request).gaps(session)
        if gaps is None:
            return still_reading(request, person)
        handled = [gap for gap in gaps if gap.is_handled]
        waiting = {
            name: [gap for gap in gaps if gap.count(name, days) and not gap.is_handled]
            for name in KINDS
        }
        is_open = state != "handled"
        shown = _ranked(waiting[kind], kind, days) if is_open else _latest_decided(handled)
        pages = max(1, -(-len(shown) // GROUPS))
        listed = shown[(min(page, pages) - 1) * GROUPS :][:GROUPS]
        context = NAMES | {
            "gaps": listed,
            "near": _near(request, session, listed if is_open else [], count=1),
            "deciders": deciders_of(session, _deciders(listed)),
            "articles": _articles_of(session, listed),
            "tabs": {name: len(waiting[name]) for name in KINDS},
            "kind": kind if is_open else "handled",
            "handled": len(handled),
            "days": days,
            "periods": PERIODS,
            "page_number": min(page, pages),
            "pages": pages,
            "asked": count_asked(session, Wanted(now() - timedelta(days=WINDOW))),
        }
        return questions_page(request, "questions.html", person, done, **context)


def _ranked(gaps: list[Gap], kind: str, days: int) -> list[Gap]:
    return sorted(gaps, key=lambda gap: (-gap.count(kind, days), -gap.last.timestamp(), gap.key))


def _latest_decided(gaps: list[Gap]) -> list[Gap]:
    return sorted(gaps, key=lambda gap: -(gap.decision.id or 0) if gap.decision else 0)


def still_reading(request: Request, person: Person) -> Response:
    """How far reading the questions is; the page comes again by itself."""
    gatherer = gatherer_of(request)
    response = questions_page(
        request, "questions_reading.html", person, read=gatherer.done, total=gatherer.total
    )
    # Without a script the page comes again by itself as well.
    response.headers["Refresh"] = "2"
    return response


def questions_page(
    request: Request, template: str, person: Person, done: str = "", **context: Any
) -> Response:
    """A page of this room; `done` is what was done just before."""
    told = translate(staff_locale(request), DONE[done]) if done in DONE else ""
    return studio_page(request, template, person, ROOM, done=told, **context)


def _near(
    request: Request, session: Session, gaps: list[Gap], count: int = 3
) -> dict[str, list[tuple[Article, str, float]]]:
    """By group the nearest articles: each with a title and how near it is."""
    found = gatherer_of(request).nearest(gaps, count)
    ids = {article_id for of in found for article_id, _near in of}
    articles = {a.id: a for a in session.exec(select(Article).where(col(Article.id).in_(ids)))}
    titles = titles_of(request, ids)
    return {
        gap.key: [(articles[id_], titles[id_], near) for id_, near in of]
        for gap, of in zip(gaps, found, strict=True)
    }


def titles_of(request: Request, article_ids: set[int]) -> dict[int, str]:
    """What live articles are called, in the reader's language where they have it."""
    order = [staff_locale(request), *services_of(request).settings.locales]
    found: dict[int, dict[str, str]] = {}
    for document in services_of(request).index.bring_level().documents:
        if document.article_id in article_ids:
            found.setdefault(document.article_id, {})[document.locale] = document.title
    return {id_: next(of[c] for c in [*order, *of] if c in of) for id_, of in found.items()}


def _deciders(gaps: list[Gap]) -> set[int]:
    return {gap.decision.by_id for gap in gaps if gap.decision}


def deciders_of(session: Session, ids: set[int]) -> dict[int | None, str]:
    """What those who decided are called."""
    return {p.id: p.name for p in session.exec(select(Person).where(col(Person.id).in_(ids)))}


def _articles_of(session: Session, gaps: list[Gap]) -> dict[int | None, Revision]:
    ids = {gap.decision.revision_id for gap in gaps if gap.decision}
    found = session.exec(select(Revision).where(col(Revision.id).in_(ids - {None})))
    return {revision.id: revision for revision in found}


# -- one group ---------------------------------------------------------------------------


@router.api_route("/groups/{key}", methods=["GET", "HEAD"])
def show_group(request: Request, key: str, done: Done = "") -> Response:
    """A group with its phrasings, the nearest articles, and what can be done about it."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        return _group_page(request, session, person, _gap(request, session, key), done)


def _group_page(
    request: Request,
    session: Session,
    person: Person,
    gap: Gap,
    done: str = "",
    status: int = 200,
    **context: Any,
) -> Response:
    return questions_page(
        request,
        "question_group.html",
        person,
        done,
        status=status,
        gap=gap,
        listed=gap.phrases[:LISTED],
        near=_near(request, session, [gap])[gap.key],
        deciders=deciders_of(session, _deciders([gap])),
        articles=_articles_of(session, [gap]),
        **(NAMES | {"problem": "", "note": ""} | context),
    )


def _gap(request: Request, session: Session, key: str) -> Gap:
    """The group that holds this phrase, whatever stands for it by now. Raises NotFound."""
    for gap in gatherer_of(request).gaps(session) or ():
        if any(phrase.digest == key for phrase in gap.phrases):
            return gap
    raise NotFound("there are no such questions; they may have been answered meanwhile")


def _chosen(gap: Gap, digests: list[str] | None) -> list[Phrase]:
    chosen = [phrase for phrase in gap.phrases if phrase.digest in (digests or ())]
    if not chosen:
        raise Invalid("choose at least one of the questions", "phrase")
    return chosen


def _decided(session: Session, person: Person, gap: Gap, action: str, **more: Any) -> None:
    members = [phrase.digest for phrase in gap.phrases]
    decide(session, person, action, gap.text, members, gap.count(), **more)


@router.post("/groups/{key}/wording", dependencies=[Depends(from_this_site)])
def post_wording(
    request: Request,
    key: str,
    phrase: Chosen = None,
    article: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
) -> Response:
    """Give the chosen questions to an article as phrasings, in new versions that are reviewed."""
    try:
        with transaction(services_of(request).engine) as session:
            person, gap = editor_of(request, session), _gap(request, session, key)
            slug = other.strip().rsplit("/", 1)[-1] or article
            target = find_article(session, slug)
            if target is None:
                raise Invalid("choose an article, or write its address", "article")
            made = give_wording(session, target, _chosen(gap, phrase), person)
            revision = made[0].id
            _decided(session, person, gap, PHRASED, article_id=target.id, revision_id=revision)
            is_submitted = made[0].state == "in_review"
    except VerbatimError as error:
        return _refused(request, key, error)
    return _back("phrased" if is_submitted else "draft")


@router.post("/groups/{key}/draft", dependencies=[Depends(from_this_site)])
def post_draft(request: Request, key: str, phrase: Chosen = None) -> Response:
    """Start an article from the chosen questions: the editor opens with their words in it."""
    try:
        with transaction(services_of(request).engine) as session:
            person, gap = editor_of(request, session), _gap(request, session, key)
            chosen = _chosen(gap, phrase)
            _decided(session, person, gap, DRAFTED)
    except VerbatimError as error:
        return _refused(request, key, error)
    return RedirectResponse(f"/studio/articles/new?{_prefilled(chosen)}", 303)


def _prefilled(phrases: list[Phrase]) -> str:
    """What the editor reads: `in` is the article's language, for `locale` is the page's."""
    language = phrases[0].language
    texts = wording_of(phrase.text for phrase in phrases if phrase.language == language)
    title = " ".join(phrases[0].text.split())[: LIMITS["title"]]
    asked = [("phrasing", text) for text in texts[:20]]
    return urlencode([("in", language), ("title", title), *asked])


@router.post("/groups/{key}/dismissal", dependencies=[Depends(from_this_site)])
def post_dismissal(
    request: Request,
    key: str,
    reason: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Put a group aside, for a reason."""
    try:
        with transaction(services_of(request).engine) as session:
            person, gap = editor_of(request, session), _gap(request, session, key)
            if reason not in REASONS:
                raise Invalid("choose why it is put aside", "reason")
            _decided(session, person, gap, DISMISSED, reason=reason, note=note)
    except VerbatimError as error:
        return _refused(request, key, error, note)
    return _back("dismissed")


@router.post("/decisions/{decision}/undoing", dependencies=[Depends(from_this_site)])
def post_undoing(request: Request, decision: int) -> Response:
    """Take a decision back."""
    with transaction(services_of(request).engine) as session:
        undone = undo(session, decision, editor_of(request, session))
        page = "/confirmed" if is_about_confirmed(undone) else ""
    return _back("undone", page)


def _refused(request: Request, key: str, error: VerbatimError, note: str = "") -> Response:
    """The group's page again, with what was wrong; what was written is still there."""
    if isinstance(error, NotFound):
        raise error
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        gap = _gap(request, session, key)
        return _group_page(request, session, person, gap, status=422, problem=str(error), note=note)


def _back(done: str, page: str = "") -> Response:
    return RedirectResponse(f"/studio/{ROOM}{page}?{urlencode({'done': done})}", 303)


# -- the whole record --------------------------------------------------------------------


def _wanted(
    q: Annotated[str, Query(max_length=200)] = "",
    outcome: str = "",
    channel: str = "",
    language: Annotated[str, Query(alias="in")] = "",
    days: int = WINDOW,
) -> Wanted:
    since = now() - timedelta(days=days if days in (*PERIODS, 365) else WINDOW)
    outcome = outcome if outcome in OUTCOMES else ""
    channel = channel if channel in CHANNELS else ""
    return Wanted(since, q.strip().replace("\0", ""), outcome, channel, language[:20])


Asked = Annotated[Wanted, Depends(_wanted)]


@router.api_route("/all", methods=["GET", "HEAD"])
def show_all(request: Request, wanted: Asked, page: Page = 1) -> Response:
    """Every question on every channel, with its reply and outcome."""
    with reading(services_of(request).engine) as session:
        person = editor_of(request, session)
        total = count_asked(session, wanted)
        pages = max(1, -(-total // PAGE))
        query = {k: v for k, v in request.query_params.items() if k not in ("page", "done")}
        return questions_page(
            request,
            "questions_all.html",
            person,
            receipts=asked_page(session, wanted, min(page, pages)),
            wanted=wanted,
            days=query.get("days", str(WINDOW)),
            periods=(*PERIODS, 365),
            channels=CHANNELS,
            total=total,
            page_number=min(page, pages),
            pages=pages,
            query=urlencode(query),
            **NAMES,
        )


@router.get("/all.csv")
def download_all(request: Request, wanted: Asked) -> Response:
    """The same as a file."""
    header = ("asked_at", "channel", "locale", "question", "outcome", "confidence", "article")
    with reading(services_of(request).engine) as session:
        editor_of(request, session)
        rows = [
            (
                receipt.issued_at.isoformat(timespec="seconds"),
                receipt.channel,
                receipt.locale,
                receipt.question,
                receipt.outcome,
                round(receipt.confidence, 3),
                receipt.article or "",
                f"{services_of(request).settings.base_url}/receipts/{receipt.id}",
            )
            for receipt in every_asked(session, wanted)
        ]
    return csv_file("questions", (*header, "receipt"), rows)
