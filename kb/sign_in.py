"""Staff signing in with a password: sessions in a cookie, and patience with wrong passwords.

An attempt is written down before the password is looked at, and crossed out when it was right,
so that a hundred attempts at once are counted like a hundred one after the other.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from sqlmodel import Field, Session, SQLModel, col, delete, select

from kb.db import UtcDateTime, now, take_write_lock
from kb.history import record
from kb.passwords import hashed, is_outdated, matches
from kb.people import Person, find_person

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
WINDOW = timedelta(minutes=15)
# A session that is used is marked so once in a while, not with every request.
SEEN_EVERY = timedelta(minutes=10)
FAILURES_OF_AN_EMAIL = 5
# Behind one address there may be a whole office; guessing at many accounts is still slow.
FAILURES_OF_A_CLIENT = 30
LONGEST_EMAIL = 254
LONGEST_DEVICE = 300
UNNAMED = "?"


class StaffSession(SQLModel, table=True):
    """Somebody who signed in; the secret is in their cookie, only its digest is kept.

    `device` is what their browser says of itself.
    """

    digest: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    device: str = ""

    def is_valid(self, at: datetime) -> bool:
        """Used within the last hours, and not older than the longest session."""
        return at < self.expires_at and at - self.seen_at < IDLE


class SignInFailure(SQLModel, table=True):
    """A wrong password, by the e-mail that was typed or by the client's address."""

    id: int | None = Field(default=None, primary_key=True)
    who: str = Field(index=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)


@dataclass(frozen=True)
class SignedIn:
    """Who it is; `secret` goes into the cookie and is readable only now."""

    person: Person
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Refused:
    """Wrong e-mail or password, it is not said which; or, with `minutes`, too many attempts."""

    minutes: int = 0


def sign_in(
    session: Session, email: str, password: str, client: str = "", device: str = ""
) -> SignedIn | Refused:
    """A session for whoever this e-mail and password belong to.

    Commits, in steps: checking a password takes a twentieth of a second, in which nobody else
    should wait for the write lock. Give it a session of its own, not a `transaction`.
    """
    attempts = _note(session, email, client)
    minutes = max(_minutes_left(session, attempt) for attempt in attempts)
    if minutes:
        _forget(session, attempts)
        return Refused(minutes)
    person = _whose(session, email, password)
    if person is None:
        _tell_of_lock(session, attempts)
        return Refused()
    _forget(session, attempts)
    forgive(session, person)
    secret = open_session(session, person, device)
    session.commit()
    return SignedIn(person, secret)


def person_of_cookie(session: Session, secret: str) -> Person | None:
    """Who signed in with this cookie; None when it was forged, ended or grew too old."""
    found = session.get(StaffSession, _digest(secret))
    if found is None or not found.is_valid(now()):
        return None
    person = session.get(Person, found.person_id)
    return person if person and person.deactivated_at is None else None


def is_due_to_be_seen(session: Session, secret: str) -> bool:
    """Whether it is time to mark the cookie's session as used."""
    found = session.get(StaffSession, _digest(secret))
    return found is not None and now() - found.seen_at > SEEN_EVERY


def mark_seen(session: Session, secret: str) -> None:
    """The cookie's session was used just now."""
    found = session.get(StaffSession, _digest(secret))
    if found:
        found.seen_at = now()
        session.add(found)
        _mark_person(session, found.person_id)


def sessions_of(session: Session, person: Person) -> list[StaffSession]:
    """Where the person is signed in, last used first."""
    query = select(StaffSession).where(StaffSession.person_id == person.id)
    found = session.exec(query.order_by(col(StaffSession.seen_at).desc())).all()
    return [kept for kept in found if kept.is_valid(now())]


def is_cookie_of(kept: StaffSession, secret: str) -> bool:
    """Whether this cookie belongs to that session."""
    return kept.digest == _digest(secret)


def end_sessions(session: Session, person: Person, but: str = "") -> None:
    """Signed out everywhere, except where this cookie is."""
    own = col(StaffSession.person_id) == person.id
    session.exec(delete(StaffSession).where(own, col(StaffSession.digest) != _digest(but)))


def forgive(session: Session, person: Person) -> None:
    """Wrong passwords before this moment do not count any more."""
    session.exec(delete(SignInFailure).where(col(SignInFailure.who) == person.email))


def sign_out(session: Session, secret: str) -> None:
    """The cookie is worth nothing from here on."""
    session.exec(delete(StaffSession).where(col(StaffSession.digest) == _digest(secret)))


# -- attempts ----------------------------------------------------------------------


def wait_for(session: Session, who: str, allowed: int) -> int:
    """Counts an attempt by that name at something; minutes to wait when there were too many.

    The attempts of a window count. The caller commits.
    """
    attempt = SignInFailure(who=_name_of(who) or UNNAMED)
    minutes = _minutes_left(session, attempt, allowed)
    if not minutes:
        session.add(attempt)
    return minutes


def _note(session: Session, email: str, client: str) -> list[SignInFailure]:
    """The attempt, counted for the e-mail and for the client's address."""
    names = [_name_of(email) or UNNAMED, _name_of(client)]
    attempts = [SignInFailure(who=name) for name in names if name]
    session.exec(delete(SignInFailure).where(col(SignInFailure.at) < now() - WINDOW))
    session.add_all(attempts)
    session.commit()
    return attempts


def _name_of(text: str) -> str:
    """As it is counted: no account and no address has a longer name or stranger signs."""
    name = text.strip().lower()
    return name if len(name) <= LONGEST_EMAIL and name.isprintable() else UNNAMED


def _minutes_left(session: Session, attempt: SignInFailure, allowed: int = 0) -> int:
    """How long nobody of that name may try again; 0 when they may."""
    allowed = allowed or (FAILURES_OF_AN_EMAIL if "@" in attempt.who else FAILURES_OF_A_CLIENT)
    earlier = session.exec(
        select(SignInFailure.at)
        .where(
            SignInFailure.who == attempt.who,
            SignInFailure.at > now() - WINDOW,
            SignInFailure.id != attempt.id,
        )
        .order_by(col(SignInFailure.at).desc())
        .limit(allowed)
    ).all()
    if len(earlier) < allowed:
        return 0
    left = earlier[-1] + WINDOW - now()
    return max(1, -(-int(left.total_seconds()) // 60))


def _tell_of_lock(session: Session, attempts: list[SignInFailure]) -> None:
    """Whoever reads the history hears of a lock that has just fallen; not of strangers' names."""
    for who in [attempt.who for attempt in attempts]:
        locked = _minutes_left(session, SignInFailure(who=who))
        person = find_person(session, who) if "@" in who else None
        if locked and (person or "@" not in who):
            session.commit()
            take_write_lock(session)
            about = {"person": person.id, "email": who} if person else {"client": who}
            record(session, "locked_out", None, **about)
            session.commit()


def _forget(session: Session, attempts: list[SignInFailure]) -> None:
    ids = [attempt.id for attempt in attempts]
    session.exec(delete(SignInFailure).where(col(SignInFailure.id).in_(ids)))
    session.commit()


# -- passwords ---------------------------------------------------------------------


def _whose(session: Session, email: str, password: str) -> Person | None:
    """The active person of that e-mail if the password is theirs; as slow for strangers."""
    person = find_person(session, email) if len(email) <= LONGEST_EMAIL else None
    kept = person.password_hash if person and person.deactivated_at is None else None
    is_right = matches(kept or _nobodys_hash(), password)
    if person is None or kept is None or not is_right:
        return None
    if is_outdated(kept):
        person.password_hash = hashed(password)
        session.add(person)
    return person


@cache
def _nobodys_hash() -> str:
    """Compared with when there is no such account."""
    return hashed(secrets.token_urlsafe(24))


# -- sessions ----------------------------------------------------------------------


def open_session(session: Session, person: Person, device: str = "") -> str:
    """A session for somebody whose identity is proved; the secret goes into their cookie."""
    assert person.id is not None
    secret = secrets.token_urlsafe(32)
    at = now()
    session.exec(delete(StaffSession).where(col(StaffSession.expires_at) < at))
    kept = StaffSession(
        digest=_digest(secret),
        person_id=person.id,
        expires_at=at + LONGEST,
        device=_printable(device),
    )
    session.add(kept)
    _mark_person(session, person.id)
    return secret


def _mark_person(session: Session, person_id: int) -> None:
    person = session.get(Person, person_id)
    if person:
        person.seen_at = now()
        session.add(person)


def _printable(device: str) -> str:
    return "".join(c for c in device[:LONGEST_DEVICE] if c.isprintable())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
