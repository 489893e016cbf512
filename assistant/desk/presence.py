"""Which agents are at their desks, what they speak and how much they can take."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, col, select

from kb.articles import check_locale
from kb.db import UtcDateTime, now
from kb.errors import Invalid
from kb.people import Person

# Longer than a browser takes to come back from a lost connection.
GRACE_SECONDS = 45
ROOM = 4
ROOM_LIMIT = 20
SKILLS_LIMIT = 40


class Presence(SQLModel, table=True):
    """Where one agent stands; `seen_at` moves while the desk is open in a browser."""

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    online_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    languages: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    skills: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    room: int = ROOM

    def is_online(self, at: datetime) -> bool:
        """Whether cases may come: wanted, and not lost from sight."""
        return self.online_since is not None and not self.is_lost(at)

    def is_lost(self, at: datetime) -> bool:
        """Whether nothing was heard of this desk for longer than the grace."""
        return self.seen_at is None or at - self.seen_at > timedelta(seconds=GRACE_SECONDS)


def presence_of(session: Session, person: Person) -> Presence:
    """The agent's presence; offline, with everything and the usual room, when new."""
    assert person.id is not None
    return session.get(Presence, person.id) or Presence(person_id=person.id)


def set_presence(session: Session, person: Person, online: bool, **wanted: Any) -> Presence:
    """Go online or offline, with languages, skills and room where given. Raises Invalid."""
    presence = presence_of(session, person)
    for name, value in wanted.items():
        if value is not None:
            setattr(presence, name, _CHECKS[name](value))
    presence.seen_at = now()
    if online != (presence.online_since is not None):
        presence.online_since = presence.seen_at if online else None
    session.add(presence)
    session.flush()
    return presence


def be_seen(session: Session, person_id: int) -> None:
    """The desk is still open in the agent's browser."""
    presence = session.get(Presence, person_id)
    if presence:
        presence.seen_at = now()
        session.add(presence)


def online_agents(session: Session, at: datetime) -> list[Presence]:
    """Everybody who can be given a case, in order of their ids."""
    query = select(Presence).where(col(Presence.online_since).is_not(None))
    found = session.exec(query.order_by(col(Presence.person_id)))
    return [presence for presence in found if presence.is_online(at)]


def _languages(codes: list[str]) -> list[str]:
    return sorted({check_locale(code) for code in codes})


def _skills(names: list[str]) -> list[str]:
    skills = sorted({name.strip().lower() for name in names if name.strip()})
    if len(skills) > SKILLS_LIMIT or any(len(name) > 80 for name in skills):
        raise Invalid(f"at most {SKILLS_LIMIT} skills of up to 80 characters", "skills")
    return skills


def _room(room: int) -> int:
    if not 1 <= room <= ROOM_LIMIT:
        raise Invalid(f"room is 1 to {ROOM_LIMIT} conversations at once", "room")
    return room


_CHECKS: dict[str, Any] = {"languages": _languages, "skills": _skills, "room": _room}
