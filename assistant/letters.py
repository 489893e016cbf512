"""Letters that leave by e-mail: plain words and simple HTML, in the reader's language."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import yaml

from kb.errors import Invalid
from kb.settings import LOCALE_NAMES, Settings

ADDRESS_LIMIT = 254
LOCAL_PART_LIMIT = 64
# RFC 5322's specials; nobody has them, and what holds them is more than one address.
SPECIALS = frozenset('()<>[]:;@\\,"')
STYLE = (
    "font:16px/1.6 system-ui,sans-serif;max-width:40em;margin:0 auto;padding:1.5em;color:#1c1c1c"
)


@dataclass(frozen=True)
class Letter:
    """One e-mail; `text` and `html` say the same.

    `leave` is where to ask for no more of them, `secret` what in an address opens something.
    """

    to: str
    subject: str
    text: str
    html: str
    locale: str
    leave: str | None = None
    secret: str = ""

    def as_data(self) -> dict[str, Any]:
        """As the outbox keeps it; `Letter(**data)` is the way back."""
        return asdict(self)


@cache
def texts_in(locale: str) -> dict[str, str]:
    """What is written around the words, by name; an unknown language is English."""
    name = f"{locale if locale in LOCALE_NAMES else 'en'}.yaml"
    text = (files("assistant") / "letter_texts" / name).read_text("utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return found


def site_of(settings: Settings, locale: str) -> str:
    """The company's name, or what a help centre is called in that language."""
    return settings.site_name or texts_in(locale)["site"]


def html_page(locale: str, paragraphs: Iterable[str]) -> str:
    """A whole document of these pieces of HTML, in the language's direction."""
    direction = texts_in(locale)["dir"]
    body = "\n".join(paragraphs)
    return (
        f'<!doctype html>\n<html lang="{locale}" dir="{direction}">\n'
        f'<head><meta charset="utf-8"></head>\n'
        f'<body dir="{direction}" style="{STYLE}">\n{body}\n</body>\n</html>\n'
    )


def paragraph(text: str) -> str:
    """Plain words as HTML; lines stay lines."""
    return f"<p>{escape(text).replace(chr(10), '<br>')}</p>"


def check_address(text: str) -> str:
    """One e-mail address and nothing else. Raises Invalid."""
    address = text.strip()
    local, _at, domain = address.rpartition("@")
    is_one = (
        0 < len(local) <= LOCAL_PART_LIMIT
        and len(address) <= ADDRESS_LIMIT
        and address.isprintable()
        and not SPECIALS & set(local + domain)
        and " " not in address
        and all(0 < len(label) <= 63 for label in domain.split("."))
        and _is_a_domain(domain)
    )
    if not is_one:
        raise Invalid(f"{text[:80]!r} is not an e-mail address", "email")
    return address


def _is_a_domain(domain: str) -> bool:
    try:
        return bool(domain.encode("idna"))
    except UnicodeError:
        return False
