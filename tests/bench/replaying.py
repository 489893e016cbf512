"""What a publication would change, beside asking the recorded questions one by one."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

from sqlmodel import Session

from assistant.answering import consider
from assistant.impact import Recorded, replay
from kb.db import reading
from kb.settings import Settings
from retriever.general import general_questions
from retriever.index import Level
from tests.bench.report import Report
from tests.bench.server import ROOT, prepare
from web.services import Services, opened_services, start_index

# Every so manieth question is asked by itself; all of them would take as long as they take.
ALONE = 20


def run(report: Report, scratch: Path, _help_centre: Path | None) -> None:
    """One article withdrawn, then another: the first time and the second."""
    home = scratch / "sample"
    prepare(home, ROOT / "content")
    with opened_services(Settings(home=home, rate_limit="off")) as services:
        start_index(services)
        with reading(services.engine) as session:
            _measure(report, services, session)


def _measure(report: Report, services: Services, session: Session) -> None:
    index, locales, asked = services.index, services.settings.locales, recorded()
    level, _ = index.level(session)

    def impact_of(place: tuple[int, str], of: Level = level) -> None:
        replay(session, index, (of, index.imagine(of, withdraw=[place])), asked, locales)

    places = [(d.article_id, d.locale) for d in level.documents if d.locale == "en"]
    # Customers' questions were read when they were asked; these have to be read first.
    impact_of(places[0])
    level.told.clear()
    first, again = (_seconds(lambda place=place: impact_of(place)) for place in places[1:3])  # type: ignore[misc]
    alone = _seconds(
        lambda: [
            consider(session, index, one.text, locales, one.locale, one.audience)
            for one in asked[::ALONE]
        ]
    )
    floor = f"one by one {2 * alone * len(asked) / len(asked[::ALONE]):.0f} s"
    name = f"impact on {len(asked):,} distinct questions"
    report.add(name, f"{first:.1f} s", floor, "")
    report.add(f"{name}, of the next draft", f"{again:.1f} s", floor, "")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def recorded() -> list[Recorded]:
    """Every question that we have, asked once, in five languages."""
    found = {(text, code): 1 for code, texts in general_questions().items() for text in texts}
    for name in ("questions.csv", "tuning/questions.csv"):
        with (ROOT / "tests" / name).open() as file:
            found |= {(row["question"], row["locale"]): 1 for row in csv.DictReader(file)}
    return [Recorded(text, locale, "public", 1) for text, locale in found]
