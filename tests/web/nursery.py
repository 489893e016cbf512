"""`verbatim` commands and servers in processes of their own that begin with everything imported.

Importing takes longer than most commands. A child of this process has it behind it, and is
otherwise like any other: an environment, output and an exit code of its own.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECONDS = 120


class Nursery:
    """The process that the commands come from; one order at a time."""

    def __init__(self, *modules: str) -> None:
        command = [sys.executable, "-c", "from tests.web.nursery import main; main()", *modules]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self._alone = threading.Lock()

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """A finished command; one that takes too long is ended by SIGALRM."""
        with TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("stdout", "stderr")]
            child = self._fork(arguments, environment, streams, SECONDS)
            code = self._ask("wait", child)
            return subprocess.CompletedProcess(
                ["verbatim", *arguments], code, *(path.read_text("utf-8") for path in streams)
            )

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> "Child":
        """A command that goes on, and writes everything that it says into a file."""
        return Child(self, self._fork(arguments, environment, [log, log], 0))

    def poll(self, pid: int) -> int | None:
        """The exit code of a child; None while it lives."""
        return self._ask("poll", pid)

    def _fork(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[Path],
        seconds: int,
    ) -> int:
        order = {"arguments": arguments, "environment": dict(environment), "seconds": seconds}
        order |= {"streams": [str(path) for path in streams], "folder": os.getcwd()}
        return int(self._ask("start", order))

    def _ask(self, verb: str, about: object) -> Any:
        with self._alone:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps([verb, about]) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


class Child:
    """A process of the nursery, with what `subprocess.Popen` offers for its own."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery, self.pid = nursery, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it lives."""
        if self.returncode is None:
            self.returncode = self._nursery.poll(self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code, when it has ended. Raises TimeoutExpired."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("verbatim", timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing to one that has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


@cache
def nursery(*modules: str) -> Nursery:
    """The one of this test process whose children have these modules, beside the usual ones."""
    made = Nursery(*modules)
    atexit.register(made.close)
    return made


def main() -> None:
    """Reads orders, a line each, and answers each with a line."""
    # Commands import these when they need them. Not so onnxruntime, whose threads die with a fork.
    from web.cli import main as verbatim  # isort: skip
    import alembic.command
    import alembic.script  # noqa: F401
    import chromadb  # noqa: F401

    for name in sys.argv[1:]:
        import_module(name)
    gc.freeze()
    for line in sys.stdin:
        verb, about = json.loads(line)
        if verb == "start":
            answer: int | None = os.fork()
            if answer == 0:
                _become(about)
                verbatim()
        else:
            found, status = os.waitpid(about, os.WNOHANG if verb == "poll" else 0)
            answer = os.waitstatus_to_exitcode(status) if found else None
        print(json.dumps(answer), flush=True)


def _become(order: Any) -> None:
    """What a shell would do before it starts a command."""
    signal.alarm(order["seconds"])
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["verbatim", *order["arguments"]]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path in zip((1, 2), order["streams"], strict=True):
        os.dup2(os.open(path, flags), number)
