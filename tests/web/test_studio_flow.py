"""What an editor does in a day, in a real browser: from a customer's question to its answer."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from kb.articles import get_article, get_revision
from kb.db import migrate, open_engine, transaction
from kb.people import add_key, add_person
from kb.publishing import approve, publish
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import shop
from tests.web.test_desk_browser import CHROMIUM, PASSWORD, _served, axe_is_silent
from tests.web.test_desk_browser import browser as browser
from tests.web.test_parity import on_the_site, words_of
from web.services import Services

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

PEOPLE = {"tariq": "contributor", "mina": "publisher", "omar": "agent"}
ASKED = "do you repair bicycles"
ANSWER = "Yes. We repair every bicycle that we sold, for **€40**."
# High enough for the editor, so that nothing scrolls under the bar at its end.
SCREEN = {"width": 1280, "height": 1500}


@dataclass
class House:
    """A running shop, and its address."""

    services: Services
    base: str
    http: httpx.Client


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[House]:
    """The cast's shop, where everybody has a password."""
    settings = Settings(home=tmp_path_factory.mktemp("flow"), rate_limit="off", base_url="")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        for name, role in PEOPLE.items():
            add_person(session, f"{name}@example.com", role, name.title(), PASSWORD)
        shop(session)
    index = Index(engine, vectors, encoders)
    index.bring_level()
    services = Services(settings, engine, index, None)
    with (
        _served(services) as base,
        httpx.Client(base_url=base, timeout=60, trust_env=False) as http,
    ):
        yield House(services, base, http)
    engine.dispose()


@contextmanager
def seen_by(browser: Browser, house: House, name: str) -> Iterator[Page]:
    """The studio as somebody sees it; no page may have failed."""
    faults: list[str] = []
    context = browser.new_context(base_url=house.base, viewport=SCREEN, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto("/login?next=/studio&locale=en")
    page.locator("[name=email]").fill(f"{name}@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".studio-main")).to_be_visible()
    yield page
    context.close()
    # The browser says so of a conflict, too, and of a picture that was refused.
    assert [text for text in faults if not re.search(r"status of (409|422)", text)] == []


def press(page: Page, name: str) -> None:
    """A button by its name, in the main part of the page."""
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    """A link by its name, in the main part of the page."""
    page.locator("main").get_by_role("link", name=name, exact=True).click()


def select_words(page: Page, words: str) -> None:
    """As with the mouse, in the answer, once the page's scripts have run."""
    page.wait_for_load_state()
    page.evaluate(
        """(words) => {
          const node = [...document.querySelectorAll("[data-part=answer] *")]
            .flatMap((one) => [...one.childNodes])
            .find((one) => one.nodeType === 3 && one.data.includes(words));
          const from = node.data.indexOf(words);
          getSelection().setBaseAndExtent(node, from, node, from + words.length);
        }""",
        words,
    )


def shows_all_channels(page: Page, words: str) -> None:
    """A wide window has every preview beside the text, unless one alone was wanted."""
    page.set_viewport_size({"width": 1600, "height": 1500})
    frames = page.locator(".previews iframe")
    expect(frames).to_have_count(4)
    for number in range(4):
        expect(frames.nth(number)).to_be_visible()
        expect(frames.nth(number).content_frame.locator("body")).to_contain_text(words)
    axe_is_silent(page)
    press(page, "All side by side")
    expect(page.locator(".previews iframe:visible")).to_have_count(1)
    page.reload()
    expect(page.locator("[data-channel=plain]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".previews iframe:visible")).to_have_count(1)
    page.set_viewport_size(SCREEN)  # type: ignore[arg-type]


def on_every_channel(house: House, question: str, key: str) -> dict[str, Any]:
    """What each channel says to the next question, as article, version, language and digest."""
    talk = house.http.post(
        "/api/v1/conversations", json={"channel": "widget", "locale": "en"}
    ).json()
    token = {"Authorization": f"Bearer {talk['token']}"}
    path = f"/api/v1/conversations/{talk['id']}/turns"
    said = house.http.post(path, json={"text": question}, headers=token).json()["reply"]
    asked = house.http.post("/api/v1/ask", json={"question": question, "locale": "en"}).json()
    beside = house.http.get(
        "/api/v1/suggestions",
        params={"q": question, "locale": "en"},
        headers={"Authorization": f"Bearer {key}"},
    ).json()["items"]
    return {
        "help site": on_the_site(house.http, question, "en"),  # type: ignore[arg-type]
        "widget": words_of(said["answer"]),
        "api": words_of(asked["answer"]),
        "sidebar": words_of(beside[0]) if asked["answer"] else None,
    }


def test_what_nobody_answered_is_written_approved_and_said_everywhere(
    browser: Browser, house: House
) -> None:
    with transaction(house.services.engine) as session:
        key = add_key(session, "agent")
    assert set(on_every_channel(house, ASKED, key).values()) == {None}
    with (
        seen_by(browser, house, "tariq") as tariq,
        seen_by(browser, house, "mina") as mina,
    ):
        tariq.get_by_role("link", name="Questions").click()
        expect(tariq.locator("main")).to_contain_text(ASKED)
        follow(tariq, "Deal with it")
        press(tariq, "Start a draft")
        expect(tariq.get_by_label("Title")).to_have_value(ASKED)
        expect(tariq.locator(".edit-chip")).to_have_text([ASKED])
        tariq.get_by_label("Title").fill("Bicycle repair")
        answer = tariq.locator("[name=answer]")
        answer.fill(ANSWER)
        expect(tariq.frame_locator("#preview").locator("strong")).to_have_text("€40")
        tariq.locator("[data-channel=plain]").click()
        expect(tariq.frame_locator("#preview").locator("body")).to_contain_text("for €40.")
        axe_is_silent(tariq)
        expect(tariq.locator("#kept")).to_have_text("Kept", timeout=15_000)
        shows_all_channels(tariq, "for €40.")
        expect(answer).to_have_value(ANSWER)
        press(tariq, "Send for review")
        expect(tariq.locator(".done-note")).to_have_text("Sent for review.")
        follow(tariq, "Review version 1")
        expect(tariq.get_by_role("button", name="Approve")).to_have_count(0)

        mina.goto("/studio")
        follow(mina, "Read and decide")
        select_words(mina, "every bicycle")
        mina.get_by_role("button", name="Comment on this").click()
        mina.keyboard.type("Also those of others?")
        press(mina, "Comment")
        expect(mina.locator("mark[data-thread]")).to_have_text("every bicycle")
        axe_is_silent(mina)
        mina.get_by_text("Request changes").click()
        mina.get_by_label("What should change?").fill("See my comment.")
        press(mina, "Send it back")

        tariq.goto("/studio")
        follow(tariq, "See the note")
        expect(tariq.locator("mark[data-thread]")).to_have_text("every bicycle")
        follow(tariq, "Edit")
        answer.fill(ANSWER.replace("every bicycle that we sold", "every bicycle"))
        tariq.keyboard.press("Control+Enter")
        expect(tariq.locator(".done-note")).to_have_text("Sent for review.")

        mina.goto("/studio")
        follow(mina, "Read and decide")
        expect(mina.locator(".difference").first).to_contain_text("that we sold")
        press(mina, "Approve")
        follow(mina, "What would change?")
        press(mina, "Replay the questions")
        expect(mina.get_by_role("heading", name="Gained")).to_be_visible(timeout=60_000)
        axe_is_silent(mina)
        press(mina, "I have seen this: publish")
        expect(mina.locator(".done-note")).to_contain_text("on every channel now")
        said = on_every_channel(house, ASKED, key)
    assert len(set(said.values())) == 1, said
    assert said["api"][:3] == ("do-you-repair-bicycles", 2, "en")


def test_two_editors_at_once_lose_nothing_and_old_words_come_back(
    browser: Browser, house: House
) -> None:
    page_of = "/studio/articles/refund-time"
    with (
        seen_by(browser, house, "tariq") as tariq,
        seen_by(browser, house, "mina") as mina,
    ):
        tariq.goto(f"{page_of}/edit")
        expect(tariq.locator("#preview")).to_be_visible()
        mina.goto(f"{page_of}/edit")
        expect(mina.locator("#others")).to_contain_text("Tariq")
        tariq.locator("[name=answer]").fill("We refund within 2 working days.")
        mina.locator("[name=answer]").fill("We refund within 4 working days.")
        mina.locator("[name=body]").fill("Weekends are not counted.")
        press(tariq, "Save draft")
        expect(tariq.locator(".done-note")).to_be_visible()
        press(mina, "Save draft")
        expect(mina.locator("main")).to_contain_text("Tariq saved version 2")
        axe_is_silent(mina)
        mina.get_by_role("radio", name="My version").check()
        press(mina, "Join, and look it over in the editor")
        expect(mina.locator("[name=answer]")).to_have_value(re.compile("within 4 working days"))
        expect(mina.locator("[name=body]")).to_have_value("Weekends are not counted.")
        press(mina, "Save draft")
        expect(mina.locator(".versions > li")).to_have_count(3)
        mina.locator(".versions > li").last.get_by_role("button").click()
        expect(mina.locator(".versions > li")).to_have_count(4)
        mina.goto(f"{page_of}/en/4?view=words")
        expect(mina.locator("[data-part=answer]")).to_contain_text("within 3 working days")


def test_picture_is_pasted_with_words_and_a_drawing_with_scripts_is_not(
    browser: Browser, house: House
) -> None:
    written = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(written, "PNG")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    hostile = '"><img src=x onerror=alert(1)>'

    with seen_by(browser, house, "tariq") as page:
        page.goto("/studio/articles/delivery-costs/edit")
        body = page.locator("[name=body]")
        body.fill("## Furniture")
        paste(page, f"{hostile}.png", "image/png", written.getvalue())
        dialog = page.get_by_role("dialog", name="Add a picture")
        dialog.get_by_role("textbox").fill("A [teal] shop")
        axe_is_silent(page)
        page.keyboard.press("Enter")
        expect(body).to_have_value(re.compile(r"^## Furniture\n\n!\[.*teal.*\]\(/media/\w+/\S+\)$"))
        picture = page.frame_locator("#preview").locator("img[src^='/media/']")
        expect(picture).to_have_attribute("alt", "A [teal] shop")
        expect(picture).not_to_have_attribute("onerror", re.compile(".*"))
        paste(page, "drawing.svg", "image/svg+xml", svg)
        dialog.get_by_role("textbox").fill("A drawing")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("SVG")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(body).not_to_have_value(re.compile("undefined"))
        body.fill("<script>alert(1)</script>\n\n[click](javascript:alert(1))")
        expect(page.frame_locator("#preview").locator("body")).to_contain_text("click")
        assert page.frame_locator("#preview").locator("a[href^=javascript], script").count() == 0


def paste(page: Page, name: str, kind: str, data: bytes) -> None:
    """A file from the clipboard, at the end of the long form."""
    page.evaluate(
        """([name, kind, data]) => {
          const field = document.querySelector("[name=body]");
          field.setSelectionRange(field.value.length, field.value.length);
          const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([bytes], name, { type: kind }));
          const more = { clipboardData, bubbles: true, cancelable: true };
          field.dispatchEvent(new ClipboardEvent("paste", more));
        }""",
        [name, kind, base64.b64encode(data).decode()],
    )


def test_outdated_translation_is_mended_and_a_wrong_price_is_seen_before_approval(
    browser: Browser, house: House
) -> None:
    bench = "/studio/translations/goodwill-credit/it"
    with (
        seen_by(browser, house, "tariq") as tariq,
        seen_by(browser, house, "mina") as mina,
    ):
        write_italian(tariq, bench, "Gli agenti possono dare fino a 15 € senza chiedere.")
        mina.goto("/studio/articles/goodwill-credit/it/1")
        expect(mina.locator(".facts-agree")).to_be_visible()
        press(mina, "Approve")

        mina.goto("/studio/articles/goodwill-credit/edit")
        mina.locator("[name=answer]").fill("Agents may give up to €20 without asking.")
        press(mina, "Send for review")
        expect(mina.locator(".done-note")).to_be_visible()
        publish_as_second_person(house, "goodwill-credit", 2)

        tariq.goto("/studio/translations?in=it&state=outdated")
        follow(tariq, "outdated : Goodwill credit, Italiano")
        expect(tariq.locator(".source-moved")).to_contain_text("changed in 1 place")
        tariq.locator("textarea[name=answer]").fill("Gli agenti possono dare fino a 25 €.")
        expect(tariq.locator("#facts")).to_contain_text("1 fact differs from the source")
        press(tariq, "Send for review")
        expect(tariq.locator(".done-note")).to_contain_text("in review")

        mina.goto("/studio/articles/goodwill-credit/it/2")
        expect(mina.locator(".fact-warnings")).to_contain_text("25 €")
        expect(mina.locator(".fact-warnings")).to_contain_text("€20")
        axe_is_silent(mina)
        mina.get_by_text("Request changes").click()
        mina.get_by_label("What should change?").fill("20, not 25.")
        press(mina, "Send it back")

        write_italian(tariq, bench, "Gli agenti possono dare fino a 20 €.")
        mina.goto("/studio/articles/goodwill-credit/it/3")
        expect(mina.locator(".facts-agree")).to_be_visible()
        press(mina, "Approve")
        mina.goto("/studio/translations?in=it&state=outdated")
        expect(mina.locator("main")).not_to_contain_text("Goodwill credit")


def write_italian(page: Page, bench: str, answer: str) -> None:
    """Title and answer, sent for review."""
    page.goto(bench)
    page.locator("textarea[name=title]").fill("Credito di cortesia")
    page.locator("textarea[name=answer]").fill(answer)
    press(page, "Send for review")
    expect(page.locator(".done-note")).to_contain_text("in review")


def publish_as_second_person(house: House, slug: str, version: int) -> None:
    """Approved by somebody else than its author, and live."""
    with transaction(house.services.engine) as session:
        second = add_person(session, "nora@example.com", "publisher", "Nora")
        revision = get_revision(session, get_article(session, slug), "en", version)
        approve(session, revision, second)
        publish(session, revision, second)
