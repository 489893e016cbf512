"""The mission, over HTTP: one question, four channels, the same words to the letter."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from kb.articles import answer_digest
from kb.db import transaction
from kb.people import add_key
from tests.web.test_conversation_api import begin
from web.app import create_app
from web.services import Services

QUESTIONS = Path(__file__).parents[1] / "questions.csv"
ANSWER = re.compile(
    r'class="answer[^"]*"[^>]*data-article="([^"]+)"[^>]*data-version="(\d+)"'
    r'[^>]*data-locale="(\w+)"[^>]*data-sha256="(\w+)"'
)
# What an answer is: article, version, locale, digest of its text.
Words = tuple[str, int, str, str] | None


@pytest.fixture(scope="module")
def company(sample: Services) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """The sample company, and an agent's key."""
    with transaction(sample.engine) as session:
        secret = add_key(session, "agent")
    with TestClient(create_app(sample)) as client:
        yield client, {"Authorization": f"Bearer {secret}"}


def words_of(answer: dict[str, Any] | None) -> Words:
    """What an answer is, once its text has been seen to be what its digest says."""
    if answer is None:
        return None
    assert answer_digest(answer["text"]) == answer["sha256"]
    return answer["article"], answer["version"], answer["locale"], answer["sha256"]


def on_the_site(client: TestClient, question: str, locale: str) -> Words:
    """The instant answer of the help site's search, read from its HTML."""
    html = client.get(f"/{locale}/search", params={"q": question}).text
    found = ANSWER.search(html)
    return (found[1], int(found[2]), found[3], found[4]) if found else None


@pytest.mark.parametrize("locale", ["en", "zh", "ko", "fa", "it"])
def test_all_channels_give_the_same_article_version_and_words(
    company: tuple[TestClient, dict[str, str]], locale: str
) -> None:
    client, agent = company
    with QUESTIONS.open() as file:
        every = [row["question"] for row in csv.DictReader(file) if row["locale"] == locale]
    # `make prove` asks them all, over HTTP.
    asked = every[::4]
    answered = 0
    for question in asked:
        body = {"question": question, "locale": locale}
        api = words_of(client.post("/api/v1/ask", json=body).json()["answer"])
        # A customer's message may be more than a question: then the words are those of its rest.
        (said, *_) = [t for t in begin(client, locale=locale).say(question) if t["reply"]]
        widget = words_of(said["reply"]["answer"])
        site = on_the_site(client, question, locale)
        beside = client.get(
            "/api/v1/suggestions", params={"q": question, "locale": locale}, headers=agent
        ).json()["items"]
        sidebar = words_of(beside[0]) if beside and api else None
        assert site == api, question
        if said["kind"] in ("answer", "clarify", "abstained"):
            assert widget == api, question
        assert sidebar == api, question
        answered += api is not None
    assert answered > len(asked) / 5
