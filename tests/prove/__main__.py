"""`make prove`: one page of figures, each from a trial made just now.

    python -m tests.prove [--crashes 50] [--audit 500] [--seed 1] [--home FOLDER]

The sample company is evaluated with tests/questions.csv, audited on all channels over HTTP, its
receipts are checked and tampered with, it is saved and restored (into PostgreSQL too, where there
is one) and asked again, facts are changed in one article alone, the first release's folder is
upgraded, and the company in English is killed at random moments under load.
"""

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from assistant.question_file import read_rows
from tests.conftest import NO_POSTGRES, POSTGRES
from tests.prove.contradicting import contradiction_trial
from tests.prove.crashes import crash
from tests.prove.page import Page
from tests.prove.recalls import recall_trial
from tests.prove.upgrades import upgrade_trial
from tests.web.conftest import VERBATIM, Server, environment
from tests.web.conftest import run as finished

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ROOT / "tests" / "questions.csv"
Run = Callable[..., Any]
# Every tenth of the questions, asked again wherever the store is restored.
TENTH = 10


def main() -> None:
    """Every trial, then the page; exit 1 when something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crashes", type=int, default=50)
    parser.add_argument("--audit", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="a home with the sample company, to save time")
    arguments = parser.parse_args()
    page = Page(tell)
    with TemporaryDirectory(prefix="prove-") as scratch:
        folder = Path(scratch)
        home = _sample(folder, arguments.home)
        _evaluate(page, home)
        _audit(page, home, arguments.audit)
        _receipts(page, home, folder)
        _restore(page, home, folder)
        tell("facts changed in one article alone")
        contradiction_trial(page, home, folder)
        tell("the first release's folder")
        upgrade_trial(page, folder, _empty_stores())
        tell("a correction")
        recall_trial(page, home, folder / "recall")
        _crash(page, folder / "crashes", arguments.crashes, arguments.seed)
    print("\n" + page.text())
    sys.exit(0 if page.holds else 1)


def tell(line: str) -> None:
    """What is being done, for those who wait."""
    print(line, file=sys.stderr, flush=True)


def run(home: Path, *arguments: str, **more: str) -> Any:
    """A command, with its output told where it failed."""
    done = finished(home, *arguments, **more)
    if done.returncode > 1:
        raise SystemExit(f"verbatim {' '.join(arguments)}: {done.stderr}")
    return done


def _sample(folder: Path, made: Path | None) -> Path:
    home = folder / "home"
    if made:
        shutil.copytree(made, home)
    else:
        tell("the sample company is read into vectors, which takes minutes")
        _long(home, "init", "--sample")
    return home


def _long(home: Path, *arguments: str) -> None:
    """A command that may take its time, with its own progress bars."""
    subprocess.run([str(VERBATIM), *arguments], env=environment(home), check=True)


def _evaluate(page: Page, home: Path) -> None:
    tell("evaluating 500 questions")
    found = json.loads(_output(home, "evaluate", str(QUESTIONS), "--json"))
    promised = found["silence"]["max_wrong"]
    for locale, figures in found["locales"].items():
        low, high = figures["wrong_rate_interval"] or (None, None)
        page.add(
            f"questions in {locale} answered wrongly, of all {figures['questions']}",
            f"{figures['wrong_of_all']:.1%}",
            f"promised {promised:.0%}; of answers {low:.1%}–{high:.1%}",
            figures["wrong_of_all"] <= promised,
        )
    everything = found["all"]
    page.add("… answered at once, of the answerable", f"{everything['answered']:.0%}")
    page.add("… right article found first", f"{everything['accuracy']:.0%}")


def _output(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(VERBATIM), *arguments],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout


def _audit(page: Page, home: Path, limit: int) -> None:
    tell(f"{limit} questions on every channel")
    found = json.loads(_output(home, "audit", "--limit", str(limit), "--json"))
    page.add(
        f"differences between channels in {found['checks']} comparisons",
        str(found["mismatches"]),
        f"{found['questions']} questions over HTTP and in rendered pages",
        found["mismatches"] == 0,
    )


def _receipts(page: Page, home: Path, folder: Path) -> None:
    tell("receipts")
    checked = run(home, "receipts", "check")
    page.add("receipts in one signed chain", checked.stdout.split()[0], "checked in the store",
             checked.returncode == 0)  # fmt: skip
    run(home, "receipts", "export", str(folder / "receipts.jsonl"))
    verified = run(home, "verify", str(folder / "receipts.jsonl"))
    page.add("… checked offline, from an export", verified.stdout.split(": ")[1].strip(), "",
             verified.returncode == 0)  # fmt: skip
    noticed = sum(_is_noticed(home, folder, change) for change in TAMPERING)
    page.add(
        "tampering that was noticed",
        f"{noticed} of {len(TAMPERING)}",
        "altered, removed, slipped in, truncated",
        noticed == len(TAMPERING),
    )


TAMPERING = (
    "UPDATE receipt SET answer_sha256 = 'x' WHERE id = (SELECT receipt_id FROM seal WHERE seq = 2)",
    "DELETE FROM receipt WHERE id = (SELECT receipt_id FROM seal WHERE seq = 3)",
    "UPDATE seal SET statement = replace(statement, '\"version\":1', '\"version\":2') "
    "WHERE seq = (SELECT min(seq) FROM seal WHERE statement LIKE '%\"version\":1%')",
    "DELETE FROM seal WHERE seq = 4",
    "UPDATE seal SET signature = (SELECT signature FROM seal WHERE seq = 6) WHERE seq = 5",
)


def _is_noticed(home: Path, folder: Path, change: str) -> bool:
    forged = folder / "forged"
    shutil.rmtree(forged, ignore_errors=True)
    forged.mkdir()
    for name in ("verbatim.db", "receipts.key"):
        shutil.copy(home / name, forged / name)
    with closing(sqlite3.connect(forged / "verbatim.db")) as store:
        store.execute(change)
        store.commit()
    return bool(run(forged, "receipts", "check").returncode == 1)


def _restore(page: Page, home: Path, folder: Path) -> None:
    tell("backup and restore")
    run(home, "backup", str(folder / "store.zip"))
    run(home, "export", str(folder / "first"))
    before = _replies(home)
    for name, setting in _empty_stores():
        there = folder / f"restored-{name}"
        run(there, "restore", str(folder / "store.zip"), **setting)
        run(there, "export", str(folder / name), **setting)
        page.add(
            f"files that differ after a restore into {name}",
            str(_different(folder / "first", folder / name)),
            f"of {sum(1 for _ in (folder / 'first').rglob('*.md'))}",
            _different(folder / "first", folder / name) == 0,
        )
        # Vectors are made anew from the words; here they are copied, to save the minutes.
        for part in ("chroma", "tokens.db", "bars.json", "model"):
            _copy(home / part, there / part)
        after = _replies(there, **setting)
        same = sum(a == b for a, b in zip(before, after, strict=True))
        page.add(f"replies that are the same there, in {name}", f"{same} of {len(before)}", "",
                 same == len(before))  # fmt: skip
        checked = run(there, "receipts", "check", **setting)
        page.add(f"receipts that hold there, in {name}", checked.stdout.split()[0], "",
                 checked.returncode == 0)  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy(source, target)


def _empty_stores() -> Iterator[tuple[str, dict[str, str]]]:
    yield "SQLite", {}
    if NO_POSTGRES is None:
        with _database() as url:
            yield "PostgreSQL", {"VERBATIM_DATABASE_URL": url}


@contextmanager
def _database() -> Iterator[str]:
    name = "verbatim_prove"
    server = POSTGRES.rsplit("/", 1)[0]
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}".replace("postgresql://", "postgresql+psycopg://")
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _replies(home: Path, **setting: str) -> list[object]:
    server = Server(home, **setting).wait()
    try:
        found = [
            server.ask(row.question, locale=row.locale) for row in read_rows(QUESTIONS)[::TENTH]
        ]
    finally:
        server.close()
    return [
        (r["outcome"], r["confidence"], r["answer"] and r["answer"]["sha256"], r["options"])
        for r in found
    ]


def _different(first: Path, second: Path) -> int:
    names = {p.relative_to(first) for p in first.rglob("*.md")}
    names |= {p.relative_to(second) for p in second.rglob("*.md")}
    return sum(_bytes(first / name) != _bytes(second / name) for name in names)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _crash(page: Page, folder: Path, count: int, seed: int) -> None:
    tell(f"{count} kills at random moments; about {count * 25 // 60 + 3} minutes")
    # One language: a rebuild of all five takes six minutes, and a dozen of them an hour.
    company = folder / "company"
    shutil.copytree(ROOT / "content" / "en", company / "en")
    trials = crash(folder, count, seed, tell, company)
    kinds = ", ".join(f"{n} {kind}" for kind, n in trials.done.items())
    page.add("kills with SIGKILL in the middle of work", str(sum(trials.done.values())), kinds,
             sum(trials.done.values()) == count)  # fmt: skip
    load = ", ".join(f"{n} during {kind}" for kind, n in trials.under_way.items())
    page.add("… replies to three customers who ask all the time", str(trials.replies), load)
    asked = f"of {trials.replies} replies, against what was live then"
    for name, faults in (
        ("… wrong versions served", trials.wrong_versions),
        ("… answerable questions unanswered", trials.unanswered),
        ("… approvals lost", trials.lost),
        ("… damage to database or receipts", trials.damaged),
    ):
        page.add(name, str(len(faults)), asked if "versions" in name else "", not faults)
        for fault in faults[:5]:
            tell(f"  {fault}")


if __name__ == "__main__":
    main()
