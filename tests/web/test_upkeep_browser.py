"""Keeping answers right in a real browser: from what a customer says to what everybody reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from kb.articles import Review
from kb.db import migrate, now, open_engine, transaction
from kb.people import add_person
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import REFUND_POLICY, published
from tests.web.test_desk_browser import CHROMIUM, DESKTOP, PASSWORD, PHONE, _served, axe_is_silent
from tests.web.test_desk_browser import browser as browser
from web.services import Services

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[str]:
    """A running shop with mina, a publisher, and an answer that is overdue."""
    home: Path = tmp_path_factory.mktemp("upkeep")
    settings = Settings(home=home, rate_limit="off", site_name="Shop", base_url="")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        published(session, "refund-time", replace(REFUND_POLICY, verify_days=30))
        for review in session.exec(select(Review)):
            review.at = now() - timedelta(days=40)
            session.add(review)
        add_person(session, "elsa@example.com", "publisher", "Elsa", PASSWORD)
    index = Index(engine, vectors, encoders)
    index.bring_level()
    with _served(Services(settings, engine, index, None)) as address:
        yield address
    engine.dispose()


@contextmanager
def signed_in(browser: Browser, base: str, path: str, size: dict[str, int]) -> Iterator[Page]:
    """The studio as elsa sees it."""
    context = browser.new_context(viewport=size, base_url=base)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/login?next=/studio")
    page.locator("input[name=email]").fill("elsa@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".studio-main")).to_be_visible()
    page.goto(path)
    yield page
    context.close()


def test_customer_s_word_becomes_an_improvement_that_everybody_reads(
    browser: Browser, base: str
) -> None:
    with signed_in(browser, base, "/studio/feedback", DESKTOP) as page:
        page.goto("/en/articles/refund-time")
        page.request.post(
            "/en/articles/refund-time/feedback",
            form={"helped": "no", "comment": "How long do cards take?"},
        )
        page.goto("/studio/feedback")
        expect(page.get_by_text("How long do cards take?")).to_be_visible()
        axe_is_silent(page)
        page.locator("[data-item] input").check()
        page.get_by_text("Done: tell whoever asked").click()
        page.locator("input[name=summary_en]").fill("It now says how long cards take.")
        page.locator("input[name=summary_fa]").fill("اکنون زمان کارت‌ها را می‌گوید.")
        page.get_by_role("button", name="Mark as done").click()
        expect(page.get_by_role("status").first).to_contain_text("What we changed")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        page.goto("/fa/changes")
        expect(page.get_by_text("اکنون زمان کارت‌ها را می‌گوید.")).to_be_visible()
        axe_is_silent(page)


def test_overdue_answer_is_still_right_in_one_click(browser: Browser, base: str) -> None:
    with signed_in(browser, base, "/studio/upkeep?locale=fa", PHONE) as page:
        row = page.locator("tr[data-revision]")
        expect(row).to_have_count(1)
        axe_is_silent(page)
        row.locator("button").click()
        expect(page.locator("tr[data-revision]")).to_have_count(0)
        page.locator(".undo-note button").click()
        expect(page.locator("tr[data-revision]")).to_have_count(1)


def test_notice_is_on_site_chat_and_desk_and_off_again(browser: Browser, base: str) -> None:
    with signed_in(browser, base, "/studio/notices/new", DESKTOP) as page:
        desk = page.context.new_page()
        desk.goto("/desk")
        reader = browser.new_context(viewport=PHONE, base_url=base).new_page()  # type: ignore[arg-type]
        reader.goto("/en/")
        chat = reader.locator("verbatim-chat")
        chat.get_by_role("button", name="Open the chat").click()
        page.locator("textarea[name=text_en]").fill("Parcels are **late**.")
        page.locator("select[name=severity]").select_option("outage")
        axe_is_silent(page)
        page.get_by_role("button", name="Show it on every channel").click()
        expect(desk.locator("[data-notice]")).to_contain_text("Parcels are late.", timeout=20_000)
        expect(chat.locator("[data-notice]")).to_contain_text("Parcels are late.", timeout=20_000)
        axe_is_silent(reader)
        chat.locator("[data-notice] button").click()
        expect(chat.locator("[data-notice]")).to_have_count(0)
        reader.reload()
        expect(reader.locator("aside [data-notice]")).to_have_text(re.compile("Parcels are late"))
        axe_is_silent(reader)
        reader.get_by_role("button", name="Put this announcement away").first.click()
        expect(reader.locator("aside [data-notice]")).to_have_count(0)
        axe_is_silent(page)
        page.get_by_role("button", name="End now").click()
        expect(desk.locator("[data-notice]")).to_have_count(0, timeout=20_000)
