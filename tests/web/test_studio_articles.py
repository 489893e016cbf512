"""The list of articles and the page of one: what editors see, filter, compare, take back."""

import csv
import re
from io import StringIO

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from kb.articles import get_article, get_revision
from tests.web.conftest import Keys
from web.services import Services


@pytest.fixture
def writer(reader_keys: Keys) -> dict[str, str]:
    """The headers of a contributor."""
    return reader_keys["contributor"]


def slugs_in(page: str) -> set[str]:
    return set(re.findall(r'name="article" value="([^"]+)"', page))


def test_list_shows_every_article_also_those_for_agents(
    reader: TestClient, writer: dict[str, str]
) -> None:
    page = reader.get("/studio/articles", headers=writer).text
    assert slugs_in(page) == {"reset-password", "refund-time", "delivery-costs", "goodwill-credit"}
    assert "4 articles" in page


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("q=delivery", {"delivery-costs"}),
        ("state=draft", set()),
        ("category=account", {"reset-password"}),
        ("audience=agents&state=live", {"goodwill-credit"}),
        ("q=%00&state=nonsense&in=xx&page=-1&sort=;", None),
        ("q=%25&page=99999999999", set()),
    ],
)
def test_list_is_filtered_by_its_address(
    reader: TestClient, writer: dict[str, str], query: str, slugs: set[str] | None
) -> None:
    response = reader.get(f"/studio/articles?{query}", headers=writer)
    assert response.status_code == 200
    assert slugs is None or slugs_in(response.text) == slugs


def test_list_is_taken_away_as_a_table_without_formulas(
    client: TestClient, keys: Keys, services: Services
) -> None:
    new = {
        "slug": "evil",
        "locale": "en",
        "title": '=HYPERLINK("x")',
        "answer": "a",
    }
    client.post("/api/v1/articles", json=new, headers=keys["contributor"])
    response = client.get("/studio/articles.csv?state=draft", headers=keys["contributor"])
    rows = list(csv.DictReader(StringIO(response.text.removeprefix("\ufeff"))))
    assert [(row["article"], row["title"]) for row in rows] == [("evil", '\'=HYPERLINK("x")')]
    ticked = client.get("/studio/articles.csv?article=refund-time", headers=keys["contributor"])
    assert ticked.text.count("\n") == 2


def test_article_shows_what_changed_word_by_word_and_brings_the_old_words_back(
    client: TestClient, keys: Keys, services: Services
) -> None:
    headers = keys["contributor"]
    new = {"title": "Reset your password", "answer": "The link works for **60** minutes.<i>"}
    client.post("/api/v1/articles/reset-password/revisions", json=new, headers=headers)
    page = client.get("/studio/articles/reset-password?before=1&after=2", headers=headers).text
    assert re.search(r"<ins>[^<]*60", page)
    assert re.search(r"<del>[^<]*30", page)
    assert "&lt;i&gt;" in page
    restored = client.post(
        "/studio/articles/reset-password/restorations",
        data={"locale": "en", "version": "1"},
        headers=headers,
        follow_redirects=False,
    )
    assert restored.headers["location"] == "/studio/articles/reset-password?in=en&done=restored"
    with Session(services.engine) as session:
        article = get_article(session, "reset-password")
        first, third = (get_revision(session, article, "en", n) for n in (1, 3))
        assert (third.sha256, third.state) == (first.sha256, "draft")


def test_page_of_no_article_is_not_found(reader: TestClient, writer: dict[str, str]) -> None:
    for slug in ("nothing-here", "No%20Slug", "..%2F.."):
        assert reader.get(f"/studio/articles/{slug}", headers=writer).status_code == 404
    odd = reader.get("/studio/articles/refund-time?in=xx&before=9&after=x", headers=writer)
    assert odd.status_code == 200
