"""The first release's folder, started with today's code: what is the same."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from kb.articles import Revision, answer_digest
from kb.db import open_engine
from kb.settings import Settings
from tests.prove.page import Page
from tests.upgrade.folder import agrees, fill, lay_out, said, words
from tests.web.conftest import Server, run

Stores = Iterable[tuple[str, dict[str, str]]]


def upgrade_trial(page: Page, folder: Path, stores: Stores) -> None:
    """Upgrade it by starting a server on it, in each kind of database, and ask again."""
    for name, setting in stores:
        home = folder / f"first-{name}"
        home.mkdir(parents=True)
        _first_release(home, setting)
        server = Server(home, **setting).wait()
        try:
            replies, receipts = _same_replies(server), _same_receipts(server)
        finally:
            server.close()
        _count(page, f"hashes as they were after an upgrade from 0001, in {name}",
               _same_hashes(home, setting), len(said()["revisions"]))  # fmt: skip
        _count(
            page,
            "… replies in the same words and versions, or the same article offered",
            replies,
            len(said()["replies"]),
        )
        _count(page, "… receipts that say what they said", receipts, len(said()["receipts"]))
        checked = run(home, "receipts", "check", **setting)
        page.add("… receipts sealed in one chain since", checked.stdout.split()[0], "",
                 checked.returncode == 0)  # fmt: skip


def _first_release(home: Path, setting: dict[str, str]) -> None:
    path = lay_out(home / "verbatim.db")
    if setting:
        engine = open_engine(_settings(home, setting).sql_url)
        with engine.begin() as connection:
            fill(connection, path)
        engine.dispose()


def _settings(home: Path, setting: dict[str, str]) -> Settings:
    return Settings(home=home, database_url=setting.get("VERBATIM_DATABASE_URL", ""))


def _same_replies(server: Server) -> int:
    return sum(
        agrees(asked["reply"], server.ask(asked["question"], locale=asked["locale"]))
        for asked in said()["replies"]
    )


def _same_receipts(server: Server) -> int:
    found = ((old, _receipt(server, old["id"])) for old in said()["receipts"])
    return sum(
        words(new) == words(old) and all(new[k] == old[k] for k in old if k != "answer")
        for old, new in found
    )


def _receipt(server: Server, id_: str) -> Any:
    return server.http.get(f"/api/v1/receipts/{id_}").json()


def _same_hashes(home: Path, setting: dict[str, str]) -> int:
    """Of revisions whose words, as they are in the store now, still have the old digests."""
    engine = open_engine(_settings(home, setting).sql_url)
    with Session(engine) as session:
        revisions = session.exec(select(Revision)).all()
        found = [
            [r.article.slug, r.locale, r.version, r.wording.sha256, answer_digest(r.answer)]
            for r in revisions
        ]
    engine.dispose()
    return sum(row in found for row in said()["revisions"])


def _count(page: Page, trial: str, same: int, of: int) -> None:
    page.add(trial, f"{same} of {of}", "", same == of)
