"""Insights in the studio: figures for readers, for spreadsheets, and for any dates."""

import csv
import io
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from kb.db import now
from tests.cast import silence
from web.services import Services


@pytest.fixture
def editor(services: Services, client: TestClient, sign_in: Callable[[str], str]) -> TestClient:
    """A contributor who is signed in; two questions are on record."""
    sign_in("contributor")
    with Session(services.engine) as session:
        session.add(silence(question="=1+1 bikes", channel="help_site"))
        session.add(silence(question="are you hiring", channel="widget", locale="it"))
        session.commit()
    return client


def rows_of(client: TestClient, name: str, query: str = "") -> list[dict[str, str]]:
    file = client.get(f"/studio/insights/{name}.csv?{query}")
    assert file.status_code == 200
    return list(csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff"))))


def test_every_figure_on_the_page_is_a_file_too(editor: TestClient) -> None:
    page = editor.get("/studio/insights").text
    names = [part.split(".csv")[0] for part in page.split("/studio/insights/")[1:]]
    assert {"outcomes", "endings", "channels", "searches", "knowledge"} <= set(names)
    for name in names:
        rows_of(editor, name)


def test_file_counts_what_was_asked_and_runs_no_formula(editor: TestClient) -> None:
    days = rows_of(editor, "outcomes", "days=7")
    assert [row["abstained"] for row in days] == ["0"] * 6 + ["2"]
    assert rows_of(editor, "searches")[0]["about"] == "'=1+1 bikes"


def test_figures_are_narrowed_to_a_channel_and_a_language(editor: TestClient) -> None:
    query = "channel=widget&in=it"
    assert [row["channel"] for row in rows_of(editor, "channels", query)] == ["widget"]
    assert rows_of(editor, "languages", "in=fa") == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=yesterday", "written as 2026-03-05"),
        ("from=2026-03-05&to=2026-03-01", "after the last"),
        ("from=2001-01-01", "At most a year"),
        ("from=9999-12-31&to=0001-01-01", "after the last"),
    ],
)
def test_days_that_cannot_be_are_told_and_kept(editor: TestClient, query: str, told: str) -> None:
    page = editor.get(f"/studio/insights?{query}")
    assert (page.status_code, told in page.text) == (422, True)
    assert f'value="{query.split("&")[0].removeprefix("from=")}"' in page.text
    assert editor.get(f"/studio/insights/outcomes.csv?{query}").status_code == 422


def test_any_days_can_be_looked_at(editor: TestClient) -> None:
    today = now().date().isoformat()
    assert [row["day"] for row in rows_of(editor, "outcomes", f"from={today}&to={today}")] == [
        today
    ]


def test_store_without_questions_teaches(client: TestClient, sign_in: Callable[[str], str]) -> None:
    sign_in("contributor")
    page = client.get("/studio/insights").text
    assert "Once customers ask" in page
    assert "<canvas" not in page.split('id="knowledge"')[0]


def test_insights_are_for_staff(reader: TestClient) -> None:
    for path in ("", "/outcomes.csv"):
        response = reader.get(f"/studio/insights{path}", follow_redirects=False)
        assert response.status_code == 303
