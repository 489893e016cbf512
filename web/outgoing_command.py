"""`verbatim outgoing`: what waits to leave, what was given up, and another try."""

import json
from typing import Annotated

import typer

from assistant.outgoing import Outgoing, retry, undelivered
from kb.db import reading, transaction
from kb.settings import Settings
from web.replies import iso
from web.services import opened_store
from web.terminal import JsonOption

outgoing_app = typer.Typer(help="Mail and webhooks that wait or were given up.")
NOTHING = "nothing waits, nothing was given up"


@outgoing_app.callback(invoke_without_command=True)
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """Mail and webhooks that wait or were given up."""
    if context.invoked_subcommand:
        return
    with opened_store(Settings()) as engine, reading(engine) as session:
        found = undelivered(session)
    if as_json:
        print(json.dumps({"items": [_as_json(message) for message in found]}, indent=2))
        return
    print("\n".join(_line(message) for message in found) or NOTHING)


@outgoing_app.command("retry")
def retry_(which: Annotated[str, typer.Argument(metavar="ID|all")]) -> None:
    """Put back one that was given up, or all of them."""
    if which != "all" and not (which.isdecimal() and int(which) < 2**31):
        raise typer.BadParameter("write the number of a message, or all")
    with opened_store(Settings()) as engine, transaction(engine) as session:
        count = retry(session, None if which == "all" else int(which))
    print(f"{count} will be tried again")


def _as_json(message: Outgoing) -> dict[str, object]:
    return {
        "id": message.id,
        "kind": message.kind,
        "key": message.key,
        "status": "given_up" if message.given_up_at else "waiting",
        "created_at": iso(message.created_at),
        "attempts": message.attempts,
        "next_at": iso(message.next_at),
        "given_up_at": iso(message.given_up_at),
        "error": message.error,
    }


def _line(message: Outgoing) -> str:
    at = message.next_at or message.given_up_at
    status = "given up" if message.given_up_at else "waits until"
    tried = f"{message.attempts} tried" + (f": {message.error}" if message.error else "")
    return f"{message.id:>6}  {message.kind:9} {status} {at:%Y-%m-%d %H:%M} UTC  {tried}"
