"""Translations in the studio: the matrix, the side-by-side editor, files for translators."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from kb.articles import Revision, get_article, latest_revision
from kb.db import transaction
from kb.people import add_person
from kb.publishing import draft, submit
from kb.translations import warnings_for
from tests.cast import DELIVERY_COSTS, mina, published, tariq
from web.services import Services

PAGE = "/studio/translations/delivery-costs/it"
ITALIAN = replace(
    DELIVERY_COSTS,
    title="Quanto costa la consegna",
    answer="La consegna costa 3,95 € ed è gratis da 50 €.",
    body="I mobili costano 29 €.",
    phrasings=("quanto costa la spedizione",),
)
FORM = {"title": ITALIAN.title, "answer": ITALIAN.answer, "body": [ITALIAN.body]}
FORM |= {"phrasings": "quanto costa la spedizione\nspedizione gratis", "source_version": "1"}


@pytest.fixture
def desk(services: Services, client: TestClient) -> TestClient:
    """A client that a contributor is signed in with."""
    with transaction(services.engine) as session:
        add_person(session, "lucia@example.com", "contributor", password="a long password")
    client.post("/login", data={"email": "lucia@example.com", "password": "a long password"})
    return client


@pytest.fixture
def newest(services: Services) -> Callable[[], Revision | None]:
    """Looks up the newest Italian version."""

    def look() -> Revision | None:
        with Session(services.engine, expire_on_commit=False) as session:
            article = get_article(session, "delivery-costs")
            assert article.id is not None
            found = latest_revision(session, article.id, "it")
            if found:
                assert found.wording
            return found

    return look


def test_matrix_shows_what_is_missing_and_leads_there(desk: TestClient) -> None:
    page = desk.get("/studio/translations?in=it&state=missing&q=delivery").text
    assert f'href="{PAGE}"' in page
    assert "reset-password" not in page
    assert "0 of 4 current" in page


def test_strangers_are_asked_to_sign_in(client: TestClient) -> None:
    assert client.get(PAGE, follow_redirects=False).status_code == 303
    assert client.post(PAGE, data=FORM, follow_redirects=False).status_code in (303, 401)


def test_a_translation_is_saved_and_submitted(
    desk: TestClient, newest: Callable[[], Revision | None]
) -> None:
    response = desk.post(PAGE, data=FORM | {"based_on": "0", "then": "submit"})
    assert "The translation is in review" in response.text
    made = newest()
    assert made
    assert (made.state, made.source_version, made.body) == ("in_review", 1, ITALIAN.body)
    assert made.phrasings == ["quanto costa la spedizione", "spedizione gratis"]


def test_saving_what_has_not_changed_makes_no_version(
    desk: TestClient, newest: Callable[[], Revision | None]
) -> None:
    desk.post(PAGE, data=FORM | {"based_on": "0"})
    response = desk.post(PAGE, data=FORM | {"based_on": "1"})
    assert "Nothing had changed" in response.text
    made = newest()
    assert made
    assert made.version == 1


def test_who_was_overtaken_keeps_what_they_typed(
    services: Services, desk: TestClient, newest: Callable[[], Revision | None]
) -> None:
    with transaction(services.engine) as session:
        draft(session, "delivery-costs", "it", ITALIAN, tariq(session))
    response = desk.post(PAGE, data=FORM | {"based_on": "0", "answer": "La mia risposta."})
    assert response.status_code == 409
    assert "La mia risposta." in response.text
    assert 'name="based_on" value="1"' in response.text
    assert desk.post(PAGE, data=FORM | {"based_on": "x", "title": ""}).status_code == 422


def test_a_wrong_price_is_pointed_out_while_typing_and_before_approval(
    services: Services, desk: TestClient
) -> None:
    wrong = FORM | {"answer": ITALIAN.answer.replace("3,95", "3,59")}
    told = desk.post(f"{PAGE}/facts", data=wrong).text
    assert "€3.95" in told
    assert "3,59 €" in told
    assert "agree with the source" in desk.post(f"{PAGE}/facts", data=FORM).text
    with transaction(services.engine) as session:
        answer = str(wrong["answer"])
        wording = replace(ITALIAN, answer=answer)
        revision = draft(session, "delivery-costs", "it", wording, tariq(session))
        submit(session, revision, tariq(session))
        assert [warning.kind for warning in warnings_for(session, revision)] == ["money"]


def test_what_changed_in_the_source_since_is_shown(services: Services, desk: TestClient) -> None:
    with transaction(services.engine) as session:
        published(session, "delivery-costs", ITALIAN, "it")
        newer = replace(DELIVERY_COSTS, answer=DELIVERY_COSTS.answer.replace("3.95", "4.95"))
        published(session, "delivery-costs", newer)
        assert mina(session)
    page = desk.get(PAGE).text
    assert "<del>3</del>" in page or "<del>3.95</del>" in page
    assert "The source has changed in 1 place" in page
    assert "1 fact differs from the source" in page
    assert "state-outdated" in desk.get("/studio/translations?q=delivery").text


def test_a_file_goes_to_translators_and_comes_back(
    desk: TestClient, newest: Callable[[], Revision | None]
) -> None:
    desk.post(PAGE, data=FORM | {"based_on": "0"})
    response = desk.get("/studio/translations/xliff?in=it&state=draft")
    assert response.headers["content-disposition"] == 'attachment; filename="verbatim-it-draft.xlf"'
    changed = response.content.replace("ed è gratis".encode(), b"e gratis")
    report = desk.post("/studio/translations/xliff", files={"document": ("a.xlf", changed)})
    assert f'href="{PAGE}"' in report.text
    made = newest()
    assert made
    assert (made.version, "e gratis" in made.answer) == (2, True)


def test_a_broken_file_is_refused_with_a_reason(desk: TestClient) -> None:
    files = {"document": ("a.xlf", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")}
    response = desk.post("/studio/translations/xliff", files=files)
    assert response.status_code == 422
    assert "DOCTYPE" in response.text


@pytest.mark.parametrize("path", ["/nothing/it", "/delivery-costs/en", "/delivery-costs/xx"])
def test_there_is_no_editor_for_what_cannot_be_translated(desk: TestClient, path: str) -> None:
    assert desk.get(f"/studio/translations{path}").status_code == 404
