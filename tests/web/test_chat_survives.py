"""Conversations outlive the server: killed between words, in the queue, or one of several."""

import json
import signal
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.web.conftest import Server, run, wait_until

CHAT = "/api/v1/conversations"
Serve = Callable[..., Server]


def begin(server: Server) -> tuple[str, dict[str, str]]:
    """A new conversation: its address, and its headers."""
    made = server.http.post(CHAT, json={"locale": "en"}).json()
    return f"{CHAT}/{made['id']}", {"Authorization": f"Bearer {made['token']}"}


def say(server: Server, at: str, headers: dict[str, str], text: str, client_id: str) -> Any:
    """One message of the customer, as a widget sends it."""
    body = {"text": text, "client_id": client_id}
    response = server.http.post(f"{at}/turns", json=body, headers=headers)
    assert response.is_success, response.text
    return response.json()


def test_killed_server_loses_no_word_and_takes_none_twice(serve: Serve) -> None:
    first = serve().wait()
    agent = {
        "Authorization": f"Bearer {run(first.home, 'key', 'add', '--role', 'agent').stdout.strip()}"
    }
    at, headers = begin(first)
    said = say(first, at, headers, "how much is shipping", "m1")
    case = first.http.post(f"{at}/handoff", headers=headers).json()["handoff"]["id"]
    first.stop(signal.SIGKILL)
    second = serve().wait()
    again = say(second, at, headers, "how much is shipping", "m1")
    assert [turn["n"] for turn in again["turns"]] == [turn["n"] for turn in said["turns"]]
    assert second.http.get(at, headers=headers).json()["handoff"]["position"] == 1
    claimed = second.http.post(f"/api/v1/handoffs/{case}/claim", headers=agent).json()
    assert claimed["want"] == "how much is shipping"
    second.stop(signal.SIGKILL)
    third = serve().wait()
    reply = {"text": "Free from €50.", "client_id": "a1"}
    for _ in range(2):
        third.http.post(f"/api/v1/handoffs/{case}/replies", json=reply, headers=agent)
    turns = third.http.get(at, headers=headers).json()["turns"]
    assert [t["text"] for t in turns if t["author"] in ("customer", "agent")] == [
        "how much is shipping",
        "Free from €50.",
    ]
    assert [turn["n"] for turn in turns] == list(range(1, len(turns) + 1))


@pytest.fixture
def workers(serve: Serve) -> Server:
    """Two web processes over one store."""
    return serve("--workers", "2").wait()


def test_every_process_tells_its_watchers_what_another_has_taken(workers: Server) -> None:
    at, headers = begin(workers)
    seen: list[str] = []
    ready = threading.Semaphore(0)

    def watch() -> None:
        with (
            httpx.Client(base_url=workers.url, timeout=20, trust_env=False) as http,
            http.stream("GET", f"{at}/events", headers=headers) as response,
        ):
            for line in response.iter_lines():
                if line.startswith("retry"):
                    ready.release()
                if line.startswith("data: ") and "text" in (data := json.loads(line[6:])):
                    seen.append(data["text"])
                    return

    threads = [threading.Thread(target=watch, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert ready.acquire(timeout=20)
    say(workers, at, headers, "hello", "m1")
    wait_until(lambda: len(seen) == len(threads), 20)
    assert set(seen) == {"hello"}
