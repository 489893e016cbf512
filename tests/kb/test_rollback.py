"""Back to an earlier epoch: the same words live again, and nothing of history lost."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import get_article
from kb.db import now, transaction
from kb.errors import Conflict, NotAllowed, NotFound
from kb.history import Event, epoch
from kb.publishing import live_publications, publish, withdraw
from kb.rollback import moment_of, roll_back, steps_to
from tests.cast import DELIVERY_COSTS, PASSWORD_RESET, approved, mina, published, shop, tariq


def live(session: Session) -> dict[str, int]:
    """What shows: versions by slug."""
    return {p.article.slug: p.revision.version for p in live_publications(session)}


@pytest.fixture
def moved(engine: Engine) -> int:
    """The epoch before one article was changed, one withdrawn, and one added."""
    with transaction(engine) as session:
        shop(session)
        before = epoch(session)
    with transaction(engine) as session:
        published(session, "delivery-costs", replace(DELIVERY_COSTS, answer="Delivery is free."))
        withdraw(session, get_article(session, "refund-time"), "en", mina(session))
        published(session, "new-one", replace(PASSWORD_RESET, title="New"))
    return before


def test_everything_is_live_again_as_it_was(engine: Engine, moved: int) -> None:
    with transaction(engine) as session:
        then = {
            p.article.slug: p.revision.version
            for p in live_publications(session, moment_of(session, moved))
        }
        steps = roll_back(session, moved, mina(session))
        assert live(session) == then
    assert [(step.slug, step.then is None) for step in steps] == [
        ("delivery-costs", False),
        ("new-one", True),
        ("refund-time", False),
    ]


def test_rollback_can_be_rolled_back(engine: Engine, moved: int) -> None:
    with transaction(engine) as session:
        before, at = live(session), epoch(session)
        roll_back(session, moved, mina(session))
        roll_back(session, at, mina(session))
        assert live(session) == before
        assert steps_to(session, moment_of(session, at)) == []


def test_history_only_grows_and_names_the_epoch(engine: Engine, moved: int) -> None:
    with transaction(engine) as session:
        events = session.exec(select(Event.id)).all()
        roll_back(session, moved, mina(session))
        after = session.exec(select(Event).order_by(Event.id)).all()  # type: ignore[arg-type]
    assert [event.id for event in after][: len(events)] == sorted(events)
    assert {event.data.get("rolled_back_to") for event in after[len(events) :]} == {None, moved}


def test_what_was_scheduled_since_is_cancelled(engine: Engine, moved: int) -> None:
    with transaction(engine) as session:
        revision = approved(session, "later", PASSWORD_RESET)
        publish(session, revision, mina(session), at=now() + timedelta(days=1))
        roll_back(session, moved, mina(session))
        soon = live_publications(session, now() + timedelta(days=2))
    assert "later" not in {p.article.slug for p in soon}


def test_what_would_have_expired_by_now_stays_away(engine: Engine) -> None:
    with transaction(engine) as session:
        shop(session)
        revision = approved(session, "sale", PASSWORD_RESET)
        start = now() - timedelta(days=2)
        found = publish(session, revision, mina(session), expires=now() + timedelta(seconds=1))
        found.starts_at, found.expires_at = start, start + timedelta(hours=1)
        session.add(found)
        session.flush()
        assert steps_to(session, start + timedelta(minutes=1))[-1].slug != "sale"


def test_nothing_to_roll_back_is_said(engine: Engine, moved: int) -> None:
    with transaction(engine) as session, pytest.raises(Conflict, match="nothing to roll back"):
        roll_back(session, epoch(session), mina(session))


@pytest.mark.parametrize("number", [0, -1, 10**12, 4711])
def test_epoch_that_never_was_is_not_found(engine: Engine, number: int) -> None:
    with Session(engine) as session, pytest.raises(NotFound, match="no epoch"):
        moment_of(session, number)


def test_contributor_may_not_roll_back(engine: Engine, moved: int) -> None:
    with transaction(engine) as session, pytest.raises(NotAllowed):
        roll_back(session, moved, tariq(session))
