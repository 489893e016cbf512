"""The first release's store in a database of either kind, at its own schema."""

import json
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, create_engine, select

from kb.db import upgrade_to

HERE = Path(__file__).resolve().parent
SCHEMA = "0001"
SAME = ("article", "version", "locale", "title", "text", "sha256")


@cache
def said() -> Any:
    """What the first release replied, of which receipts, and its digests."""
    return json.loads((HERE / "first_release.json").read_text("utf-8"))


def words(reply: Any) -> Any:
    """Of a reply or a receipt everything but how sure it was, and ids."""
    answer = reply["answer"]
    options = sorted(option["article"] for option in reply.get("options", ()))
    return reply["outcome"], answer and {name: answer[name] for name in SAME}, options


def agrees(before: Any, after: Any) -> bool:
    """The same reply, or a more cautious one that offers the article which was given before."""
    if words(before) == words(after):
        return True
    offered = [option["article"] for option in after["options"]]
    is_cautious = before["outcome"] == "answered" and after["outcome"] == "clarify"
    return is_cautious and before["answer"]["article"] in offered


def lay_out(path: Path) -> Path:
    """The SQLite file as that release left it."""
    with closing(sqlite3.connect(path)) as store:
        store.executescript((HERE / "first_release.sql").read_text("utf-8"))
    return path


def fill(target: Connection, path: Path) -> None:
    """The same rows in an empty database, in tables as the first release made them."""
    _empty(target)
    upgrade_to(target, SCHEMA)
    source = create_engine(f"sqlite:///{path}")
    tables = MetaData()
    tables.reflect(target)
    with source.connect() as first:
        for table in tables.sorted_tables:
            old = MetaData()
            old.reflect(first, only=[table.name])
            rows = [dict(row) for row in first.execute(select(old.tables[table.name])).mappings()]
            if rows and table.name != "alembic_version":
                target.execute(table.insert(), rows)
    source.dispose()
    _count_on(target, tables)


def _empty(target: Connection) -> None:
    found = MetaData()
    found.reflect(target)
    found.drop_all(target)


def _count_on(target: Connection, tables: MetaData) -> None:
    """The counters stand where that release would have left them."""
    for table in tables.sorted_tables:
        if "id" in table.columns and table.columns["id"].type.python_type is int:
            target.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                f'(SELECT coalesce(max(id), 1) FROM "{table.name}"))'
            )
