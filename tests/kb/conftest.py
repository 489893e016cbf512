"""What only the tests of the store need."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kb.db import migrate, open_engine


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite store to copy."""
    path = tmp_path_factory.mktemp("blank") / "store.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def second(engine: Engine, make_database: Callable[[str], str]) -> Iterator[Engine]:
    """Another empty store of the same kind."""
    opened = open_engine(make_database(engine.dialect.name))
    yield opened
    opened.dispose()
