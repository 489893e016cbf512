"""The database: one engine, sessions that commit or roll back, migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import DateTime, Dialect, Engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, create_engine

from kb.errors import VerbatimError

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# Any number will do, as long as every process uses the same one.
HISTORY_LOCK = 7_265_771


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


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def open_engine(url: str) -> Engine:
    """An engine for the URL; SQLite is set to WAL and takes its write lock at once."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=10, max_overflow=30, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _tune_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One unit of work: committed at the end, or nothing happened."""
    with Session(engine, expire_on_commit=False) as session:
        take_write_lock(session)
        yield session
        session.commit()


def take_write_lock(session: Session) -> None:
    """Writers one after the other, so that Event ids are committed in order."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("BEGIN IMMEDIATE")
    else:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": HISTORY_LOCK})


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads; what it loaded stays usable afterwards."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


def migrate(engine: Engine) -> None:
    """Bring the schema to this release; every process may call it at start."""
    try:
        with engine.begin() as connection:
            if _is_current(connection):
                return
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": HISTORY_LOCK})
            command.upgrade(_alembic_config(connection), "head")
    except OperationalError as error:
        raise VerbatimError(f"cannot open the database: {str(error.orig).strip()}") from error


def _alembic_config(connection: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _is_current(connection: Any) -> bool:
    here = MigrationContext.configure(connection).get_current_revision()
    return here == ScriptDirectory(str(MIGRATIONS)).get_current_head()
