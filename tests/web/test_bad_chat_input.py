"""What nobody should send to the chat or the desk: refused or cleaned, never our error."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from kb.db import transaction
from kb.people import add_key
from tests.web.conftest import Keys
from tests.web.test_bad_input import is_problem
from tests.web.test_conversation_api import CHAT, begin, identity
from tests.web.test_conversation_api import signed as signed
from web.services import Services

NUL = "a\x00b"


@pytest.fixture
def case(client: TestClient, keys: Keys) -> str:
    """The address of a case that the agent has."""
    id_ = begin(client).call("POST", "/handoff")["handoff"]["id"]
    at = f"/api/v1/handoffs/{id_}"
    assert client.post(f"{at}/claim", headers=keys["agent"]).is_success
    return at


def test_control_characters_of_a_page_are_left_out(client: TestClient) -> None:
    pages, searches = [{"url": NUL, "title": NUL, "at": NUL}], [{"q": NUL, "at": NUL}]
    chat = begin(client, page_url=NUL, page_title=NUL, pages=pages, searches=searches)
    chat.say("hello", page_url="/\x00next", page_title=NUL)
    package = chat.call("GET", "/package")
    assert package["page"] == {"url": "/next", "title": "ab"}
    assert package["pages"] == [{"url": "ab", "title": "ab", "at": "ab"}]
    assert package["searches"] == [{"q": "ab", "at": "ab"}]


def test_case_goes_to_nobody_whose_id_is_impossible(
    client: TestClient, keys: Keys, case: str
) -> None:
    for to in ("9" * 5000, "9" * 11, -(10**30), 10**30, -1, "٣٣٣"):
        refused = client.post(f"{case}/transfer", json={"to": to}, headers=keys["agent"])
        assert is_problem(refused, 422), to
        assert refused.json()["field"] == "to"


def test_digit_that_is_no_number_names_a_skill(client: TestClient, keys: Keys, case: str) -> None:
    passed = client.post(f"{case}/transfer", json={"to": "²"}, headers=keys["agent"])
    assert (passed.status_code, passed.json()["skill"]) == (200, "²")


NAMELESS: list[tuple[str, Any]] = [
    ("replies", {"text": "hello", "article": "reset-password", "locale": NUL}),
    ("replies", {"text": "hello", "article": NUL}),
    ("resolution", {"disposition": "answered", "article": "reset-password", "locale": NUL}),
    ("draft", {"title": NUL, "answer": "Choose it in the basket."}),
    ("draft", {"title": "Gift wrapping", "answer": "See [there](../gifts)."}),
]


def test_what_names_no_article_and_makes_none_is_refused(
    client: TestClient, keys: Keys, case: str
) -> None:
    for path, body in NAMELESS:
        refused = client.post(f"{case}/{path}", json=body, headers=keys["agent"])
        assert is_problem(refused, 404, 422), (path, body)


def test_article_is_used_and_flagged_in_plain_words(client: TestClient, keys: Keys) -> None:
    at, agent = "/api/v1/articles/reset-password", keys["agent"]
    assert client.post(f"{at}/uses", json={"text": NUL}, headers=agent).status_code == 201
    assert client.post(f"{at}/flags", json={"reason": NUL}, headers=agent).status_code == 201
    for path, body in (("uses", {}), ("flags", {"reason": "old"})):
        refused = client.post(f"{at}/{path}", json=body | {"locale": NUL}, headers=agent)
        assert is_problem(refused, 422)


def test_signed_in_customer_opens_no_strange_id(signed: TestClient) -> None:
    body = {"identity": identity()}
    for id_ in ("%00", "%F0%9F%98%80", "a" * 65):
        assert is_problem(signed.post(f"{CHAT}/{id_}/token", json=body), 404)


def test_half_a_character_in_an_identity_hides_no_case(
    signed: TestClient, services: Services
) -> None:
    with transaction(services.engine) as session:
        agent = {"Authorization": f"Bearer {add_key(session, 'agent')}"}
    chat = begin(signed, identity=identity(attributes={"plan\x00": "club \ud800"}))
    id_ = chat.call("POST", "/handoff")["handoff"]["id"]
    case = signed.get(f"/api/v1/handoffs/{id_}", headers=agent).json()
    assert case["customer"]["attributes"] == {"plan": "club "}
