"""A language model may write a search, and nothing else; away or wrong, it is done without."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from assistant import rewriting
from assistant.rewriting import FAILURES, REST_SECONDS, ChatRewriter, Fuse, rewriter_of, usable
from kb.settings import Settings
from tests.web.receiver import Receiver, receiver

SEARCH = "How long does delivery to Switzerland take?"
KEY = "k3y"


def reply(content: Any) -> bytes:
    """What a server of that protocol sends."""
    choice = {"index": 0, "finish_reason": "stop"}
    choice |= {"message": {"role": "assistant", "content": content}}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as opened:
        opened.status, opened.reply = 200, reply(SEARCH)
        yield opened


def rewriter(server: Receiver) -> ChatRewriter:
    return ChatRewriter(server.url, "tiny", KEY)


def test_model_gets_two_questions_and_its_words_are_a_search(server: Receiver) -> None:
    assert rewriter(server).rewrite("and to Switzerland?", "how long is delivery") == SEARCH
    headers, body = server.requests[0]
    sent = json.loads(body)
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (sent["model"], sent["temperature"]) == ("tiny", 0)
    assert sent["max_tokens"] <= 100
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    asked = json.loads(sent["messages"][1]["content"])
    assert asked == {"before": "how long is delivery", "follow_up": "and to Switzerland?"}


def test_personal_data_stays_here(server: Receiver) -> None:
    rewriter(server).rewrite("mine is ana@example.com", "where is it, ben@example.com asks")
    body = server.requests[0][1].decode()
    assert "@example.com" not in body
    assert body.count("[e-mail]") == 2


def test_same_follow_up_is_the_same_search_without_asking_again(server: Receiver) -> None:
    writer = rewriter(server)
    first = writer.rewrite("and there?", "delivery to Italy")
    server.reply = reply("something else")
    assert writer.rewrite("and there?", "delivery to Italy") == first
    assert writer.rewrite("and there?", "delivery to Spain") == "something else"
    assert len(server.requests) == 2


@pytest.mark.parametrize("content", ["", "  \n", "one\ntwo", "a\u2028b", "x" * 301, "a\x07b"])
def test_what_is_no_single_line_is_ignored(server: Receiver, content: str) -> None:
    server.reply = reply(content)
    assert rewriter(server).rewrite("and there?", "delivery") is None
    assert usable(content) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"{}", b'{"choices": []}', b"[1]", b"null", reply(None), reply([1])],
)
def test_reply_that_is_none_is_ignored(server: Receiver, content: bytes) -> None:
    server.reply = content
    assert rewriter(server).rewrite("and there?", "delivery") is None


@pytest.mark.parametrize("status", [401, 429, 500, 302])
def test_server_that_says_no_is_done_without(server: Receiver, status: int) -> None:
    server.status = status
    assert rewriter(server).rewrite("and there?", "delivery") is None
    server.status = 200
    assert len(server.requests) == 1


def test_huge_reply_is_not_read_to_the_end(server: Receiver) -> None:
    server.reply = reply("x" * 2_000_000)
    assert rewriter(server).rewrite("and there?", "delivery") is None


def test_customer_does_not_wait_for_a_slow_model(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriting, "PATIENCE", 0.1)
    server.delay = 0.5
    began = time.monotonic()
    assert rewriter(server).rewrite("and there?", "delivery") is None
    assert time.monotonic() - began < 0.4


def test_model_that_is_away_is_left_alone_and_said_so_once(
    server: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = 401
    writer = rewriter(server)
    for n in range(10):
        assert writer.rewrite(f"and {n}?", "delivery") is None
    assert len(server.requests) == FAILURES
    logged = [record.getMessage() for record in caplog.records if record.name == "verbatim"]
    assert logged == ["follow-ups are looked up as they are: the model's server answered 401"]


def test_after_a_rest_one_question_finds_out() -> None:
    fuse = Fuse()
    for _ in range(FAILURES):
        assert fuse.is_whole(0)
        fuse.fail(0)
    assert not fuse.is_whole(REST_SECONDS - 1)
    assert fuse.is_whole(REST_SECONDS)
    assert not fuse.is_whole(REST_SECONDS + 1)
    fuse.mend()
    assert fuse.is_whole(REST_SECONDS + 1)


def test_no_model_unless_one_is_named() -> None:
    settings = Settings(
        rewriter_url="https://models.example.com/v1", rewriter_model="tiny", rewriter_key=KEY
    )
    writer = rewriter_of(settings)
    assert writer
    assert writer.name == "tiny"
    assert KEY not in repr(settings) + repr(writer)
    assert rewriter_of(Settings()) is None
    with pytest.raises(ValidationError, match="name the model"):
        Settings(rewriter_url="https://models.example.com/v1")
