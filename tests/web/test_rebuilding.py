"""A rebuild behind the live index: one at a time, and never half told."""

import logging
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from kb.errors import Conflict
from retriever.index import Level
from retriever.progress import Progress
from web.live import Feed
from web.rebuilding import FAILED, STOPPED, Rebuilder
from web.services import Services


class Slow:
    """An index whose rebuild waits, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_go_on, self.error = threading.Event(), error

    def rebuild(self, progress: Progress) -> Level:
        """Two steps."""
        for _ in progress([0, 1], "embedding", 2):
            assert self.may_go_on.wait(10)
        raise self.error or AssertionError("the second step is never asked for")


def rebuilder(services: Services, index: Any) -> Rebuilder:
    return Rebuilder(index, Feed(services.engine))


def test_second_rebuild_has_to_wait_for_the_first(services: Services) -> None:
    slow = Slow(OSError("disk full"))
    one = rebuilder(services, slow)
    lines = one.begin()
    with pytest.raises(Conflict, match="already"):
        one.begin()
    slow.may_go_on.set()
    list(lines)
    assert list(one.begin())


def test_whoever_asked_is_told_each_step_and_the_epoch(services: Services) -> None:
    told: Iterable[Any] = rebuilder(services, services.index).begin()
    *steps, last = told
    assert all(step["done"] < step["total"] for step in steps)
    assert {step["label"].split()[0] for step in steps} == {"embedding"}
    assert last == {"epoch": services.index.epoch}


def test_failed_rebuild_says_so_and_is_logged(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    slow = Slow(OSError("disk full"))
    slow.may_go_on.set()
    with caplog.at_level(logging.ERROR):
        *_, last = rebuilder(services, slow).begin()
    assert last == {"error": FAILED}
    assert "disk full" in caplog.text


def test_server_that_is_stopped_breaks_it_off(services: Services) -> None:
    slow = Slow()
    one = rebuilder(services, slow)
    lines = one.begin()
    assert next(lines)["done"] == 0
    one.feed.stop()
    slow.may_go_on.set()
    assert list(lines) == [{"error": STOPPED}]
