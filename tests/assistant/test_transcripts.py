"""A copy of the conversation goes to whoever asks for it, word for word."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from assistant.ending import COPIES_LIMIT, send_transcript
from assistant.letters import Letter, check_address, texts_in
from assistant.outgoing import Outgoing
from kb.db import transaction
from kb.errors import Conflict, Invalid
from kb.settings import LOCALE_NAMES, Settings
from tests.assistant.talks import QUESTION, resolved, talk
from tests.cast import DELIVERY_COSTS

SETTINGS = Settings(base_url="https://help.example.com", site_name="Quillhaven")
URL = "https://help.example.com/en/articles/delivery-costs/versions/1"


def letters(session: Session) -> list[Letter]:
    rows = session.exec(select(Outgoing).order_by(col(Outgoing.id)))
    return [Letter(**row.data) for row in rows if row.kind == "mail"]


def test_letter_has_every_answer_with_its_version_and_address(engine: Engine) -> None:
    with transaction(engine) as session:
        send_transcript(session, talk(session), " ana@example.com ", SETTINGS)
        letter = letters(session)[0]
    assert (letter.to, letter.subject) == ("ana@example.com", "Your conversation with Quillhaven")
    for words in (QUESTION, DELIVERY_COSTS.answer, "What delivery costs (version 1)", URL):
        assert words in letter.text
    assert "they sound cross" not in letter.text + letter.html


def test_what_a_customer_typed_is_never_html(engine: Engine) -> None:
    with transaction(engine) as session:
        send_transcript(session, talk(session), "ana@example.com", SETTINGS)
        html = letters(session)[0].html
    assert "shipping to &lt;b&gt;Rome" in html
    assert f'<a href="{URL}">' in html


def test_agents_have_their_names(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = talk(session)
        resolved(session, conversation)
        send_transcript(session, conversation, "ana@example.com", SETTINGS)
        assert "You're now talking to omar." in letters(session)[0].text


def test_persian_reads_from_right_to_left(engine: Engine) -> None:
    with transaction(engine) as session:
        send_transcript(session, talk(session, "fa"), "ana@example.com", Settings())
        letter = letters(session)[0]
    assert letter.subject == "گفت‌وگوی شما با مرکز راهنمایی ما"
    assert '<html lang="fa" dir="rtl">' in letter.html


@pytest.mark.parametrize("locale", LOCALE_NAMES)
def test_every_language_has_every_text(locale: str) -> None:
    places = [sorted(word for word in text.split("{")[1:]) for text in texts_in("en").values()]
    texts = texts_in(locale)
    assert list(texts) == list(texts_in("en"))
    assert [text.count("{") for text in texts.values()] == [len(place) for place in places]


def test_one_click_is_one_mail_and_a_later_click_another(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = talk(session)
        send_transcript(session, conversation, "ana@example.com", SETTINGS)
        send_transcript(session, conversation, "ana@example.com", SETTINGS)
        assert len(letters(session)) == 1
        _a_minute_later(session)
        send_transcript(session, conversation, "ana@example.com", SETTINGS)
        send_transcript(session, conversation, "ben@example.com", SETTINGS)
        assert [letter.to[:3] for letter in letters(session)] == ["ana", "ana", "ben"]


def test_chat_cannot_fill_a_mailbox(engine: Engine) -> None:
    with transaction(engine) as session:
        conversation = talk(session)
        for n in range(COPIES_LIMIT):
            send_transcript(session, conversation, f"a{n}@example.com", SETTINGS)
        with pytest.raises(Conflict):
            send_transcript(session, conversation, "b@example.com", SETTINGS)
        send_transcript(session, talk(session), "b@example.com", SETTINGS)


def _a_minute_later(session: Session) -> None:
    for row in session.exec(select(Outgoing)):
        row.created_at -= timedelta(seconds=61)
        session.add(row)
    session.flush()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ana",
        "@example.com",
        "ana@",
        "a b@example.com",
        "ana@example.com\r\nBcc: all@example.com",
        "ana@example.com, ben@example.com",
        "Ana <ana@example.com>",
        "ana@ben@example.com",
        "ana@example..com",
        "a" * 65 + "@example.com",
        "ana@" + "x" * 64 + ".com",
        "ana@" + "x." * 130 + "com",
        "\ud800@example.com",
    ],
)
def test_what_is_not_one_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_address(text)
    assert refused.value.field == "email"


@pytest.mark.parametrize("text", ["ana@example.com", "a.b+c@localhost", "안나@예시.한국"])
def test_one_address_is_taken(text: str) -> None:
    assert check_address(text) == text
