"""Whoever was given a wrong answer is found and told: all of them, and nobody twice."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from assistant import telling
from assistant.conversations import (
    AGENT,
    ASSISTANT,
    CUSTOMER,
    Conversation,
    add_turn,
    mark_read,
    turns_of,
)
from assistant.desk.kcs import use_article
from assistant.ending import erase, send_transcript
from assistant.letters import Letter
from assistant.notifications import Notification
from assistant.notifications import mark_read as read_news
from assistant.outgoing import Outgoing, deliver_due
from assistant.recall import (
    EMAIL,
    ERASED,
    IN_CHAT,
    STAFF,
    SUPERSEDED,
    WIDGET,
    Correction,
    Corrections,
    Fault,
    RecallTarget,
    correct_answer,
    corrected_since,
    fault_in,
    reach_of,
    right_in,
)
from assistant.receipts import Receipt
from assistant.telling import (
    CORRECTION,
    LATE,
    PATIENCE,
    correction_sender,
    note_opened,
    note_seen,
    tell_due,
)
from kb.articles import Revision, get_article
from kb.db import now, reading, transaction
from kb.errors import Conflict, Invalid, NotAllowed
from kb.publishing import withdraw
from kb.settings import Settings
from tests.assistant.talks import delivery_costs, talk
from tests.cast import DELIVERY_COSTS, mina, omar, published, tariq

SETTINGS = Settings(base_url="https://help.example.com", site_name="Quillhaven")
RIGHT = replace(DELIVERY_COSTS, answer="Delivery costs €4.95 and is free from €60.")
RIGHTER = replace(DELIVERY_COSTS, answer="Delivery costs €5.95 and is free from €70.")
WHY = {"en": "The price had risen on 1 March."}


class Letters:
    """A mailer that keeps what it is given, or fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.sent: list[Letter] = []
        self.failures = failures

    def send(self, letter: Letter, _key: str, _at: datetime) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the mail server is away")
        self.sent.append(letter)

    def deliver(self, engine: Engine, at: datetime | None = None) -> None:
        deliver_due(engine, {CORRECTION: correction_sender(engine, self, SETTINGS)}, at)


def correct(session: Session, wording: Any = RIGHT, **more: Any) -> Correction:
    """A new wording goes live and is marked as the correction of the one before."""
    right = published(session, "delivery-costs", wording)
    return correct_answer(
        session,
        right.article,
        [fault_in(session, right.article, right)],
        WHY,
        mina(session),
        **more,
    )


def targets(session: Session, channel: str = "") -> list[RecallTarget]:
    query = select(RecallTarget).order_by(col(RecallTarget.id))
    return [t for t in session.exec(query) if channel in ("", t.channel)]


def told(session: Session, conversation: Conversation) -> list[str]:
    return [t.text for t in turns_of(session, conversation.id) if t.kind == CORRECTION]


def test_everybody_who_was_given_it_is_found(engine: Engine) -> None:
    with transaction(engine) as session:
        talk(session, email="Ana@example.com")
        copied = talk(session)
        send_transcript(session, copied, "ben@example.com", SETTINGS)
        use_article(session, delivery_costs(session), omar(session), "inserted")
        session.add(a_receipt(delivery_costs(session), "help_site"))
        correction = correct(session)
        assert [t.recipient for t in targets(session, EMAIL)] == [
            "ana@example.com",
            "ben@example.com",
        ]
        assert (len(targets(session, WIDGET)), len(targets(session, STAFF))) == (2, 1)
        assert correction.unreachable == {"help_site": 1}


def a_receipt(revision: Revision, channel: str, **more: Any) -> Receipt:
    said = {"epoch": 1, "channel": channel, "audience": "public", "question": "?", "locale": "en"}
    said |= {"outcome": "answered", "confidence": 1.0, "article": "delivery-costs"}
    said |= {"article_id": revision.article_id, "revision_id": revision.id, "version": 1}
    return Receipt(**said | more)


def test_preview_counts_and_writes_nothing(engine: Engine) -> None:
    with transaction(engine) as session:
        talk(session, email="ana@example.com")
        revision = delivery_costs(session)
        session.add_all([a_receipt(revision, "api"), a_receipt(revision, "api", is_audit=True)])
        right = published(session, "delivery-costs", RIGHT)
        reach = reach_of(session, right.article, [fault_in(session, right.article, right)])
        assert [reach.count(c) for c in (WIDGET, EMAIL, STAFF)] == [1, 1, 0]
        assert (reach.unreachable, targets(session)) == ({"api": 1}, [])


def test_answer_given_before_it_was_wrong_concerns_nobody(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = talk(session)
        correction = correct(session, since=now())
        assert targets(session) == []
        old = turns_of(session, conversation.id)[1]
        assert Corrections(session, [old.revision_id]).of(old.revision_id, old.at) is None
        assert correction.since > old.at


def test_customer_is_told_once_in_the_chat_however_often_it_runs(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = talk(session)
        moved = conversation.changed_at
        correct(session)
    assert [tell_due(engine) for _ in range(3)] == [1, 0, 0]
    with transaction(engine) as session:
        found = session.get(Conversation, conversation.id)
        assert found is not None
        assert told(session, found) == [
            f"We gave you a wrong answer about “What delivery costs”, and we're sorry. "
            f"This is right:\n\n{RIGHT.answer}"
        ]
        turn = turns_of(session, conversation.id)[-1]
        receipt = session.get(Receipt, turn.receipt_id)
        assert receipt is not None
        assert (receipt.outcome, receipt.version, turn.detail["turns"]) == ("corrected", 2, [2])
        assert found.changed_at == moved


def test_crash_between_steps_leaves_nobody_out_and_tells_nobody_twice(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as session:
        chats = [talk(session) for _ in range(3)]
        correct(session)
        broken = targets(session)[1].conversation_id
    add, fails = telling.add_turn, [True]

    def add_or_die(session: Session, conversation: Conversation, *rest: Any, **more: Any) -> Any:
        turn = add(session, conversation, *rest, **more)
        if conversation.id == broken and fails:
            fails.pop()
            raise MemoryError
        return turn

    monkeypatch.setattr(telling, "add_turn", add_or_die)
    with pytest.raises(MemoryError):
        tell_due(engine)
    assert tell_due(engine) == 1
    with reading(engine) as session:
        assert [len(told(session, chat)) for chat in chats] == [1, 1, 1]
        assert all(target.told_at for target in targets(session))


def test_letter_says_old_and_new_words_and_why_once(engine: Engine) -> None:
    with transaction(engine) as session:
        talk(session, email="ana@example.com")
        talk(session, email="ANA@example.com ")
        correction = correct(session)
    post, later = Letters(failures=1), now() + PATIENCE
    for wait in range(3):
        tell_due(engine, later)
        post.deliver(engine, later + timedelta(hours=wait))
    assert [letter.to for letter in post.sent] == ["ana@example.com"]
    for words in (
        DELIVERY_COSTS.answer,
        RIGHT.answer,
        WHY["en"],
        f"/en/corrections/{correction.id}",
    ):
        assert words in post.sent[0].text
    with transaction(engine) as session:
        target = targets(session, EMAIL)[0]
        assert (target.told_at is not None, target.seen_at) == (True, None)
        assert note_opened(session, target.correction_id, target.token)
        assert target.seen_at is not None
        assert not note_opened(session, target.correction_id, "another")


def test_server_that_dies_after_the_letter_left_does_not_send_it_again(engine: Engine) -> None:
    with transaction(engine) as session:
        talk(session, email="ana@example.com")
        correct(session)
    post, later = Letters(), now() + PATIENCE
    tell_due(engine, later)
    with reading(engine) as session:
        message = session.exec(select(Outgoing).where(Outgoing.kind == CORRECTION)).one()
    send = correction_sender(engine, post, SETTINGS)
    send(message)
    send(message)
    assert len(post.sent) == 1


def test_who_reads_it_in_the_chat_gets_no_letter(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = talk(session, email="ana@example.com")
        correct(session)
    tell_due(engine)
    with transaction(engine) as session:
        found = session.get(Conversation, conversation.id)
        assert found is not None
        note_seen(session, found)
        assert targets(session, WIDGET)[0].seen_at is None
        mark_read(session, found, CUSTOMER, 99)
        note_seen(session, found)
        assert targets(session, WIDGET)[0].seen_at is not None
    tell_due(engine, now() + PATIENCE)
    with reading(engine) as session:
        assert targets(session, EMAIL)[0].closed == IN_CHAT


def test_signed_in_customer_is_told_in_one_conversation_of_several(engine: Engine) -> None:
    with transaction(engine) as session:
        chats = [talk(session, customer_id="c-7") for _ in range(2)]
        correct(session)
        erase(session, chats[1])
        assert [t.closed for t in targets(session)] == [ERASED, ""]
    tell_due(engine)
    with reading(engine) as session:
        assert len(told(session, chats[0])) == 1
        assert targets(session)[0].conversation_id is None


def test_agent_is_notified_and_has_seen_it_once_it_is_read(engine: Engine) -> None:
    with transaction(engine) as session:
        for person in (omar(session), mina(session)):
            use_article(session, delivery_costs(session), person, "linked")
        add_turn(
            session, talk(session), AGENT, "message", DELIVERY_COSTS.answer,
            revision_id=delivery_costs(session).id, person_id=omar(session).id,
        )  # fmt: skip
        correct(session)
    tell_due(engine)
    with transaction(engine) as session:
        found = session.exec(select(Notification).where(Notification.kind == "corrected")).all()
        assert [(n.person_id, n.data["note"]) for n in found] == [(omar(session).id, WHY["en"])]
        # Mina corrected it herself.
        assert [t.seen_at is not None for t in targets(session, STAFF)] == [False, True]
        read_news(session, omar(session))
        assert targets(session, STAFF)[0].notification_id == found[0].id


def test_second_mistake_is_told_to_everybody_who_was_given_either(engine: Engine) -> None:
    with transaction(engine) as session:
        first = talk(session)
        correct(session)
    tell_due(engine)
    with transaction(engine) as session:
        later = talk(session)
        correct(session, RIGHTER)
    assert tell_due(engine) == 2
    with reading(engine) as session:
        assert [len(told(session, chat)) for chat in (first, later)] == [2, 1]
        assert RIGHTER.answer in told(session, first)[1]
        assert all(target.told_at for target in targets(session))


def test_who_was_not_told_yet_is_told_what_is_right_by_now_and_only_that(engine: Engine) -> None:
    with transaction(engine) as session:
        chat = talk(session)
        correct(session)
        correct(session, RIGHTER)
        assert [target.closed for target in targets(session)] == [SUPERSEDED, ""]
    tell_due(engine)
    with reading(engine) as session:
        assert [RIGHTER.answer in text for text in told(session, chat)] == [True]


def test_what_is_no_longer_live_is_told_to_nobody_until_something_is(engine: Engine) -> None:
    with transaction(engine) as session:
        chat = talk(session)
        correct(session)
        withdraw(session, get_article(session, "delivery-costs"), "en", mina(session))
    assert tell_due(engine) == 0
    with transaction(engine) as session:
        published(session, "delivery-costs", RIGHTER)
    assert tell_due(engine) == 1
    with reading(engine) as session:
        assert RIGHTER.answer in told(session, chat)[0]


def test_old_words_that_were_on_their_way_are_corrected_too(engine: Engine) -> None:
    with transaction(engine) as session:
        old = delivery_costs(session)
        correct(session)
        chat = talk(session)
        add_turn(session, chat, ASSISTANT, "answer", old.answer, revision_id=old.id)
    assert tell_due(engine, now() + LATE / 2) == 1
    with reading(engine) as session:
        assert len(told(session, chat)) == 1


def test_what_is_marked_twice_is_refused_and_more_versions_are_added(engine: Engine) -> None:
    with transaction(engine) as session:
        oldest = talk(session)
        published(session, "delivery-costs", RIGHT)
        correct(session, RIGHTER)
        article = get_article(session, "delivery-costs")
        right = right_in(session, article, "en")
        again = fault_in(session, article, right)
        with pytest.raises(Conflict, match="already marked"):
            correct_answer(session, article, [again], WHY, mina(session))
        assert targets(session) == []
        both = fault_in(session, article, right, [1, 2])
        correct_answer(session, article, [both], WHY, mina(session))
        assert [t.conversation_id for t in targets(session)] == [oldest.id]


def test_who_may_not_publish_may_not_correct(engine: Engine) -> None:
    with transaction(engine) as session:
        delivery_costs(session)
        right = published(session, "delivery-costs", RIGHT)
        faults = [fault_in(session, right.article, right)]
        for person in (tariq(session), omar(session)):
            with pytest.raises(NotAllowed):
                correct_answer(session, right.article, faults, WHY, person)


def test_reason_and_real_versions_are_needed(engine: Engine) -> None:
    with transaction(engine) as session:
        only = delivery_costs(session)
        with pytest.raises(Conflict, match="no other version"):
            fault_in(session, only.article, only)
        right = published(session, "delivery-costs", RIGHT)
        with pytest.raises(Invalid, match="version 7 was never live"):
            fault_in(session, right.article, right, [7])
        faults = [fault_in(session, right.article, right)]
        for why in ({}, {"en": "  "}, {"en": "x" * 301}):
            with pytest.raises(Invalid):
                correct_answer(session, right.article, faults, why, mina(session))
        tomorrow, swapped = now() + timedelta(days=1), [Fault(faults[0].wrong[0], (right,))]
        with pytest.raises(Invalid, match="past"):
            correct_answer(session, right.article, faults, WHY, mina(session), tomorrow)
        with pytest.raises(Conflict, match="not live"):
            correct_answer(session, right.article, swapped, WHY, mina(session))


def test_corrected_words_know_what_is_right(engine: Engine) -> None:
    with transaction(engine) as session:
        old = delivery_costs(session)
        correction = correct(session)
        found = Corrections(session, [old.id]).of(old.id)
        assert found is not None
        assert (found.right.version, found.why("fa")) == (2, WHY["en"])
        ids = [found.right.id or 0, old.id or 0]
        assert corrected_since(session, ids, correction.at) == {found.right.id}
