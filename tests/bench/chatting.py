"""The chat: a message beside the same question to `ask`, an agent's words on 500 open screens."""

import asyncio
import csv
import json
import shutil
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.sync_api import Browser, CDPSession, sync_playwright

from kb.db import open_engine, transaction
from kb.people import add_key
from kb.settings import Settings
from tests.bench.report import Report, percentile
from tests.bench.server import ROOT, prepare, serving

CHAT = "/api/v1/conversations"
# Questions in one conversation, as customers who chat ask.
TALK = 5
OPEN, WITH_AGENT, MESSAGES = 500, 40, 200
WARM_UP = 20
# Pages loaded with and without the chat; milliseconds in which a page comes to rest.
LOADS, SETTLE = 5, 1500
OPENING = """async () => {
  const started = performance.now();
  window.Verbatim.open();
  const root = document.querySelector("verbatim-chat").shadowRoot;
  const is_open = () => root.querySelector(".panel")?.getBoundingClientRect().height > 0;
  while (!is_open()) await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""


def run(report: Report, scratch: Path, _help_centre: Path | None) -> None:
    """Every second question is asked, the others are said in conversations."""
    home = scratch / "sample"
    prepare(home, ROOT / "content")
    engine = open_engine(Settings(home=home).sql_url)
    with transaction(engine) as session:
        key = add_key(session, "agent")
    engine.dispose()
    with serving(home) as (url, _pid, _ready):
        _messages(report, url)
        asyncio.run(_screens(report, url, {"Authorization": f"Bearer {key}"}))
        _widget(report, url)


def _messages(report: Report, url: str) -> None:
    with (ROOT / "tests" / "questions.csv").open() as file:
        rows = list(csv.DictReader(file))
    asked: list[float] = []
    said: list[float] = []
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        at, headers = "", {}
        for number, row in enumerate(rows):
            if number % (2 * TALK) == 0:
                at, headers = _begin(client, row["locale"])
            is_said = number % 2 == 1
            body = {"text": row["question"]} if is_said else {"question": row["question"]}
            path = f"{at}/turns" if is_said else "/api/v1/ask"
            started = time.perf_counter()
            client.post(path, json=body, headers=headers if is_said else None).raise_for_status()
            spent = 1000 * (time.perf_counter() - started)
            if number >= WARM_UP:
                (said if is_said else asked).append(spent)
    for share, bar in ((0.5, ""), (0.95, "2.0 ×")):
        mine, theirs = percentile(said, share), percentile(asked, share)
        report.add(
            f"message to reply in a chat, p{share * 100:.0f}",
            f"{mine:.1f} ms",
            f"ask {theirs:.1f} ms ({mine / theirs:.2f} ×)",
            bar,
        )


def _begin(client: httpx.Client, locale: str) -> tuple[str, dict[str, str]]:
    made = client.post(CHAT, json={"locale": locale}).json()
    return f"{CHAT}/{made['id']}", {"Authorization": f"Bearer {made['token']}"}


async def _screens(report: Report, url: str, agent: dict[str, str]) -> None:
    """How long an agent's words take to a customer's screen, from the agent's click."""
    limits = httpx.Limits(max_connections=OPEN + 20, max_keepalive_connections=20)
    async with httpx.AsyncClient(
        base_url=url, trust_env=False, timeout=60, limits=limits
    ) as client:
        chats = [await _begun(client) for _ in range(OPEN)]
        arrived: dict[str, asyncio.Future[float]] = {}
        ready = asyncio.Semaphore(0)
        watchers = [
            asyncio.create_task(_watch(client, at, headers, arrived, ready))
            for at, headers in chats
        ]
        for _ in watchers:
            await ready.acquire()
        cases = [await _handed_over(client, chat, agent) for chat in chats[:WITH_AGENT]]
        spent = [
            await _told(client, cases[n % WITH_AGENT], agent, f"message {n}", arrived)
            for n in range(MESSAGES)
        ]
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    report.add(
        f"agent's words on the customer's screen, {OPEN} conversations open, p50",
        f"{percentile(spent, 0.5):.0f} ms",
    )
    report.add(
        f"agent's words on the customer's screen, {OPEN} conversations open, p95",
        f"{percentile(spent, 0.95):.0f} ms",
        "",
        "200 ms",
    )


async def _begun(client: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    made = (await client.post(CHAT, json={"locale": "en"})).json()
    return f"{CHAT}/{made['id']}", {"Authorization": f"Bearer {made['token']}"}


async def _watch(
    client: httpx.AsyncClient,
    at: str,
    headers: dict[str, str],
    arrived: dict[str, "asyncio.Future[float]"],
    ready: asyncio.Semaphore,
) -> None:
    """One open screen."""
    async with client.stream("GET", f"{at}/events", headers=headers) as response:
        async for line in response.aiter_lines():
            if line.startswith("retry"):
                ready.release()
            if line.startswith("data: "):
                waiting = arrived.get(_text(json.loads(line[6:])))
                if waiting and not waiting.done():
                    waiting.set_result(time.perf_counter())


def _text(data: dict[str, Any]) -> str:
    return str(data.get("text", ""))


async def _handed_over(
    client: httpx.AsyncClient, chat: tuple[str, dict[str, str]], agent: dict[str, str]
) -> int:
    at, headers = chat
    asked = await client.post(f"{at}/handoff", headers=headers)
    case: int = asked.json()["handoff"]["id"]
    (await client.post(f"/api/v1/handoffs/{case}/claim", headers=agent)).raise_for_status()
    return case


async def _told(
    client: httpx.AsyncClient,
    case: int,
    agent: dict[str, str],
    text: str,
    arrived: dict[str, "asyncio.Future[float]"],
) -> float:
    """Milliseconds from sending to seeing."""
    arrived[text] = asyncio.get_running_loop().create_future()
    started = time.perf_counter()
    sent = await client.post(f"/api/v1/handoffs/{case}/replies", json={"text": text}, headers=agent)
    sent.raise_for_status()
    return 1000 * (await asyncio.wait_for(arrived[text], 20) - started)


def _widget(report: Report, url: str) -> None:
    """What the one line costs a page: bytes, the main thread's time, and the time to open."""
    fetched = httpx.get(f"{url}/widget.js", headers={"Accept-Encoding": "gzip"}, trust_env=False)
    size = int(fetched.headers["content-length"]) / 1000
    report.add("chat script, compressed", f"{size:.1f} kB", "", "30 kB")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        return
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        line = f'<script src="{url}/widget.js" defer></script>'
        bare = [_main_thread(browser, "") for _ in range(LOADS)]
        opened = [_main_thread(browser, line) for _ in range(LOADS)]
        browser.close()
    busy, alone = median([b for b, _ in opened]), median([b for b, _ in bare])
    report.add(
        "main thread of a page with the chat", f"{busy:.0f} ms", f"the same without {alone:.0f} ms"
    )
    report.add("chat opens after a click", f"{median([o for _, o in opened]):.0f} ms")


def _main_thread(browser: Browser, line: str) -> tuple[float, float]:
    """Milliseconds of tasks while a page loads and settles, and from a click to the open chat."""
    page = browser.new_page()
    probe = page.context.new_cdp_session(page)
    probe.send("Performance.enable")
    before = _task_seconds(probe)
    page.set_content(f"<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1>{line}")
    page.wait_for_timeout(SETTLE)
    busy = 1000 * (_task_seconds(probe) - before)
    took = page.evaluate(OPENING) if line else 0.0
    page.close()
    return busy, took


def _task_seconds(probe: CDPSession) -> float:
    metrics = probe.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))
