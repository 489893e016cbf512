"""Time passes: the queue moves, mail leaves, customers are asked, old words go, come what may."""

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from assistant.conversations import Conversation
from assistant.desk import clock as clock_module
from assistant.desk.clock import Clock
from assistant.desk.presence import GRACE_SECONDS, set_presence
from assistant.ending import send_transcript
from assistant.exchanges import Assistant
from assistant.handoffs import Handoff
from assistant.outgoing import Outgoing
from kb.db import now, reading, transaction
from kb.settings import Settings
from tests.assistant.postbox import postbox
from tests.assistant.talks import handed_off, resolved, talk
from tests.cast import omar

DAY = timedelta(days=1, minutes=1)


def clock_of(engine: Engine, **settings: Any) -> Clock:
    index: Any = None
    return Clock(Assistant(engine, index, Settings(**settings)))


def test_lost_agent_and_the_next_offer_need_nobody_to_ask(engine: Engine) -> None:
    with transaction(engine) as session:
        set_presence(session, omar(session), online=True)
        handed_off(session, talk(session))
    clock = clock_of(engine)
    clock.tick(now())
    with reading(engine) as session:
        assert session.exec(select(Handoff.offered_to_id)).one() == omar(session).id
    clock.tick(now() + timedelta(seconds=GRACE_SECONDS + 5))
    with reading(engine) as session:
        assert session.exec(select(Handoff.offered_to_id)).one() is None


def test_empty_desk_costs_no_write(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, swept = clock_of(engine), []
    monkeypatch.setattr(clock_module, "sweep", lambda *_: swept.append(1))
    clock.tick(now())
    assert swept == []
    with transaction(engine) as session:
        set_presence(session, omar(session), online=True)
    clock.tick(now())
    assert swept == [1]


def test_mail_and_follow_ups_leave_by_themselves(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = talk(session, email="ana@example.com")
        resolved(session, conversation)
        send_transcript(session, conversation, "ben@example.com", Settings())
    with postbox() as box:
        clock = clock_of(engine, smtp_url=f"smtp://127.0.0.1:{box.port}")
        clock.deliver(now())
        assert box.recipients == ["ben@example.com"]
        clock.tick(now() + DAY)
        clock.deliver(now() + DAY)
    assert box.recipients == ["ben@example.com", "ana@example.com"]
    with reading(engine) as session:
        assert set(session.exec(select(Outgoing.delivered_at.is_(None)))) == {False}  # type: ignore[union-attr]


def test_each_job_keeps_its_own_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, done, at = clock_of(engine), [], now()
    monkeypatch.setattr(clock, "_follow_up", lambda _at: done.append("ask"))
    monkeypatch.setattr(clock, "_forget", lambda _at: done.append("forget"))
    for seconds in (0, 2, 58, 60, 3599, 3600):
        clock.tick(at + timedelta(seconds=seconds))
    assert done == ["ask", "forget", "ask", "ask", "forget"]


def test_old_conversations_go(engine: Engine) -> None:
    with transaction(engine) as session:
        talk(session)
    clock_of(engine, retention_days=1).tick(now() + DAY)
    with reading(engine) as session:
        assert session.exec(select(Conversation)).all() == []


def test_failure_is_logged_once_and_stops_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, at = clock_of(engine), now()
    with transaction(engine) as session:
        handed_off(session, talk(session))

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR, "verbatim"):
        broken.setattr(clock_module, "sweep", fail)
        clock.tick(at)
        clock.tick(at)
        assert [record.getMessage()[:5] for record in caplog.records] == ["queue"]
    clock.tick(at)
    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR, "verbatim"):
        broken.setattr(clock_module, "sweep", fail)
        clock.tick(at)
    assert len(caplog.records) == 2


def test_clock_ends_when_it_is_told_to(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "TICK_SECONDS", 0.01)
    clock, stop, ticked = clock_of(engine), threading.Event(), threading.Event()
    monkeypatch.setattr(clock, "tick", lambda _at: ticked.set())
    running = threading.Thread(target=clock.run, args=(stop,))
    running.start()
    assert ticked.wait(5)
    stop.set()
    running.join(5)
    assert not running.is_alive()
