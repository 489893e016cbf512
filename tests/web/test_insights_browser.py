"""Insights in a real browser: every chart is drawn from its table, and the page stands without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from kb.db import migrate, open_engine, transaction
from kb.people import add_person
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import shop, silence
from tests.web.test_desk_browser import CHROMIUM, PASSWORD, PHONE, _served, axe_is_silent
from tests.web.test_desk_browser import browser as browser
from web.services import Services

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[str]:
    """A running shop with elsa, a publisher, and a question on each of two channels."""
    home: Path = tmp_path_factory.mktemp("insights")
    settings = Settings(home=home, rate_limit="off", site_name="Shop", base_url="")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        shop(session)
        add_person(session, "elsa@example.com", "publisher", "Elsa", PASSWORD)
        session.add(silence(question="bike repair", channel="help_site"))
        session.add(silence(question="are you hiring", channel="widget", locale="it"))
    index = Index(engine, vectors, encoders)
    index.bring_level()
    with _served(Services(settings, engine, index, None)) as address:
        yield address
    engine.dispose()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_charts_are_drawn_and_tables_stand_without_a_script(
    browser: Browser, base: str, has_scripts: bool
) -> None:
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        base_url=base,
        java_script_enabled=has_scripts,
        color_scheme="dark",
    )
    page = context.new_page()
    page.goto("/login?next=/studio/insights")
    page.locator("input[name=email]").fill("elsa@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".studio-main")).to_be_visible(timeout=30_000)
    table = page.get_by_role("group", name="Questions over time", exact=True)
    if not has_scripts:
        expect(table).to_be_visible()
        expect(page.locator("canvas").first).to_be_hidden()
    else:
        expect(page.locator("canvas").first).to_be_visible()
        drawn = page.locator("canvas").evaluate_all("all => all.map((c) => c.width > 0)")
        assert drawn
        assert all(drawn)
        expect(table).to_be_hidden()
        axe_is_silent(page)
    context.close()
