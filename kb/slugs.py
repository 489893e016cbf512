"""An article's address from its title, in any script."""

import re

from anyascii import anyascii
from sqlmodel import Session, col, select

from kb.articles import Article

LONGEST = 60
# anyascii writes each Chinese character with a capital, where one word begins.
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def slug_from(title: str) -> str:
    """Lower-case Latin words joined by hyphens, up to 60 characters; may be empty."""
    latin = CAPITAL.sub("-", anyascii(title.replace("\u200c", " "))).lower().replace("'", "")
    words = re.sub(r"[^a-z0-9]+", "-", latin).strip("-")
    if len(words) <= LONGEST:
        return words
    return words[: LONGEST + 1].rsplit("-", 1)[0][:LONGEST].strip("-")


def free_slug(session: Session, title: str) -> str:
    """A slug from the title that no article has yet; empty for a title without letters."""
    slug = slug_from(title)
    if not slug:
        return ""
    taken = set(session.exec(select(Article.slug).where(col(Article.slug).startswith(slug))))
    numbers = (f"{slug}-{n}" for n in range(2, len(taken) + 3))
    return slug if slug not in taken else next(name for name in numbers if name not in taken)
