"""Whatever people do in whatever order, what is live was approved, and history only grows."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import Session, select

from kb.articles import Revision, Wording, find_article, get_article
from kb.db import now, transaction
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.history import Event
from kb.people import Person, add_person, find_person
from kb.publishing import (
    adopt,
    apply_due,
    approve,
    draft,
    live_publications,
    next_due,
    publish,
    request_changes,
    restore,
    submit,
    withdraw,
)
from tests.kb.folders import copied_store

ROLES = {
    "tariq": "contributor",
    "omar": "agent",
    "mina": "publisher",
    "nora": "publisher",
    "ada": "admin",
}
JUDGING = {"submit": submit, "request_changes": request_changes, "approve": approve, "adopt": adopt}

people = st.sampled_from(sorted(ROLES))
places = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["en", "it"]))
picks = st.integers(0, 5)
hours = st.none() | st.integers(-1, 5)


class Life(RuleBasedStateMachine):
    """Five people, two articles, two locales, and every verb there is."""

    blank: Path

    @initialize()
    def open(self) -> None:
        self.stack = ExitStack()
        self.engine = self.stack.enter_context(copied_store(self.blank))
        self.epoch = now()
        self.count = 0
        self.seen: list[tuple[object, ...]] = []
        with transaction(self.engine) as session:
            for name, role in ROLES.items():
                add_person(session, f"{name}@example.com", role)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    def by(self, session: Session, name: str) -> Person:
        person = find_person(session, f"{name}@example.com")
        assert person is not None
        return person

    def pick(self, session: Session, number: int) -> Revision:
        rows = session.exec(select(Revision).order_by(Revision.id)).all()  # type: ignore[arg-type]
        return rows[-1 - number % len(rows)]

    @rule(place=places, who=people, based_on=st.none() | st.integers(0, 3))
    def draft(self, place: tuple[str, str], who: str, based_on: int | None) -> None:
        with transaction(self.engine) as session:
            try:
                wording = Wording(f"Title {self.count}", f"Answer {self.count}")
                draft(session, *place, wording, self.by(session, who), based_on)
                self.count += 1
            except Conflict:
                assert based_on is not None
                session.rollback()

    @precondition(lambda self: self.count)
    @rule(number=picks, step=st.sampled_from(sorted(JUDGING)), who=people)
    def judge(self, number: int, step: str, who: str) -> None:
        with transaction(self.engine) as session:
            try:
                JUDGING[step](session, self.pick(session, number), self.by(session, who))
            except (Conflict, NotAllowed):
                session.rollback()

    @precondition(lambda self: self.count)
    @rule(number=picks, author=people)
    def bring_to_approval(self, number: int, author: str) -> None:
        with transaction(self.engine) as session:
            revision = self.pick(session, number)
            judge = "nora" if revision.author_id == self.by(session, "mina").id else "mina"
            if revision.state == "draft":
                submit(session, revision, self.by(session, author))
            if revision.state == "in_review":
                approve(session, revision, self.by(session, judge))

    @precondition(lambda self: self.count)
    @rule(number=picks, who=st.sampled_from(["mina", "ada", "tariq"]), start=hours, end=hours)
    def publish(self, number: int, who: str, start: int | None, end: int | None) -> None:
        at, expires = (self.epoch + timedelta(hours=h) if h else None for h in (start, end))
        with transaction(self.engine) as session:
            try:
                publish(session, self.pick(session, number), self.by(session, who), at, expires)
            except (Conflict, NotAllowed, Invalid):
                session.rollback()

    @rule(place=places, who=people)
    def withdraw(self, place: tuple[str, str], who: str) -> None:
        with transaction(self.engine) as session:
            try:
                article = get_article(session, place[0])
                withdraw(session, article, place[1], self.by(session, who))
            except (Conflict, NotAllowed, NotFound):
                session.rollback()

    @precondition(lambda self: self.count)
    @rule(number=picks, who=people)
    def restore(self, number: int, who: str) -> None:
        with transaction(self.engine) as session:
            old = self.pick(session, number)
            assert restore(session, old, self.by(session, who)).sha256 == old.sha256

    @rule(hour=st.integers(0, 6))
    def let_time_pass(self, hour: int) -> None:
        at = self.epoch + timedelta(hours=hour)
        with transaction(self.engine) as session:
            apply_due(session, at)
            due = next_due(session)
            assert due is None or due > at

    @invariant()
    def live_wording_was_approved(self) -> None:
        with Session(self.engine) as session:
            for hour in range(7):
                live = live_publications(session, self.epoch + timedelta(hours=hour, minutes=1))
                assert all(p.revision.is_approved for p in live)
                assert len({(p.article_id, p.locale) for p in live}) == len(live)

    @invariant()
    def nobody_approved_their_own(self) -> None:
        with Session(self.engine) as session:
            for revision in session.exec(select(Revision)):
                approvals = [r for r in revision.reviews if r.verdict == "approved"]
                assert all(r.by_id != revision.author_id for r in approvals)

    @invariant()
    def history_only_grows(self) -> None:
        with Session(self.engine) as session:
            rows = session.exec(select(Event).order_by(Event.id)).all()  # type: ignore[arg-type]
            now_seen: list[tuple[object, ...]] = [
                (e.id, e.at, e.kind, e.article_id, e.version, e.by_id) for e in rows
            ]
            assert now_seen[: len(self.seen)] == self.seen
            assert [e.at for e in rows] == sorted(e.at for e in rows)
            self.seen = now_seen

    @invariant()
    def versions_count_from_one_without_gaps(self) -> None:
        with Session(self.engine) as session:
            for slug in ("a", "b"):
                article = find_article(session, slug)
                for locale in ("en", "it"):
                    query = select(Revision.version).where(
                        Revision.article_id == (article.id if article else 0),
                        Revision.locale == locale,
                    )
                    found = sorted(session.exec(query))
                    assert found == list(range(1, len(found) + 1))


def test_no_order_of_steps_breaks_the_promises(blank: Path) -> None:
    Life.blank = blank
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=15,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
