"""A lost password's way back, and what it opens and ends."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb import password_resets
from kb.db import now, transaction
from kb.errors import NotFound
from kb.history import Event
from kb.password_resets import (
    PasswordReset,
    ask_reset,
    make_reset_link,
    person_of_reset,
    reset_password,
    start_reset,
)
from kb.passwords import WeakPassword
from kb.people import Person, add_key, add_person, find_person
from kb.sign_in import Refused, SignedIn, person_of_cookie, sign_in

OMAR, OLD, NEW = "omar@example.com", "lamp and chair", "three blue elephants"


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A store with omar."""
    with transaction(engine) as opened:
        add_person(opened, OMAR, "agent", "Omar", OLD)
        yield opened


def omar(session: Session) -> Person:
    found = find_person(session, OMAR)
    assert found is not None
    return found


def link(session: Session) -> str:
    reset = ask_reset(session, OMAR.upper())
    assert isinstance(reset, PasswordReset)
    return make_reset_link(session, reset)


def test_link_sets_a_password_once_and_signs_out_everywhere(session: Session) -> None:
    outcome = sign_in(session, OMAR, OLD)
    assert isinstance(outcome, SignedIn)
    secret = link(session)
    assert person_of_reset(session, secret).email == OMAR
    reset_password(session, secret, NEW)
    assert person_of_cookie(session, outcome.secret) is None
    assert isinstance(sign_in(session, OMAR, NEW), SignedIn)
    with pytest.raises(NotFound):
        reset_password(session, secret, OLD)


def test_weak_password_does_not_use_up_the_link(session: Session) -> None:
    secret = link(session)
    with pytest.raises(WeakPassword):
        reset_password(session, secret, "password1234")
    assert reset_password(session, secret, NEW).email == OMAR


def test_reset_lifts_the_lock_that_wrong_passwords_brought(session: Session) -> None:
    for _ in range(5):
        sign_in(session, OMAR, "wrong")
    assert isinstance(sign_in(session, OMAR, OLD), Refused)
    reset_password(session, link(session), NEW)
    assert isinstance(sign_in(session, OMAR, NEW), SignedIn)
    told = [event.kind for event in session.exec(select(Event))]
    assert told == ["locked_out", "password_reset"]


def test_only_a_digest_is_kept(session: Session) -> None:
    secret = link(session)
    assert secret not in repr(session.exec(select(PasswordReset)).all())


def test_newest_link_counts_and_older_letters_die_with_it(session: Session) -> None:
    first, second = link(session), link(session)
    reset_password(session, second, NEW)
    with pytest.raises(NotFound):
        person_of_reset(session, first)


def test_link_is_good_for_an_hour(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = link(session)
    monkeypatch.setattr(password_resets, "now", lambda: now() + timedelta(minutes=59))
    assert person_of_reset(session, secret)
    monkeypatch.setattr(password_resets, "now", lambda: now() + timedelta(minutes=61))
    with pytest.raises(NotFound):
        person_of_reset(session, secret)


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "x" * 10_000])
def test_forged_link_opens_nothing(session: Session, secret: str) -> None:
    link(session)
    with pytest.raises(NotFound):
        person_of_reset(session, secret)


def test_nobody_is_written_to_who_cannot_sign_in(session: Session) -> None:
    add_key(session, "admin")
    program = session.exec(select(Person).where(Person.name != "Omar")).one()
    gone = add_person(session, "gone@example.com", "agent", password=OLD)
    gone.deactivated_at = now()
    for email in ("nobody@example.com", program.email, gone.email, "", "\x00", "\ud800@x"):
        assert ask_reset(session, email) is None


def test_person_gets_three_letters_an_hour(session: Session) -> None:
    assert all(ask_reset(session, OMAR) for _ in range(3))
    assert ask_reset(session, OMAR) is None


def test_client_that_asks_for_many_is_slowed_down(session: Session) -> None:
    asked = [ask_reset(session, f"{n}@example.com", client="203.0.113.9") for n in range(11)]
    assert asked == [None] * 10 + [Refused(15)]
    assert ask_reset(session, OMAR, client="203.0.113.7")


def test_who_signs_in_elsewhere_gets_no_password_here(session: Session) -> None:
    pia = add_person(session, "pia@example.com", "agent")
    pia.subject = "https://id.example.com pia"
    assert ask_reset(session, pia.email) is None
    with pytest.raises(NotFound, match="does not sign in with a password"):
        start_reset(session, pia, None)


def test_link_that_an_admin_made_is_written_down(session: Session) -> None:
    rosa = add_person(session, "rosa@example.com", "admin")
    reset = start_reset(session, omar(session), rosa)
    assert person_of_reset(session, make_reset_link(session, reset)).email == OMAR
    told = session.exec(select(Event)).one()
    assert (told.kind, told.by_id, told.data["email"]) == ("password_link_made", rosa.id, OMAR)
