"""Corrections as pages and JSON: who may mark one, what it shows to whom, and what it costs."""

import re
from collections.abc import Iterator

import pytest

from assistant.conversations import ASSISTANT, CUSTOMER, add_turn, start_conversation
from assistant.telling import tell_due
from kb.db import transaction
from retriever.embeddings import Encoder
from retriever.vectors import VectorStore
from tests.web.newsroom import ROLES, Newsroom, newsroom

PUBLISHERS = {"mina", "nora", "ada"}
MARK = "/studio/corrections/new"


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Newsroom]:
    with newsroom(tmp_path_factory.mktemp("recall"), vectors, encoders) as opened:
        yield opened


def corrected(house: Newsroom, slug: str, *, to: str = "live") -> dict[str, str]:
    """Two wordings, a customer with the first, a receipt of the API; the form that corrects it."""
    page = house.write(slug, to="live", answer=f"Wrong words about {slug} and €3.")
    house.services.index.bring_level()
    with transaction(house.services.engine) as session:
        old = house.revision(session, page)
        conversation, token = start_conversation(
            session, "widget", "public", "en", email=f"{slug}@example.com"
        )
        add_turn(session, conversation, CUSTOMER, "message", "how?")
        add_turn(session, conversation, ASSISTANT, "answer", old.answer, revision_id=old.id)
    house.write(slug, to=to, answer=f"Right words about {slug} and €4.")
    return {
        "article": slug,
        "locale": "en",
        "wrong": "en:1",
        "why_en": f"The price of {slug} had changed.",
        "chat": conversation.id,
        "token": token,
    }


def mark(house: Newsroom, form: dict[str, str], who: str = "mina", **more: str) -> str:
    """Where the confirmed form leads."""
    done = house.post(who, MARK, **form, do="confirm", **more)
    assert done.status_code == 303, done.text
    return str(done.headers["location"])


@pytest.mark.parametrize("who", [*ROLES, ""])
def test_only_publishers_mark_and_watch_corrections(house: Newsroom, who: str) -> None:
    form = corrected(house, f"marked-by-{who or 'nobody'}")
    done = house.post(who, MARK, **form, do="confirm")
    fine = who in PUBLISHERS
    assert (done.status_code == 303 and "done=marked" in done.headers["location"]) == fine
    seen = [house.get(who, path).status_code for path in ("/studio/corrections", MARK)]
    assert seen == ([200, 200] if fine else [403, 403] if who else [303, 303])


def test_preview_counts_before_anything_happens_and_change_keeps_what_was_typed(
    house: Newsroom,
) -> None:
    form = corrected(house, "previewed")
    shown = house.post("mina", MARK, **form, do="preview")
    counts = [int(n) for n in re.findall(r"<dd>(\d+)</dd>", shown.text)]
    assert (shown.status_code, counts) == (200, [1, 1, 0, 0])
    assert "previewed" not in house.get("", "/api/v1/corrections").text
    changed = house.post("mina", MARK, **form, do="change").text
    assert form["why_en"] in changed
    assert re.search(r'value="en:1" checked', changed)


def test_customer_colleagues_and_public_see_what_was_corrected(house: Newsroom) -> None:
    form = corrected(house, "public-one")
    receipt = house.client.post("/api/v1/ask", json={"question": "public-one"}).json()["receipt"]
    at = mark(house, form).split("?")[0]
    # The house has a clock of its own, which may have told some already.
    tell_due(house.services.engine)
    chat = house.get("", f"/api/v1/conversations/{form['chat']}", **bearer(form)).json()["turns"]
    assert [turn["kind"] for turn in chat] == ["message", "answer", "correction"]
    assert (chat[1]["corrected"]["version"], chat[2]["corrects"]["turns"]) == (2, [2])
    assert chat[2]["reply"]["answer"]["text"] == "Right words about public-one and €4."
    page = house.get("", "/en/corrections").text
    for words in (form["why_en"], "Wrong words about public-one", "Right words about public-one"):
        assert words in page
    assert form["why_en"] in house.get("", "/en/articles/public-one/versions/1").text
    assert form["why_en"] not in house.get("", "/en/articles/public-one/versions/2").text
    assert "Told: 1 of 2" in house.get("mina", at).text
    assert house.get("", f"/api/v1/receipts/{receipt['id']}").json()["corrected"] is None


def bearer(form: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {form['token']}"}


def test_receipt_of_wrong_words_says_so(house: Newsroom) -> None:
    page = house.write("with-receipt", to="live", phrasings=("plutonium umbrella rental",))
    house.services.index.bring_level()
    asked = house.client.post("/api/v1/ask", json={"question": "plutonium umbrella rental"}).json()
    assert (asked["outcome"], page[-1]) == ("answered", "1")
    house.write("with-receipt", to="live", answer="Only on Mondays.")
    form = {"article": "with-receipt", "locale": "en", "wrong": "en:1", "why_en": "Not on Sundays."}
    at = mark(house, form).split("?")[0]
    found = house.get("", f"/api/v1/receipts/{asked['receipt']['id']}").json()["corrected"]
    assert (found["why"], found["version"]) == ("Not on Sundays.", 2)
    assert "Not on Sundays." in house.get("", f"/receipts/{asked['receipt']['id']}").text
    assert "1 receipt without a person" in house.get("mina", at).text


def test_customer_who_has_read_it_is_shown_as_such_and_in_the_file(house: Newsroom) -> None:
    form = corrected(house, "read-it")
    at = mark(house, form).split("?")[0]
    tell_due(house.services.engine)
    chat = f"/api/v1/conversations/{form['chat']}/read"
    assert house.client.post(chat, json={"n": 3}, headers=bearer(form)).status_code == 204
    assert "Seen: 1" in house.get("mina", at).text
    assert "Visitor" not in house.get("mina", f"{at}?state=waiting").text
    lines = house.get("mina", f"{at}.csv").text.splitlines()
    assert lines[0] == "\ufeffchannel,recipient,name,state,queued_at,told_at,seen_at"
    assert [line.split(",")[3] for line in lines[1:]] == ["seen", "waiting"]
    assert house.get("omar", f"{at}.csv").status_code == 403


def test_correction_is_published_with_its_confirmation_and_not_before(house: Newsroom) -> None:
    form = corrected(house, "with-publication", to="approved")
    page = "/studio/articles/with-publication/en/2"
    assert 'name="corrects"' in house.get("mina", page).text
    sent = house.post("mina", f"{page}/publication", corrects="yes", why="It was €3.")
    shown = house.get("mina", sent.headers["location"]).text
    assert "It was €3." in shown
    assert house.state(page) == "approved"
    mark(house, form, publishes="2")
    assert house.state(page) == "live"
    assert "Right words" in house.get("", "/en/articles/with-publication").text
    assert "Marked as a correction" in house.get("ada", "/studio/history").text


def test_correction_with_a_time_is_refused_and_keeps_what_was_typed(house: Newsroom) -> None:
    corrected(house, "later-on", to="approved")
    page = "/studio/articles/later-on/en/2"
    later = {"when": "at", "starts": "2090-01-01T09:00", "corrects": "yes", "why": "Soon wrong."}
    done = house.post("mina", f"{page}/publication", **later)
    assert done.status_code == 422
    assert "Soon wrong." in done.text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"why_en": " "}, 422),
        ({"why_en": "x" * 301}, 422),
        ({"wrong": ""}, 422),
        ({"wrong": "en:9"}, 422),
        ({"wrong": "tlh:1"}, 422),
        ({"since": "2090-01-01T00:00"}, 422),
        ({"since": "tomorrow"}, 422),
        ({"article": "no-such-article"}, 404),
    ],
)
def test_what_cannot_be_marked_is_said_on_the_form(
    house: Newsroom, change: dict[str, str], status: int
) -> None:
    form = corrected(house, f"refused-{len(str(change))}-{status}")
    done = house.post("mina", MARK, **(form | change), do="confirm")
    assert done.status_code == status
    assert status == 404 or 'role="alert"' in done.text


def test_second_click_is_told_that_it_is_marked(house: Newsroom) -> None:
    form = corrected(house, "clicked-twice")
    mark(house, form)
    again = house.post("nora", MARK, **form, do="confirm")
    assert (again.status_code, "already marked" in again.text) == (409, True)


def test_list_as_json_is_paged_newest_first_in_the_language_asked(house: Newsroom) -> None:
    for slug in ("paged-a", "paged-b"):
        mark(house, corrected(house, slug) | {"why_ko": f"{slug} 틀렸습니다"})
    first = house.get("", "/api/v1/corrections?limit=1&locale=ko").json()
    item = first["items"][0]
    assert (item["article"], item["locale"], item["why"]) == ("paged-b", "en", "paged-b 틀렸습니다")
    assert [words["version"] for words in (*item["wrong"], item["right"])] == [1, 2]
    after = house.get("", f"/api/v1/corrections?limit=1&after={first['next']}").json()
    assert (after["items"][0]["article"], after["total"]) == ("paged-a", first["total"])
    for wrong in ("after=x", "after=99999999999", "locale=tlh"):
        assert house.get("", f"/api/v1/corrections?{wrong}").status_code == 422


def test_letter_leads_to_the_correction_and_is_then_seen(house: Newsroom) -> None:
    at = mark(house, corrected(house, "by-letter")).split("?")[0]
    lines = house.get("mina", f"{at}.csv").text.splitlines()
    assert any("by-letter@example.com" in line for line in lines)
    number = at.rsplit("/", 1)[1]
    assert house.get("", f"/fa/corrections/{number}?told=forged").status_code == 200
    assert house.get("", "/fa/corrections/2147483647").status_code == 404
    assert house.get("", "/fa/corrections/0").status_code == 404


def test_what_was_for_agents_is_on_no_public_page(house: Newsroom) -> None:
    house.write("inside-only", to="live", audience="agents", answer="Give €5.")
    house.write("inside-only", to="live", audience="agents", answer="Give €6.")
    form = {"article": "inside-only", "locale": "en", "wrong": "en:1", "why_en": "It is €6."}
    at = mark(house, form).split("?")[0]
    assert "It is €6." in house.get("mina", at).text
    assert "It is €6." not in house.get("", "/en/corrections").text
    assert house.get("", f"/en/corrections/{at.rsplit('/', 1)[1]}").status_code == 404
