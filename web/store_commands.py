"""`verbatim backup`, `restore` and `rollback`: the store as a whole."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session

from kb.backup import back_up, restore
from kb.db import open_engine, reading, transaction
from kb.errors import VerbatimError
from kb.people import Person, Role, add_person, find_person
from kb.rollback import Step, moment_of, roll_back, steps_to
from kb.settings import Settings
from retriever.vectors import FolderLock
from web.services import make_home, opened_store
from web.terminal import each

# Who stands for whoever has the machine.
CONSOLE = "console@verbatim.invalid"
STEPS_SHOWN = 50


def backup_(file: Path) -> None:
    """Write the whole store into one file, while it serves."""
    if not file.resolve().parent.is_dir():
        raise VerbatimError(f"there is no folder {file.resolve().parent}")
    with opened_store(Settings()) as engine:
        manifest = back_up(engine, file, each)
    print(f"{_rows(manifest)} rows at epoch {manifest['epoch']} in {file}")


def restore_(file: Path) -> None:
    """Put a backup into an empty store, of SQLite or PostgreSQL, on this or another machine."""
    settings = Settings()
    make_home(settings.home)
    lock = FolderLock(settings.home)
    lock.acquire()
    engine = open_engine(settings.sql_url)
    try:
        manifest = restore(engine, file, each)
    finally:
        engine.dispose()
        lock.release()
    print(f"{_rows(manifest)} rows as of epoch {manifest['epoch']}, taken {manifest['taken_at']}")
    print("The next start makes the index anew.")


def _rows(manifest: dict[str, Any]) -> int:
    return sum(table["rows"] for table in manifest["tables"].values())


def rollback_(
    epoch: Annotated[int, typer.Argument(min=1, help="`verbatim status` says where it stands now")],
    dry_run: Annotated[bool, typer.Option(help="Only say what would change")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Make live what was live at an earlier epoch, everything at once."""
    with opened_store(Settings()) as engine:
        with reading(engine) as session:
            _show(steps_to(session, moment_of(session, epoch)))
        if dry_run or not (yes or typer.confirm("Roll back?")):
            return
        with transaction(engine) as session:
            steps = roll_back(session, epoch, _console(session))
    print(f"{len(steps)} places are live as they were at epoch {epoch}.")


def _show(steps: Iterable[Step]) -> None:
    lines = [
        f"{step.slug} ({step.locale}): {_version(step.now)} → {_version(step.then)}"
        for step in steps
    ]
    for line in lines[:STEPS_SHOWN]:
        print(line)
    if len(lines) > STEPS_SHOWN:
        print(f"… and {len(lines) - STEPS_SHOWN} more")


def _version(publication: Any) -> str:
    return f"version {publication.revision.version}" if publication else "not live"


def _console(session: Session) -> Person:
    return find_person(session, CONSOLE) or add_person(session, CONSOLE, Role.admin, "Console")
