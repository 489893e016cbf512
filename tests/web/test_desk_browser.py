"""The desk and the sidebar in a real browser, over the real API: by keyboard, both ways."""

import hashlib
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from kb.db import migrate, open_engine, transaction
from kb.people import add_key, add_person
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import DELIVERY_COSTS, PASSWORD_RESET, shop
from web.app import create_app
from web.services import Services

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PASSWORD = "lamp and chair"
RESET = PASSWORD_RESET.answer
HOST = """<!doctype html><html lang="en"><title>Help desk</title>
<h1>Ticket 1</h1><textarea id="reply" aria-label="Reply"></textarea>
<iframe id="answers" title="Answers" height="600" src="{site}/sidebar?locale=en"></iframe>
<script>
  const told = (window.told = []);
  addEventListener("message", (event) => {{
    told.push([event.origin, event.data]);
    const say = (message) => event.source.postMessage(message, event.origin);
    if (event.data.type === "verbatim:ready") {{
      say({{ type: "verbatim:key", key: "{key}" }});
      say({{ type: "verbatim:question", text: "I forgot my password", locale: "en" }});
    }}
    const reply = document.getElementById("reply");
    if (event.data.type === "verbatim:insert") reply.value = event.data.text;
  }});
</script>"""


@dataclass
class Customer:
    """Somebody who chats through the API, as the widget does."""

    http: httpx.Client
    id: str
    token: str

    @property
    def path(self) -> str:
        return f"/api/v1/conversations/{self.id}"

    def send(self, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        response = self.http.post(self.path + path, json=body, headers=headers)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def turns(self) -> list[dict[str, Any]]:
        """What the customer sees."""
        headers = {"Authorization": f"Bearer {self.token}"}
        found: list[dict[str, Any]] = self.http.get(self.path, headers=headers).json()["turns"]
        return found


@dataclass
class Site:
    """A running shop with agents, and a page of another origin that frames its sidebar."""

    base: str
    host: str
    http: httpx.Client

    def customer(self, locale: str, *said: str, **contact: str) -> Customer:
        """Somebody who said this and asked for a person."""
        body = {"channel": "widget", "locale": locale, "page_url": "https://shop.example.com/sofa"}
        made = self.http.post("/api/v1/conversations", json=body).json()
        customer = Customer(self.http, made["id"], made["token"])
        for text in said:
            customer.send("/turns", text=text)
        customer.send("/handoff", reason="request", contact=contact)
        return customer


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Site]:
    """The cast's shop with yuna and sami, who are agents."""
    home = tmp_path_factory.mktemp("desk")
    with _help_desk() as (host, page):
        settings = Settings(
            home=home, rate_limit="off", site_name="Shop", sidebar_origins=[host], base_url=""
        )
        engine = open_engine(settings.sql_url)
        migrate(engine)
        with transaction(engine) as session:
            shop(session)
            add_person(session, "yuna@example.com", "agent", "Yuna", PASSWORD)
            add_person(session, "sami@example.com", "agent", "Sami", PASSWORD)
            key = add_key(session, "agent")
        index = Index(engine, vectors, encoders)
        index.bring_level()
        with _served(Services(settings, engine, index, None)) as base:
            page["html"] = HOST.format(site=base, key=key)
            with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
                yield Site(base, host, http)
        engine.dispose()


@contextmanager
def _help_desk() -> Iterator[tuple[str, dict[str, str]]]:
    """Another origin with one page."""
    page = {"html": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page["html"].encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=partial(server.serve_forever, 0.05), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", page
    server.shutdown()
    server.server_close()


@contextmanager
def _served(services: Services) -> Iterator[str]:
    config = uvicorn.Config(
        create_app(services), port=0, log_level="error", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


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


@contextmanager
def at_desk(browser: Browser, site: Site, name: str, locale: str = "en") -> Iterator[Page]:
    """An agent who has signed in; the page must have done nothing it should not."""
    faults: list[str] = []
    context = browser.new_context(base_url=site.base, reduced_motion="reduce", viewport=DESKTOP)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if _is_fault(m) else None)
    page.goto(f"/login?locale={locale}&next=/desk%3Flocale%3D{locale}")
    page.locator("[name=email]").fill(f"{name}@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk**")
    expect(page.locator("#presence")).to_be_enabled()
    yield page
    context.close()
    assert faults == []


def _is_fault(message: Any) -> bool:
    # Being second is such an answer, a connection that a test cuts another: the browser says so.
    expected = re.search(r"status of 409|net::ERR_INTERNET_DISCONNECTED", message.text)
    return message.type in ("error", "warning") and not expected


def case_of(page: Page, name: str) -> Locator:
    """The line in the list that is this customer's."""
    return page.locator(".case").filter(has=page.locator(".case-name", has_text=name))


def axe_is_silent(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()


def test_case_from_the_queue_to_its_end_by_keyboard(browser: Browser, site: Site) -> None:
    customer = site.customer(
        "en", "my order number is 204817", "I forgot my password", "a person please", name="Ana"
    )
    with at_desk(browser, site, "yuna") as page:
        page.keyboard.press("g")
        page.keyboard.press("o")
        expect(page.get_by_role("switch", name="Online")).to_be_checked()
        page.keyboard.press("j")
        expect(page.locator("#want")).to_contain_text("I forgot my password")
        expect(page.locator("#glance")).to_contain_text("204817")
        expect(page.locator("#transcript")).to_contain_text(["a person please"])
        axe_is_silent(page)
        page.keyboard.press("c")
        expect(page.get_by_role("textbox", name="Reply to Ana")).to_be_focused()
        page.keyboard.press("Escape")
        page.keyboard.press("i")
        expect(page.locator("#text")).to_have_value(RESET)
        expect(page.locator("#inserted")).to_contain_text("Approved answer")
        page.keyboard.press("Enter")
        expect(page.locator(".turn-agent")).to_contain_text("Word for word")
        said = customer.turns()
        given = next(turn for turn in said if turn["author"] == "agent")
        assert (given["text"], given["article"]["deviates"]) == (RESET, False)
        customer.send("/read", n=said[-1]["n"])
        expect(page.locator(".turn-agent")).to_contain_text("Read")
        customer.send("/turns", text="it works, thank you")
        expect(page.locator(".turn-customer").last).to_contain_text("it works")
        axe_is_silent(page)
        page.keyboard.press("Escape")
        page.keyboard.press("e")
        dialog = page.get_by_role("dialog", name="Resolve this conversation")
        expect(dialog.get_by_role("combobox")).to_contain_text("Reset your password · Version 1")
        axe_is_silent(page)
        dialog.get_by_role("button", name="Resolve").click()
        expect(page.get_by_role("heading", name="Choose a conversation")).to_be_visible()
    assert customer.turns()[-1]["kind"] == "status"


def test_second_to_claim_is_told_who_was_quicker(browser: Browser, site: Site) -> None:
    site.customer("en", "I forgot my password", name="Boris")

    def yuna_first(route: Route) -> None:
        with httpx.Client(base_url=site.base, timeout=30, trust_env=False) as http:
            http.post("/login", data={"email": "yuna@example.com", "password": PASSWORD})
            assert http.post(route.request.url).status_code == 200
        route.continue_()

    with at_desk(browser, site, "sami") as page:
        case_of(page, "Boris").click()
        page.route("**/handoffs/*/claim", yuna_first)
        page.get_by_role("button", name="Take this conversation").click()
        expect(page.get_by_text("Yuna was quicker: this conversation is taken.")).to_be_visible()
        expect(page.locator("#talk-state")).to_contain_text("With Yuna")
        expect(page.locator("#composer")).to_be_hidden()


def test_changed_answer_is_kept_and_shown_as_different(browser: Browser, site: Site) -> None:
    customer = site.customer("en", "I forgot my password", name="Cleo")
    with at_desk(browser, site, "sami") as page:
        case_of(page, "Cleo").click()
        page.keyboard.press("c")
        expect(page.locator("#text")).to_be_focused()
        page.keyboard.press("Alt+Shift+Digit1")
        text = page.locator("#text")
        expect(text).to_have_value(RESET)
        text.press_sequentially(" Take care!")
        expect(page.locator("#inserted")).to_contain_text("Differs from the approved answer")
        page.get_by_role("button", name="Show the difference").click()
        expect(page.locator("#inserted ins")).to_have_text(" Take care!")
        page.reload()
        expect(text).to_have_value(f"{RESET} Take care!")
        page.get_by_role("button", name="Back to the approved wording").click()
        expect(text).to_have_value(RESET)
        text.press_sequentially(" Bye!")
        page.evaluate(
            """() => { for (const _ of [1, 2, 3]) document.getElementById("text")
              .dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true})); }"""
        )
        expect(page.locator(".turn-agent")).to_contain_text("Differs from the approved answer")
    (said,) = [turn for turn in customer.turns() if turn["author"] == "agent"]
    assert (said["text"], said["article"]["deviates"]) == (f"{RESET} Bye!", True)


def test_note_is_for_colleagues_and_goes_along_to_the_next(browser: Browser, site: Site) -> None:
    customer = site.customer("en", "how much is shipping", name="Dana")
    with at_desk(browser, site, "yuna") as page:
        case_of(page, "Dana").click()
        page.keyboard.press("c")
        expect(page.locator("#text")).to_be_focused()
        page.keyboard.type("hello")
        page.keyboard.press("Escape")
        page.keyboard.press("n")
        expect(page.get_by_text("Only colleagues see this")).to_be_visible()
        page.keyboard.type("she is a regular")
        page.keyboard.press("Enter")
        expect(page.locator(".turn-note")).to_contain_text("she is a regular")
        expect(page.get_by_text("Only colleagues see this")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        expect(page.locator("#text")).to_have_value("hello")
        page.keyboard.press("Escape")
        page.keyboard.press("t")
        dialog = page.get_by_role("dialog", name="Pass this conversation on")
        dialog.get_by_role("textbox").fill("please call her")
        dialog.get_by_role("button", name="Pass on").click()
        expect(dialog).to_be_hidden()
        case_of(page, "Dana").click()
        expect(page.locator(".turn-note").last).to_contain_text("please call her")
    assert not any("regular" in turn["text"] for turn in customer.turns())


@pytest.mark.parametrize("locale", ["fa", "ko"])
def test_desk_in_another_language_and_on_a_phone(browser: Browser, site: Site, locale: str) -> None:
    site.customer("fa", "رمز عبورم را فراموش کرده‌ام", name="سارا")
    with at_desk(browser, site, "yuna", locale) as page:
        cases, talk = page.locator(".cases").bounding_box(), page.locator(".talk").bounding_box()
        assert cases is not None
        assert talk is not None
        assert (cases["x"] > talk["x"]) == (locale == "fa")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        page.locator(".views [data-view=cases]").click()
        expect(page.locator(".talk")).to_be_hidden()
        case_of(page, "سارا").first.click()
        expect(page.locator("#talk-title")).to_be_visible()
        for view in ("cases", "side", "talk"):
            page.locator(f".views [data-view={view}]").click()
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
            axe_is_silent(page)


def test_lost_connection_is_said_and_nothing_is_lost_or_sent_twice(
    browser: Browser, site: Site
) -> None:
    customer = site.customer("en", "how much is shipping", name="Eli")
    with at_desk(browser, site, "yuna") as page:
        case_of(page, "Eli").click()
        page.keyboard.press("c")
        expect(page.locator("#text")).to_be_focused()
        page.context.set_offline(True)
        page.keyboard.type("one moment")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Not sent.")).to_be_visible()
        customer.send("/turns", text="are you there?")
        page.context.set_offline(False)
        expect(page.locator(".turn-customer").last).to_contain_text("are you there?")
        expect(page.locator(".turn-agent")).to_contain_text("Delivered")
        expect(page.get_by_text("Not sent.")).to_be_hidden()
        assert page.locator(".turn-agent").count() == 1
        expect(page.locator("#lost")).to_be_hidden()
    said = [turn["text"] for turn in customer.turns() if turn["author"] == "agent"]
    assert said == ["one moment"]


def test_help_desk_on_another_origin_gets_the_answer_by_message(
    browser: Browser, site: Site
) -> None:
    page = browser.new_page()
    page.goto(site.host)
    answers = page.frame_locator("#answers")
    expect(answers.get_by_role("link", name="Reset your password")).to_be_visible()
    answers.get_by_role("link", name="Reset your password").press("i")
    expect(page.locator("#reply")).to_have_value(RESET)
    origins = {origin for origin, _ in page.evaluate("told")}
    (given,) = [data for _, data in page.evaluate("told") if data["type"] == "verbatim:insert"]
    assert origins == {site.base}
    assert (given["article"], given["version"]) == ("reset-password", 1)
    assert given["sha256"] == hashlib.sha256(RESET.encode()).hexdigest()
    page.close()


def test_better_wording_is_saved_as_a_draft_of_the_same_article(
    browser: Browser, site: Site
) -> None:
    with at_desk(browser, site, "sami") as page:
        page.locator("#lookup").fill("how much is shipping")
        card = page.locator(".answer-card").filter(has_text="What delivery costs")
        card.get_by_role("button", name="Suggest a better wording").click()
        dialog = page.get_by_role("dialog", name="Suggest a better wording")
        dialog.get_by_role("textbox").fill("Delivery costs €3.95; from €50 it is free.")
        with page.expect_response("**/articles/delivery-costs/revisions") as posted:
            dialog.get_by_role("button", name="Save draft").click()
        expect(page.get_by_text("The draft is saved.")).to_be_visible()
        made = posted.value.json()
        kept = (made["state"], made["live"], made["body"], made["phrasings"])
        assert kept == ("draft", False, DELIVERY_COSTS.body, list(DELIVERY_COSTS.phrasings))


def test_help_desk_that_was_not_named_gets_nothing(browser: Browser, site: Site) -> None:
    page = browser.new_page()
    page.goto(site.host.replace("127.0.0.1", "localhost"))
    page.wait_for_timeout(300)
    assert page.evaluate("told") == []
    assert not any(frame.url.startswith(site.base) for frame in page.frames)
    page.close()


def test_sidebar_by_itself_looks_up_in_any_language(browser: Browser, site: Site) -> None:
    with at_desk(browser, site, "sami", "ko") as page:
        page.goto("/sidebar?locale=ko")
        page.get_by_role("searchbox").fill("quanto costa la spedizione? delivery postage price")
        expect(page.get_by_role("link", name="What delivery costs")).to_be_visible()
        card = page.locator(".answer-words").first
        assert card.get_attribute("data-article") == "delivery-costs"
        axe_is_silent(page)
