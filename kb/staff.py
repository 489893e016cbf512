"""The people of the house: who is there, what they may do, and leaving. Their work stays."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, or_, select

from kb.db import now
from kb.errors import Conflict, Invalid, NotFound
from kb.history import record_about
from kb.passwords import check_password, hashed, matches
from kb.people import PROGRAMS, Person, Role, require
from kb.settings import LOCALE_NAMES
from kb.sign_in import end_sessions, forgive

NAME_LIMIT = 80
LARGEST_ID = 2**31


class LastAdmin(Conflict):
    """Without them nobody could invite, change or let in anybody."""

    def __init__(self, person: Person) -> None:
        super().__init__(f"{person.name} is the last admin; make somebody else one first")


class WrongPassword(Invalid):
    """The old password, asked for before a new one, is another."""

    def __init__(self) -> None:
        super().__init__("this is not your password", "old")


@dataclass(frozen=True)
class Wanted:
    """Which people to list; what is empty does not matter."""

    text: str = ""
    role: str = ""
    state: str = ""
    programs: bool = False


def list_people(session: Session, wanted: Wanted, limit: int, offset: int = 0) -> list[Person]:
    """People by name, or the programs, the newest first."""
    query = select(Person).where(*_conditions(wanted))
    order = col(Person.id).desc() if wanted.programs else func.lower(Person.name)
    return list(session.exec(query.order_by(order, col(Person.id)).limit(limit).offset(offset)))


def count_people(session: Session, wanted: Wanted) -> int:
    """How many there are of them in all."""
    return session.exec(select(func.count(col(Person.id))).where(*_conditions(wanted))).one()


def person_by_id(session: Session, person_id: int) -> Person:
    """Raises NotFound."""
    found = session.get(Person, person_id) if 0 < person_id < LARGEST_ID else None
    if found is None:
        raise NotFound("there is no such person")
    return found


def change_role(session: Session, person: Person, role: str, by: Person) -> None:
    """Raises Invalid for an unknown role, LastAdmin when nobody would be left to administer."""
    require(by, "administer")
    if role not in Role.__members__:
        raise Invalid(f"unknown role {role!r}; choose from {', '.join(Role)}", "role")
    if role == person.role:
        return
    _keep_an_admin(session, person)
    record_about(session, "role_changed", person, by, before=person.role, after=role)
    person.role = role
    session.add(person)


def deactivate(session: Session, person: Person, by: Person | None) -> None:
    """No sign-in and no key works any more; what they wrote stays, with their name on it.

    `by` is None on the command line. Raises LastAdmin.
    """
    _require_admin(by)
    if person.deactivated_at:
        return
    _keep_an_admin(session, person)
    person.deactivated_at = now()
    session.add(person)
    end_sessions(session, person)
    record_about(session, "deactivated", person, by)


def reactivate(session: Session, person: Person, by: Person | None) -> None:
    """They come back as they were: the same role, password and keys."""
    _require_admin(by)
    if person.deactivated_at is None:
        return
    person.deactivated_at = None
    session.add(person)
    record_about(session, "reactivated", person, by)


def sign_out_everywhere(session: Session, person: Person, by: Person, but: str = "") -> None:
    """Ends the person's sessions, except the one of this cookie."""
    if by.id != person.id:
        require(by, "administer")
    end_sessions(session, person, but)
    record_about(session, "signed_out_everywhere", person, by)


# -- one's own account -------------------------------------------------------------


def introduce(session: Session, person: Person, name: str, locale: str = "") -> None:
    """A name, and the language to work in; empty is the browser's. Raises Invalid."""
    name = checked_name(name)
    if locale and locale not in LOCALE_NAMES:
        raise Invalid(f"unknown language {locale[:20]!r}", "locale")
    if name != person.name:
        record_about(session, "renamed", person, person, before=person.name, after=name)
    person.name, person.locale = name, locale or None
    session.add(person)


def change_password(session: Session, person: Person, old: str, new: str, cookie: str) -> None:
    """Other devices are signed out. Raises WrongPassword, WeakPassword."""
    if person.password_hash and not matches(person.password_hash, old):
        raise WrongPassword
    set_password(session, person, new)
    end_sessions(session, person, but=cookie)
    record_about(session, "password_changed", person, person)


def set_password(session: Session, person: Person, password: str) -> None:
    """Raises WeakPassword; a lock after wrong passwords is lifted."""
    check_password(password, person.name, person.email)
    person.password_hash = hashed(password)
    session.add(person)
    forgive(session, person)


def checked_name(name: str) -> str:
    """One line that can be shown. Raises Invalid."""
    name = " ".join(name.split())
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid(f"a name has 1 to {NAME_LIMIT} characters", "name")
    return name


# -- parts -------------------------------------------------------------------------


def _conditions(wanted: Wanted) -> list[Any]:
    is_program = or_(*(col(Person.email).endswith(end) for end in PROGRAMS))
    found: list[Any] = [is_program if wanted.programs else ~is_program]
    if text := wanted.text.strip():
        named = (col(Person.name), col(Person.email))
        found.append(or_(*(column.icontains(text, autoescape=True) for column in named)))
    if wanted.role:
        found.append(Person.role == wanted.role)
    if wanted.state:
        left = col(Person.deactivated_at)
        found.append(left.is_(None) if wanted.state == "active" else left.is_not(None))
    return found


def _keep_an_admin(session: Session, person: Person) -> None:
    """The caller holds the write lock, so two admins cannot remove each other at once."""
    if person.role != Role.admin or person.deactivated_at or person.is_program:
        return
    others = select(Person).where(Person.role == Role.admin, Person.id != person.id)
    if not any(_can_sign_in(other) for other in session.exec(others)):
        raise LastAdmin(person)


def _can_sign_in(person: Person) -> bool:
    return person.deactivated_at is None and bool(person.password_hash or person.subject)


def _require_admin(by: Person | None) -> None:
    if by is not None:
        require(by, "administer")
