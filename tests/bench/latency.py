"""A question over HTTP, new and asked before, beside the embedding of that question alone."""

import csv
import re
import time
from pathlib import Path

import httpx

from assistant.languages import detect_language
from kb.settings import Settings
from retriever.embeddings import load_encoders
from retriever.index import reads
from tests.bench.report import Report, percentile
from tests.bench.server import ROOT, prepare, resident_mb, serving

LOCALES = Settings().locales
WARM_UP = 20


def questions() -> list[str]:
    """Customers' questions in five languages."""
    with (ROOT / "tests" / "questions.csv").open() as file:
        return [row["question"] for row in csv.DictReader(file)]


def run(report: Report, scratch: Path, _help_centre: Path | None) -> None:
    """Each question is embedded here and asked there, one after the other."""
    home = scratch / "sample"
    prepare(home, ROOT / "content")
    encoders = load_encoders("bundled")
    with serving(home) as (url, pid, ready):
        report.add("start, second time", f"{ready:.1f} s", "", "5 s")
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            floor: list[float] = []
            asked: list[float] = []
            for number, question in enumerate(questions()):
                language = detect_language(question, None, LOCALES)
                started = time.perf_counter()
                for encoder in encoders:
                    if reads(encoder, language):
                        encoder.questions([question])
                embedded = time.perf_counter() - started
                started = time.perf_counter()
                client.post("/api/v1/ask", json={"question": question}).raise_for_status()
                if number >= WARM_UP:
                    floor.append(1000 * embedded)
                    asked.append(1000 * (time.perf_counter() - started))
            repeated = [_server_time(client, question) for question in questions()[WARM_UP:]]
        memory = resident_mb(pid)
    for share, bar in ((0.5, 1.5), (0.95, 3.0)):
        mine, theirs = percentile(asked, share), percentile(floor, share)
        report.add(
            f"new question over HTTP, p{share * 100:.0f}",
            f"{mine:.1f} ms",
            f"embedding {theirs:.1f} ms ({mine / theirs:.2f} ×)",
            f"{bar} ×",
        )
    report.add("question asked before, p50", f"{percentile(repeated, 0.5):.2f} ms", "", "3 ms")
    report.add("server memory, sample company", f"{memory:.0f} MB", "", "400 MB")


def _server_time(client: httpx.Client, question: str) -> float:
    response = client.post("/api/v1/ask", json={"question": question})
    found = re.search(r"dur=([\d.]+)", response.headers["server-timing"])
    assert found
    return float(found[1])
