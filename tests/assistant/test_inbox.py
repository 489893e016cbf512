"""What people say about answers, what becomes of it, and that they hear of it."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.changes import list_changes
from assistant.conversations import CUSTOMER, add_turn, start_conversation
from assistant.desk.kcs import Flag, flag_article
from assistant.feedback import Feedback
from assistant.inbox import (
    Filter,
    assign_items,
    counts,
    decline,
    find_items,
    finish,
    open_inbox,
    plan,
    reopen_items,
)
from assistant.outgoing import Outgoing
from kb.articles import Revision
from kb.db import now
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.people import add_person
from kb.settings import Settings
from tests.cast import DELIVERY_COSTS, REFUND_POLICY, mina, omar, published, silence, tariq

FIXED = {"en": "It now says how long the bank needs.", "ko": "은행이 얼마나 걸리는지 적었습니다."}


@pytest.fixture
def session(engine: Engine) -> Session:
    """A flag, a verdict with words from a chat, one without, praise, and another article's."""
    with Session(engine, expire_on_commit=False) as opened:
        revision = published(opened, "refund-time", REFUND_POLICY)
        flag_article(opened, revision, omar(opened), "It is 5 days now")
        asked_in_a_chat(opened, revision)
        said(opened, revision, False)
        said(opened, revision, True)
        said(opened, published(opened, "delivery-costs", DELIVERY_COSTS), True, "thanks")
        opened.flush()
        yield opened


def said(
    session: Session, revision: Revision, helped: bool, comment: str = "", **more: str
) -> None:
    ids = {"article_id": revision.article_id, "revision_id": revision.id}
    session.add(Feedback(**ids, channel="widget", helped=helped, comment=comment, **more))


def asked_in_a_chat(session: Session, revision: Revision) -> None:
    """A Korean customer, who left an address, was not helped."""
    receipt = silence(question="where is my money")
    session.add(receipt)
    session.flush()
    talk, _token = start_conversation(session, "widget", "public", "ko", email="lee@example.com")
    add_turn(session, talk, CUSTOMER, "message", "where is my money", receipt_id=receipt.id)
    said(session, revision, False, "My bank says otherwise", receipt_id=receipt.id)


def keys(session: Session, **wanted: object) -> list[str]:
    found = open_inbox(session, Filter(**wanted))
    return [item.key for group in found.groups for item in group.items]


def test_inbox_holds_what_asks_for_something_by_article(session: Session) -> None:
    inbox = open_inbox(session, Filter())
    assert [(g.article.slug, g.total) for g in inbox.groups] == [
        ("refund-time", 3),
        ("delivery-costs", 1),
    ]
    assert (inbox.articles, inbox.total, counts(session)) == (2, 4, {"open": 4})


def test_item_knows_who_said_it_and_where(session: Session) -> None:
    flag, chat = find_items(session, ["flag-1", "feedback-1"])
    assert (flag.by.name, flag.words, flag.conversation_id) == ("omar", "It is 5 days now", None)
    assert (chat.question, chat.helped) == ("where is my money", False)
    assert chat.conversation_id


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"kind": "flag"}, 1),
        ({"article": "delivery-costs"}, 1),
        ({"locale": "fa"}, 0),
        ({"older_than": 7}, 1),
        ({"state": "done"}, 0),
    ],
)
def test_inbox_is_filtered(session: Session, wanted: dict[str, object], found: int) -> None:
    flag = session.get(Flag, 1)
    flag.at = now() - timedelta(days=8)
    session.flush()
    assert len(keys(session, **wanted)) == found


def test_done_is_announced_and_everybody_who_asked_is_told_once(
    session: Session, tmp_path: Path
) -> None:
    items = find_items(session, ["flag-1", "feedback-1", "feedback-2"])
    change = finish(session, items, mina(session), FIXED, Settings(home=tmp_path))
    letters = session.exec(select(Outgoing).where(Outgoing.kind == "mail")).all()
    told = {letter.data["to"]: letter.data for letter in letters}
    assert set(told) == {"lee@example.com", "omar@example.com"}
    assert FIXED["ko"] in told["lee@example.com"]["text"]
    assert told["lee@example.com"]["locale"] == "ko"
    assert [(c.id, slug) for c, slug in list_changes(session, "en", 10)] == [
        (change.id, "refund-time")
    ]
    assert list_changes(session, "fa", 10) == []


def test_announcement_holds_nothing_of_the_customer(session: Session, tmp_path: Path) -> None:
    items = find_items(session, ["feedback-1"])
    change = finish(session, items, mina(session), FIXED, Settings(home=tmp_path))
    assert "bank says" not in str(change.model_dump())
    assert "lee" not in str(change.model_dump())


def test_who_has_left_or_is_a_program_is_not_written_to(session: Session, tmp_path: Path) -> None:
    robot = add_person(session, "key-1@keys.invalid", "agent")
    revision = session.exec(select(Revision).where(Revision.title == REFUND_POLICY.title)).one()
    made = flag_article(session, revision, robot, "It is 6 days now")
    omar(session).deactivated_at = now()
    items = find_items(session, ["flag-1", f"flag-{made.id}"])
    finish(session, items, mina(session), FIXED, Settings(home=tmp_path))
    assert session.exec(select(Outgoing)).all() == []


def test_second_editor_is_told_that_somebody_was_quicker(session: Session, tmp_path: Path) -> None:
    items = find_items(session, ["flag-1"])
    decline(session, items, mina(session), "The bank was wrong")
    with pytest.raises(Conflict):
        finish(session, items, mina(session), FIXED, Settings(home=tmp_path))
    assert items[0].row.decision == "The bank was wrong"


def test_declined_can_be_opened_again(session: Session) -> None:
    items = find_items(session, ["flag-1"])
    with pytest.raises(Invalid):
        decline(session, items, tariq(session), "  ")
    decline(session, items, tariq(session), "No")
    reopen_items(session, items, mina(session))
    plan(session, items, mina(session))
    assert (items[0].row.state, items[0].row.decided_by_id) == ("planned", mina(session).id)


def test_item_is_assigned_to_somebody_who_can_write(session: Session) -> None:
    items = find_items(session, ["flag-1"])
    assign_items(session, items, tariq(session), mina(session))
    assert keys(session, assigned_to_id=tariq(session).id) == ["flag-1"]
    tariq(session).deactivated_at = now()
    with pytest.raises(Invalid):
        assign_items(session, items, tariq(session), mina(session))


def test_only_a_publisher_speaks_in_public(session: Session, tmp_path: Path) -> None:
    items = find_items(session, ["flag-1"])
    with pytest.raises(NotAllowed):
        finish(session, items, tariq(session), FIXED, Settings(home=tmp_path))


def test_what_is_done_together_belongs_to_one_article(session: Session, tmp_path: Path) -> None:
    items = find_items(session, ["flag-1", "feedback-4"])
    with pytest.raises(Invalid):
        finish(session, items, mina(session), FIXED, Settings(home=tmp_path))
    with pytest.raises(Invalid):
        finish(session, items[:1], mina(session), {"en": " "}, Settings(home=tmp_path))


@pytest.mark.parametrize("key", ["flag-99", "flag-x", "nothing", "feedback-", "flag-²"])
def test_item_that_is_not_there_is_said_so(session: Session, key: str) -> None:
    with pytest.raises(NotFound):
        find_items(session, [key])
    with pytest.raises(Invalid):
        find_items(session, [])
