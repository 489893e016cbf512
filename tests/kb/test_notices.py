"""Notices: whose words, for whom, from when to when, on both databases."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb.audiences import visible_to
from kb.db import now
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.history import epoch
from kb.notices import (
    Announcement,
    Subject,
    announce,
    end,
    get_notice,
    list_notices,
    notices_for,
    reword,
)
from tests.cast import PASSWORD_RESET, mina, published, tariq

LATE = {"en": "Parcels are **late**.", "ko": "배송이 늦습니다."}
HOUR = timedelta(hours=1)


@pytest.fixture
def session(engine: Engine) -> Session:
    with Session(engine, expire_on_commit=False) as opened:
        mina(opened), tariq(opened)
        yield opened


def seen(session: Session, locale: str = "en", who: str = "public", *about: Subject) -> list[str]:
    return [shown.text for shown in notices_for(session, locale, "en", visible_to(who), about)]


def test_notice_shows_in_the_reader_s_language_else_in_the_fallback(session: Session) -> None:
    before = epoch(session)
    announce(session, Announcement(LATE), mina(session))
    assert (seen(session), seen(session, "ko")) == ([LATE["en"]], [LATE["ko"]])
    (shown,) = notices_for(session, "fa", "en", visible_to("public"))
    assert (shown.text, shown.locale, epoch(session)) == (LATE["en"], "en", before)


def test_notice_without_words_for_a_reader_is_not_shown(session: Session) -> None:
    announce(session, Announcement({"ko": "점검 중"}), mina(session))
    assert (seen(session, "ko"), seen(session, "it")) == (["점검 중"], [])


def test_notice_shows_from_its_start_to_its_end(session: Session) -> None:
    wanted = Announcement(LATE, starts_at=now() + HOUR, ends_at=now() + 2 * HOUR)
    notice = announce(session, wanted, mina(session))
    states = [notice.state(now() + n * HOUR) for n in (0, 1.5, 2.5)]
    assert (seen(session), states) == ([], ["scheduled", "showing", "over"])


def test_notice_ended_is_off_every_channel_at_once(session: Session) -> None:
    notice = announce(session, Announcement(LATE), mina(session))
    end(session, notice, mina(session))
    assert seen(session) == []
    with pytest.raises(Conflict):
        end(session, notice, mina(session))


def test_scheduled_notice_that_is_ended_never_begins(session: Session) -> None:
    notice = announce(session, Announcement(LATE, starts_at=now() + HOUR), mina(session))
    end(session, notice, mina(session))
    assert notice.state(now() + 2 * HOUR) == "over"


def test_other_words_are_a_new_notice_instead_of_the_old_one(session: Session) -> None:
    notice = announce(session, Announcement(LATE), mina(session))
    made = reword(session, notice, Announcement({"en": "All is well."}), mina(session))
    assert (seen(session), made.id != notice.id) == (["All is well."], True)
    assert [n.id for n in list_notices(session)] == [made.id, notice.id]


def test_agents_see_theirs_and_everybody_s(session: Session) -> None:
    announce(session, Announcement({"en": "Be kind."}, audience="agents"), mina(session))
    announce(session, Announcement(LATE), mina(session))
    assert seen(session) == [LATE["en"]]
    assert seen(session, "en", "agents") == [LATE["en"], "Be kind."]


def test_gravest_stands_first(session: Session) -> None:
    for severity in ("info", "outage", "warning"):
        announce(session, Announcement({"en": severity}, severity), mina(session))
    assert seen(session) == ["outage", "warning", "info"]


def test_limited_notice_stands_beside_its_answers_only(session: Session) -> None:
    published(session, "reset-password", PASSWORD_RESET)
    announce(session, Announcement({"en": "a"}, articles=("reset-password",)), mina(session))
    announce(session, Announcement({"en": "c"}, categories=("delivery",)), mina(session))
    assert seen(session) == []
    assert seen(session, "en", "public", Subject("account", "reset-password")) == ["a"]
    assert seen(session, "en", "public", Subject("delivery")) == ["c"]


def test_notice_needs_a_publisher(session: Session) -> None:
    with pytest.raises(NotAllowed):
        announce(session, Announcement(LATE), tariq(session))
    notice = announce(session, Announcement(LATE), mina(session))
    with pytest.raises(NotAllowed):
        end(session, notice, tariq(session))


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Announcement({"en": "  "}), "text"),
        (Announcement({"en": "x" * 401}), "text_en"),
        (Announcement({"en": "a\x00"}), "text_en"),
        (Announcement({"tlh": "x"}), "locale"),
        (Announcement(LATE, severity="panic"), "severity"),
        (Announcement(LATE, audience="All of you"), "audience"),
        (Announcement(LATE, articles=("nothing-here",)), "articles"),
        (Announcement(LATE, ends_at=now() - HOUR), "ends_at"),
        (Announcement(LATE, starts_at=datetime(2030, 1, 1)), "starts_at"),
    ],
)
def test_notice_that_means_nothing_is_refused(
    session: Session, wanted: Announcement, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        announce(session, wanted, mina(session))
    assert refused.value.field == field


def test_unknown_notice_is_not_found(session: Session) -> None:
    for number in (7, 10**12):
        with pytest.raises(NotFound):
            get_notice(session, number)
