"""Thousands of questions at once find what each would find alone."""

import csv
from pathlib import Path

import numpy as np
import pytest

from kb.db import reading
from retriever.embeddings import Encoder
from retriever.replay import Put, find_exactly, find_many, remember
from retriever.search import Findings, find_at
from retriever.states import SeesTokens, TokenIndex
from web.services import Services

QUESTIONS = Path(__file__).parents[1] / "questions.csv"
TEXTS = ["Reset your password", "How long a refund takes", "The parrot in the showroom"]


def every(count: int) -> list[Put]:
    """Every so manieth of the customers' questions, in five languages."""
    with QUESTIONS.open() as file:
        rows = list(csv.DictReader(file))[::count]
    return [Put(row["question"], row["locale"]) for row in rows]


def reply(found: Findings) -> object:
    """What a customer would notice."""
    offered = tuple(match.article_id for match in found.matches[:3])
    if found.may_answer:
        return offered[:1]
    return offered if found.may_clarify else None


def test_many_questions_find_what_each_finds_alone(sample: Services) -> None:
    index, puts = sample.index, every(7)
    with reading(sample.engine) as session:
        level, _ = index.level(session)
    memory = remember(index.vectors.questions, level.encoders, puts)
    together = find_many(index.vectors, level, memory, puts, "public", 6)
    alone = [find_at(index.vectors, level, p.text, p.language, "public", 6) for p in puts]
    assert len({reply(found) for found in together}) > 10
    assert [reply(found) for found in together] == [reply(found) for found in alone]


def test_exactly_is_to_the_bit(sample: Services) -> None:
    index, puts = sample.index, every(60)
    with reading(sample.engine) as session:
        level, _ = index.level(session)
    memory = remember(index.vectors.questions, level.encoders, puts)
    for put in puts:
        mine = find_exactly(index.vectors, level, memory, put, "public", 6)
        theirs = find_at(index.vectors, level, put.text, put.language, "public", 6)
        assert (mine.confidence, mine.in_scope) == (theirs.confidence, theirs.in_scope)
        assert [m.share for m in mine.matches] == [m.share for m in theirs.matches]


def test_tokens_spread_out_are_as_close(encoders: list[Encoder]) -> None:
    encoder = encoders[1]
    assert isinstance(encoder, SeesTokens)
    tokens = TokenIndex([*encoder.states(TEXTS[:2]), None], np.arange(4))
    asked, places = encoder.states(["when is my refund"])[0], np.arange(3)
    spread = tokens.spread().closeness(asked, places)
    assert spread == pytest.approx(tokens.closeness(asked, places), abs=1e-5)
    assert not spread[2].any()
