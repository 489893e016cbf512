"""The chat in a real browser: a shop on one origin, its help on another."""

import hashlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlmodel import Session

from kb.articles import Wording
from kb.db import migrate, open_engine, transaction
from kb.people import add_key
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import published, shop
from tests.web.test_browser import GIFT, ITEM, PERSIAN, WCAG
from web.app import create_app
from web.services import Services

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1100, "height": 800}
KOREAN = Wording(
    title="비밀번호를 잊어버렸어요",
    answer="**로그인 → 비밀번호 찾기**를 선택하세요. 링크는 30분 동안 유효합니다.",
    phrasings=("비밀번호를 잊어버렸어요", "로그인이 안 돼요", "암호가 기억나지 않아요"),
    category="account",
)
# As strict as a website can be, and as rough as its styles can get.
POLICY = "default-src 'none'; script-src {help}; connect-src {help}; style-src 'self'; "
POLICY += "require-trusted-types-for 'script'; trusted-types verbatim"
STYLE = b"* { all: unset } button { display: none !important } verbatim-chat { opacity: 0 }"
PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Kettles</title>
<link rel="stylesheet" href="/shop.css">
<script src="{help}/widget.js" defer></script><main><h1>Kettles</h1></main></html>"""
SECRET = "a secret of thirty-two bytes or more"
QUESTIONS = {"ko": "비밀번호를 잊어버렸어요", "fa": "رمز عبورم را فراموش کرده‌ام"}


@dataclass(frozen=True)
class Place:
    """The help server, an agent's headers, and the shop that shows the chat."""

    help: str
    shop: str
    agent: dict[str, str]


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Place]:
    """Both servers, over a few articles in three languages."""
    settings = Settings(
        home=tmp_path_factory.mktemp("chat"),
        rate_limit="off",
        site_name="Shop",
        identity_secret=SECRET,
    )
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        _stock(session)
        key = add_key(session, "agent")
    index = Index(engine, vectors, encoders)
    index.bring_level()
    with _served(Services(settings, engine, index, None)) as base, _shop(base) as shop_url:
        yield Place(base, shop_url, {"Authorization": f"Bearer {key}"})
    engine.dispose()


def _stock(session: Session) -> None:
    shop(session)
    published(session, "reset-password", PERSIAN, "fa")
    published(session, "reset-password", KOREAN, "ko")
    published(session, "return-gift", GIFT)
    published(session, "return-item", ITEM)


@contextmanager
def _served(services: Services) -> Iterator[str]:
    config = uvicorn.Config(create_app(services), port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join(timeout=10)


@contextmanager
def _shop(help_url: str) -> Iterator[str]:
    """Any path but the style sheet is a page, in the language that the path names."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_style = self.path == "/shop.css"
            lang = re.sub(r"[^a-z]", "", self.path)[:2] or "en"
            body = STYLE if is_style else PAGE.format(help=help_url, lang=lang).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/css" if is_style else "text/html")
            self.send_header("Content-Security-Policy", POLICY.format(help=help_url))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all pages."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield opened
        opened.close()


@dataclass
class Customer:
    """Somebody with a browser of their own; what its pages complained of."""

    place: Place
    context: BrowserContext
    faults: list[str] = field(default_factory=list)

    def visit(self, path: str = "/en") -> Page:
        """A page of the shop in a new tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.goto(self.place.shop + path)
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "ERR_INTERNET_DISCONNECTED" not in text:
            self.faults.append(text)

    def kept(self) -> dict[str, Any]:
        """The conversation as the server has it."""
        page = self.context.pages[0]
        found = page.evaluate(
            "JSON.parse(localStorage.getItem(Object.keys(localStorage)"
            ".find((key) => key.endsWith(' talk'))) || '{}')"
        )
        if "id" not in found:
            return {"turns": []}
        headers = {"Authorization": f"Bearer {found['token']}"}
        address = f"{self.place.help}/api/v1/conversations/{found['id']}"
        told: dict[str, Any] = httpx.get(address, headers=headers, trust_env=False).json()
        return told

    def said(self) -> list[str]:
        """What the server has of the customer's words, in order."""
        return [turn["text"] for turn in self.kept()["turns"] if turn["author"] == "customer"]


@pytest.fixture
def device(browser: Browser, place: Place) -> Iterator[Customer]:
    """The same customer's other browser."""
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    yield Customer(place, context)
    context.close()


@pytest.fixture
def customer(browser: Browser, place: Place) -> Iterator[Customer]:
    """A customer on a large screen; the strict policy must have had nothing to say."""
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    opened = Customer(place, context)
    yield opened
    context.close()
    assert opened.faults == []


def open_chat(page: Page) -> None:
    page.locator("verbatim-chat .launcher").click()
    expect(page.locator("verbatim-chat .panel")).to_be_visible()


def ask(page: Page, words: str) -> None:
    box = page.locator("verbatim-chat .composer textarea")
    box.fill(words)
    box.press("Enter")


def in_chat(page: Page, selector: str) -> Any:
    return page.locator(f"verbatim-chat {selector}")


@pytest.mark.parametrize("locale", ["ko", "fa"])
def test_answer_is_given_letter_for_letter(customer: Customer, locale: str) -> None:
    page = customer.visit(f"/{locale}")
    open_chat(page)
    ask(page, QUESTIONS[locale])
    words = in_chat(page, "[data-sha256]")
    expect(words).to_be_visible()
    said = {"question": QUESTIONS[locale], "locale": locale}
    reply = httpx.post(f"{customer.place.help}/api/v1/ask", json=said, trust_env=False).json()
    digest = hashlib.sha256(reply["answer"]["text"].encode()).hexdigest()
    assert words.get_attribute("data-sha256") == digest
    assert words.inner_html().strip() == reply["answer"]["html"].strip()
    expect(in_chat(page, ".answer")).to_have_attribute("dir", "rtl" if locale == "fa" else "ltr")


def test_choice_is_made_by_a_click(customer: Customer) -> None:
    page = customer.visit()
    open_chat(page)
    ask(page, "how do returns work")
    in_chat(page, ".options button").filter(has_text="Return a gift").click()
    expect(in_chat(page, "[data-article=return-gift]")).to_be_visible()
    expect(in_chat(page, ".options button")).to_have_count(0)


def test_no_brings_a_box_for_what_was_missing(customer: Customer) -> None:
    page = customer.visit("/fa")
    open_chat(page)
    ask(page, QUESTIONS["fa"])
    in_chat(page, ".verdicts button").last.click()
    in_chat(page, ".missing textarea").fill("پیوند نرسید")
    in_chat(page, ".missing button").click()
    expect(in_chat(page, ".helped .noted")).to_be_visible()
    assert [turn["helped"] for turn in customer.kept()["turns"] if turn["kind"] == "answer"] == [
        False
    ]


def test_markup_of_a_customer_is_shown_as_text(customer: Customer) -> None:
    page = customer.visit()
    open_chat(page)
    ask(page, "<img src=x onerror=alert(1)> <b>refund</b>")
    expect(in_chat(page, ".from-customer .bubble").last).to_have_text(
        "<img src=x onerror=alert(1)> <b>refund</b>"
    )
    expect(in_chat(page, ".from-customer .bubble img")).to_have_count(0)


def test_person_is_asked_for_with_one_click_and_waited_for(customer: Customer) -> None:
    page = customer.visit("/fa")
    open_chat(page)
    ask(page, QUESTIONS["fa"])
    expect(in_chat(page, "[data-sha256]")).to_be_visible()
    in_chat(page, ".person").click()
    expect(in_chat(page, ".sheet textarea")).to_have_value(QUESTIONS["fa"])
    in_chat(page, ".sheet .main").click()
    expect(in_chat(page, ".waiting")).to_be_visible()
    assert customer.kept()["status"] == "waiting"
    in_chat(page, ".waiting .row button").last.click()
    expect(in_chat(page, ".waiting")).to_have_count(0)
    assert customer.kept()["status"] == "open"


@pytest.fixture
def agent(place: Place) -> Iterator[httpx.Client]:
    """Somebody at the desk."""
    address = f"{place.help}/api/v1"
    with httpx.Client(base_url=address, headers=place.agent, trust_env=False) as opened:
        yield opened


def test_agent_and_customer_talk_until_it_is_solved(
    customer: Customer, agent: httpx.Client
) -> None:
    page = customer.visit()
    open_chat(page)
    in_chat(page, ".person").click()
    in_chat(page, ".sheet .main").click()
    expect(in_chat(page, ".waiting")).to_be_visible()
    case = f"/handoffs/{customer.kept()['handoff']['id']}"
    agent.post(f"{case}/claim").raise_for_status()
    agent.post(f"{case}/replies", json={"text": "Good **morning**"}).raise_for_status()
    expect(in_chat(page, ".from-agent .bubble")).to_have_text("Good morning")
    ask(page, "my kettle leaks")
    expect(in_chat(page, ".tick.is-sent")).to_be_visible()
    agent.post(f"{case}/read", json={"n": customer.kept()["turns"][-1]["n"]}).raise_for_status()
    expect(in_chat(page, ".tick.is-read")).to_be_visible()
    agent.post(f"{case}/resolution", json={"disposition": "other"}).raise_for_status()
    in_chat(page, "button").filter(has_text="Yes, it is").click()
    in_chat(page, ".scores label").last.click()
    in_chat(page, ".score .main").click()
    expect(in_chat(page, ".ended")).to_be_visible()
    assert customer.kept()["satisfaction"] == {"solved": True, "score": 5}


def test_words_written_offline_arrive_once_and_in_order(customer: Customer) -> None:
    page = customer.visit()
    open_chat(page)
    ask(page, "how much is shipping")
    expect(in_chat(page, "[data-sha256]")).to_be_visible()
    customer.context.set_offline(True)
    for words in ("first", "second", "third"):
        ask(page, words)
    expect(in_chat(page, ".banner")).to_contain_text("You are offline")
    expect(in_chat(page, ".pending")).to_have_count(3)
    customer.context.set_offline(False)
    expect(in_chat(page, ".pending")).to_have_count(0)
    assert customer.said() == ["how much is shipping", "first", "second", "third"]
    expect(in_chat(page, ".banner")).to_be_hidden()


def test_what_was_not_sent_is_sent_by_the_next_page(customer: Customer) -> None:
    page = customer.visit()
    open_chat(page)
    page.route("**/api/v1/conversations**", lambda route: route.abort("internetdisconnected"))
    ask(page, "where is my refund")
    expect(in_chat(page, ".pending")).to_be_visible()
    page.close()
    page = customer.visit("/it")
    wait_for(lambda: customer.said() == ["where is my refund"])
    open_chat(page)
    expect(in_chat(page, ".pending")).to_have_count(0)
    expect(in_chat(page, ".from-customer .bubble")).to_have_text("where is my refund")


def test_reload_and_second_tab_show_the_same_conversation(customer: Customer) -> None:
    first = customer.visit()
    open_chat(first)
    ask(first, "how much is shipping")
    expect(in_chat(first, "[data-sha256]")).to_be_visible()
    in_chat(first, ".composer textarea").fill("half a sent")
    first.reload()
    expect(in_chat(first, "[data-sha256]")).to_be_visible()
    expect(in_chat(first, ".composer textarea")).to_have_value("half a sent")
    second = customer.visit("/en/basket")
    open_chat(second)
    expect(in_chat(second, ".from-customer")).to_have_count(1)
    ask(second, "where is my refund")
    expect(in_chat(first, ".from-customer")).to_have_count(2)
    expect(in_chat(first, "[data-article=refund-time]")).to_be_visible()


def test_conversation_that_is_gone_leaves_the_words(customer: Customer) -> None:
    page = customer.visit()
    open_chat(page)
    ask(page, "how much is shipping")
    expect(in_chat(page, "[data-sha256]")).to_be_visible()
    page.evaluate(
        """() => { const key = Object.keys(localStorage).find((name) => name.endsWith(' talk'));
        const talk = JSON.parse(localStorage.getItem(key));
        localStorage.setItem(key, JSON.stringify({...talk, token: 'vc_other'})); }"""
    )
    ask(page, "where is my refund")
    expect(in_chat(page, "[data-article=refund-time]")).to_be_visible()
    assert customer.said() == ["where is my refund"]
    assert any("404" in fault for fault in customer.faults)
    customer.faults.clear()


def test_signed_in_customer_goes_on_elsewhere_and_leaves_nothing_behind(
    customer: Customer, device: Customer
) -> None:
    identity = jwt.encode({"sub": "sara", "exp": int(time.time()) + 600}, SECRET, "HS256")
    page, other = customer.visit(), device.visit("/it")
    for opened in (page, other):
        opened.evaluate("(token) => Verbatim.identify(token)", identity)
    open_chat(page)
    ask(page, "how much is shipping")
    expect(in_chat(page, "[data-sha256]")).to_be_visible()
    open_chat(other)
    expect(in_chat(other, "[data-sha256]")).to_be_visible()
    other.evaluate("Verbatim.identify(null)")
    expect(in_chat(other, "[data-sha256]")).to_have_count(0)
    assert customer.said() == ["how much is shipping"]


def test_page_may_call_before_the_chat_is_there(customer: Customer) -> None:
    customer.context.add_init_script(
        "window.Verbatim = [['on', 'message', (turn) => (window.heard ??= []).push(turn.kind)],"
        " ['ask', 'how much is shipping']];"
    )
    page = customer.visit()
    expect(in_chat(page, "[data-article=delivery-costs]")).to_be_visible()
    assert page.evaluate("window.heard") == ["message", "answer"]
    page.evaluate("Verbatim.close()")
    expect(in_chat(page, ".panel")).to_be_hidden()


def test_keyboard_goes_in_and_out(customer: Customer) -> None:
    page = customer.visit()
    launcher = in_chat(page, ".launcher")
    launcher.focus()
    page.keyboard.press("Enter")
    expect(in_chat(page, ".composer textarea")).to_be_focused()
    page.keyboard.press("Escape")
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize(("scheme", "locale"), [("light", "en"), ("dark", "fa")])
def test_axe_finds_nothing(customer: Customer, scheme: Any, locale: str) -> None:
    page = customer.visit(f"/{locale}")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    open_chat(page)
    ask(page, "how do returns work")
    expect(in_chat(page, ".options button").first).to_be_visible()
    ask(page, QUESTIONS["fa"] if locale == "fa" else "I forgot my password")
    expect(in_chat(page, "[data-sha256]")).to_be_visible()
    _is_accessible(page)
    in_chat(page, ".head .tool").first.click()
    _is_accessible(page)
    page.keyboard.press("Escape")
    page.set_viewport_size(PHONE)
    in_chat(page, ".person").click()
    expect(in_chat(page, ".sheet textarea")).to_be_visible()
    _is_accessible(page)
    in_chat(page, ".sheet .main").click()
    expect(in_chat(page, ".waiting")).to_be_visible()
    _is_accessible(page)


def _is_accessible(page: Page) -> None:
    options = {"runOnly": WCAG, "resultTypes": ["violations"]}
    found = Axe().run(page, context="verbatim-chat", options=options)
    assert [(v["id"], v["nodes"]) for v in found.response["violations"]] == []


def wait_for(holds: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)
