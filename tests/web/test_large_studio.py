"""The studio over ten thousand articles: what a page asks of the store does not grow with it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event

from kb.db import migrate, open_engine, transaction
from kb.people import add_key
from kb.settings import Settings
from kb.translation_board import keep_board
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.bench.listing import fill_shelves
from web.app import create_app
from web.services import Services

ARTICLES = 10_000
LIST = "/studio/articles"


class Desk:
    """An editor's requests, and the statements that they cost."""

    def __init__(self, client: TestClient, engine: Engine, key: str) -> None:
        self.client, self.engine = client, engine
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> str:
        """What a page says."""
        response = self.client.get(path, headers=self.headers)
        assert response.status_code == 200, response.text
        return str(response.text)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The statements of a while."""
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            seen.append(statement)

        event.listen(self.engine, "before_cursor_execute", note)
        yield seen
        event.remove(self.engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Desk]:
    """A publisher before full shelves, in two languages; nothing is indexed."""
    settings = Settings(home=tmp_path_factory.mktemp("large"), rate_limit="off")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        fill_shelves(session, ARTICLES, ("en", "it"))
        key = add_key(session, "publisher")
    services = Services(settings, engine, Index(engine, vectors, encoders), None)
    # Without its clock, which would begin to embed twenty thousand titles.
    yield Desk(TestClient(create_app(services)), engine, key)
    engine.dispose()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", "10,000 articles"),
        ("?q=question+4321", "1 article"),
        ("?state=draft", "500 articles"),
        ("?category=category-7&tag=tag-7", "167 articles"),
        ("?state=outdated&in=it", "No article"),
        ("?sort=title&page=200", "10,000 articles"),
    ],
)
def test_list_costs_the_same_however_many_there_are(desk: Desk, asked: str, found: str) -> None:
    with desk.counted() as statements:
        page = desk.get(f"{LIST}{asked}")
    assert found in page
    assert page.count('name="article"') <= 50
    assert len(statements) <= 40


def test_whole_list_is_exported_in_parts(desk: Desk) -> None:
    with desk.counted() as statements:
        lines = desk.get(f"{LIST}.csv").splitlines()
    assert len(lines) == 1 + 2 * ARTICLES
    assert len(statements) <= 40 + 6 * ARTICLES / 500


def test_matrix_is_read_before_anybody_opens_it_and_then_not_again(desk: Desk) -> None:
    keep_board(desk.engine)
    with desk.counted() as statements:
        page = desk.get("/studio/translations?in=it")
    assert "10,000" in page
    assert [s for s in statements if "revision.title" in s] == []
    with desk.counted() as again:
        keep_board(desk.engine)
    assert len(again) == 1


def test_change_to_a_whole_category_is_previewed_without_its_words(desk: Desk) -> None:
    form = {"matching": f"{LIST}?category=category-5", "action": "change", "tags": "tag-5"}
    with desk.counted() as statements:
        response = desk.client.post("/studio/bulk", data=form, headers=desk.headers)
    assert response.status_code == 200
    assert 'class="count">1,332<' in response.text
    assert len(statements) <= 40
    assert not any("revision.body" in statement for statement in statements)
