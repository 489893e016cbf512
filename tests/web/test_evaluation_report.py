"""The page for editors: whole in itself, readable by all, and safe to open."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright
from sqlmodel import Session

from assistant.comparison import compare
from assistant.evaluation import evaluate
from assistant.question_file import Row
from web.evaluation_report import percent, render_report, tokens
from web.plots import Plot, risk_plot
from web.services import Services

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
DAY = datetime(2026, 3, 5, tzinfo=UTC)
ROWS = [
    Row("where is my refund", frozenset({"refund-time"}), "en"),
    Row("i forgot my password", frozenset({"delivery-costs"}), "en", "near_miss"),
    Row("رمز عبورم را فراموش کرده‌ام", frozenset({"refund-time"}), "fa"),
    Row("</style><script>alert(1)</script>", frozenset({"no-such-article"})),
    Row("what is the capital of peru", frozenset()),
]


@pytest.fixture(scope="module")
def report(open_shop: Services) -> dict[str, Any]:
    """An evaluation in which everything happens that can."""
    with Session(open_shop.engine) as session:
        made = evaluate(session, open_shop.index, ROWS, ["en", "fa"])
    earlier = [record | {"said": None, "outcome": "abstained"} for record in made["questions"]]
    return made | {"comparison": compare(made | {"questions": earlier}, made)}


@pytest.fixture(scope="module")
def html(report: dict[str, Any]) -> str:
    """The page of that evaluation."""
    return render_report(report, "questions.csv", DAY)


def test_page_names_what_to_act_on(html: str) -> None:
    for section in ("not-live", "wrong", "confusions", "phrasings", "unanswered", "comparison"):
        assert f'<section id="{section}">' in html
    assert "questions.csv" in html


def test_words_of_customers_are_never_markup(html: str) -> None:
    assert "<script" not in html
    assert '<p class="question" dir="auto" lang="fa">' in html


def test_page_of_only_silence_can_be_read(open_shop: Services) -> None:
    with Session(open_shop.engine) as session:
        made = evaluate(session, open_shop.index, ROWS[-1:], ["en"])
    assert "Nothing: every question got what it should." in render_report(made, "q.csv", DAY)


def test_colours_are_those_of_every_screen_in_both_themes() -> None:
    assert tokens().count("--paper:") == 2
    assert tokens().count("{") == tokens().count("}")


def test_plot_is_just_high_enough() -> None:
    points = [{"coverage": 0.01, "risk": 1.0}, {"coverage": 1.0, "risk": 0.15}]
    found = risk_plot({"risk_coverage": {"points": points}, "wrong_rate": 0.02})
    assert found.ceiling == 0.2
    assert found.y(1.0) == found.y(0.2) == found.edge


def test_plot_runs_from_left_to_right_and_upwards() -> None:
    plot = Plot(width=110, height=110, left=5, bottom=5, edge=5)
    assert plot.line([(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]) == "5.0,105.0 55.0,55.0 105.0,5.0"


def test_percentages_of_nothing_are_a_dash() -> None:
    assert [percent(0.5), percent(0.0444, 1), percent(None)] == ["50%", "4.4%", "–"]


# -- in a browser ------------------------------------------------------------------------


@pytest.fixture
def requests() -> list[str]:
    """Every address that the page asked for."""
    return []


@pytest.fixture
def page(html: str, requests: list[str], tmp_path: Path) -> Iterator[Page]:
    """The page, opened from the file, with all that folds unfolded."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    path = tmp_path / "report.html"
    path.write_text(html, "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        # Its policy forbids scripts, that of the checker too.
        opened = browser.new_context(bypass_csp=True).new_page()
        opened.on("request", lambda request: requests.append(request.url))
        opened.goto(path.as_uri())
        opened.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        yield opened
        browser.close()


def test_page_asks_nobody_for_anything(page: Page, requests: list[str], tmp_path: Path) -> None:
    page.wait_for_load_state("networkidle")
    assert requests == [(tmp_path / "report.html").as_uri()]


def test_axe_finds_nothing_in_the_report(page: Page) -> None:
    for scheme in ("light", "dark"):
        for size in (PHONE, DESKTOP):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size(size)  # type: ignore[arg-type]
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
