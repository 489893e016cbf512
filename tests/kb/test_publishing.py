"""The life of a Revision, from draft to withdrawal, on both databases."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import Revision, Wording, get_article, get_revision
from kb.db import now, transaction
from kb.errors import Conflict, Invalid, NotAllowed
from kb.history import LIVE_KINDS, Event, epoch
from kb.people import Person, add_person, importer
from kb.publishing import (
    Publication,
    adopt,
    apply_due,
    approve,
    draft,
    live_publication,
    live_publications,
    next_due,
    publish,
    request_changes,
    restore,
    submit,
    withdraw,
)
from tests.cast import PASSWORD_RESET, REFUND_POLICY, approved, mina, omar, published, tariq

SLUG = "reset-password"
NEWER = replace(PASSWORD_RESET, answer="The link works for 60 minutes.")
HOUR = timedelta(hours=1)


def nora(session: Session) -> Person:
    """A second publisher."""
    return add_person(session, "nora@example.com", "publisher")


def kinds(session: Session) -> list[str]:
    return [event.kind for event in session.exec(select(Event).order_by(Event.id))]  # type: ignore[arg-type]


def live_version(session: Session, at: datetime | None = None, locale: str = "en") -> int | None:
    article = get_article(session, SLUG)
    assert article.id is not None
    live = live_publication(session, article.id, locale, at)
    return live.revision.version if live else None


# -- the whole life --------------------------------------------------------------------


def test_draft_becomes_live_through_review_and_approval(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        states = [revision.state]
        submit(session, revision, tariq(session))
        states.append(revision.state)
        approve(session, revision, mina(session))
        states.append(revision.state)
        assert states == ["draft", "in_review", "approved"]
        assert live_version(session) is None
        publish(session, revision, mina(session))
        assert live_version(session) == 1


def test_each_step_is_an_event_in_order(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        steps = ["created", "drafted", "submitted", "approved", "published", "withdrawn"]
        assert kinds(session) == steps


def test_event_says_who_did_what_to_which_version(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = published(session, SLUG, PASSWORD_RESET)
        event = session.exec(select(Event).where(Event.kind == "published")).one()
        assert (event.article_id, event.locale, event.version) == (revision.article_id, "en", 1)
        assert event.by_id == mina(session).id


def test_requested_changes_return_the_revision_to_draft(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        submit(session, revision, tariq(session))
        request_changes(session, revision, mina(session), "say how long the link works")
        assert revision.state == "draft"
        assert revision.reviews[-1].note == "say how long the link works"
        submit(session, revision, tariq(session))
        assert revision.state == "in_review"


def test_approval_says_when(engine: Engine) -> None:
    before = now()
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        assert revision.approved_at is None
        submit(session, revision, tariq(session))
        approve(session, revision, mina(session))
        assert revision.approved_at is not None
        assert before <= revision.approved_at <= now()


@pytest.mark.parametrize("step", [approve, request_changes])
def test_draft_cannot_be_judged_before_it_is_submitted(engine: Engine, step: object) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        with pytest.raises(Conflict, match="is draft, not in_review"):
            step(session, revision, mina(session))  # type: ignore[operator]


def test_approved_revision_cannot_be_judged_again(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = approved(session, SLUG, PASSWORD_RESET)
        for step in (approve, request_changes, submit):
            with pytest.raises(Conflict, match="is approved"):
                step(session, revision, mina(session))


@pytest.mark.parametrize("steps", [0, 1])
def test_unapproved_wording_is_never_published(engine: Engine, steps: int) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        if steps:
            submit(session, revision, tariq(session))
        with pytest.raises(Conflict, match="approved first"):
            publish(session, revision, mina(session))
        assert live_publications(session) == []


def test_revision_sent_back_cannot_be_published(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        submit(session, revision, tariq(session))
        request_changes(session, revision, mina(session))
        with pytest.raises(Conflict):
            publish(session, revision, mina(session))


def test_publishing_twice_is_refused(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = published(session, SLUG, PASSWORD_RESET)
        with pytest.raises(Conflict, match="already"):
            publish(session, revision, mina(session))


def test_editing_starts_a_draft_beside_the_live_wording(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        edited = draft(session, SLUG, "en", NEWER, tariq(session))
        assert (edited.version, edited.state) == (2, "draft")
        assert live_version(session) == 1


def test_newer_version_takes_the_place_of_the_older(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, NEWER)
        assert live_version(session) == 2
        assert len(live_publications(session)) == 1


def test_older_version_cannot_replace_a_newer_live_one(engine: Engine) -> None:
    with transaction(engine) as session:
        first = published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, NEWER)
        with pytest.raises(Conflict, match="restore version 1 as a new draft"):
            publish(session, first, mina(session))


# -- who may ---------------------------------------------------------------------------


def test_author_never_approves_their_own_wording(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, mina(session))
        submit(session, revision, mina(session))
        with pytest.raises(NotAllowed, match="another publisher"):
            approve(session, revision, mina(session))
        approve(session, revision, nora(session))
        assert revision.is_approved


@pytest.mark.parametrize("who", [tariq, omar])
def test_only_publishers_approve_publish_and_withdraw(engine: Engine, who: object) -> None:
    with transaction(engine) as session:
        person: Person = who(session)  # type: ignore[operator]
        waiting = draft(session, "other", "en", REFUND_POLICY, mina(session))
        submit(session, waiting, mina(session))
        ready = approved(session, SLUG, PASSWORD_RESET)
        for step in (approve, request_changes):
            with pytest.raises(NotAllowed, match=f"role {person.role} may not approve"):
                step(session, waiting, person)
        with pytest.raises(NotAllowed, match="may not publish"):
            publish(session, ready, person)
        with pytest.raises(NotAllowed, match="may not publish"):
            withdraw(session, get_article(session, SLUG), "en", person)


@pytest.mark.parametrize("who", [tariq, omar, mina])
def test_only_an_admin_takes_over_an_approval(engine: Engine, who: object) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        with pytest.raises(NotAllowed, match="may not adopt"):
            adopt(session, revision, who(session))  # type: ignore[operator]
        adopt(session, revision, importer(session))
        assert revision.is_approved


def test_somebody_who_left_can_do_nothing(engine: Engine) -> None:
    with transaction(engine) as session:
        ready = approved(session, SLUG, PASSWORD_RESET)
        person = mina(session)
        person.deactivated_at = now()
        with pytest.raises(NotAllowed):
            publish(session, ready, person)
        with pytest.raises(NotAllowed):
            draft(session, SLUG, "en", NEWER, person)


def test_refused_step_leaves_no_event(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        before = kinds(session)
        with pytest.raises(NotAllowed):
            approve(session, revision, tariq(session))
        with pytest.raises(Conflict):
            publish(session, revision, mina(session))
        assert kinds(session) == before


# -- withdraw and restore --------------------------------------------------------------


def test_withdrawn_wording_shows_nowhere(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, NEWER)
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        assert live_publications(session) == []


def test_withdrawing_one_locale_leaves_the_others(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, PASSWORD_RESET, "it")
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        assert (live_version(session), live_version(session, locale="it")) == (None, 1)


def test_withdrawing_what_is_not_live_is_refused(engine: Engine) -> None:
    with transaction(engine) as session:
        approved(session, SLUG, PASSWORD_RESET)
        with pytest.raises(Conflict, match="not live in en"):
            withdraw(session, get_article(session, SLUG), "en", mina(session))


def test_withdrawn_version_can_be_published_again(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = published(session, SLUG, PASSWORD_RESET)
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        publish(session, revision, mina(session))
        assert live_version(session) == 1


def test_withdrawal_keeps_who_and_when(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        publication = session.exec(select(Publication)).one()
        assert publication.ended_by_id == mina(session).id
        assert publication.ended_at
        assert publication.is_live(publication.starts_at)
        assert not publication.is_live(publication.ended_at)


def test_restored_version_is_a_new_draft_of_the_same_words(engine: Engine) -> None:
    with transaction(engine) as session:
        first = published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, NEWER)
        again = restore(session, first, tariq(session))
        assert (again.version, again.state, again.sha256) == (3, "draft", first.sha256)
        assert again.phrasings == first.phrasings
        assert live_version(session) == 2


# -- schedule and expiry ---------------------------------------------------------------


def test_scheduled_wording_shows_from_its_instant_on(engine: Engine) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        publish(session, approved(session, SLUG, PASSWORD_RESET), mina(session), at=start)
        assert live_version(session) is None
        assert live_version(session, start - timedelta(microseconds=1)) is None
        assert live_version(session, start) == 1


def test_expired_wording_shows_until_its_instant(engine: Engine) -> None:
    end = now() + HOUR
    with transaction(engine) as session:
        publish(session, approved(session, SLUG, PASSWORD_RESET), mina(session), expires=end)
        assert live_version(session, end - timedelta(microseconds=1)) == 1
        assert live_version(session, end) is None


def test_expired_wording_does_not_bring_back_the_older(engine: Engine) -> None:
    start, end = now() + HOUR, now() + 2 * HOUR
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        newer = approved(session, SLUG, NEWER)
        publish(session, newer, mina(session), at=start, expires=end)
        seen = [live_version(session, at) for at in (now(), start, end, end + HOUR)]
        assert seen == [1, 2, None, None]


def test_time_in_another_zone_is_the_same_instant(engine: Engine) -> None:
    start = (now() + HOUR).replace(microsecond=0)
    seoul = datetime.fromisoformat((start + 9 * HOUR).strftime("%Y-%m-%dT%H:%M:%S+09:00"))
    with transaction(engine) as session:
        publish(session, approved(session, SLUG, PASSWORD_RESET), mina(session), at=seoul)
    with Session(engine) as session:
        assert session.exec(select(Publication)).one().starts_at == start
        assert live_version(session, seoul) == 1


def test_time_without_a_zone_is_refused(engine: Engine) -> None:
    with transaction(engine) as session:
        ready = approved(session, SLUG, PASSWORD_RESET)
        for times in ({"at": datetime(2040, 1, 1)}, {"expires": datetime(2040, 1, 1)}):
            with pytest.raises(Invalid, match="zone"):
                publish(session, ready, mina(session), **times)


def test_start_in_the_past_means_now(engine: Engine) -> None:
    with transaction(engine) as session:
        ready = approved(session, SLUG, PASSWORD_RESET)
        before = now()
        publication = publish(session, ready, mina(session), at=datetime(2001, 1, 1, tzinfo=UTC))
        assert publication.starts_at >= before
        assert kinds(session)[-1] == "published"


@pytest.mark.parametrize("end", [-HOUR, HOUR])
def test_expiry_before_the_start_is_refused(engine: Engine, end: timedelta) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        ready = approved(session, SLUG, PASSWORD_RESET)
        with pytest.raises(Invalid, match="expiry") as caught:
            publish(session, ready, mina(session), at=start, expires=start - HOUR + end)
        assert caught.value.field == "expires"


def test_due_changes_are_written_into_history_once(engine: Engine) -> None:
    start, end = now() + HOUR, now() + 2 * HOUR
    with transaction(engine) as session:
        ready = approved(session, SLUG, PASSWORD_RESET)
        publish(session, ready, mina(session), at=start, expires=end)
        assert [next_due(session), apply_due(session, start - HOUR)] == [start, 0]
        assert [apply_due(session, start), next_due(session)] == [1, end]
        assert [apply_due(session, end), next_due(session)] == [1, None]
        assert apply_due(session, end) == 0
        assert kinds(session)[-3:] == ["scheduled", "went_live", "expired"]


def test_due_changes_are_recorded_in_the_order_they_happened(engine: Engine) -> None:
    at = [now() + n * HOUR for n in range(1, 5)]
    with transaction(engine) as session:
        later = approved(session, SLUG, PASSWORD_RESET)
        sooner = approved(session, "refund-time", REFUND_POLICY)
        publish(session, later, mina(session), at=at[2], expires=at[3])
        publish(session, sooner, mina(session), at=at[0], expires=at[1])
        assert apply_due(session, at[3]) == 4
        rows = session.exec(select(Event).order_by(Event.id)).all()[-4:]  # type: ignore[arg-type]
        assert [(e.kind, e.article_id) for e in rows] == [
            ("went_live", sooner.article_id),
            ("expired", sooner.article_id),
            ("went_live", later.article_id),
            ("expired", later.article_id),
        ]


def test_schedule_and_its_start_move_what_customers_see(engine: Engine) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        publish(session, approved(session, SLUG, PASSWORD_RESET), mina(session), at=start)
        assert not set(kinds(session)) & LIVE_KINDS
        apply_due(session, start)
        assert kinds(session)[-1] in LIVE_KINDS


def test_cancelled_schedule_never_shows(engine: Engine) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        publish(session, approved(session, SLUG, PASSWORD_RESET), mina(session), at=start)
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        assert live_version(session, start) is None
        assert next_due(session) is None
        assert apply_due(session, start + HOUR) == 0
        assert session.exec(select(Publication)).one().was_cancelled


def test_withdrawal_takes_what_is_live_and_what_is_to_follow(engine: Engine) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        publish(session, approved(session, SLUG, NEWER), mina(session), at=start)
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        assert [live_version(session), live_version(session, start)] == [None, None]
        assert kinds(session)[-2:] == ["schedule_cancelled", "withdrawn"]


def test_cancelled_schedule_leaves_the_earlier_publication_alone(engine: Engine) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        publish(session, approved(session, SLUG, PASSWORD_RESET), mina(session), at=start)
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        publish(session, approved(session, SLUG, NEWER), mina(session))
        assert [live_version(session), live_version(session, start + HOUR)] == [2, 2]


def test_waiting_older_version_never_undoes_a_newer_one(engine: Engine) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        publish(session, approved(session, SLUG, PASSWORD_RESET), mina(session), at=start)
        published(session, SLUG, NEWER)
        assert [live_version(session), live_version(session, start)] == [2, 2]
        assert kinds(session)[-2:] == ["schedule_cancelled", "published"]


def test_older_version_cannot_be_scheduled_after_a_newer_one(engine: Engine) -> None:
    start = now() + HOUR
    with transaction(engine) as session:
        older = approved(session, SLUG, PASSWORD_RESET)
        publish(session, approved(session, SLUG, NEWER), mina(session), at=start)
        publish(session, older, mina(session))
        with pytest.raises(Conflict, match="newer"):
            publish(session, older, mina(session), at=start + HOUR)
        assert [live_version(session), live_version(session, start)] == [1, 2]


def test_live_wording_can_be_given_an_expiry(engine: Engine) -> None:
    end = now() + HOUR
    with transaction(engine) as session:
        revision = published(session, SLUG, PASSWORD_RESET)
        publish(session, revision, mina(session), expires=end)
        assert [live_version(session), live_version(session, end)] == [1, None]


# -- two editors -----------------------------------------------------------------------


def test_edit_based_on_an_overtaken_version_is_a_conflict(engine: Engine) -> None:
    with transaction(engine) as session:
        draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        draft(session, SLUG, "en", NEWER, mina(session), based_on=1)
        with pytest.raises(Conflict, match="now has version 2, not 1"):
            draft(session, SLUG, "en", REFUND_POLICY, tariq(session), based_on=1)
        assert get_revision(session, get_article(session, SLUG), "en").answer == NEWER.answer


@pytest.mark.parametrize(("based_on", "locale"), [(1, "it"), (2, "en"), (0, "en"), (-1, "en")])
def test_edit_based_on_a_version_that_is_not_the_newest_is_a_conflict(
    engine: Engine, based_on: int, locale: str
) -> None:
    with transaction(engine) as session:
        draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        with pytest.raises(Conflict):
            draft(session, SLUG, locale, NEWER, tariq(session), based_on=based_on)


def edit_together(engine: Engine, wordings: list[Wording]) -> list[str]:
    """What each of the editors met, who all began from version 1."""
    start, met = threading.Barrier(len(wordings)), []

    def edit(wording: Wording) -> None:
        start.wait()
        try:
            with transaction(engine) as session:
                draft(session, SLUG, "en", wording, tariq(session), based_on=1)
            met.append("saved")
        except Conflict:
            met.append("conflict")

    threads = [threading.Thread(target=edit, args=[wording]) for wording in wordings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(met)


def test_of_two_editors_at_once_one_is_saved_and_one_is_told(engine: Engine) -> None:
    with transaction(engine) as session:
        draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
    wordings = [replace(PASSWORD_RESET, body=f"Edit {n}") for n in range(2)]
    assert edit_together(engine, wordings) == ["conflict", "saved"]
    with Session(engine) as session:
        assert len(session.exec(select(Revision)).all()) == 2


def test_many_writers_at_once_lose_nothing_and_count_without_gaps(engine: Engine) -> None:
    with transaction(engine) as session:
        tariq(session)

    def write(n: int) -> None:
        with transaction(engine) as session:
            wording = replace(PASSWORD_RESET, body=f"Edit {n}")
            draft(session, SLUG, "en", wording, tariq(session))

    threads = [threading.Thread(target=write, args=[n]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        rows = session.exec(select(Revision)).all()
        assert sorted(row.version for row in rows) == [1, 2, 3, 4, 5, 6]
        assert {row.body for row in rows} == {f"Edit {n}" for n in range(6)}


# -- history ---------------------------------------------------------------------------


def test_event_cannot_be_changed(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
    with Session(engine) as session:
        event = session.exec(select(Event)).first()
        assert event is not None
        event.kind = "withdrawn"
        with pytest.raises(RuntimeError, match="never changed"):
            session.commit()


@pytest.mark.parametrize("model", [Event, Revision])
def test_what_is_written_cannot_be_deleted(engine: Engine, model: type) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
    with Session(engine) as session:
        session.delete(session.exec(select(model)).first())
        with pytest.raises(RuntimeError, match="written once"):
            session.commit()


def test_approved_wording_cannot_be_changed(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
    with Session(engine) as session:
        revision = session.exec(select(Revision)).one()
        revision.answer = "Something nobody approved."
        with pytest.raises(RuntimeError, match="never changed"):
            session.commit()


def test_epoch_is_the_last_event_and_only_live_changes_move_the_index(engine: Engine) -> None:
    with transaction(engine) as session:
        assert epoch(session) == 0
        published(session, SLUG, PASSWORD_RESET)
        then = epoch(session)
        draft(session, SLUG, "en", NEWER, tariq(session))
        assert epoch(session) > then
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        assert set(kinds(session)) & LIVE_KINDS == {"published", "withdrawn"}
