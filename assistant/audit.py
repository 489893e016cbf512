"""Do all channels say the same? Questions put to each of them as a client would, and compared.

Questions are those that were recorded, and the phrasings of what answered them in every language:
paraphrases and translations. Whatever a question is answered with, each channel must give the
same article, version, locale and digest, and show the same words.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import JSON, Column, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from assistant.channels import Said
from assistant.receipts import Receipt
from kb.audiences import PUBLIC
from kb.db import UtcDateTime, now
from kb.history import LIVE_KINDS, Event, epoch
from kb.publishing import live_answers

RECENT = timedelta(days=30)
# A wording that two publications fall between is asked once more.
TRIES = 3
FAULTS_KEPT = 200


class AuditRun(SQLModel, table=True):
    """One audit: `publish` (what was touched), `night` (all) or `asked`; faults, if there are any.

    `name` is unique, so that of several servers only one makes tonight's.
    """

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    kind: str
    started_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    epoch: int
    questions: int = 0
    answered: int = 0
    checks: int = 0
    mismatches: int = 0
    result: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))

    @property
    def is_incident(self) -> bool:
        """Whether channels differed, or a receipt does not hold."""
        return self.mismatches > 0 or bool(self.result.get("receipt_faults"))


@dataclass(frozen=True)
class Asked:
    """A question to put to the channels; `expected` is the article whose phrasing it is."""

    text: str
    locale: str
    expected: str | None = None


@dataclass(frozen=True)
class Mismatch:
    """One channel that gave something else than the API."""

    question: str
    locale: str
    channel: str
    api: str
    other: str


@dataclass
class Findings:
    """What came of an audit so far."""

    questions: int = 0
    answered: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    # Phrasings that were answered with their own article, and with another, by locale.
    own: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)


class Speaks(Protocol):
    """The channels of a server, as `channels.Channels` reaches them."""

    def api(self, question: str, locale: str) -> tuple[Said, int]:
        """The API's answer and its epoch."""

    def help_site(self, question: str, locale: str) -> Said:
        """The help site's."""

    def article_page(self, said: Said) -> Said:
        """The page of the article that was given."""

    def widget(self, question: str, locale: str) -> Said | None:
        """The chat's; None when the message was no question to it."""

    def sidebar(self, question: str, locale: str) -> Said:
        """What stands first beside an agent."""


# -- which questions ---------------------------------------------------------------


def questions_of(
    session: Session,
    locales: Sequence[str],
    limit: int,
    article_ids: Iterable[int] | None = None,
    at: datetime | None = None,
) -> list[Asked]:
    """Recorded questions, the most frequent first, then phrasings, one of each article in turn.

    With `article_ids`, only what these articles answered or are meant to answer.
    """
    ids = None if article_ids is None else set(article_ids)
    recorded = _recorded(session, locales, limit, ids, at or now())
    known = {(asked.text, asked.locale) for asked in recorded}
    phrased = [a for a in _phrasings(session, ids, limit) if (a.text, a.locale) not in known]
    return [*recorded, *phrased][:limit]


def _recorded(
    session: Session, locales: Sequence[str], limit: int, ids: set[int] | None, at: datetime
) -> list[Asked]:
    count = func.count()
    query = (
        select(Receipt.question, Receipt.locale, count)
        .where(
            Receipt.audience == PUBLIC,
            col(Receipt.is_audit).is_(False),
            Receipt.question != "",
            Receipt.issued_at > at - RECENT,
            col(Receipt.locale).in_(list(locales)),
        )
        .group_by(Receipt.question, Receipt.locale)
        .order_by(count.desc(), Receipt.question, Receipt.locale)
        .limit(limit)
    )
    if ids is not None:
        query = query.where(col(Receipt.article_id).in_(ids))
    return [Asked(text, locale) for text, locale, _ in session.exec(query)]


def _phrasings(session: Session, ids: set[int] | None, limit: int) -> list[Asked]:
    live = [p for p in live_answers(session, {PUBLIC}, ids) if p.revision.phrasings]
    found: list[Asked] = []
    for turn in range(max((len(p.revision.phrasings) for p in live), default=0)):
        for publication in live:
            texts = publication.revision.phrasings
            if turn < len(texts):
                found.append(Asked(texts[turn], publication.locale, publication.article.slug))
        if len(found) >= limit:
            break
    return found


def touched_since(session: Session, after: int) -> set[int]:
    """Articles whose live wording has moved since that epoch."""
    query = select(Event.article_id).where(
        col(Event.id) > after, col(Event.kind).in_(LIVE_KINDS), col(Event.article_id).is_not(None)
    )
    return {id_ for id_ in session.exec(query.distinct()) if id_ is not None}


# -- asking ------------------------------------------------------------------------


def audit(channels: Speaks, questions: Iterable[Asked]) -> Findings:
    """Put every question to every channel. Raises httpx.HTTPError when one cannot be reached."""
    findings = Findings()
    for asked in questions:
        _audit_one(channels, asked, findings)
    return findings


def _audit_one(channels: Speaks, asked: Asked, findings: Findings) -> None:
    findings.questions += 1
    for attempt in range(TRIES):
        api, before = channels.api(asked.text, asked.locale)
        others = _others(channels, asked, api)
        again, after = channels.api(asked.text, asked.locale)
        wrong = [
            Mismatch(asked.text, asked.locale, name, _shown(api), _shown(said))
            for name, said in others.items()
            if said is not None and not _agrees(api, said)
        ]
        if not wrong or (before == after and api == again) or attempt == TRIES - 1:
            break
    findings.skipped += sum(said is None for said in others.values())
    findings.checks.update(name for name, said in others.items() if said is not None)
    findings.mismatches += wrong
    findings.answered += api.article is not None
    if asked.expected and api.article:
        (findings.own if api.article == asked.expected else findings.other)[asked.locale] += 1


def _others(channels: Speaks, asked: Asked, api: Said) -> dict[str, Said | None]:
    found: dict[str, Said | None] = {
        "help_site": channels.help_site(asked.text, asked.locale),
        "widget": channels.widget(asked.text, asked.locale),
    }
    if api.article:
        # Where customers have no answer, agents may have one of their own.
        found["sidebar"] = channels.sidebar(asked.text, asked.locale)
        found["article_page"] = channels.article_page(api)
    return found


def _agrees(api: Said, other: Said) -> bool:
    return api.identity == other.identity and api.shown == other.shown


def _shown(said: Said) -> str:
    if said.article is None:
        return "–"
    return f"{said.article} v{said.version} {said.locale} {(said.sha256 or '')[:12]}: {said.shown}"


# -- keeping -----------------------------------------------------------------------


def begin(session: Session, kind: str, name: str) -> AuditRun | None:
    """A new run; None when another process has begun the one of that name."""
    run = AuditRun(name=name, kind=kind, epoch=epoch(session))
    try:
        with session.begin_nested():
            session.add(run)
            session.flush()
    except IntegrityError:
        return None
    return run


def finish(
    session: Session, run: AuditRun, findings: Findings, receipt_faults: list[str], head: str
) -> AuditRun:
    """Keep what was found."""
    run.finished_at = now()
    run.questions, run.answered = findings.questions, findings.answered
    run.checks, run.mismatches = findings.checks.total(), len(findings.mismatches)
    run.result = {
        "checks": dict(findings.checks),
        "skipped": findings.skipped,
        "mismatches": [asdict(m) for m in findings.mismatches[:FAULTS_KEPT]],
        "own": dict(findings.own),
        "other": dict(findings.other),
        "receipt_faults": receipt_faults[:FAULTS_KEPT],
        "head": head,
    }
    session.add(run)
    session.flush()
    return run


def latest_runs(session: Session, limit: int = 20) -> list[AuditRun]:
    """Newest first."""
    return list(session.exec(select(AuditRun).order_by(col(AuditRun.id).desc()).limit(limit)))


def open_incidents(session: Session) -> list[AuditRun]:
    """Runs with faults since the last whole run that had none, newest first."""
    found = []
    for run in latest_runs(session):
        if run.is_incident:
            found.append(run)
        elif run.finished_at and run.kind != "publish":
            break
    return found


Progress = Callable[[Iterable[Asked]], Iterable[Asked]]
