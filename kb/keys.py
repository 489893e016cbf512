"""People's own keys: what a program may do in somebody's name, never more than they may."""

from datetime import timedelta

from sqlmodel import Session, col, select

from kb.db import now
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.history import record
from kb.people import ABILITIES, ApiKey, Person, Role, key_digest, new_key
from kb.staff import LARGEST_ID, checked_name

SCOPES = ("read", "write", "approve", "publish", "serve", "administer")
KEYS_OF_A_PERSON = 50
# A key that is used is marked so once in a while, not with every request.
USED_EVERY = timedelta(minutes=10)


def scopes_for(person: Person) -> list[str]:
    """What the person may give to a key."""
    return [scope for scope in SCOPES if scope in ABILITIES[Role(person.role)]]


def make_key(session: Session, person: Person, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
    """A key that acts as the person within these scopes, and its secret, readable only now.

    Raises Invalid for the name or without a scope, NotAllowed for one that the role does not
    have, Conflict for a name that another of their keys has.
    """
    name = checked_name(name)
    wanted = [scope for scope in SCOPES if scope in scopes]
    if not wanted:
        raise Invalid("choose at least one thing that the key may do", "scopes")
    beyond = sorted(set(scopes) - set(scopes_for(person)))
    if beyond:
        raise NotAllowed(f"the role {person.role} may not {beyond[0][:20]}; ask an admin")
    active = [key for key in keys_of(session, person) if key.revoked_at is None]
    if any(key.name == name for key in active) or len(active) >= KEYS_OF_A_PERSON:
        raise Conflict(f"you have a key {name!r} already, or very many; revoke one first")
    key, secret = new_key(session, person, name, wanted)
    record(session, "key_added", person, person=person.id, key=key.id, name=name, scopes=wanted)
    return key, secret


def keys_of(session: Session, person: Person) -> list[ApiKey]:
    """Newest first, those that were revoked too."""
    query = select(ApiKey).where(ApiKey.person_id == person.id)
    return list(session.exec(query.order_by(col(ApiKey.id).desc())))


def active_keys(session: Session) -> list[tuple[ApiKey, Person]]:
    """Everybody's keys that work, newest first."""
    query = select(ApiKey, Person).join(Person).where(col(ApiKey.revoked_at).is_(None))
    query = query.where(col(Person.deactivated_at).is_(None))
    return [(key, person) for key, person in session.exec(query.order_by(col(ApiKey.id).desc()))]


def revoke_key(session: Session, key_id: int, by: Person) -> ApiKey:
    """It is worth nothing from here on. Raises NotFound for what is neither theirs nor an admin's
    to revoke."""
    key = session.get(ApiKey, key_id) if 0 < key_id < LARGEST_ID else None
    if key is None or not (key.person_id == by.id or by.may("administer")):
        raise NotFound("there is no such key")
    if key.revoked_at is None:
        key.revoked_at = now()
        session.add(key)
        record(session, "key_revoked", by, person=key.person_id, key=key.id, name=key.name)
    return key


def is_due_to_be_marked(session: Session, secret: str) -> bool:
    """Whether it is time to mark the key as used."""
    key = _found(session, secret)
    return key is not None and (key.used_at is None or now() - key.used_at > USED_EVERY)


def mark_used(session: Session, secret: str) -> None:
    """The key was used just now."""
    key = _found(session, secret)
    if key:
        key.used_at = now()
        session.add(key)


def _found(session: Session, secret: str) -> ApiKey | None:
    return session.exec(select(ApiKey).where(ApiKey.digest == key_digest(secret))).first()
