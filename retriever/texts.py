"""What of an article is compared with a question: its title, phrasings, headings and passages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from kb.articles import Revision
from kb.markdown import Section, plain, sections
from kb.publishing import Publication
from retriever.keys import text_key
from retriever.lexical import tokenize

# Longer passages blur what they are about; shorter ones lose it. In Latin letters;
# a Chinese or Korean character weighs about two and a half of them.
PASSAGE_LENGTH = 300
DENSE = 2.5
SENTENCE_END = re.compile(r"(?<=[.!?؟;؛])\s+|(?<=[。！？；])")
QUESTION_SOURCES = frozenset({"title", "phrasing", "heading"})
BODY_SOURCES = frozenset({"heading", "passage"})


@dataclass(frozen=True)
class Text:
    """One text of an article; `source` says what it is, `anchor` where it stands in the body."""

    source: str
    text: str
    locale: str
    anchor: str = ""
    context: str = ""

    @property
    def is_question(self) -> bool:
        """Whether it reads like a question, rather than like an answer."""
        return self.source in QUESTION_SOURCES

    @property
    def is_in_body(self) -> bool:
        """Whether it stands in the long form behind the answer."""
        return self.source in BODY_SOURCES

    @cached_property
    def embedded(self) -> str:
        """The text as the encoders read it, with what it stands under before it."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @cached_property
    def key(self) -> str:
        """Where its vector is kept."""
        return text_key("question" if self.is_question else "passage", self.embedded)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Its words for BM25."""
        return tuple(tokenize(self.embedded, self.locale))


@dataclass(frozen=True)
class Document:
    """One live Revision as the index knows it."""

    article_id: int
    slug: str
    revision_id: int
    locale: str
    version: int
    audience: str
    category: str
    title: str
    texts: tuple[Text, ...]


def document_of(publication: Publication) -> Document:
    """A live Publication, cut into its texts."""
    return replace(document_if_live(publication.revision), audience=publication.audience)


def document_if_live(revision: Revision) -> Document:
    """A Revision as it would be known if it were published."""
    assert revision.id is not None
    return Document(
        article_id=revision.article_id,
        slug=revision.article.slug,
        revision_id=revision.id,
        locale=revision.locale,
        version=revision.version,
        audience=revision.audience,
        category=revision.category,
        title=revision.title,
        texts=tuple(_texts(revision)),
    )


def _texts(revision: Revision) -> Iterator[Text]:
    title, locale = revision.title, revision.locale
    yield Text("title", title, locale)
    for phrasing in revision.phrasings:
        yield Text("phrasing", phrasing, locale)
    yield Text("answer", plain(revision.answer), locale, context=title)
    for section in sections(revision.body):
        if section.headings:
            yield Text("heading", section.headings[-1], locale, section.anchor, title)
        for passage in _packed(section):
            context = " – ".join([title, *section.headings])
            yield Text("passage", passage, locale, section.anchor, context)


def _packed(section: Section) -> Iterator[str]:
    """Blocks joined up to the length of a passage, none of them cut unless it is longer alone."""
    held: list[str] = []
    for block in section.blocks:
        for piece in _pieces(block):
            if held and _length("\n".join(held)) + _length(piece) > PASSAGE_LENGTH:
                yield "\n".join(held)
                held = []
            held.append(piece)
    if held:
        yield "\n".join(held)


def _pieces(block: str) -> Iterator[str]:
    if _length(block) <= PASSAGE_LENGTH * 1.5:
        yield block
        return
    held = ""
    for line in SENTENCE_END.sub("\n", block).split("\n"):
        if held and _length(held) + _length(line) > PASSAGE_LENGTH:
            yield held
            held = ""
        held = f"{held}\n{line}" if held else line
    if held:
        yield held


def _length(text: str) -> float:
    return sum(DENSE if c >= "\u2e80" else 1.0 for c in text)
