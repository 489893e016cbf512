"""One shop for reading, keys for every role, and a prepared home for real servers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from kb.db import migrate, open_engine, transaction
from kb.people import add_key, add_person
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import shop
from tests.web.nursery import SECONDS, Child, Nursery, nursery
from web.app import create_app
from web.services import Services

VERBATIM = Path(sys.executable).parent / "verbatim"
Keys = dict[str, dict[str, str]]


@contextmanager
def opened_shop(folder: Path, vectors: VectorStore, encoders: list[Encoder]) -> Iterator[Services]:
    """The cast's shop on SQLite."""
    settings = Settings(home=folder, rate_limit="off")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        shop(session)
    index = Index(engine, vectors, encoders)
    index.bring_level()
    yield Services(settings, engine, index, None)
    engine.dispose()


@pytest.fixture(scope="session")
def open_shop(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Services]:
    """A shop for reading only."""
    with opened_shop(tmp_path_factory.mktemp("shop"), vectors, encoders) as services:
        yield services


@pytest.fixture(scope="session")
def reader(open_shop: Services) -> Iterator[TestClient]:
    """A client that asks and reads, and changes nothing that shows."""
    with TestClient(create_app(open_shop), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def reader_keys(open_shop: Services) -> Keys:
    """Headers with a key, by role, for the shop that is only read."""
    return make_keys(open_shop)


@pytest.fixture
def keys(services: Services) -> Keys:
    """Headers with a key, by role."""
    return make_keys(services)


def make_keys(services: Services) -> Keys:
    """A key of every role, and a second publisher."""
    roles = {"contributor": "contributor", "publisher": "publisher", "second": "publisher"}
    roles |= {"agent": "agent", "admin": "admin"}
    with transaction(services.engine) as session:
        secrets = {name: add_key(session, role) for name, role in roles.items()}
    return {name: {"Authorization": f"Bearer {secret}"} for name, secret in secrets.items()}


PASSWORD = "a long enough password"


@pytest.fixture
def sign_in(services: Services, client: TestClient) -> Callable[[str], str]:
    """Signs somebody of that role in; where they are sent."""

    def enter(role: str) -> str:
        with Session(services.engine) as session:
            add_person(session, f"{role}@example.com", role, password=PASSWORD)
            session.commit()
        form = {"email": f"{role}@example.com", "password": PASSWORD}
        return str(client.post("/login", data=form, follow_redirects=False).headers["location"])

    return enter


# -- real processes ----------------------------------------------------------------

CONTENT = {
    "en/account/reset-password.md": (
        "title: Reset your password\n"
        "answer: The link we send works for 30 minutes.\n"
        "phrasings: [I forgot my password, can't log in any more, lost my login]"
    ),
    "en/delivery/delivery-costs.md": (
        "title: What delivery costs\n"
        "answer: Delivery costs €3.95 and is free from €50.\n"
        "phrasings: [how much is shipping, is delivery free, postage price]"
    ),
    "it/delivery/delivery-costs.md": (
        "title: Quanto costa la consegna\n"
        "answer: La consegna costa 3,95 € ed è gratuita da 50 €.\n"
        "phrasings: [quanto costa la spedizione, la consegna è gratis, spese di spedizione]"
    ),
}
GIFT_CARD = (
    "title: How long a gift card lasts\n"
    "answer: A gift card is good for four years.\n"
    "phrasings: [when does my gift card expire, is my voucher still valid, gift card validity]"
)


def write_content(folder: Path, files: dict[str, str]) -> Path:
    """Markdown files with this front matter."""
    for name, matter in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{matter}\n---\n", "utf-8")
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a helper process may know."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VERBATIM_", "PROMETHEUS_"))}
    fixed = {"VERBATIM_RATE_LIMIT": "off", "VERBATIM_AUDIT_HOUR": "-1"}
    return kept | {"VERBATIM_HOME": str(home), **fixed, **more}


def run(home: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """A finished `verbatim` command; where Python is told what to import, one from the start."""
    told = environment(home, **more)
    if "PYTHONPATH" not in more:
        return _nursery_for(arguments, more).run(arguments, told)
    command = [str(VERBATIM), *arguments]
    return subprocess.run(
        command, env=told, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def _nursery_for(arguments: Sequence[str], settings: Mapping[str, str]) -> Nursery:
    """PyTorch takes a quarter of a minute to import, and few commands need it."""
    if arguments[0] == "train" or "VERBATIM_EMBEDDING_MODEL" in settings:
        return nursery("sentence_transformers")
    return nursery()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three small articles, indexed; copy it, do not use it."""
    folder = tmp_path_factory.mktemp("prepared")
    content = write_content(folder / "content", CONTENT)
    made = run(folder / "home", "import", str(content))
    assert made.returncode == 0, made.stderr
    for role in ("contributor", "publisher"):
        key = run(folder / "home", "key", "add", "--role", role).stdout.strip()
        (folder / "home" / f"{role}.key").write_text(key)
    return folder / "home"


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the prepared home."""
    return shutil.copytree(prepared, tmp_path / "home")


class Server:
    """`verbatim serve` on a free port of this machine."""

    def __init__(self, home: Path, *arguments: str, **more: str) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.parent / f"server-{self.port}.log"
        order = ["serve", "--port", str(self.port), *arguments]
        self.process = nursery().start(order, environment(home, **more), self.log)
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def wait(self, seconds: float = 90) -> "Server":
        """Until questions are answered."""
        wait_until(self.is_ready, seconds, self.process)
        return self

    def is_ready(self) -> bool:
        """Whether questions are answered."""
        try:
            return self.http.get("/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, question: str, **more: str) -> Any:
        """The reply as JSON."""
        return self.http.post("/api/v1/ask", json={"question": question, **more}).json()

    def headers(self, role: str) -> dict[str, str]:
        """A key of the prepared home."""
        return {"Authorization": f"Bearer {(self.home / f'{role}.key').read_text()}"}

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Ends the process and gives its exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=40)

    def close(self) -> None:
        """Whatever happened, nothing is left behind."""
        self.http.close()
        family = descendants(self.process.pid) if self.process.poll() is None else []
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait(timeout=10)
        for pid in family:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def serve(home: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers on the home and ends them, by their pid, after the test."""
    started: list[Server] = []

    def start(*arguments: str, **more: str) -> Server:
        started.append(Server(home, *arguments, **more))
        return started[-1]

    yield start
    for server in started:
        server.close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    holds: Callable[[], bool],
    seconds: float,
    process: Child | None = None,
) -> None:
    """Returns as soon as something holds; fails when it does not in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return
        assert process is None or process.poll() is None, "the process ended"
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} seconds")


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            found += [child, *descendants(child)]
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be counted does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
