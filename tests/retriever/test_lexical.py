"""Words of five languages, and how surely a text holds them."""

import numpy as np
import pytest

from retriever import lexical
from retriever.lexical import STOPWORDS, WordIndex, fold, tokenize

TEXTS = [
    tokenize(text, "en")
    for text in (
        "Cancel an order before it leaves the warehouse",
        "Where is my refund",
        "Delivery costs and free delivery",
        "Cancel a subscription",
    )
]


@pytest.mark.parametrize(
    ("locale", "said", "written"),
    [
        ("en", "cancelling my orders", "cancel the order"),
        ("en", "returned items", "return an item"),
        ("it", "cancellare gli ordini", "cancellate l'ordine"),
        ("it", "spedizioni rimborsate", "spedizione rimborsata"),
    ],
)
def test_forms_of_a_word_share_a_stem(locale: str, said: str, written: str) -> None:
    assert set(tokenize(said, locale)) <= set(tokenize(written, locale))
    assert tokenize(said, locale)


@pytest.mark.parametrize(
    ("locale", "said", "written"),
    [
        ("zh", "怎么申请退款呢", "退款"),
        ("zh", "请问发票在哪儿开", "发票"),
        ("ko", "주문취소하고싶어요", "취소"),
        ("ko", "환불은언제되나요", "환불"),
    ],
)
def test_word_is_found_in_a_sentence_without_spaces(locale: str, said: str, written: str) -> None:
    assert set(tokenize(written, locale)) <= set(tokenize(said, locale))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("كتاب", "کتاب"),
        ("هديه", "هدیه"),
        ("مسئول", "مسیول"),
        ("آدرس", "ادرس"),
        ("كارتِ هَديه", "کارت هدیه"),
        ("مـرجـوعـی", "مرجوعی"),
        ("می‌خواهم", "میخواهم"),
        ("سفارش‌هایم", "سفارش"),
        ("سفارش‌ها", "سفارش"),
    ],
)
def test_persian_letter_variants_and_half_spaces_are_one(typed: str, written: str) -> None:
    assert tokenize(typed, "fa") == tokenize(written, "fa")


@pytest.mark.parametrize("typed", ["۱۲۳۴۵", "١٢٣٤٥", "１２３４５", "१२३४५"])
def test_digits_of_any_script_are_the_same_number(typed: str) -> None:
    assert tokenize(typed, "fa") == tokenize(typed, "en") == ["12345"]


@pytest.mark.parametrize(
    ("locale", "typed", "written"),
    [("it", "perche", "perché"), ("it", "citta", "città"), ("en", "cafe", "café")],
)
def test_accents_may_be_left_out(locale: str, typed: str, written: str) -> None:
    assert tokenize(typed, locale) == tokenize(written, locale)


def test_accent_written_as_its_own_character_is_the_same_letter() -> None:
    assert fold("cafe\u0301 per te\u0300") == fold("caf\u00e9 per t\u00e8")


def test_word_of_two_scripts_is_read_as_both() -> None:
    assert tokenize("iPhone充电器", "zh") == ["iphone", "充电", "电器"]
    assert tokenize("VISA카드", "ko") == ["visa", "카드"]


def test_every_stopword_is_left_out_as_it_is_written() -> None:
    kept = {word for word in STOPWORDS if tokenize(word, "en")}
    assert kept == set()


@pytest.mark.parametrize("text", ["", " ", "!?…", "😀", "\u200c", "___"])
def test_text_without_words_has_no_tokens(text: str) -> None:
    assert tokenize(text, "fa") == []


@pytest.mark.parametrize("typed", ["cansel my ordr", "cancle order", "cnacel the ordeer"])
def test_typing_errors_are_forgiven(typed: str) -> None:
    known = WordIndex(TEXTS).known(tokenize(typed, "en"))
    assert set(tokenize("cancel order", "en")) <= set(known)


def test_correct_and_unlike_words_are_left_as_they_are() -> None:
    tokens = tokenize("refund for a bicycle", "en")
    assert WordIndex(TEXTS).known(tokens) == tokens


@pytest.mark.parametrize(
    "question",
    [
        "cancel",
        "cancel cancel cancel cancel",
        "cancel my order before it leaves the warehouse",
        "where is my refund for the delivery of a bicycle",
        "free delivery free delivery costs costs",
    ],
)
def test_scores_are_shares(question: str) -> None:
    index = WordIndex([*TEXTS, ["refund"] * 100, ["cancel"]])
    scores = index.scores(index.known(tokenize(question, "en")))
    assert scores.shape == (6,)
    assert 0 <= scores.min() < scores.max() <= 1


def test_text_that_holds_all_the_words_scores_best() -> None:
    index = WordIndex(TEXTS)
    assert int(index.scores(index.known(tokenize("cancel subscription", "en"))).argmax()) == 3


def test_word_that_no_text_holds_lowers_the_share() -> None:
    index = WordIndex(TEXTS)
    whole, part = index.scores(["refund"]), index.scores(["refund", "bicycl"])
    assert part[1] < whole[1]


@pytest.mark.parametrize("texts", [[], [[]], [[], [], []]])
def test_empty_corpus_scores_nothing(texts: list[list[str]]) -> None:
    index = WordIndex(texts)
    assert index.known(["refund"]) == ["refund"]
    assert np.array_equal(index.scores(["refund"]), np.zeros(len(texts), np.float32))


def test_question_without_known_words_scores_nothing() -> None:
    index = WordIndex(TEXTS)
    assert not index.scores([]).any()
    assert not index.scores(["unicorn"]).any()


def test_mistyped_words_are_remembered_and_no_more_than_so_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lexical, "REMEMBERED", 1)
    index = WordIndex([["password"], ["delivery"]])
    for _ in range(2):
        assert index.known(["pasword", "delivry", "zebra"]) == ["password", "delivery", "zebra"]
    assert index._read_as == {"zebra": "zebra"}
