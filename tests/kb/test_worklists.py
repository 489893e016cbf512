"""Who has what to do."""

from datetime import timedelta

from sqlalchemy import Engine

from kb.db import now, transaction
from kb.publishing import approve, draft, publish, request_changes, submit
from kb.worklists import (
    approved_unpublished,
    drafts_of,
    ending,
    in_review,
    is_brand_new,
    recently_published,
    sent_back,
    starting,
)
from tests.cast import (
    DELIVERY_COSTS,
    PASSWORD_RESET,
    REFUND_POLICY,
    approved,
    mina,
    published,
    tariq,
)

DAY = timedelta(days=1)


def slugs(tasks: list) -> list[str]:  # type: ignore[type-arg]
    return [task.slug for task in tasks]


def test_draft_moves_from_list_to_list(engine: Engine) -> None:
    with transaction(engine) as session:
        assert is_brand_new(session)
        revision = draft(session, "reset-password", "en", PASSWORD_RESET, tariq(session))
        assert slugs(drafts_of(session, tariq(session))) == ["reset-password"]
        submit(session, revision, tariq(session))
        assert slugs(in_review(session)) == ["reset-password"]
        assert drafts_of(session, tariq(session)) == []
        approve(session, revision, mina(session))
        assert (slugs(in_review(session)), slugs(approved_unpublished(session))) == (
            [],
            ["reset-password"],
        )
        publish(session, revision, mina(session))
        assert (approved_unpublished(session), slugs(recently_published(session))) == (
            [],
            ["reset-password"],
        )


def test_what_was_sent_back_is_its_authors_until_it_is_rewritten(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = draft(session, "refund-time", "en", REFUND_POLICY, tariq(session))
        submit(session, revision, tariq(session))
        request_changes(session, revision, mina(session), "Which days?")
        assert [task.note for task in sent_back(session, tariq(session))] == ["Which days?"]
        assert sent_back(session, mina(session)) == []
        draft(session, "refund-time", "en", REFUND_POLICY, tariq(session))
        assert sent_back(session, tariq(session)) == []


def test_review_that_a_newer_one_has_overtaken_waits_no_more(engine: Engine) -> None:
    with transaction(engine) as session:
        for _ in range(2):
            revision = draft(session, "refund-time", "en", REFUND_POLICY, tariq(session))
            submit(session, revision, tariq(session))
        draft(session, "refund-time", "en", REFUND_POLICY, tariq(session))
        assert [task.version for task in in_review(session)] == [2]


def test_calendar_knows_what_starts_and_what_ends(engine: Engine) -> None:
    with transaction(engine) as session:
        soon = approved(session, "delivery-costs", DELIVERY_COSTS)
        publish(session, soon, mina(session), now() + DAY, now() + 3 * DAY)
        ends = approved(session, "refund-time", REFUND_POLICY)
        publish(session, ends, mina(session), expires=now() + 2 * DAY)
        published(session, "reset-password", PASSWORD_RESET)
        assert slugs(starting(session)) == ["delivery-costs"]
        assert slugs(ending(session)) == ["refund-time"]
        assert ending(session, before=now() + DAY) == []
        publish(session, ends, mina(session))
        assert ending(session) == []
