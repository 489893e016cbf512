"""Interface text, dates and numbers in the reader's language."""

import gettext
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import Translations

DOMAIN = "verbatim"
LOCALES = Path(__file__).parent / "locales"
RIGHT_TO_LEFT = frozenset({"fa"})
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
PERSIAN_SIGNS = str.maketrans(".%", "٫٪")
OPEN_GRAPH = {"en": "en_GB", "zh": "zh_CN", "ko": "ko_KR", "fa": "fa_IR", "it": "it_IT"}


def _(message: str) -> str:
    """Marks a message for the catalogues; it is translated where it is shown."""
    return message


# Names that help centres give their categories; others are shown in title case.
CATEGORIES = {
    "orders": _("Orders"),
    "delivery": _("Delivery"),
    "shipping": _("Shipping"),
    "payment": _("Payment"),
    "payments": _("Payments"),
    "billing": _("Billing"),
    "invoices": _("Invoices"),
    "gift-cards": _("Gift cards"),
    "subscriptions": _("Subscriptions"),
    "returns": _("Returns"),
    "refunds": _("Refunds"),
    "warranty": _("Warranty"),
    "repairs": _("Repairs"),
    "products": _("Products"),
    "account": _("Account"),
    "security": _("Security"),
    "privacy": _("Privacy"),
    "contact": _("Contact"),
    "general": _("General"),
}
CHANNELS = {
    "help_site": _("Help site"),
    "widget": _("Chat on the website"),
    "api": _("Programming interface"),
    "sidebar": _("Agents’ sidebar"),
}

AUDIENCES = {
    "public": _("Everybody"),
    "customers": _("Signed-in customers"),
    "agents": _("For agents only"),
    "assistant": _("The assistant’s own phrases"),
}


def catalogue_paths(locale: str) -> list[Path]:
    """The files of a language's translations, one for each part of the product."""
    return sorted((LOCALES / locale / "LC_MESSAGES").glob("*.po"))


def read_catalogue(locale: str) -> Catalog:
    """A language's translations, those of all files together."""
    whole = Catalog(locale=locale, domain=DOMAIN)
    for path in catalogue_paths(locale):
        for message in _read(path, locale):
            if message.id:
                whole[message.id] = message
    return whole


def _read(path: Path, locale: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=locale, domain=DOMAIN)


@cache
def translations(locale: str) -> Translations:
    """A language's translations, compiled in memory once."""
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(locale))
    compiled.seek(0)
    return Translations(compiled, DOMAIN)


def translate(locale: str, message: str) -> str:
    """One message in a language; of nothing nothing, where gettext would give its header."""
    catalogue: gettext.NullTranslations = translations(locale)
    return catalogue.gettext(message) if message else ""


def direction(locale: str) -> str:
    """`rtl` or `ltr`, for the dir attribute."""
    return "rtl" if locale in RIGHT_TO_LEFT else "ltr"


def language_name(locale: str, reader: str) -> str:
    """A language as readers of another call it."""
    return str(Locale.parse(locale).get_language_name(reader))


def number(value: int, locale: str) -> str:
    """A whole number as readers of that language write it."""
    return _digits(format_decimal(value, locale=locale), locale)


def percent(value: float, locale: str, decimals: int = 0) -> str:
    """A share as a percentage, with no more decimals than these."""
    rounded = round(value, decimals + 2)
    text = format_percent(rounded, locale=locale, decimal_quantization=False)
    return _digits(text, locale).translate(PERSIAN_SIGNS) if locale == "fa" else text


def decimal(value: float, locale: str) -> str:
    """A number with at most one decimal."""
    return _digits(format_decimal(value, format="#,##0.#", locale=locale), locale)


def day(value: datetime, locale: str) -> str:
    """A day in words, such as 22 November 2025."""
    return _digits(format_date(value, "long", locale=_territory(locale)), locale)


def moment(value: datetime, locale: str) -> str:
    """A day and a time; the zone is said, because a reader's own is not known."""
    time = format_time(value, "HH:mm", tzinfo=UTC, locale=_territory(locale))
    return f"{day(value, locale)} {_digits(time, locale)} UTC"


def _territory(locale: str) -> str:
    # English of the UK: day before month, and no reader takes it for another day.
    return OPEN_GRAPH[locale]


def _digits(text: str, locale: str) -> str:
    return text.translate(PERSIAN_DIGITS) if locale == "fa" else text


def category_name(category: str, locale: str) -> str:
    """A category's name for readers."""
    if category in CATEGORIES:
        return translate(locale, CATEGORIES[category])
    words = category.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def channel_name(channel: str, locale: str) -> str:
    """What readers call a channel."""
    return translate(locale, CHANNELS.get(channel, channel))


def audience_name(audience: str, locale: str) -> str:
    """Who reads it, in words; a company's own segment keeps its name."""
    return translate(locale, AUDIENCES[audience]) if audience in AUDIENCES else audience


def preferred_locale(accept_language: str, locales: list[str]) -> str:
    """The first of the reader's languages that the site speaks, else the fallback."""
    wanted = [_weighed(part) for part in accept_language.split(",")[:30]]
    for weight, tag in sorted(wanted, key=lambda pair: -pair[0]):
        code = tag.split("-")[0]
        if weight > 0 and code in locales:
            return code
    return locales[0]


def _weighed(part: str) -> tuple[float, str]:
    tag, _sep, quality = part.partition(";")
    try:
        weight = float(quality.strip().removeprefix("q=")) if quality.strip() else 1.0
    except ValueError:
        weight = 0.0
    return weight, tag.strip().lower().replace("_", "-")
