"""The same fact, however a language writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.facts import facts_of, sentence_of, yes_or_no
from kb.settings import LOCALE_NAMES


def values(text: str, locale: str) -> list[str]:
    return [fact.value for fact in facts_of(text, locale)]


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "It costs €3.95."),
        ("en", "It costs 3.95 euros."),
        ("it", "Costa 3,95 €."),
        ("zh", "费用为3.95欧元。"),
        ("ko", "3.95유로입니다."),
        ("fa", "هزینه ۳٫۹۵ یورو است."),
        ("fa", "هزینه ۳/۹۵ یورو است."),
    ],
)
def test_a_price_is_one_fact_in_every_language(locale: str, text: str) -> None:
    assert values(text, locale) == ["EUR 3.95"]


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "within 2 to 5 working days"),
        ("en", "2–5 business days"),
        ("it", "da 2 a 5 giorni lavorativi"),
        ("zh", "2至5个工作日"),
        ("ko", "2~5영업일"),
        ("ko", "영업일 기준 2~5일"),
        ("fa", "۲ تا ۵ روز کاری"),
    ],
)
def test_both_ends_of_a_range_have_its_unit(locale: str, text: str) -> None:
    assert values(text, locale) == ["2 working days", "5 working days"]


@pytest.mark.parametrize(
    ("locale", "text", "value"),
    [
        ("en", "two weeks", "14 days"),
        ("it", "due settimane", "14 days"),
        ("zh", "两周", "14 days"),
        ("ko", "2주", "14 days"),
        ("fa", "دو هفته", "14 days"),
        ("en", "30 minutes", "30 minutes"),
        ("it", "mezz'ora", "30 minutes"),
        ("zh", "30分钟", "30 minutes"),
        ("ko", "30분", "30 minutes"),
        ("fa", "۳۰ دقیقه", "30 minutes"),
        ("en", "a 24-month guarantee", "24 months"),
        ("zh", "2年保修", "24 months"),
        ("ko", "이틀", "2 days"),
        ("zh", "二十四小时", "1440 minutes"),
    ],
)
def test_a_duration_is_compared_in_one_unit(locale: str, text: str, value: str) -> None:
    assert values(text, locale) == [value]


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "on 3 March 2026 at 2 pm"),
        ("en", "on 03/03/2026 at 14:00"),
        ("en", "2026-03-03, 2 o'clock".replace("2 o'clock", "2:00 p.m.")),
        ("it", "il 3 marzo 2026 alle 14"),
        ("zh", "2026年3月3日下午2点"),
        ("ko", "2026년 3월 3일 오후 2시"),
        ("fa", "۳ مارس ۲۰۲۶ ساعت ۲ بعدازظهر"),
    ],
)
def test_a_day_and_a_time_are_the_same_everywhere(locale: str, text: str) -> None:
    assert values(text, locale) == ["2026-03-03", "14:00"]


@pytest.mark.parametrize(
    ("locale", "text", "value"),
    [
        ("en", "12,500.5 points", "12500.5"),
        ("it", "12.500,5 punti", "12500.5"),
        ("fa", "۱۲٬۵۰۰٫۵ امتیاز", "12500.5"),
        ("zh", "1.25万", "12500"),
        ("ko", "10 퍼센트", "10 %"),
        ("fa", "۱۰٪", "10 %"),
        ("en", "call +32 9 123 45 67", "3291234567"),
        ("en", "[Refunds](/en/articles/refund-time#when)", "refund-time"),
        ("fa", "[x](/fa/articles/refund-time)", "refund-time"),
        ("en", "see https://quillhaven.example/en/help.", "https://quillhaven.example/*/help"),
        ("ko", "report@quillhaven.example 주소로", "report@quillhaven.example"),
        ("en", "enter `SAVE 10`", "SAVE 10"),
    ],
)
def test_numbers_links_and_code_have_one_form(locale: str, text: str, value: str) -> None:
    assert values(text, locale) == [value]


def test_the_numbers_of_steps_are_no_facts() -> None:
    assert values("1. Open the page.\n2. Wait 30 seconds.\n", "en") == ["0.5 minutes"]


def test_a_fact_knows_its_sentence() -> None:
    text = "Delivery is quick. It costs €3.95 within 1.5 days. Enjoy!"
    assert sentence_of(text, facts_of(text, "en")[0]) == "It costs €3.95 within 1.5 days."


@pytest.mark.parametrize(
    ("locale", "yes", "no"),
    [
        ("en", "Yes, you can.", "No, you cannot."),
        ("zh", "可以，请打开设置。", "不可以，请联系我们。"),
        ("ko", "네, 가능합니다.", "아니요, 불가능합니다."),
        ("fa", "بله، می‌توانید.", "خیر، نمی‌توانید."),
        ("it", "Sì, puoi.", "No, non puoi."),
    ],
)
def test_yes_and_no_are_told_apart(locale: str, yes: str, no: str) -> None:
    assert [yes_or_no(text, locale) for text in (yes, no)] == ["yes", "no"]
    assert yes_or_no("30", locale) == ""


@given(st.text(alphabet="0123456789.,-/:€% \n۱۲三日2 to月오후시ساعت`[]()#|to", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    for locale in LOCALE_NAMES:
        for fact in facts_of(text, locale):
            assert 0 <= fact.start < fact.end <= len(text)
