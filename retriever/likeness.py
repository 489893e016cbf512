"""Articles that already say what somebody is writing, and words that already belong to one."""

from dataclasses import dataclass

from sqlmodel import Session

from kb.audiences import AGENTS
from kb.markdown import plain
from retriever.index import Index
from retriever.lexical import tokenize
from retriever.search import find_matches

NEAREST = 3
# Texts of what is written that are searched with; each costs about ten milliseconds.
MOST_ASKED = 6
# Below this centred cosine two texts have a topic in common, no more.
LIKE = 0.35


@dataclass(frozen=True)
class Like:
    """A live article close to what is written: `own` of the writing is near `text` of it."""

    article_id: int
    slug: str
    title: str
    similarity: float
    own: str
    source: str
    text: str


@dataclass(frozen=True)
class Taken:
    """A title or phrasing that a live article has word for word."""

    words: str
    slug: str
    title: str


def find_alike(
    session: Session,
    index: Index,
    title: str,
    answer: str,
    phrasings: list[str],
    locale: str,
    but: int | None,
) -> list[Like]:
    """The three closest live articles of any audience, but for the one that is edited."""
    best: dict[int, Like] = {}
    asked = [title, plain(answer)[:300], *phrasings]
    for own in list(dict.fromkeys(filter(None, map(str.strip, asked))))[:MOST_ASKED]:
        for match in find_matches(session, index, own, locale, AGENTS, NEAREST + 1).matches:
            witness = max(match.witnesses, key=lambda w: w.similarity)
            known = best.get(match.article_id)
            if match.article_id == but or (known and known.similarity >= witness.similarity):
                continue
            text = (witness.similarity, own, witness.text.source, witness.text.text)
            best[match.article_id] = Like(match.article_id, match.slug, match.title, *text)
    close = [like for like in best.values() if like.similarity >= LIKE]
    return sorted(close, key=lambda like: (-like.similarity, like.article_id))[:NEAREST]


def find_taken(
    session: Session, index: Index, words: list[str], locale: str, but: int | None
) -> list[Taken]:
    """Which of these are word for word a live article's title or phrasing already."""
    shelf = index.level(session)[0].shelf(AGENTS)
    if not shelf.article_ids:
        return []
    found = []
    for text in words:
        for article_id in shelf.asked_exactly(tuple(tokenize(text, locale))):
            if article_id != but:
                document = shelf.documents[shelf.bounds[shelf.place(article_id)]]
                found.append(Taken(text, document.slug, document.title))
    return found
