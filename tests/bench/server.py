"""A real server in a process of its own, and what it costs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare(home: Path, content: Path) -> None:
    """A home with that content imported and indexed, made once."""
    if not (home / "verbatim.db").exists():
        subprocess.run(
            [verbatim(), "import", str(content)],
            env=environment(home),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=900,
        )


def verbatim() -> str:
    """The installed command."""
    return str(Path(sys.executable).parent / "verbatim")


def environment(home: Path) -> dict[str, str]:
    """The environment of a measured process."""
    return {**os.environ, "VERBATIM_HOME": str(home), "VERBATIM_RATE_LIMIT": "off"}


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[str, int, float]]:
    """A running server: its URL, its process id, seconds from start to ready."""
    port = free_port()
    command = [verbatim(), "serve", "--port", str(port), *options]
    with running(command, environment(home), port, "/readyz") as (pid, seconds):
        yield f"http://127.0.0.1:{port}", pid, seconds


@contextmanager
def running(
    command: list[str], env: dict[str, str], port: int, path: str
) -> Iterator[tuple[int, float]]:
    """A process that answers 200 at a path before the body runs, and is ended after it."""
    started = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=quiet, stderr=quiet)
    try:
        _wait(process, f"http://127.0.0.1:{port}{path}")
        yield process.pid, time.perf_counter() - started
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.02)
    raise RuntimeError(f"{url} did not come up")


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
