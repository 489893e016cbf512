"""The editor by its routes: kept, previewed, checked, saved, merged; pictures and their refusal."""

import re
from io import BytesIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from PIL import Image
from sqlmodel import Session

from kb.articles import Revision, get_article, get_revision
from tests.web.conftest import Keys
from web.services import Services

EDIT = "/studio/articles/reset-password/edit"
NEW = "/studio/articles/new"


class Writer:
    """Somebody at the editor, with a form as the page gives it."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    def page(self, path: str) -> str:
        """What that page says."""
        return str(self.client.get(path, headers=self.headers).text)

    def opened(self, path: str) -> dict[str, str]:
        """The hidden fields of the page."""
        page = self.page(path)
        names = ("copy", "in", "based_on", "article", "slug")
        found = {n: re.search(rf'name="{n}" value="([^"]*)"', page) for n in names}
        return {name: match[1] for name, match in found.items() if match}

    def post(self, path: str, form: dict[str, Any], **fields: Any) -> Response:
        """The form with these fields filled in."""
        files = fields.pop("files", None)
        sent = form | fields
        response: Response = self.client.post(
            path, data=sent, files=files, headers=self.headers, follow_redirects=False
        )
        return response


@pytest.fixture
def tariq(client: TestClient, keys: Keys) -> Writer:
    """A contributor."""
    return Writer(client, keys["contributor"])


@pytest.fixture
def mina(client: TestClient, keys: Keys) -> Writer:
    """A publisher."""
    return Writer(client, keys["publisher"])


def newest(services: Services, slug: str, locale: str = "en") -> Revision:
    with Session(services.engine) as session:
        revision = get_revision(session, get_article(session, slug), locale)
        assert revision.state
        return revision


def words(answer: str, **more: str) -> dict[str, str]:
    fields = {"title": "Reset your password", "answer": answer, "body": "", "audience": "public"}
    return fields | more


def png(size: tuple[int, int] = (8, 8)) -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, "PNG")
    return written.getvalue()


def test_new_article_is_written_in_any_script_and_sent_for_review(
    tariq: Writer, services: Services
) -> None:
    form = tariq.opened(f"{NEW}?in=zh") | {"slug": ""}
    fields = words("点击发送链接。", phrasings="忘记密码\n\n 登录不了 ", tags="登录, 链接")
    sent = tariq.post(NEW, form, **fields | {"title": "重置密码"}, action="submit")
    assert sent.headers["location"].startswith("/studio/articles/zhong-zhi-mi-ma?")
    made = newest(services, "zhong-zhi-mi-ma", "zh")
    assert (made.state, made.phrasings) == ("in_review", ["忘记密码", "登录不了"])
    assert made.tags == ["登录", "链接"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"answer": "x" * 601}, "shorten it to 600"),
        ({"answer": ""}, "answer is empty"),
        ({"slug": "refund-time"}, "Another article has this address"),
        ({"slug": "No Slug"}, "must be lower-case words"),
        ({"title": "?", "slug": ""}, "Give the article an address"),
        ({"verify_days": "soon"}, "whole number of days"),
        ({"body": "[a](b.md)"}, "relative link"),
        ({"title": "\x07bell"}, "control characters"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_typed_is_lost(
    tariq: Writer, fields: dict[str, str], said: str
) -> None:
    form = tariq.opened(NEW)
    typed = words("An answer.", title="Fine", phrasings="my own words", slug="fine") | fields
    response = tariq.post(NEW, form, **typed, action="save")
    assert response.status_code == 422
    assert said in response.text
    assert "my own words" in response.text
    again = tariq.client.get(f"{NEW}?copy={form['copy']}", headers=tariq.headers).text
    assert "my own words" in again


def test_typing_is_kept_and_colleagues_see_who_is_there(tariq: Writer, mina: Writer) -> None:
    form = tariq.opened(EDIT)
    said = tariq.post("/studio/copies", form, **words("Half a sent")).json()
    assert (said["changed"], said["newest"], said["others"]) == (True, 1, [])
    assert "Half a sent" in tariq.client.get(EDIT, headers=tariq.headers).text
    page = mina.client.get(EDIT, headers=mina.headers).text
    assert "Half a sent" not in page
    assert len(mina.post("/studio/copies", mina.opened(EDIT), **words("x")).json()["others"]) == 1
    gone = tariq.post(f"/studio/copies/{form['copy']}/closing", {})
    assert (
        "Half a sent" not in tariq.client.get(gone.headers["location"], headers=tariq.headers).text
    )
    back = tariq.post(f"/studio/copies/{form['copy']}/reopening", {})
    assert "Half a sent" in tariq.client.get(back.headers["location"], headers=tariq.headers).text


def test_copies_of_others_cannot_be_read_written_or_closed(tariq: Writer, mina: Writer) -> None:
    form = tariq.opened(EDIT)
    tariq.post("/studio/copies", form, **words("Mine alone"))
    assert mina.post("/studio/copies", form, **words("stolen")).status_code == 404
    assert mina.post(f"/studio/copies/{form['copy']}/closing", {}).status_code == 404
    stolen = mina.client.get(f"{NEW}?copy={form['copy']}", headers=mina.headers)
    assert stolen.status_code == 404


def test_second_to_save_merges_and_nobody_is_overwritten(
    tariq: Writer, mina: Writer, services: Services
) -> None:
    body = "One. Two. Three.\n"
    first = tariq.opened(EDIT)
    tariq.post(EDIT, first, **words("Start.", body=body), action="save")
    mine, theirs = tariq.opened(EDIT), mina.opened(EDIT)
    mina.post(EDIT, theirs, **words("Start.", body=body.replace("Two", "Deux")), action="save")
    own = words("Start, mine.", body=body.replace("Two", "Due").replace("Three", "Tre"))
    clash = tariq.post(EDIT, mine, **own, action="save")
    assert clash.status_code == 409
    assert "Both of you changed this" in clash.text
    place = re.search(r'name="(body\.\d+)" value="both"', clash.text)
    assert place
    merged = tariq.post(
        "/studio/articles/reset-password/merge", mine | {"based_on": "3"}, **{place[1]: "both"}
    )
    page = tariq.client.get(merged.headers["location"], headers=tariq.headers).text
    assert all(part in page for part in ("Start, mine.", "Deux", "Due", "Tre"))
    assert newest(services, "reset-password").version == 3


def test_saving_the_same_words_again_makes_no_version(tariq: Writer, services: Services) -> None:
    tariq.post(EDIT, tariq.opened(EDIT), **words("Better."), action="save")
    tariq.post(EDIT, tariq.opened(EDIT), **words("Better."), action="save")
    sent = tariq.post(EDIT, tariq.opened(EDIT), **words("Better."), action="submit")
    assert "done=submitted" in sent.headers["location"]
    made = newest(services, "reset-password")
    assert (made.version, made.state) == (2, "in_review")


HOSTILE = (
    "# Steps\n\n<script>alert(1)</script><img src=x onerror=alert(1)>"
    "[x](javascript:alert(1)) **bold** <iframe src='//evil'></iframe>\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |"
)


def test_preview_is_what_the_help_site_then_shows(
    tariq: Writer, client: TestClient, keys: Keys
) -> None:
    fields = words("Open **this** <b onclick=x>page</b>.", body=HOSTILE)
    form = tariq.opened(EDIT)
    shown = tariq.post("/studio/preview/help_site", form, **fields)
    tariq.post(EDIT, form, **fields, action="submit")
    place = {"locale": "en", "version": 2}
    base = "/api/v1/articles/reset-password"
    client.post(f"{base}/revisions/2/approval", json={"locale": "en"}, headers=keys["publisher"])
    client.post(f"{base}/publication", json=place, headers=keys["publisher"])
    live = client.get("/en/articles/reset-password").text

    def parts(page: str) -> list[str]:
        answer = re.search(r'<div class="answer prose"[^>]*>(.*?)</div>', page, re.S)
        body = re.search(
            r'<div class="prose" .*?>(.*)</div>\s*<section class="feedback"', page, re.S
        )
        assert answer
        assert body
        return [answer[1].strip(), body[1].strip()]

    assert parts(shown.text) == parts(live)
    assert "alert" not in "".join(parts(live)).replace("x](javascript:alert(1))", "")
    assert "frame-ancestors 'self'" in shown.headers["content-security-policy"]


@pytest.mark.parametrize("channel", ["widget", "sidebar", "plain"])
def test_other_channels_are_previewed_with_their_own_words(tariq: Writer, channel: str) -> None:
    form = tariq.opened(EDIT)
    shown = tariq.post(f"/studio/preview/{channel}", form, **words("Open **this**.<script>"))
    assert "<script>" not in shown.text
    assert ("Open this." if channel == "plain" else "Open <strong>this</strong>.") in shown.text
    assert tariq.post("/studio/preview/none", form).status_code == 404


def test_checks_name_broken_links_and_articles_that_say_the_same(tariq: Writer) -> None:
    form = tariq.opened(NEW)
    fields = words(
        "See [it](/en/articles/never-was). We refund within 3 working days.",
        title="When is my money back?",
        phrasings="where is my refund",
    )
    found = tariq.post("/studio/checks", form, **fields).text
    assert "There is no article of that name." in found
    assert "These words already lead to another article" in found
    assert "When you get your money back" in found


def test_picture_is_kept_cleaned_and_wants_words(tariq: Writer, client: TestClient) -> None:
    files = {"picture": ("../a b.svg", png(), "image/svg+xml")}
    made = tariq.post("/studio/pictures", {"alt": "A lamp"}, files=files)
    assert made.status_code == 201
    assert client.get(made.json()["address"]).headers["content-type"] == "image/png"
    silent = tariq.post("/studio/pictures", {"alt": " "}, files=files)
    assert (silent.status_code, silent.json()["field"]) == (422, "alt")
    svg = {"picture": ("a.png", b"<svg><script/></svg>", "image/png")}
    refused = tariq.post("/studio/pictures", {"alt": "x"}, files=svg)
    assert (refused.status_code, "SVG" in refused.json()["detail"]) == (422, True)
    form = tariq.opened(EDIT)
    put = tariq.post(EDIT, form, **words("x", alt="A lamp"), files=files, action="picture")
    assert "![A lamp](/media/" in put.text


def test_large_pictures_are_taken_where_large_texts_are_not(tariq: Writer) -> None:
    large = {"picture": ("a.png", png() + bytes(2_000_000), "image/png")}
    assert tariq.post("/studio/pictures", {"alt": "x"}, files=large).status_code == 201
    too_large = {"picture": ("a.png", png() + bytes(10_200_000), "image/png")}
    assert tariq.post("/studio/pictures", {"alt": "x"}, files=too_large).status_code == 413
    form = tariq.opened(EDIT)
    assert tariq.post(EDIT, form, **words("x", body="y" * 1_100_000)).status_code == 413


def test_strangers_and_other_sites_write_nothing(client: TestClient, tariq: Writer) -> None:
    assert client.get(NEW, follow_redirects=False).status_code == 303
    form = tariq.opened(EDIT)
    evil = {"Origin": "https://evil.example"} | tariq.headers
    assert client.post(EDIT, data=form | words("x"), headers=evil).status_code == 403
    assert client.post(EDIT, data={"in": "xx"}, headers=tariq.headers).status_code == 422
