"""The help site in a real browser: accessible, by keyboard, without script, in both themes."""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlmodel import Session, select

from assistant.feedback import Feedback
from assistant.receipts import Receipt
from kb.articles import Wording, get_article
from kb.db import migrate, open_engine, transaction
from kb.publishing import withdraw
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import PASSWORD_RESET, mina, published, shop
from web.app import create_app
from web.services import Services

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
BODY = """## Before you start

You need the *e-mail address* of your account. See [delivery](/en/articles/delivery-costs).

## Steps

1. Open the sign-in page.
2. Choose **Forgot password?**

## When it does not work

| What happens | What to do |
|---|---|
| No e-mail arrives | Look in spam, then try another address |

### Still stuck

> Write to us.

`code` and a [link](https://example.com/).
"""
PERSIAN = Wording(
    title="رمز عبورم را فراموش کرده‌ام",
    answer="**ورود ← فراموشی رمز عبور** را انتخاب کنید. پیوند تا ۳۰ دقیقه کار می‌کند.",
    body="## پیش از شروع\n\nنشانی ایمیل.\n\n## گام‌ها\n\n1. صفحهٔ ورود.\n\n## مشکل\n\nبنویسید.",
    phrasings=("رمز عبورم یادم رفته", "وارد حساب نمی‌شوم"),
    category="account",
)
GIFT = Wording(
    title="Return a gift",
    answer="You have 60 days to return a gift. You get a gift card.",
    phrasings=("return something", "send something back", "I want to return it"),
    category="returns",
)
ITEM = replace(GIFT, title="Return an item", answer="You have 30 days to return an item.")
CONTACT = Wording(title="How can I reach you?", answer="Write to us.", category="contact")


@dataclass(frozen=True)
class Site:
    """A running help site and what stands behind it."""

    base: str
    services: Services


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Site]:
    """A small shop in two languages, served."""
    settings = Settings(home=tmp_path_factory.mktemp("site"), rate_limit="off", site_name="Shop")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        _stock(session)
    index = Index(engine, vectors, encoders)
    index.bring_level()
    services = Services(settings, engine, index, None)
    with _served(services) as base:
        yield Site(base, services)
    engine.dispose()


def _stock(session: Session) -> None:
    shop(session)
    published(session, "reset-password", replace(PASSWORD_RESET, body=BODY))
    published(session, "reset-password", PERSIAN, "fa")
    published(session, "return-gift", GIFT)
    published(session, "return-item", ITEM)
    published(session, "contact-us", CONTACT)
    published(session, "old-news", Wording(title="Old news", answer="It was so."))
    withdraw(session, get_article(session, "old-news"), "en", mina(session))


@contextmanager
def _served(services: Services) -> Iterator[str]:
    config = uvicorn.Config(create_app(services), port=0, log_level="error", ws="none")
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


@dataclass
class Watched:
    """A page, and everything it did that it should not have."""

    page: Page
    faults: list[str]


@contextmanager
def _opened(browser: Browser, site: Site, **options: object) -> Iterator[Watched]:
    context = browser.new_context(base_url=site.base, reduced_motion="reduce", **options)  # type: ignore[arg-type]
    watched = Watched(context.new_page(), [])
    watched.page.on("pageerror", lambda error: watched.faults.append(str(error)))
    watched.page.on("console", lambda m: watched.faults.append(m.text) if _is_fault(m) else None)
    watched.page.on("request", lambda r: _note_foreign(watched, site, r.url))
    yield watched
    context.close()


def _is_fault(message: object) -> bool:
    # A page for 404 or 410 is itself such an answer, and the browser says so.
    text = str(getattr(message, "text", ""))
    expected = re.search(r"status of (404|410|400)", text)
    return getattr(message, "type", "") in ("error", "warning") and not expected


def _note_foreign(watched: Watched, site: Site, url: str) -> None:
    if not url.startswith((site.base, "data:")):
        watched.faults.append(f"request to {url}")


@pytest.fixture
def watched(browser: Browser, site: Site) -> Iterator[Watched]:
    """A page at desktop width; at the end it must have done nothing it should not."""
    with _opened(browser, site, viewport=DESKTOP) as opened:
        yield opened
        assert opened.faults == []


def receipt_address(site: Site) -> str:
    with Session(site.services.engine) as session:
        kept = session.exec(select(Receipt).where(Receipt.outcome == "answered")).first()
        return f"/receipts/{kept.id}" if kept else "/receipts/none"


PAGES = {
    "home": "/{locale}/",
    "category": "/{locale}/categories/account",
    "answer": "/{locale}/search?q=i+forgot+my+password",
    "clarify": "/{locale}/search?q=how+do+returns+work",
    "no answer": "/{locale}/search?q=what+is+the+capital+of+mongolia",
    "no words": "/{locale}/search?q=%F0%9F%98%A1",
    "article": "/{locale}/articles/reset-password",
    "article in another language": "/{locale}/articles/delivery-costs",
    "thanks": "/{locale}/articles/reset-password?thanks=yes",
    "version": "/{locale}/articles/reset-password/versions/1",
    "receipt": "receipt",
    "gone": "/{locale}/articles/old-news",
    "missing": "/{locale}/articles/nothing",
}


@pytest.mark.parametrize("locale", ["en", "fa"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(watched: Watched, site: Site, name: str, locale: str) -> None:
    address = receipt_address(site) if name == "receipt" else PAGES[name].format(locale=locale)
    watched.page.goto(address)
    options = {"runOnly": WCAG, "resultTypes": ["violations"]}
    for scheme in ("light", "dark"):
        for size in (PHONE, DESKTOP):
            watched.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            watched.page.set_viewport_size(size)
            found = Axe().run(watched.page, options=options)
            assert found.violations_count == 0, found.generate_report()
            assert not _scrolls_sideways(watched.page)


def _scrolls_sideways(page: Page) -> bool:
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide


def test_the_three_replies_look_as_they_should(watched: Watched) -> None:
    for name, heading in (
        ("answer", "Reset your password"),
        ("clarify", "Did you mean one of these?"),
        ("no answer", "We don’t have an approved answer to that"),
    ):
        watched.page.goto(PAGES[name].format(locale="en"))
        expect(watched.page.get_by_role("heading", name=heading).first).to_be_visible()


def test_suggestions_are_chosen_by_keyboard(watched: Watched) -> None:
    page = watched.page
    page.goto("/en/")
    box = page.get_by_role("combobox")
    box.press_sequentially("passw")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    option = page.get_by_role("option", selected=True)
    expect(option).to_contain_text("Reset your password")
    expect(box).to_have_attribute("aria-activedescendant", option.get_attribute("id") or "")
    assert Axe().run(page, options={"runOnly": WCAG}).violations_count == 0
    box.press("Enter")
    page.wait_for_url("**/en/articles/reset-password")


def test_escape_closes_the_suggestions_and_enter_asks(watched: Watched) -> None:
    page = watched.page
    page.goto("/en/")
    box = page.get_by_role("combobox")
    box.press_sequentially("passw")
    expect(page.get_by_role("listbox")).to_be_visible()
    box.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    box.press("Enter")
    page.wait_for_url("**/en/search?q=passw")


def test_suggestion_is_chosen_by_mouse(watched: Watched) -> None:
    watched.page.goto("/en/")
    watched.page.get_by_role("combobox").press_sequentially("deliv")
    watched.page.get_by_role("option").first.click()
    watched.page.wait_for_url("**/en/articles/delivery-costs")


def test_skip_link_is_first_and_leads_to_the_content(watched: Watched) -> None:
    watched.page.goto("/en/articles/reset-password")
    watched.page.keyboard.press("Tab")
    expect(watched.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    watched.page.keyboard.press("Enter")
    expect(watched.page.locator("main")).to_be_focused()


def test_language_menu_opens_and_closes_by_keyboard(watched: Watched) -> None:
    page = watched.page
    page.goto("/en/articles/reset-password")
    menu = page.locator("details.languages > summary")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="فارسی")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="فارسی")).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    page.get_by_role("link", name="فارسی").click()
    page.wait_for_url("**/fa/articles/reset-password")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")


def test_chosen_theme_is_kept(watched: Watched) -> None:
    page = watched.page
    page.emulate_media(color_scheme="light")
    page.goto("/en/")
    page.get_by_role("button", name="Dark colours").click()
    page.goto("/en/categories/account")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Dark colours")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_link_is_copied(browser: Browser, site: Site) -> None:
    with _opened(browser, site, permissions=["clipboard-read", "clipboard-write"]) as opened:
        opened.page.goto("/en/articles/reset-password")
        opened.page.get_by_role("button", name="Copy link").click()
        expect(opened.page.get_by_role("button", name="Link copied")).to_be_visible()
        copied = opened.page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{site.services.settings.base_url}/en/articles/reset-password"


def test_everything_works_without_script(browser: Browser, site: Site) -> None:
    with _opened(browser, site, java_script_enabled=False) as opened:
        page = opened.page
        page.goto("/en/")
        page.get_by_role("searchbox").fill("i forgot my password")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Read the whole article").click()
        page.get_by_text("Add a comment").click()
        page.get_by_role("textbox").last.fill("clear, thanks")
        page.get_by_role("button", name="Yes").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        assert opened.faults == []
    with Session(site.services.engine) as session:
        assert session.exec(select(Feedback)).one().comment == "clear, thanks"


def test_print_leaves_out_what_paper_cannot_do(watched: Watched) -> None:
    watched.page.goto("/en/articles/reset-password")
    watched.page.emulate_media(media="print")
    expect(watched.page.locator("main .answer")).to_be_visible()
    expect(watched.page.get_by_role("button", name="Yes")).to_be_hidden()
    expect(watched.page.locator(".masthead-search")).to_be_hidden()
