"""What agents and customers say about articles, in one inbox.

    open ─plan→ planned ─finish→ done     open ─decline→ declined     each of them ─reopen→ open

A flag always belongs here, a customer's verdict when it did not help or has words with it. Items of
one article are decided together: finishing makes one Change, and whoever asked is written to once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from assistant.changes import DECLINED, DONE, OPEN, PLANNED, Change, Treated, checked_summaries
from assistant.conversations import Conversation, Turn
from assistant.desk.kcs import Flag
from assistant.feedback import Feedback
from assistant.handoffs import Handoff
from assistant.letters import Letter, check_address, html_page, paragraph, texts_in
from assistant.outgoing import queue
from assistant.receipts import Receipt
from kb import history
from kb.articles import CONTROL, Article, Revision
from kb.db import now
from kb.errors import Conflict, Invalid, NotFound
from kb.people import Person, require
from kb.settings import Settings

FLAG, FEEDBACK = "flag", "feedback"
KINDS = (FLAG, FEEDBACK)
MODELS: dict[str, Any] = {FLAG: Flag, FEEDBACK: Feedback}
DECISION_LIMIT = 1000
GROUPS = 20
# Of one article on one page; the numbers count all of them.
SHOWN = 60
# Addresses that nobody reads: those of keys and of the import.
NOBODY = ".invalid"


@dataclass(frozen=True)
class Filter:
    """Which items; what is left empty leaves nothing out."""

    state: str = OPEN
    article: str = ""
    locale: str = ""
    kind: str = ""
    older_than: int = 0
    assigned_to_id: int | None = None


@dataclass(frozen=True)
class Item:
    """One thing that was said, with what is known around it."""

    kind: str
    row: Any
    revision: Revision
    by: Person | None = None
    assigned_to: Person | None = None
    decided_by: Person | None = None
    conversation_id: str | None = None
    question: str = ""

    @property
    def key(self) -> str:
        """What a form names it by."""
        return f"{self.kind}-{self.row.id}"

    @property
    def words(self) -> str:
        """What was said; empty for a verdict without words."""
        text: str = self.row.reason if self.kind == FLAG else self.row.comment
        return text

    @property
    def helped(self) -> bool | None:
        """A customer's verdict."""
        return self.row.helped if self.kind == FEEDBACK else None


@dataclass(frozen=True)
class Group:
    """All that was said of one article, newest first; `total` counts what is not shown, too."""

    article: Article
    total: int
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Inbox:
    """One page of groups, those with the most to say first."""

    groups: list[Group]
    articles: int
    total: int


# -- looking -------------------------------------------------------------------------------


def counts(session: Session) -> dict[str, int]:
    """How many items there are of each state."""
    found: dict[str, int] = {}
    for model in MODELS.values():
        query = select(model.state, func.count()).where(_belongs(model)).group_by(model.state)
        for state, n in session.execute(query):
            found[state] = found.get(state, 0) + n
    return found


def open_inbox(session: Session, wanted: Filter, page: int = 1) -> Inbox:
    """What the filter finds, by article."""
    totals: dict[int, int] = {}
    for _kind, model in _models(wanted):
        query = _where(select(model.article_id, func.count()), model, wanted)
        for article_id, n in session.execute(query.group_by(model.article_id)):
            totals[article_id] = totals.get(article_id, 0) + n
    ranked = sorted(totals, key=lambda id_: (-totals[id_], id_))
    ids = ranked[GROUPS * (page - 1) : GROUPS * page]
    articles = session.exec(select(Article).where(col(Article.id).in_(ids)))
    by_id = {article.id: article for article in articles}
    items = _items(session, wanted, ids)
    groups = [Group(by_id[id_], totals[id_], items.get(id_, [])) for id_ in ids]
    return Inbox(groups, len(totals), sum(totals.values()))


def _models(wanted: Filter) -> list[tuple[str, Any]]:
    return [(kind, MODELS[kind]) for kind in KINDS if wanted.kind in ("", kind)]


def _belongs(model: Any) -> ColumnElement[bool]:
    """A verdict that it helped, without words, asks nobody for anything."""
    if model is Flag:
        return col(Flag.id).is_not(None)
    return or_(col(Feedback.helped).is_(False), col(Feedback.comment) != "")


def _where(query: Any, model: Any, wanted: Filter) -> Any:
    query = query.join(Revision, model.revision_id == Revision.id)
    query = query.where(_belongs(model), model.state == wanted.state)
    if wanted.article:
        query = query.join(Article, model.article_id == Article.id)
        query = query.where(Article.slug == wanted.article)
    if wanted.locale:
        query = query.where(Revision.locale == wanted.locale)
    if wanted.older_than:
        query = query.where(model.at < now() - timedelta(days=wanted.older_than))
    if wanted.assigned_to_id is not None:
        query = query.where(model.assigned_to_id == wanted.assigned_to_id)
    return query


def _items(session: Session, wanted: Filter, ids: Sequence[int]) -> dict[int, list[Item]]:
    rows: list[tuple[str, Any, Revision]] = []
    for kind, model in _models(wanted):
        query = _where(select(model, Revision), model, wanted).where(model.article_id.in_(ids))
        newest = query.order_by(model.id.desc()).limit(SHOWN * GROUPS)
        rows += [(kind, row, revision) for row, revision in session.execute(newest)]
    rows.sort(key=lambda found: found[1].at, reverse=True)
    grouped: dict[int, list[Item]] = {}
    for item in _completed(session, rows):
        group = grouped.setdefault(item.row.article_id, [])
        if len(group) < SHOWN:
            group.append(item)
    return grouped


def _completed(session: Session, rows: list[tuple[str, Any, Revision]]) -> list[Item]:
    """With the people, the conversations and the questions behind them, in a few queries."""
    names = ("by_id", "assigned_to_id", "decided_by_id")
    people = _people(session, {getattr(row, n, None) for _, row, _ in rows for n in names})
    talks = _conversations(session, rows)
    asked = _questions(session, {getattr(row, "receipt_id", None) for _, row, _ in rows})
    return [
        Item(
            kind,
            row,
            revision,
            by=people.get(getattr(row, "by_id", None)),
            assigned_to=people.get(row.assigned_to_id),
            decided_by=people.get(row.decided_by_id),
            conversation_id=talks.get((kind, row.id)),
            question=asked.get(getattr(row, "receipt_id", None), ""),
        )
        for kind, row, revision in rows
    ]


def _people(session: Session, ids: set[int | None]) -> dict[int | None, Person]:
    return {p.id: p for p in session.exec(select(Person).where(col(Person.id).in_(ids)))}


def _questions(session: Session, ids: set[str | None]) -> dict[str | None, str]:
    query = select(Receipt.id, Receipt.question).where(col(Receipt.id).in_(ids - {None}))
    return dict(session.exec(query).all())


def _conversations(
    session: Session, rows: Iterable[tuple[str, Any, Revision]]
) -> dict[tuple[str, int], str]:
    """Where each of them was said, as far as that is known and still kept."""
    found: dict[tuple[str, int], str] = {}
    cases = {row.handoff_id: row.id for kind, row, _ in rows if kind == FLAG and row.handoff_id}
    query = select(Handoff.id, Handoff.conversation_id).where(col(Handoff.id).in_(list(cases)))
    kept = dict(session.exec(query).all())
    for kind, row, _ in rows:
        if kind == FLAG and row.handoff_id in kept:
            found[kind, row.id] = kept[row.handoff_id]
    receipts = {row.receipt_id for kind, row, _ in rows if kind == FEEDBACK and row.receipt_id}
    said = select(Turn.receipt_id, Turn.conversation_id).where(col(Turn.receipt_id).in_(receipts))
    by_receipt = dict(session.exec(said).all())
    for kind, row, _ in rows:
        if kind == FEEDBACK and row.receipt_id in by_receipt:
            found[kind, row.id] = by_receipt[row.receipt_id]
    return found


def find_items(session: Session, keys: Iterable[str]) -> list[Item]:
    """The items that a form names. Raises Invalid for none, NotFound for one that is not there."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        raise Invalid("choose at least one", "item")
    rows: list[tuple[str, Any, Revision]] = []
    for key in wanted:
        kind, _, number = key.partition("-")
        is_one = kind in MODELS and number.isascii() and number.isdigit() and len(number) < 10
        row = session.get(MODELS[kind], int(number)) if is_one else None
        revision = session.get(Revision, row.revision_id) if row else None
        if row is None or revision is None:
            raise NotFound("what you chose is not there any more")
        rows.append((kind, row, revision))
    return _completed(session, rows)


# -- deciding -----------------------------------------------------------------------------


def assign_items(session: Session, items: Sequence[Item], to: Person | None, by: Person) -> None:
    """Somebody sees to it, or nobody in particular."""
    require(by, "write")
    if to is not None and not to.may("write"):
        raise Invalid(f"{to.name} cannot write, so cannot see to it", "to")
    for item in items:
        item.row.assigned_to_id = to.id if to else None
        session.add(item.row)
    session.flush()


def plan(session: Session, items: Sequence[Item], by: Person, note: str = "") -> None:
    """It will be seen to."""
    require(by, "write")
    _decide(session, items, by, PLANNED, (OPEN, DECLINED), note)


def decline(session: Session, items: Sequence[Item], by: Person, reason: str) -> None:
    """It stays as it is, and this is why. Raises Invalid without a reason."""
    require(by, "write")
    if not reason.strip():
        raise Invalid("say why it stays as it is", "reason")
    _decide(session, items, by, DECLINED, (OPEN, PLANNED), reason)


def reopen_items(session: Session, items: Sequence[Item], by: Person) -> None:
    """It was not settled after all; what was announced stays announced."""
    require(by, "write")
    _decide(session, items, by, OPEN, (PLANNED, DECLINED, DONE), "")


def finish(
    session: Session,
    items: Sequence[Item],
    by: Person,
    summaries: dict[str, str],
    settings: Settings,
) -> Change:
    """The article was improved: say so in public, and to whoever asked.

    Raises Invalid for items of several articles, Conflict for what is settled already.
    """
    require(by, "approve")
    assert by.id is not None
    articles = {item.row.article_id for item in items}
    if len(articles) != 1:
        raise Invalid("what is done together belongs to one article", "item")
    change = Change(article_id=articles.pop(), by_id=by.id, summaries=checked_summaries(summaries))
    session.add(change)
    session.flush()
    _decide(session, items, by, DONE, (OPEN, PLANNED), "")
    for item in items:
        item.row.change_id = change.id
        session.add(item.row)
    session.flush()
    _thank(session, change, items, settings)
    return change


def _decide(
    session: Session,
    items: Sequence[Item],
    by: Person,
    state: str,
    allowed: tuple[str, ...],
    words: str,
) -> None:
    words = CONTROL.sub("", words).strip()
    if len(words) > DECISION_LIMIT:
        raise Invalid(f"shorten it to {DECISION_LIMIT} characters", "reason")
    for item in items:
        row: Treated = item.row
        if row.state not in allowed:
            raise Conflict(f"this is {row.state} already; somebody was quicker")
        row.state, row.decision = state, words
        row.decided_at, row.decided_by_id = now(), by.id
        session.add(row)
    session.flush()
    for revision in {item.revision.article_id: item.revision for item in items}.values():
        keys = [item.key for item in items if item.revision.article_id == revision.article_id]
        history.record(
            session, f"feedback_{state}", by, revision.article_id, revision.locale, items=keys
        )


# -- you told us, we did --------------------------------------------------------------------


@dataclass(frozen=True)
class _Asker:
    address: str
    locale: str
    said: str
    since: datetime


def _thank(session: Session, change: Change, items: Sequence[Item], settings: Settings) -> None:
    """One letter to everybody who asked and can be reached, in their language."""
    askers: dict[str, _Asker] = {}
    for item in items:
        asker = _asker_of(session, item)
        if asker:
            askers.setdefault(asker.address.lower(), asker)
    for address, asker in askers.items():
        letter = _letter(change, asker, items[0].revision, settings)
        whom = sha256(address.encode()).hexdigest()[:24]
        queue(session, "mail", f"change-{change.id}-{whom}", letter.as_data())


def _asker_of(session: Session, item: Item) -> _Asker | None:
    address, locale, said = "", item.revision.locale, item.words
    if item.kind == FLAG:
        active = item.by and item.by.deactivated_at is None
        address = item.by.email if item.by and active else ""
    elif item.conversation_id:
        conversation = session.get(Conversation, item.conversation_id)
        if conversation and conversation.email:
            address, locale = conversation.email, conversation.locale
            said = item.words or item.question
    try:
        address = check_address(address)
    except Invalid:
        return None
    return None if address.endswith(NOBODY) else _Asker(address, locale, said, item.row.at)


def _letter(change: Change, asker: _Asker, revision: Revision, settings: Settings) -> Letter:
    texts, said = texts_in(asker.locale), asker.said
    code = next(
        (c for c in (asker.locale, revision.locale) if c in change.summaries),
        next(iter(change.summaries)),
    )
    link = f"{settings.base_url}/{asker.locale}/articles/{revision.article.slug}"
    told = [texts["change_told"], f"> {said}"] if said else []
    lines = [*told, texts["change_did"], change.summaries[code], link, texts["change_once"]]
    quoted = [paragraph(told[0]), f"<blockquote>{paragraph(said)}</blockquote>"] if told else []
    html = [*quoted, *(paragraph(line) for line in lines[len(told) :])]
    return Letter(
        to=asker.address,
        subject=texts["change_subject"].format(title=revision.title),
        text="\n\n".join(lines) + "\n",
        html=html_page(asker.locale, html),
        locale=asker.locale,
    )
