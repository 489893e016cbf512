"""The pipeline a developer would otherwise write, on the same corpus.

sentence-transformers (all-MiniLM-L6-v2, from a package that carries it), Chroma, FastAPI: the
nearest text of the sample company, no refusal, no receipt, English only.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.bench.latency import questions
from tests.bench.report import Report, percentile
from tests.bench.server import ROOT, environment, free_port, prepare, resident_mb, running, serving

COUNT = 200


def run(report: Report, scratch: Path, _help_centre: Path | None) -> None:
    """Both answer the same questions, one at a time and then four at once."""
    home, store = scratch / "sample", scratch / "peer"
    prepare(home, ROOT / "content")
    program = [sys.executable, "-m", "tests.bench.naive", str(store)]
    quiet = subprocess.DEVNULL
    subprocess.run([*program, "--index"], cwd=ROOT, check=True, stdout=quiet, timeout=900)
    port = free_port()
    with running([*program, "--port", str(port)], environment(home), port, "/ready") as (pid, sec):
        theirs = _measure(f"http://127.0.0.1:{port}", pid, sec)
    with serving(home) as (url, pid, sec):
        ours = _measure(url, pid, sec)
    for name, mine, other in zip(NAMES, ours, theirs, strict=True):
        report.add(name, mine, f"naive pipeline {other}", "")


NAMES = ("ask, p50", "ask, p95", "questions a second, four at once", "memory", "start")


def _measure(url: str, pid: int, start: float) -> tuple[str, ...]:
    asked = [q for q in questions() if q.isascii()][:COUNT]
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:

        def ask(question: str) -> float:
            started = time.perf_counter()
            client.post("/api/v1/ask", json={"question": question}).raise_for_status()
            return 1000 * (time.perf_counter() - started)

        times = [ask(question) for question in asked]
        started = time.perf_counter()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, [f"{question} ?" for question in asked]))
        rate = len(asked) / (time.perf_counter() - started)
    return (
        f"{percentile(times, 0.5):.1f} ms",
        f"{percentile(times, 0.95):.1f} ms",
        f"{rate:.0f}",
        f"{resident_mb(pid):.0f} MB",
        f"{start:.1f} s",
    )
