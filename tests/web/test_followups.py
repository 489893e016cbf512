"""Customers are asked once by e-mail whether it is solved; a link and a button answer."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.conversations import Conversation
from assistant.ending import erase, rate
from assistant.followups import (
    VALID_DAYS,
    follow_up_sender,
    has_due,
    letter_of,
    open_follow_up,
    queue_follow_ups,
)
from assistant.handoffs import latest_handoff
from assistant.letters import Letter
from assistant.mail import SmtpMailer
from assistant.outgoing import Outgoing, deliver_due
from kb.db import now, reading, transaction
from kb.errors import NotFound
from kb.settings import Settings
from tests.assistant.postbox import postbox
from tests.assistant.talks import resolved, talk

SETTINGS = Settings(base_url="https://help.example.com")
DAY = timedelta(hours=24, minutes=1)


class Kept:
    """A mailer that keeps what it is given."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter: Letter, key: str, at: datetime) -> None:
        self.letters.append(letter)


def solved_talk(session: Session, locale: str = "en", **more: Any) -> Conversation:
    conversation = talk(session, locale, **{"email": "ana@example.com"} | more)
    resolved(session, conversation)
    return conversation


def follow_up(engine: Engine, at: datetime, settings: Settings = SETTINGS) -> list[Letter]:
    """A minute's work of the clock."""
    mailer = Kept()
    with transaction(engine) as session:
        queue_follow_ups(session, settings, at)
    deliver_due(engine, {"follow_up": follow_up_sender(engine, mailer, settings)}, at)
    return mailer.letters


def test_customer_is_asked_a_day_later_and_never_again(engine: Engine) -> None:
    with transaction(engine) as session:
        solved_talk(session)
        assert not has_due(session, SETTINGS, now())
        assert has_due(session, SETTINGS, now() + DAY)
    assert follow_up(engine, now() + DAY - timedelta(minutes=5)) == []
    letters = follow_up(engine, now() + DAY)
    assert [letter.to for letter in letters] == ["ana@example.com"]
    assert "how much is shipping" in letters[0].text
    assert follow_up(engine, now() + DAY + timedelta(minutes=1)) == []


@pytest.mark.parametrize("change", [{"email": None}, {"solved": True}, {"asked_solved_at": None}])
def test_who_cannot_or_need_not_answer_is_not_asked(engine: Engine, change: dict[str, Any]) -> None:
    with transaction(engine) as session:
        conversation = solved_talk(session)
        for name, value in change.items():
            setattr(conversation, name, value)
    assert follow_up(engine, now() + DAY) == []


def test_nobody_is_asked_where_it_is_switched_off_or_long_ago(engine: Engine) -> None:
    with transaction(engine) as session:
        solved_talk(session)
    assert follow_up(engine, now() + DAY, Settings(followup_hours=0)) == []
    assert follow_up(engine, now() + timedelta(days=30)) == []


def test_who_answers_before_the_mail_leaves_gets_none(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = solved_talk(session)
        queue_follow_ups(session, SETTINGS, now() + DAY)
        rate(session, conversation, solved=True)
    mailer = Kept()
    senders = {"follow_up": follow_up_sender(engine, mailer, SETTINGS)}
    assert deliver_due(engine, senders, now() + DAY) == (1, 0)
    assert mailer.letters == []


def test_next_resolution_is_asked_about_again(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = solved_talk(session)
    assert len(follow_up(engine, now() + DAY)) == 1
    with transaction(engine) as session:
        found = session.get(Conversation, conversation.id)
        assert found
        rate(session, found, solved=False)
        resolved(session, found)
        found.asked_solved_at = now() + DAY
    assert len(follow_up(engine, now() + 2 * DAY)) == 1


def test_letter_is_in_the_language_of_the_conversation_and_keeps_no_secret_in_the_store(
    engine: Engine,
) -> None:
    with transaction(engine) as session:
        solved_talk(session, "fa")
        queue_follow_ups(session, SETTINGS, now() + DAY)
        assert "token" not in str(session.exec(select(Outgoing.data)).all())
    with postbox() as box:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{box.port}", "help@example.com")
        deliver_due(engine, {"follow_up": follow_up_sender(engine, mailer, SETTINGS)}, now() + DAY)
    message = box.messages[0]
    html = message.get_body(("html",))
    assert html is not None
    assert 'dir="rtl"' in html.get_content()
    assert message["Subject"] == "مشکل حل شد؟"
    assert "/leave?token=" in message["List-Unsubscribe"]


# -- pages -------------------------------------------------------------------------


def links(services: Any, conversation: Conversation) -> dict[str, str]:
    with reading(services.engine) as session:
        found = session.get(Conversation, conversation.id)
        assert found
        letter = letter_of(session, found, services.settings)
    paths = re.findall(r"http://127.0.0.1:8000(/follow-up/\S+)", letter.text)
    assert letter.leave
    leave = letter.leave.removeprefix("http://127.0.0.1:8000")
    return {"yes": paths[0], "no": paths[1], "leave": leave, "token": letter.secret}


@pytest.fixture
def asked(services: Any) -> Conversation:
    with transaction(services.engine) as session:
        return solved_talk(session)


def state(services: Any, conversation: Conversation) -> tuple[bool | None, str]:
    with reading(services.engine) as session:
        found = session.get(Conversation, conversation.id)
        handoff = latest_handoff(session, conversation.id)
        assert found
        assert handoff
        return found.solved, handoff.status


def post(client: TestClient, path: str, token: str, answer: str, **headers: str) -> Any:
    form = {"token": token, "answer": answer}
    return client.post(path.partition("?")[0], data=form, headers=headers)


def test_opening_a_link_changes_nothing_and_tells_nobody(
    services: Any, client: TestClient, asked: Conversation
) -> None:
    found = links(services, asked)
    for answer in ("yes", "no", "leave"):
        shown = client.get(found[answer])
        assert shown.status_code == 200
        assert shown.text.count("<button") == 1
        assert "widget.js" not in shown.text
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["cache-control"] == "no-store"
    assert state(services, asked) == (None, "resolved")


def test_yes_ends_it(services: Any, client: TestClient, asked: Conversation) -> None:
    found = links(services, asked)
    assert "glad" in post(client, found["yes"], found["token"], "yes").text
    assert state(services, asked) == (True, "resolved")
    assert "already have" in client.get(found["no"]).text
    assert "already have" in post(client, found["no"], found["token"], "no").text
    assert state(services, asked) == (True, "resolved")


def test_no_opens_it_again_for_the_same_agent(
    services: Any, client: TestClient, asked: Conversation
) -> None:
    found = links(services, asked)
    assert "open again" in post(client, found["no"], found["token"], "no").text
    assert state(services, asked) == (False, "with_agent")
    assert "already have" in client.get(found["no"]).text


def test_pages_speak_the_language_of_the_conversation(services: Any, client: TestClient) -> None:
    with transaction(services.engine) as session:
        conversation = solved_talk(session, "fa")
    shown = client.get(links(services, conversation)["no"])
    assert 'dir="rtl"' in shown.text
    assert "نه، هنوز کمک می‌خواهم" in shown.text


def test_changed_link_opens_nothing(services: Any, client: TestClient, asked: Conversation) -> None:
    found = links(services, asked)
    with transaction(services.engine) as session:
        other = solved_talk(session)
    until, since, proof = found["token"].split(".")
    forged = [
        "", "x", "1.2.3", f"{until}.{since}", f"{int(until) + 9}.{since}.{proof}",
        f"{until}.{int(since) + 1}.{proof}", f"{until}.{since}.{'0' * 32}", f"٣.{since}.{proof}",
    ]  # fmt: skip
    for token in forged:
        assert client.get(f"/follow-up/{asked.id}", params={"token": token}).status_code == 404
        assert post(client, found["no"], token, "no").status_code == 404
    for id_ in (other.id, "%00", "x" * 100, "é"):
        page = client.get(f"/follow-up/{id_}", params={"token": found["token"]})
        assert page.status_code == 404
    assert state(services, asked) == (None, "resolved")


def test_link_ends_after_two_weeks_and_with_the_conversation(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = solved_talk(session)
        token = letter_of(session, conversation, SETTINGS).secret
        almost = now() + timedelta(days=VALID_DAYS)
        assert not open_follow_up(session, conversation.id, token, almost).is_settled
        with pytest.raises(NotFound, match="expired"):
            open_follow_up(session, conversation.id, token, almost + DAY)
        erase(session, conversation)
        with pytest.raises(NotFound):
            open_follow_up(session, conversation.id, token)


def test_other_sites_page_cannot_answer(
    services: Any, client: TestClient, asked: Conversation
) -> None:
    found = links(services, asked)
    sent = post(client, found["no"], found["token"], "no", **{"sec-fetch-site": "cross-site"})
    assert sent.status_code == 403
    assert state(services, asked) == (None, "resolved")


def test_mail_program_ends_the_mail_by_itself(
    services: Any, client: TestClient, asked: Conversation
) -> None:
    left = client.post(links(services, asked)["leave"], data={"List-Unsubscribe": "One-Click"})
    assert left.status_code == 200
    with reading(services.engine) as session:
        found = session.get(Conversation, asked.id)
        assert found
        assert found.email is None
