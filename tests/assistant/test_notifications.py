"""Who is told what, in the studio and by e-mail; once, and never what they did themselves."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.news_mail import send_news
from assistant.notifications import (
    Notification,
    catch_up,
    count_unread,
    is_behind,
    mark_read,
    pile_of,
    remind,
)
from assistant.outgoing import Outgoing
from kb.articles import Revision
from kb.comments import comment, reply
from kb.db import now, transaction
from kb.people import Person, add_key, add_person
from kb.publishing import apply_due, approve, draft, publish, request_changes, submit
from kb.settings import Settings
from tests.cast import PASSWORD_RESET, approved, mina, omar, published, tariq

LATER = timedelta(minutes=1)


def told(session: Session, person: Person) -> list[str]:
    """What somebody was told so far, oldest first."""
    catch_up(session)
    return [item.kind for item in reversed(pile_of(session, person, unread=False).items)]


def submitted(session: Session, slug: str = "reset-password") -> Revision:
    mina(session)
    revision = draft(session, slug, "en", PASSWORD_RESET, tariq(session))
    submit(session, revision, tariq(session))
    return revision


def letters(session: Session) -> list[dict[str, str]]:
    return [m.data for m in session.exec(select(Outgoing).where(Outgoing.kind == "mail"))]


def test_who_may_approve_hears_of_a_submission_and_its_author_of_the_decision(
    engine: Engine,
) -> None:
    with transaction(engine) as session:
        revision = submitted(session)
        assert (told(session, mina(session)), told(session, tariq(session))) == (["submitted"], [])
        request_changes(session, revision, mina(session), "Which page?")
        assert told(session, tariq(session)) == ["changes_requested"]
        assert pile_of(session, tariq(session), True).items[0].data["note"] == "Which page?"
        assert told(session, omar(session)) == []


def test_nobody_is_told_twice_or_of_their_own_acts(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = submitted(session)
        approve(session, revision, mina(session))
        publish(session, revision, mina(session))
        assert told(session, tariq(session)) == ["approved", "published"]
        assert told(session, tariq(session)) == ["approved", "published"]
        assert told(session, mina(session)) == ["submitted"]
        assert not is_behind(session)


def test_decided_review_waits_for_nobody_else(engine: Engine) -> None:
    with transaction(engine) as session:
        ada = add_person(session, "ada@example.com", "admin")
        revision = submitted(session)
        catch_up(session)
        assert count_unread(session, ada) == 1
        approve(session, revision, mina(session))
        catch_up(session)
        assert count_unread(session, ada) == 0


def test_keys_of_programs_are_told_nothing(engine: Engine) -> None:
    with transaction(engine) as session:
        add_key(session, "publisher")
        submitted(session)
        catch_up(session)
        assert session.exec(select(Notification.person_id)).all() == [mina(session).id]


def test_mentioned_are_told_and_so_are_those_in_the_thread(engine: Engine) -> None:
    with transaction(engine) as session:
        said = comment(session, submitted(session), mina(session), "@omar, is this so?")
        assert told(session, omar(session)) == ["mentioned"]
        assert told(session, tariq(session)) == ["commented"]
        reply(session, said, omar(session), "It is.")
        assert told(session, mina(session)) == ["submitted", "commented"]
        path = pile_of(session, omar(session), True).items[0].data["path"]
        assert path == f"/articles/reset-password/en/1#comment-{said.id}"


def test_many_at_once_become_one(engine: Engine) -> None:
    with transaction(engine) as session:
        for n in range(30):
            submitted(session, f"article-{n}")
        catch_up(session)
        assert count_unread(session, mina(session)) == 5
        assert pile_of(session, mina(session), True).items[0].data["more"] == 25


def test_clock_tells_who_scheduled_and_who_wrote(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = approved(session, "reset-password", PASSWORD_RESET)
        soon = now() + timedelta(hours=1)
        publish(session, revision, mina(session), soon, soon + LATER)
        apply_due(session, soon + 2 * LATER)
        assert told(session, tariq(session))[-2:] == ["went_live", "expired"]
        assert told(session, mina(session))[-2:] == ["went_live", "expired"]


def test_who_published_hears_once_that_it_expires_soon(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = approved(session, "reset-password", PASSWORD_RESET)
        publish(session, revision, mina(session), expires=now() + timedelta(days=2))
        for _ in range(2):
            remind(session)
        assert told(session, mina(session)).count("expiring") == 1
        assert "expiring" not in told(session, tariq(session))


def test_read_is_read(engine: Engine) -> None:
    with transaction(engine) as session:
        submitted(session)
        catch_up(session)
        mark_read(session, mina(session))
        assert count_unread(session, mina(session)) == 0
        assert pile_of(session, mina(session), unread=False).total == 1


# -- by e-mail -----------------------------------------------------------------------


def test_what_waits_for_somebody_is_mailed_once(engine: Engine) -> None:
    with transaction(engine) as session:
        submitted(session)
        catch_up(session)
        assert [send_news(session, Settings(), now() + n * LATER) for n in (1, 2)] == [1, 0]
        letter = letters(session)[0]
        assert (letter["to"], letter["subject"]) == (
            "mina@example.com",
            "tariq asks for a review of “Reset your password”.",
        )
        assert "/studio/articles/reset-password/en/1" in letter["text"]


@pytest.mark.parametrize(("how", "count"), [("waiting", 0), ("all", 1), ("daily", 0), ("never", 0)])
def test_everybody_chooses_what_is_mailed(engine: Engine, how: str, count: int) -> None:
    with transaction(engine) as session:
        tariq(session).mail = how
        published(session, "reset-password", PASSWORD_RESET)
        mark_read(session, mina(session))
        catch_up(session)
        at = now().replace(hour=12) + timedelta(days=1)
        for item in pile_of(session, tariq(session), True).items:
            item.at = at - LATER
        send_news(session, Settings(), at)
        mailed = [letter["to"] for letter in letters(session)].count("tariq@example.com")
        assert mailed == count
        if how == "all":
            assert "2 news" in next(
                x["subject"] for x in letters(session) if x["to"] == "tariq@example.com"
            )


def test_daily_letter_comes_in_the_morning_with_everything(engine: Engine) -> None:
    with transaction(engine) as session:
        tariq(session).mail = "daily"
        tariq(session).locale = "it"
        published(session, "reset-password", PASSWORD_RESET)
        catch_up(session)
        night = now().replace(hour=3) + timedelta(days=1)
        send_news(session, Settings(), night)
        assert "tariq@example.com" not in [letter["to"] for letter in letters(session)]
        send_news(session, Settings(), night.replace(hour=7, minute=1))
        letter = next(x for x in letters(session) if x["to"] == "tariq@example.com")
        assert "ha approvato" in letter["text"]
        assert 'lang="it"' in letter["html"]


def test_what_was_read_meanwhile_is_not_mailed(engine: Engine) -> None:
    with transaction(engine) as session:
        submitted(session)
        catch_up(session)
        mark_read(session, mina(session))
        assert send_news(session, Settings(), now() + LATER) == 0
        assert letters(session) == []
