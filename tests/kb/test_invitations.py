"""Invitations: sent, sent again, withdrawn, accepted once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb import invitations
from kb.db import now, transaction
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.history import Event
from kb.invitations import (
    accept,
    invite,
    make_invitation_link,
    open_invitation,
    send_again,
    waiting_invitations,
    withdraw_invitation,
)
from kb.passwords import WeakPassword
from kb.people import Person, add_person, find_person
from kb.sign_in import SignedIn, sign_in
from tests.cast import mina

PASSWORD = "three blue elephants"


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A store with rosa, an admin."""
    with transaction(engine) as opened:
        add_person(opened, "rosa@example.com", "admin", "Rosa")
        yield opened


def rosa(session: Session) -> Person:
    found = find_person(session, "rosa@example.com")
    assert found is not None
    return found


def test_who_accepts_can_sign_in_with_the_role_they_were_invited_to(session: Session) -> None:
    invitation = invite(session, " Pia@Example.com", "publisher", rosa(session), "it")
    secret = make_invitation_link(session, invitation)
    accept(session, open_invitation(session, secret), "Pia Rossi", PASSWORD)
    outcome = sign_in(session, "pia@example.com", PASSWORD)
    assert isinstance(outcome, SignedIn)
    assert (outcome.person.name, outcome.person.role) == ("Pia Rossi", "publisher")
    assert outcome.person.locale == "it"
    assert [event.kind for event in session.exec(select(Event))] == ["invited", "joined"]
    with pytest.raises(NotFound):
        open_invitation(session, secret)


def test_weak_password_or_no_name_leaves_the_invitation_open(session: Session) -> None:
    invitation = invite(session, "pia@example.com", "agent", rosa(session))
    for name, password in (("", PASSWORD), ("Pia", "pia@example.com"), ("Pia", "short")):
        with pytest.raises(Invalid) as caught:
            accept(session, invitation, name, password)
        assert caught.value.field == ("password" if name else "name")
        assert isinstance(caught.value, WeakPassword) == bool(name)
    assert find_person(session, "pia@example.com") is None
    assert waiting_invitations(session) == [invitation]


def test_second_letter_makes_the_first_worthless(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    invitation = invite(session, "pia@example.com", "agent", rosa(session))
    first = make_invitation_link(session, invitation)
    monkeypatch.setattr(invitations, "now", lambda: now() + timedelta(days=8))
    assert invitation.is_expired
    with pytest.raises(NotFound):
        open_invitation(session, first)
    send_again(session, invitation, rosa(session))
    assert open_invitation(session, make_invitation_link(session, invitation)) == invitation


def test_withdrawn_invitation_opens_nothing_and_leaves_room_for_another(session: Session) -> None:
    invitation = invite(session, "pia@example.com", "agent", rosa(session))
    secret = make_invitation_link(session, invitation)
    withdraw_invitation(session, invitation, rosa(session))
    with pytest.raises(NotFound):
        open_invitation(session, secret)
    with pytest.raises(Conflict):
        send_again(session, invitation, rosa(session))
    assert invite(session, "pia@example.com", "admin", rosa(session))


def test_who_is_here_or_was_asked_is_not_asked_again(session: Session) -> None:
    invite(session, "pia@example.com", "agent", rosa(session))
    with pytest.raises(Conflict, match="invited already"):
        invite(session, "PIA@example.com", "agent", rosa(session))
    with pytest.raises(Conflict, match="already has an account"):
        invite(session, "rosa@example.com", "agent", rosa(session))
    with pytest.raises(Invalid, match="nobody reads mail"):
        invite(session, "x@keys.invalid", "agent", rosa(session))
    with pytest.raises(Invalid, match="unknown role"):
        invite(session, "leo@example.com", "owner", rosa(session))


def test_only_an_admin_invites(session: Session) -> None:
    with pytest.raises(NotAllowed):
        invite(session, "pia@example.com", "admin", mina(session))
    assert session.exec(select(Event)).all() == []


@pytest.mark.parametrize("secret", ["", "\ud800", "x" * 10_000])
def test_forged_link_invites_nobody(session: Session, secret: str) -> None:
    invite(session, "pia@example.com", "agent", rosa(session))
    with pytest.raises(NotFound):
        open_invitation(session, secret)
