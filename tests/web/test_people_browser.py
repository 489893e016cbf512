"""People in a real browser: asked in, choosing a password and a key, getting back in; axe clean."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from kb.db import migrate, open_engine, transaction
from kb.people import add_key, add_person
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import shop
from tests.web.test_desk_browser import CHROMIUM, DESKTOP, PHONE, WCAG, _served
from web.services import Services

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
PASSWORD, NEW = "lamp and chair", "three blue elephants"


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[str]:
    """The cast's shop with rosa, an admin; no mail leaves it, so links are shown."""
    settings = Settings(
        home=tmp_path_factory.mktemp("people"), rate_limit="off", site_name="Shop", base_url=""
    )
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        shop(session)
        add_person(session, "rosa@example.com", "admin", "Rosa", PASSWORD)
        add_key(session, "agent")
    with _served(Services(settings, engine, Index(engine, vectors, encoders), None)) as served:
        yield served
    engine.dispose()


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


@pytest.fixture
def visit(browser: Browser, base: str) -> Iterator[Callable[..., Page]]:
    """A new visitor's page; no page may do what its policy forbids, or fail."""
    faults: list[str] = []
    contexts = []

    def open_page(path: str, locale: str = "en", phone: bool = False) -> Page:
        size = PHONE if phone else DESKTOP
        context = browser.new_context(
            base_url=base, locale=locale, viewport=size, reduced_motion="reduce"  # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if "Policy" in m.text else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def sign_in(page: Page, email: str, password: str) -> None:
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def look(page: Page) -> None:
    """Nothing that WCAG forbids, and nothing to scroll sideways for."""
    found = Axe().run(page, options={"runOnly": WCAG})
    assert found.violations_count == 0, found.generate_report()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide), page.url


def test_from_invitation_to_key_and_back_in_after_a_lost_password(
    visit: Callable[..., Page], base: str
) -> None:
    rosa = visit("/login?next=/studio/people")
    expect(rosa.get_by_role("link", name="Password lost?")).to_be_visible()
    look(rosa)
    sign_in(rosa, "rosa@example.com", PASSWORD)
    look(rosa)
    rosa.locator(".invite-form [name=email]").fill("leila@example.com")
    rosa.locator(".invite-form [name=locale]").select_option("fa")
    rosa.get_by_text("writes, approves and publishes").click()
    rosa.get_by_role("button", name="Invite", exact=True).click()
    link = rosa.locator(".once-secret").input_value()
    look(rosa)

    leila = visit(link, locale="fa", phone=True)
    look(leila)
    leila.locator("[name=name]").fill("لیلا")
    leila.locator("[name=password]").fill("password1234")
    leila.keyboard.press("Enter")
    expect(leila.get_by_role("alert")).to_be_visible()
    look(leila)
    leila.locator("[name=password]").fill(PASSWORD)
    leila.keyboard.press("Enter")
    leila.wait_for_url("**/studio")
    leila.goto("/studio/account")
    expect(leila.locator("html")).to_have_attribute("dir", "rtl")
    leila.locator(".key-form [name=name]").fill("گزارش شبانه")
    leila.locator(".key-form button").click()
    expect(leila.locator(".once-secret")).to_have_value(re.compile("^vb_"))
    look(leila)

    rosa.goto("/studio/people?q=leila")
    rosa.get_by_role("link", name="لیلا").click()
    expect(rosa.get_by_text("Joined")).to_be_visible()
    look(rosa)
    rosa.get_by_role("button", name="Make a link for a new password").click()
    again = visit(rosa.locator(".once-secret").input_value(), phone=True)
    again.locator("[name=password]").fill(NEW)
    again.keyboard.press("Enter")
    sign_in(again, "leila@example.com", NEW)
    leila.goto("/studio")
    leila.wait_for_url("**/login**")

    rosa.get_by_text("Deactivate …").click()
    look(rosa)
    rosa.get_by_role("button", name="Deactivate لیلا").click()
    expect(rosa.get_by_role("status").first).to_contain_text("What they wrote stays")
    again.goto("/studio")
    again.wait_for_url("**/login**")
    rosa.goto("/studio/people?tab=programs")
    look(rosa)
    rosa.goto("/studio/history")
    expect(rosa.locator("tbody tr").first).to_contain_text("Deactivated")
    look(rosa)
    rosa.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for path in ("/studio/history?locale=fa", "/studio/people?locale=ko", "/studio/account"):
        rosa.goto(path)
        look(rosa)
