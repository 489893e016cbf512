"""Who is offered a case, and how long one waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assistant.desk.routing import PICK_UP_SECONDS, Seat, choose_seat, estimate_wait

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


def seat(person_id: int, **more: Any) -> Seat:
    """An agent who takes everything and has nothing yet."""
    usual: dict[str, Any] = {
        "online_since": START,
        "languages": frozenset(),
        "skills": frozenset(),
        "room": 4,
        "busy": 0,
    }
    return Seat(person_id, **usual | more)


def chosen(*seats: Seat, locale: str = "en", skill: str = "", declined: int | None = None) -> Any:
    """Whom the case is offered to."""
    found = choose_seat(seats, locale, skill, declined)
    return found and found.person_id


def test_least_busy_agent_is_chosen_by_share_of_their_room() -> None:
    assert chosen(seat(1, busy=2), seat(2, busy=1), seat(3, busy=3, room=20)) == 3


def test_tie_ends_at_who_is_there_longest_then_at_the_lower_id() -> None:
    later = START + timedelta(minutes=5)
    assert chosen(seat(1, online_since=later), seat(3), seat(2)) == 2


def test_agent_without_room_is_not_chosen() -> None:
    assert chosen(seat(1, busy=4)) is None


def test_language_is_a_must() -> None:
    speaks = frozenset({"ko", "en"})
    assert chosen(seat(1, languages=frozenset({"it"})), seat(2, languages=speaks), locale="ko") == 2
    assert chosen(seat(1, languages=frozenset({"it"})), locale="ko") is None


def test_skill_is_a_wish() -> None:
    knows = seat(1, skills=frozenset({"refunds"}), busy=3)
    other = seat(2, skills=frozenset({"repairs"}))
    assert chosen(knows, other, skill="refunds") == 1
    assert chosen(other, skill="refunds") == 2


def test_who_let_it_pass_is_asked_last() -> None:
    assert chosen(seat(1), seat(2, busy=3), declined=1) == 2
    assert chosen(seat(1), declined=1) == 1


def test_wait_is_short_while_somebody_is_free() -> None:
    assert estimate_wait(3, [seat(1)], "en", [600.0]) == PICK_UP_SECONDS


def test_wait_follows_from_what_cases_take() -> None:
    full = [seat(1, busy=4)]
    waits = [estimate_wait(1, full, "en", [seconds]) for seconds in (240.0, 1200.0)]
    assert waits == [90, 330]
    assert estimate_wait(2, full, "en", [240.0]) == 150


def test_nobody_who_speaks_the_language_is_no_estimate() -> None:
    assert estimate_wait(1, [seat(1, languages=frozenset({"it"}))], "fa", []) is None


@pytest.mark.parametrize("position", [1, 2, 5, 40])
def test_wait_never_falls_with_the_place(position: int) -> None:
    full = [seat(1, busy=4), seat(2, busy=4)]
    here, next_one = (estimate_wait(n, full, "en", [300.0]) for n in (position, position + 1))
    assert here is not None
    assert next_one is not None
    assert here <= next_one
