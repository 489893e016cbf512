"""Audits of a running server: after a publication, each night, and when somebody asks for one."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from assistant.audit import (
    Asked,
    AuditRun,
    Findings,
    Progress,
    audit,
    begin,
    finish,
    questions_of,
    touched_since,
)
from assistant.channels import Channels
from assistant.sealing import examine, head, seal
from assistant.signing import open_signer
from kb.db import now, reading, transaction
from kb.errors import VerbatimError
from kb.history import LIVE_KINDS, Event, epoch
from kb.people import ApiKey, Role, add_person, find_person, new_key
from kb.settings import Settings
from web.owner import owner_of

# Who asks as an agent; a key is lent for one audit.
AUDITOR = "audit@verbatim.invalid"
AUDIT_HEADER = "X-Verbatim-Audit"
# Several publications in a row are audited together.
QUIET = timedelta(seconds=5)
ON_PUBLISH, EACH_NIGHT = 200, 2000
TIMEOUT = 60.0


@dataclass(frozen=True)
class Server:
    """A server on this machine, and the token that tells it who is asking."""

    url: str
    token: str


def server_of(settings: Settings) -> Server | None:
    """The one that owns this folder, if it runs."""
    owner = owner_of(settings)
    return Server(owner["url"], owner.get("token", "")) if owner.get("url") else None


def run_audit(
    engine: Engine,
    settings: Settings,
    server: Server,
    run: AuditRun,
    questions: list[Asked],
    progress: Progress = iter,
) -> AuditRun:
    """Ask, compare, look through the receipts, and keep the result.

    Raises VerbatimError when the server cannot be reached.
    """
    key_id, secret = _lend_key(engine)
    headers = {"X-Verbatim-Local": server.token, AUDIT_HEADER: server.token}
    try:
        with httpx.Client(
            base_url=server.url, headers=headers, timeout=TIMEOUT, trust_env=False
        ) as client:
            findings = audit(Channels(client, secret), progress(questions))
    except httpx.HTTPError as error:
        raise VerbatimError(f"the audit could not ask {server.url}: {error}") from error
    finally:
        _take_back(engine, key_id)
    return _keep(engine, settings, run, findings)


def _keep(engine: Engine, settings: Settings, run: AuditRun, findings: Findings) -> AuditRun:
    seal(engine, open_signer(engine, settings.home))
    with reading(engine) as session:
        faults = [f"{f.receipt_id or '?'} (no. {f.seq or '–'}): {f.kind}" for f in examine(session)]
        last = head(session)
    with transaction(engine) as session:
        found = session.get(AuditRun, run.id)
        assert found is not None
        return finish(session, found, findings, faults, last.chain if last else "")


def _lend_key(engine: Engine) -> tuple[int, str]:
    with transaction(engine) as session:
        person = find_person(session, AUDITOR) or add_person(
            session, AUDITOR, Role.agent, "Nightly audit"
        )
        key, secret = new_key(session, person, "audit", ["read", "serve"])
        assert key.id is not None
        return key.id, secret


def _take_back(engine: Engine, key_id: int) -> None:
    with transaction(engine) as session:
        key = session.get(ApiKey, key_id)
        if key:
            session.delete(key)


def begin_one(engine: Engine, kind: str, name: str) -> AuditRun | None:
    """A run of that name; None when another process has begun it."""
    with transaction(engine) as session:
        return begin(session, kind, name)


class Auditor:
    """Looks once in a while whether an audit is due, and makes it on a thread of its own."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine, self.settings = engine, settings
        self._thread: threading.Thread | None = None
        self._seen: int | None = None

    def tick(self, at: datetime) -> None:
        """Begin what is due, unless one is running."""
        server = server_of(self.settings)
        if server is None or (self._thread and self._thread.is_alive()):
            return
        due = self._published(at) or self._tonight(at)
        if due:
            self._thread = threading.Thread(
                target=self._make, args=(server, *due), name="auditor", daemon=True
            )
            self._thread.start()

    def begin_now(self, by: str) -> str:
        """Begin one that somebody asks for: `begun`, or `busy`, or `alone` without a server."""
        server = server_of(self.settings)
        if server is None:
            return "alone"
        if self._thread and self._thread.is_alive():
            return "busy"
        self._thread = threading.Thread(
            target=audit_now,
            args=(self.engine, self.settings, server, EACH_NIGHT, by),
            name="auditor",
            daemon=True,
        )
        self._thread.start()
        return "begun"

    def _make(self, server: Server, run: AuditRun, questions: list[Asked]) -> None:
        run_audit(self.engine, self.settings, server, run, questions)

    def _published(self, at: datetime) -> tuple[AuditRun, list[Asked]] | None:
        """What was published since the last audit; the store as it was found is taken as it is."""
        with reading(self.engine) as session:
            newest, moved_at = _last_move(session)
            if self._seen is None:
                self._seen = newest
            if newest == self._seen or moved_at is None or at - moved_at < QUIET:
                return None
            ids = touched_since(session, self._seen)
            questions = questions_of(session, self.settings.locales, ON_PUBLISH, ids, at)
        self._seen = newest
        run = begin_one(self.engine, "publish", f"publish-{newest}")
        return (run, questions) if run and questions else None

    def _tonight(self, at: datetime) -> tuple[AuditRun, list[Asked]] | None:
        local = at.astimezone(ZoneInfo(self.settings.desk_timezone))
        if self.settings.audit_hour != local.hour:
            return None
        name = f"night-{local:%Y-%m-%d}"
        with reading(self.engine) as session:
            if session.exec(select(AuditRun.id).where(AuditRun.name == name)).first():
                return None
            questions = questions_of(session, self.settings.locales, EACH_NIGHT, at=at)
        run = begin_one(self.engine, "night", name)
        return (run, questions) if run else None


def _last_move(session: Session) -> tuple[int, datetime | None]:
    """The newest Event that changed what customers are told, and when."""
    query = select(func.max(Event.id)).where(col(Event.kind).in_(LIVE_KINDS))
    newest = session.exec(query).one() or 0
    event = session.get(Event, newest) if newest else None
    return newest, event.at if event else None


def audit_now(
    engine: Engine,
    settings: Settings,
    server: Server,
    limit: int,
    by: str,
    progress: Progress = iter,
) -> AuditRun:
    """An audit that somebody asked for."""
    with reading(engine) as session:
        questions = questions_of(session, settings.locales, limit)
        at = epoch(session)
    run = begin_one(engine, "asked", f"asked-{now():%Y-%m-%dT%H:%M:%S.%f}-{at}-{by}"[:200])
    assert run is not None
    return run_audit(engine, settings, server, run, questions, progress)


def texts_of(run: AuditRun) -> Iterable[str]:
    """A run in plain lines, for a terminal."""
    result = run.result
    per = ", ".join(f"{name} {count}" for name, count in sorted(result["checks"].items()))
    yield f"{run.questions} questions, {run.answered} answered; compared with the API: {per}"
    own, other = sum(result["own"].values()), sum(result["other"].values())
    if own + other:
        share = own / (own + other)
        yield f"phrasings answered: {own + other}, by their own article {share:.1%}"
    for mismatch in result["mismatches"]:
        yield (
            f"DIFFERS  {mismatch['channel']}  [{mismatch['locale']}] {mismatch['question']}\n"
            f"  api    {mismatch['api']}\n  there  {mismatch['other']}"
        )
    for fault in result["receipt_faults"]:
        yield f"RECEIPT  {fault}"
    held = f"{run.mismatches} mismatches, {len(result['receipt_faults'])} receipts that do not hold"
    yield held
