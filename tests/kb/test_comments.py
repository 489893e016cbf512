"""What reviewers say about a passage, from version to version."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb.articles import Revision
from kb.comments import (
    comment,
    edit,
    mentioned,
    place_in,
    reopen,
    reply,
    resolve,
    threads_on,
)
from kb.db import transaction
from kb.errors import Invalid, NotAllowed
from kb.publishing import draft
from kb.quotes import paragraphs, shown
from tests.cast import PASSWORD_RESET, mina, omar, tariq

SLUG = "reset-password"
QUOTE = "works for 30 minutes"


def written(session: Session, **changed: str) -> Revision:
    return draft(session, SLUG, "en", replace(PASSWORD_RESET, **changed), tariq(session))


def test_passage_is_what_the_page_shows(engine: Engine) -> None:
    with transaction(engine) as session:
        said = comment(
            session,
            written(session),
            mina(session),
            "Still?",
            "answer",
            "Forgot password? The\nlink",
        )
        assert said.quote == "Forgot password? The link"
        assert said.position == shown(PASSWORD_RESET.answer).index(said.quote)


def test_comment_follows_its_passage_to_the_next_draft(engine: Engine) -> None:
    with transaction(engine) as session:
        first = written(session)
        said = comment(session, first, mina(session), "Sure?", "answer", QUOTE)
        moved = written(session, answer=f"Patience. The link {QUOTE}.")
        gone = written(session, answer="The link works for an hour.")
        assert place_in(moved, said) == 19
        assert place_in(gone, said) is None


def test_of_equal_passages_the_nearest_is_meant(engine: Engine) -> None:
    with transaction(engine) as session:
        twice = written(session, answer="Wait a day. Then wait a day again.")
        said = comment(session, twice, mina(session), "Why?", "answer", "ait a day", 18)
        assert said.position == 18


@pytest.mark.parametrize("quote", ["works for 31 minutes", "x" * 1001])
def test_passage_that_is_not_there_is_refused(engine: Engine, quote: str) -> None:
    with transaction(engine) as session:
        with pytest.raises(Invalid):
            comment(session, written(session), mina(session), "?", "answer", quote)
        assert threads_on(session, 1, "en") == []


def test_thread_is_answered_resolved_and_opened_again(engine: Engine) -> None:
    with transaction(engine) as session:
        said = comment(session, written(session), mina(session), "Too long.")
        answer = reply(session, said, tariq(session), "Shorter now.")
        resolve(session, said, tariq(session))
        assert threads_on(session, said.article_id, "en") == [[said, answer]]
        assert not said.is_open
        reopen(session, said, mina(session))
        assert said.is_open


def test_only_who_wrote_a_comment_changes_it(engine: Engine) -> None:
    with transaction(engine) as session:
        said = comment(session, written(session), mina(session), "Too long.")
        with pytest.raises(NotAllowed):
            edit(session, said, omar(session), "Fine.")
        edit(session, said, mina(session), "Too short.")
        assert (said.text, said.edited_at is not None) == ("Too short.", True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@tariq look", ["tariq"]),
        ("ask @mina@example.com.", ["mina"]),
        ("write to mina@example.com", []),
        ("(@Tariq, @OMAR)", ["tariq", "omar"]),
        ("@tariqa", []),
    ],
)
def test_mention_is_an_address_or_a_name(engine: Engine, text: str, names: list[str]) -> None:
    with transaction(engine) as session:
        people = [tariq(session), mina(session), omar(session)]
        assert [person.name for person in mentioned(text, people)] == names


def test_paragraphs_are_what_can_be_chosen() -> None:
    body = "## Steps\n\nFirst *this*.\n\n- one\n- two &amp; three\n\n| a | b |\n|--|--|\n| c | d |"
    assert paragraphs(body) == ("Steps", "First this.", "one", "two & three", "a b", "c d")
    assert all(block in shown(body) for block in paragraphs(body))
