"""The command line: `verbatim`."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from tqdm import tqdm

from assistant.comparison import compare, read_report
from assistant.evaluation import evaluate, shortfall
from assistant.explanations import Explanation
from assistant.explanations import explain as explain_receipt
from assistant.question_file import Row, read_rows
from assistant.receipts import get_receipt
from kb import history
from kb.content import ImportReport, SourceFile, export_folder, import_folder
from kb.db import now, reading, transaction
from kb.errors import InUse, VerbatimError
from kb.people import Role, add_key, add_person
from kb.publishing import live_publications
from kb.settings import Settings
from web.evaluation_report import render_report
from web.evaluation_text import format_report
from web.explanation_text import format_explanation
from web.services import Services, open_services, open_store, start_index
from web.serving import first_login, serve_alone, serve_many

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Approved answers, letter for letter."
)
user_app = typer.Typer(no_args_is_help=True, help="People on the staff.")
key_app = typer.Typer(no_args_is_help=True, help="Keys for the API.")
app.add_typer(user_app, name="user")
app.add_typer(key_app, name="key")

# Typer brings click along under names that change from release to release.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
SAMPLE = Path(__file__).resolve().parent.parent / "content"
# What an import shorter than this needs is no progress bar.
BAR_DELAY = 0.8
LocaleOption = Annotated[str | None, typer.Option(help="Language, such as en")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON")]


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
    with _engine(settings) as engine:
        login = first_login(engine)
        if sample:
            _report(_import(settings, engine, SAMPLE, None))
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
    with _engine(settings) as engine:
        report = _import(settings, engine, path, locale)
    _report(report)
    try:
        with _opened(settings) as services:
            services.index.bring_level(bar)
    except InUse:
        # A server owns the index; it follows history by itself.
        print("The running server is indexing the changes.")
    return 1 if report.count("refused") else 0


@app.command()
def export(path: Path) -> None:
    """Write the live wording of every article as Markdown files."""
    settings = Settings()
    with _engine(settings) as engine:
        count = export_folder(engine, path)
    print(f"{count} files in {path}")


@app.command()
def ask(
    question: str,
    locale: LocaleOption = None,
    channel: Annotated[str, typer.Option(help="help_site, widget, sidebar or api")] = "api",
    as_json: JsonOption = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say what spoke for it")] = False,
) -> None:
    """Ask a question."""
    settings = Settings()
    body = {"question": question, "locale": locale, "channel": channel}
    reply = _from_server(settings, "POST", "/api/v1/ask", body)
    if reply is None:
        reply = _ask_here(settings, question, locale, channel)
    why = _explanation(settings, reply["receipt"]["id"]) if explain else None
    if as_json:
        shown = reply | ({"explanation": asdict(why)} if why else {})
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    print(_spoken(reply))
    if why:
        print("\n" + format_explanation(why))


@app.command()
def search(query: str, locale: LocaleOption = None, as_json: JsonOption = False) -> None:
    """Articles that fit, best first."""
    settings = Settings()
    from urllib.parse import urlencode

    asked = {"q": query, **({"locale": locale} if locale else {})}
    found = _from_server(settings, "GET", f"/api/v1/search?{urlencode(asked)}", None)
    if found is None:
        found = _search_here(settings, query, locale)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for item in found["items"]:
        print(f"{item['score']:.2f}  {item['article']}  {item['title']}")
    if not found["items"]:
        print("Nothing fits.")


@app.command(name="evaluate")
def evaluate_(
    file: Path,
    as_json: JsonOption = False,
    compare_with: Annotated[
        Path | None, typer.Option("--compare", help="An earlier report, saved with --json")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page for editors here")] = None,
    max_wrong: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fail when more of the answers are wrong")
    ] = None,
    min_coverage: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fail when fewer questions are answered")
    ] = None,
) -> None:
    """Ask every question of a JSONL or CSV file and report how right the replies are."""
    settings = Settings()
    rows = read_rows(file)
    old = read_report(compare_with) if compare_with else None
    if html and not html.resolve().parent.is_dir():
        raise VerbatimError(f"there is no folder {html.resolve().parent}")
    report = _evaluate(settings, rows)
    if old:
        report["comparison"] = compare(old, report)
    if html:
        html.write_text(render_report(report, file.name, now()), "utf-8")
    print(json.dumps(report, ensure_ascii=False, indent=2) if as_json else format_report(report))
    missed = shortfall(report["all"], max_wrong, min_coverage)
    if missed:
        raise VerbatimError(missed)


@app.command()
def reindex() -> None:
    """Embed everything anew."""
    with _opened(Settings()) as services:
        services.index.rebuild(bar)
        print(f"The index is level with epoch {services.index.epoch}.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """What is in the store, and who serves it."""
    settings = Settings()
    with _engine(settings) as engine, reading(engine) as session:
        live = live_publications(session)
        owner = _owner(settings)
        found: dict[str, Any] = {
            "home": str(settings.home),
            "database": "PostgreSQL" if settings.database_url else "SQLite",
            "epoch": history.epoch(session),
            "articles": len({p.article_id for p in live}),
            "live": {code: sum(p.locale == code for p in live) for code in settings.locales},
            "model": settings.embedding_model,
            "server": owner.get("url") or None,
        }
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        shown = "  ".join(f"{k} {v}" for k, v in value.items()) if name == "live" else value
        print(f"{name:9} {shown if shown is not None else '–'}")


@user_app.command("add")
def user_add(
    email: str,
    role: Annotated[str, typer.Option(help=", ".join(Role))] = "contributor",
    name: str = "",
) -> None:
    """Add a person; prints the password that was made for them."""
    import secrets

    password = secrets.token_urlsafe(12)
    with _engine(Settings()) as engine, transaction(engine) as session:
        person = add_person(session, email, role, name, password)
    print(f"{person.email} ({role})  password: {password}  (shown once)")


@key_app.command("add")
def key_add(role: Annotated[str, typer.Option(help=", ".join(Role))]) -> None:
    """Make a key and print it, alone."""
    with _engine(Settings()) as engine, transaction(engine) as session:
        secret = add_key(session, role)
    print(secret)


# -- parts -------------------------------------------------------------------------


@contextmanager
def _engine(settings: Settings) -> Iterator[Any]:
    engine = open_store(settings)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _opened(settings: Settings) -> Iterator[Services]:
    services = open_services(settings)
    try:
        yield services
    finally:
        services.close()


def bar(steps: Iterable[int], label: str, total: int) -> Iterable[int]:
    """A progress bar with rate and time left, for what takes more than a moment."""
    steps = list(steps)
    size = steps[1] - steps[0] if len(steps) > 1 else total
    with tqdm(total=total, desc=label, unit="text", delay=BAR_DELAY, leave=False) as shown:
        for step in steps:
            yield step
            shown.update(min(size, total - step))


def _import(settings: Settings, engine: Any, path: Path, locale: str | None) -> ImportReport:
    def progress(files: Iterable[SourceFile]) -> Iterable[SourceFile]:
        return tqdm(files, desc="importing", unit="file", delay=BAR_DELAY, leave=False)  # type: ignore

    return import_folder(engine, path, settings.locales, locale, progress)


def _report(report: ImportReport) -> None:
    for file in report.files:
        where = f"{file.path}:{file.line}" if file.line else file.path
        if file.outcome == "refused":
            print(f"refused  {where}: {file.reason}", file=sys.stderr)
        for note in file.notes:
            print(f"note     {where}: {note}", file=sys.stderr)
    counts = (f"{report.count(o)} {o}" for o in ("created", "changed", "unchanged", "refused"))
    print(", ".join(counts))


def _owner(settings: Settings) -> dict[str, Any]:
    """What the server of this folder says of itself; empty once it is gone."""
    from retriever.vectors import FolderLock

    owner = FolderLock(settings.home).owner()
    return owner if _is_running(owner.get("pid")) else {}


def _is_running(pid: Any) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, TypeError, ValueError):
        return False
    return True


def _from_server(settings: Settings, method: str, path: str, body: Any) -> Any:
    """The reply of the server that owns this folder; None when there is none."""
    import httpx

    owner = _owner(settings)
    if not owner.get("url"):
        return None
    headers = {"X-Verbatim-Local": owner.get("token", "")}
    key = os.environ.get("VERBATIM_KEY")
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        response = httpx.request(
            method, owner["url"] + path, json=body, headers=headers, timeout=60, trust_env=False
        )
        found = response.json()
    except (httpx.HTTPError, ValueError):
        return None
    if response.status_code >= 400:
        raise VerbatimError(found.get("detail", f"the server answered {response.status_code}"))
    return found


def _ask_here(settings: Settings, question: str, locale: str | None, channel: str) -> Any:
    from assistant.answering import ask as ask_assistant
    from web.replies import reply_json

    with _opened(settings) as services:
        start_index(services, bar)
        with Session(services.engine, expire_on_commit=False) as session:
            reply = ask_assistant(
                session, services.index, question, settings.locales, locale, channel
            )
            session.commit()
            return reply_json(services, reply)


def _explanation(settings: Settings, receipt_id: str) -> Explanation:
    with _engine(settings) as engine, reading(engine) as session:
        return explain_receipt(get_receipt(session, receipt_id))


def _evaluate(settings: Settings, rows: list[Row]) -> dict[str, Any]:
    with _opened(settings) as services:
        start_index(services, bar)
        with reading(services.engine) as session:
            steps = tqdm(rows, desc="asking", unit="question", delay=BAR_DELAY, leave=False)
            return evaluate(session, services.index, steps, settings.locales)


def _search_here(settings: Settings, query: str, locale: str | None) -> Any:
    from web.api import search as search_api

    with _opened(settings) as services:
        start_index(services, bar)
        return search_api(services, query, locale, 10)


def _spoken(reply: dict[str, Any]) -> str:
    answer = reply["answer"]
    if answer:
        source = f"{answer['article']} · version {answer['version']} · {answer['locale']}"
        return f"{answer['text']}\n\n— {answer['title']} ({source})\n  {answer['url']}"
    if reply["options"]:
        options = [f"  {n}. {o['title']}" for n, o in enumerate(reply["options"], 1)]
        return "\n".join(["Which of these do you mean?", *options])
    near = [f"  {o['title']}  {o['url']}" for o in reply["related"]]
    return "\n".join(["We don't have an approved answer to that.", *near])
