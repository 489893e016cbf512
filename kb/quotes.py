"""A passage of a shown text: cut out by a reader, and found again after the text has changed."""

import html
import re
from functools import lru_cache

from kb.markdown import render, strip_tags

BLOCK = re.compile(r"(?=<(?:p|h[1-6]|li|pre|tr|blockquote|summary)[ >])")
SHORTEST_BLOCK = 2


def in_one_line(text: str) -> str:
    """Blanks and line ends as single blanks: what a screen shows is compared, not how it wraps."""
    return " ".join(text.split())


@lru_cache(maxsize=1024)
def shown(text: str) -> str:
    """The words of a Markdown text as a browser's page holds them, in one line."""
    return _words(render(text))


@lru_cache(maxsize=256)
def paragraphs(text: str) -> tuple[str, ...]:
    """Its paragraphs, headings and points, to choose one from."""
    blocks = (_words(block) for block in BLOCK.split(render(text)))
    return tuple(dict.fromkeys(block for block in blocks if len(block) >= SHORTEST_BLOCK))


def find_quote(text: str, quote: str, near: int = 0) -> int | None:
    """Where the quote stands in a shown text, nearest to where it stood; None when it is gone."""
    if not quote:
        return None
    places = [match.start() for match in re.finditer(re.escape(quote), text)]
    return min(places, key=lambda place: (abs(place - near), place), default=None)


def _words(rendered: str) -> str:
    # Cleaning away a tag joins what it kept apart.
    apart = re.sub(
        r"(?=</?(?:p|h[1-6]|li|pre|tr|t[dh]|blockquote|summary|div|br)\b)", " ", rendered
    )
    return in_one_line(html.unescape(strip_tags(apart)))
