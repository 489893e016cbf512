"""From the call that publishes to the next question that hears of it."""

import subprocess
import time
from pathlib import Path

import httpx

from tests.bench.report import Report, percentile
from tests.bench.server import ROOT, environment, prepare, serving, verbatim

ROUNDS = 20


def run(report: Report, scratch: Path, _help_centre: Path | None) -> None:
    """Each round writes, approves and publishes new words, then asks for them."""
    home = scratch / "sample"
    prepare(home, ROOT / "content")
    author, publisher = _key(home, "contributor"), _key(home, "publisher")
    seconds: list[float] = []
    with serving(home) as (url, _, _), httpx.Client(base_url=url, trust_env=False) as client:
        client.timeout = httpx.Timeout(60)
        for number in range(ROUNDS):
            seconds.append(_round(client, author, publisher, number))
    report.add("publish to visible, p50", f"{percentile(seconds, 0.5):.2f} s", "", "")
    report.add("publish to visible, p95", f"{percentile(seconds, 0.95):.2f} s", "", "1 s")


def _key(home: Path, role: str) -> str:
    command = [verbatim(), "key", "add", "--role", role]
    made = subprocess.run(
        command, env=environment(home), capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


def _round(client: httpx.Client, author: str, publisher: str, number: int) -> float:
    write = {"Authorization": f"Bearer {author}"}
    release = {"Authorization": f"Bearer {publisher}"}
    place = "/api/v1/articles/showroom-parrot"
    wording = {
        "title": "The parrot in the showroom",
        "answer": f"The parrot in our showroom is called Pim and knows {number + 2} songs.",
        "phrasings": ["what is the parrot in the showroom called", "how many songs does it know"],
    }
    first = {"slug": "showroom-parrot", **wording}
    made = client.post("/api/v1/articles", json=first, headers=write)
    if made.status_code == 409:
        made = client.post(f"{place}/revisions", json=wording, headers=write)
    version = made.raise_for_status().json()["version"]
    client.post(f"{place}/revisions/{version}/review", headers=write).raise_for_status()
    client.post(f"{place}/revisions/{version}/approval", headers=release).raise_for_status()
    started = time.perf_counter()
    client.post(f"{place}/publication", json={}, headers=release).raise_for_status()
    reply = client.post("/api/v1/ask", json={"question": "what is the showroom parrot called"})
    spent = time.perf_counter() - started
    assert reply.json()["answer"]["text"] == wording["answer"], reply.text
    return spent
