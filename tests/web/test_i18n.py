"""Every word of the interface in every language."""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir

from kb.settings import LOCALE_NAMES
from web import i18n

WEB = Path(i18n.__file__).parent
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.xml", "jinja2")]
every_locale = pytest.mark.parametrize("locale", LOCALE_NAMES)


@cache
def used_messages() -> frozenset[str | tuple[str, ...]]:
    """What the templates and the code ask the catalogues for."""
    found = extract_from_dir(
        WEB, METHODS, keywords={"_": None, "gettext": None, "ngettext": (1, 2)}
    )
    return frozenset(message for _file, _line, message, *_rest in found)


def texts_of(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


@every_locale
def test_every_message_is_translated(locale: str) -> None:
    catalogue = i18n.read_catalogue(locale)
    kept = {message.id: message for message in catalogue if message.id}
    assert set(kept) == set(used_messages())
    assert [m.id for m in kept.values() if not all(t.strip() for t in texts_of(m))] == []
    assert [m.id for m in kept.values() if m.fuzzy] == []


@every_locale
def test_translations_keep_the_placeholders(locale: str) -> None:
    for message in i18n.read_catalogue(locale):
        ids = message.id if isinstance(message.id, tuple | list) else [message.id]
        wanted = set(PLACEHOLDER.findall(ids[-1]))
        for text in texts_of(message) if message.id else []:
            assert set(PLACEHOLDER.findall(text)) == wanted, message.id


@pytest.mark.parametrize("locale", ["zh", "ko", "fa", "it"])
def test_translations_are_not_the_english_text(locale: str) -> None:
    same = [m.id for m in i18n.read_catalogue(locale) if m.id and m.string == m.id]
    assert set(same) <= (
        {"Account", "Password", "Privacy", "No", "Studio", "Menu"} if locale == "it" else set()
    )


def test_persian_has_one_word_for_an_article() -> None:
    said = " ".join(text for m in i18n.read_catalogue("fa") if m.id for text in texts_of(m))
    assert "مطلب" in said
    assert "مقاله" not in said


def test_persian_numbers_and_dates_use_persian_digits() -> None:
    day = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
    assert i18n.number(1234, "fa").startswith("۱")
    assert not re.search("[0-9]", i18n.day(day, "fa") + i18n.moment(day, "fa").removesuffix("UTC"))


def test_dates_are_written_in_each_language() -> None:
    day = datetime(2026, 3, 5, tzinfo=UTC)
    assert i18n.day(day, "en") == "5 March 2026"
    assert i18n.day(day, "zh") == "2026年3月5日"
    assert i18n.day(day, "it") == "5 marzo 2026"


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("fa-IR,fa;q=0.9,en;q=0.5", "fa"),
        ("de,it;q=0.4,ko;q=0.8", "ko"),
        ("zh-TW", "zh"),
        ("it;q=0,en;q=0.1", "en"),
        ("", "en"),
        ("*;q=abc,,;;", "en"),
    ],
)
def test_reader_gets_the_first_language_that_the_site_speaks(header: str, locale: str) -> None:
    assert i18n.preferred_locale(header, list(LOCALE_NAMES)) == locale


def test_nothing_is_translated_to_nothing() -> None:
    assert i18n.translate("ko", "") == ""


def test_unknown_category_gets_a_readable_name() -> None:
    assert i18n.category_name("api-keys", "fa") == "Api keys"
    assert i18n.category_name("refunds", "ko") == "환불"
