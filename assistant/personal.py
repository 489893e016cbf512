"""What in a message is about one person: addresses, numbers of orders, cards and accounts.

Found by form alone, in digits of any script. Numbers of cards and accounts are never kept: not
here, not in what `masked` gives.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

KEPT_DIGITS = 4
LABELS = {
    "email": "[e-mail]",
    "phone": "[phone number]",
    "order_number": "[order number]",
    "iban": "[IBAN]",
    "card_number": "[card number]",
}
# Letters of other scripts follow a value without a space, so only Latin ones belong to it.
EMAIL = re.compile(
    r"(?<![A-Za-z0-9.+_-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}"
    r"(?![A-Za-z0-9-])"
)
IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}(?![A-Z0-9])", re.I)
CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d-])")
PHONE = re.compile(
    r"(?<![A-Za-z0-9.,/+-])(?:(?:\+|00)[1-9]\d{0,2}[ .-]?)?(?:\(0?\d{1,4}\)[ .-]?)?"
    r"\d{1,5}(?:[ ./-]?\d{2,5}){1,4}(?![A-Za-z0-9/])"
)
# The word before the number of an order, what may stand between, and the number. Without a sign
# that it is one ("number", "#", ":"), a short number may be how many are wanted.
ORDER_WORDS = (
    r"\border(?:s|ed)?\b|\bpurchase\b|\breference\b|\bref\b|\btracking\b|\bparcel\b|\binvoice\b"
    r"|\bordin[ei]\b|\bordinazione\b|\bfattura\b|\bspedizione\b|订单|訂單|单号|運單|运单|快递单"
    r"|주문|송장|운송장|سفارش|مرسوله|فاکتور|رهگیری|پیگیری"
)
SIGN = (
    r"(?:number|numero|num|nr|no|n|id|code|codice|di tracciamento|号码|号|編號|编号|번호"
    r"|(?:به )?شماره(?:[ \u200c]?ی)?|کد)"
)
LINK = r"(?:is|è|是|为|는|은|:|：|\.|°|º|#)"
FOLLOWS = r"(?![A-Za-z0-9_@]|[.,]\d| ?[€$%£₩])"
GROUPS = r"\d{3,6}(?: \d{3,6}){1,3}"
CODE = r"(?:[A-Za-z]{1,4}-?)?\d(?:-?[A-Za-z0-9])"
ORDER = re.compile(
    rf"(?:{ORDER_WORDS})[ \t]*(?:"
    rf"(?:{SIGN}[ \t]*{LINK}*|{LINK}+|#)[ \t]*#?(?P<value>{GROUPS}|{CODE}{{3,23}}){FOLLOWS}"
    rf"|(?P<bare>{GROUPS}|{CODE}{{5,23}}){FOLLOWS})",
    re.I,
)
HASHED = re.compile(
    r"(?<![\w&#])#(?P<value>(?:[A-Za-z]{1,4}-)?\d(?:-?[A-Za-z0-9]){3,23})(?![A-Za-z0-9_])"
)
CODED = re.compile(
    r"(?<![A-Za-z0-9_#-])(?P<value>[A-Z]{2,4}(?:-\d{5,12}|\d{6,12}))(?![A-Za-z0-9_-])"
)
PHONE_WORDS = (
    r"\btel\b|\bphone\b|\bmobile\b|\bcell\b|\bcall\b|\btelefono\b|\bcellulare\b|\bcell\b|\bchiam\w+"
    r"|电话|手机|전화|연락처|휴대폰|핸드폰|تلفن|موبایل|تماس"
)
CALLED = re.compile(
    rf"(?:{PHONE_WORDS})[^\d\n+]{{0,16}}"
    r"(?P<value>\+?\d{1,5}(?:[ ./-]?\d{2,11}){1,4})(?![A-Za-z0-9/])",
    re.I,
)
# Mobile numbers of China, and North American ones as they are usually parted.
KNOWN_PHONE = re.compile(r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}|(?:1-)?[2-9]\d\d-[2-9]\d\d-\d{4}")
DATE = re.compile(r"(?:\d{4}([./-])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2(?:\d{4}|\d{2}))")
YEAR = re.compile(r"(?:1[34]|19|20)\d\d")
YEARS = re.compile(r"(?:19|20)\d\d ?[-/] ?(?:(?:19|20)\d\d|\d\d)")
IBAN_LENGTHS = range(15, 35)
PHONE_DIGITS, LOCAL_PHONE_DIGITS, CALLED_DIGITS = range(8, 16), range(9, 13), range(7, 16)


@dataclass(frozen=True)
class Fact:
    """A value in a message, and where it stands; of a card or account only the end is kept."""

    kind: str
    value: str
    start: int
    end: int


def facts_in(text: str) -> list[Fact]:
    """What a message says of one person, in reading order, none overlapping."""
    plain = _with_plain_digits(text)
    found: list[Fact] = []
    for fact in _candidates(plain):
        if all(fact.end <= other.start or other.end <= fact.start for other in found):
            found.append(fact)
    return sorted(found, key=lambda fact: fact.start)


def masked(text: str) -> str:
    """The text with each such value replaced by what it is."""
    for fact in reversed(facts_in(text)):
        text = f"{text[: fact.start]}{LABELS[fact.kind]}{text[fact.end :]}"
    return text


def without_facts(text: str) -> str:
    """The text as anybody could have said it, without such values."""
    for fact in reversed(facts_in(text)):
        text = f"{text[: fact.start]} {text[fact.end :]}"
    return " ".join(text.split()).strip(" ,;:")


def _with_plain_digits(text: str) -> str:
    """Digits of any script as 0-9, wide signs as narrow ones; every character keeps its place."""
    return "".join(_plain(c) for c in text)


def _plain(c: str) -> str:
    if c.isdecimal():
        return str(unicodedata.decimal(c))
    narrow = unicodedata.normalize("NFKC", c)
    return narrow if len(narrow) == 1 else c


def _candidates(text: str) -> Iterator[Fact]:
    """The surest kinds first."""
    for found in EMAIL.finditer(text):
        yield Fact("email", found[0], found.start(), found.end())
    for found in IBAN.finditer(text):
        if _is_iban(_compact(found[0])):
            yield Fact("iban", _last(found[0]), found.start(), found.end())
    for found in CARD.finditer(text):
        if _passes_luhn(_compact(found[0])):
            yield Fact("card_number", _last(found[0]), found.start(), found.end())
    for pattern in (ORDER, HASHED, CODED):
        for found in pattern.finditer(text):
            value = found[found.lastgroup or 0]
            if not _is_date(value):
                yield Fact("order_number", value, found.end() - len(value), found.end())
    for found in PHONE.finditer(text):
        if _is_phone(found[0]):
            yield Fact("phone", found[0], found.start(), found.end())
    for found in CALLED.finditer(text):
        if _is_phone_after_its_word(found["value"]):
            yield Fact("phone", found["value"], found.start("value"), found.end("value"))


def _compact(number: str) -> str:
    return re.sub(r"[ -]", "", number).upper()


def _last(number: str) -> str:
    return f"…{_compact(number)[-KEPT_DIGITS:]}"


def _is_iban(number: str) -> bool:
    """ISO 13616: letters as numbers, the first four at the end, rest 1 by 97."""
    if len(number) not in IBAN_LENGTHS or not number.isascii():
        return False
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def _passes_luhn(number: str) -> bool:
    doubled = [int(c) * 2 if place % 2 else int(c) for place, c in enumerate(reversed(number))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0 and len(set(number)) > 1


def _is_phone(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    if _is_date(number):
        return False
    if number.startswith(("+", "00")):
        return len(digits) in PHONE_DIGITS
    is_local = digits.startswith("0") and len(digits) in LOCAL_PHONE_DIGITS
    return is_local or bool(KNOWN_PHONE.fullmatch(number))


def _is_phone_after_its_word(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    return len(digits) in CALLED_DIGITS and not _is_date(number)


def _is_date(number: str) -> bool:
    return bool(DATE.fullmatch(number) or YEAR.fullmatch(number) or YEARS.fullmatch(number))
