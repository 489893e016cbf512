"""Letting in whom the company's own identity provider vouches for."""

from dataclasses import dataclass

from sqlmodel import Session, select

from kb.history import record_about
from kb.invitations import invitation_for, join
from kb.people import Person, add_person, find_person
from kb.staff import NAME_LIMIT


@dataclass(frozen=True)
class Identity:
    """What the provider says: `subject` never changes, an e-mail counts only when verified."""

    subject: str
    email: str
    name: str
    is_verified: bool


def let_in(session: Session, identity: Identity, role: str = "") -> Person | None:
    """Who it is: known from before, by verified e-mail, or invited; else new, if there is a role
    for strangers. None for whoever may not come in. The caller holds the write lock."""
    query = select(Person).where(Person.subject == identity.subject)
    known = session.exec(query).first()
    if known:
        return known if known.deactivated_at is None else None
    if not identity.is_verified:
        return None
    person = find_person(session, identity.email)
    return _linked(session, person, identity) if person else _new(session, identity, role)


def _linked(session: Session, person: Person, identity: Identity) -> Person | None:
    if person.deactivated_at or person.is_program or person.subject:
        return None
    person.subject = identity.subject
    session.add(person)
    record_about(session, "identity_linked", person, person)
    return person


def _new(session: Session, identity: Identity, role: str) -> Person | None:
    name = " ".join(identity.name.split())[:NAME_LIMIT]
    name = name if name.isprintable() else ""
    invitation = invitation_for(session, identity.email)
    if invitation and not invitation.is_expired:
        person = join(session, invitation, name)
    elif role:
        person = add_person(session, identity.email, role, name)
        record_about(session, "joined", person, person, role=role)
    else:
        return None
    person.subject = identity.subject
    return person
