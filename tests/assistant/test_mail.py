"""Letters arrive at a real SMTP server, once, whole, and say who sent them."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine

from assistant.letters import Letter, html_page, paragraph
from assistant.mail import ConsoleMailer, SmtpMailer, compose, mail_sender, mailer_of, sender_of
from assistant.outgoing import Undeliverable, deliver_due, queue
from kb.db import now, transaction
from kb.settings import Settings
from tests.assistant.postbox import Postbox, postbox, trusting

SALAM = Letter("ana@example.com", "سلام", "پاسخ", html_page("fa", [paragraph("پاسخ")]), "fa")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENDER = "Quillhaven <help@example.com>"


def send(box: Postbox, letter: Letter, url: str = "smtp://127.0.0.1:{port}") -> None:
    SmtpMailer(url.format(port=box.port), SENDER, trusting()).send(letter, "key-1", now())


def test_letter_arrives_in_both_forms_and_its_direction() -> None:
    with postbox() as box:
        send(box, SALAM)
    message = box.messages[0]
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert (message["Subject"], message["To"]) == ("سلام", "ana@example.com")
    assert text is not None
    assert text.get_content().strip() == "پاسخ"
    assert html is not None
    assert 'dir="rtl"' in html.get_content()


def test_headers_say_that_a_machine_wrote_it() -> None:
    with postbox() as box:
        send(box, SALAM)
        send(box, replace(SALAM, leave="https://help.example.com/leave"))
    first, second = box.messages
    assert first["From"] == SENDER
    assert (first["Auto-Submitted"], first["Content-Language"]) == ("auto-generated", "fa")
    assert first["List-Unsubscribe"] is None
    assert second["List-Unsubscribe"] == "<https://help.example.com/leave>"
    assert second["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_same_letter_sent_again_is_known_by_its_id() -> None:
    ids = [compose(SALAM, SENDER, key, now())["Message-ID"] for key in ("a", "a", "b")]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@example.com>")


@pytest.mark.parametrize(
    "subject", ["Hello\r\nBcc: all@example.com", "Hello\nX: y", "a\u2028b\x85c"]
)
def test_subject_cannot_hold_another_header(subject: str) -> None:
    with postbox() as box:
        send(box, replace(SALAM, subject=subject))
    assert set(box.messages[0].keys()) == set(compose(SALAM, SENDER, "k", now()).keys())
    assert box.recipients == ["ana@example.com"]


@pytest.mark.parametrize("to", ["ana@example.com\r\nBcc: b@example.com", "a@b, c@d", "", "ana"])
def test_letter_to_no_single_address_never_leaves(to: str) -> None:
    with postbox() as box, pytest.raises(Undeliverable):
        send(box, replace(SALAM, to=to))
    assert box.messages == []


def test_foreign_address_is_written_as_mail_has_it() -> None:
    with postbox() as box:
        send(box, replace(SALAM, to="안나@예시.example"))
    assert box.recipients == ["안나@xn--vv4b11d.example"]


@pytest.mark.parametrize(
    ("how", "url"),
    [
        ("starttls", "smtp://us%40er:p%40ss%20word@127.0.0.1:{port}"),
        ("starttls", "smtp://us%40er:p%40ss%20word@127.0.0.1:{port}?starttls=1"),
        ("smtps", "smtps://us%40er:p%40ss%20word@127.0.0.1:{port}"),
    ],
)
def test_password_travels_encrypted(how: str, url: str) -> None:
    with postbox(how) as box:
        send(box, SALAM, url)
    assert box.logins == [(b"us@er", b"p@ss word")]
    assert len(box.messages) == 1


@pytest.mark.parametrize(("how", "scheme"), [("starttls", "smtp"), ("smtps", "smtps")])
def test_server_that_nobody_vouches_for_is_told_nothing(how: str, scheme: str) -> None:
    with postbox(how) as box:
        mailer = SmtpMailer(f"{scheme}://user:p%40ss%20word@127.0.0.1:{box.port}", SENDER)
        with pytest.raises(ssl.SSLCertVerificationError):
            mailer.send(SALAM, "key", now())
    assert (box.logins, box.messages) == ([], [])


@pytest.mark.parametrize(
    ("refusal", "for_ever"), [("550 no such person", True), ("451 try again later", False)]
)
def test_refusal_for_ever_is_told_from_one_for_now(refusal: str, for_ever: bool) -> None:
    with postbox() as box:
        box.refusal = refusal
        with pytest.raises(Exception, match=refusal[4:]) as raised:
            send(box, SALAM)
    assert isinstance(raised.value, Undeliverable) is for_ever


def test_without_a_server_letters_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    mailer = mailer_of(Settings())
    letter = replace(SALAM, text="See https://x/?t=k3y\x1b[2J", secret="k3y")
    mailer.send(letter, "key", now())
    printed = capsys.readouterr().out
    assert isinstance(mailer, ConsoleMailer)
    assert "  | To: ana@example.com\n  | Subject: سلام" in printed
    assert "https://x/?t=…" in printed
    assert "k3y" not in printed
    assert "\x1b" not in printed


def test_password_is_in_no_description() -> None:
    settings = Settings(smtp_url="smtp://user:hush@mail.example.com")
    assert "hush" not in repr(settings) + repr(mailer_of(settings))


def test_sender_is_the_sites_own_unless_said() -> None:
    site = Settings(base_url="https://help.example.com:8443", site_name="Quillhaven")
    said = Settings(mail_from="Help, desk <a@example.com>", site_name="Quillhaven")
    assert sender_of(site) == "Quillhaven <no-reply@help.example.com>"
    assert sender_of(said) == '"Help, desk" <a@example.com>'


def test_what_a_server_turned_away_arrives_from_the_outbox_later(engine: Engine) -> None:
    with transaction(engine) as session:
        queue(session, "mail", "key", SALAM.as_data(), NOON)
    with postbox() as box:
        senders = {"mail": mail_sender(SmtpMailer(f"smtp://127.0.0.1:{box.port}", SENDER))}
        box.refusal = "451 try again later"
        assert deliver_due(engine, senders, NOON) == (0, 1)
        box.refusal = ""
        assert deliver_due(engine, senders, NOON + timedelta(hours=1)) == (1, 0)
    assert [message["Date"].datetime for message in box.messages] == [NOON]


@pytest.mark.parametrize(
    "given",
    [
        {"smtp_url": "mail.example.com:587"},
        {"smtp_url": "http://mail.example.com"},
        {"smtp_url": "smtp://"},
        {"mail_from": "Quillhaven"},
        {"mail_from": "a@example.com\nBcc: b@example.com"},
        {"mail_from": "a@example.com, b@example.com"},
    ],
)
def test_setting_that_cannot_send_is_refused_at_the_start(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="write"):
        Settings(**given)
