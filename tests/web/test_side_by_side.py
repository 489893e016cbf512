"""The whole promise, seen: a bare HTML file with one line, a Korean customer, an agent who knows.

VERBATIM_TEST_PICTURES=docs makes the picture of both windows that README.md shows.
"""

import base64
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from kb.db import transaction
from kb.people import add_person
from web.app import create_app
from web.services import Services

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

PASSWORD = "kettle and lamp"
BARE = """<!doctype html>
<html lang="ko">
<title>Quillhaven</title>
<h1>Quillhaven</h1>
<p>주전자와 조명, 책상을 만듭니다.</p>
<script src="{help}/widget.js" defer></script>
"""
# Asked as people write; the second is what only a person can look up.
ASKED = "환불은 언제 들어오나요?"
ORDER = "주문번호 48-2210931 인데 3주째 환불이 안 들어왔어요"
REPLY = "기다리게 해 드려 죄송합니다. 주문 내역을 확인했습니다. 오늘 환불을 다시 보냈습니다."
LEFT, RIGHT = {"width": 460, "height": 900}, {"width": 1340, "height": 900}


@pytest.fixture(scope="module")
def served(sample: Services) -> Iterator[str]:
    """The sample company with an agent, on a real port."""
    with transaction(sample.engine) as session:
        add_person(session, "omar@quillhaven.example", "agent", "Omar", PASSWORD)
    with _listening(sample) as url:
        yield url


@contextmanager
def _listening(services: Services) -> Iterator[str]:
    app = create_app(services)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    app.state.feed.stop()
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser, two people."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield opened
        opened.close()


def say(page: Page, words: str) -> None:
    """The customer types and sends."""
    box = page.locator("verbatim-chat .composer textarea")
    box.fill(words)
    box.press("Enter")


def test_stranger_chats_in_korean_and_the_agent_knows_the_whole_story(
    browser: Browser, served: str, tmp_path: Path
) -> None:
    file = tmp_path / "bare.html"
    file.write_text(BARE.format(help=served), "utf-8")
    site = browser.new_context(viewport=LEFT, reduced_motion="reduce", locale="ko")
    desk = browser.new_context(viewport=RIGHT, reduced_motion="reduce", locale="en")
    shop, agent = site.new_page(), desk.new_page()
    _sign_in(agent, served)

    shop.goto(file.as_uri())
    chat = shop.locator("verbatim-chat")
    chat.locator(".launcher").click()
    say(shop, ASKED)
    words = chat.locator("[data-sha256]").first
    expect(words).to_be_visible()
    asked = httpx.post(
        f"{served}/api/v1/ask", json={"question": ASKED, "locale": "ko"}, trust_env=False
    )
    answer = asked.json()["answer"]
    assert words.get_attribute("data-sha256") == answer["sha256"]
    assert hashlib.sha256(answer["text"].encode()).hexdigest() == answer["sha256"]
    say(shop, ORDER)
    expect(chat.locator(".from-customer")).to_have_count(2)
    say(shop, "상담원과 이야기하고 싶어요")
    expect(chat.locator(".from-customer")).to_have_count(3)
    chat.locator(".person").click()
    chat.locator(".sheet .main").click()
    expect(chat.locator(".waiting")).to_be_visible()

    agent.locator(".case").first.click()
    expect(agent.locator("#want")).to_contain_text(ORDER)
    expect(agent.locator("#glance")).to_contain_text("48-2210931")
    expect(agent.locator("#transcript")).to_contain_text(ASKED)
    agent.keyboard.press("c")
    box = agent.locator("#text")
    expect(box).to_be_focused()
    box.fill(REPLY)
    box.press("Enter")
    expect(chat.locator(".from-agent")).to_contain_text(REPLY)
    say(shop, "감사합니다!")
    expect(agent.locator(".turn-customer").last).to_contain_text("감사합니다")
    _side_by_side(browser, shop, agent)
    site.close()
    desk.close()


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/desk")
    page.locator("[name=email]").fill("omar@quillhaven.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.get_by_role("switch", name="Offline").click()
    expect(page.get_by_role("switch", name="Online")).to_be_checked()


def _side_by_side(browser: Browser, *windows: Page) -> None:
    """Both windows in one picture, where one is wanted."""
    folder = os.environ.get("VERBATIM_TEST_PICTURES")
    if not folder:
        return
    # Until what says "yours now" has gone, and what was read is marked so.
    windows[-1].wait_for_timeout(6000)
    shots = [base64.b64encode(window.screenshot()).decode() for window in windows]
    frames = "".join(f'<img src="data:image/png;base64,{shot}">' for shot in shots)
    style = "body{margin:24px;display:flex;gap:24px;background:#dfe5e2}"
    style += "img{border-radius:12px;box-shadow:0 8px 30px #0003}"
    page = browser.new_page(viewport={"width": 460 + 1340 + 72, "height": 948})
    page.set_content(f"<style>{style}</style>{frames}")
    page.screenshot(path=Path(folder) / "side-by-side.png")
    page.close()
