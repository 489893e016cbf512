"""Real parts for every test: both databases, one vector store, the bundled encoders."""

import gc
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from filelock import FileLock
from sqlalchemy import Engine, Table, func, select
from sqlmodel import SQLModel

from kb.content import import_folder
from kb.db import migrate, open_engine, transaction
from kb.settings import Settings
from retriever.bars import BarBook
from retriever.embeddings import Encoder, load_encoders
from retriever.index import Index, Level, _renewed
from retriever.prepared import prime
from retriever.vectors import VectorStore
from tests.cast import shop
from web.app import create_app
from web.services import Services

# In the order in which they begin; the first embeds the sample company for others that come later.
SLOW = [
    "test_questions.py",
    "test_serving.py",
    "test_cli.py",
    "test_train_command.py",
    "test_rehearsal.py",
]
ROOT = Path(__file__).resolve().parent.parent
POSTGRES = os.environ.get("VERBATIM_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")


def _postgres_error() -> str | None:
    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
    except psycopg.Error as error:
        return str(error).splitlines()[0]
    return None


NO_POSTGRES = _postgres_error()
needs_postgres = pytest.mark.skipif(
    NO_POSTGRES is not None, reason=f"no PostgreSQL at {POSTGRES}: {NO_POSTGRES}"
)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    for name in [name for name in os.environ if name.startswith("VERBATIM_")]:
        if not name.startswith("VERBATIM_TEST_"):
            del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """What a password costs an attacker is nothing that a test has to pay."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kb.passwords.PasswordHasher", cheap)
        yield


@pytest.fixture(scope="session")
def template() -> Iterator[str]:
    """A migrated PostgreSQL database to copy."""
    name = f"verbatim_template_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        engine = open_engine(_url_of(name))
        migrate(engine)
        engine.dispose()
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _url_of(database: str) -> str:
    server = POSTGRES.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://")
    return f"{server}/{database}"


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite store to copy."""
    path = tmp_path_factory.mktemp("blank") / "store.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def make_database(
    tmp_path: Path, blank: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], str]]:
    """Makes an empty, migrated database of a kind and gives its URL."""
    made: list[str] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            copied = shutil.copy(blank, tmp_path / f"store-{uuid.uuid4().hex[:6]}.db")
            return f"sqlite:///{copied}"
        pool = request.getfixturevalue("postgres_pool")
        made.append(pool.take())
        return _url_of(made[-1])

    yield make
    for name in made:
        request.getfixturevalue("postgres_pool").give_back(name)


@pytest.fixture(scope="session")
def postgres_pool(template: str) -> Iterator["PostgresPool"]:
    """Databases that tests use one after the other: emptying one is a hundred times quicker."""
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        pool = PostgresPool(admin, template)
        yield pool
        pool.close()


COLUMNS = (
    "SELECT relname::text, attname, atttypid FROM pg_attribute "
    "JOIN pg_class ON pg_class.oid = attrelid "
    "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 ORDER BY 1, 2"
)


def _shape_of(connection: "psycopg.Connection[Any]") -> list[Any]:
    """Columns and schema version, to see whether a test has changed them."""
    columns = connection.execute(COLUMNS).fetchall()
    if not any(table == "alembic_version" for table, *_ in columns):
        return columns
    return [*columns, *connection.execute("SELECT version_num FROM alembic_version")]


class PostgresPool:
    """Empty, migrated databases; one whose schema a test has changed is not used again."""

    def __init__(self, admin: "psycopg.Connection[Any]", template: str) -> None:
        self.admin, self.template = admin, template
        self.free: list[str] = []
        with psycopg.connect(self._address(template)) as connection:
            self.shape = _shape_of(connection)
        tables = {row[0] for row in self.shape if len(row) == 3} - {"alembic_version"}
        # Foreign keys are not looked at: every table is emptied.
        deletions = "".join(f'DELETE FROM "{table}";' for table in sorted(tables))
        self.empty = f"SET LOCAL session_replication_role = replica; {deletions}"

    def take(self) -> str:
        """A database nobody uses."""
        if self.free:
            return self.free.pop()
        name = f"verbatim_test_{uuid.uuid4().hex[:8]}"
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE {self.template}")
        return name

    def give_back(self, name: str) -> None:
        """Throw out whoever is still in it, and everything they left."""
        leave = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        self.admin.execute(leave, [name])
        with psycopg.connect(self._address(name)) as connection:
            is_as_it_was = _shape_of(connection) == self.shape
            if is_as_it_was:
                connection.execute(self.empty)
                connection.execute(
                    "SELECT setval(format('%I', sequencename)::regclass, 1, false) "
                    "FROM pg_sequences WHERE last_value IS NOT NULL"
                )
        if is_as_it_was:
            self.free.append(name)
        else:
            self._drop(name)

    def url(self, name: str) -> str:
        """Where one of them is."""
        return _url_of(name)

    def close(self) -> None:
        """Leave nothing behind."""
        for name in self.free:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self.admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _address(self, name: str) -> str:
        return f"{POSTGRES.rsplit('/', 1)[0]}/{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgres)])
def database_url(request: pytest.FixtureRequest, make_database: Callable[[str], str]) -> str:
    """The URL of an empty store; a test that uses it runs on both databases."""
    return make_database(request.param)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An empty store."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def encoders() -> list[Encoder]:
    """The bundled models."""
    return load_encoders("bundled")


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> VectorStore:
    """One vector store for all: a vector belongs to its text, so tests cannot disturb it."""
    return VectorStore.open(Settings(home=tmp_path_factory.mktemp("vectors")))


@pytest.fixture
def index(engine: Engine, vectors: VectorStore, encoders: list[Encoder]) -> Index:
    """The index of the empty store."""
    return Index(engine, vectors, encoders)


@dataclass(frozen=True)
class Furniture:
    """The cast's shop as it was made once: every row of its store, and the index of these."""

    rows: dict[Table, list[dict[str, Any]]]
    level: Level

    def put_into(self, engine: Engine) -> None:
        """The same rows in an empty store, ids included."""
        with engine.begin() as connection:
            for table, rows in self.rows.items():
                connection.execute(table.insert(), rows)
                if engine.dialect.name == "postgresql" and "id" in table.c:
                    last = select(func.max(table.c.id)).scalar_subquery()
                    sequence = func.pg_get_serial_sequence(table.name, "id")
                    connection.execute(select(func.setval(sequence, last)))


@pytest.fixture(scope="session")
def furniture(
    blank: Path,
    tmp_path_factory: pytest.TempPathFactory,
    vectors: VectorStore,
    encoders: list[Encoder],
) -> Furniture:
    """Writing it and learning its index takes longer than most tests."""
    made = tmp_path_factory.mktemp("furniture") / "store.db"
    engine = open_engine(f"sqlite:///{shutil.copy(blank, made)}")
    # A new store has a few rows, which stay where they are.
    before = _rows(engine)
    with transaction(engine) as session:
        shop(session)
    level = Index(engine, vectors, encoders).bring_level()
    written = {table: rows for table, rows in _rows(engine).items() if rows != before[table]}
    engine.dispose()
    return Furniture(written, level)


def _rows(engine: Engine) -> dict[Table, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {
            table: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in SQLModel.metadata.sorted_tables
        }


@pytest.fixture
def shop_index(engine: Engine, index: Index, furniture: Furniture) -> Index:
    """The index of a store with the cast's four articles."""
    furniture.put_into(engine)
    # Shelves are only read; what questions leave behind is each test's own.
    index._level = _renewed(furniture.level)
    return index


@pytest.fixture
def services(engine: Engine, shop_index: Index, tmp_path: Path) -> Services:
    """Opened services over the cast's shop, without a limit on requests."""
    settings = Settings(home=tmp_path, rate_limit="off")
    return Services(settings, engine, shop_index, None)


@pytest.fixture
def app(services: Services) -> FastAPI:
    """The application over the cast's shop."""
    return create_app(services)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of the application."""
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, encoders: list[Encoder]) -> Iterator[Services]:
    """The sample company, imported and rehearsed once; for reading only."""
    home = tmp_path_factory.mktemp("sample") / "home"
    shutil.copytree(_made_once(tmp_path_factory, encoders), home)
    services = _sample_in(home, encoders)
    services.index.bring_level()
    services.index.rehearse()
    yield services
    services.engine.dispose()


def _made_once(factory: pytest.TempPathFactory, encoders: list[Encoder]) -> Path:
    """Embedding the sample company takes minutes, so one worker does it for all."""
    base = factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sample-made"
    with FileLock(f"{made}.lock"):
        if not (made / "is-made").exists():
            services = _sample_in(made, encoders)
            migrate(services.engine)
            import_folder(services.engine, ROOT / "content", services.settings.locales)
            prime(services.index.vectors, encoders, ROOT / "content")
            services.index.bring_level()
            services.index.rehearse()
            services.engine.dispose()
            (made / "is-made").touch()
    return made


def _sample_in(home: Path, encoders: list[Encoder]) -> Services:
    settings = Settings(home=home, rate_limit="off", site_name="Quillhaven")
    home.mkdir(exist_ok=True)
    engine = open_engine(settings.sql_url)
    book = BarBook(home / "bars.json", settings.max_wrong)
    return Services(
        settings, engine, Index(engine, VectorStore.open(settings), encoders, book), None
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take minutes begin, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: (*SLOW, item.path.name).index(item.path.name))


def pytest_collection_finish() -> None:
    """What was imported stays; looking through it for garbage took a fifth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """On CI a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("VERBATIM_TEST_NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1
