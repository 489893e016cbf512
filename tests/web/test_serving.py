"""Real servers: who owns what, how soon news is told, and what a crash leaves behind."""

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.conftest import (
    GIFT_CARD,
    Server,
    descendants,
    environment,
    is_alive,
    run,
    wait_until,
    write_content,
)
from tests.web.nursery import nursery
from web.rebuilding import REBUILD

Serve = Callable[..., Server]
ASKED = "when does my gift card expire"
DRAFT = {
    "slug": "gift-card-expiry",
    "title": "How long a gift card lasts",
    "answer": "A gift card is good for four years.",
    "phrasings": [ASKED, "is my voucher still valid", "gift card validity"],
}


def approved_gift_card(server: Server) -> str:
    """An approved article that is not live; where it is published."""
    at = f"/api/v1/articles/{DRAFT['slug']}"
    author, approver = server.headers("contributor"), server.headers("publisher")
    for path, body, headers in (
        ("/api/v1/articles", DRAFT, author),
        (f"{at}/revisions/1/review", None, author),
        (f"{at}/revisions/1/approval", None, approver),
    ):
        assert server.http.post(path, json=body, headers=headers).is_success
    return f"{at}/publication"


def says_gift_card(server: Server) -> bool:
    """Whether a question about gift cards is answered."""
    return bool(server.ask(ASKED)["outcome"] == "answered")


def told(reply: Any) -> Any:
    """What a reader is told: all of a reply but its receipt."""
    return {name: value for name, value in reply.items() if name != "receipt"}


@pytest.fixture(scope="module")
def standing(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests that leave it as it was."""
    home = shutil.copytree(prepared, tmp_path_factory.mktemp("standing") / "home")
    server = Server(home)
    yield server.wait()
    server.close()


# -- who owns what -----------------------------------------------------------------


def test_taken_port_is_one_clear_line(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(home, "serve", "--port", port)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert port in done.stderr
    assert "--port" in done.stderr


def test_second_server_on_a_folder_is_told_who_has_it(standing: Server) -> None:
    done = run(standing.home, "serve", "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"process {standing.process.pid}" in done.stderr
    assert standing.url in done.stderr


def test_running_server_rebuilds_its_index_behind_its_answers(standing: Server) -> None:
    said: list[str] = []
    asking = threading.Event()

    def ask() -> None:
        while not asking.is_set():
            said.append(standing.ask("postage price")["outcome"])

    customer = threading.Thread(target=ask)
    customer.start()
    done = run(standing.home, "reindex")
    asking.set()
    customer.join(timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The index is level with epoch ")
    assert set(said) == {"answered"}


def test_nobody_else_may_have_the_index_rebuilt(standing: Server) -> None:
    assert standing.http.post(REBUILD, headers=standing.headers("publisher")).status_code == 403


def test_command_line_asks_the_running_server(standing: Server) -> None:
    before = questions_asked(standing)
    done = run(standing.home, "ask", "i forgot my password")
    assert done.stdout.startswith("The link we send works for 30 minutes.")
    assert f"{standing.url}/en/articles/reset-password" in done.stdout
    assert questions_asked(standing) == before + 1


def questions_asked(server: Server) -> float:
    """How many questions that server has been asked over the API."""
    lines = server.http.get("/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("verbatim_requests_total")]
    return sum(float(line.split()[-1]) for line in counted if 'route="/api/v1/ask"' in line)


def test_refusal_of_the_running_server_is_one_line(standing: Server) -> None:
    done = run(standing.home, "ask", "goodwill", "--channel", "sidebar")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "key" in done.stderr


def test_addresses_are_those_of_the_server_unless_a_public_one_is_set(
    standing: Server, serve: Serve
) -> None:
    own = standing.ask("i forgot my password")["answer"]["url"]
    assert own == f"{standing.url}/en/articles/reset-password"
    named = serve(VERBATIM_BASE_URL="https://help.example/").wait()
    answer = named.ask("i forgot my password")["answer"]
    assert answer["url"] == "https://help.example/en/articles/reset-password"


def test_server_stops_when_told_and_gives_the_folder_back(serve: Serve, home: Path) -> None:
    server = serve().wait()
    assert server.stop() == 0
    assert not (home / "owner.json").exists()
    again = serve().wait()
    assert again.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.log.read_text() + again.log.read_text()


def test_address_longer_than_any_is_refused(standing: Server) -> None:
    with socket.create_connection(("127.0.0.1", standing.port), timeout=10) as raw:
        raw.sendall(b"GET /en/search?q=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert raw.recv(64).startswith(b"HTTP/1.1 4")
    assert standing.ask("i forgot my password")["outcome"] == "answered"


# -- how soon news is told ---------------------------------------------------------


def test_import_shows_in_the_next_answers(serve: Serve, home: Path, tmp_path: Path) -> None:
    server = serve().wait()
    assert not says_gift_card(server)
    more = write_content(tmp_path / "more", {"en/gift-cards/gift-card-expiry.md": GIFT_CARD})
    assert run(home, "import", str(more)).returncode == 0
    wait_until(lambda: says_gift_card(server), 5)


def test_publication_is_told_at_once_and_withdrawal_silences_at_once(serve: Serve) -> None:
    server = serve().wait()
    at, headers = approved_gift_card(server), server.headers("publisher")
    assert not says_gift_card(server)
    assert server.http.post(at, headers=headers).status_code == 201
    assert says_gift_card(server)
    assert server.http.delete(at, headers=headers).status_code == 204
    assert not says_gift_card(server)


def test_schedule_is_told_when_its_time_comes(serve: Serve) -> None:
    server = serve().wait()
    at, headers = approved_gift_card(server), server.headers("publisher")
    start = datetime.now(UTC) + timedelta(seconds=6)
    server.http.post(at, json={"starts_at": start.isoformat()}, headers=headers)
    # The machine may be busy: what is said after its time proves nothing.
    assert not says_gift_card(server) or datetime.now(UTC) >= start
    wait_until(lambda: says_gift_card(server), 30)
    assert datetime.now(UTC) >= start


def test_start_and_end_that_pass_while_the_server_is_away_hold_after_a_restart(
    serve: Serve,
) -> None:
    first = serve().wait()
    at, headers = approved_gift_card(first), first.headers("publisher")
    then = datetime.now(UTC) + timedelta(seconds=4)
    ending = "/api/v1/articles/delivery-costs/publication"
    for path, when in ((ending, "expires_at"), (at, "starts_at")):
        body = {when: then.isoformat()}
        assert first.http.post(path, json=body, headers=headers).is_success
    first.stop()
    time.sleep(max(0.0, (then - datetime.now(UTC)).total_seconds()))
    again = serve().wait()
    assert says_gift_card(again)
    assert again.ask("postage price", locale="en")["outcome"] != "answered"


# -- what a crash leaves behind ----------------------------------------------------


def bare(home: Path) -> Path:
    """A home whose vectors are gone, so that everything must be embedded."""
    shutil.rmtree(home / "chroma")
    return home


def test_server_killed_while_indexing_answers_after_a_restart(serve: Serve, home: Path) -> None:
    bare(home)
    first = serve()
    wait_until((home / "chroma" / "chroma.sqlite3").exists, 60, first.process)
    time.sleep(1.5)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    again = serve().wait()
    assert again.ask("i forgot my password")["answer"]["article"] == "reset-password"


def test_killed_server_does_not_keep_the_folder(serve: Serve, home: Path) -> None:
    first = serve().wait()
    before = told(first.ask("postage price", locale="en"))
    first.stop(signal.SIGKILL)
    again = serve(VERBATIM_BASE_URL=first.url).wait()
    assert told(again.ask("postage price", locale="en")) == before


@pytest.mark.parametrize("seconds", [0.5, 1.5])
def test_killed_import_is_finished_by_the_next_one(
    home: Path, tmp_path: Path, seconds: float
) -> None:
    files = {
        f"en/gift-cards/card-{n}.md": GIFT_CARD.replace("gift card", f"gift card {n}")
        for n in range(40)
    }
    content = write_content(tmp_path / "many", files)
    killed = nursery().start(["import", str(content)], environment(home), tmp_path / "log")
    time.sleep(seconds)
    killed.send_signal(signal.SIGKILL)
    killed.wait(timeout=10)
    done = run(home, "import", str(content))
    assert done.returncode == 0, done.stderr
    again = run(home, "import", str(content))
    assert again.stdout.startswith("0 created, 0 changed, 40 unchanged")
    assert run(home, "ask", "i forgot my password").stdout.startswith("The link we send")


def test_deleted_vectors_are_made_again_at_the_start(serve: Serve, home: Path) -> None:
    bare(home)
    server = serve().wait()
    assert server.ask("i forgot my password")["answer"]["article"] == "reset-password"


def damage(chroma: Path, how: str) -> None:
    """What a full disk or a lost cable does to the vectors."""
    file = chroma / "chroma.sqlite3"
    if how == "overwritten":
        file.write_bytes(b"not a database" * 1000)
    elif how == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif how == "file":
        shutil.rmtree(chroma)
        chroma.write_text("not a folder")
    else:
        for part in chroma.glob("*/*.bin"):
            part.write_bytes(b"damaged")


@pytest.mark.parametrize("how", ["overwritten", "cut", "file", "index"])
def test_damaged_vectors_are_made_again_at_the_start(serve: Serve, home: Path, how: str) -> None:
    damage(home / "chroma", how)
    server = serve().wait()
    assert server.ask("i forgot my password")["answer"]["article"] == "reset-password"


# -- several workers ---------------------------------------------------------------

QUESTIONS = [
    "i forgot my password", "postage price", "quanto costa la spedizione", "delivery",
    "what is the capital of Mongolia", "password o consegna?", "비밀번호를 잊었어요", "?!",
]  # fmt: skip


def test_workers_say_what_one_says_and_news_at_once_and_stop_without_a_trace(
    serve: Serve, home: Path, standing: Server
) -> None:
    expected = [told(standing.ask(question)) for question in QUESTIONS]
    server = serve("--workers", "2", VERBATIM_BASE_URL=standing.url).wait(150)
    for _ in range(5):
        # A connection each, so that every worker has its turn.
        assert [told(ask_anew(server, question)) for question in QUESTIONS] == expected
    at, headers = approved_gift_card(server), server.headers("publisher")
    assert server.http.post(at, headers=headers).status_code == 201
    for _ in range(8):
        assert ask_anew(server, ASKED)["outcome"] == "answered"
    assert "verbatim_requests_total" in server.http.get("/metrics").text
    assert run(home, "ask", ASKED).stdout.startswith(str(DRAFT["answer"]))
    family = descendants(server.process.pid)
    assert len(family) >= 3
    assert server.stop() == 0
    wait_until(lambda: not any(is_alive(pid) for pid in family), 5)
    assert not (home / "owner.json").exists()
    assert "Traceback" not in server.log.read_text()


def ask_anew(server: Server, question: str) -> Any:
    """The reply to a question on a connection of its own."""
    asked = {"question": question}
    return httpx.post(f"{server.url}/api/v1/ask", json=asked, timeout=60, trust_env=False).json()


def test_workers_count_a_client_together_and_outlive_a_crash_but_not_their_parent(
    serve: Serve,
) -> None:
    server = serve("--workers", "2", VERBATIM_RATE_LIMIT="20/hour").wait(150)
    assert [ask_status(server) for _ in range(24)] == [200] * 20 + [429] * 4
    killed = [pid for pid in descendants(server.process.pid) if is_worker(pid)]
    assert len(killed) == 2
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in killed), 10)
    server.wait(150)
    assert [ask_status(server) for _ in range(4)] == [429] * 4
    family = descendants(server.process.pid)
    server.stop(signal.SIGKILL)
    try:
        wait_until(lambda: not any(is_alive(pid) for pid in family), 20)
    finally:
        for pid in filter(is_alive, family):
            os.kill(pid, signal.SIGKILL)


def ask_status(server: Server) -> int:
    """The status of a request on a connection of its own, so that every worker has its turn."""
    address = f"{server.url}/api/v1/articles"
    return httpx.get(address, timeout=60, trust_env=False).status_code


def is_worker(pid: int) -> bool:
    """Whether that process answers requests."""
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_stop_during_the_start_leaves_nothing(serve: Serve, home: Path) -> None:
    bare(home)
    server = serve("--workers", "2")
    log = home / "chroma.log"
    wait_until(lambda: log.exists() and log.stat().st_size > 0, 60, server.process)
    time.sleep(1)
    family = descendants(server.process.pid)
    assert family
    server.stop()
    wait_until(lambda: not any(is_alive(pid) for pid in family), 15)
