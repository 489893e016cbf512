"""People's own keys: named, limited, revoked; and nobody approves their own work with one."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb import keys as room
from kb.db import now, transaction
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.history import Event
from kb.keys import (
    active_keys,
    is_due_to_be_marked,
    keys_of,
    make_key,
    mark_used,
    revoke_key,
    scopes_for,
)
from kb.people import Person, add_person, person_for_key, require
from kb.publishing import approve, draft, submit
from kb.staff import deactivate
from tests.cast import PASSWORD_RESET, mina, omar, tariq


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """An empty store, held for writing."""
    with transaction(engine) as opened:
        yield opened


def speaker(session: Session, secret: str) -> Person:
    found = person_for_key(session, secret)
    assert found is not None
    return found


def test_key_may_what_it_was_given_and_no_more(session: Session) -> None:
    _key, secret = make_key(session, mina(session), "CI", ["write", "read", "read"])
    speaks = speaker(session, secret)
    assert speaks.email == "mina@example.com"
    assert [a for a in room.SCOPES if speaks.may(a)] == ["read", "write"]
    with pytest.raises(NotAllowed, match="this key may not approve"):
        require(speaks, "approve")


def test_key_never_may_more_than_its_person_may_today(session: Session) -> None:
    _key, secret = make_key(session, mina(session), "CI", ["write", "publish"])
    mina(session).role = "contributor"
    session.flush()
    speaks = speaker(session, secret)
    assert (speaks.may("write"), speaks.may("publish")) == (True, False)


def test_scope_beyond_the_role_is_refused(session: Session) -> None:
    assert scopes_for(omar(session)) == ["read", "write", "serve"]
    for scopes in (["publish"], ["read", "adopt"], ["read", "\x00"]):
        with pytest.raises(NotAllowed):
            make_key(session, omar(session), "mine", scopes)
    with pytest.raises(Invalid, match="at least one"):
        make_key(session, omar(session), "mine", [])
    with pytest.raises(Invalid):
        make_key(session, omar(session), " ", ["read"])


def test_two_keys_of_one_person_cannot_approve_each_other_s_work(session: Session) -> None:
    _one, writing = make_key(session, mina(session), "writes", ["write"])
    _two, approving = make_key(session, mina(session), "approves", ["write", "approve"])
    revision = draft(session, "reset", "en", PASSWORD_RESET, speaker(session, writing))
    submit(session, revision, speaker(session, writing))
    with pytest.raises(NotAllowed):
        approve(session, revision, speaker(session, approving))


def test_name_is_free_again_once_its_key_was_revoked(session: Session) -> None:
    key, secret = make_key(session, omar(session), "phone", ["read"])
    with pytest.raises(Conflict, match="'phone' already"):
        make_key(session, omar(session), "phone", ["read"])
    assert key.id is not None
    revoke_key(session, key.id, omar(session))
    assert person_for_key(session, secret) is None
    make_key(session, omar(session), "phone", ["read"])
    assert [event.kind for event in session.exec(select(Event))] == [
        "key_added", "key_revoked", "key_added",
    ]  # fmt: skip


def test_only_its_person_or_an_admin_revokes_a_key(session: Session) -> None:
    key, secret = make_key(session, omar(session), "phone", ["read"])
    assert key.id is not None
    for by, number in ((tariq(session), key.id), (omar(session), 0), (omar(session), 2**40)):
        with pytest.raises(NotFound):
            revoke_key(session, number, by)
    assert person_for_key(session, secret) is not None
    revoke_key(session, key.id, add_person(session, "rosa@example.com", "admin"))
    assert keys_of(session, omar(session))[0].revoked_at is not None
    assert active_keys(session) == []


def test_keys_of_who_left_are_not_among_those_that_work(session: Session) -> None:
    make_key(session, omar(session), "phone", ["read"])
    assert [person.name for _key, person in active_keys(session)] == ["omar"]
    deactivate(session, omar(session), None)
    assert active_keys(session) == []


def test_use_is_noted_once_in_a_while(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = make_key(session, omar(session), "phone", ["read"])
    assert key.hint == secret[:7]
    assert is_due_to_be_marked(session, secret)
    mark_used(session, secret)
    assert not is_due_to_be_marked(session, secret)
    monkeypatch.setattr(room, "now", lambda: now() + timedelta(minutes=11))
    assert is_due_to_be_marked(session, secret)
    assert not is_due_to_be_marked(session, "vb_unknown")
