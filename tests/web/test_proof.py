"""The audit as it runs on real routes, and what the studio shows of it."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import Session, select

from assistant.audit import Asked, Findings, Mismatch, audit, begin, finish
from assistant.channels import Channels
from assistant.desk.kcs import use_article
from assistant.receipts import Receipt
from kb.articles import Revision
from kb.db import transaction
from kb.errors import VerbatimError
from kb.people import new_key
from tests.cast import omar
from web.app import create_app
from web.auditor import AUDIT_HEADER, Auditor, Server, begin_one, run_audit
from web.services import Services

QUESTIONS = [
    Asked("i forgot my password", "en", "reset-password"),
    Asked("postage price?", "en", "delivery-costs"),
    Asked("what is the capital of peru", "en"),
]


@pytest.fixture
def channels(services: Services) -> Channels:
    """All channels of the shop, asked as the nightly audit asks."""
    with transaction(services.engine) as session:
        _, secret = new_key(session, omar(session))
    headers = {AUDIT_HEADER: services.local_token}
    return Channels(TestClient(create_app(services), headers=headers), secret)


def test_every_channel_of_a_real_server_says_the_same(channels: Channels) -> None:
    found = audit(channels, QUESTIONS)
    assert found.mismatches == []
    assert (found.questions, found.answered) == (3, 2)
    assert found.checks == {"help_site": 3, "widget": 3, "sidebar": 2, "article_page": 2}


def test_receipts_of_an_audit_are_no_customers_questions(
    channels: Channels, services: Services
) -> None:
    audit(channels, QUESTIONS[:1])
    with Session(services.engine) as session:
        assert set(session.exec(select(Receipt.is_audit))) == {True}
        assert session.execute(text("SELECT count(*) FROM conversation")).scalar() == 0


def test_nobody_else_can_pass_questions_off_as_an_audits(services: Services) -> None:
    with TestClient(create_app(services), headers={AUDIT_HEADER: "guessed"}) as client:
        client.post("/api/v1/ask", json={"question": "postage price?"})
    with Session(services.engine) as session:
        assert set(session.exec(select(Receipt.is_audit))) == {False}


def test_server_that_cannot_be_reached_is_one_clear_error(services: Services) -> None:
    run = begin_one(services.engine, "asked", "asked-1")
    assert run is not None
    with pytest.raises(VerbatimError, match="could not ask"):
        run_audit(
            services.engine, services.settings, Server("http://127.0.0.1:9", ""), run, QUESTIONS
        )


def test_without_a_server_of_its_own_an_auditor_waits(services: Services) -> None:
    assert Auditor(services.engine, services.settings).begin_now("mina") == "alone"


# -- the studio --------------------------------------------------------------------


@pytest.fixture
def studio(services: Services, client: TestClient, sign_in: Callable[[str], str]) -> TestClient:
    """A publisher's browser."""
    sign_in("publisher")
    return client


def test_studio_teaches_before_the_first_audit(studio: TestClient) -> None:
    assert "Nothing has been compared yet" in studio.get("/studio/proof").text


def test_incident_is_shown_with_both_wordings(studio: TestClient, services: Services) -> None:
    with transaction(services.engine) as session:
        run = begin(session, "night", "night-1")
        assert run is not None
        wrong = Mismatch("postage?", "en", "widget", "costs v2: €3.95", "costs v1: €4.95")
        finish(
            session, run, Findings(questions=1, mismatches=[wrong]), ["abc (no. 3): changed"], ""
        )
    assert "Something does not hold" in studio.get("/studio/proof").text
    page = studio.get(f"/studio/proof/{run.id}").text
    assert "€3.95" in page
    assert "€4.95" in page
    assert "abc (no. 3): changed" in page


def test_agents_own_wording_is_shown_by_article(studio: TestClient, services: Services) -> None:
    with transaction(services.engine) as session:
        revision = session.exec(select(Revision).where(Revision.title.startswith("What"))).one()  # type: ignore[attr-defined]
        use_article(session, revision, omar(session), "inserted")
        use_article(session, revision, omar(session), "inserted", text="Delivery is €5.")
    page = studio.get("/studio/proof").text
    assert "changed 1 of 2 times" in page
    assert "<del>" in page


def test_unknown_audit_is_a_page_not_found(studio: TestClient) -> None:
    assert studio.get("/studio/proof/4711").status_code == 404


def test_past_is_asked_in_the_studio(studio: TestClient) -> None:
    asked = {"q": "postage price", "at": "2026-01-01T09:00", "zone": "Europe/Rome"}
    page = studio.get("/studio/proof/past", params=asked)
    assert "We said that we have no approved answer to that." in page.text
    later = studio.get("/studio/proof/past", params=asked | {"at": "2999-01-01T09:00"})
    assert (later.status_code, "still to come" in later.text) == (422, True)


def test_past_is_asked_with_a_key(client: TestClient, keys: dict[str, dict[str, str]]) -> None:
    asked = {"question": "postage price", "at": "2026-01-01T09:00:00Z"}
    assert client.get("/api/v1/past", params=asked).status_code == 401
    reply = client.get("/api/v1/past", params=asked, headers=keys["agent"]).json()
    assert (reply["outcome"], reply["answer"], reply["recorded"]) == ("abstained", None, [])
