"""The list of all articles: what each place is, filters, sorting."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from kb.db import now, transaction
from kb.inventory import STATES, Filters, Row, choices, find_articles, ids_of, rows_of
from kb.owners import assign
from kb.publishing import draft, publish, submit, withdraw
from tests.cast import (
    DELIVERY_COSTS,
    PASSWORD_RESET,
    REFUND_POLICY,
    approved,
    mina,
    published,
    shop,
    tariq,
)


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """The shop, with an article in every state."""
    with transaction(engine) as session:
        shop(session)
        better = replace(PASSWORD_RESET, answer="It works for an hour.", tags=("sign-in", "links"))
        draft(session, "reset-password", "en", better, tariq(session))
        waiting = draft(session, "delivery-costs", "it", DELIVERY_COSTS, tariq(session))
        submit(session, waiting, tariq(session))
        approved(session, "not-yet", replace(REFUND_POLICY, title="Ü 100% %_"))
        later = approved(session, "later", REFUND_POLICY)
        publish(session, later, mina(session), now() + timedelta(days=1))
        gone = published(session, "gone", REFUND_POLICY)
        withdraw(session, gone.article, "en", mina(session))
        published(session, "refund-time", REFUND_POLICY, "ko")
        published(session, "refund-time", replace(REFUND_POLICY, answer="Within 5 days."))
    return engine


def found(engine: Engine, **filters: str) -> set[str]:
    return {row.slug for row in listed(engine, **filters)}


def listed(engine: Engine, **filters: str) -> list[Row]:
    with transaction(engine) as session:
        return rows_of(session, find_articles(session, Filters(**filters), "en"), "en")


@pytest.mark.parametrize(
    ("state", "slugs"),
    [
        ("live", {"reset-password", "refund-time", "delivery-costs", "goodwill-credit"}),
        ("draft", {"reset-password"}),
        ("in_review", {"delivery-costs"}),
        ("approved", {"not-yet"}),
        ("scheduled", {"later"}),
        ("withdrawn", {"gone"}),
        ("outdated", {"refund-time"}),
    ],
)
def test_articles_are_found_by_what_they_are_and_say_so(
    filled: Engine, state: str, slugs: set[str]
) -> None:
    rows = listed(filled, state=state)
    assert {row.slug for row in rows} == slugs
    assert all(any(state in place.states for place in row.places) for row in rows)


def test_filters_agree_with_the_labels_of_the_whole_list(filled: Engine) -> None:
    every = listed(filled)
    assert len(every) == 7
    for state in STATES:
        labelled = {row.slug for row in every if any(state in p.states for p in row.places)}
        assert found(filled, state=state) == labelled


@pytest.mark.parametrize(
    ("filters", "slugs"),
    [
        ({"q": "AN HOUR works"}, {"reset-password"}),
        ({"q": "goodwill-cr"}, {"goodwill-credit"}),
        ({"q": "100%"}, {"not-yet"}),
        ({"q": "no such words"}, set()),
        ({"category": "delivery"}, {"delivery-costs"}),
        ({"audience": "agents"}, {"goodwill-credit"}),
        ({"tag": "Sign-In"}, {"reset-password"}),
        ({"tag": "sign"}, set()),
        ({"locale": "it"}, {"delivery-costs"}),
        ({"locale": "it", "state": "live"}, set()),
        ({"owner": "nobody@example.com"}, set()),
    ],
)
def test_list_is_searched_and_filtered(
    filled: Engine, filters: dict[str, str], slugs: set[str]
) -> None:
    assert found(filled, **filters) == slugs


def test_list_is_sorted_by_what_was_asked(filled: Engine) -> None:
    def order(sort: str) -> list[str]:
        return [row.slug for row in listed(filled, sort=sort)]

    assert order("slug") == sorted(order("slug"))
    titles = [row.title.lower() for row in listed(filled, sort="title")][:-1]
    assert titles == sorted(titles)
    assert order("changed")[0] == "refund-time"
    assert len(order("category")) == 7


def test_choices_are_what_wordings_have(filled: Engine) -> None:
    with transaction(filled) as session:
        there = choices(session)
        assert there.tags == ("links", "sign-in")
        assert there.audiences == ("agents", "public")
        assert len(ids_of(session, ["gone", "later", "never-was"])) == 2


def test_who_was_put_in_an_owners_place_is_listed_and_found(engine: Engine) -> None:
    with transaction(engine) as session:
        left = published(session, "refund-time", replace(REFUND_POLICY, owner="leo@example.com"))
        assign(session, left, "mina@example.com", mina(session))
        found = find_articles(session, Filters(owner="mina@example.com"), "en")
        assert [row.owner for row in rows_of(session, found, "en")] == ["mina@example.com"]
        assert find_articles(session, Filters(owner="leo@example.com"), "en") == []
