"""Asking somebody to join: a link by e-mail that works once, for a week.

waiting ─accept→ accepted
waiting ─withdraw→ withdrawn
waiting ─a week→ expired ─send again→ waiting
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Field, Session, SQLModel, col, select

from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotFound
from kb.history import record, record_about
from kb.passwords import check_password, hashed
from kb.people import PROGRAMS, Person, Role, add_person, find_person, require
from kb.staff import LARGEST_ID, checked_name

VALID = timedelta(days=7)


class AlreadyHere(Conflict):
    """They have an account, active or not."""


class AlreadyInvited(Conflict):
    """An invitation waits for them."""


class Invitation(SQLModel, table=True):
    """Somebody was asked to join in a role; they become a Person by accepting."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(index=True)
    role: str
    locale: str = ""
    by_id: int = Field(foreign_key="person.id")
    digest: str | None = Field(default=None, unique=True, index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    sent_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def is_settled(self) -> bool:
        """Whether it was accepted or withdrawn."""
        return self.accepted_at is not None or self.withdrawn_at is not None

    @property
    def expires_at(self) -> datetime:
        """Until when its last letter's link works."""
        return self.sent_at + VALID

    @property
    def is_expired(self) -> bool:
        """Whether it should be sent again."""
        return not self.is_settled and now() >= self.expires_at


def invite(session: Session, email: str, role: str, by: Person, locale: str = "") -> Invitation:
    """Raises Invalid for the e-mail or role, Conflict when they are here or asked already."""
    require(by, "administer")
    email = email.strip().lower()
    if role not in Role.__members__:
        raise Invalid(f"unknown role {role!r}; choose from {', '.join(Role)}", "role")
    if email.endswith(PROGRAMS):
        raise Invalid("nobody reads mail at that address", "email")
    if find_person(session, email):
        raise AlreadyHere(f"{email} already has an account")
    if invitation_for(session, email):
        raise AlreadyInvited(f"{email} was invited already; send it again or withdraw it")
    assert by.id is not None
    made = Invitation(email=email, role=role, locale=locale, by_id=by.id)
    session.add(made)
    session.flush()
    record(session, "invited", by, invitation=made.id, email=email, role=role)
    return made


def send_again(session: Session, invitation: Invitation, by: Person) -> None:
    """Another letter with another link; the one before is worth nothing. Raises Conflict."""
    require(by, "administer")
    _still_waiting(invitation)
    invitation.sent_at, invitation.digest = now(), None
    session.add(invitation)
    record(session, "invited_again", by, invitation=invitation.id, email=invitation.email)


def withdraw_invitation(session: Session, invitation: Invitation, by: Person) -> None:
    """Its link is worth nothing from here on. Raises Conflict when it was accepted meanwhile."""
    require(by, "administer")
    _still_waiting(invitation)
    invitation.withdrawn_at, invitation.digest = now(), None
    session.add(invitation)
    record(session, "invitation_withdrawn", by, invitation=invitation.id, email=invitation.email)


def make_invitation_link(session: Session, invitation: Invitation) -> str:
    """The secret for the link, readable only now."""
    secret = secrets.token_urlsafe(32)
    invitation.digest = _digest(secret)
    session.add(invitation)
    return secret


def open_invitation(session: Session, secret: str) -> Invitation:
    """What a link is for. Raises NotFound when it was used, withdrawn, is old or never was one."""
    query = select(Invitation).where(Invitation.digest == _digest(secret))
    found = session.exec(query).first()
    if found is None or found.is_settled or found.is_expired:
        raise NotFound("this link was used, has expired or is not whole")
    return found


def accept(session: Session, invitation: Invitation, name: str, password: str) -> Person:
    """They are here. Raises Invalid for the name, WeakPassword, Conflict when they were before."""
    name = checked_name(name)
    check_password(password, name, invitation.email)
    person = join(session, invitation, name)
    person.password_hash = hashed(password)
    return person


def join(session: Session, invitation: Invitation, name: str) -> Person:
    """The invitation becomes a person, who is known in another way than by a password."""
    person = add_person(session, invitation.email, invitation.role, name)
    person.locale = invitation.locale or None
    invitation.accepted_at, invitation.digest = now(), None
    session.add(invitation)
    record_about(session, "joined", person, person, role=person.role)
    return person


def invitation_for(session: Session, email: str) -> Invitation | None:
    """The one that waits for this e-mail address, expired or not."""
    query = select(Invitation).where(Invitation.email == email.strip().lower(), *_waiting())
    return session.exec(query).first()


def waiting_invitations(session: Session) -> list[Invitation]:
    """Those neither accepted nor withdrawn, newest first."""
    query = select(Invitation).where(*_waiting())
    return list(session.exec(query.order_by(col(Invitation.sent_at).desc())))


def invitation_by_id(session: Session, invitation_id: int) -> Invitation:
    """Raises NotFound."""
    found = session.get(Invitation, invitation_id) if 0 < invitation_id < LARGEST_ID else None
    if found is None:
        raise NotFound("there is no such invitation")
    return found


def _waiting() -> tuple[Any, ...]:
    return col(Invitation.accepted_at).is_(None), col(Invitation.withdrawn_at).is_(None)


def _still_waiting(invitation: Invitation) -> None:
    if invitation.is_settled:
        raise Conflict(f"the invitation of {invitation.email} was accepted or withdrawn meanwhile")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
