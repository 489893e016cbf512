"""Bringing recorded questions together: what is known of their words, kept while the process runs.

Reading a question takes a moment the first time. Many unread ones are read behind the page that
wants them, which shows how far that is.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
from sqlmodel import Session

from assistant.confirmations import (
    Confirmation,
    Confirmed,
    confirmations_since,
    strongest,
    undecided,
)
from assistant.gap_decisions import active_decisions
from assistant.gaps import (
    WINDOW,
    Asking,
    Gap,
    Phrase,
    askings_since,
    folded_question,
    gaps_of,
    is_noise,
)
from assistant.intents import remainder_of
from assistant.understanding import understand
from kb.articles import latest_revision
from kb.audiences import AGENTS, PUBLIC
from kb.db import now
from kb.errors import Invalid
from retriever.embeddings import Vectors
from retriever.grouping import centred, group
from retriever.index import Index
from retriever.lexical import tokenize
from retriever.shelf import Shelf

# Least mean cosine within a group. On tests/assistant/gaps.csv (12 topics, 5 languages) no group
# mixes topics, and the largest of a topic has 4 of its languages; of tests/questions.csv, where
# every question asks something else, 9 in 10 stand with their own article's or alone.
NEAR = 0.42
# More unread questions than this are read behind the page.
INLINE = 60
# Up to this many phrases are grouped anew at once when one comes; more, behind the page.
AT_ONCE = 1_500
STEP = 64

log = logging.getLogger("verbatim")


@dataclass(frozen=True, slots=True)
class Known:
    """What a text means: nothing, or a search in a language, with the tokens of its words."""

    digest: str
    search: str
    language: str
    is_question: bool
    tokens: tuple[str, ...] = ()


class Gatherer:
    """Groups of phrases by meaning; one per process, safe to share among threads."""

    def __init__(self, index: Index, locales: Sequence[str]) -> None:
        self._index, self._locales = index, list(locales)
        self._known: dict[tuple[str, str], Known] = {}
        self._vectors: dict[str, Vectors] = {}
        self._groups: dict[str, int] = {}
        self._grouped: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._behind: threading.Thread | None = None
        self.done, self.total = 0, 0

    @property
    def is_reading(self) -> bool:
        """Whether questions are still being read; `done` of `total` are."""
        return self._behind is not None and self._behind.is_alive()

    def gaps(self, session: Session, at: datetime | None = None) -> list[Gap] | None:
        """All gaps of the last `WINDOW` days, biggest first, handled ones among them; None while
        their questions are still being read."""
        at = at or now()
        askings = askings_since(session, at - timedelta(days=WINDOW))
        if not self.prepare(askings):
            return None
        shelf = self._index.level(session)[0].shelf(PUBLIC)
        return gaps_of(self.groups(askings, shelf), active_decisions(session), at)

    def confirmed(self, session: Session, at: datetime | None = None) -> list[Confirmed] | None:
        """Wordings of the last `WINDOW` days whose article somebody named, about which nobody has
        decided, best first; None while they are still being read."""
        since = (at or now()) - timedelta(days=WINDOW)
        found = confirmations_since(session, since)
        if not self.prepare(found):
            return None
        level = self._index.level(session)[0]
        speaks = {(d.article_id, d.locale) for d in level.documents}
        return [
            confirmed
            for confirmed in undecided(strongest(self._confirmed(found)), active_decisions(session))
            if (confirmed.article_id, confirmed.language) in speaks
            and not self._is_written(session, confirmed, level.shelf(AGENTS))
        ]

    def _confirmed(self, found: Iterable[Confirmation]) -> list[Confirmed]:
        together: dict[tuple[str, int], list[Confirmation]] = {}
        for confirmation in found:
            known = self._of(confirmation)
            if known.is_question:
                together.setdefault((known.digest, confirmation.article_id), []).append(
                    confirmation
                )
        return [
            Confirmed(digest, of[0].question, self._of(of[0]).language, article_id, tuple(of))
            for (digest, article_id), of in together.items()
        ]

    def _is_written(self, session: Session, confirmed: Confirmed, shelf: Shelf) -> bool:
        """Whether an article has these very words by now, or the newest version of its own."""
        if shelf.asked_exactly(self._of(confirmed.confirmations[0]).tokens):
            return True
        newest = latest_revision(session, confirmed.article_id, confirmed.language)
        words = folded_question(confirmed.text)
        return newest is None or words in {folded_question(text) for text in newest.phrasings}

    def prepare(self, askings: Iterable[Asking | Confirmation]) -> bool:
        """Know what all of them mean; False when that takes long and goes on behind."""
        if self.is_reading:
            return False
        unread = self._unread(askings)
        if len(unread) <= INLINE:
            self._learn(unread)
            return True
        self.done, self.total = 0, len(unread)
        self._behind = threading.Thread(target=self._learn_all, args=(unread,), daemon=True)
        self._behind.start()
        return False

    def phrases(self, askings: Sequence[Asking], shelf: Shelf) -> list[Phrase]:
        """Askings by their words, but for those that mean nothing or are answered by now."""
        found: dict[str, list[Asking]] = {}
        for asking in askings:
            known = self._known.get((asking.question, asking.locale))
            if known and known.is_question:
                found.setdefault(known.digest, []).append(asking)
        phrases = [
            Phrase(digest, asked[0].question, self._of(asked[0]).language, tuple(asked))
            for digest, asked in found.items()
        ]
        return [p for p in phrases if not (p.is_silence and self._is_answered(p, shelf))]

    def _is_answered(self, phrase: Phrase, shelf: Shelf) -> bool:
        """Whether by now an editor has given a live article these very words."""
        return len(shelf.asked_exactly(self._of(phrase.askings[0]).tokens)) == 1

    def groups(self, askings: Sequence[Asking], shelf: Shelf) -> list[list[Phrase]]:
        """Phrases that mean the same, together."""
        phrases = self.phrases(askings, shelf)
        digests = frozenset(phrase.digest for phrase in phrases)
        if not digests <= self._grouped:
            self._group_soon(phrases, digests)
        together: dict[object, list[Phrase]] = {}
        for phrase in phrases:
            place = self._groups.get(phrase.digest, phrase.digest)
            together.setdefault(place, []).append(phrase)
        return list(together.values())

    def nearest(self, gaps: Sequence[Gap], count: int = 3) -> list[list[tuple[int, float]]]:
        """For each gap the articles whose titles and phrasings are nearest, and how near."""
        shelf = self._index.bring_level().shelf(AGENTS)
        if not shelf.views or not gaps:
            return [[] for _ in gaps]
        view = shelf.views[0]
        near = np.full((len(gaps), len(shelf.article_ids)), -1.0, np.float32)
        for language in sorted({code for gap in gaps for code in gap.languages}):
            places = [n for n, gap in enumerate(gaps) if language in gap.languages]
            means = [self._mean(gaps[n].phrases, language) for n in places]
            cosines = view.look_at_all(np.vstack(means), language)[0]
            for place, row in zip(places, cosines, strict=True):
                np.maximum.at(near[place], shelf.labels[view.rows], row)
        best = np.argsort(-near, axis=1, kind="stable")[:, :count]
        return [
            [(shelf.article_ids[n], round(float(near[place, n]), 2)) for n in of]
            for place, of in enumerate(best)
        ]

    def _mean(self, phrases: Sequence[Phrase], language: str) -> Vectors:
        own = [self._vectors[p.digest] for p in phrases if p.language == language]
        return np.asarray(np.mean(own, axis=0), np.float32)

    def _of(self, asking: Asking | Confirmation) -> Known:
        return self._known[asking.question, asking.locale]

    # -- reading ------------------------------------------------------------------

    def _unread(self, askings: Iterable[Asking | Confirmation]) -> list[tuple[str, str]]:
        wanted = dict.fromkeys((asking.question, asking.locale) for asking in askings)
        return [pair for pair in wanted if pair not in self._known]

    def _learn_all(self, unread: list[tuple[str, str]]) -> None:
        try:
            for start in range(0, len(unread), STEP):
                self._learn(unread[start : start + STEP])
                self.done = min(start + STEP, len(unread))
        except Exception:
            log.exception("the questions could not all be read; the page tries again")

    def _learn(self, unread: list[tuple[str, str]]) -> None:
        known = {pair: self._understood(*pair) for pair in unread}
        new = {k.digest: k.search for k in known.values() if k.is_question}
        new = {digest: text for digest, text in new.items() if digest not in self._vectors}
        encoder = self._index.encoders[0]
        vectors = self._index.vectors.questions.vectors_of(encoder, list(new.values()))
        self._vectors.update(zip(new, vectors, strict=True))
        self._known.update(known)

    def _understood(self, text: str, locale: str) -> Known:
        digest = sha256(folded_question(text).encode()).hexdigest()[:16]
        try:
            question = understand(text, locale if locale in self._locales else None, self._locales)
        except Invalid:
            return Known(digest, text, locale, False)
        asks = question.has_words and not is_noise(text) and bool(remainder_of(text))
        tokens = tuple(tokenize(question.search, question.language))
        return Known(digest, question.search, question.language, asks, tokens)

    # -- grouping -----------------------------------------------------------------

    def _group_soon(self, phrases: list[Phrase], digests: frozenset[str]) -> None:
        if len(phrases) <= AT_ONCE or not self._grouped:
            self._group(phrases, digests)
        elif self._lock.acquire(blocking=False):
            self._lock.release()
            threading.Thread(target=self._group, args=(phrases, digests), daemon=True).start()

    def _group(self, phrases: list[Phrase], digests: frozenset[str]) -> None:
        with self._lock:
            ordered = sorted(phrases, key=lambda phrase: phrase.digest)
            rows = self._seen_from_their_centres(ordered)
            found = group(rows, NEAR)
            self._groups = {ordered[n].digest: at for at, of in enumerate(found) for n in of}
            self._grouped = digests

    def _seen_from_their_centres(self, phrases: list[Phrase]) -> Vectors:
        level = self._index.bring_level()
        background = level.backgrounds[self._index.encoders[0].name]
        vectors = np.vstack([self._vectors[phrase.digest] for phrase in phrases])
        means = {locale: background.mean(locale) for locale in background.vectors}
        return centred(vectors, [phrase.language for phrase in phrases], means)
