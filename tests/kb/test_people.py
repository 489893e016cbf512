"""Who is on the staff, what a role allows, and keys that speak for a person."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.db import now, transaction
from kb.errors import Conflict, Invalid, NotAllowed
from kb.people import (
    ABILITIES,
    ApiKey,
    Person,
    Role,
    add_key,
    add_person,
    find_person,
    importer,
    person_for_key,
    require,
)


def test_email_is_found_however_it_is_typed(engine: Engine) -> None:
    with transaction(engine) as session:
        add_person(session, " Mina@Example.com ", "publisher")
        found = find_person(session, "mina@EXAMPLE.com")
        assert found is not None
        assert (found.email, found.name) == ("mina@example.com", "mina")


def test_taken_email_is_a_conflict(engine: Engine) -> None:
    with transaction(engine) as session:
        add_person(session, "mina@example.com", "publisher")
        with pytest.raises(Conflict, match="already"):
            add_person(session, "MINA@example.com", "admin")


def test_bad_email_is_refused(engine: Engine) -> None:
    bad = ["", "@", "mina", "@example.com", "mina@", "a b@c", "a\nb@c", "a\x00@c", "\ud800@c"]
    with transaction(engine) as session:
        for email in bad:
            with pytest.raises(Invalid) as caught:
                add_person(session, email, "publisher")
            assert caught.value.field == "email"


def test_unknown_email_finds_nobody(engine: Engine) -> None:
    with transaction(engine) as session:
        add_person(session, "mina@example.com", "publisher")
        for email in ["nobody@example.com", "a\x00@c", "\ud800", "' OR 1=1 --"]:
            assert find_person(session, email) is None


def test_unknown_role_is_refused_with_the_known_ones(engine: Engine) -> None:
    with transaction(engine) as session:
        for role in ["", "owner", "Publisher", "\x00"]:
            with pytest.raises(Invalid, match="contributor, publisher"):
                add_person(session, "mina@example.com", role)


def test_password_is_kept_only_as_a_hash(engine: Engine) -> None:
    with transaction(engine) as session:
        person = add_person(session, "mina@example.com", "publisher", password="open sesame")
        assert person.password_hash is not None
        assert "sesame" not in person.password_hash
        assert PasswordHasher().verify(person.password_hash, "open sesame")


@pytest.mark.parametrize(
    ("role", "denied"),
    [
        ("contributor", {"approve", "publish", "serve", "administer", "adopt"}),
        ("agent", {"approve", "publish", "administer", "adopt"}),
        ("publisher", {"administer", "adopt"}),
        ("admin", set()),
    ],
)
def test_role_allows_just_what_it_should(role: str, denied: set[str]) -> None:
    person = Person(email="a@b", name="a", role=role)
    assert {ability for ability in ABILITIES[Role.admin] if not person.may(ability)} == denied


def test_missing_ability_says_whom_to_ask() -> None:
    person = Person(email="a@b", name="a", role="agent")
    require(person, "write")
    with pytest.raises(NotAllowed, match="the role agent may not publish; ask an admin"):
        require(person, "publish")


def test_key_speaks_for_a_person_of_its_role(engine: Engine) -> None:
    with transaction(engine) as session:
        secret = add_key(session, "publisher")
    with Session(engine) as session:
        person = person_for_key(session, secret)
        assert person is not None
        assert person.role == "publisher"


def test_key_itself_is_not_stored(engine: Engine) -> None:
    with transaction(engine) as session:
        secret = add_key(session, "publisher")
    with Session(engine) as session:
        key = session.exec(select(ApiKey)).one()
        assert secret not in repr(key)
        assert secret[3:] not in repr(session.exec(select(Person)).all())


def test_forged_key_speaks_for_nobody(engine: Engine) -> None:
    with transaction(engine) as session:
        secret = add_key(session, "admin")
        for change in ["", "x", "\x00", "\ud800", "x" * 100_000]:
            assert person_for_key(session, change + secret[1:]) is None
            assert person_for_key(session, change) is None


def test_revoked_key_speaks_for_nobody(engine: Engine) -> None:
    with transaction(engine) as session:
        secret = add_key(session, "admin")
        session.exec(select(ApiKey)).one().revoked_at = now()
        session.flush()
        assert person_for_key(session, secret) is None


def test_key_of_somebody_who_left_speaks_for_nobody(engine: Engine) -> None:
    with transaction(engine) as session:
        secret = add_key(session, "admin")
        person = person_for_key(session, secret)
        assert person is not None
        person.deactivated_at = now()
        session.flush()
        assert person_for_key(session, secret) is None


def test_importer_is_one_person_however_often_asked(engine: Engine) -> None:
    with transaction(engine) as session:
        assert importer(session).id == importer(session).id
        assert importer(session).password_hash is None
