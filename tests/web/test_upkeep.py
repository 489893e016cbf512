"""Keeping answers right, over HTTP: upkeep, the inbox of feedback, and notices on every channel."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from assistant.desk.kcs import Flag, flag_article
from assistant.outgoing import Outgoing
from kb.articles import Review, Revision, Verification
from kb.db import now, reading, transaction
from kb.history import epoch
from kb.people import add_person
from tests.cast import REFUND_POLICY, mina, omar, published
from web.services import Services

PASSWORD = "a long enough password"
LATE = {"text_en": "Parcels are **late**.", "text_ko": "배송이 <script>alert(1)</script>늦습니다."}


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, make_database: Any) -> str:
    """Pages differ between databases in nothing that the queries' own tests do not hold."""
    return str(make_database(request.param))


class Editor:
    """Somebody signed in to the studio."""

    def __init__(self, client: TestClient, services: Services, role: str) -> None:
        self.client, self.services = client, services
        with transaction(services.engine) as session:
            add_person(session, f"elsa-{role}@example.com", role, "Elsa", PASSWORD)
        form = {"email": f"elsa-{role}@example.com", "password": PASSWORD}
        assert client.post("/login", data=form).is_success

    def page(self, path: str) -> str:
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.text

    def send(self, path: str, **form: Any) -> Any:
        return self.client.post(path, data=form, follow_redirects=False)


@pytest.fixture
def elsa(client: TestClient, services: Services) -> Editor:
    """A publisher, in whose shop one answer is overdue."""
    with transaction(services.engine) as session:
        published(session, "refund-time", replace(REFUND_POLICY, verify_days=30))
        for review in session.exec(select(Review)):
            review.at = now() - timedelta(days=40)
            session.add(review)
    services.index.bring_level()
    return Editor(client, services, "publisher")


def overdue(services: Services) -> int:
    """The revision that somebody should look at."""
    with reading(services.engine) as session:
        query = select(Revision.id).where(Revision.verify_days == 30)
        found: int = session.exec(query).one()
        return found


# -- upkeep ------------------------------------------------------------------------------


def test_still_right_takes_one_click_and_can_be_taken_back(elsa: Editor) -> None:
    number = overdue(elsa.services)
    assert f'data-revision="{number}"' in elsa.page("/studio/upkeep")
    sent = elsa.send("/studio/upkeep/verifications", only=number, back="/studio/upkeep?whose=all")
    assert sent.status_code == 303
    after = elsa.page(sent.headers["location"])
    assert f'data-revision="{number}"' not in after
    undo = re.search(r'name="undo" value="(\d+)"', after)
    assert undo
    back = elsa.send("/studio/upkeep/undo", undo=undo[1]).headers["location"]
    assert f'data-revision="{number}"' in elsa.page(back)


@pytest.mark.parametrize("page", ["refund-time?in=en", "refund-time/en/2"])
def test_still_right_is_said_and_taken_back_on_the_answer_s_own_pages(
    elsa: Editor, page: str
) -> None:
    here = f"/studio/articles/{page}"
    button = re.search(r'name="back" value="([^"]+)">\s*<button[^>]*value="(\d+)"', elsa.page(here))
    assert button
    assert button[1] == here
    sent = elsa.send("/studio/upkeep/verifications", only=button[2], back=button[1])
    after = elsa.page(sent.headers["location"])
    assert "Marked as still right." in after
    undo = re.search(r'name="undo" value="(\d+)"', after)
    assert undo
    back = elsa.send("/studio/upkeep/undo", undo=undo[1], back=here).headers["location"]
    assert "Taken back." in elsa.page(back)


def test_help_site_and_api_say_when_it_was_verified(elsa: Editor) -> None:
    before = elsa.client.get("/api/v1/articles/refund-time").json()
    elsa.send("/studio/upkeep/verifications", item=[overdue(elsa.services)])
    after = elsa.client.get("/api/v1/articles/refund-time").json()
    assert after["verified_at"] > before["verified_at"] == before["approved_at"]
    with reading(elsa.services.engine) as session:
        made = session.exec(select(Verification)).one()
        day = f"{made.at.day} {made.at:%B %Y}"
    assert f"Last verified {day}" in elsa.page("/en/articles/refund-time")
    asked = elsa.client.post("/api/v1/ask", json={"question": "where is my refund"}).json()
    assert asked["answer"]["verified_at"] == after["verified_at"]


def test_another_owner_is_set_for_many_at_once(elsa: Editor) -> None:
    sent = elsa.send(
        "/studio/upkeep/owner", item=[overdue(elsa.services)], owner="omar@example.com"
    )
    assert sent.status_code == 303
    assert "omar@example.com" in elsa.page("/studio/upkeep?whose=all")
    assert "refund-time" not in elsa.page("/studio/upkeep?whose=mine")


@pytest.mark.parametrize("form", [{}, {"item": ["x"]}, {"only": "9" * 12}])
def test_nothing_chosen_is_said_so(elsa: Editor, form: dict[str, Any]) -> None:
    sent = elsa.send("/studio/upkeep/verifications", **form)
    assert sent.status_code == 422
    assert "Choose at least one answer." in sent.text


def test_way_back_leads_to_no_other_site(elsa: Editor) -> None:
    number = overdue(elsa.services)
    sent = elsa.send("/studio/upkeep/verifications", only=number, back="//evil.example/")
    assert sent.headers["location"].startswith("/studio/upkeep?done=")


def test_contributor_cannot_set_an_owner(client: TestClient, elsa: Editor) -> None:
    writer = Editor(client, elsa.services, "contributor")
    sent = writer.send("/studio/upkeep/owner", item=[overdue(elsa.services)], owner="me@x.com")
    assert sent.status_code == 403


# -- feedback ----------------------------------------------------------------------------


def flagged(services: Services) -> None:
    """An agent says that an answer is wrong; a reader, that it did not help."""
    with transaction(services.engine) as session:
        revision = session.get(Revision, overdue(services))
        assert revision is not None
        flag_article(session, revision, omar(session), "It is <b>5</b> days now")


def test_feedback_is_done_and_told_in_public(elsa: Editor) -> None:
    flagged(elsa.services)
    elsa.send("/en/articles/refund-time/feedback", helped="no", comment="And by card?")
    inbox = elsa.page("/studio/feedback")
    assert "It is &lt;b&gt;5&lt;/b&gt; days now" in inbox
    assert "And by card?" in inbox
    done = {"summary_en": "It now says how long cards take.", "summary_fa": "زمان کارت را نوشتیم."}
    sent = elsa.send("/studio/feedback", item=["flag-1", "feedback-1"], verb="finish", **done)
    assert sent.headers["location"] == "/studio/feedback?done=done"
    assert "It now says how long cards take." in elsa.page("/en/changes")
    assert "زمان کارت را نوشتیم." in elsa.page("/fa/changes")
    assert "It now says" not in elsa.page("/ko/changes")
    with reading(elsa.services.engine) as session:
        keys = session.exec(select(Outgoing.key)).all()
    assert sum(key.startswith("change-1-") for key in keys) == 1


def test_what_was_typed_is_kept_when_something_is_missing(elsa: Editor) -> None:
    flagged(elsa.services)
    sent = elsa.send("/studio/feedback", verb="finish", summary_en="It is better now.")
    assert sent.status_code == 422
    assert "It is better now." in sent.text
    sent = elsa.send("/studio/feedback", verb="decline", item="flag-1", reason=" ")
    assert "Say why it stays as it is." in sent.text


@pytest.mark.parametrize(
    ("verb", "state"), [("plan", "planned"), ("decline", "declined"), ("start", "planned")]
)
def test_item_moves_to_its_next_state(elsa: Editor, verb: str, state: str) -> None:
    flagged(elsa.services)
    sent = elsa.send("/studio/feedback", verb=verb, item="flag-1", reason="The bank was wrong")
    assert sent.status_code == 303
    assert 'data-item="flag-1"' in elsa.page(f"/studio/feedback?state={state}")
    if verb == "start":
        assert sent.headers["location"] == "/studio/articles/refund-time/edit?in=en"


def test_item_is_assigned_and_opened_again(elsa: Editor) -> None:
    flagged(elsa.services)
    with reading(elsa.services.engine) as session:
        to = mina(session).id
    elsa.send("/studio/feedback", verb="assign", item="flag-1", to=str(to))
    elsa.send("/studio/feedback", verb="decline", item="flag-1", reason="No")
    elsa.send("/studio/feedback", verb="reopen", item="flag-1")
    with reading(elsa.services.engine) as session:
        flag = session.get(Flag, 1)
        assert flag is not None
        assert (flag.state, flag.assigned_to_id) == ("open", to)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"verb": "dance", "item": "flag-1"}, 422),
        ({"verb": "plan", "item": "flag-77"}, 422),
        ({"verb": "plan", "item": "'; drop"}, 422),
        ({}, 422),
    ],
)
def test_form_that_means_nothing_is_refused(
    elsa: Editor, form: dict[str, str], status: int
) -> None:
    assert elsa.send("/studio/feedback", **form).status_code == status


# -- notices -----------------------------------------------------------------------------


def notice_everywhere(client: TestClient) -> list[Any]:
    """What each channel shows of it, in one request each."""
    asked = client.post("/api/v1/ask", json={"question": "where is my refund"}).json()
    begun = client.post("/api/v1/conversations", json={"channel": "widget"}).json()
    said = client.post(
        f"/api/v1/conversations/{begun['id']}/turns",
        json={"text": "where is my refund"},
        headers={"Authorization": f"Bearer {begun['token']}"},
    ).json()
    return [
        asked["notice"],
        said["reply"]["notice"],
        client.get("/api/v1/search?q=refund").json()["notice"],
        *client.get("/api/v1/notices?channel=sidebar").json()["items"],
    ]


def test_notice_is_on_every_channel_with_the_next_request_and_off_again(elsa: Editor) -> None:
    with reading(elsa.services.engine) as session:
        before = epoch(session)
    assert elsa.send("/studio/notices", severity="warning", **LATE).status_code == 303
    shown = notice_everywhere(elsa.client)
    assert [n["text"] for n in shown] == ["Parcels are **late**."] * 4
    assert "Parcels are <strong>late</strong>." in elsa.page("/en/")
    with reading(elsa.services.engine) as session:
        assert epoch(session) == before
    elsa.send(f"/studio/notices/{shown[0]['id']}/end")
    assert notice_everywhere(elsa.client) == [None, None, None]
    assert "Parcels are" not in elsa.page("/en/articles/refund-time")


def test_notice_is_in_the_reader_s_language_and_harmless(elsa: Editor) -> None:
    elsa.send("/studio/notices", **LATE)
    assert "배송이" in elsa.page("/ko/")
    assert "<script>alert" not in elsa.page("/ko/")
    assert 'lang="en" dir="ltr"><p>Parcels' in elsa.page("/it/")


def test_reader_puts_a_notice_away_and_sees_new_words(elsa: Editor) -> None:
    elsa.send("/studio/notices", **LATE)
    sent = elsa.send("/en/notices/1/dismissal", next="/en/search?q=refund")
    assert sent.headers["location"] == "/en/search?q=refund"
    assert "Parcels are" not in elsa.page("/en/")
    elsa.send("/studio/notices", instead_of="1", text_en="Parcels are on time.")
    assert "Parcels are on time." in elsa.page("/en/")


def test_notice_beside_certain_answers_is_nowhere_else(elsa: Editor) -> None:
    elsa.send("/studio/notices", articles="refund-time", **LATE)
    assert "Parcels are" in elsa.page("/en/articles/refund-time")
    assert "Parcels are" not in elsa.page("/en/")
    asked = elsa.client.post("/api/v1/ask", json={"question": "i forgot my password"}).json()
    assert asked["notice"] is None


def test_agents_notice_stays_among_agents(elsa: Editor) -> None:
    elsa.send("/studio/notices", audience="agents", **LATE)
    assert "Parcels are" not in elsa.page("/en/")
    assert elsa.client.get("/api/v1/notices").json()["items"] == []
    elsa.client.cookies.clear()
    assert elsa.client.get("/api/v1/notices?channel=sidebar").status_code == 401


def test_preview_shows_the_words_to_nobody_else(elsa: Editor) -> None:
    page = elsa.send("/studio/notices", verb="preview", ends="2199-01-01T08:00", **LATE).text
    assert "Parcels are <strong>late</strong>." in page
    assert 'value="2199-01-01T08:00"' in page
    assert "Parcels" not in elsa.page("/en/")


@pytest.mark.parametrize(
    "form",
    [
        {"text_en": " "},
        {"text_en": "x", "ends": "2001-01-01T08:00"},
        {"text_en": "x", "starts": "yesterday"},
        {"text_en": "x", "articles": "no-such-article"},
        {"text_en": "x", "severity": "panic"},
        {"text_en": "x" * 401},
        {"text_tlh": "x"},
    ],
)
def test_notice_that_cannot_be_shown_keeps_what_was_typed(
    elsa: Editor, form: dict[str, str]
) -> None:
    sent = elsa.send("/studio/notices", **form)
    assert sent.status_code == 422
    assert form.get("text_en", "") in sent.text
    assert "wrong-note" in sent.text


def test_notice_needs_a_publisher(client: TestClient, elsa: Editor) -> None:
    writer = Editor(client, elsa.services, "contributor")
    assert writer.send("/studio/notices", **LATE).status_code == 403
    assert client.get("/studio/notices/new").status_code == 403
    assert "/studio/notices/new" not in writer.page("/studio/notices")
