"""Killed at random moments, under load: no wrong version, no lost approval, no lost answer.

Each trial does one thing (import, publish, rebuild, roll back) while customers ask, and kills the
process that does it with SIGKILL at a random moment between its beginning and its end, which are
measured first. A kill that came after the end is no trial, and another moment is tried. What was
said meanwhile, and what is said afterwards, is held against the store: the version must have been
live at a moment between the question and its answer, and an article that was live all the time
must have answered. Live is what is committed, as another reader of the store sees it.
"""

import itertools
import random
import signal
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from kb.errors import VerbatimError
from kb.settings import Settings
from tests.prove.sightings import Sightings
from tests.web.conftest import CONTENT, Server, environment, run, write_content
from tests.web.nursery import nursery
from web.owner import follow_server
from web.rebuilding import REBUILD

# Word for word, so that each has one right answer whatever the version says.
PROBES = {
    "lost my login": "reset-password",
    "postage price": "delivery-costs",
    "is delivery free": "delivery-costs",
    "I forgot my password": "reset-password",
}
ASKERS, PAUSE = 3, 0.1
# More articles than one transaction could hide: an import that is killed has many to lose.
SHELF = {
    f"en/shelf/shelf-{n}.md": (
        f"title: Shelf {n}\n"
        f"answer: Shelf {n} carries {{}} kg.\n"
        f"phrasings: [what does shelf {n} carry, load of shelf {n}, shelf {n} weight]"
    )
    for n in range(20)
}
KINDS = ("import", "publish", "rebuild", "rollback")
VERDICTS = 4
# After a kill that came too late, the next is looked for a little earlier.
EARLIER = 0.8
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """A reply, and between which moments it was given."""

    question: str
    sent: datetime
    received: datetime
    version: int | None


@dataclass(frozen=True)
class Period:
    """A version was live: at most from `begins` to `gone`, at least from `seen` to `ends`."""

    version: int
    begins: datetime
    seen: datetime
    ends: datetime
    gone: datetime


@dataclass
class Trials:
    """What came of it; every list should be empty.

    `done` counts kills in the middle of it, `under_way` the replies given during these.
    """

    done: Counter[str] = field(default_factory=Counter)
    too_late: int = 0
    replies: int = 0
    under_way: Counter[str] = field(default_factory=Counter)
    wrong_versions: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that should not have happened."""
        return [*self.wrong_versions, *self.unanswered, *self.lost, *self.damaged]


def crash(
    folder: Path,
    count: int,
    seed: int,
    tell: Callable[[str], None] = print,
    company: Path | None = None,
) -> Trials:
    """That many trials in an empty folder, always with the same random moments for a seed.

    In a store of the articles here alone, or beside those of a folder (`company`).
    """
    world = World(folder, random.Random(seed), company)
    try:
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            world.try_once(kind, number)
            tell(f"crash {number + 1}/{count}: {kind}, {len(world.trials.faults)} faults")
        world.finish()
    finally:
        world.close()
    return world.trials


class World:
    """A store, its server, customers who ask without pause, and what was acknowledged."""

    def __init__(self, folder: Path, chance: random.Random, company: Path | None = None) -> None:
        self.home, self.content, self.chance = folder / "home", folder / "content", chance
        self.trials, self.said = Trials(), list[Said]()
        self.acknowledged: list[tuple[str, int]] = []
        self.spans: dict[str, float] = {}
        self._began = 0.0
        # No text is written twice.
        self._numbers = itertools.count(100)
        self._does: dict[str, Callable[[float | None], bool]] = {
            "import": self._import,
            "publish": self._publish,
            "rebuild": self._rebuild,
            "rollback": self._roll_back,
        }
        if company:
            run(self.home, "import", str(company))
        run(self.home, "import", str(write_content(self.content, CONTENT)))
        self.keys = [
            run(self.home, "key", "add", "--role", "publisher").stdout.strip() for _ in range(2)
        ]
        self.epoch = self._epoch()
        self.sightings = Sightings(self.home / "verbatim.db")
        self._stop = threading.Event()
        self.server = Server(self.home).wait()
        self.askers = [threading.Thread(target=self._ask, args=(n,)) for n in range(ASKERS)]
        for asker in self.askers:
            asker.start()

    def try_once(self, kind: str, number: int) -> None:
        """One thing, one kill in the middle of it, and a look at what is left."""
        is_hit = False
        while not is_hit:
            after, before = self.chance.uniform(0.0, self._span(kind)), len(self.said)
            is_hit = self._does[kind](after)
            if is_hit:
                self.trials.done[kind] += 1
                self.trials.under_way[kind] += len(self.said) - before
            else:
                self.trials.too_late += 1
                self.spans[kind] *= EARLIER
            self._look(f"{kind} no. {number + 1}, killed after {after:.2f} s")

    def _span(self, kind: str) -> float:
        """How long it takes when nobody kills it, with customers asking as ever."""
        if kind not in self.spans:
            self._does[kind](None)
            self.spans[kind] = time.monotonic() - self._began
        return self.spans[kind]

    def finish(self) -> None:
        """Hold everything that was said against the store."""
        self._stop.set()
        for asker in self.askers:
            asker.join(timeout=60)
        self.server.stop()
        self.sightings.stop()
        self._judge()
        checked = run(self.home, "receipts", "check")
        if checked.returncode:
            self.trials.damaged.append(f"receipts: {checked.stdout.strip()}")

    def close(self) -> None:
        """Leave nothing running."""
        self._stop.set()
        self.sightings.stop()
        self.server.close()

    # -- what is done, and killed ---------------------------------------------------

    def _import(self, after: float | None) -> bool:
        number = next(self._numbers)
        costs = CONTENT["en/delivery/delivery-costs.md"].replace("€3.95", f"€{number}.95")
        shelf = {name: matter.format(number) for name, matter in SHELF.items()}
        write_content(self.content, {"en/delivery/delivery-costs.md": costs, **shelf})
        return self._kill_command(after, "import", str(self.content))

    def _roll_back(self, after: float | None) -> bool:
        # So that there is much to roll back.
        self._import(None)
        return self._kill_command(after, "rollback", str(self.epoch), "--yes")

    def _kill_command(self, after: float | None, *arguments: str) -> bool:
        """Whether it was killed before it had ended."""
        self._began, log = time.monotonic(), self.home.parent / "command.log"
        command = nursery().start(arguments, environment(self.home), log)
        if after is not None:
            time.sleep(after)
            command.send_signal(signal.SIGKILL)
        return command.wait(timeout=120) == -signal.SIGKILL

    def _publish(self, after: float | None) -> bool:
        """Whether the server was killed before the editor was told that all is done."""
        known = len(self.acknowledged)
        editor = threading.Thread(target=self._edit, args=(next(self._numbers),))
        self._began = time.monotonic()
        editor.start()
        if after is None:
            editor.join(timeout=60)
            return False
        time.sleep(after)
        told = len(self.acknowledged) - known
        self._kill_server()
        editor.join(timeout=60)
        self.server = Server(self.home).wait()
        return told < VERDICTS

    def _edit(self, number: int) -> None:
        """Draft, submit, approve, publish; what was answered is remembered."""
        writer, approver = ({"Authorization": f"Bearer {key}"} for key in self.keys)
        place = "/api/v1/articles/reset-password"
        body = {
            "title": "Reset your password",
            "answer": f"The link we send works for {number} minutes.",
            "phrasings": ["I forgot my password", "can't log in any more", "lost my login"],
            "category": "account",
        }
        try:
            with httpx.Client(base_url=self.server.url, timeout=30, trust_env=False) as http:
                made = http.post(f"{place}/revisions", json=body, headers=writer).json()
                version = int(made["version"])
                self.acknowledged.append(("drafted", version))
                for path, name in (("review", "submitted"), ("approval", "approved")):
                    who = writer if path == "review" else approver
                    http.post(f"{place}/revisions/{version}/{path}", headers=who).raise_for_status()
                    self.acknowledged.append((name, version))
                reply = http.post(
                    f"{place}/publication", json={"version": version}, headers=approver
                )
                reply.raise_for_status()
                self.acknowledged.append(("published", version))
        except (httpx.HTTPError, KeyError, ValueError):
            return

    def _rebuild(self, after: float | None) -> bool:
        """Whether the server was killed before it had made its vectors anew."""
        last: list[Any] = []
        waiting = threading.Thread(target=self._follow_rebuild, args=(last,))
        self._began = time.monotonic()
        waiting.start()
        if after is None:
            waiting.join(timeout=600)
            return False
        time.sleep(after)
        is_hit = not any("epoch" in line for line in last)
        self._kill_server()
        waiting.join(timeout=60)
        self.server = Server(self.home).wait()
        return is_hit

    def _follow_rebuild(self, last: list[Any]) -> None:
        """As `verbatim reindex` does."""
        lines = follow_server(Settings(home=self.home), REBUILD)
        assert lines is not None
        with suppress(VerbatimError):
            last += deque(lines, maxlen=1)

    def _kill_server(self) -> None:
        self.server.stop(signal.SIGKILL)
        self.server.http.close()

    # -- who asks meanwhile ---------------------------------------------------------

    def _ask(self, number: int) -> None:
        questions = list(PROBES)
        turn = number
        with httpx.Client(timeout=30, trust_env=False) as http:
            while not self._stop.is_set():
                self._ask_one(http, questions[turn % len(questions)])
                turn += 1
                time.sleep(PAUSE)

    def _ask_one(self, http: httpx.Client, question: str) -> None:
        sent = datetime.now(UTC)
        try:
            body = {"question": question, "locale": "en"}
            reply = http.post(f"{self.server.url}/api/v1/ask", json=body)
            answer = reply.json()["answer"] if reply.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            # The server is down, which nobody is promised it never is.
            time.sleep(0.05)
            return
        if reply.status_code != 200:
            self.trials.damaged.append(f"{question!r}: status {reply.status_code}")
            return
        version = answer["version"] if answer else None
        self.said.append(Said(question, sent, datetime.now(UTC), version))

    # -- what is left ---------------------------------------------------------------

    def _look(self, when: str) -> None:
        with closing(sqlite3.connect(self.home / "verbatim.db")) as store:
            state = store.execute("PRAGMA quick_check").fetchone()[0]
            if state != "ok":
                self.trials.damaged.append(f"{when}: the database says {state}")
            for verdict, version in self.acknowledged:
                if not self._is_kept(store, verdict, version):
                    self.trials.lost.append(f"{when}: version {version} was {verdict}")
        for question in PROBES:
            if self.server.ask(question, locale="en")["outcome"] != "answered":
                self.trials.unanswered.append(f"{when}: {question!r}")

    def _is_kept(self, store: sqlite3.Connection, verdict: str, version: int) -> bool:
        query = (
            "SELECT count(*) FROM event JOIN article ON article.id = event.article_id "
            "WHERE slug = 'reset-password' AND locale = 'en' AND kind = ? AND version = ?"
        )
        return bool(store.execute(query, (verdict, version)).fetchone()[0])

    def _judge(self) -> None:
        periods = self._periods()
        self.trials.replies = len(self.said)
        for said in self.said:
            mine = periods[PROBES[said.question]]
            around = [p.version for p in mine if p.begins <= said.received and p.gone >= said.sent]
            if said.version is None:
                if any(p.seen <= said.sent and p.ends >= said.received for p in mine):
                    self.trials.unanswered.append(f"{said.question!r} at {said.sent}")
            elif said.version not in around:
                self.trials.wrong_versions.append(
                    f"{said.question!r} at {said.sent}: version {said.version}, not {around}"
                )

    def _periods(self) -> dict[str, list[Period]]:
        """By article, each time that a version was live."""
        query = (
            "SELECT publication.id, slug, starts_at, ended_at, version FROM publication "
            "JOIN article ON article.id = publication.article_id "
            "JOIN revision ON revision.id = publication.revision_id "
            "WHERE publication.locale = 'en' ORDER BY slug, starts_at, publication.id"
        )
        with closing(sqlite3.connect(self.home / "verbatim.db")) as store:
            rows = store.execute(query).fetchall()
        found: dict[str, list[Period]] = {}
        for place, (id_, slug, start, ended, version) in enumerate(rows):
            after = rows[place + 1] if place + 1 < len(rows) else None
            ends = [(_instant(ended), self.sightings.ended[id_])] if ended else []
            if after and after[1] == slug:
                ends.append((_instant(after[2]), self.sightings.came[after[0]]))
            end, gone = min(ends, default=(FOREVER, FOREVER))
            seen = self.sightings.came[id_]
            found.setdefault(slug, []).append(Period(version, _instant(start), seen, end, gone))
        return found

    def _epoch(self) -> int:
        status: Any = run(self.home, "status").stdout
        return int(status.split("epoch")[1].split()[0])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
