"""Every page of the studio in a real browser: light and dark, wide and narrow, both directions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.audit import Findings, Mismatch, begin, finish
from assistant.desk.kcs import flag_article
from kb import comments
from kb.db import migrate, now, open_engine, transaction
from kb.fact_changes import propose
from kb.invitations import invite
from kb.notices import Announcement, announce
from kb.people import Person, add_person
from kb.publishing import draft, publish, submit
from kb.settings import Settings
from kb.shared_facts import name_fact
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import (
    DELIVERY_COSTS,
    PASSWORD_RESET,
    REFUND_POLICY,
    approved,
    mina,
    omar,
    published,
    shop,
    silence,
    tariq,
)
from tests.web.test_desk_browser import CHROMIUM, DESKTOP, PASSWORD, PHONE, WCAG, _served
from tests.web.test_desk_browser import browser as browser
from web.services import Services

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

RESET = "/studio/articles/reset-password"
COSTS = "/studio/articles/delivery-costs"
PAGES = (
    "/studio",
    "/studio/articles",
    "/studio/articles?q=nothing-like-it",
    "/studio/articles/new",
    RESET,
    f"{RESET}/edit?in=en",
    f"{RESET}/en/2",
    f"{RESET}/en/2?view=changes",
    f"{RESET}/en/1/withdrawal",
    f"{COSTS}/en/2",
    f"{COSTS}/en/2/impact",
    "/studio/articles/refund-time/en/2",
    "/studio/reviews",
    "/studio/notifications",
    "/studio/translations",
    "/studio/translations/refund-time/ko",
    "/studio/facts",
    "/studio/facts/new",
    "/studio/facts/bank-days",
    "/studio/facts/changes/1",
    "/studio/upkeep?whose=all&state=all",
    "/studio/questions",
    "/studio/questions/all",
    "/studio/questions/confirmed",
    "/studio/feedback",
    "/studio/feedback?state=done",
    "/studio/notices",
    "/studio/notices/new",
    "/studio/insights",
    "/studio/corrections",
    "/studio/silence",
    "/studio/people",
    "/studio/people/1",
    "/studio/account",
    "/studio/history",
    "/studio/contradictions",
    "/studio/proof",
    "/studio/proof/1",
    "/studio/proof/past",
    "/en/changes",
)


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[str]:
    """A running shop where something waits in every room."""
    settings = Settings(home=tmp_path_factory.mktemp("rooms"), rate_limit="off", base_url="")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    _live_in(engine)
    index = Index(engine, vectors, encoders)
    index.bring_level()
    with _served(Services(settings, engine, index, None)) as address:
        yield address
    engine.dispose()


def _live_in(engine: Engine) -> None:
    with transaction(engine) as session:
        ada = add_person(session, "ada@example.com", "admin", "Ada", PASSWORD)
        shop(session)
        _find_a_difference(session)
        _write(session)
        flag_article(session, published(session, "old", REFUND_POLICY), omar(session), "5 days now")
        texts = {"en": "Parcels to Sicily are late.", "fa": "ارسال به سیسیل دیر می‌رسد."}
        announce(session, Announcement(texts, "outage"), mina(session))
        invite(session, "a-person-with-a-long-name@example.com", "contributor", ada)
        for question, locale in (("do you hire", "en"), ("我想应聘", "zh"), ("کار می‌خواهم", "fa")):
            session.add(silence(question=question, locale=locale))


def _find_a_difference(session: Session) -> None:
    run = begin(session, "night", "night-1")
    assert run is not None
    other = Mismatch("postage?", "en", "widget", "costs v2: €3.95", "costs v1: €4.95")
    finish(session, run, Findings(questions=1, mismatches=[other]), ["abc (no. 3): changed"], "")


def _write(session: Session) -> None:
    """A wording in review with comments, one scheduled, one sent back, one translated."""
    author, judge = tariq(session), mina(session)
    better = replace(PASSWORD_RESET, answer="It works for an hour.", tags=("sign-in",))
    waiting = draft(session, "reset-password", "en", better, author)
    submit(session, waiting, author)
    comments.comment(session, waiting, judge, "Is it? @tariq", "answer", "an hour")
    later = approved(session, "delivery-costs", replace(DELIVERY_COSTS, answer="It costs €4."))
    publish(session, later, judge, now() + timedelta(days=2))
    draft(session, "refund-time", "en", replace(REFUND_POLICY, answer="5 days."), author)
    published(session, "refund-time", REFUND_POLICY, "ko")
    _share(session, author)


def _share(session: Session, author: Person) -> None:
    """A fact that one article states and another says by hand, and a change that waits."""
    days = name_fact(session, "bank-days", {"en": "2 to 5", "fa": "۲ تا ۵"}, author, "At the bank")
    stated = replace(REFUND_POLICY, answer="It takes {{bank-days}} days.", body="")
    published(session, "bank-days", stated)
    published(session, "bank-days-again", replace(stated, answer="Allow 2 to 5 days."))
    propose(session, days, {"en": "1 to 3", "fa": "۱ تا ۳"}, author, "The bank is quicker now")


@dataclass
class Window:
    """A page, and what its console said."""

    page: Page
    said: list[str]

    def open(self, path: str) -> None:
        """A page of the studio, its questions read and grouped."""
        self.said.clear()
        self.page.goto(path)
        expect(self.page.locator("progress.gap-progress")).to_have_count(0, timeout=30_000)


@pytest.fixture(scope="module")
def wide(browser: Browser, base: str) -> Iterator[Window]:
    """Ada's window on a desk."""
    yield from _signed_in(browser, base, locale="en", viewport=DESKTOP, color_scheme="light")


@pytest.fixture(scope="module")
def narrow(browser: Browser, base: str) -> Iterator[Window]:
    """Ada's telephone, at night, in Persian."""
    yield from _signed_in(browser, base, locale="fa", viewport=PHONE, color_scheme="dark")


def _signed_in(browser: Browser, base: str, **screen: Any) -> Iterator[Window]:
    context = browser.new_context(base_url=base, reduced_motion="reduce", **screen)
    context.request.post("/login", form={"email": "ada@example.com", "password": PASSWORD})
    window = Window(context.new_page(), [])
    window.page.on("console", lambda message: window.said.append(message.text))
    window.page.on("pageerror", lambda error: window.said.append(str(error)))
    yield window
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_screen_is_accessible_quiet_and_fits(wide: Window, narrow: Window, path: str) -> None:
    for window in (wide, narrow):
        size = window.page.viewport_size
        assert size is not None
        window.open(path)
        found = Axe().run(window.page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        window.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        fits = window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        window.page.set_viewport_size(size)
        assert fits
        assert window.said == []


def test_korean_keeps_words_whole_except_where_a_page_breaks_them(
    browser: Browser, base: str
) -> None:
    digest = "'<dl class=chain-facts><div><dt>체인</dt><dd><code>9297e064e4c2ef663c56dc549cf95d2d"
    end = "…</code></dd></div></dl>'"
    for window in _signed_in(browser, base, locale="ko", viewport=PHONE):
        window.open("/studio/proof")
        window.page.evaluate(f"document.querySelector('main').innerHTML = {digest}{end}")
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        kept = "getComputedStyle(document.querySelector('dt')).wordBreak"
        assert window.page.evaluate(kept) == "keep-all"
