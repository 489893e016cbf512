"""The JSON API: the shapes of the contract, and an answer's whole way to the customer."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from kb.articles import answer_digest
from kb.db import transaction
from kb.people import ApiKey, Person
from tests.cast import DELIVERY_COSTS, GOODWILL, PASSWORD_RESET, SENDING_BACK, published
from tests.web.conftest import Keys
from web.services import Services

ANSWER = {
    "article", "version", "locale", "title", "text", "html", "url", "sha256",
    "approved_at", "verified_at",
}  # fmt: skip
REPLY = {
    "outcome", "locale", "confidence", "answer", "options", "related", "reason", "notice",
    "receipt",
}  # fmt: skip
WARRANTY = {
    "title": "How long the warranty lasts",
    "answer": "Two years from the day of delivery.",
    "phrasings": ["is my lamp still under warranty", "warranty period", "how long is the warranty"],
    "category": "warranty",
}
ASKED = "is my lamp still under warranty"


def ask(client: TestClient, question: str, **more: Any) -> dict[str, Any]:
    """The reply to a question."""
    response = client.post("/api/v1/ask", json={"question": question, **more})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def create(client: TestClient, keys: Keys, slug: str = "warranty-period", **more: Any) -> None:
    """A new article by a contributor, approved by a publisher, not yet live."""
    made = client.post(
        "/api/v1/articles", json=WARRANTY | {"slug": slug} | more, headers=keys["contributor"]
    )
    assert made.status_code == 201, made.text
    approve(client, keys, slug, 1)


def approve(client: TestClient, keys: Keys, slug: str, version: int) -> None:
    """Submitted by a contributor, approved by a publisher."""
    at = f"/api/v1/articles/{slug}/revisions/{version}"
    assert client.post(f"{at}/review", headers=keys["contributor"]).json()["state"] == "in_review"
    assert client.post(f"{at}/approval", headers=keys["publisher"]).json()["state"] == "approved"


def publish(client: TestClient, keys: Keys, slug: str = "warranty-period", **body: Any) -> Any:
    """Made live by a publisher."""
    return client.post(f"/api/v1/articles/{slug}/publication", json=body, headers=keys["publisher"])


def is_problem(response: Any, status: int) -> bool:
    """Whether that is an RFC 9457 problem of that status."""
    kind = response.headers["content-type"]
    return bool(
        response.status_code == status == response.json()["status"]
        and kind == "application/problem+json"
        and {"type", "title", "detail"} <= set(response.json())
    )


# -- shapes ------------------------------------------------------------------------


def test_answered_reply_has_the_shape_of_the_contract(reader: TestClient) -> None:
    reply = ask(reader, "i forgot my password", locale="en")
    assert set(reply) == REPLY
    assert (reply["outcome"], reply["locale"], reply["notice"]) == ("answered", "en", None)
    assert set(reply["answer"]) == ANSWER | {"passage"}
    assert set(reply["receipt"]) == {"id", "epoch", "issued_at"}
    assert 0 < reply["confidence"] <= 1


def test_answer_is_the_approved_text_letter_for_letter(reader: TestClient) -> None:
    answer = ask(reader, "i forgot my password")["answer"]
    assert answer["text"] == PASSWORD_RESET.answer
    assert answer["sha256"] == hashlib.sha256(answer["text"].encode()).hexdigest()
    assert answer["url"].endswith("/en/articles/reset-password")
    assert "<strong>" in answer["html"]


def test_part_of_the_body_is_named_with_its_address(client: TestClient, services: Services) -> None:
    with transaction(services.engine) as session:
        published(session, "send-back", SENDING_BACK)
    reply = ask(client, "how do i send something back in a shop")
    answer = reply["answer"]
    assert (answer["text"], answer["sha256"]) == (
        SENDING_BACK.answer,
        answer_digest(SENDING_BACK.answer),
    )
    assert answer["passage"] == {
        "heading": "In a shop",
        "anchor": "s-in-a-shop",
        "url": f"{answer['url']}#s-in-a-shop",
        "text": "Show the code at the till.",
    }
    assert client.get(f"/api/v1/receipts/{reply['receipt']['id']}").json()["answer"] == answer


def test_part_before_the_first_heading_is_named_without_an_anchor(reader: TestClient) -> None:
    answer = ask(reader, "what does it cost to deliver furniture")["answer"]
    assert answer["passage"] == {
        "heading": "",
        "anchor": "",
        "url": answer["url"],
        "text": "Furniture costs €29.",
    }


def test_answer_that_a_phrasing_found_names_no_part(reader: TestClient) -> None:
    assert ask(reader, "postage price")["answer"]["passage"] is None


def test_abstained_reply_says_so_and_gives_no_answer(reader: TestClient) -> None:
    reply = ask(reader, "what is the capital of Mongolia")
    assert (reply["outcome"], reply["answer"], reply["options"]) == ("abstained", None, [])
    assert reply["reason"]


def test_same_question_gets_the_same_reply(reader: TestClient) -> None:
    first, again = (ask(reader, "postage price please") for _ in range(2))
    assert first.pop("receipt")["id"] != again.pop("receipt")["id"]
    assert first == again


def test_search_lists_articles_best_first(reader: TestClient) -> None:
    found = reader.get("/api/v1/search", params={"q": "refund", "limit": 2}).json()
    assert set(found) == {"items", "total", "next", "notice"}
    assert found["items"][0]["article"] == "refund-time"
    assert set(found["items"][0]) == ANSWER | {"category", "score"}
    assert len(found["items"]) <= 2


def test_list_is_paged_by_limit_and_after(reader: TestClient) -> None:
    first = reader.get("/api/v1/articles", params={"limit": 2}).json()
    second = reader.get("/api/v1/articles", params={"limit": 2, "after": first["next"]}).json()
    slugs = [item["article"] for item in first["items"] + second["items"]]
    assert slugs == ["delivery-costs", "refund-time", "reset-password"]
    assert (first["total"], second["total"], second["next"]) == (3, 3, None)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", "1e9"])
def test_limit_out_of_bounds_is_refused(reader: TestClient, limit: str) -> None:
    assert is_problem(reader.get("/api/v1/articles", params={"limit": limit}), 422)


def test_article_comes_with_its_body_and_phrasings(reader: TestClient) -> None:
    found = reader.get("/api/v1/articles/reset-password").json()
    assert set(found) > ANSWER | {"slug", "body", "body_html", "phrasings", "category", "audience"}
    assert found["phrasings"] == list(PASSWORD_RESET.phrasings)
    assert (found["state"], found["live"], found["version"]) == ("approved", True, 1)


def test_article_without_a_translation_says_which_language_it_is_in(reader: TestClient) -> None:
    found = reader.get("/api/v1/articles/reset-password", params={"locale": "ko"}).json()
    assert found["locale"] == "en"


def test_version_has_a_lasting_address(reader: TestClient) -> None:
    found = reader.get("/api/v1/articles/reset-password/versions/1").json()
    assert (found["version"], found["text"]) == (1, PASSWORD_RESET.answer)
    assert is_problem(reader.get("/api/v1/articles/reset-password/versions/2"), 404)


def test_receipt_reads_back_what_was_said(reader: TestClient) -> None:
    reply = ask(reader, "where is my refund")
    kept = reader.get(f"/api/v1/receipts/{reply['receipt']['id']}").json()
    assert kept["answer"]["sha256"] == reply["answer"]["sha256"]
    assert (kept["question"], kept["outcome"]) == ("where is my refund", "answered")
    assert (kept["channel"], kept["still_holds"]) == ("api", True)


def test_receipt_of_silence_has_no_answer(reader: TestClient) -> None:
    reply = ask(reader, "what is the capital of Mongolia")
    kept = reader.get(f"/api/v1/receipts/{reply['receipt']['id']}").json()
    assert (kept["outcome"], kept["answer"], kept["still_holds"]) == ("abstained", None, None)


def test_receipt_explains_itself_to_staff_only(reader: TestClient, reader_keys: Keys) -> None:
    at = f"/api/v1/receipts/{ask(reader, 'where is my refund')['receipt']['id']}"
    assert reader.get(at).json()["explanation"] is None
    why = reader.get(at, headers=reader_keys["agent"]).json()["explanation"]
    assert set(why) == {"confidence", "in_scope", "matches"}
    best = why["matches"][0]
    assert best["article"] == "refund-time"
    assert best["witnesses"][0] | {"similarity": 1, "words": 1} == {
        "source": "phrasing",
        "locale": "en",
        "text": "where is my refund",
        "similarity": 1,
        "words": 1,
    }


def test_receipt_with_a_wrong_key_is_refused(reader: TestClient) -> None:
    at = f"/api/v1/receipts/{ask(reader, 'where is my refund')['receipt']['id']}"
    assert is_problem(reader.get(at, headers={"Authorization": "Bearer vb_wrong"}), 401)


def test_unknown_receipt_is_not_found(reader: TestClient) -> None:
    for strange in ("nothing", "%00", "a" * 500, "..%2f"):
        assert is_problem(reader.get(f"/api/v1/receipts/{strange}"), 404)


@pytest.mark.parametrize(("field", "value"), [("locale", "xx"), ("channel", "fax")])
def test_unknown_locale_and_channel_are_named(reader: TestClient, field: str, value: str) -> None:
    response = reader.post("/api/v1/ask", json={"question": "refund", field: value})
    assert is_problem(response, 422)
    assert response.json()["field"] == field
    assert value in response.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/api/v1/search?q=x&", "/api/v1/articles?", "/api/v1/articles/a?"]
)
def test_unknown_locale_is_refused_when_reading(reader: TestClient, path: str) -> None:
    assert is_problem(reader.get(f"{path}locale=tlh"), 422)


@pytest.mark.parametrize("slug", ["no-such-article", "Not A Slug", "a%00b", "é", "x" * 200])
def test_missing_article_is_not_found(reader: TestClient, slug: str) -> None:
    assert is_problem(reader.get(f"/api/v1/articles/{slug}"), 404)
    assert is_problem(reader.get(f"/api/v1/articles/{slug}/versions/1"), 404)


# -- from a draft to the customer --------------------------------------------------


def test_new_wording_is_said_as_soon_as_it_is_published(client: TestClient, keys: Keys) -> None:
    create(client, keys)
    assert ask(client, ASKED)["outcome"] != "answered"
    made = publish(client, keys)
    assert (made.status_code, made.json()["live"]) == (201, True)
    reply = ask(client, ASKED)
    assert (reply["outcome"], reply["answer"]["text"]) == ("answered", WARRANTY["answer"])


def test_second_version_replaces_the_first_when_it_is_published(
    client: TestClient, keys: Keys
) -> None:
    kept = {"title": DELIVERY_COSTS.title, "phrasings": list(DELIVERY_COSTS.phrasings)}
    new = kept | {"answer": "Free.", "based_on": 1}
    at = "/api/v1/articles/delivery-costs"
    made = client.post(f"{at}/revisions", json=new, headers=keys["contributor"])
    assert (made.status_code, made.json()["version"], made.json()["state"]) == (201, 2, "draft")
    approve(client, keys, "delivery-costs", 2)
    assert ask(client, "postage price")["answer"]["version"] == 1
    publish(client, keys, "delivery-costs")
    assert ask(client, "postage price")["answer"]["text"] == "Free."
    assert client.get(f"{at}/versions/1").json()["live"] is False


def test_author_cannot_approve_their_own_wording(client: TestClient, keys: Keys) -> None:
    body = WARRANTY | {"slug": "warranty-period"}
    assert client.post("/api/v1/articles", json=body, headers=keys["publisher"]).is_success
    at = "/api/v1/articles/warranty-period/revisions/1"
    client.post(f"{at}/review", headers=keys["publisher"])
    assert is_problem(client.post(f"{at}/approval", headers=keys["publisher"]), 403)
    assert client.post(f"{at}/approval", headers=keys["second"]).json()["state"] == "approved"


@pytest.mark.parametrize("role", ["contributor", "agent"])
def test_role_without_the_right_is_refused(client: TestClient, keys: Keys, role: str) -> None:
    create(client, keys)
    at = "/api/v1/articles/warranty-period"
    assert is_problem(client.post(f"{at}/publication", headers=keys[role]), 403)
    assert is_problem(client.delete(f"{at}/publication", headers=keys[role]), 403)
    assert is_problem(client.post(f"{at}/revisions/1/approval", headers=keys[role]), 403)
    assert ask(client, ASKED)["outcome"] != "answered"


def test_draft_cannot_be_published(client: TestClient, keys: Keys) -> None:
    body = WARRANTY | {"slug": "warranty-period"}
    client.post("/api/v1/articles", json=body, headers=keys["contributor"])
    assert is_problem(publish(client, keys), 409)


def test_revision_can_be_sent_back(client: TestClient, keys: Keys) -> None:
    body = WARRANTY | {"slug": "warranty-period"}
    client.post("/api/v1/articles", json=body, headers=keys["contributor"])
    at = "/api/v1/articles/warranty-period/revisions/1"
    client.post(f"{at}/review", headers=keys["contributor"])
    assert client.delete(f"{at}/review", headers=keys["publisher"]).json()["state"] == "draft"
    assert is_problem(client.post(f"{at}/approval", headers=keys["publisher"]), 409)


def test_withdrawn_article_is_silent_at_once(client: TestClient, keys: Keys) -> None:
    receipt = ask(client, "i forgot my password")["receipt"]["id"]
    at = "/api/v1/articles/reset-password"
    assert client.delete(f"{at}/publication", headers=keys["publisher"]).status_code == 204
    reply = ask(client, "i forgot my password")
    assert reply["outcome"] == "abstained"
    assert "reset-password" not in str(reply)
    assert is_problem(client.get(at), 404)
    assert client.get(f"/api/v1/receipts/{receipt}").json()["still_holds"] is False
    assert is_problem(client.delete(f"{at}/publication", headers=keys["publisher"]), 409)


def test_withdrawn_version_keeps_its_address(client: TestClient, keys: Keys) -> None:
    at = "/api/v1/articles/reset-password"
    client.delete(f"{at}/publication", headers=keys["publisher"])
    found = client.get(f"{at}/versions/1").json()
    assert (found["text"], found["live"]) == (PASSWORD_RESET.answer, False)


def test_overtaken_edit_is_a_conflict_and_writes_nothing(client: TestClient, keys: Keys) -> None:
    at, edit = "/api/v1/articles/reset-password/revisions", WARRANTY | {"based_on": 1}
    assert client.post(at, json=edit, headers=keys["contributor"]).json()["version"] == 2
    assert is_problem(client.post(at, json=edit, headers=keys["agent"]), 409)
    again = client.post(at, json=edit | {"based_on": 2}, headers=keys["agent"])
    assert again.json()["version"] == 3


def test_article_cannot_be_created_twice(client: TestClient, keys: Keys) -> None:
    body = WARRANTY | {"slug": "reset-password"}
    assert is_problem(client.post("/api/v1/articles", json=body, headers=keys["agent"]), 409)


def test_scheduled_start_waits_for_its_time(client: TestClient, keys: Keys) -> None:
    create(client, keys)
    start = datetime.now(UTC) + timedelta(seconds=2)
    made = publish(client, keys, starts_at=start.isoformat())
    assert datetime.fromisoformat(made.json()["starts_at"]) == start
    assert made.json()["live"] is False
    assert ask(client, ASKED)["outcome"] != "answered"
    time.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()))
    assert ask(client, ASKED)["outcome"] == "answered"


def test_expired_publication_falls_silent(client: TestClient, keys: Keys) -> None:
    create(client, keys)
    end = datetime.now(UTC) + timedelta(seconds=4)
    publish(client, keys, expires_at=end.isoformat())
    assert ask(client, ASKED)["outcome"] == "answered"
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    assert ask(client, ASKED)["outcome"] != "answered"


@pytest.mark.parametrize(
    "body",
    [
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"starts_at": "2030-01-01T00:00:00"},
        {"starts_at": "0001-01-01T00:00:00+14:00"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"starts_at": "tomorrow"},
        {"version": 0},
        {"version": 10**30},
    ],
)
def test_impossible_schedule_is_refused(
    client: TestClient, keys: Keys, body: dict[str, Any]
) -> None:
    create(client, keys)
    assert is_problem(publish(client, keys, **body), 422)


@pytest.mark.parametrize(
    "change",
    [
        {"slug": "Not A Slug"}, {"slug": "a\0b"}, {"slug": "../etc"}, {"title": " "},
        {"answer": ""}, {"answer": "x" * 601}, {"title": "a\0b"}, {"phrasings": [""]},
        {"phrasings": ["x"] * 2 + ["y" * 301]}, {"audience": "Every One"}, {"locale": "tlh"},
        {"verify_every": "soon"}, {"verify_every": "9999y"}, {"colour": "red"}, {"based_on": -1},
        {"body": "x" * 200_001}, {"body": "[b](../b.md)"}, {"answer": "[b](b)"},
    ],
)  # fmt: skip
def test_wrong_field_is_refused_and_named(
    reader: TestClient, reader_keys: Keys, change: dict[str, Any]
) -> None:
    body = WARRANTY | {"slug": "never-written"} | change
    response = reader.post("/api/v1/articles", json=body, headers=reader_keys["admin"])
    assert is_problem(response, 422)
    assert next(iter(change)) in response.text
    at = "/api/v1/articles/never-written/versions/1"
    assert is_problem(reader.get(at, headers=reader_keys["admin"]), 404)


# -- keys and audiences ------------------------------------------------------------


def test_writing_needs_a_key(reader: TestClient) -> None:
    at = "/api/v1/articles/reset-password"
    for response in (
        reader.post("/api/v1/articles", json=WARRANTY | {"slug": "a"}),
        reader.post(f"{at}/revisions", json=WARRANTY),
        reader.post(f"{at}/revisions/1/review"),
        reader.delete(f"{at}/revisions/1/review"),
        reader.post(f"{at}/revisions/1/approval"),
        reader.post(f"{at}/publication"),
        reader.delete(f"{at}/publication"),
    ):
        assert is_problem(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["Bearer vb_forged", "Bearer ", "Basic dXNlcjpwYXNz", "vb_x", "Bearer \xff\xfe"]
)
def test_forged_key_opens_nothing(reader: TestClient, header: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    for response in (
        reader.get("/api/v1/articles", headers=headers),
        reader.post("/api/v1/ask", json={"question": "refund"}, headers=headers),
        reader.post("/api/v1/articles", json=WARRANTY | {"slug": "a"}, headers=headers),
    ):
        assert is_problem(response, 401)


def test_revoked_key_and_a_leaver_s_key_open_nothing(
    client: TestClient, services: Services, keys: Keys
) -> None:
    now = datetime.now(UTC)
    with transaction(services.engine) as session:
        for key in session.exec(select(ApiKey)).all():
            person = session.get(Person, key.person_id)
            assert person is not None
            if person.role == "agent":
                key.revoked_at = now
            elif person.role == "admin":
                person.deactivated_at = now
    for role, status in (("agent", 401), ("admin", 401), ("publisher", 200)):
        assert client.get("/api/v1/articles", headers=keys[role]).status_code == status


def test_public_never_meets_an_agents_article(reader: TestClient) -> None:
    question = "how much goodwill may I give to an angry customer"
    answers = [
        reader.get("/api/v1/articles", params={"limit": 100}),
        reader.get("/api/v1/search", params={"q": question, "limit": 100}),
        reader.post("/api/v1/ask", json={"question": question}),
        reader.post("/api/v1/ask", json={"question": "goodwill credit", "channel": "widget"}),
    ]
    for response in answers:
        assert "goodwill-credit" not in response.text
        assert GOODWILL.answer not in response.text
    assert answers[0].json()["total"] == 3


def test_agents_article_is_as_absent_as_one_that_never_was(reader: TestClient) -> None:
    for path in ("{}", "{}/versions/1"):
        hidden = reader.get(f"/api/v1/articles/{path.format('goodwill-credit')}")
        missing = reader.get(f"/api/v1/articles/{path.format('nothing-there')}")
        assert is_problem(hidden, 404)
        assert hidden.text.replace("goodwill-credit", "nothing-there") == missing.text


def test_version_that_never_was_says_nothing_about_the_article(reader: TestClient) -> None:
    hidden = reader.get("/api/v1/articles/goodwill-credit/versions/99")
    missing = reader.get("/api/v1/articles/nothing-there/versions/99")
    assert hidden.text.replace("goodwill-credit", "nothing-there") == missing.text


def test_key_opens_what_agents_see(reader: TestClient, reader_keys: Keys) -> None:
    headers = reader_keys["agent"]
    listed = reader.get("/api/v1/articles", headers=headers).json()
    assert "goodwill-credit" in [item["article"] for item in listed["items"]]
    found = reader.get("/api/v1/articles/goodwill-credit", headers=headers).json()
    assert found["text"] == GOODWILL.answer


def test_sidebar_needs_a_key(reader: TestClient, reader_keys: Keys) -> None:
    body = {"question": "how much goodwill may I give", "channel": "sidebar"}
    assert is_problem(reader.post("/api/v1/ask", json=body), 401)
    said = reader.post("/api/v1/ask", json=body, headers=reader_keys["agent"]).json()
    assert said["answer"]["text"] == GOODWILL.answer


def test_agents_receipt_is_not_for_the_public(reader: TestClient, reader_keys: Keys) -> None:
    body = {"question": "how much goodwill may I give", "channel": "sidebar"}
    said = reader.post("/api/v1/ask", json=body, headers=reader_keys["agent"]).json()
    at = f"/api/v1/receipts/{said['receipt']['id']}"
    assert is_problem(reader.get(at), 404)
    assert reader.get(at, headers=reader_keys["agent"]).json()["answer"]["text"] == GOODWILL.answer


def test_draft_is_not_for_the_public(client: TestClient, keys: Keys) -> None:
    client.post(
        "/api/v1/articles/reset-password/revisions", json=WARRANTY, headers=keys["contributor"]
    )
    at = "/api/v1/articles/reset-password/versions/2"
    assert is_problem(client.get(at), 404)
    assert client.get(at, headers=keys["agent"]).json()["state"] == "draft"


def test_article_moved_to_agents_disappears_from_the_public(client: TestClient, keys: Keys) -> None:
    create(client, keys)
    publish(client, keys)
    at = "/api/v1/articles/warranty-period"
    moved = WARRANTY | {"audience": "agents"}
    client.post(f"{at}/revisions", json=moved, headers=keys["contributor"])
    approve(client, keys, "warranty-period", 2)
    publish(client, keys)
    assert "warranty-period" not in str(ask(client, ASKED))
    assert is_problem(client.get(at), 404)
