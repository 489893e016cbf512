"""The desk over HTTP: from the queue to the end of a case, with nothing asked twice."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from assistant.desk.kcs import ArticleUse, Flag
from assistant.outgoing import Outgoing
from kb.articles import answer_digest
from kb.db import transaction
from kb.history import Event
from kb.people import add_key
from tests.cast import REFUND_POLICY, published
from tests.web.conftest import Keys
from tests.web.test_conversation_api import Chat, begin
from web import examples
from web.services import Services

AT = "/api/v1/handoffs"


class Desk:
    """An agent with a key."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call that works, as JSON."""
        response = self.client.request(method, f"/api/v1{path}", json=body, headers=self.headers)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def status(self, method: str, path: str, body: Any = None) -> int:
        """The status of a call."""
        sent = self.client.request(method, f"/api/v1{path}", json=body, headers=self.headers)
        return sent.status_code


@pytest.fixture
def omar(client: TestClient, keys: Keys) -> Desk:
    """An agent."""
    return Desk(client, keys["agent"])


@pytest.fixture
def other(client: TestClient, services: Services) -> Desk:
    """A second agent."""
    with transaction(services.engine) as session:
        secret = add_key(session, "agent")
    return Desk(client, {"Authorization": f"Bearer {secret}"})


@pytest.fixture
def waiting(client: TestClient) -> Chat:
    """A customer who asked, was not helped, and waits for a person."""
    pages = [{"url": "https://shop.example/kettles", "title": "Kettles", "at": ""}]
    chat = begin(
        client,
        page_url="https://shop.example/kettles/1",
        page_title="A kettle",
        pages=pages,
        searches=[{"q": "refund late", "at": ""}],
    )
    chat.say("hello")
    number = chat.say("how long until I have my money back for order 48-2210931")[0]["n"]
    chat.call("POST", f"/turns/{number}/feedback", {"helped": False})
    chat.say("I want to talk to a person please")
    chat.call("POST", "/handoff", {"contact": {"name": "Léa", "email": "lea@example.com"}})
    return chat


def case_of(desk: Desk) -> int:
    """The first case in the queue."""
    found: int = desk.call("GET", "/handoffs")["items"][0]["id"]
    return found


def test_package_tells_the_whole_story(omar: Desk, waiting: Chat) -> None:
    package = omar.call("POST", f"/handoffs/{case_of(omar)}/claim")
    assert package["want"] == "how long until I have my money back for order 48-2210931"
    assert (package["reason"], package["locale"], package["skill"]) == ("request", "en", "refunds")
    assert package["customer"]["name"] == "Léa"
    assert not package["customer"]["verified"]
    assert [f["value"] for f in package["facts"] if f["kind"] == "order_number"] == ["48-2210931"]
    (answer,) = package["answers"]
    assert (answer["article"], answer["version"], answer["helped"]) == ("refund-time", 1, False)
    assert package["page"]["title"] == "A kettle"
    assert (package["pages"][0]["title"], package["searches"][0]["q"]) == ("Kettles", "refund late")
    assert package["transcript"][0]["text"] == "hello"
    assert package["suggestions"][0]["article"] == "refund-time"


def test_queue_shows_reason_place_and_the_latest_words(omar: Desk, waiting: Chat) -> None:
    (line,) = omar.call("GET", "/handoffs?status=waiting")["items"]
    assert (line["position"], line["reason"], line["status"]) == (1, "request", "waiting")
    assert line["last"] == "I want to talk to a person please"
    assert line["unread"] == 3


@pytest.mark.parametrize("role", ["contributor", None])
def test_desk_is_for_those_who_serve(
    client: TestClient, keys: Keys, waiting: Chat, role: str | None
) -> None:
    expected = 403 if role else 401
    desk = Desk(client, keys[role] if role else {})
    paths = ["/desk", "/handoffs", "/handoffs/1", "/suggestions?q=refund", "/desk/events"]
    assert {desk.status("GET", path) for path in paths} == {expected}
    posts = {"claim": None, "replies": {"text": "hi"}, "resolution": {"disposition": "other"}}
    for verb, body in posts.items():
        assert desk.status("POST", f"/handoffs/1/{verb}", body) == expected
    assert desk.status("GET", "/handoffs/1") == expected


def test_customer_s_token_opens_no_desk(client: TestClient, waiting: Chat) -> None:
    assert Desk(client, waiting.headers).status("GET", "/handoffs/1") == 401


def test_second_claim_is_told_who_has_it(omar: Desk, other: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    refused = other.client.post(f"{AT}/{case}/claim", headers=other.headers)
    assert refused.status_code == 409
    assert "already taken" in refused.json()["detail"]
    assert omar.call("POST", f"/handoffs/{case}/claim")["status"] == "with_agent"


def test_agent_and_customer_talk_and_the_assistant_is_silent(omar: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    omar.call("POST", f"/handoffs/{case}/replies", {"text": "Hello Léa, I see your order."})
    assert waiting.say("where is my refund") == []
    turns = waiting.read()["turns"]
    assert [t["author"] for t in turns[-3:]] == ["system", "agent", "customer"]
    assert turns[-2]["html"] == "<p>Hello Léa, I see your order.</p>"


def test_customer_who_waits_is_heard_and_not_answered(waiting: Chat) -> None:
    assert waiting.say("are you still there?") == []
    assert waiting.read()["status"] == "waiting"


def test_inserted_answer_is_the_approved_one_and_counts_as_used(
    omar: Desk, waiting: Chat, services: Services
) -> None:
    case = case_of(omar)
    suggestion = omar.call("POST", f"/handoffs/{case}/claim")["suggestions"][0]
    body = {"text": suggestion["text"], "article": suggestion["article"], "locale": "en"}
    turn = omar.call("POST", f"/handoffs/{case}/replies", body)["turn"]
    assert turn["text"] == REFUND_POLICY.answer
    assert turn["article"]["sha256"] == answer_digest(turn["text"])
    assert not turn["article"]["deviates"]
    with transaction(services.engine) as session:
        assert [(use.how, use.text) for use in session.exec(select(ArticleUse))] == [
            ("inserted", None)
        ]


def test_changed_answer_is_kept_as_a_deviation(
    omar: Desk, waiting: Chat, services: Services
) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    body = {"text": "We refund in 2 weeks.", "article": "refund-time", "client_id": "a"}
    first, again = (omar.call("POST", f"/handoffs/{case}/replies", body) for _ in range(2))
    assert first["turn"]["article"]["deviates"]
    assert first == again
    with transaction(services.engine) as session:
        (use,) = session.exec(select(ArticleUse)).all()
        assert use.text == "We refund in 2 weeks."


@pytest.mark.parametrize("slug", ["goodwill-credit", "not-yet"])
def test_what_a_customer_may_not_read_is_not_given(
    omar: Desk, waiting: Chat, client: TestClient, keys: Keys, slug: str
) -> None:
    draft = {"slug": "not-yet", "title": "Not yet", "answer": "Soon."}
    client.post("/api/v1/articles", json=draft, headers=keys["contributor"])
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    body = {"text": "so it is", "article": slug}
    assert omar.status("POST", f"/handoffs/{case}/replies", body) == 422
    assert "so it is" not in str(waiting.read())


def test_what_is_said_to_the_agent_does_not_change_why_they_came(omar: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    waiting.say("is anybody reading this at all")
    want = omar.call("GET", f"/handoffs/{case}")["want"]
    assert want == "how long until I have my money back for order 48-2210931"


def test_note_is_for_colleagues_only(omar: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    note = {"text": "has called twice", "client_id": "n1"}
    first, again = (omar.call("POST", f"/handoffs/{case}/notes", note) for _ in range(2))
    assert first == again
    assert "has called twice" in str(omar.call("GET", f"/handoffs/{case}")["transcript"])
    assert "has called twice" not in str(waiting.read())


def test_case_ends_by_an_article_and_the_customer_is_asked_once(omar: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    body = {"disposition": "answered", "article": "refund-time", "version": 1}
    package = omar.call("POST", f"/handoffs/{case}/resolution", body)
    assert (package["status"], package["disposition"]) == ("resolved", "answered")
    assert waiting.read()["ask_solved"]
    solved = waiting.call("POST", "/satisfaction", {"solved": True, "score": 5})
    assert (solved["ask_solved"], solved["satisfaction"]) == (False, {"solved": True, "score": 5})


def test_unsolved_case_opens_again_with_the_whole_story(omar: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    omar.call("POST", f"/handoffs/{case}/resolution", {"disposition": "other"})
    assert waiting.call("POST", "/satisfaction", {"solved": False})["status"] == "waiting"
    assert omar.call("GET", "/handoffs")["items"][0]["returned"]


def test_new_message_after_the_end_goes_to_the_assistant(omar: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    omar.call("POST", f"/handoffs/{case}/resolution", {"disposition": "other"})
    assert waiting.kinds("how much is shipping") == ["answer"]
    assert waiting.read()["status"] == "open"


def test_knowledge_is_added_in_the_customer_s_words(omar: Desk, waiting: Chat) -> None:
    case = case_of(omar)
    omar.call("POST", f"/handoffs/{case}/claim")
    omar.call("POST", f"/handoffs/{case}/replies", {"text": "The bank takes 5 days more."})
    made = omar.call("POST", f"/handoffs/{case}/draft", {"title": "Late refunds"})
    assert (made["state"], made["slug"]) == ("draft", "late-refunds")
    assert made["text"] == "The bank takes 5 days more."
    assert made["phrasings"] == ["how long until I have my money back for order"]


def test_flag_reaches_history(omar: Desk, services: Services) -> None:
    made = omar.call("POST", "/articles/refund-time/flags", {"reason": "It is 5 days now"})
    with transaction(services.engine) as session:
        flag = session.get(Flag, made["id"])
        assert flag is not None
        assert (flag.state, flag.reason) == ("open", "It is 5 days now")
        assert session.exec(select(Event).where(Event.kind == "flagged")).one().data
    assert omar.status("POST", "/articles/refund-time/flags", {"reason": " "}) == 422
    assert omar.status("POST", "/articles/no-such/flags", {"reason": "x"}) == 404


def test_flag_is_mailed_to_the_article_s_owner(omar: Desk, services: Services) -> None:
    with transaction(services.engine) as session:
        published(session, "refund-time", replace(REFUND_POLICY, owner="elsa@example.com"))
    omar.call("POST", "/articles/refund-time/flags", {"reason": "It is 5 days now"})
    with transaction(services.engine) as session:
        (letter,) = session.exec(select(Outgoing).where(Outgoing.kind == "mail")).all()
        assert letter.data["to"] == "elsa@example.com"
        assert "It is 5 days now" in letter.data["text"]


def test_still_right_is_said_beside_the_answer_and_taken_back(
    omar: Desk, client: TestClient
) -> None:
    article = "/articles/refund-time"
    made = omar.call("POST", f"{article}/verifications")
    shown = client.get(f"/api/v1{article}").json()
    assert shown["verified_at"] == made["verified_at"] > shown["approved_at"]
    omar.call("DELETE", f"{article}/verifications/{made['id']}")
    shown = client.get(f"/api/v1{article}").json()
    assert shown["verified_at"] == shown["approved_at"]
    assert omar.status("DELETE", f"{article}/verifications/{made['id']}") == 409


def test_what_is_not_live_cannot_be_verified(omar: Desk, client: TestClient, keys: Keys) -> None:
    client.post(
        "/api/v1/articles", json=examples.NEW_ARTICLE, headers=keys["contributor"]
    ).raise_for_status()
    article = f"/articles/{examples.NEW_ARTICLE['slug']}"
    assert omar.status("POST", f"{article}/verifications") == 404
    assert omar.status("POST", f"{article}/verifications", {"version": 1}) == 409
    assert omar.status("POST", f"{article}/verifications", {"version": 2}) == 404


def test_suggestions_show_agents_what_customers_never_see(
    omar: Desk, client: TestClient, keys: Keys
) -> None:
    draft = {"slug": "late", "title": "Kettle recall in May", "answer": "Send it back."}
    draft |= {"phrasings": ["is my kettle recalled"]}
    client.post("/api/v1/articles", json=draft, headers=keys["contributor"])
    found = omar.call("GET", "/suggestions?q=is my kettle recalled&locale=en")["items"]
    assert [s["badges"] for s in found if s["article"] == "late"] == [["not_validated"]]
    found = omar.call("GET", "/suggestions?q=how much goodwill may I give&locale=en")["items"]
    assert found[0]["article"] == "goodwill-credit"
    assert "agents_only" in found[0]["badges"]
    asked = client.post("/api/v1/ask", json={"question": "is my kettle recalled"}).json()
    assert "recall" not in str(asked)


def test_offer_shows_to_the_agent_it_is_made_to(omar: Desk, other: Desk, waiting: Chat) -> None:
    omar.call("PUT", "/desk/presence", {"online": True, "languages": ["en"], "room": 2})
    assert omar.call("GET", "/handoffs")["items"][0]["offered_to_me"]
    assert not other.call("GET", "/handoffs")["items"][0]["offered_to_me"]
    assert waiting.read()["handoff"]["estimated_wait_seconds"] == 30


@pytest.mark.parametrize(
    "body",
    [
        {"online": True, "room": 0},
        {"online": True, "languages": ["tlh"]},
        {"online": True, "skills": ["x" * 81]},
        {"online": "often"},
    ],
)
def test_presence_that_means_nothing_is_refused(omar: Desk, body: Any) -> None:
    assert omar.status("PUT", "/desk/presence", body) == 422


@pytest.mark.parametrize("path", ["/handoffs/0", "/handoffs/99999999999", "/handoffs/x"])
def test_strange_case_is_refused(omar: Desk, path: str) -> None:
    assert omar.status("GET", path) == 422
    assert omar.status("GET", "/handoffs/77") == 404
