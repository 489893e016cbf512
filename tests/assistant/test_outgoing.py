"""What is queued leaves once, is tried again with patience, and is never lost unnoticed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from assistant.outgoing import (
    ATTEMPTS,
    CLAIMED_FOR,
    FIRST_WAIT,
    LONGEST_WAIT,
    Outgoing,
    Undeliverable,
    deliver_due,
    queue,
    retry,
    undelivered,
    wait_after,
)
from kb.db import reading, transaction
from kb.errors import NotFound

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = timedelta(hours=8)


def queue_some(engine: Engine, *keys: str, kind: str = "mail") -> None:
    with transaction(engine) as session:
        for key in keys:
            queue(session, kind, key, {"words": key}, NOON)


def messages(engine: Engine) -> list[Outgoing]:
    with reading(engine) as session:
        return list(session.exec(select(Outgoing).order_by(col(Outgoing.id))))


def failing(error: Exception) -> Callable[[Outgoing], None]:
    def send(_message: Outgoing) -> None:
        raise error

    return send


def test_messages_leave_in_order_and_leave_no_words_behind(engine: Engine) -> None:
    queue_some(engine, "a", "b")
    sent: list[str] = []
    assert deliver_due(engine, {"mail": lambda m: sent.append(m.data["words"])}, NOON) == (2, 0)
    assert sent == ["a", "b"]
    assert [(m.data, m.delivered_at, m.next_at) for m in messages(engine)] == [({}, NOON, None)] * 2
    assert deliver_due(engine, {"mail": failing(RuntimeError())}, NOON + LATER) == (0, 0)


def test_key_is_used_once(engine: Engine) -> None:
    queue_some(engine, "a")
    with transaction(engine) as session:
        assert not queue(session, "mail", "a", {})
    assert len(messages(engine)) == 1


def test_what_was_rolled_back_is_never_sent(engine: Engine) -> None:
    with reading(engine) as session:
        queue(session, "mail", "a", {})
        session.rollback()
    assert messages(engine) == []


def test_kind_without_a_sender_waits(engine: Engine) -> None:
    queue_some(engine, "a", kind="fax")
    assert deliver_due(engine, {"mail": failing(RuntimeError())}, NOON) == (0, 0)
    assert messages(engine)[0].attempts == 0


def test_failure_is_tried_again_and_given_up_at_last(engine: Engine) -> None:
    queue_some(engine, "a")
    at, times = NOON, []
    while at:
        deliver_due(engine, {"mail": failing(OSError("away"))}, at)
        times.append(at)
        at = messages(engine)[0].next_at
    message = messages(engine)[0]
    assert (message.attempts, message.given_up_at) == (ATTEMPTS, times[-1])
    assert message.error == "OSError: away"
    assert message.data == {"words": "a"}


def test_patience_grows_from_a_minute_to_six_hours() -> None:
    waits = [wait_after("a", n) for n in range(1, ATTEMPTS)]
    assert waits == sorted(waits)
    assert FIRST_WAIT * 0.9 <= waits[0] <= FIRST_WAIT * 1.1
    assert LONGEST_WAIT * 0.9 <= waits[-1] <= LONGEST_WAIT * 1.1
    assert wait_after("a", 3) == wait_after("a", 3) != wait_after("b", 3)


def test_what_will_never_arrive_is_given_up_at_once_and_holds_up_nobody(engine: Engine) -> None:
    queue_some(engine, "a", "b")
    sent: list[str] = []

    def send(message: Outgoing) -> None:
        if message.key == "a":
            raise Undeliverable("550 no such person")
        sent.append(message.key)

    deliver_due(engine, {"mail": send}, NOON)
    assert sent == ["b"]
    assert (messages(engine)[0].error, messages(engine)[0].attempts) == ("550 no such person", 1)


def test_peer_that_is_away_is_asked_once_a_round(engine: Engine) -> None:
    queue_some(engine, "a", "b", "c")
    assert deliver_due(engine, {"mail": failing(OSError())}, NOON) == (0, 1)
    assert [m.attempts for m in messages(engine)] == [1, 0, 0]


def test_after_a_crash_it_leaves_once_more_under_the_same_key(engine: Engine) -> None:
    queue_some(engine, "a")
    with pytest.raises(KeyboardInterrupt):
        deliver_due(engine, {"mail": failing(KeyboardInterrupt())}, NOON)  # type: ignore[arg-type]
    keys: list[str] = []
    senders = {"mail": lambda m: keys.append(m.key)}
    deliver_due(engine, senders, NOON + CLAIMED_FOR / 2)
    assert keys == []
    deliver_due(engine, senders, NOON + CLAIMED_FOR)
    assert keys == ["a"]


def test_several_processes_send_each_message_once(engine: Engine) -> None:
    queue_some(engine, *(f"m{n}" for n in range(12)))
    sent, together = [], threading.Barrier(4)

    def deliver(_n: int) -> None:
        together.wait()
        deliver_due(engine, {"mail": lambda m: sent.append(m.key)}, NOON)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, range(4)))
    assert sorted(sent) == sorted(f"m{n}" for n in range(12))


def test_given_up_is_put_back_by_hand(engine: Engine) -> None:
    queue_some(engine, "a", "b", "c")
    deliver_due(engine, {"mail": failing(Undeliverable("no"))}, NOON)
    first = messages(engine)[0].id
    with transaction(engine) as session:
        assert retry(session, first, NOON) == 1
        assert retry(session, at=NOON) == 2
        with pytest.raises(NotFound):
            retry(session, first)
    deliver_due(engine, {"mail": lambda m: None}, NOON)
    with reading(engine) as session:
        assert undelivered(session) == []
