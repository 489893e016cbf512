"""`verbatim` commands in processes of their own that begin with everything imported.

Importing takes longer than most commands. A child of this process has it behind it, and is
otherwise like any other: an environment, output and an exit code of its own.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECONDS = 120
STREAMS = {1: "stdout", 2: "stderr"}


class Nursery:
    """The process that the commands come from; one command at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", "from tests.web.nursery import main; main()"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self._alone = threading.Lock()

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """A finished command; one that takes too long is ended by SIGALRM."""
        with self._alone, TemporaryDirectory() as folder:
            order = {"arguments": arguments, "environment": dict(environment)}
            order |= {"output": folder, "folder": os.getcwd()}
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            said = [(Path(folder) / name).read_text("utf-8") for name in STREAMS.values()]
            return subprocess.CompletedProcess(["verbatim", *arguments], code, *said)

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


@cache
def nursery() -> Nursery:
    """The one of this test process."""
    made = Nursery()
    atexit.register(made.close)
    return made


def main() -> None:
    """Reads orders, a line each, and writes the exit code of each; a child carries it out."""
    # Commands import it when they need it. Not so onnxruntime, whose threads die with a fork.
    import chromadb  # noqa: F401

    from web.cli import main as verbatim

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            verbatim()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(order: Any) -> None:
    """What a shell would do before it starts a command."""
    signal.alarm(SECONDS)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["verbatim", *order["arguments"]]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in STREAMS.items():
        flags = os.O_WRONLY | os.O_CREAT
        os.dup2(os.open(f"{order['output']}/{name}", flags), number)
