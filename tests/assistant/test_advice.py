"""What an editor is told to do about an evaluation."""

from typing import Any

from assistant.advice import advise


def record(
    question: str, expected: str, said: str | None, first_three: str, outcome: str = ""
) -> dict[str, Any]:
    wanted = expected.split()
    return {
        "question": question,
        "locale": "en",
        "expected": wanted,
        "outcome": outcome or ("answered" if said else "abstained"),
        "said": said,
        "first_three": first_three.split(),
        "confidence": 0.5,
        "right": said in wanted if wanted else said is None,
    }


def advice_on(*records: dict[str, Any], **phrasings: int) -> dict[str, Any]:
    articles = {slug: {"title": slug, "phrasings": {"en": n}} for slug, n in phrasings.items()}
    return advise({"questions": list(records), "articles": articles})


def asked(records: list[dict[str, Any]]) -> list[str]:
    return [found["question"] for found in records]


def test_articles_that_take_each_others_questions_are_paired() -> None:
    found = advice_on(
        record("1", "a", None, "b a"),
        record("2", "b", "a", "a c"),
        record("3", "c", None, "a"),
        record("4", "a", "a", "a b"),
        record("5", "", "a", "a"),
    )["confusions"]
    assert [(pair["articles"], asked(pair["questions"])) for pair in found] == [
        (("a", "b"), ["1", "2"]),
        (("a", "c"), ["3"]),
    ]


def test_of_several_expected_articles_the_nearest_is_meant() -> None:
    found = advice_on(record("1", "a b", None, "c b"))
    assert found["confusions"][0]["articles"] == ("b", "c")
    assert found["unanswered"][0]["article"] == "b"


def test_articles_with_few_phrasings_and_missed_questions_lack_phrasings() -> None:
    found = advice_on(
        record("1", "few", None, "few"),
        record("2", "few", "few", "few"),
        record("3", "many", None, "many"),
        record("4", "fine", "fine", "fine"),
        few=2,
        many=10,
        fine=2,
    )["phrasings"]
    (place,) = found
    assert (place["article"], place["locale"], place["phrasings"]) == ("few", "en", 2)
    assert (place["asked"], asked(place["questions"])) == (2, ["1"])


def test_asking_back_would_have_helped_where_the_right_article_was_near() -> None:
    found = advice_on(
        record("silent", "a", None, "b a"),
        record("wrong", "a", "b", "b c a"),
        record("asked back", "a", None, "a b", "clarify"),
        record("right", "a", "a", "a"),
        record("far", "a", None, "b c"),
    )["clarifications"]
    assert asked(found) == ["silent", "wrong"]


def test_wrong_answers_include_those_where_silence_was_right() -> None:
    found = advice_on(
        record("1", "a", "b", "b"), record("2", "", "b", "b"), record("3", "", None, "")
    )
    assert asked(found["wrong"]) == ["1", "2"]


def test_expected_articles_that_are_not_live_are_named() -> None:
    found = advice_on(record("1", "typo", None, "a"), record("2", "a", "a", "a"), a=3)
    assert found["not_live"] == ["typo"]
    assert found["phrasings"] == []
