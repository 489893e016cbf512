"""Many articles at once, by pages: previewed, done, and seen being done."""

import re
import time
from collections.abc import Iterator

import pytest

from kb.bulk import work
from retriever.embeddings import Encoder
from retriever.vectors import VectorStore
from tests.web.newsroom import Newsroom, newsroom


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Newsroom]:
    with newsroom(tmp_path_factory.mktemp("bulk"), vectors, encoders) as opened:
        yield opened


def finished(house: Newsroom, path: str) -> str:
    """The job's page, once it is done."""
    until = time.monotonic() + 20
    while "Finished" not in house.get("mina", path).text and time.monotonic() < until:
        work(house.services.engine)
    return house.get("mina", path).text


def test_approved_articles_go_live_together(house: Newsroom) -> None:
    pages = [house.write(f"together-{n}", to="approved") for n in range(3)]
    page = house.write("together-not", to="in_review")
    form = {"article": [p.split("/")[3] for p in [*pages, page]], "action": "publish"}
    preview = house.post("mina", "/studio/bulk", **form).text
    assert "Goes live on every channel." in preview
    assert "is not approved" in preview
    assert house.state(pages[0]) == "approved"
    job = house.post("mina", "/studio/bulk/jobs", **form).headers["location"]
    assert "3 done" in finished(house, job)
    assert [house.state(p) for p in [*pages, page]] == ["live", "live", "live", "in_review"]


def test_everything_in_a_filtered_list_is_meant(house: Newsroom) -> None:
    house.write("of-list-1", category="lamps")
    house.write("of-list-2", category="lamps")
    form = {"matching": "/studio/articles?category=lamps&page=1", "action": "submit"}
    preview = house.post("tariq", "/studio/bulk", **form).text
    assert re.search(r"Change 2 articles", preview)
    job = house.post("tariq", "/studio/bulk/jobs", **form).headers["location"]
    finished(house, job)
    assert house.get("tariq", job).status_code == 200
    assert house.get("omar", job).status_code == 404


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"action": "publish"}, 403, "Your role may not do this"),
        ({"action": "change"}, 422, "Fill in at least one"),
        ({"action": "change", "verify_days": "soon"}, 422, "Days are a whole number"),
        ({"action": "submit", "article": []}, 422, "Tick at least one"),
    ],
)
def test_what_cannot_be_done_is_said(
    house: Newsroom, form: dict[str, str], status: int, words: str
) -> None:
    refused = house.post("tariq", "/studio/bulk", **{"article": ["reset-password"]} | form)
    assert (refused.status_code, words in refused.text) == (status, True)


def test_list_leads_to_the_preview(house: Newsroom) -> None:
    listed = house.get("mina", "/studio/articles").text
    assert 'formaction="/studio/bulk"' in listed
    assert 'name="matching"' in listed
