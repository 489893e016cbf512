"""Two sets of encoders, one exam."""

import copy
from dataclasses import replace

import pytest

from assistant import trials
from assistant.evaluation import Verdict
from assistant.exams import GENERAL, LEFT_OUT, Exam, hold_out
from assistant.question_file import Row
from assistant.trials import Known, Moved, Outcome, compare, figures, recall, sit, told
from retriever.embeddings import Encoder, Vectors
from retriever.index import encode
from retriever.texts import Document, Text
from retriever.vectors import VectorStore


def verdict(expected: str, found: str, in_scope: float = 0.5) -> Verdict:
    """One question and the article that was put first."""
    slugs = frozenset({expected} if expected else ())
    said = found if in_scope > 0.5 else None
    outcome = "answered" if said else "abstained"
    return Verdict(Row("?", slugs, "en"), outcome, (found,), said, in_scope, in_scope)


@pytest.fixture(scope="module")
def exam() -> Exam:
    """Seven articles of four phrasings, one of each held out."""
    things = ("password", "refund", "parcel", "voucher", "invoice", "delivery", "kettle")
    asked = ("where is my {}", "I lost my {}", "need help with the {}", "how do I get a new {}")
    return hold_out(
        [
            Document(
                number, thing, number, "en", 1, "public", "a", thing,
                (
                    Text("title", f"About your {thing}", "en"),
                    *(Text("phrasing", phrasing.format(thing), "en") for phrasing in asked),
                ),
            )
            for number, thing in enumerate(things)
        ],
        ["en"],
    )  # fmt: skip


def test_store_sits_its_own_exam(exam: Exam, encoders: list[Encoder]) -> None:
    known: Known = {}
    verdicts = sit(exam, encoders[1:], known)
    assert figures(verdicts)["right first"] == 1
    assert known.keys() == {encoders[1].name}
    assert sit(exam, encoders[1:], known) == verdicts


def test_general_questions_come_with_their_vectors(
    exam: Exam, encoders: list[Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[str] = []

    def watched(encoder: Encoder, items: list[tuple[bool, str]]) -> Vectors:
        embedded.extend(text for _, text in items)
        return encode(encoder, items)

    monkeypatch.setattr(trials, "encode", watched)
    sit(replace(exam, rows=()), encoders[1:], {})
    assert sorted(embedded) == sorted(t.text for d in exam.documents for t in d.texts)


def test_what_the_index_has_embedded_is_recalled(
    exam: Exam, encoders: list[Encoder], vectors: VectorStore
) -> None:
    own_encoder = copy.copy(encoders[1])
    own_encoder.name = "minilm-recalled"
    key = exam.documents[0].texts[0].key
    made = own_encoder.questions([exam.documents[0].texts[0].text])
    vectors.add(own_encoder, [key], made)
    assert recall(exam, [own_encoder], vectors)[own_encoder.name].keys() == {key}


def test_gained_and_lost_are_counted_by_question() -> None:
    before = [verdict("a", "a"), verdict("b", "a"), verdict("c", "b"), verdict("", "a")]
    after = [verdict("a", "b"), verdict("b", "b"), verdict("c", "c"), verdict("", "a")]
    outcome = compare(before, after)
    assert (outcome.questions, outcome.first, outcome.promised) == (3, Moved(2, 1), None)
    assert outcome.figures["right first"] == (0.3333, 0.6667)


@pytest.mark.parametrize(
    ("gained", "lost", "auroc", "is_gain"),
    [(5, 0, 0.9, True), (4, 0, 0.9, False), (9, 5, 0.9, False), (5, 0, 0.88, False)],
)
def test_gain_is_more_than_chance_and_costs_no_scope(
    gained: int, lost: int, auroc: float, is_gain: bool
) -> None:
    scopes = {"AUROC, unanswerable": (0.9, auroc)}
    first, nothing = Moved(gained, lost), Moved(0, 0)
    assert Outcome(scopes, 20, first).is_gain == is_gain
    assert Outcome(scopes, 20, nothing, first).is_gain == is_gain
    assert not Outcome(scopes, 20, first, Moved(0, 9)).is_gain


def test_chance_is_that_of_the_exact_sign_test() -> None:
    assert Moved(5, 0).chance == 1 / 32
    assert Moved(0, 0).chance == 1


def test_what_is_answered_rightly_is_counted_where_both_keep_the_promise() -> None:
    unsure = [verdict("a", "a", n / 200) for n in range(100)] + [verdict("", "b", 0.4)] * 9
    sure = [verdict("a", "a", 0.6 + n / 1000) for n in range(100)] + [verdict("", "b", 0.4)] * 9
    outcome = compare(unsure, sure, 0.02)
    assert outcome.first == Moved(0, 0)
    # Above the nine that are wrong at 0.4, but for one that may be.
    assert outcome.promised == Moved(81, 0)
    assert outcome.figures["answered rightly as promised"] == (0.19, 1.0)
    assert outcome.is_gain
    assert compare(unsure[:20], sure[:20], 0.02).promised is None


def test_exam_tells_a_bar_in_the_mix_of_a_rehearsal() -> None:
    known = [verdict("a", "a" if n else "b") for n in range(12)]
    others = [
        replace(v, row=replace(v.row, question=f"{kind} {n}", kind=kind))
        for kind in (LEFT_OUT, GENERAL)
        for n, v in enumerate([verdict("", "a")] * 9)
    ]
    found = told([*others, *known, verdict("", "a")])
    assert found.keys() == {"en"}
    assert sorted(right for _, right in found["en"]) == [False] * 6 + [True] * 11
