"""How many requests a client may send, alone and counted by several workers."""

import sqlite3
from pathlib import Path

import pytest

from kb.errors import Invalid
from web.rates import CLEARED_EVERY, RateLimiter, parse_rate, share_counts


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The limiter's clock."""
    made = Clock()
    monkeypatch.setattr("web.rates.time", made)
    return made


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which limiters made from now on count together."""
    monkeypatch.setenv("VERBATIM_RATES_FILE", "")
    share_counts(tmp_path)
    return tmp_path / "rates.sqlite"


@pytest.mark.parametrize(
    ("rate", "read"),
    [
        ("120/minute", (120, 60)), ("3/hour", (3, 3600)), ("1 per 10 seconds", (1, 10)),
        (" 5 / 2days ", (5, 172_800)), ("off", (0, 0)), ("OFF", (0, 0)),
    ],
)  # fmt: skip
def test_rate_is_read(rate: str, read: tuple[int, int]) -> None:
    assert parse_rate(rate) == read


@pytest.mark.parametrize("rate", ["", "often", "0/minute", "5/0minutes", "-1/hour", "5/fortnight"])
def test_rate_that_cannot_be_read_is_refused(rate: str) -> None:
    with pytest.raises(Invalid, match="VERBATIM_RATE_LIMIT"):
        RateLimiter(rate)


def test_window_moves_with_the_clock(clock: Clock) -> None:
    limiter = RateLimiter("2/minute")
    waits = []
    for second in (0, 50, 55, 61, 62, 111):
        clock.now = 1_000_000 + second
        waits.append(limiter.wait("mina"))
    assert waits == [0, 0, 5, 0, 48, 0]


def test_clock_that_is_set_back_locks_nobody_out(clock: Clock) -> None:
    limiter = RateLimiter("1/hour")
    assert limiter.wait("mina") == 0
    clock.now -= 86_400
    assert (limiter.wait("mina"), limiter.wait("mina")) == (0, 3600)


def test_workers_count_together(shared: Path) -> None:
    first, second = RateLimiter("3/hour"), RateLimiter("3/hour")
    assert [worker.wait("mina") for worker in (first, second, first)] == [0, 0, 0]
    assert second.wait("mina") > 3500
    assert second.wait("omar") == 0


def test_worker_that_starts_anew_knows_what_was_counted(shared: Path) -> None:
    assert RateLimiter("1/hour").wait("mina") == 0
    assert RateLimiter("1/hour").wait("mina") > 3500


def test_stuck_worker_lets_the_others_answer(shared: Path) -> None:
    limiter = RateLimiter("1/hour")
    with sqlite3.connect(shared) as stuck:
        stuck.execute("INSERT INTO hit VALUES ('omar', 1, 0)")
        assert [limiter.wait("mina") for _ in range(2)] == [0, 0]
    stuck.close()
    assert [limiter.wait("mina") for _ in range(2)] == [0, 3600]


def test_what_has_left_the_window_is_cleared_away(shared: Path, clock: Clock) -> None:
    limiter = RateLimiter("5000/minute")
    for _ in range(CLEARED_EVERY - 1):
        limiter.wait("mina")
    clock.now += 60
    limiter.wait("omar")
    assert limiter.store.execute("SELECT client FROM hit").fetchall() == [("omar",)]
