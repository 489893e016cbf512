"""A wrong answer in a real browser: its customer returns, and the studio knows it was seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kb.db import migrate, open_engine, transaction
from kb.people import add_person
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import approved, published, shop
from tests.web.test_browser import PERSIAN
from tests.web.test_desk_browser import CHROMIUM, DESKTOP, PASSWORD, PHONE, _served, axe_is_silent
from tests.web.test_desk_browser import browser as browser
from web.services import Services

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
RIGHT = replace(PERSIAN, answer="پیوندی که می‌فرستیم ۶۰ دقیقه کار می‌کند.")
WHY = "پیوند یک ساعت کار می‌کند، نه نیم ساعت."


@pytest.fixture
def base(tmp_path: Path, vectors: VectorStore, encoders: list[Encoder]) -> Iterator[str]:
    """A running shop; elsa, a publisher; right words that wait to be published."""
    settings = Settings(home=tmp_path, rate_limit="off", site_name="Shop", base_url="")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        shop(session)
        published(session, "reset-password", PERSIAN, "fa")
        approved(session, "reset-password", RIGHT, "fa")
        add_person(session, "elsa@example.com", "publisher", "Elsa", PASSWORD)
    index = Index(engine, vectors, encoders)
    index.bring_level()
    with _served(Services(settings, engine, index, None)) as address:
        yield address
    engine.dispose()


@contextmanager
def a_page(browser: Browser, base: str, size: dict[str, int], **more: Any) -> Iterator[Page]:
    context = browser.new_context(viewport=size, base_url=base, reduced_motion="reduce", **more)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def in_chat(page: Page, selector: str) -> Any:
    return page.locator(f"verbatim-chat {selector}")


def mark_it(page: Page) -> None:
    """Elsa publishes the right words as a correction, after a look at whom it concerns."""
    page.goto("/login?next=/studio")
    page.locator("input[name=email]").fill("elsa@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".studio-main")).to_be_visible()
    page.goto("/studio/articles/reset-password/fa/2")
    page.locator("[name=corrects]").check()
    page.locator("[name=why]").fill(WHY)
    page.locator("form[action$='/publication'] button[type=submit]").click()
    expect(page.locator("[name=why_fa]")).to_have_value(WHY)
    axe_is_silent(page)
    page.locator("button[value=preview]").click()
    expect(page.locator(".recall-counts dd").first).to_have_text("1")
    axe_is_silent(page)
    page.locator("button[value=confirm]").click()
    expect(page.locator(".done-note")).to_be_visible()


def test_customer_returns_sees_the_correction_and_the_studio_knows(
    browser: Browser, base: str
) -> None:
    with a_page(browser, base, PHONE) as chat, a_page(browser, base, DESKTOP) as studio:
        chat.goto("/fa/")
        in_chat(chat, ".launcher").click()
        in_chat(chat, ".composer textarea").fill("رمز عبورم را فراموش کرده‌ام")
        in_chat(chat, ".composer textarea").press("Enter")
        expect(in_chat(chat, ".answer")).to_be_visible()
        in_chat(chat, ".composer textarea").press("Escape")
        chat.goto("about:blank")
        mark_it(studio)
        expect_told(studio, "Told: 1 of 1")
        chat.goto("/fa/")
        in_chat(chat, ".launcher").click()
        told = in_chat(chat, "[data-kind=correction]")
        expect(told).to_contain_text(WHY)
        expect(told.locator("[data-sha256]")).to_have_attribute("data-version", "2")
        expect(in_chat(chat, ".wrong-since")).to_have_count(1)
        axe_is_silent(chat)
        assert chat.evaluate("document.documentElement.scrollWidth <= innerWidth")
        expect_told(studio, "Seen: 1")
        axe_is_silent(studio)
        chat.goto("/fa/corrections")
        expect(chat.locator(".erratum-why")).to_have_text(WHY)
        axe_is_silent(chat)
        assert chat.evaluate("document.documentElement.scrollWidth <= innerWidth")


def expect_told(page: Page, words: str) -> None:
    """The page is read again until the clock has done its work."""
    for _ in range(20):
        page.reload()
        if words in page.locator(".recall-progress").inner_text():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(words)
