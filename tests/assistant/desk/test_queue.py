"""The queue on both databases: turns, offers, lost agents, what is told, two hands on one case."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.conversations import Conversation, Turn, start_conversation
from assistant.desk.cases import cancel, claim, hand_off, reopen, reply, resolve, transfer
from assistant.desk.hours import parse_hours
from assistant.desk.presence import GRACE_SECONDS, set_presence
from assistant.desk.queue import OFFER_SECONDS, in_line, open_handoffs, sweep
from assistant.handoffs import Handoff, get_handoff, latest_handoff, status_of
from assistant.live import LiveEvent
from kb.db import now, transaction
from kb.errors import Conflict, Invalid, NotAllowed
from kb.people import Person, add_person
from tests.cast import mina, omar, tariq

ALWAYS = parse_hours("", "UTC")


def asked_for(session: Session, locale: str = "en", **more: Any) -> Handoff:
    """A new conversation whose customer wants a person."""
    conversation, _ = start_conversation(session, "widget", "public", locale)
    return hand_off(session, conversation, **more)


def of(session: Session, handoff: Handoff) -> Conversation:
    """Its conversation."""
    found = session.get(Conversation, handoff.conversation_id)
    assert found is not None
    return found


def told(session: Session, handoff: Handoff) -> list[str]:
    """The lines between the two, by phrase."""
    query = select(Turn).where(Turn.conversation_id == handoff.conversation_id)
    return [t.detail["phrase"]["name"] for t in session.exec(query.order_by(Turn.number))]  # type: ignore[arg-type]


def test_first_come_is_first_served_and_who_lost_their_agent_is_before_them(engine: Engine) -> None:
    with transaction(engine) as session:
        first, second, third = (asked_for(session) for _ in range(3))
        third.returned_at = now()
        assert in_line(open_handoffs(session)) == [third, first, second]


def test_who_is_not_sitting_there_comes_last(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation, _ = start_conversation(
            session, "widget", "public", "en", email="lea@example.com"
        )
        by_mail = hand_off(session, conversation, wish="email")
        sitting_there = asked_for(session)
        assert in_line(open_handoffs(session)) == [sitting_there, by_mail]


def test_case_is_offered_to_one_agent_and_then_to_the_next(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        set_presence(session, omar(session), True)
        set_presence(session, mina(session), True)
        sweep(session, ALWAYS)
        first = handoff.offered_to_id
        sweep(session, ALWAYS)
        assert handoff.offered_to_id == first == omar(session).id
        sweep(session, ALWAYS, now() + timedelta(seconds=OFFER_SECONDS + 1))
        assert handoff.offered_to_id == mina(session).id


def test_cases_are_spread_over_those_who_are_there(engine: Engine) -> None:
    with transaction(engine) as session:
        handoffs = [asked_for(session) for _ in range(4)]
        for person in (omar(session), mina(session)):
            set_presence(session, person, True)
        sweep(session, ALWAYS)
        offered = [h.offered_to_id for h in handoffs]
        assert sorted(offered.count(p.id) for p in (omar(session), mina(session))) == [2, 2]


def test_agent_who_is_lost_gives_the_case_back_to_the_front(engine: Engine) -> None:
    with transaction(engine) as session:
        lost, other = asked_for(session), asked_for(session)
        set_presence(session, omar(session), True)
        claim(session, lost, omar(session))
        sweep(session, ALWAYS, now() + timedelta(seconds=GRACE_SECONDS - 5))
        assert lost.status == "with_agent"
        sweep(session, ALWAYS, now() + timedelta(seconds=GRACE_SECONDS + 5))
        assert in_line(open_handoffs(session)) == [lost, other]
        assert "agent_left" in told(session, lost)


def test_one_who_waits_is_told_the_place_and_every_change_of_it(engine: Engine) -> None:
    with transaction(engine) as session:
        set_presence(session, omar(session), True, room=1)
        first, second = asked_for(session), asked_for(session)
        sweep(session, ALWAYS)
        assert (first.told_position, second.told_position) == (1, 2)
        before = len(session.exec(select(LiveEvent)).all())
        sweep(session, ALWAYS)
        assert len(session.exec(select(LiveEvent)).all()) == before
        claim(session, first, omar(session))
        sweep(session, ALWAYS)
        assert second.told_position == 1
        assert (second.told_seconds or 0) > 30


@pytest.mark.parametrize(
    ("hours", "phrase"), [("", "long_wait"), ("Mon 00:00-00:01", "out_of_hours")]
)
def test_long_wait_offers_other_ways_once(engine: Engine, hours: str, phrase: str) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        wednesday = datetime(2126, 11, 20, 12, tzinfo=UTC)
        for _ in range(2):
            sweep(session, parse_hours(hours, "UTC"), wednesday)
        assert handoff.told_choice
        assert told(session, handoff) == ["handing_over", phrase]


def test_customer_may_change_their_mind_until_somebody_is_there(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        cancel(session, of(session, handoff))
        assert status_of(of(session, handoff), handoff) == "open"
        again = hand_off(session, of(session, handoff))
        claim(session, again, omar(session))
        with pytest.raises(Conflict):
            cancel(session, of(session, again))


def test_asking_twice_is_one_case(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        assert hand_off(session, of(session, handoff)) is handoff


def test_case_of_another_is_not_answered_resolved_or_passed_on(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        claim(session, handoff, omar(session))
        with pytest.raises(NotAllowed):
            reply(session, handoff, mina(session), "hello")
        with pytest.raises(NotAllowed):
            resolve(session, handoff, mina(session), "other")
        with pytest.raises(NotAllowed):
            transfer(session, handoff, mina(session), None)


def test_contributor_serves_nobody(engine: Engine) -> None:
    with transaction(engine) as session, pytest.raises(NotAllowed):
        claim(session, asked_for(session), tariq(session))


def test_case_is_passed_to_a_colleague_who_is_there(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff, to = asked_for(session), mina(session)
        set_presence(session, to, True)
        claim(session, handoff, omar(session))
        transfer(session, handoff, omar(session), to.id, "knows refunds")
        assert handoff.claimed_by_id == to.id
        kept = select(Turn.text).where(Turn.kind == "note")
        assert session.exec(kept).all() == ["knows refunds"]


def test_case_for_a_colleague_who_is_away_waits_for_them_in_front(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff, to = asked_for(session), mina(session)
        claim(session, handoff, omar(session))
        transfer(session, handoff, omar(session), str(to.id))
        for person in (omar(session), to):
            set_presence(session, person, True)
        sweep(session, ALWAYS)
        assert (handoff.status, handoff.offered_to_id) == ("waiting", to.id)


@pytest.mark.parametrize("to", [999_999, "tariq", "x" * 81])
def test_case_is_not_passed_to_nobody(engine: Engine, to: Any) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        claim(session, handoff, omar(session))
        target = tariq(session).id if to == "tariq" else to
        with pytest.raises(Invalid):
            transfer(session, handoff, omar(session), target)
        assert handoff.status == "with_agent"


def test_unsolved_case_goes_back_to_the_same_agent(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        set_presence(session, omar(session), True)
        claim(session, handoff, omar(session))
        resolve(session, handoff, omar(session), "other")
        reopen(session, of(session, handoff))
        assert (handoff.status, handoff.claimed_by_id) == ("with_agent", omar(session).id)


def test_unsolved_case_of_an_agent_who_left_waits_in_front(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        claim(session, handoff, omar(session))
        resolve(session, handoff, omar(session), "other")
        other = asked_for(session)
        reopen(session, of(session, handoff))
        assert in_line(open_handoffs(session)) == [handoff, other]


def test_answered_needs_the_article_that_did(engine: Engine) -> None:
    with transaction(engine) as session:
        handoff = asked_for(session)
        claim(session, handoff, omar(session))
        with pytest.raises(Invalid) as refused:
            resolve(session, handoff, omar(session), "answered")
        assert refused.value.field == "article"


def test_fifty_agents_claim_fifty_cases_and_each_has_one_owner(engine: Engine) -> None:
    with transaction(engine) as session:
        ids = [asked_for(session).id or 0 for _ in range(50)]
        people = [add_person(session, f"agent{n}@example.com", "agent") for n in range(50)]
    got: dict[int, list[int]] = {id_: [] for id_ in ids}
    start = threading.Barrier(10)

    def hands(mine: list[Person]) -> None:
        start.wait()
        for n, person in enumerate(mine):
            for id_ in ids[n::5]:
                try:
                    with transaction(engine) as session:
                        claim(session, get_handoff(session, id_), person)
                    got[id_].append(person.id or 0)
                except Conflict:
                    pass

    threads = [threading.Thread(target=hands, args=(people[n::10],)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert all(len(owners) == 1 for owners in got.values())
    with transaction(engine) as session:
        found = {h.id: h.claimed_by_id for h in open_handoffs(session)}
        assert found == {id_: owners[0] for id_, owners in got.items()}
        assert latest_handoff(session, "none") is None
