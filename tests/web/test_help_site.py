"""The public help site: what readers find, and what they never see."""

import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.feedback import Feedback
from assistant.receipts import Receipt
from kb.articles import Wording, get_article, get_revision
from kb.db import now, transaction
from kb.frontmatter import parse_file
from kb.images import store_image
from kb.markdown import sections
from kb.publishing import publish, withdraw
from tests.cast import DELIVERY_COSTS, GOODWILL, SENDING_BACK, approved, mina, published, silence
from web.highlight import excerpt, mark
from web.pages import body_html

CONTENT = Path(__file__).parents[2] / "content"

RESET = "/en/articles/reset-password"
LONGER = Wording(
    title="Reset your password",
    answer="Choose **Forgot password?** The link works for 45 minutes.",
    category="account",
)
HOSTILE = Wording(
    title="</script><script>alert(1)</script>",
    answer='<img src=x onerror="alert(1)"> {{ 7 * 7 }} <b>bold</b>',
    body="<script>alert(1)</script>\n\n[x](javascript:alert(1))",
    category="</ul><script>",
)


def say_differently(engine: Engine) -> None:
    """A second version of the password article goes live."""
    with transaction(engine) as session:
        published(session, "reset-password", LONGER)


def take_down(engine: Engine, slug: str = "reset-password") -> None:
    with transaction(engine) as session:
        withdraw(session, get_article(session, slug), "en", mina(session))


# -- finding one's way -------------------------------------------------------------


def test_front_door_leads_to_the_readers_language(client: TestClient) -> None:
    reply = client.get("/", headers={"accept-language": "ko-KR"}, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (302, "/ko/")
    assert reply.headers["vary"] == "Accept-Language"


def test_home_shows_categories_with_their_articles(client: TestClient) -> None:
    html = client.get("/en/").text
    assert "How can we help?" in html
    assert re.findall(r"/en/categories/([a-z-]+)", html) == ["delivery", "refunds", "account"]
    assert 'href="/en/articles/reset-password"' in html


def test_home_in_another_language_says_which_language_an_article_is_in(
    client: TestClient,
) -> None:
    html = client.get("/fa/").text
    assert '<html lang="fa" dir="rtl">' in html
    assert '<a href="/fa/articles/reset-password" lang="en" dir="ltr">' in html


@pytest.mark.parametrize(
    "path",
    [
        "/xx/",
        "/en/categories/nothing-here",
        "/en/articles/no-such-article",
        "/en/articles/%00",
        "/en/articles/Not_A_Slug",
        f"{RESET}/versions/2",
        f"{RESET}/versions/0",
        f"{RESET}/versions/99999999999999999999",
        f"{RESET}/versions/1%00",
        "/receipts/nothing",
        "/receipts/%00",
        "/media/0123456789abcdef/a.png",
        "/media/..%2F..%2Fetc/passwd",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(client: TestClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 404
    assert "We can’t find that page" in reply.text
    assert 'role="search"' in reply.text


def test_error_page_speaks_the_language_of_the_address(client: TestClient) -> None:
    assert "این صفحه پیدا نشد" in client.get("/fa/articles/nothing").text
    assert "Pagina non trovata" in client.get("/nope/x/y", headers={"accept-language": "it"}).text


def test_pages_answer_to_head(client: TestClient) -> None:
    for path in ("/en/", RESET, "/sitemap.xml", "/en/feed.xml"):
        assert client.head(path).status_code == 200


# -- articles ----------------------------------------------------------------------


def test_article_begins_with_the_approved_answer(client: TestClient, engine: Engine) -> None:
    html = client.get(RESET).text
    with Session(engine) as session:
        revision = get_revision(session, get_article(session, "reset-password"), "en")
    assert 'data-article="reset-password" data-version="1" data-locale="en"' in html
    assert f'data-sha256="{revision.answer_sha256}"' in html
    assert html.index("The link we send works") < html.index("Open the sign-in page.")


def test_article_without_wording_in_a_language_is_shown_with_a_notice(client: TestClient) -> None:
    html = client.get("/it/articles/reset-password").text
    assert "Questa risposta non è ancora disponibile in italiano. Eccola in inglese." in html
    assert 'data-locale="en"' in html
    assert '<h1 lang="en" dir="ltr">' in html
    assert '<link rel="canonical" href="http://127.0.0.1:8000/en/articles/reset-password">' in html


def test_article_tells_search_engines_what_it_answers(client: TestClient) -> None:
    html = client.get(RESET).text
    assert '"@type": "FAQPage"' in html
    assert '<link rel="alternate" hreflang="x-default"' in html
    assert '<meta property="og:title" content="Reset your password' in html


def test_version_has_its_address_in_its_own_language_only(client: TestClient) -> None:
    assert client.get(f"{RESET}/versions/1").status_code == 200
    assert client.get("/ko/articles/reset-password/versions/1").status_code == 404


def test_every_version_keeps_its_address(client: TestClient, engine: Engine) -> None:
    say_differently(engine)
    old, new = client.get(f"{RESET}/versions/1").text, client.get(f"{RESET}/versions/2").text
    assert "30 minutes" in old
    assert "This is an earlier version" in old
    assert "45 minutes" in new
    assert "This is the current version." in new
    assert all('<meta name="robots" content="noindex">' in html for html in (old, new))


def test_draft_and_approved_versions_have_no_address(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        approved(session, "reset-password", LONGER)
    assert client.get(f"{RESET}/versions/2").status_code == 404
    assert "versions/2" not in client.get(RESET).text


def test_withdrawn_article_is_gone_and_its_versions_say_so(
    client: TestClient, engine: Engine
) -> None:
    assert client.get(RESET).status_code == 200
    take_down(engine)
    gone = client.get(RESET)
    assert gone.status_code == 410
    assert "no longer published" in gone.text
    assert 'role="search"' in gone.text
    assert "no longer published" in client.get(f"{RESET}/versions/1").text
    assert "reset-password" not in client.get("/en/").text + client.get("/sitemap.xml").text


def test_new_wording_shows_at_once_on_every_page(client: TestClient, engine: Engine) -> None:
    client.get("/en/categories/account")
    say_differently(engine)
    assert "45 minutes" in client.get(RESET).text
    assert "45 minutes" in client.get("/en/categories/account").text


def test_scheduled_article_shows_when_its_time_has_come(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = now() + timedelta(hours=1)
    client.get("/en/")
    with transaction(engine) as session:
        revision = approved(session, "later", Wording(title="Not yet", answer="Wait."))
        publish(session, revision, mina(session), at=later)
    assert "Not yet" not in client.get("/en/").text
    for module in ("web.contents", "kb.publishing", "retriever.index"):
        monkeypatch.setattr(f"{module}.now", lambda: later + timedelta(seconds=1))
    assert "Not yet" in client.get("/en/").text


def test_long_article_has_a_table_of_contents(client: TestClient, engine: Engine) -> None:
    body = "### First\n\na\n\n#### Deeper\n\nb\n\n### Second\n\nc"
    with transaction(engine) as session:
        published(session, "long", Wording(title="Long", answer="Short.", body=body))
    html = client.get("/en/articles/long").text
    assert "On this page" in html
    assert '<a href="#s-first">First</a>' in html
    assert '<h2 id="s-first">First</h2>' in html
    assert '<h3 id="s-deeper">Deeper</h3>' in html


QUOTED = "> ## Steps\n\n## Steps\n\na\n\n## Steps\n\nb\n\n## `A & B` *c*\n\nd"


def test_every_section_can_be_linked_to_on_the_page() -> None:
    files = [parse_file(p.read_text("utf-8"), p.stem, "") for p in CONTENT.rglob("*.md")]
    for body in (QUOTED, *(file.wording.body for file in files)):
        ids = re.findall(r'<h\d id="([^"]+)"', body_html(body))
        assert {s.anchor for s in sections(body) if s.headings} <= set(ids)
        assert len(set(ids)) == len(ids)


# -- other audiences ---------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/en/",
        "/en/categories/general",
        "/en/articles/goodwill-credit",
        "/en/articles/goodwill-credit/versions/1",
        "/en/search?q=how+much+goodwill+credit+may+an+agent+give",
        "/en/suggest?q=goodwill",
        "/sitemap.xml",
        "/en/feed.xml",
        RESET,
    ],
)
def test_agents_answer_appears_nowhere(client: TestClient, path: str) -> None:
    shown = client.get(path).text.replace("how much goodwill credit may an agent give", "")
    assert "goodwill-credit" not in shown
    assert GOODWILL.answer not in shown
    assert "Goodwill" not in shown


def test_receipt_of_an_agents_answer_is_not_shown(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        receipt = silence(channel="sidebar", audience="agents")
        session.add(receipt)
    assert client.get(f"/receipts/{receipt.id}").status_code == 404


@pytest.mark.parametrize("path", ["/nothing", "/openapi.json", "/EN", "/%5Cevil.example"])
def test_missing_page_is_not_found_without_a_detour(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).status_code == 404


def test_language_without_its_slash_leads_home(client: TestClient) -> None:
    found = client.get("/fa", follow_redirects=False)
    assert (found.status_code, found.headers["location"]) == (307, "/fa/")


# -- search ------------------------------------------------------------------------


def test_search_answers_at_once_and_keeps_a_receipt(client: TestClient, engine: Engine) -> None:
    html = client.get("/en/search", params={"q": "i forgot my password"}).text
    with Session(engine) as session:
        receipt = session.exec(select(Receipt)).one()
    assert "The link we send works for 30 minutes." in html
    assert (receipt.channel, receipt.article) == ("help_site", "reset-password")
    assert f'href="/receipts/{receipt.id}"' in html
    assert 'value="i forgot my password"' in html


@pytest.mark.parametrize(
    ("locale", "label"),
    [
        ("en", "Read this part: <span>In a shop</span>"),
        ("it", 'Leggi questa parte: <span lang="en" dir="ltr">In a shop</span>'),
    ],
)
def test_search_leads_to_the_part_that_answers(
    client: TestClient, engine: Engine, locale: str, label: str
) -> None:
    with transaction(engine) as session:
        published(session, "send-back", SENDING_BACK)
    question = {"q": "how do i send something back in a shop"}
    html = client.get(f"/{locale}/search", params=question).text
    part = f"/{locale}/articles/send-back#s-in-a-shop"
    assert f'<a href="{part}">{label}</a>' in html
    assert 'id="s-in-a-shop"' in client.get(part).text


def test_search_names_no_part_without_a_heading(client: TestClient) -> None:
    html = client.get("/en/search", params={"q": "what does it cost to deliver furniture"}).text
    assert "data-sha256" in html
    assert "Read this part" not in html


def test_search_without_an_answer_says_so(client: TestClient) -> None:
    html = client.get("/en/search", params={"q": "what is the capital of mongolia"}).text
    assert "We don’t have an approved answer to that" in html
    assert "data-sha256" not in html


@pytest.mark.parametrize("typed", ["", "   ", "\u200b\x00"])
def test_search_for_nothing_asks_for_a_question(client: TestClient, typed: str) -> None:
    reply = client.get("/en/search", params={"q": typed})
    assert reply.status_code == 200
    assert "What would you like to know?" in reply.text


def test_search_for_emoji_asks_for_words(client: TestClient) -> None:
    assert "Could you put that in words?" in client.get("/en/search", params={"q": "😡😡"}).text


def test_search_for_a_novel_asks_for_less(client: TestClient) -> None:
    reply = client.get("/en/search", params={"q": "word " * 500})
    assert reply.status_code == 400
    assert "fewer than 2,000 characters" in reply.text


@pytest.mark.parametrize(
    "typed",
    ["<script>alert(1)</script>", '"><img src=x>', "{{ 7 * 7 }}", "'; drop table article; --"],
)
def test_search_repeats_what_was_typed_only_as_text(client: TestClient, typed: str) -> None:
    reply = client.get("/en/search", params={"q": typed})
    assert reply.status_code == 200
    assert "<script>alert" not in reply.text
    assert "<img src=x>" not in reply.text


def test_broken_utf8_is_survived(client: TestClient) -> None:
    assert client.get("/en/search?q=%ff%fe%80password").status_code == 200


def test_suggestions_complete_titles_and_phrasings(client: TestClient) -> None:
    assert "Reset your password" in client.get("/en/suggest?q=pass").text
    assert "What delivery costs" in client.get("/en/suggest?q=posta").text
    assert client.get("/en/suggest?q=").text.count('role="option"') == 0
    assert client.get("/fa/suggest?q=pass").text.count('role="option"') == 0


# -- receipts and feedback ---------------------------------------------------------


def test_receipt_shows_the_words_and_whether_they_hold(client: TestClient, engine: Engine) -> None:
    client.get("/en/search", params={"q": "i forgot my password"})
    with Session(engine) as session:
        address = f"/receipts/{session.exec(select(Receipt)).one().id}"
    assert "still holds" in client.get(address).text
    say_differently(engine)
    html = client.get(address).text
    assert "changed or withdrawn since" in html
    assert "30 minutes" in html
    assert "45 minutes" not in html


def test_feedback_is_kept_and_thanked_for(client: TestClient, engine: Engine) -> None:
    form = {"helped": "no", "comment": "the link\x00 never came"}
    reply = client.post(f"{RESET}/feedback", data=form, follow_redirects=False)
    assert reply.status_code == 303
    assert "Thank you" in client.get(reply.headers["location"]).text
    with Session(engine) as session:
        kept = session.exec(select(Feedback)).one()
    assert (kept.helped, kept.comment) == (False, "the link never came")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_feedback_from_another_site_is_refused(
    client: TestClient, engine: Engine, headers: dict[str, str]
) -> None:
    reply = client.post(f"{RESET}/feedback", data={"helped": "yes"}, headers=headers)
    assert reply.status_code == 403
    with Session(engine) as session:
        assert session.exec(select(Feedback)).all() == []


def test_feedback_from_our_own_page_is_taken(client: TestClient) -> None:
    ours = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    assert client.post(f"{RESET}/feedback", data={"helped": "yes"}, headers=ours).status_code == 200


@pytest.mark.parametrize(
    "form", [{}, {"helped": "maybe"}, {"helped": "yes", "comment": "x" * 2001}]
)
def test_feedback_that_says_nothing_is_refused(client: TestClient, form: dict[str, str]) -> None:
    assert client.post(f"{RESET}/feedback", data=form).status_code == 422


# -- safety and machines -----------------------------------------------------------


def test_hostile_article_is_only_text(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "hostile", HOSTILE)
    pages = ["/en/", "/en/articles/hostile", "/en/articles/hostile/versions/1", "/en/feed.xml"]
    for path in [*pages, "/en/suggest?q=script", "/en/search?q=script+alert"]:
        shown = client.get(path).text
        assert "<script>alert" not in shown
        assert "onerror" not in shown
        assert 'href="javascript:' not in shown
    assert "{{ 7 * 7 }}" in client.get("/en/articles/hostile").text


def test_pictures_are_served_for_ever_and_drawings_cannot_run(
    client: TestClient, engine: Engine
) -> None:
    with transaction(engine) as session:
        address = store_image(session, "box.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    reply = client.get(address)
    assert reply.headers["content-type"] == "image/svg+xml"
    assert "immutable" in reply.headers["cache-control"]
    assert reply.headers["content-security-policy"].endswith("sandbox")


def test_sitemap_lists_live_public_pages_with_their_languages(
    client: TestClient, engine: Engine
) -> None:
    with transaction(engine) as session:
        published(session, "delivery-costs", DELIVERY_COSTS, "ko")
    xml = client.get("/sitemap.xml").text
    assert ElementTree.fromstring(xml).tag.endswith("urlset")
    assert "<loc>http://127.0.0.1:8000/ko/articles/delivery-costs</loc>" in xml
    assert "<loc>http://127.0.0.1:8000/ko/articles/reset-password</loc>" not in xml


def test_feed_carries_the_newest_answers(client: TestClient, engine: Engine) -> None:
    say_differently(engine)
    feed = ElementTree.fromstring(client.get("/en/feed.xml").text)
    atom = "{http://www.w3.org/2005/Atom}"
    first = feed.findall(f"{atom}entry")[0]
    assert (
        first.findtext(f"{atom}id") == "http://127.0.0.1:8000/en/articles/reset-password/versions/2"
    )
    assert "45 minutes" in (first.findtext(f"{atom}content") or "")


def test_robots_are_told_where_to_look(client: TestClient) -> None:
    text = client.get("/robots.txt").text
    assert "Disallow: /en/search" in text
    assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in text


# -- marking -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "question", "locale", "marked"),
    [
        ("Your refunds arrive", "refund", "en", "Your <mark>refunds</mark> arrive"),
        ("退款需要三天", "退款多久", "zh", "<mark>退款</mark>需要三天"),
        ("비밀번호를 바꾸기", "비밀번호", "ko", "<mark>비밀번호</mark>를 바꾸기"),
        ("a < b & refund", "refund", "en", "a &lt; b &amp; <mark>refund</mark>"),
        ("nothing here", "refund", "en", "nothing here"),
    ],
)
def test_words_of_the_question_are_marked(
    text: str, question: str, locale: str, marked: str
) -> None:
    assert str(mark(text, question, locale)) == marked


def test_persian_words_are_marked_across_half_spaces() -> None:
    assert "<mark>سفارش‌های</mark>" in mark("سفارش‌های شما", "سفارش", "fa")


def test_excerpt_begins_where_the_words_are() -> None:
    text = (
        "Nothing to see in this first part. " * 10 + "A refund takes three days. " + "More. " * 60
    )
    assert "refund" in excerpt(text, "refund", "en")
    assert len(excerpt(text, "refund", "en")) < 240
