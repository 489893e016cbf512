"""The whole store in one file, taken while it serves, and put back on an empty machine.

A zip: `manifest.json`, and a file a table with a row a line. It is the same for SQLite and
PostgreSQL, so either can be restored into the other, and it says which schema it was taken at, so
that a later release restores it and then upgrades. Vectors are left out, for they are made anew;
so are sessions and private keys.
"""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, Engine, MetaData, Table, func, inspect, select, text

from kb.db import lock_out_other_writers, migrate, now, schema_of, upgrade_to
from kb.errors import Conflict, Invalid
from kb.history import LAST_EVENT

FORMAT = "verbatim-backup/1"
MANIFEST = "manifest.json"
# What serves for a while only, and what nobody should carry away.
LEFT_OUT = frozenset({"alembic_version", "staffsession", "signinfailure"})
BATCH = 500
# An article has at most a few hundred thousand letters, a picture some megabytes.
LARGEST_LINE = 64_000_000
Progress = Callable[[Iterable[str], str, str], Iterable[str]]
Json = dict[str, Any]


def quietly(items: Iterable[str], _label: str, _unit: str) -> Iterable[str]:
    """No progress bar."""
    return items


# -- out ---------------------------------------------------------------------------


def back_up(engine: Engine, path: Path, progress: Progress = quietly) -> Json:
    """Write everything into a file that appears whole or not at all; its manifest.

    One moment of the store is read, whoever writes meanwhile. Raises OSError.
    """
    beside = path.with_name(f"{path.name}.part")
    try:
        with engine.connect() as connection:
            _one_moment(connection)
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
                manifest = _write_all(connection, archive, progress)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def _one_moment(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _write_all(connection: Connection, archive: zipfile.ZipFile, progress: Progress) -> Json:
    tables = _tables(connection)
    manifest: Json = {
        "format": FORMAT,
        "schema": schema_of(connection),
        "taken_at": now().isoformat(),
        "epoch": connection.execute(LAST_EVENT).scalar_one() or 0,
        "tables": {},
    }
    for name in progress(list(tables), "saving", "table"):
        manifest["tables"][name] = _write(connection, archive, tables[name])
    archive.writestr(MANIFEST, json.dumps(manifest, indent=2))
    return manifest


def _tables(connection: Connection) -> dict[str, Table]:
    """Every table that is kept, those that others refer to first."""
    found = MetaData()
    found.reflect(connection)
    for column in (c for table in found.tables.values() for c in table.columns):
        if isinstance(column.type, JSON):
            # Nothing at all, where that is allowed, rather than the JSON word null.
            column.type = JSON(none_as_null=bool(column.nullable))
    return {t.name: t for t in found.sorted_tables if t.name not in LEFT_OUT}


def _write(connection: Connection, archive: zipfile.ZipFile, table: Table) -> Json:
    digest, rows = hashlib.sha256(), 0
    keys = list(table.primary_key.columns)
    result = connection.execution_options(yield_per=BATCH).execute(select(table).order_by(*keys))
    with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
        for row in result.mappings():
            line = json.dumps({k: _packed(v) for k, v in row.items()}, ensure_ascii=True) + "\n"
            digest.update(line.encode())
            file.write(line.encode())
            rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _packed(value: Any) -> Any:
    """A value as JSON has it; times are UTC in every database."""
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return {"$time": aware.isoformat()}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    if isinstance(value, bytes | memoryview):
        return {"$bytes": base64.b64encode(bytes(value)).decode()}
    return {"$json": value} if isinstance(value, dict | list) else value


# -- in ----------------------------------------------------------------------------


def restore(engine: Engine, path: Path, progress: Progress = quietly) -> Json:
    """Put a backup into an empty store, and bring it to this release; its manifest.

    In one transaction: a store is restored whole or stays empty. Raises Invalid for a file that is
    no backup or is damaged, Conflict for a store that is not empty.
    """
    with _opened(path) as archive:
        manifest = _checked(archive)
        with engine.begin() as connection:
            _prepare(connection, str(manifest["schema"]))
            tables = _tables(connection)
            unknown = sorted(set(manifest["tables"]) - set(tables))
            if unknown:
                raise Invalid(f"the backup has tables that no release knows: {', '.join(unknown)}")
            # A migration may have written rows of its own.
            for table in reversed(tables.values()):
                connection.execute(table.delete())
            named = [name for name in tables if name in manifest["tables"]]
            for name in progress(named, "restoring", "table"):
                _fill(connection, archive, tables[name])
            _count_on(connection, [tables[name] for name in named])
            _check_references(connection)
    migrate(engine)
    return manifest


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise Invalid(f"{path} is no backup, or was cut off") from error


def _checked(archive: zipfile.ZipFile) -> Json:
    """The manifest, once every table is what it says. Raises Invalid."""
    try:
        manifest = json.loads(archive.read(MANIFEST))
        if manifest["format"] != FORMAT:
            raise Invalid(f"this release reads {FORMAT}, not {manifest['format']!r}")
        for name, said in manifest["tables"].items():
            digest, rows = hashlib.sha256(), 0
            for line in _lines(archive, name):
                digest.update(line)
                rows += 1
            if (rows, digest.hexdigest()) != (said["rows"], said["sha256"]):
                raise Invalid(f"the backup is damaged: {name} is not what its manifest says")
    except (KeyError, TypeError, AttributeError, ValueError, zipfile.BadZipFile) as error:
        raise Invalid("the backup is damaged: it cannot be read to its end") from error
    return dict(manifest)


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(f"{name}.jsonl") as file:
        buffered = io.BufferedReader(file)  # type: ignore[type-var]
        while line := buffered.readline(LARGEST_LINE):
            yield line


def _prepare(connection: Connection, schema: str) -> None:
    """Nothing but empty tables, as they were at that schema."""
    lock_out_other_writers(connection)
    _refuse_full(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    found = MetaData()
    found.reflect(connection)
    found.drop_all(connection)
    upgrade_to(connection, schema)


def _refuse_full(connection: Connection) -> None:
    if inspect(connection).has_table("article"):
        count = connection.execute(text("SELECT count(*) FROM article")).scalar_one()
        if count:
            raise Conflict(
                f"this store has {count} articles; set VERBATIM_HOME, or VERBATIM_DATABASE_URL, "
                "to an empty one"
            )


def _fill(connection: Connection, archive: zipfile.ZipFile, table: Table) -> None:
    keeps_zones = connection.dialect.name != "sqlite"
    batch: list[Json] = []
    for line in _lines(archive, table.name):
        row = json.loads(line)
        batch.append({k: _unpacked(v, keeps_zones) for k, v in row.items()})
        if len(batch) == BATCH:
            connection.execute(table.insert(), batch)
            batch = []
    if batch:
        connection.execute(table.insert(), batch)


def _unpacked(value: Any, keeps_zones: bool) -> Any:
    if not isinstance(value, dict):
        return value
    [(kind, inner)] = value.items()
    if kind == "$time":
        at = datetime.fromisoformat(inner)
        return at if keeps_zones else at.replace(tzinfo=None)
    if kind == "$day":
        return date.fromisoformat(inner)
    return base64.b64decode(inner) if kind == "$bytes" else inner


def _count_on(connection: Connection, tables: list[Table]) -> None:
    """PostgreSQL's counters go on after the last id."""
    if connection.dialect.name == "sqlite":
        return
    for table in tables:
        for column in table.primary_key.columns:
            query = text("SELECT pg_get_serial_sequence(:name, :key)")
            found = connection.execute(query, {"name": f'"{table.name}"', "key": column.name})
            sequence = found.scalar()
            if sequence:
                last = connection.execute(select(func.max(column))).scalar() or 0
                connection.execute(
                    text("SELECT setval(:sequence, :last, :used)"),
                    {"sequence": sequence, "last": max(last, 1), "used": last > 0},
                )


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if lost:
        raise Invalid(f"the backup is damaged: a row of {lost[0]} refers to nothing")
