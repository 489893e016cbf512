"""Staff: who they are, what their role allows, and the keys that speak for them."""

import hashlib
import secrets
from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from sqlmodel import Field, Session, SQLModel, select

from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotAllowed


class Role(StrEnum):
    contributor = "contributor"
    publisher = "publisher"
    agent = "agent"
    admin = "admin"


# What each role may do; an agent reads what agents see, drafts what is missing, serves customers.
ABILITIES: dict[Role, frozenset[str]] = {
    Role.contributor: frozenset({"read", "write"}),
    Role.publisher: frozenset({"read", "write", "approve", "publish", "serve"}),
    Role.agent: frozenset({"read", "write", "serve"}),
    Role.admin: frozenset({"read", "write", "approve", "publish", "serve", "administer", "adopt"}),
}


class Person(SQLModel, table=True):
    """Somebody on the staff, or a program acting with a key of its own."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, index=True)
    name: str
    role: str
    password_hash: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    deactivated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def may(self, ability: str) -> bool:
        """Whether the role allows it and the person is still active."""
        return self.deactivated_at is None and ability in ABILITIES[Role(self.role)]


class ApiKey(SQLModel, table=True):
    """A secret that acts as its person; only its digest is kept."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    digest: str = Field(unique=True, index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def add_person(
    session: Session, email: str, role: str, name: str = "", password: str | None = None
) -> Person:
    """A new member of staff. Raises Invalid for a bad e-mail or role, Conflict if taken."""
    email = email.strip().lower()
    if "@" not in email[1:-1] or not email.isprintable() or " " in email:
        raise Invalid(f"{email!r} is not an e-mail address", "email")
    if role not in Role.__members__:
        raise Invalid(f"unknown role {role!r}; choose from {', '.join(Role)}", "role")
    if find_person(session, email):
        raise Conflict(f"{email} already has an account")
    hashed = PasswordHasher().hash(password) if password else None
    person = Person(email=email, name=name or email.split("@")[0], role=role, password_hash=hashed)
    session.add(person)
    session.flush()
    return person


def find_person(session: Session, email: str) -> Person | None:
    """The person with this e-mail address, if there is one."""
    email = email.strip().lower()
    if not email.isprintable():
        return None
    return session.exec(select(Person).where(Person.email == email)).first()


def importer(session: Session) -> Person:
    """Who stands for files that were approved before they came here."""
    return find_person(session, "import@verbatim.invalid") or add_person(
        session, "import@verbatim.invalid", Role.admin, "Content import"
    )


def add_key(session: Session, role: str) -> str:
    """A new key, acting as a person of its own; this is the only time it is readable."""
    secret = f"vb_{secrets.token_urlsafe(24)}"
    name = f"key-{secrets.token_hex(4)}"
    person = add_person(session, f"{name}@keys.invalid", role, name)
    assert person.id is not None
    session.add(ApiKey(person_id=person.id, digest=_digest(secret)))
    return secret


def person_for_key(session: Session, secret: str) -> Person | None:
    """Whom a key speaks for; None for a forged, revoked or deactivated one."""
    found = session.exec(
        select(Person)
        .join(ApiKey)
        .where(ApiKey.digest == _digest(secret), ApiKey.revoked_at == None)  # noqa: E711
    ).first()
    return found if found and found.deactivated_at is None else None


def require(person: Person, ability: str) -> None:
    """Raises NotAllowed unless the person's role allows it."""
    if not person.may(ability):
        raise NotAllowed(f"the role {person.role} may not {ability}; ask an admin")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
