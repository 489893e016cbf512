"""Many articles at once: what is planned is what happens, article by article."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb import bulk
from kb.articles import Revision, get_article, latest_revision
from kb.bulk import BulkItem, BulkJob, begin, plan, progress_of, refused_of, work
from kb.db import transaction
from kb.errors import Conflict, Invalid, NotAllowed
from kb.history import Event
from kb.publishing import draft, live_publication
from tests.cast import PASSWORD_RESET, approved, mina, omar, published, tariq

SLUGS = ["in-draft", "is-approved", "is-live"]


def three(session: Session) -> None:
    """A draft, an approved and a live article."""
    draft(session, "in-draft", "en", PASSWORD_RESET, tariq(session))
    approved(session, "is-approved", PASSWORD_RESET)
    published(session, "is-live", PASSWORD_RESET)


def newest(session: Session, slug: str) -> Revision:
    found = latest_revision(session, get_article(session, slug).id or 0, "en")
    assert found is not None
    return found


def start(engine: Engine, action: str, changes: dict[str, object] | None = None) -> int:
    with transaction(engine) as session:
        steps = plan(session, action, SLUGS, mina(session), changes)
        job = begin(session, action, steps, mina(session), changes or {})
        assert job.id is not None
        return job.id


@pytest.mark.parametrize(
    ("action", "refusals"),
    [
        ("submit", ["", "is_approved", "is_approved"]),
        ("publish", ["not_approved", "", "is_live"]),
        ("withdraw", ["not_live", "not_live", ""]),
    ],
)
def test_plan_says_what_happens_and_why_not(
    engine: Engine, action: str, refusals: list[str]
) -> None:
    with transaction(engine) as session:
        three(session)
        before = len(session.exec(select(Event)).all())
        assert [s.refused for s in plan(session, action, SLUGS, mina(session))] == refusals
        assert len(session.exec(select(Event)).all()) == before


def test_facts_change_in_new_drafts_for_somebody_else_to_approve(engine: Engine) -> None:
    with transaction(engine) as session:
        three(session)
    changes = {"category": "security", "tags": ["sign-in"], "verify_days": 30}
    job_id = start(engine, "change", changes)
    work(engine)
    with transaction(engine) as session:
        changed = newest(session, "is-live")
        assert (changed.category, changed.verify_days, changed.version) == ("security", 30, 2)
        assert (changed.wording.tags, changed.state) == (("sign-in",), "draft")
        assert changed.answer == PASSWORD_RESET.answer
        assert progress_of(session, session.get_one(BulkJob, job_id)).done == 3
        assert plan(session, "change", SLUGS, mina(session), changes)[0].refused == "same"


def test_job_goes_on_after_a_crash_where_it_stopped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as session:
        three(session)
    job_id = start(engine, "change", {"owner": "omar@example.com"})
    act, acted = bulk._act, []

    def crash_at_second(session: Session, job: BulkJob, item: BulkItem, by: object) -> None:
        acted.append(item.slug)
        act(session, job, item, by)  # type: ignore[arg-type]
        if len(acted) == 2:
            raise RuntimeError("the power is gone")

    monkeypatch.setattr(bulk, "_act", crash_at_second)
    with pytest.raises(RuntimeError):
        work(engine)
    with transaction(engine) as session:
        owners = [newest(session, slug).owner for slug in SLUGS]
        assert owners == ["omar@example.com", "", ""]
    monkeypatch.setattr(bulk, "_act", act)
    work(engine)
    with transaction(engine) as session:
        assert [newest(session, slug).version for slug in SLUGS] == [2, 2, 2]
        job = session.get_one(BulkJob, job_id)
        assert (progress_of(session, job).done, job.finished_at is not None) == (3, True)


def test_what_has_become_impossible_is_refused_alone(engine: Engine) -> None:
    with transaction(engine) as session:
        three(session)
        published(session, "is-live-too", PASSWORD_RESET)
        steps = plan(session, "withdraw", ["is-live", "is-live-too"], mina(session))
        job_id = begin(session, "withdraw", steps, mina(session), {}).id
        bulk.withdraw(session, get_article(session, "is-live"), "en", mina(session))
    work(engine)
    with transaction(engine) as session:
        job = session.get_one(BulkJob, job_id)
        assert [item.slug for item in refused_of(session, job)] == ["is-live"]
        too = get_article(session, "is-live-too")
        assert live_publication(session, too.id or 0, "en") is None


def test_who_may_not_does_not_plan_either(engine: Engine) -> None:
    with transaction(engine) as session:
        three(session)
        with pytest.raises(NotAllowed):
            plan(session, "publish", SLUGS, tariq(session))
        with pytest.raises(NotAllowed):
            plan(session, "withdraw", SLUGS, omar(session))
        with pytest.raises(Invalid):
            plan(session, "explode", SLUGS, mina(session))
        with pytest.raises(Conflict):
            begin(session, "publish", [], mina(session), {})
