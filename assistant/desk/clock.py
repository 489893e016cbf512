"""What happens by itself, because time passes: queue, seals, mail, asking, forgetting."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from assistant.desk.presence import Presence
from assistant.desk.queue import sweep
from assistant.exchanges import Assistant
from assistant.followups import FOLLOW_UP, follow_up_sender, has_due, queue_follow_ups
from assistant.handoffs import Handoff
from assistant.helpdesks import HANDOFF, BuiltInDesk, Present, handoff_sender, help_desk_of
from assistant.mail import mail_sender, mailer_of
from assistant.news_mail import has_unmailed, send_news
from assistant.notifications import catch_up, is_behind, remind
from assistant.outgoing import TIMEOUT, Sender, deliver_due
from assistant.retention import forget_old
from assistant.sealing import has_unsealed, hash_questions, seal
from assistant.signing import Signer, open_signer
from assistant.staff_mail import INVITATION, RESET, invitation_sender, reset_sender
from assistant.telling import CORRECTION, correction_sender, tell_due
from kb.bulk import work
from kb.db import now, reading, transaction

TICK_SECONDS = 2.0
# Articles of a bulk job between two looks at whether the server is to stop.
PART = 200
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

log = logging.getLogger("verbatim")


class Clock:
    """One a process; several processes share the work.

    `present` makes a case's JSON for others; `jobs` of other rooms are looked at with each tick.
    """

    def __init__(
        self,
        assistant: Assistant,
        present: Present | None = None,
        jobs: Mapping[str, Callable[[datetime], None]] | None = None,
    ) -> None:
        self.assistant, self.jobs = assistant, dict(jobs or {})
        self.senders = _senders(assistant, present)
        self._signer: Signer | None = None
        self._due: dict[str, datetime] = {}
        self._failing: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Until told to stop; no failure ends it. Mail goes beside the queue, never before it."""
        beside = [
            threading.Thread(target=self._every, args=(stop, work), name=name, daemon=True)
            for name, work in (("courier", self.deliver), ("labourer", self.labour))
        ]
        for thread in beside:
            thread.start()
        self._every(stop, self.tick)
        for thread in beside:
            thread.join(timeout=TIMEOUT)

    def _every(self, stop: threading.Event, work: Callable[[datetime], None]) -> None:
        while not stop.wait(TICK_SECONDS):
            work(now())

    def tick(self, at: datetime) -> None:
        """What is due at this instant."""
        self._try("queue", self._sweep, at)
        self._try("seals", self._seal, at)
        for name, job in self.jobs.items():
            self._try(name, job, at)
        if self._is_due("questions", MINUTE, at):
            self._try("questions", self._hash_questions, at)
        self._try("news", self._tell, at)
        self._try("recall", self._recall, at)
        if self._is_due("letters", MINUTE, at):
            self._try("letters", self._write, at)
        if self._is_due("reminders", HOUR, at):
            self._try("reminders", self._remind, at)
        if self._is_due("follow-ups", MINUTE, at):
            self._try("follow-ups", self._follow_up, at)
        if self._is_due("retention", HOUR, at):
            self._try("retention", self._forget, at)

    def deliver(self, at: datetime) -> None:
        """Mail and webhooks that are due."""
        self._try("outgoing", self._deliver, at)

    def _is_due(self, name: str, interval: timedelta, at: datetime) -> bool:
        if at < self._due.get(name, at):
            return False
        self._due[name] = at + interval
        return True

    def _try(self, name: str, work: Callable[[datetime], None], at: datetime) -> None:
        """A failure is logged once, until it works again."""
        try:
            work(at)
            self._failing.discard(name)
        except Exception:
            if name not in self._failing:
                log.exception("%s: failed, and is tried again until it works", name)
            self._failing.add(name)

    def _sweep(self, at: datetime) -> None:
        with reading(self.assistant.engine) as session:
            if not _has_work(session):
                return
        with transaction(self.assistant.engine) as session:
            sweep(session, self.assistant.hours, at)

    def _seal(self, _at: datetime) -> None:
        assistant = self.assistant
        with reading(assistant.engine) as session:
            if not has_unsealed(session):
                return
        if self._signer is None:
            self._signer = open_signer(assistant.engine, assistant.settings.home)
        seal(assistant.engine, self._signer)

    def _hash_questions(self, at: datetime) -> None:
        hash_questions(self.assistant.engine, self.assistant.settings.question_days, at)

    def _deliver(self, at: datetime) -> None:
        deliver_due(self.assistant.engine, self.senders, at)

    def _follow_up(self, at: datetime) -> None:
        engine, settings = self.assistant.engine, self.assistant.settings
        with reading(engine) as session:
            if not has_due(session, settings, at):
                return
        with transaction(engine) as session:
            queue_follow_ups(session, settings, at)

    def labour(self, at: datetime) -> None:
        """What somebody wants done to many articles."""
        self._try("bulk", self._work, at)

    def _work(self, _at: datetime) -> None:
        if work(self.assistant.engine, PART):
            self.assistant.index.bring_level()

    def _tell(self, at: datetime) -> None:
        """What happened is told in the studio."""
        engine = self.assistant.engine
        with reading(engine) as session:
            if not is_behind(session):
                return
        with transaction(engine) as session:
            catch_up(session)

    def _recall(self, at: datetime) -> None:
        """Whoever was given a wrong answer is told."""
        tell_due(self.assistant.engine, at)

    def _write(self, at: datetime) -> None:
        engine, settings = self.assistant.engine, self.assistant.settings
        with reading(engine) as session:
            if not has_unmailed(session, at):
                return
        with transaction(engine) as session:
            send_news(session, settings, at)

    def _remind(self, at: datetime) -> None:
        with transaction(self.assistant.engine) as session:
            remind(session, at)

    def _forget(self, at: datetime) -> None:
        forget_old(self.assistant.engine, self.assistant.settings, at)


def _senders(assistant: Assistant, present: Present | None) -> dict[str, Sender]:
    engine, settings = assistant.engine, assistant.settings
    mailer, desk = mailer_of(settings), help_desk_of(settings)
    senders = {
        "mail": mail_sender(mailer),
        FOLLOW_UP: follow_up_sender(engine, mailer, settings),
        INVITATION: invitation_sender(engine, mailer, settings),
        RESET: reset_sender(engine, mailer, settings),
        CORRECTION: correction_sender(engine, mailer, settings),
    }
    if present or isinstance(desk, BuiltInDesk):
        senders[HANDOFF] = handoff_sender(engine, desk, present or _unpresented)
    return senders


def _unpresented(_session: Session, _handoff: Handoff) -> dict[str, object]:
    return {}


def _has_work(session: Session) -> bool:
    """Whether anybody waits or is at the desk; two cheap looks."""
    waiting = select(Handoff.id).where(
        col(Handoff.claimed_by_id).is_(None),
        col(Handoff.resolved_at).is_(None),
        col(Handoff.cancelled_at).is_(None),
    )
    online = select(Presence.person_id).where(col(Presence.online_since).is_not(None))
    return any(session.exec(query.limit(1)).first() is not None for query in (waiting, online))
