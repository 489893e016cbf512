"""Still right: who said so, when it is due again, and whose it is, on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import Review, Revision, Verification, get_article, load_revisions
from kb.db import now, reading, transaction
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.history import epoch
from kb.owners import assign, owner_of
from kb.publishing import draft
from kb.verification import (
    DUE_SOON,
    OVERDUE,
    VERIFIED,
    confirm,
    due,
    is_overdue,
    renew_by_use,
    standings,
    state_of,
    take_back,
)
from tests.cast import (
    DELIVERY_COSTS,
    PASSWORD_RESET,
    REFUND_POLICY,
    approved,
    mina,
    omar,
    published,
    tariq,
)

QUARTERLY = replace(REFUND_POLICY, verify_days=90, owner="tariq@example.com")


def aged(session: Session, revision: Revision, days: float) -> None:
    """Approved so many days ago."""
    for review in session.exec(select(Review).where(Review.revision_id == revision.id)):
        review.at = now() - timedelta(days=days)
        session.add(review)
    session.flush()
    session.expire_all()


@pytest.fixture
def session(engine: Engine) -> Session:
    """A store with an overdue answer of tariq's, a fresh one, and one that is never due."""
    with Session(engine, expire_on_commit=False) as opened:
        aged(opened, published(opened, "refund-time", QUARTERLY), 100)
        published(opened, "reset-password", replace(PASSWORD_RESET, verify_days=30))
        published(opened, "delivery-costs", DELIVERY_COSTS)
        opened.commit()
        yield opened


def refund(session: Session) -> Revision:
    return session.exec(select(Revision).where(Revision.title == REFUND_POLICY.title)).first()


@pytest.mark.parametrize(
    ("days", "state"),
    [(0, VERIFIED), (82.9, VERIFIED), (83.1, DUE_SOON), (89.9, DUE_SOON), (90, OVERDUE)],
)
def test_answer_is_due_soon_in_its_last_week(days: float, state: str) -> None:
    at = datetime.fromisoformat("2026-03-01T09:00:00+00:00")
    assert state_of(at, 90, at + timedelta(days=days)) == state
    assert state_of(at, None, at + timedelta(days=days)) == VERIFIED


def test_short_interval_is_due_soon_in_its_last_tenth() -> None:
    at = now()
    assert state_of(at, 10, at + timedelta(days=8.9)) == VERIFIED
    assert state_of(at, 10, at + timedelta(days=9.1)) == DUE_SOON


def test_still_right_begins_the_interval_anew_and_moves_no_epoch(session: Session) -> None:
    before, revision = epoch(session), refund(session)
    assert [s.slug for s in due(session)] == ["refund-time"]
    made = confirm(session, revision, tariq(session))
    assert revision.verified_at == made.at > revision.approved_at
    assert (due(session), epoch(session)) == ([], before)


def test_taking_it_back_makes_it_due_again(session: Session) -> None:
    revision = refund(session)
    made = confirm(session, revision, mina(session))
    take_back(session, made.id, mina(session))
    assert is_overdue(revision)
    with pytest.raises(Conflict):
        take_back(session, made.id, mina(session))
    with pytest.raises(NotFound):
        take_back(session, 999, mina(session))


def test_only_who_said_it_or_a_publisher_takes_it_back(session: Session) -> None:
    made = confirm(session, refund(session), mina(session))
    with pytest.raises(NotAllowed):
        take_back(session, made.id, omar(session))
    assert session.get(Verification, made.id).undone_at is None


def test_contributor_verifies_what_they_own_and_nothing_else(session: Session) -> None:
    other = session.exec(select(Revision).where(Revision.title == PASSWORD_RESET.title)).one()
    with pytest.raises(NotAllowed):
        confirm(session, other, tariq(session))
    assert confirm(session, refund(session), tariq(session)).how == "confirmed"


def test_wording_nobody_approved_cannot_be_verified(session: Session) -> None:
    revision = draft(session, "refund-time", "en", QUARTERLY, tariq(session))
    with pytest.raises(Conflict):
        confirm(session, revision, mina(session))
    assert revision.verified_at is None


def test_use_renews_once_in_a_tenth_of_the_interval(session: Session) -> None:
    revision = refund(session)
    assert renew_by_use(session, revision, omar(session)).how == "used"
    assert renew_by_use(session, revision, omar(session)) is None
    assert due(session) == []


def test_use_renews_nothing_that_is_never_due(session: Session) -> None:
    never = approved(session, "postage", DELIVERY_COSTS)
    aged(session, never, 1000)
    assert renew_by_use(session, never, omar(session)) is None


def test_standing_says_who_looked_last_and_how(session: Session) -> None:
    first, second = standings(session)
    assert (first.slug, first.how, first.by_id) == ("refund-time", "approved", mina(session).id)
    assert (second.slug, second.state(now())) == ("reset-password", VERIFIED)
    confirm(session, refund(session), omar(session))
    last = standings(session, [get_article(session, "refund-time").id])
    assert [(s.how, s.by_id) for s in last] == [("confirmed", omar(session).id)]


def test_list_without_intervals_has_every_live_answer(session: Session) -> None:
    assert len(standings(session)) == 2
    assert [s.slug for s in standings(session, with_interval=False)][-1] == "delivery-costs"


def test_due_is_the_owner_s_and_without_one_every_publisher_s(session: Session) -> None:
    aged(session, published(session, "postage", replace(DELIVERY_COSTS, verify_days=7)), 8)
    assert [s.slug for s in due(session, tariq(session))] == ["refund-time"]
    assert [s.slug for s in due(session, mina(session))] == ["postage"]


def test_new_owner_needs_no_new_version(session: Session) -> None:
    revision, before = refund(session), epoch(session)
    assign(session, revision, "mina@example.com", mina(session))
    assert owner_of(session, revision) == "mina@example.com"
    assert (revision.owner, epoch(session)) == ("tariq@example.com", before)
    assert [s.slug for s in due(session, mina(session))] == ["refund-time"]


def test_assignment_stands_until_a_wording_names_somebody_else(session: Session) -> None:
    assign(session, refund(session), "mina@example.com", mina(session))
    kept = draft(session, "refund-time", "en", QUARTERLY, tariq(session))
    other = draft(
        session, "refund-time", "en", replace(QUARTERLY, owner="omar@example.com"), tariq(session)
    )
    assert owner_of(session, kept) == "mina@example.com"
    assert owner_of(session, other) == "omar@example.com"


def test_owner_is_assigned_by_publishers_and_is_plain_text(session: Session) -> None:
    with pytest.raises(NotAllowed):
        assign(session, refund(session), "omar@example.com", tariq(session))
    with pytest.raises(Invalid):
        assign(session, refund(session), "a\x00b", mina(session))


def test_whole_revision_knows_its_verification_when_the_session_is_gone(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = published(session, "refund-time", QUARTERLY)
        made = confirm(session, revision, mina(session))
    with reading(engine) as session:
        whole = load_revisions(session, [revision.id])[revision.id]
    assert whole.verified_at == made.at
