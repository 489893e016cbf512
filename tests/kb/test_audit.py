"""History read backwards: found by person, article, kind, day and words."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb import audit
from kb.audit import EventSearch, count_events, every_event, find_events, kinds_seen
from kb.db import now, transaction
from kb.history import record
from kb.people import Person, add_person
from kb.publishing import draft, request_changes, submit
from kb.staff import change_role, deactivate
from tests.cast import DELIVERY_COSTS, PASSWORD_RESET, mina, omar, published, tariq


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Two live articles, one sent back with a note in Persian, and omar, who became a publisher."""
    with transaction(engine) as opened:
        published(opened, "reset-password", PASSWORD_RESET)
        published(opened, "delivery-costs", DELIVERY_COSTS)
        revision = draft(opened, "reset-password", "en", DELIVERY_COSTS, tariq(opened))
        submit(opened, revision, tariq(opened))
        request_changes(opened, revision, mina(opened), "هنوز کوتاه نیست, 100%")
        rosa = add_person(opened, "rosa@example.com", "admin", "Rosa", "lamp and chair")
        change_role(opened, omar(opened), "publisher", rosa)
        yield opened


def found(session: Session, **wanted: object) -> list[str]:
    search = EventSearch(**wanted)  # type: ignore[arg-type]
    rows = find_events(session, search, 100)
    assert count_events(session, search) == len(rows)
    return [row.event.kind for row in rows]


def id_of(person: Person) -> int:
    assert person.id is not None
    return person.id


def test_newest_comes_first_with_names(session: Session) -> None:
    last, back = find_events(session, EventSearch(), 2)
    assert last.by is not None
    assert last.about is not None
    assert (last.event.kind, last.by.name, last.about.name, last.article) == (
        "role_changed", "Rosa", "omar", None,
    )  # fmt: skip
    assert (back.event.kind, back.article, back.about) == (
        "changes_requested", "reset-password", None,
    )  # fmt: skip


def test_person_is_found_by_what_they_did_and_by_what_was_done_to_them(session: Session) -> None:
    assert found(session, person=id_of(omar(session))) == ["role_changed"]
    assert set(found(session, person=id_of(tariq(session)))) == {"created", "drafted", "submitted"}
    assert found(session, person=99_999) == []


def test_article_kind_and_words_narrow_it_down(session: Session) -> None:
    assert found(session, article="delivery", kind="published") == ["published"]
    assert found(session, text="هنوز کوتاه") == ["changes_requested"]
    assert found(session, text="100%") == ["changes_requested"]
    assert found(session, text="ROSA@") == ["role_changed"]
    assert found(session, text="no such words") == []


def test_days_are_whole_ones(session: Session) -> None:
    today = now().date()
    assert found(session, since=today, until=today) == found(session)
    assert found(session, since=today + timedelta(days=1)) == []
    assert found(session, until=today - timedelta(days=1)) == []


def test_what_concerns_people_is_for_admins(session: Session) -> None:
    deactivate(session, omar(session), None)
    assert "deactivated" in kinds_seen(session)
    assert set(kinds_seen(session, with_house=False)) & audit.HOUSE_KINDS == set()
    assert set(found(session, with_house=False)) & audit.HOUSE_KINDS == set()


def test_long_history_is_read_whole_in_batches(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        record(session, "locked_out", None, client=f"203.0.113.{number}")
    monkeypatch.setattr(audit, "BATCH", 3)
    rows = list(every_event(session, EventSearch(kind="locked_out")))
    assert [row.event.data["client"][-1] for row in rows] == list("6543210")
