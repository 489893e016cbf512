"""Staff: who they are, what their role allows, and the keys that speak for them."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, select

from kb.db import UtcDateTime, now
from kb.errors import Conflict, Invalid, NotAllowed
from kb.passwords import hashed


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


# Nobody gets mail there (RFC 2606): who has such an address is a program.
PROGRAMS = ("@keys.invalid", "@verbatim.invalid")
IMPORTER = "import@verbatim.invalid"


class Person(SQLModel, table=True):
    """Somebody on the staff, or a program acting with a key of its own.

    `subject` is who they are to the OpenID provider, `locale` the language they chose to work in.
    """

    # What the key that speaks for them may do; None when they act themselves.
    scopes: ClassVar[frozenset[str] | None] = None

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, index=True)
    name: str
    role: str
    password_hash: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    deactivated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    locale: str | None = None
    subject: str | None = Field(default=None, unique=True, index=True)
    # What they are told by e-mail: what is waiting for them, all, all once a day, or never.
    mail: str = Field(default="waiting", sa_column_kwargs={"server_default": "waiting"})

    def may(self, ability: str) -> bool:
        """Whether the role and the key allow it, and the person is still active."""
        return (
            self.deactivated_at is None
            and ability in ABILITIES[Role(self.role)]
            and (self.scopes is None or ability in self.scopes)
        )

    def limit_to(self, scopes: Iterable[str] | None) -> None:
        """From here on this object may do no more than that, whatever its role allows."""
        self.__dict__["scopes"] = None if scopes is None else frozenset(scopes)

    @property
    def is_program(self) -> bool:
        """Whether nobody can sign in as it: a key's own person, or the importer."""
        return self.email.endswith(PROGRAMS)


class ApiKey(SQLModel, table=True):
    """A secret that acts as its person; only its digest is kept, and how it begins.

    `scopes` are the abilities it was given; None is all that its person has.
    """

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    digest: str = Field(unique=True, index=True)
    name: str = ""
    hint: str = ""
    scopes: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
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
    kept = hashed(password) if password else None
    person = Person(email=email, name=name or email.split("@")[0], role=role, password_hash=kept)
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
    return find_person(session, IMPORTER) or add_person(
        session, IMPORTER, Role.admin, "Content import"
    )


def add_key(session: Session, role: str) -> str:
    """A new key, acting as a person of its own; this is the only time it is readable."""
    name = f"key-{secrets.token_hex(4)}"
    person = add_person(session, f"{name}@keys.invalid", role, name)
    return new_key(session, person)[1]


def new_key(
    session: Session, person: Person, name: str = "", scopes: list[str] | None = None
) -> tuple[ApiKey, str]:
    """A key that speaks for the person, and its secret, readable only now."""
    assert person.id is not None
    secret = f"vb_{secrets.token_urlsafe(24)}"
    key = ApiKey(
        person_id=person.id, digest=key_digest(secret), name=name, hint=secret[:7], scopes=scopes
    )
    session.add(key)
    session.flush()
    return key, secret


def person_for_key(session: Session, secret: str) -> Person | None:
    """Whom a key speaks for, limited to its scopes; None for a forged, revoked or old one."""
    found = session.exec(
        select(Person, ApiKey)
        .join(ApiKey)
        .where(ApiKey.digest == key_digest(secret), ApiKey.revoked_at == None)  # noqa: E711
    ).first()
    if found is None or found[0].deactivated_at is not None:
        return None
    person, key = found
    person.limit_to(key.scopes)
    return person


def require(person: Person, ability: str) -> None:
    """Raises NotAllowed unless the person's role, and the key if there is one, allow it."""
    if person.may(ability):
        return
    if ability in ABILITIES[Role(person.role)] and person.scopes is not None:
        raise NotAllowed(f"this key may not {ability}; make one that may at /studio/account")
    raise NotAllowed(f"the role {person.role} may not {ability}; ask an admin")


def key_digest(secret: str) -> str:
    """As a key is kept."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
