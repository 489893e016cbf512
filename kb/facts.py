"""The facts in a text: amounts, durations, dates, times, links and names, in every language.

Each is brought to one form, so that €3.95, 3,95 €, 3.95欧元 and ۳٫۹۵ یورو are the same fact.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from typing import Literal

from babel.dates import get_month_names

from kb import fact_words as words
from kb.links import MEDIA_LINK, PAGE_LINK
from kb.markdown import LINK

Kind = Literal[
    "money",
    "percent",
    "duration",
    "number",
    "date",
    "time",
    "link",
    "phone",
    "code",
    "name",
    "yes_no",
]
DIGITS = {ord(c): str(n % 10) for n, c in enumerate("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩０１２３４５６７８９")}
SIGNS = {ord("٫"): ".", ord("٬"): ",", ord("％"): "%", ord("٪"): "%", ord("："): ":"}
NUMBER = r"(?<![\d.,])\d+(?:[.,’'\u00a0\u202f]\d{3})*(?:[.,]\d+)?(?![\d])"
CODE = re.compile(
    r"(?P<mark>```+|~~~+)[^\n]*\n(?P<block>.*?)\n?[ \t]*(?P=mark)|`(?P<span>[^`\n]+)`", re.S
)
ADDRESS = re.compile(
    r"https?://[^\s<>()\[\]\"'，。、；：）】」]+|[\w.+-]*@[\w-]+(?:\.[\w-]+)+", re.A
)
PHONE = re.compile(r"(?<![\d.,:])(?:\+|00|0(?=\d))\d(?:[ ()/.\u00a0-]{0,2}\d){6,14}(?!\d)")
MARKER = re.compile(r"^[ \t>]*(?:\d{1,3}[.)](?=[ \t])|[-*+](?=[ \t]))", re.M)
NAMED = re.compile(r"(?<![\w.])(?:\d+-[A-Z](?: [A-Z][a-z]+)*|[A-Za-z]+-?\d+[\w-]*)(?!\w)", re.A)
LATIN = re.compile(
    r"(?<![\w@.-])(?:[a-z]{1,5}['’](?=[A-Z]))?(?P<word>[A-Za-z][A-Za-z'’]+(?:-[A-Za-z]+)*)", re.A
)
SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？؟\n|]")
LOCALE_PART = re.compile(r"/(?:en|zh|ko|fa|it)(?=/|$)")
CELL = re.compile(r"(?<=\|)[^|\n]+(?=\|)")
BLANK = "\x00"


@dataclass(frozen=True)
class Fact:
    """One fact where it stands; facts with equal `value` say the same.

    Number words ("two") are `loose`: languages drop and add them freely.
    """

    kind: Kind
    value: str
    start: int
    end: int
    amount: Fraction | None = None
    loose: bool = False


@lru_cache(maxsize=2_048)
def facts_of(text: str, locale: str) -> tuple[Fact, ...]:
    """All facts of a Markdown text, in reading order."""
    page = _Page(text, locale)
    for step in (_code, _links, _markers, _dates, _times, _phones, _names):
        page.take(step)
    for step in (_yes_no, _amounts, _expressions, _number_words):
        page.take(step)
    return tuple(sorted(page.facts, key=lambda fact: (fact.start, fact.end)))


def sentence_of(text: str, fact: Fact) -> str:
    """The sentence that a fact stands in, or its line of a list or table."""
    before = [end.end() for end in SENTENCE_END.finditer(text, 0, fact.start)]
    after = SENTENCE_END.search(text, fact.end)
    start, end = before[-1] if before else 0, after.end() if after else len(text)
    return text[start:end].strip(" \n|#>-*")


class _Page:
    """The text with digits made plain, and blanks where facts have been found already."""

    def __init__(self, text: str, locale: str) -> None:
        self.text, self.locale = text.translate(DIGITS).translate(SIGNS), locale
        self.facts: list[Fact] = []

    def take(self, step: Callable[["_Page"], Iterator[Fact | tuple[int, int]]]) -> None:
        """Run a step; what it finds is found by no later one."""
        letters = list(self.text)
        for found in step(self):
            start, end = found if isinstance(found, tuple) else (found.start, found.end)
            if BLANK in letters[start:end]:
                continue
            letters[start:end] = BLANK * (end - start)
            if isinstance(found, Fact):
                self.facts.append(found)
        self.text = "".join(letters)


Found = Iterator[Fact | tuple[int, int]]


def _code(page: _Page) -> Found:
    for found in CODE.finditer(page.text):
        inside = found["block"] if found["span"] is None else found["span"]
        yield Fact("code", " ".join(inside.split()), found.start(), found.end())


def _links(page: _Page) -> Found:
    for found in LINK.finditer(page.text):
        group = "pointed" if found["pointed"] else "bare"
        yield Fact("link", _target(found[group]), *found.span(group))
    for found in ADDRESS.finditer(page.text):
        end = found.start() + len(found[0].rstrip(".,;:!?"))
        if page.text[found.start() - 2 : found.start()] != "](":
            yield Fact("link", _target(page.text[found.start() : end]), found.start(), end)


def _target(target: str) -> str:
    """The same for the same page in every language."""
    if page := PAGE_LINK.fullmatch(target):
        return page[2]
    if media := MEDIA_LINK.fullmatch(target):
        return media[2]
    if target.startswith("#"):
        return "#"
    if file := re.fullmatch(r"(?:[\w.-]+/)*([\w-]+)\.md(?:#.*)?", target):
        return file[1]
    return LOCALE_PART.sub("/*", target).rstrip("/").removeprefix("mailto:").lower()


def _markers(page: _Page) -> Found:
    """Numbers of steps count steps, and say nothing."""
    for found in MARKER.finditer(page.text):
        yield found.span()


def _dates(page: _Page) -> Found:
    for pattern, reads in _date_patterns(page.locale):
        for found in pattern.finditer(page.text):
            parts = {name: value for name, value in found.groupdict().items() if value}
            if value := reads(parts):
                yield Fact("date", value, *found.span(), loose=parts.keys() == {"m"})


@cache
def _date_patterns(locale: str) -> list[tuple[re.Pattern[str], Callable[[dict[str, str]], str]]]:
    months = _months(locale)

    def named(parts: dict[str, str]) -> str:
        return _day(parts.get("y"), months[parts["m"].lower()], parts.get("d"))

    def numbered(parts: dict[str, str]) -> str:
        day, month = parts.get("d"), int(parts["m"])
        if month > 12 and day and int(day) <= 12:
            day, month = str(month), int(day)
        return _day(parts.get("y"), month, day)

    year, day = r"(?P<y>(?:19|20)\d\d)", r"(?<![\d.,])(?P<d>\d{1,2})"
    shapes = [
        (rf"{year}-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)", numbered),
        (rf"{day}[/.](?P<m>\d{{1,2}})[/.]{year}", numbered),
        (
            rf"(?:{year}\s?[年년]\s?)?(?P<m>\d{{1,2}})\s?[月월]\s?(?P<d>\d{{1,2}})\s?[日号일]",
            numbered,
        ),
        (rf"{year}\s?[年년]\s?(?P<m>\d{{1,2}})\s?[月월]", numbered),
        (r"(?<![\d.,])(?P<m>1[0-2]|[1-9])\s?[月월]", numbered),
    ]
    if months:
        names = words.either(list(months))
        alone = words.either([m for m in months if len(m) > 3 and m not in words.NOT_ONLY_MONTHS])
        end = r"(?![\w\u200c])"
        shapes += [
            (rf"{day}(?:st|nd|rd|th|°|º)?(?: of)? (?P<m>{names}){end}(?:,? {year})?", named),
            (rf"(?<!\w)(?P<m>{names}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,? {year})?", named),
            (rf"(?<!\w)(?P<m>{names}) {year}", named),
            (rf"(?<![\w*])(?P<m>{alone}){end}", named),
        ]
    return [(re.compile(shape, re.I), reads) for shape, reads in shapes]


def _months(locale: str) -> dict[str, int]:
    """Names of months, where months have names."""
    found: dict[str, int] = {}
    if locale in ("zh", "ko"):
        return found
    for width in ("wide", "abbreviated"):
        for number, name in get_month_names(width, locale=locale).items():
            found[str(name).lower().rstrip(".")] = number
    # Months that Persian writes in more ways than one.
    return found | (
        {"ژانویه": 1, "مه": 5, "می": 5, "جولای": 7, "آگوست": 8} if locale == "fa" else {}
    )


def _day(year: str | None, month: int, day: str | None) -> str:
    """An ISO date with ? for what is not said; empty if there is no such day."""
    try:
        # 2024 had a 29 February.
        date(int(year or 2024), month, int(day or 1))
    except ValueError:
        return ""
    return f"{year or '?'}-{month:02}-{f'{int(day):02}' if day else '?'}"


def _times(page: _Page) -> Found:
    clock = (
        r"(?<![\d:])(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?:\s?(?P<half>[ap]\.?m\b\.?))?(?![\d:])"
    )
    for pattern in (clock, words.TIMES[page.locale]):
        for found in re.finditer(pattern, page.text, re.I):
            parts = found.groupdict()
            hour = int(parts["h"] or parts.get("h2") or 0)
            half = (parts.get("half") or "").lower().replace(".", "")
            minute = 30 if parts.get("m") in ("半", "반") else int(parts.get("m") or 0)
            if hour <= 24 and minute < 60:
                value = f"{_hour(hour, half):02}:{minute:02}"
                yield Fact("time", value, found.start(), found.end())


def _hour(hour: int, half: str) -> int:
    if half in words.LATER_HALF:
        return hour + 12 if hour < 12 else hour
    return 0 if hour == 12 and half[:1] == "a" else hour


def _phones(page: _Page) -> Found:
    for found in PHONE.finditer(page.text):
        digits = re.sub(r"\D", "", found[0])
        yield Fact("phone", digits.removeprefix("00"), found.start(), found.end())


def _names(page: _Page) -> Found:
    for found in NAMED.finditer(page.text):
        if not re.fullmatch(r"[A-Za-z]{0,3}\d+(?:st|nd|rd|th|[a-z]{1,3})?", found[0]):
            yield Fact("name", found[0].lower(), found.start(), found.end())


def _yes_no(page: _Page) -> Found:
    """Yes and no where they are the whole answer: in a cell of a table."""
    for found in CELL.finditer(page.text):
        if verdict := yes_or_no(found[0], page.locale, whole=True):
            yield Fact("yes_no", verdict, *found.span(), loose=True)


def yes_or_no(text: str, locale: str, whole: bool = False) -> str:
    """What a text begins with (or is): `yes`, `no`, or neither."""
    text = text.strip(" *_\n.。")
    for verdict, patterns in (("no", words.NO), ("yes", words.YES)):
        found = re.match(rf"(?:{patterns[locale]})", text, re.I)
        if found and (not whole or len(text) - found.end() <= 3):
            return verdict
    return ""


def _amounts(page: _Page) -> Found:
    """Numbers in digits with their unit or currency, and the other ends of ranges."""
    following: tuple[Fact, int] | None = None
    pattern = _amount_pattern(page.locale)
    for found in reversed(list(pattern.finditer(page.text))):
        fact = _amount(found, page.locale)
        if fact.kind == "number" and following and _is_range(page, fact, following[0]):
            fact = _like(fact, following[0])
        following = (fact, found.start())
        yield fact


@cache
def _amount_pattern(locale: str) -> re.Pattern[str]:
    currency = "|".join(words.CURRENCIES.values())
    units = words.alternatives(words.UNIT_WORDS[locale])
    thousand = words.either(list(words.THOUSANDS[locale]))
    between = words.BETWEEN[locale]
    return re.compile(
        rf"(?:(?P<before>€|£|US\$|\$|₩|¥|(?:EUR|GBP|USD|CHF)(?=\s?\d))\s?)?(?P<number>{_number(locale)})"
        rf"(?:\s?(?P<thousand>{thousand}))?"
        rf"(?:\s?(?P<percent>{words.PERCENT})|[\s\u200c-]?(?P<after>{currency})|{between}(?:{units}))?",
        re.I,
    )


def _number(locale: str) -> str:
    # Persian also writes a decimal with a slash: 3/95.
    return rf"{NUMBER}(?:/\d\d(?![\d/]))?" if locale == "fa" else NUMBER


def _amount(found: re.Match[str], locale: str) -> Fact:
    amount = _read(found["number"], locale) * words.THOUSANDS[locale].get(
        (found["thousand"] or "").lower(), 1
    )
    # One is often said without a number: a picture, each euro.
    is_one = amount == 1
    number = Fact("number", _plain(amount), *found.span(), amount, is_one)
    if found["percent"]:
        return replace(number, kind="percent", value=f"{_plain(amount)} %")
    if sign := found["before"] or found["after"]:
        return replace(number, kind="money", value=f"{_currency(sign)} {_plain(amount)}")
    unit = next((name for name in words.UNITS if found[name]), None)
    if unit == "month" and _is_after(found, words.DAY_OF_MONTH_BEFORE, locale):
        return number
    if unit == "day" and _is_after(found, words.WORKDAYS_BEFORE, locale):
        unit = "workday"
    return replace(_lasting(number, unit), loose=False) if unit else number


def _is_after(found: re.Match[str], before: dict[str, str], locale: str) -> bool:
    words_before = found.string[max(0, found.start() - 24) : found.start()]
    return locale in before and bool(re.search(before[locale], words_before))


def _read(digits: str, locale: str) -> Fraction:
    """A number as that language groups and points; where it cannot be so, as others do."""
    digits = re.sub(r"[’'\u00a0\u202f]", "", digits).replace("/", ".")
    group, point = (".", ",") if locale == "it" else (",", ".")
    if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(point)}\d+)?", digits):
        digits = digits.replace(group, "")
    digits = digits.replace(",", ".")
    if digits.count(".") > 1:
        digits = digits.replace(".", "")
    return Fraction(Decimal(digits))


def _plain(amount: Fraction) -> str:
    return f"{float(amount):.4f}".rstrip("0").rstrip(".")


def _currency(sign: str) -> str:
    for code, pattern in words.CURRENCIES.items():
        if re.fullmatch(pattern, sign, re.I):
            return code
    return "¥"


def _lasting(number: Fact, unit: str) -> Fact:
    assert number.amount is not None
    common, each = words.UNITS[unit]
    return replace(
        number, kind="duration", value=f"{_plain(number.amount * Fraction(each))} {common}"
    )


def _is_range(page: _Page, fact: Fact, following: Fact) -> bool:
    joined = page.text[fact.end : following.start]
    has_unit = following.kind in ("money", "duration", "percent") and following.amount
    return bool(has_unit and re.fullmatch(rf"\s*(?:{words.RANGES[page.locale]})\s*", joined))


def _like(number: Fact, other: Fact) -> Fact:
    """The same number with the unit of the other end of its range."""
    assert number.amount is not None
    assert other.amount
    if other.kind == "duration":
        total, common = other.value.split(" ", 1)
        each = Fraction(Decimal(total)) / other.amount
        return replace(number, kind="duration", value=f"{_plain(number.amount * each)} {common}")
    value = f"{_plain(number.amount)} %" if other.kind == "percent" else ""
    value = value or f"{other.value.split(' ')[0]} {_plain(number.amount)}"
    return replace(number, kind=other.kind, value=value)


def _expressions(page: _Page) -> Found:
    for pattern, (unit, amount) in words.EXPRESSIONS[page.locale].items():
        for found in re.finditer(pattern, page.text, re.I):
            number = Fact("number", "", *found.span(), Fraction(amount), loose=True)
            yield _lasting(number, unit)


def _number_words(page: _Page) -> Found:
    locale, following = page.locale, None
    for found in reversed(list(_word_pattern(locale).finditer(page.text))):
        amount = Fraction(_word_value(found["number"], locale))
        number = Fact("number", _plain(amount), *found.span(), amount, loose=True)
        unit = next((name for name in words.UNITS if found[name]), None)
        fact = _lasting(number, unit) if unit else number
        if following and not unit and _is_range(page, number, following):
            fact = _like(number, following)
        elif not unit and found["number"].lower() in words.WITH_UNIT_ONLY[locale]:
            continue
        following = fact
        yield fact


def _word_value(word: str, locale: str) -> int:
    return words.chinese_number(word) if locale == "zh" else words.WORDS[locale][word.lower()]


@cache
def _word_pattern(locale: str) -> re.Pattern[str]:
    units = words.alternatives(words.UNIT_WORDS[locale])
    between = words.BETWEEN[locale]
    if locale == "zh":
        follows = rf"(?:(?:{units})|(?={words.COUNTERS['zh']}))"
        return re.compile(
            rf"(?<![第每另同任哪某这那])(?P<number>[一二两三四五六七八九十百]+){follows}"
        )
    listed = words.either(list(words.WORDS[locale]))
    if locale == "ko":
        follows = rf"(?:{between}(?:{units})|(?={words.COUNTERS['ko']}))"
        return re.compile(rf"(?<![가-힣])(?P<number>{listed}){follows}")
    edge = r"(?<![\w\u200c])" if locale == "fa" else r"(?<![\w'’])"
    after = r"(?![\w\u200c])" if locale == "fa" else r"(?!\w)"
    return re.compile(
        rf"{edge}(?P<number>{listed})(?:(?:[ '’\u200c-]|\s){{0,2}}(?:{units})|{after})", re.I
    )


def latin_words(text: str) -> list[Fact]:
    """Words in Latin letters, outside of code and addresses, as names."""
    page = _Page(text, "en")
    for step in (_code, _links):
        page.take(step)
    found = LATIN.finditer(page.text)
    return [Fact("name", word["word"].casefold(), *word.span("word")) for word in found]
