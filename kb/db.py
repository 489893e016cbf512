"""The database: one engine, sessions that commit or roll back, migrations."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, DateTime, Dialect, Engine, String, event, inspect, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Mapper, object_session
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, create_engine

from kb.errors import VerbatimError

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# The last of them, known without reading them; a test compares the two.
SCHEMA = "0016"
# Any number will do, as long as every process uses the same one.
HISTORY_LOCK = 7_265_771
# Seconds that SQLite waits for another process to let go.
SQLITE_PATIENCE = 30.0

Model = TypeVar("Model", bound=type[Any])


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; SQLite, which knows no zones, stores it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Lines(TypeDecorator[list[str]]):
    """A few short texts in one column, each between line ends, so that LIKE finds a whole one."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str:
        return "".join(f"\n{line}" for line in value) + "\n" if value else ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[str]:
        return (value or "").split("\n")[1:-1]


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def open_engine(url: str) -> Engine:
    """An engine for the URL; SQLite is set to WAL and takes its write lock at once."""
    try:
        return _sqlite(url) if url.startswith("sqlite") else _server(url)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise VerbatimError(
            "VERBATIM_DATABASE_URL is not an address this release can open; "
            "write postgresql+psycopg://user@host/database"
        ) from error


def _server(url: str) -> Engine:
    return create_engine(url, pool_size=10, max_overflow=30, pool_pre_ping=True)


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": SQLITE_PATIENCE, "check_same_thread": False}
    )
    event.listen(engine, "connect", _tune_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: Any) -> None:
    write_ahead(connection)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def write_ahead(sqlite: sqlite3.Connection) -> None:
    """Switch to WAL, which unlike other statements does not wait for other processes by itself.

    Raises sqlite3.OperationalError when they hold the file for longer than anybody should.
    """
    deadline = time.monotonic() + SQLITE_PATIENCE
    while True:
        try:
            sqlite.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def written_once(model: Model) -> Model:
    """Class decorator: what is stored is never changed and never deleted."""
    event.listen(model, "before_update", _refuse_change)
    event.listen(model, "before_delete", _refuse_delete)
    return model


def _refuse_change(_mapper: Mapper[Any], _connection: Connection, row: Any) -> None:
    session = object_session(row)
    if session and session.is_modified(row, include_collections=False):
        raise RuntimeError(f"{type(row).__name__} {row.id} is written once and never changed")


def _refuse_delete(_mapper: Mapper[Any], _connection: Connection, row: Any) -> None:
    raise RuntimeError(f"{type(row).__name__} {row.id} is written once and never deleted")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One unit of work: committed at the end, or nothing happened."""
    with Session(engine, expire_on_commit=False) as session:
        take_write_lock(session)
        yield session
        session.commit()


def take_write_lock(session: Session) -> None:
    """Writers one after the other, so that Event ids are committed in order."""
    lock_out_other_writers(session.connection())


def lock_out_other_writers(connection: Connection) -> None:
    """Hold the lock that every writer takes first, until the transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": HISTORY_LOCK})


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads; what it loaded stays usable afterwards."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


def migrate(engine: Engine) -> None:
    """Bring the schema to this release; every process may call it at start."""
    try:
        with engine.begin() as connection:
            if schema_of(connection) != SCHEMA:
                lock_out_other_writers(connection)
                upgrade_to(connection, "head")
    except OperationalError as error:
        reason = " ".join(str(error.orig).split())
        raise VerbatimError(f"cannot open the database: {reason}") from error


def schema_of(connection: Connection) -> str | None:
    """The last migration that a database has seen; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def upgrade_to(connection: Connection, schema: str) -> None:
    """Run the migrations up to that one. Raises VerbatimError for one of a newer release."""
    # Imported here: a server whose store is up to date spares itself 10 MB.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, schema)
    except CommandError as error:
        raise VerbatimError(
            "the store was made by a newer release of Verbatim; install that release"
        ) from error
