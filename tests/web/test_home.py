"""The home page, notifications and the numbers in the navigation, as everybody sees them."""

import re
from collections.abc import Iterator

import pytest

from assistant.audit import Findings, Mismatch, begin, finish
from kb.db import transaction
from retriever.embeddings import Encoder
from retriever.vectors import VectorStore
from tests.web.newsroom import Newsroom, newsroom


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Newsroom]:
    with newsroom(tmp_path_factory.mktemp("home"), vectors, encoders) as opened:
        yield opened


def card(page: str, title: str) -> str:
    """One card of the home page."""
    return page.split(f'aria-label="{title}"')[1].split("</section>")[0]


def next_thing(page: str) -> str:
    return page.split('class="home-next"')[1].split("</section>")[0]


def test_home_shows_the_next_thing_first(house: Newsroom) -> None:
    drafted = house.write("begun")
    assert drafted in next_thing(house.get("tariq", "/studio").text)
    asked = house.write("asked-for", to="in_review")
    assert asked in next_thing(house.get("mina", "/studio").text)
    house.post("mina", f"{asked}/changes", note="Say which day.")
    page = house.get("tariq", "/studio").text
    assert asked in next_thing(page)
    assert "Say which day." in next_thing(page)
    assert drafted in card(page, "My drafts")


def test_difference_between_channels_is_told_before_all_else(house: Newsroom) -> None:
    with transaction(house.services.engine) as session:
        run = begin(session, "night", "night-1")
        assert run is not None
        other = Mismatch("postage?", "en", "widget", "costs v2: €3.95", "costs v1: €4.95")
        finish(session, run, Findings(questions=1, mismatches=[other]), [], "")
    page = house.get("mina", "/studio").text
    assert page.index("Something does not hold") < page.index('class="cards"')
    assert f'href="/studio/proof/{run.id}"' in page
    assert "Nothing waits for you" not in page
    with transaction(house.services.engine) as session:
        again = begin(session, "night", "night-2")
        assert again is not None
        finish(session, again, Findings(questions=1), [], "")
    assert "Something does not hold" not in house.get("mina", "/studio").text


def test_everybody_has_their_own_cards(house: Newsroom) -> None:
    page = house.write("read-by-others", to="in_review")
    assert page in card(house.get("tariq", "/studio").text, "Others are reading")
    assert page in card(house.get("nora", "/studio").text, "To review")
    assert "To review" not in house.get("omar", "/studio").text


def test_bell_counts_until_it_is_read(house: Newsroom) -> None:
    page = house.write("ring")
    house.post("ada", "/studio/notifications")
    house.post("tariq", f"{page}/review")
    assert "1 unread notification" in house.get("ada", "/studio").text
    shown = house.get("ada", "/studio/notifications").text
    opened = re.search(r'href="(/studio/notifications/\d+)"[^>]*>Tariq asks for a review', shown)
    assert opened is not None
    assert house.get("ada", opened[1]).headers["location"] == page
    assert "1 unread notification" not in house.get("ada", "/studio").text


def test_navigation_counts_what_waits_for_a_decision(house: Newsroom) -> None:
    def count(who: str) -> int:
        found = re.search(
            r'href="/studio/reviews".*?</span>(?:<span class="count">(\d+))?',
            house.get(who, "/studio/reviews").text,
        )
        return int(found[1] or 0) if found else 0

    before = count("nora")
    house.write("counted", to="in_review")
    assert (count("nora"), count("tariq")) == (before + 1, 0)


def test_mail_is_a_choice_of_ones_own(house: Newsroom) -> None:
    assert house.post("nora", "/studio/notifications/mail", how="daily").status_code == 303
    assert re.search(r'value="daily" checked', house.get("nora", "/studio/notifications").text)
    assert re.search(r'value="waiting" checked', house.get("ada", "/studio/notifications").text)
    assert house.post("nora", "/studio/notifications/mail", how="hourly").status_code == 422


def test_nobody_opens_the_notifications_of_others(house: Newsroom) -> None:
    page = house.write("private-news")
    house.post("tariq", f"{page}/review")
    shown = house.get("mina", "/studio/notifications").text
    mine = re.findall(r'href="(/studio/notifications/\d+)"', shown)[0]
    assert house.get("tariq", mine).status_code == 404
    assert house.get("mina", "/studio/notifications/99999999999").status_code == 404
