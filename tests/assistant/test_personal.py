"""What in a message is about one person."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.personal import LABELS, facts_in, masked

CARD = "4111 1111 1111 1111"
IBAN = "BE68 5390 0754 7034"


def found(text: str) -> list[tuple[str, str]]:
    return [(fact.kind, fact.value) for fact in facts_in(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("where is order 48-2210931", "order_number", "48-2210931"),
        ("my order number is 482210931, please", "order_number", "482210931"),
        ("Order no. QH-123456?", "order_number", "QH-123456"),
        ("#QH-123456 never came", "order_number", "QH-123456"),
        ("it is QH-1234567", "order_number", "QH-1234567"),
        ("주문번호 12345678 취소해 주세요", "order_number", "12345678"),
        ("주문 번호는 12345678입니다", "order_number", "12345678"),
        ("订单号：20231234567怎么还没到", "order_number", "20231234567"),
        ("我的订单号是 QH-998877", "order_number", "QH-998877"),
        ("سفارش ۱۲۳۴۵۶۷ نرسیده", "order_number", "1234567"),
        ("شماره سفارش: ۱۲۳۴۵۶۷", "order_number", "1234567"),
        ("dov'è l'ordine n. 123456", "order_number", "123456"),
        ("ordine n° 123456 mai arrivato", "order_number", "123456"),
        ("write to anna.b+shop@mail.example.com.", "email", "anna.b+shop@mail.example.com"),
        ("邮箱是anna@example.com，谢谢", "email", "anna@example.com"),
        ("이메일은 anna@example.com이에요", "email", "anna@example.com"),
        ("call me on +32 9 555 01 20", "phone", "+32 9 555 01 20"),
        ("0044 20 7946 0958", "phone", "0044 20 7946 0958"),
        ("전화번호 010-1234-5678입니다", "phone", "010-1234-5678"),
        ("شماره‌ام ۰۹۱۲۳۴۵۶۷۸۹ است", "phone", "09123456789"),
        ("il mio numero è 06 1234 5678", "phone", "06 1234 5678"),
        ("我的电话13812345678", "phone", "13812345678"),
        ("cell. 347 123 4567", "phone", "347 123 4567"),
        ("call 1-800-555-0199", "phone", "1-800-555-0199"),
        ("my order 1234 5678 is late", "order_number", "1234 5678"),
        ("QH1234567 is lost", "order_number", "QH1234567"),
        (f"my card is {CARD}", "card_number", "…1111"),
        ("kart ۴۱۱۱۱۱۱۱۱۱۱۱۱۱۱۱", "card_number", "…1111"),
        (f"IBAN {IBAN}, thanks", "iban", "…7034"),
        ("IT60X0542811101000000123456", "iban", "…3456"),
    ],
)
def test_what_is_personal_is_found(text: str, kind: str, value: str) -> None:
    assert found(text) == [(kind, value)]
    assert masked(text).count(LABELS[kind]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "is delivery free from €50.00 or 1,250.00 EUR?",
        "I ordered 12 cups in 2023",
        "I ordered on 2024-05-12 and 12/05/2024 and 12.05.24",
        "order 2024-05-12 was late",
        "order 1000 cups, I ordered 10000 napkins",
        "order from 2023 to 2024",
        "the 2023-2024 catalogue",
        "is it 120 x 200 cm, 1.5 kg, 220-240 V?",
        "1000 BE or 90210 or 9000 Gent",
        "code 482913 expired",
        "open from 09:00 to 17:30",
        "order 3 more, 24/7",
        "我2024年买了3个，一共1299元",
        "2024년 5월 12일에 15,000원 결제했어요",
        "در سال ۱۴۰۲ خریدم، ۲۵۰۰۰۰ تومان",
        "ordine del 12.05.2024 da 45,90 €",
        "order 1500 € of furniture",
        "4111 1111 1111 1112",
        "version 3.11.2, article 12345678",
        "the @handle and a@b",
        "iPhone 15, ISO 9001, DE12",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert found(text) == []
    assert masked(text) == text


def test_message_with_everything_keeps_its_words() -> None:
    text = f"Order 48-2210931, card {CARD}, mail a.b@c.example, tel. +32 9 555 01 20, {IBAN}."
    assert masked(text) == (
        "Order [order number], card [card number], mail [e-mail], tel. [phone number], [IBAN]."
    )


def test_card_and_account_are_never_kept() -> None:
    for fact in facts_in(f"{CARD} and {IBAN}"):
        assert len(re.sub(r"\W", "", fact.value)) == 4


SECRETS = st.sampled_from(
    [CARD, IBAN, "anna@example.com", "+32 9 555 01 20", "#QH-123456", "order 48-2210931"]
)
WORDS = st.text(st.characters(categories=["L", "Zs", "Po"], exclude_characters="#@"), max_size=20)


@given(st.lists(st.tuples(WORDS, SECRETS), max_size=5))
def test_masking_removes_every_value(parts: list[tuple[str, str]]) -> None:
    text = " . ".join(f"{words} , {secret}" for words, secret in parts)
    hidden = masked(text)
    assert facts_in(hidden) == []
    for _, secret in parts:
        assert secret.removeprefix("order ").strip("#") not in hidden


@given(st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="@")))
def test_text_without_digits_and_addresses_is_untouched(text: str) -> None:
    assert (facts_in(text), masked(text)) == ([], text)


@given(st.text(max_size=300))
def test_facts_stand_in_the_text_in_order(text: str) -> None:
    facts = facts_in(text)
    assert all(a.end <= b.start for a, b in pairwise(facts))
    assert all(0 <= fact.start < fact.end <= len(text) for fact in facts)
