"""The people of the house: found, given another role, leaving and coming back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.db import transaction
from kb.errors import Invalid, NotAllowed, NotFound
from kb.history import Event
from kb.passwords import WeakPassword
from kb.people import Person, add_key, add_person, find_person, importer, person_for_key
from kb.sign_in import SignedIn, person_of_cookie, sessions_of, sign_in
from kb.staff import (
    LastAdmin,
    Wanted,
    WrongPassword,
    change_password,
    change_role,
    count_people,
    deactivate,
    introduce,
    list_people,
    person_by_id,
    reactivate,
    sign_out_everywhere,
)
from tests.cast import mina, omar

OLD, NEW = "lamp and chair", "three blue elephants"


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A house with rosa, an admin who has a password, mina, omar, a key and the importer."""
    with transaction(engine) as opened:
        add_person(opened, "rosa@example.com", "admin", "Rosa", OLD)
        mina(opened), omar(opened), importer(opened)
        add_key(opened, "admin")
        yield opened


def rosa(session: Session) -> Person:
    found = find_person(session, "rosa@example.com")
    assert found is not None
    return found


def signed_in(session: Session, password: str = OLD) -> str:
    outcome = sign_in(session, "rosa@example.com", password, device="Firefox\n\x00")
    assert isinstance(outcome, SignedIn)
    return outcome.secret


def kinds(session: Session) -> list[str]:
    return list(session.exec(select(Event.kind).order_by(Event.id)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(), ["mina", "omar", "Rosa"]),
        (Wanted(text="ROS"), ["Rosa"]),
        (Wanted(text="%"), []),
        (Wanted(role="agent"), ["omar"]),
        (Wanted(state="deactivated"), []),
        (Wanted(text="import@", programs=True), ["Content import"]),
    ],
)
def test_people_are_found_apart_from_programs(
    session: Session, wanted: Wanted, names: list[str]
) -> None:
    assert [person.name for person in list_people(session, wanted, 10)] == names
    assert count_people(session, wanted) == len(names)


def test_new_role_counts_at_once_and_is_written_down(session: Session) -> None:
    change_role(session, omar(session), "publisher", rosa(session))
    assert omar(session).may("approve")
    told = session.exec(select(Event)).one()
    assert (told.kind, told.data["before"], told.data["after"]) == (
        "role_changed", "agent", "publisher",
    )  # fmt: skip


def test_only_an_admin_changes_people(session: Session) -> None:
    for act in (lambda: change_role(session, omar(session), "admin", mina(session)),
                lambda: deactivate(session, rosa(session), mina(session)),
                lambda: sign_out_everywhere(session, rosa(session), mina(session))):  # fmt: skip
        with pytest.raises(NotAllowed):
            act()
    assert kinds(session) == []


def test_last_admin_can_neither_leave_nor_be_demoted(session: Session) -> None:
    with pytest.raises(LastAdmin, match="Rosa is the last admin"):
        deactivate(session, rosa(session), rosa(session))
    with pytest.raises(LastAdmin):
        change_role(session, rosa(session), "agent", rosa(session))
    add_person(session, "ivan@example.com", "admin", password=OLD)
    change_role(session, rosa(session), "agent", rosa(session))
    assert rosa(session).role == "agent"


def test_who_leaves_is_signed_out_and_their_keys_stop_until_they_return(session: Session) -> None:
    add_person(session, "ivan@example.com", "admin", password=OLD)
    cookie = signed_in(session)
    ivan = find_person(session, "ivan@example.com")
    deactivate(session, rosa(session), ivan)
    deactivate(session, rosa(session), ivan)
    assert person_of_cookie(session, cookie) is None
    reactivate(session, rosa(session), ivan)
    assert kinds(session) == ["deactivated", "reactivated"]
    assert person_of_cookie(session, cookie) is None
    assert signed_in(session)


def test_key_of_a_program_can_be_stopped_by_deactivating_it(session: Session) -> None:
    secret = add_key(session, "agent")
    program = list_people(session, Wanted(programs=True), 1)[0]
    assert program.is_program
    deactivate(session, program, rosa(session))
    assert person_for_key(session, secret) is None


def test_new_password_asks_for_the_old_one_and_ends_other_sessions(session: Session) -> None:
    here, there = signed_in(session), signed_in(session)
    with pytest.raises(WrongPassword):
        change_password(session, rosa(session), "wrong", NEW, here)
    with pytest.raises(WeakPassword):
        change_password(session, rosa(session), OLD, "short", here)
    change_password(session, rosa(session), OLD, NEW, here)
    assert person_of_cookie(session, here) is not None
    assert person_of_cookie(session, there) is None
    assert signed_in(session, NEW)


def test_signing_out_everywhere_keeps_this_device(session: Session) -> None:
    here, _there = signed_in(session), signed_in(session)
    sign_out_everywhere(session, rosa(session), rosa(session), but=here)
    assert [kept.device for kept in sessions_of(session, rosa(session))] == ["Firefox"]
    assert person_of_cookie(session, here) is not None


def test_name_and_language_are_one_s_own_to_choose(session: Session) -> None:
    introduce(session, rosa(session), "  Rosa \n Luna ", "fa")
    assert (rosa(session).name, rosa(session).locale) == ("Rosa Luna", "fa")
    for name, locale in (("", ""), ("x" * 81, ""), ("a\x00", ""), ("Rosa", "de")):
        with pytest.raises(Invalid):
            introduce(session, rosa(session), name, locale)


@pytest.mark.parametrize("number", [0, -1, 99_999, 2**40])
def test_unknown_number_is_nobody_s(session: Session, number: int) -> None:
    with pytest.raises(NotFound):
        person_by_id(session, number)
