"""An answer is never served to an audience it is not for."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb.articles import get_article
from kb.audiences import AGENTS, CHANNELS, CUSTOMERS, PUBLIC, audience_of, visible_to
from kb.catalogue import list_live, live_in, published_version
from kb.db import now, transaction
from kb.errors import Invalid, NotFound
from kb.publishing import draft, live_publications, withdraw
from tests.cast import GOODWILL, PASSWORD_RESET, approved, mina, published, shop, tariq

LOCALES = ["en", "it"]


def visible(session: Session, audience: str) -> list[str]:
    return sorted(p.article.slug for p in live_publications(session, None, visible_to(audience)))


def one_for_each(session: Session) -> None:
    for audience in (PUBLIC, CUSTOMERS, AGENTS, "vip"):
        published(session, f"for-{audience}", replace(PASSWORD_RESET, audience=audience))


def test_each_audience_sees_its_own_and_no_more(engine: Engine) -> None:
    with transaction(engine) as session:
        one_for_each(session)
        assert visible(session, PUBLIC) == ["for-public"]
        assert visible(session, CUSTOMERS) == ["for-customers", "for-public"]
        assert visible(session, "vip") == ["for-customers", "for-public", "for-vip"]
        assert visible(session, "partners") == ["for-customers", "for-public"]
        assert len(visible(session, AGENTS)) == 4


def test_nobody_named_sees_nothing(engine: Engine) -> None:
    with transaction(engine) as session:
        one_for_each(session)
        assert live_publications(session, None, []) == []


def test_every_channel_has_an_audience() -> None:
    assert {audience_of(channel) for channel in CHANNELS} <= {PUBLIC, CUSTOMERS, AGENTS}
    assert audience_of("sidebar") == AGENTS


def test_unknown_channel_is_refused_with_the_known_ones() -> None:
    for channel in ["", "telegraph", "Widget", "x" * 100_000, "\x00"]:
        with pytest.raises(Invalid, match="choose from help_site") as caught:
            audience_of(channel)
        assert len(str(caught.value)) < 200


def test_count_and_list_leave_out_what_is_for_others(engine: Engine) -> None:
    with transaction(engine) as session:
        shop(session)
        public = list_live(session, "en", visible_to(PUBLIC), 10)
        assert (public.total, public.next) == (3, None)
        assert list_live(session, "en", visible_to(AGENTS), 10).total == 4


def test_pages_of_a_list_hold_everything_once(engine: Engine) -> None:
    with transaction(engine) as session:
        shop(session)
        first = list_live(session, "en", None, 3)
        rest = list_live(session, "en", None, 3, first.next or "")
        slugs = [p.article.slug for p in first.items + rest.items]
        assert slugs == ["delivery-costs", "goodwill-credit", "refund-time", "reset-password"]
        assert rest.next is None


def test_error_does_not_say_whether_the_article_exists(engine: Engine) -> None:
    with transaction(engine) as session:
        shop(session)
        messages = []
        for slug in ("goodwill-credit", "no-such-article"):
            with pytest.raises(NotFound) as caught:
                live_in(session, slug, "en", LOCALES, visible_to(PUBLIC))
            messages.append(str(caught.value).replace(slug, "…"))
        assert len(set(messages)) == 1


def test_error_does_not_say_whether_the_version_exists(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "goodwill-credit", GOODWILL)
        for version in [0, 1, 2, 99, 10**30]:
            messages = []
            for slug in ("goodwill-credit", "no-such-article"):
                with pytest.raises(NotFound) as caught:
                    published_version(session, slug, "en", version, visible_to(PUBLIC))
                messages.append(str(caught.value).replace(slug, "…"))
            assert messages[0] == messages[1]


def test_narrowed_article_hides_its_newer_words_and_its_older(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "reset-password", PASSWORD_RESET)
        published(session, "reset-password", replace(PASSWORD_RESET, audience=AGENTS))
        assert (visible(session, PUBLIC), visible(session, AGENTS)) == ([], ["reset-password"])


def test_version_once_public_keeps_its_address_and_a_draft_has_none(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "reset-password", PASSWORD_RESET)
        draft(session, "reset-password", "en", GOODWILL, tariq(session))
        approved(session, "reset-password", GOODWILL)
        withdraw(session, get_article(session, "reset-password"), "en", mina(session))
        found = published_version(session, "reset-password", "en", 1, visible_to(PUBLIC))
        assert found.answer == PASSWORD_RESET.answer
        for version in (2, 3):
            with pytest.raises(NotFound):
                published_version(session, "reset-password", "en", version, None)


def test_reader_gets_another_locale_only_if_it_is_for_them(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "reset-password", PASSWORD_RESET)
        published(session, "reset-password", replace(PASSWORD_RESET, audience=AGENTS), "it")
        seen = live_in(session, "reset-password", "it", LOCALES, visible_to(PUBLIC))
        staff = live_in(session, "reset-password", "it", LOCALES, visible_to(AGENTS))
        assert (seen.locale, staff.locale) == ("en", "it")


def test_what_was_live_at_an_instant_is_found_again(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "reset-password", PASSWORD_RESET)
        then = now()
        withdraw(session, get_article(session, "reset-password"), "en", mina(session))
        assert [p.article.slug for p in live_publications(session, then)] == ["reset-password"]
        assert live_publications(session) == []
