"""How somebody asks: several things at once, leaning on what was said before, or by choosing."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.asking import choice_in, leans_on_context, questions_in, wants_none


def listed(texts: str) -> list[str]:
    """Texts that stand on lines or between bars."""
    return [text.strip() for line in texts.strip().splitlines() for text in line.split("|")]


TITLES = ["What delivery costs", "When your order arrives", "Change your delivery address"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("How much is delivery to Italy? And can I return sale items?", 2),
        ("how much is delivery, and also how do I return a cup", 2),
        ("do you deliver to Spain and can I pay by card", 2),
        ("where is my order\nhow do i cancel\ncan I pay later", 3),
        ("1. where is my order\n2. how do i cancel", 2),
        ("运费多少？另外可以退货吗？", 2),
        ("运费多少，另外怎么退货", 2),
        ("배송비 얼마예요 그리고 반품은 어떻게 하나요", 2),
        ("배송비 얼마예요? 그리고 반품은 어떻게 하나요?", 2),
        ("هزینه ارسال چقدره؟ مرجوعی چطوره؟", 2),
        ("هزینه ارسال چقدره و همچنین چطور مرجوع کنم؟", 2),
        ("Quanto costa la spedizione e poi come faccio il reso?", 2),
        ("Quanto costa la spedizione? Inoltre, accettate PayPal?", 2),
    ],
)
def test_questions_are_parted(text: str, parts: int) -> None:
    assert len(questions_in(text)) == parts


@pytest.mark.parametrize(
    "text",
    [
        "My kettle broke. Is it under warranty?",
        "Is it under warranty? My kettle broke.",
        "Really? Where is my order?",
        "see https://a.example/?q=1&b=2. is it in stock?",
        "do you, e.g., ship 3.5 kg to a.b@c.example?",
        "what and how much do you charge",
        "can I swap my cup and plate",
        "주문 수정 어디서 해요? 넣은 지 10분 됐어요",
        "可以拿这个换另外一款灯吗",
        "I have a kettle and it leaks",
        "where is my parcel??!!",
    ],
)
def test_one_question_stays_whole(text: str) -> None:
    assert questions_in(text) == [text]


def test_no_more_than_three_are_taken() -> None:
    text = "where is my order? is it lost? how do I cancel? and when do you open?"
    assert questions_in(text) == ["where is my order?", "is it lost?", "how do I cancel?"]


def test_story_stays_with_its_question() -> None:
    text = "My kettle broke. Is it under warranty? I also bought a cup. Can I send the cup back?"
    assert questions_in(text) == [text[:38], text[39:]]


@given(st.text(max_size=200))
def test_parts_hold_nothing_new(text: str) -> None:
    parts = questions_in(text)
    assert len(parts) <= 3
    assert all(part.strip() and set(part) <= {*text, " "} for part in parts)


@pytest.mark.parametrize(
    "text",
    listed("""
    and to Switzerland?|how long does that take?|what about gifts|how much is it|why?
    and gifts?|in that case can I cancel?|is it free?|and if it is broken?|ok and for sofas?
    e per la Svizzera?|e i regali?|quanto costa?|那瑞士呢？|要多久|它多少钱|这个要多久
    스위스는요?|그건 얼마예요?
    그럼 환불은요|برای سوئیس چطور؟|هدیه چی؟|چقدر طول می‌کشه؟
    """),
)
def test_follow_up_leans_on_what_was_said(text: str) -> None:
    assert leans_on_context(text, "en")


@pytest.mark.parametrize(
    "text",
    listed("""
    how much is delivery to Switzerland|is it possible to return sale items|refund?|退款|환불
    and can I return sale items?|where is my parcel|kettle|is this kettle dishwasher safe
    does it cost anything to quit the subscription|opened earphone tips, can I return them
    运费多少钱|瑞士的运费是多少|这款灯什么时候补货|스위스 배송비는 얼마예요|배송은 얼마나 걸려요
    هزینه ارسال به سوئیس چقدره؟|فروش نهایی یعنی چی|quanto costa la spedizione in Svizzera
    come faccio un reso|in quali paesi consegnate
    """),
)
def test_whole_question_stands_alone(text: str) -> None:
    assert not leans_on_context(text, "en")


@pytest.mark.parametrize(
    ("place", "texts"),
    [
        (
            0,
            "1|#1|1)|the first one|number one please|A|第一个|一|첫 번째|اولی|la prima|costs",
        ),
        (
            1,
            "2|2nd|the second one, thanks|第二个|선택 2|2번이요|두 번째|دومی|۲|order arrives",
        ),
        (
            2,
            "3.|option 3|the last one|最后一个|마지막 거요|the one about the address|adress",
        ),
    ],
)
def test_option_is_chosen_by_number_place_or_words(place: int, texts: str) -> None:
    assert {text: choice_in(text, TITLES) for text in texts.split("|")} == dict.fromkeys(
        texts.split("|"), place
    )


@pytest.mark.parametrize(
    "text",
    listed("""
    4|0|yes|both|delivery|the first and third|none of these|neither|I don't know|ok||?
    how much is delivery to Italy|where is my order|can I change my order|what does the second cost
    第四个|都不是
    """),
)
def test_unclear_reply_chooses_nothing(text: str) -> None:
    assert choice_in(text, TITLES) is None


@pytest.mark.parametrize(
    ("text", "titles", "place"),
    [
        ("运费", ["运费是多少", "多久能送到"], 0),
        ("收货地址那个", ["运费是多少", "修改收货地址"], 1),
        ("배송지 변경이요", ["배송비는 얼마인가요", "배송지 변경하기"], 1),
        ("هزینه ارسال", ["هزینهٔ ارسال", "زمان رسیدن سفارش"], 0),
        ("la spedizione", ["Quanto costa la spedizione", "Fare un reso"], 0),
        ("1", [], None),
    ],
)
def test_words_of_a_title_choose_it_in_every_language(
    text: str, titles: list[str], place: int | None
) -> None:
    assert choice_in(text, titles) == place


@pytest.mark.parametrize(
    "text",
    listed("""
    neither|none of them|neither of these, sorry|no, none|something else|都不是|没有一个是
    둘 다 아니에요
    다 아니에요|هیچ‌کدام|هیچکدوم|نه این نه اون
    nessuna delle due|nessuna|né l'uno né l'altro
    """),
)
def test_all_options_are_turned_down(text: str) -> None:
    assert wants_none(text)
    assert choice_in(text, TITLES) is None


@pytest.mark.parametrize(
    "text",
    ["no invoice", "none left in stock?", "不是这样的", "the second one", "모두 얼마예요", "1"],
)
def test_other_replies_turn_nothing_down(text: str) -> None:
    assert not wants_none(text)


def test_repetition_does_not_run_away() -> None:
    started = perf_counter()
    for word in ("and how do i ", "1 ", "the ", "另外怎么 ", "? ", "그리고 언제 "):
        questions_in(word * 150), choice_in(word * 150, TITLES), leans_on_context(word * 150, "en")
    assert perf_counter() - started < 5
