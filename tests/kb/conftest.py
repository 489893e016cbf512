"""What only the tests of the store need."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from kb.db import open_engine


@pytest.fixture
def second(engine: Engine, make_database: Callable[[str], str]) -> Iterator[Engine]:
    """Another empty store of the same kind."""
    opened = open_engine(make_database(engine.dialect.name))
    yield opened
    opened.dispose()


@pytest.fixture
def blank_engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    """An empty SQLite store, for what no database can see differently."""
    opened = open_engine(make_database("sqlite"))
    yield opened
    opened.dispose()
