"""Signing in: who may, for how long, and how patient we are with wrong passwords."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb import sign_in as room
from kb.db import now, transaction
from kb.people import Person, add_person
from kb.sign_in import (
    FAILURES_OF_A_CLIENT,
    Refused,
    SignedIn,
    SignInFailure,
    StaffSession,
    is_due_to_be_seen,
    mark_seen,
    person_of_cookie,
    sign_in,
    sign_out,
)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A store with omar, whose password is `lamp`."""
    with transaction(engine) as making:
        add_person(making, "omar@example.com", "agent", "Omar", "lamp")
        add_person(making, "import@example.com", "admin")
    with Session(engine, expire_on_commit=False) as opened:
        yield opened


def signed_in(session: Session) -> str:
    outcome = sign_in(session, "omar@example.com", "lamp")
    assert isinstance(outcome, SignedIn)
    return outcome.secret


def the_session(session: Session) -> StaffSession:
    return session.exec(select(StaffSession)).one()


def test_right_password_opens_a_session_whose_secret_is_not_kept(session: Session) -> None:
    outcome = sign_in(session, " Omar@Example.com ", "lamp")
    assert isinstance(outcome, SignedIn)
    assert outcome.secret not in repr(outcome)
    assert the_session(session).digest != outcome.secret
    found = person_of_cookie(session, outcome.secret)
    assert found is not None
    assert found.email == "omar@example.com"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("omar@example.com", "wrong"),
        ("omar@example.com", ""),
        ("nobody@example.com", "lamp"),
        ("import@example.com", ""),
        ("", ""),
        ("a\x00@c", "\ud800"),
        ("x" * 10_000, "y" * 10_000),
    ],
)
def test_anything_else_is_refused_in_the_same_words(
    session: Session, email: str, password: str
) -> None:
    assert sign_in(session, email, password) == Refused()
    assert session.exec(select(StaffSession)).all() == []


def test_stranger_costs_as_much_work_as_a_wrong_password(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = PasswordHasher.verify

    def noted(self: PasswordHasher, kept: str, password: bytes) -> bool:
        checked.append(kept)
        return verify(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    sign_in(session, "omar@example.com", "wrong")
    sign_in(session, "nobody@example.com", "wrong")
    assert len(checked) == 2


@pytest.mark.parametrize("email", ["omar@example.com", "nobody@example.com"])
def test_five_failures_lock_an_email_whether_it_exists_or_not(session: Session, email: str) -> None:
    assert [sign_in(session, email, "wrong") for _ in range(5)] == [Refused()] * 5
    assert sign_in(session, email.upper(), "lamp") == Refused(minutes=15)
    assert sign_in(session, email, "lamp") == Refused(minutes=15)


def test_lock_opens_by_itself(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        sign_in(session, "omar@example.com", "wrong")
    monkeypatch.setattr(room, "now", lambda: now() + timedelta(minutes=6))
    assert sign_in(session, "omar@example.com", "lamp") == Refused(minutes=9)
    monkeypatch.setattr(room, "now", lambda: now() + timedelta(minutes=16))
    assert isinstance(sign_in(session, "omar@example.com", "lamp"), SignedIn)


def test_right_password_forgives_the_failures_before(session: Session) -> None:
    for _ in range(3):
        for _ in range(4):
            sign_in(session, "omar@example.com", "wrong", "203.0.113.9")
        signed_in(session)
    assert len(session.exec(select(SignInFailure)).all()) == 12


def test_client_that_guesses_at_many_accounts_is_slowed_down(session: Session) -> None:
    session.add_all(SignInFailure(who="203.0.113.9") for _ in range(FAILURES_OF_A_CLIENT))
    session.commit()
    assert sign_in(session, "omar@example.com", "lamp", "203.0.113.9") == Refused(minutes=15)
    assert isinstance(sign_in(session, "omar@example.com", "lamp", "203.0.113.7"), SignedIn)


def test_session_ends_after_twelve_hours_without_use(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = signed_in(session)
    monkeypatch.setattr(room, "now", lambda: now() + timedelta(hours=11, minutes=59))
    assert person_of_cookie(session, secret) is not None
    monkeypatch.setattr(room, "now", lambda: now() + timedelta(hours=12, minutes=1))
    assert person_of_cookie(session, secret) is None


def test_session_that_is_used_lives_on_but_never_longer_than_a_week(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = signed_in(session)
    assert not is_due_to_be_seen(session, secret)
    for half_days in range(1, 15):
        at = now() + timedelta(hours=11.9 * half_days)
        monkeypatch.setattr(room, "now", lambda at=at: at)
        assert (person_of_cookie(session, secret) is not None) == (half_days < 15)
        assert is_due_to_be_seen(session, secret)
        mark_seen(session, secret)
    monkeypatch.setattr(room, "now", lambda: now() + timedelta(days=7, minutes=1))
    assert person_of_cookie(session, secret) is None


def test_signed_out_cookie_is_worth_nothing(session: Session) -> None:
    secret = signed_in(session)
    sign_out(session, secret)
    assert person_of_cookie(session, secret) is None
    sign_out(session, "never was one")


def test_somebody_who_left_is_signed_out_everywhere(session: Session) -> None:
    secret = signed_in(session)
    person = session.exec(select(Person).where(Person.email == "omar@example.com")).one()
    person.deactivated_at = now()
    session.add(person)
    session.commit()
    assert person_of_cookie(session, secret) is None
    assert sign_in(session, "omar@example.com", "lamp") == Refused()


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "x" * 10_000])
def test_forged_cookie_is_nobody_s(session: Session, secret: str) -> None:
    signed_in(session)
    assert person_of_cookie(session, secret) is None


def test_password_is_hashed_anew_when_it_was_hashed_too_cheaply(session: Session) -> None:
    person = session.exec(select(Person).where(Person.email == "omar@example.com")).one()
    cheap = PasswordHasher(time_cost=1, memory_cost=8192).hash("lamp")
    person.password_hash = cheap
    session.add(person)
    session.commit()
    signed_in(session)
    session.refresh(person)
    assert person.password_hash != cheap
    signed_in(session)
