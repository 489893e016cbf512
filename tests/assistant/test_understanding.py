"""What a question is before it is looked up."""

import pytest

from assistant.languages import detect_language
from assistant.understanding import QUESTION_LIMIT, clean, understand
from kb.errors import Invalid

LOCALES = ["en", "zh", "ko", "fa", "it"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my refund, I sent the parcel back two weeks ago", "en"),
        ("che fine ha fatto il mio pacco, lo aspetto da due settimane", "it"),
        ("我的包裹到哪儿了，怎么一直不动", "zh"),
        ("주문을 취소하고 싶은데 어떻게 하나요", "ko"),
        ("چطور می‌توانم سفارشم را لغو کنم؟", "fa"),
        ("refund?", "en"),
        ("rimborso", "it"),
        ("退款", "zh"),
        ("환불", "ko"),
        ("مرجوعی", "fa"),
        ("退", "zh"),
    ],
)
def test_language_is_found_from_the_question(text: str, language: str) -> None:
    assert detect_language(text, None, LOCALES) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我的 order 在哪里", "zh"),
        ("iPhone 15 배송 언제 와요", "ko"),
        ("کد تخفیف BLACKFRIDAY کار نمی‌کند", "fa"),
        ("what does 退货 mean on my parcel slip please", "en"),
        ("PayPal 환불", "ko"),
    ],
)
def test_language_of_mixed_scripts_is_that_of_the_sentence(text: str, language: str) -> None:
    assert detect_language(text, None, LOCALES) == language


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("password", "it", "it"),
        ("password", "en", "en"),
        ("ciao", "en", "en"),
        ("how long does it take until I have my money back", "it", "en"),
        ("quanto tempo ci vuole per riavere i miei soldi", "en", "it"),
        ("환불", "en", "ko"),
        ("where is my refund", "fa", "en"),
    ],
)
def test_hint_decides_only_what_is_in_doubt(text: str, hint: str, language: str) -> None:
    assert detect_language(text, hint, LOCALES) == language


@pytest.mark.parametrize(
    ("text", "hint", "locales", "language"),
    [
        ("dov'è il mio pacco", None, ["en"], "en"),
        ("退款", "it", ["it"], "it"),
        ("hello there", None, ["zh", "ko"], "zh"),
        ("hello there", "ko", ["zh", "ko"], "ko"),
    ],
)
def test_language_is_one_that_the_site_speaks(
    text: str, hint: str | None, locales: list[str], language: str
) -> None:
    assert detect_language(text, hint, locales) == language


def test_reader_keeps_their_locale_whatever_they_write() -> None:
    question = understand("환불은 언제 되나요", "it", LOCALES)
    assert (question.locale, question.language) == ("it", "ko")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  where\tis\r\nmy   refund ", "where is my refund"),
        ("refund\x00time", "refund time"),
        ("refund\u200btime\ufeff", "refund time"),
        ("\u202erefund\u202c", "refund"),
        ("bad \udcff byte", "bad byte"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<b>{{ 7 * 7 }}</b>", "<b>{{ 7 * 7 }}</b>"),
    ],
)
def test_question_is_cleaned_of_what_nobody_sees(typed: str, kept: str) -> None:
    assert clean(typed) == kept
    assert understand(typed, None, LOCALES).text == kept


@pytest.mark.parametrize("text", ["", "   ", "\x00", "\u200b\u202e", "\n\t"])
def test_empty_question_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="empty") as caught:
        understand(text, None, LOCALES)
    assert caught.value.field == "question"


def test_question_is_refused_one_character_over_the_limit() -> None:
    assert understand("x" * QUESTION_LIMIT, None, LOCALES)
    with pytest.raises(Invalid, match="2,001 characters; shorten it to 2,000"):
        understand("x" * (QUESTION_LIMIT + 1), None, LOCALES)


@pytest.mark.parametrize("locale", ["de", "", "EN", "en-GB", "x" * 1000, "../en"])
def test_unknown_locale_is_refused_with_those_there_are(locale: str) -> None:
    with pytest.raises(Invalid, match="en, zh, ko, fa, it") as caught:
        understand("hello", locale, LOCALES)
    assert caught.value.field == "locale"
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("text", "has_words"),
    [("退", True), ("ok", True), ("42", True), ("a", False), ("?!", False), ("😀😀", False)],
)
def test_signs_are_not_words(text: str, has_words: bool) -> None:
    assert understand(text, None, LOCALES).has_words is has_words
