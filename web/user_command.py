"""`verbatim user`: people on the staff, for whoever has the machine."""

import json
import secrets
from collections.abc import Callable
from typing import Annotated

import typer
from sqlmodel import Session

from assistant.staff_mail import reset_url
from kb.db import reading, transaction
from kb.errors import NotFound
from kb.history import record_about
from kb.password_resets import make_reset_link, start_reset
from kb.people import Person, Role, add_person, find_person
from kb.settings import Settings
from kb.staff import Wanted, deactivate, list_people, reactivate
from web.replies import iso
from web.services import opened_store
from web.terminal import JsonOption

user_app = typer.Typer(no_args_is_help=True, help="People on the staff.")
EVERYBODY = 100_000


@user_app.command("add")
def add(
    email: str,
    role: Annotated[str, typer.Option(help=", ".join(Role))] = "contributor",
    name: str = "",
) -> None:
    """Add a person; prints the password that was made for them."""
    password = secrets.token_urlsafe(12)
    with opened_store(Settings()) as engine, transaction(engine) as session:
        person = add_person(session, email, role, name, password)
        record_about(session, "person_added", person, None, role=role)
    print(f"{person.email} ({role})  password: {password}  (shown once)")


@user_app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """Who is on the staff, and who has left."""
    with opened_store(Settings()) as engine, reading(engine) as session:
        people = list_people(session, Wanted(), EVERYBODY)
    if as_json:
        print(json.dumps({"items": [_as_json(person) for person in people]}, indent=2))
        return
    print("\n".join(_line(person) for person in people) or "nobody yet; `verbatim user add`")


@user_app.command("deactivate")
def deactivate_(email: str) -> None:
    """No sign-in and no key of theirs works any more; their work stays."""
    _change(email, deactivate, "deactivated")


@user_app.command("reactivate")
def reactivate_(email: str) -> None:
    """They come back as they were."""
    _change(email, reactivate, "active again")


@user_app.command("reset-password")
def reset_password(email: str) -> None:
    """Print a link with which they choose a new password; it works once, for an hour."""
    settings = Settings()
    with opened_store(settings) as engine, transaction(engine) as session:
        reset = start_reset(session, _found(session, email), None)
        link = reset_url(settings, make_reset_link(session, reset))
    print(link)


def _change(email: str, act: Callable[[Session, Person, None], None], said: str) -> None:
    with opened_store(Settings()) as engine, transaction(engine) as session:
        person = _found(session, email)
        act(session, person, None)
    print(f"{person.email} is {said}")


def _found(session: Session, email: str) -> Person:
    person = find_person(session, email)
    if person is None:
        raise NotFound(f"nobody here has the e-mail {email}; see `verbatim user list`")
    return person


def _as_json(person: Person) -> dict[str, object]:
    return {
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "active": person.deactivated_at is None,
        "seen_at": iso(person.seen_at) if person.seen_at else None,
    }


def _line(person: Person) -> str:
    seen = f"last seen {person.seen_at:%Y-%m-%d}" if person.seen_at else "never seen"
    state = "deactivated" if person.deactivated_at else seen
    return f"{person.email:32} {person.role:12} {state:22} {person.name}"
