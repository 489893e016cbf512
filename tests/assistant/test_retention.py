"""What has grown old is erased, words and all; what somebody still has to do is not."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, func, select

from assistant import live
from assistant.conversations import Conversation, ConversationToken, Turn
from assistant.ending import send_transcript
from assistant.handoffs import Handoff
from assistant.outgoing import Outgoing, Undeliverable, deliver_due
from assistant.retention import BATCH, forget_old
from kb.db import now, reading, transaction
from kb.settings import Settings
from kb.sign_in import SignInFailure, StaffSession
from tests.assistant.talks import handed_off, resolved, talk
from tests.cast import omar

SETTINGS = Settings(retention_days=90)
OLD = timedelta(days=91)


def count(engine: Engine, model: type[SQLModel]) -> int:
    with reading(engine) as session:
        return session.exec(select(func.count()).select_from(model)).one()


def test_old_conversation_is_erased_with_its_words_and_case(engine: Engine) -> None:
    with transaction(engine) as session:
        resolved(session, talk(session))
    assert forget_old(engine, SETTINGS, now() + timedelta(days=89)) == 0
    assert forget_old(engine, SETTINGS, now() + OLD) == 1
    for model in (Conversation, ConversationToken, Turn, Handoff):
        assert count(engine, model) == 0


@pytest.mark.parametrize("settings", [SETTINGS, Settings(retention_days=0)])
def test_open_case_is_never_erased_nor_anything_where_all_is_kept(
    engine: Engine, settings: Settings
) -> None:
    with transaction(engine) as session:
        handed_off(session, talk(session))
        if not settings.retention_days:
            talk(session)
    assert forget_old(engine, settings, now() + timedelta(days=20_000)) == 0
    assert count(engine, Handoff) == 1


def test_many_go_in_steps(engine: Engine) -> None:
    with transaction(engine) as session:
        for _ in range(BATCH + 1):
            session.add(Conversation(channel="api", audience="public", locale="en"))
    assert forget_old(engine, SETTINGS, now() + OLD) == BATCH + 1


def test_news_and_sign_ins_serve_for_a_while(engine: Engine) -> None:
    at = now()
    with transaction(engine) as session:
        live.tell(session, "c", "turn", {"n": 1})
        _sign_in(session, "ended", at - timedelta(seconds=1))
        _sign_in(session, "valid", at + timedelta(days=1))
        session.add(SignInFailure(who="a@example.com", at=at - timedelta(minutes=16)))
    forget_old(engine, SETTINGS, at)
    assert (count(engine, live.LiveEvent), count(engine, SignInFailure)) == (1, 0)
    with reading(engine) as session:
        assert session.exec(select(StaffSession.digest)).all() == ["valid"]
    forget_old(engine, SETTINGS, at + timedelta(days=8))
    assert (count(engine, live.LiveEvent), count(engine, StaffSession)) == (0, 0)


def _sign_in(session: Session, digest: str, expires_at: object) -> None:
    session.add(StaffSession(digest=digest, person_id=omar(session).id, expires_at=expires_at))


def test_letters_that_left_or_never_could_are_forgotten_after_a_month(engine: Engine) -> None:
    def send(message: Outgoing) -> None:
        if "ben" in message.data["to"]:
            raise Undeliverable("no such person")

    with transaction(engine) as session:
        send_transcript(session, talk(session), "ana@example.com", SETTINGS)
        send_transcript(session, talk(session), "ben@example.com", SETTINGS)
    deliver_due(engine, {"mail": send})
    forget_old(engine, SETTINGS, now() + timedelta(days=29))
    assert count(engine, Outgoing) == 2
    forget_old(engine, SETTINGS, now() + timedelta(days=31))
    assert count(engine, Outgoing) == 0
