"""A lost password's way back: a link by e-mail that works once, for an hour.

The store keeps a digest. The secret is made when the letter is written, so it waits nowhere.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlmodel import Field, Session, SQLModel, col, func, select

from kb.db import UtcDateTime, now
from kb.errors import NotFound
from kb.history import record_about
from kb.people import Person, find_person, require
from kb.sign_in import Refused, end_sessions, wait_for
from kb.staff import set_password

VALID = timedelta(hours=1)
LETTERS_OF_A_PERSON = 3
REQUESTS_OF_A_CLIENT = 10
# Longer than mail that cannot be delivered is tried.
KEPT = timedelta(days=7)


class PasswordReset(SQLModel, table=True):
    """Somebody wants a new password; worth nothing until its link is made."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    digest: str | None = Field(default=None, unique=True, index=True)
    locale: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def ask_reset(
    session: Session, email: str, locale: str = "", client: str = ""
) -> PasswordReset | Refused | None:
    """What to write to whoever this e-mail belongs to; None when there is nobody to write to,
    or enough was written. Refused, with minutes, tells only how often this client has asked."""
    minutes = wait_for(session, f"reset {client}", REQUESTS_OF_A_CLIENT)
    if minutes:
        return Refused(minutes)
    person = find_person(session, email)
    if (
        person is None
        or not has_password(person)
        or _letters(session, person) >= LETTERS_OF_A_PERSON
    ):
        return None
    return _new(session, person, locale)


def start_reset(session: Session, person: Person, by: Person | None) -> PasswordReset:
    """An admin helps somebody in; `by` is None on the command line. Raises NotFound."""
    if by is not None:
        require(by, "administer")
    if not has_password(person):
        raise NotFound(f"{person.email} does not sign in with a password here")
    record_about(session, "password_link_made", person, by)
    return _new(session, person, person.locale or "")


def has_password(person: Person) -> bool:
    """Whether there is, or may be, a password: not for programs, nor who signs in elsewhere."""
    signs_in_elsewhere = person.subject is not None and person.password_hash is None
    return person.deactivated_at is None and not person.is_program and not signs_in_elsewhere


def make_reset_link(session: Session, reset: PasswordReset) -> str:
    """The secret for the link, readable only now; one that was made before is worth nothing."""
    secret = secrets.token_urlsafe(32)
    reset.digest, reset.expires_at = _digest(secret), now() + VALID
    session.add(reset)
    return secret


def person_of_reset(session: Session, secret: str) -> Person:
    """Whose password a link may set. Raises NotFound when it was used, is old or never was one."""
    return _person(session, _open_reset(session, secret))


def reset_password(session: Session, secret: str, password: str) -> Person:
    """The new password counts, all sessions end, the lock opens. Raises NotFound, WeakPassword."""
    found = _open_reset(session, secret)
    person = _person(session, found)
    set_password(session, person, password)
    end_sessions(session, person)
    for other in session.exec(select(PasswordReset).where(PasswordReset.person_id == person.id)):
        other.used_at = other.used_at or now()
        session.add(other)
    record_about(session, "password_reset", person, person)
    return person


def _letters(session: Session, person: Person) -> int:
    """How many were asked for within the time that a link is good for."""
    recent = (PasswordReset.person_id == person.id, col(PasswordReset.created_at) > now() - VALID)
    return session.exec(select(func.count(col(PasswordReset.id))).where(*recent)).one()


def _new(session: Session, person: Person, locale: str) -> PasswordReset:
    assert person.id is not None
    reset = PasswordReset(person_id=person.id, locale=locale)
    session.add(reset)
    session.flush()
    return reset


def _open_reset(session: Session, secret: str) -> PasswordReset:
    query = select(PasswordReset).where(PasswordReset.digest == _digest(secret))
    found = session.exec(query).first()
    if found is None or found.used_at or found.expires_at is None or now() >= found.expires_at:
        raise NotFound("this link was used, has expired or is not whole")
    return found


def _person(session: Session, reset: PasswordReset) -> Person:
    person = session.get(Person, reset.person_id)
    if person is None or not has_password(person):
        raise NotFound("this link was used, has expired or is not whole")
    return person


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
