"""`verbatim evaluate`: a file of questions in, a report out, and bars to hold it against."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.comparison import compare, read_report
from assistant.evaluation import evaluate, shortfall
from assistant.question_file import Row, read_rows
from kb.db import now, reading
from kb.errors import VerbatimError
from kb.settings import Settings
from web.evaluation_report import render_report
from web.evaluation_text import format_report
from web.services import opened_services, start_index
from web.terminal import JsonOption, bar, each


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


def _evaluate(settings: Settings, rows: list[Row]) -> dict[str, Any]:
    with opened_services(settings) as services:
        start_index(services, bar)
        with reading(services.engine) as session:
            steps = each(rows, "asking", "question")
            return evaluate(session, services.index, steps, settings.locales)
