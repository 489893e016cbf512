"""Questions in the studio: found, given to an article, drafted, put aside, taken back."""

import csv
import io
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from kb.articles import Revision, find_article, latest_revision
from kb.people import add_person
from tests.cast import silence
from web.services import Services

PASSWORD = "a long enough password"
Post = Callable[..., httpx.Response]


@pytest.fixture
def editor(services: Services, client: TestClient) -> TestClient:
    """A contributor who is signed in; bicycles were asked about on two channels."""
    with Session(services.engine) as session:
        add_person(session, "tess@example.com", "contributor", password=PASSWORD)
        session.commit()
    client.post("/login", data={"email": "tess@example.com", "password": PASSWORD})
    client.get("/en/search", params={"q": "do you repair bicycles"})
    client.post("/api/v1/ask", json={"question": "bike repair", "locale": "en"})
    client.post("/api/v1/ask", json={"question": "riparate biciclette", "locale": "it"})
    return client


@pytest.fixture
def act(editor: TestClient) -> Post:
    """Posts a form of the bicycles' group, all of its phrasings chosen."""

    def post(verb: str, **form: str) -> httpx.Response:
        page = editor.get("/studio/questions").text
        group = found(r'href="(/studio/questions/groups/\w+)"', page)
        phrases = re.findall(r'name="phrase" value="(\w+)"', editor.get(group).text)
        data = {"phrase": phrases, **form}
        return editor.post(f"{group}/{verb}", data=data, follow_redirects=False)

    return post


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match
    return match[1]


def newest_on_passwords(services: Services) -> Revision:
    with Session(services.engine) as session:
        article = find_article(session, "reset-password")
        assert article
        assert article.id
        newest = latest_revision(session, article.id, "en")
        assert newest
        return newest


def test_search_without_a_result_is_a_gap_beside_what_the_chat_was_asked(
    editor: TestClient,
) -> None:
    page = editor.get("/studio/questions").text
    assert page.count('class="gap-count"') == 1
    assert "<strong>3</strong>" in page
    assert "riparate biciclette" in page


def test_home_shows_what_nobody_answered(editor: TestClient) -> None:
    page = editor.get("/studio").text
    assert "What nobody answered" in page
    assert "Asked 3 times" in page


def test_wording_goes_to_the_article_in_its_language(
    editor: TestClient, act: Post, services: Services
) -> None:
    response = act("wording", other="/en/articles/reset-password")
    assert response.headers["location"] == "/studio/questions?done=phrased"
    newest = newest_on_passwords(services)
    assert newest.state == "in_review"
    assert newest.phrasings[-2:] == ["do you repair bicycles", "bike repair"]
    assert "Reset" in editor.get("/studio/questions?state=handled").text


def test_draft_begins_with_the_customers_words(act: Post) -> None:
    address = urlsplit(act("draft").headers["location"])
    asked = parse_qs(address.query)
    assert (address.path, asked["in"]) == ("/studio/articles/new", ["en"])
    assert asked["title"] == ["do you repair bicycles"]
    assert asked["phrasing"] == ["do you repair bicycles", "bike repair"]


def test_group_is_put_aside_and_taken_back(editor: TestClient, act: Post) -> None:
    act("dismissal", reason="out_of_scope", note="we sell no bicycles")
    assert 'class="gap-count"' not in editor.get("/studio/questions").text
    handled = editor.get("/studio/questions?state=handled").text
    assert "we sell no bicycles" in handled
    editor.post(found(r'action="(/studio/questions/decisions/\d+/undoing)"', handled))
    assert 'class="gap-count"' in editor.get("/studio/questions").text


@pytest.mark.parametrize(
    ("verb", "form", "told"),
    [
        ("dismissal", {"note": "keep <me>"}, "keep &lt;me&gt;"),
        ("wording", {"other": "no-such-article"}, "choose an article"),
        ("wording", {"other": "reset-password", "phrase": "x"}, "choose at least one"),
        ("draft", {"phrase": "x"}, "choose at least one"),
    ],
)
def test_form_that_lacks_something_comes_back_with_what(
    act: Post, verb: str, form: dict[str, str], told: str
) -> None:
    response = act(verb, **form)
    assert response.status_code == 422
    assert told in response.text


def test_group_that_is_gone_is_not_found(editor: TestClient) -> None:
    assert editor.get("/studio/questions/groups/0123").status_code == 404
    assert editor.post("/studio/questions/decisions/9/undoing").status_code == 404


def test_whole_record_is_searched_and_downloaded(editor: TestClient) -> None:
    editor.post("/api/v1/ask", json={"question": "=1+1 refund", "locale": "en"})
    page = editor.get("/studio/questions/all", params={"q": "BIC", "in": "it"}).text
    assert "riparate biciclette" in page
    assert "do you repair bicycles" not in page
    file = editor.get("/studio/questions/all.csv").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert len(rows) == 4
    assert rows[0]["question"] == "'=1+1 refund"


def test_questions_are_for_staff(client: TestClient) -> None:
    for path in ("", "/all", "/all.csv", "/groups/0123", "/confirmed"):
        response = client.get(f"/studio/questions{path}", follow_redirects=False)
        assert response.status_code == 303


# -- confirmed wordings ------------------------------------------------------------------


@pytest.fixture
def confirmed(services: Services, editor: TestClient) -> TestClient:
    """Two customers chose the article on passwords for the same words."""
    with Session(services.engine) as session:
        article = find_article(session, "reset-password")
        assert article
        for question in ("zorble & my gizmo", "Zorble my gizmo"):
            chosen = {"outcome": "answered", "confidence": 1.0, "detail": {"chosen_from": "x"}}
            session.add(silence(question=question, article_id=article.id, **chosen))
        session.commit()
    return editor


def test_confirmed_wording_is_given_to_its_article(
    confirmed: TestClient, services: Services
) -> None:
    page = confirmed.get("/studio/questions/confirmed").text
    assert "zorble &amp; my gizmo" in page
    assert "<span>Chosen by customers 2</span>" in page
    data = {"phrase": found(r'name="phrase" value="([\w-]+)" checked', page), "action": "give"}
    response = confirmed.post("/studio/questions/confirmed", data=data, follow_redirects=False)
    assert response.headers["location"] == "/studio/questions/confirmed?done=phrased"
    newest = newest_on_passwords(services)
    assert (newest.state, newest.phrasings[-1]) == ("in_review", "zorble & my gizmo")
    assert 'name="phrase"' not in confirmed.get("/studio/questions/confirmed").text


def test_confirmed_wording_is_left_out_and_taken_back(confirmed: TestClient) -> None:
    page = confirmed.get("/studio/questions/confirmed").text
    data = {"phrase": found(r'name="phrase" value="([\w-]+)"', page), "action": "decline"}
    page = confirmed.post("/studio/questions/confirmed", data=data).text
    assert 'name="phrase"' not in page
    assert "Left out" in page
    page = confirmed.post(found(r'action="(/studio/questions/decisions/\d+/undoing)"', page)).text
    assert 'name="phrase"' in page


@pytest.mark.parametrize(
    "data", [{}, {"phrase": "1-0", "action": "give"}, {"phrase": "x", "action": "decline"}]
)
def test_nothing_ticked_is_told(confirmed: TestClient, data: dict[str, str]) -> None:
    response = confirmed.post("/studio/questions/confirmed", data=data)
    assert response.status_code == 422
    assert "choose at least one of the wordings" in response.text
