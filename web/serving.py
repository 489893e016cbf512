"""Starting the server: one process that owns the folder, or several beside a Chroma server."""

import gc
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from sqlalchemy import Engine
from sqlmodel import select
from uvicorn.supervisors import Multiprocess

from kb.db import transaction
from kb.errors import InUse, VerbatimError
from kb.people import Person, Role, add_person
from kb.settings import Settings
from retriever.progress import Progress
from retriever.vectors import FolderLock
from web.app import create_app
from web.rates import share_counts
from web.services import LOCAL_TOKEN, make_home, open_services, start_index

ADMIN = "admin@localhost.invalid"
CHROMA_SECONDS = 60
# How long a busy worker may leave its parent without a sign of life.
WORKER_SECONDS = 60


def serve_alone(settings: Settings, host: str, port: int, progress: Progress) -> None:
    """One process, until it is told to stop. Raises InUse for a taken port or folder."""
    _leave_politely()
    with _reserved(host, port) as listening:
        url = _url(listening)
        services = open_services(_at(settings, url))
        try:
            application = create_app(services)
            login = first_login(services.engine)
            start_index(services, progress)
            services.index.rest()
            # What was made so far stays; looking it through for garbage would hold up a question.
            gc.freeze()
            if services.lock:
                services.lock.announce(url, services.local_token)
            _greet(settings, url, login)
            config = uvicorn.Config(application, **_options(settings))
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            services.close()


def serve_many(settings: Settings, host: str, port: int, workers: int, progress: Progress) -> None:
    """Several processes over one Chroma server, started here unless one is set."""
    _leave_politely()
    with (
        _reserved(host, port) as listening,
        _owned(settings.home) as lock,
        _chroma(settings) as chroma_url,
    ):
        url, token = _url(listening), secrets.token_urlsafe(16)
        os.environ["VERBATIM_CHROMA_URL"] = chroma_url
        os.environ["VERBATIM_BASE_URL"] = _at(settings, url).base_url
        os.environ[LOCAL_TOKEN] = token
        shared = Settings()
        login = _prepare(shared, progress)
        lock.announce(url, token)
        _greet(shared, url, login)
        _run_workers(shared, listening, workers)


def _leave_politely() -> None:
    """Told to stop, by way of every `finally`: uvicorn, when done, passes the signal on to us."""
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: sys.exit(0))


@contextmanager
def _owned(home: Path) -> Iterator[FolderLock]:
    make_home(home)
    lock = FolderLock(home)
    lock.acquire()
    try:
        yield lock
    finally:
        lock.release()


def _prepare(settings: Settings, progress: Progress) -> tuple[str, str] | None:
    """Find what is wrong and embed what is missing once, before every worker would."""
    services = open_services(settings)
    try:
        create_app(services)
        login = first_login(services.engine)
        start_index(services, progress)
        return login
    finally:
        services.close()


def _run_workers(settings: Settings, listening: socket.socket, workers: int) -> None:
    with TemporaryDirectory() as shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        share_counts(Path(shared))
        config = uvicorn.Config(
            "web.app:create_worker_app",
            factory=True,
            workers=workers,
            timeout_worker_healthcheck=WORKER_SECONDS,
            **_options(settings),
        )
        Multiprocess(config, sockets=[listening]).run()


def _at(settings: Settings, url: str) -> Settings:
    """The settings, with the address that is listened on unless a public one is set."""
    if "base_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"base_url": url})


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "log_level": "warning",
        "access_log": False,
        "proxy_headers": True,
        "forwarded_allow_ips": settings.trusted_proxies,
        "server_header": False,
        "timeout_keep_alive": 30,
    }


@contextmanager
def _reserved(host: str, port: int) -> Iterator[socket.socket]:
    """The listening socket, taken before anything slow starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise InUse(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port"
        ) from error
    listening.set_inheritable(True)
    try:
        yield listening
    finally:
        listening.close()


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


@contextmanager
def _chroma(settings: Settings) -> Iterator[str]:
    """The address of a Chroma server: the one of the settings, or a child of this process."""
    if settings.chroma_url:
        yield settings.chroma_url
        return
    port = _free_port()
    command = [sys.executable, "-m", "web.chroma_server", _chroma_program(), "run"]
    place = ["--path", str(settings.home / "chroma"), "--host", "127.0.0.1", "--port", str(port)]
    with (settings.home / "chroma.log").open("ab") as log:
        # A session of its own: Ctrl-C is for us, who stop the workers first.
        child = subprocess.Popen(
            [*command, *place],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(child, port, settings.home / "chroma.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()


def _chroma_program() -> str:
    beside = Path(sys.executable).parent / "chroma"
    found = str(beside) if beside.exists() else shutil.which("chroma")
    if not found:
        raise VerbatimError("the program chroma is missing; install Verbatim again")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(child: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + CHROMA_SECONDS
    while time.monotonic() < until and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise VerbatimError(f"the Chroma server did not start; {log} says why")


def first_login(engine: Engine) -> tuple[str, str] | None:
    """An admin with a made-up password, for a store that has nobody yet."""
    password = secrets.token_urlsafe(9)
    with transaction(engine) as session:
        staff = select(Person).where(Person.password_hash != None)  # noqa: E711
        if session.exec(staff.limit(1)).first():
            return None
        add_person(session, ADMIN, Role.admin, "Admin", password)
    return ADMIN, password


def _greet(settings: Settings, url: str, login: tuple[str, str] | None) -> None:
    lines = [
        f"Verbatim is ready at {url}",
        f"  help site  {url}/{settings.fallback_locale}/",
        f"  desk       {url}/desk",
        f"  API        {url}/api/docs",
    ]
    if settings.demo:
        # By another name the same server is another origin, as a shop's own would be.
        lines.append(f"  demo shop  {url.replace('127.0.0.1', 'localhost')}/demo/")
    if login:
        lines.append(f"  admin      {login[0]}  password: {login[1]}  (shown once)")
    print("\n".join(lines), flush=True)
