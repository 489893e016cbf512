"""The command line: `verbatim`."""

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assistant.silence import silence_report
from kb import history
from kb.content import ImportReport, SourceFile, import_folder
from kb.db import reading, transaction
from kb.errors import InUse, VerbatimError
from kb.export import export_folder
from kb.people import Role, add_key
from kb.publishing import live_answers
from kb.settings import Settings
from retriever.bars import BarBook
from retriever.prepared import prime
from web.ask_command import ask, search
from web.audit_command import audit
from web.contradictions_command import contradictions
from web.evaluate_command import evaluate_
from web.outgoing_command import outgoing_app
from web.owner import follow_server, owner_of
from web.rebuilding import REBUILD
from web.receipts_command import receipts_app, verify
from web.services import opened_services, opened_store
from web.serving import first_login, serve_alone, serve_many
from web.silence_text import silence_lines
from web.store_commands import backup_, restore_, rollback_
from web.terminal import JsonOption, LocaleOption, bar, bars, each
from web.train_command import train_
from web.user_command import user_app

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Approved answers, letter for letter."
)
key_app = typer.Typer(no_args_is_help=True, help="Keys for the API.")
app.add_typer(user_app, name="user")
app.add_typer(key_app, name="key")
app.add_typer(outgoing_app, name="outgoing")
app.add_typer(receipts_app, name="receipts")

# Typer brings click along under names that change from release to release.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
SAMPLE = Path(__file__).resolve().parent.parent / "content"


def main() -> None:
    """Run a command: exit 0 done, 1 failed, 2 wrong usage; errors are one line."""
    try:
        result = app(standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except UsageError as error:
        _misused(error)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        _fail(f"VERBATIM_{name}: {first['msg']}", 2)
    except VerbatimError as error:
        _fail(str(error), 1)
    except SQLAlchemyError as error:
        _fail(f"the database failed: {getattr(error, 'orig', error)}", 1)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", 1)
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), 1)


def _misused(error: Any) -> None:
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        sys.exit(2)
    command = error.ctx.command_path if error.ctx else "verbatim"
    _fail(f"{error.format_message().rstrip('.')}. See `{command} --help`.", 2)


def _fail(message: str, code: int) -> None:
    print("verbatim: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


# -- commands ----------------------------------------------------------------------


@app.command()
def init(
    sample: Annotated[bool, typer.Option(help="Load the sample company, Quillhaven")] = False,
) -> None:
    """Make the store, and an admin the first time."""
    settings = Settings()
    with opened_store(settings) as engine:
        login = first_login(engine)
        if sample:
            _report(_import(settings, engine, SAMPLE, None))
            _prime(settings)
    if login:
        print(f"Admin login: {login[0]}  password: {login[1]}  (shown once)")
    print(f"The store is ready in {settings.home}.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Web processes")] = 1,
) -> None:
    """Serve the help site and the API."""
    settings = Settings()
    if workers == 1:
        serve_alone(settings, host, port, bar)
    else:
        serve_many(settings, host, port, workers, bar)


@app.command(name="import")
def import_(path: Path, locale: LocaleOption = None) -> int:
    """Import a folder of Markdown."""
    settings = Settings()
    with opened_store(settings) as engine:
        report = _import(settings, engine, path, locale)
    _report(report)
    try:
        with opened_services(settings) as services:
            services.index.bring_level(bar)
            # What the next start would otherwise wait for.
            services.index.rehearse(bar)
    except InUse:
        # A server owns the index; it follows history by itself.
        print("The running server is indexing the changes.")
    return 1 if report.count("refused") else 0


@app.command()
def export(path: Path) -> None:
    """Write the live wording of every article as Markdown files."""
    settings = Settings()
    with opened_store(settings) as engine:
        report = export_folder(engine, path)
    for name in report.removed:
        print(f"removed  {name}: no article's any more", file=sys.stderr)
    for name in report.kept:
        print(f"kept     {name}: no article's any more, but changed since", file=sys.stderr)
    removed = f", {len(report.removed)} removed" if report.removed else ""
    print(f"{report.files} files in {path}{removed}")


app.command()(ask)
app.command()(search)
app.command()(audit)
app.command()(contradictions)
app.command(name="evaluate")(evaluate_)
app.command(name="train")(train_)
app.command()(verify)
app.command(name="backup")(backup_)
app.command(name="restore")(restore_)
app.command(name="rollback")(rollback_)


@app.command()
def reindex() -> None:
    """Embed everything anew; a running server does it behind its answers."""
    settings = Settings()
    lines = follow_server(settings, REBUILD)
    if lines is None:
        with opened_services(settings) as services:
            epoch = services.index.rebuild(bar).epoch
    else:
        last = bars(lines) or {}
        if "epoch" not in last:
            raise VerbatimError(last.get("error", "the server went away before it was done"))
        epoch = last["epoch"]
    print(f"The index is level with epoch {epoch}.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """What is in the store, and who serves it."""
    settings = Settings()
    with opened_store(settings) as engine, reading(engine) as session:
        live = live_answers(session)
        owner = owner_of(settings)
        found: dict[str, Any] = {
            "home": str(settings.home),
            "database": "PostgreSQL" if settings.database_url else "SQLite",
            "epoch": history.epoch(session),
            "articles": len({p.article_id for p in live}),
            "live": {code: sum(p.locale == code for p in live) for code in settings.locales},
            "model": settings.embedding_model,
            "silence": silence_report(
                BarBook(settings.home / "bars.json", settings.max_wrong).latest(),
                settings.max_wrong,
                settings.locales,
            ),
            "server": owner.get("url") or None,
        }
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        shown = "  ".join(f"{k} {v}" for k, v in value.items()) if name == "live" else value
        if name == "silence":
            shown = ("\n" + " " * 10).join(silence_lines(value))
        print(f"{name:9} {shown if shown is not None else '–'}")


@key_app.command("add")
def key_add(role: Annotated[str, typer.Option(help=", ".join(Role))]) -> None:
    """Make a key and print it, alone."""
    with opened_store(Settings()) as engine, transaction(engine) as session:
        secret = add_key(session, role)
    print(secret)


# -- parts -------------------------------------------------------------------------


def _import(settings: Settings, engine: Engine, path: Path, locale: str | None) -> ImportReport:
    def progress(files: Iterable[SourceFile]) -> Iterable[SourceFile]:
        return each(files, "importing", "file")

    return import_folder(engine, path, settings.locales, locale, progress)


def _prime(settings: Settings) -> None:
    """The sample company's vectors, unless a server is at it already."""
    with suppress(InUse), opened_services(settings) as services:
        prime(services.index.vectors, services.index.encoders, SAMPLE)


def _report(report: ImportReport) -> None:
    for file in report.files:
        where = f"{file.path}:{file.line}" if file.line else file.path
        if file.outcome == "refused":
            print(f"refused  {where}: {file.reason}", file=sys.stderr)
        for note in file.notes:
            print(f"note     {where}: {note}", file=sys.stderr)
    counts = (f"{report.count(o)} {o}" for o in ("created", "changed", "unchanged", "refused"))
    print(", ".join(counts))
