"""Server-sent events over a real connection: at once, in order, resumed without a gap."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from kb.db import transaction
from kb.people import add_key
from web.app import create_app
from web.services import Services

CHAT = "/api/v1/conversations"


@pytest.fixture
def served(services: Services) -> Iterator[httpx.Client]:
    """A client of a real server."""
    app = create_app(services)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
        yield client
    app.state.feed.stop()
    server.should_exit = True
    thread.join(timeout=10)


class Stream:
    """The events of one open connection."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines

    def next(self) -> tuple[str, Any, int | None]:
        """The next event: its name, its data, its id."""
        name, data, id_ = "", "", None
        for line in self.lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                id_ = int(value)
            elif not line and name:
                return name, json.loads(data), id_
        raise AssertionError("the stream has ended")

    def until(self, wanted: str) -> tuple[Any, int | None]:
        """The data and id of the next event of that name."""
        while True:
            name, data, id_ = self.next()
            if name == wanted:
                return data, id_


@contextmanager
def watching(client: httpx.Client, path: str, headers: dict[str, str]) -> Iterator[Stream]:
    """An open stream."""
    with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response.iter_lines())


def begun(client: httpx.Client) -> tuple[str, dict[str, str]]:
    """The address of a new conversation, and its headers."""
    made = client.post(CHAT, json={"locale": "en"}).json()
    return f"{CHAT}/{made['id']}", {"Authorization": f"Bearer {made['token']}"}


def say(client: httpx.Client, at: str, headers: dict[str, str], text: str) -> None:
    """One message of the customer."""
    client.post(f"{at}/turns", json={"text": text}, headers=headers).raise_for_status()


def test_stream_begins_with_where_things_stand(served: httpx.Client) -> None:
    at, headers = begun(served)
    with watching(served, f"{at}/events", headers) as stream:
        name, data, _ = stream.next()
    assert (name, data["status"], data["handoff"]) == ("conversation", "open", None)


def test_turns_come_in_order_and_resume_exactly(served: httpx.Client) -> None:
    at, headers = begun(served)
    with watching(served, f"{at}/events", headers) as stream:
        stream.next()
        say(served, at, headers, "hello")
        seen = [stream.until("turn") for _ in range(2)]
    for text in ("where is my refund", "is delivery free"):
        say(served, at, headers, text)
    last = {"Last-Event-ID": str(seen[-1][1])}
    with watching(served, f"{at}/events", headers | last) as stream:
        say(served, at, headers, "thank you")
        seen += [stream.until("turn") for _ in range(6)]
    turns = served.get(at, headers=headers).json()["turns"]
    assert [data["n"] for data, _ in seen] == [turn["n"] for turn in turns] == list(range(1, 9))
    assert [data for data, _ in seen] == turns


def test_agent_and_customer_see_each_other_at_once(
    served: httpx.Client, services: Services
) -> None:
    with transaction(services.engine) as session:
        agent = {"Authorization": f"Bearer {add_key(session, 'agent')}"}
    at, customer = begun(served)
    say(served, at, customer, "where is my refund")
    served.put("/api/v1/desk/presence", json={"online": True}, headers=agent)
    with (
        watching(served, f"{at}/events", customer) as site,
        watching(served, "/api/v1/desk/events", agent) as desk,
    ):
        case = served.post(f"{at}/handoff", headers=customer).json()["handoff"]["id"]
        moved, _ = desk.until("handoff")
        assert (moved["id"], moved["status"]) == (case, "waiting")
        served.post(f"/api/v1/handoffs/{case}/claim", headers=agent)
        while site.until("conversation")[0]["status"] != "with_agent":
            pass
        served.post(f"/api/v1/handoffs/{case}/typing", headers=agent)
        assert site.until("typing")[0]["author"] == "agent"
        served.post(f"/api/v1/handoffs/{case}/notes", json={"text": "secret"}, headers=agent)
        served.post(f"/api/v1/handoffs/{case}/replies", json={"text": "Hi"}, headers=agent)
        turn, _ = site.until("turn")
        while turn["author"] != "agent":
            turn, _ = site.until("turn")
        assert turn["text"] == "Hi"
        say(served, at, customer, "hi Omar")
        data, _ = desk.until("turn")
        while data["turn"]["text"] != "hi Omar":
            data, _ = desk.until("turn")
        assert data["handoff"] == case


def test_deleted_conversation_ends_in_every_window(served: httpx.Client) -> None:
    at, headers = begun(served)
    with watching(served, f"{at}/events", headers) as stream:
        stream.next()
        served.delete(at, headers=headers)
        assert stream.next()[0] == "deleted"
