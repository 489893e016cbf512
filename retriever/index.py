"""Keeps what can be searched level with history.

The index pulls: it compares itself with the last Event and reads what has moved since. What is
missing is embedded, the new Level is built beside the old one, and one assignment switches.
"""

import gc
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from kb import history
from kb.articles import Revision, load_revisions
from kb.audiences import ASSISTANT, PUBLIC, Audiences, visible_to
from kb.db import now, reading, transaction
from kb.history import LIVE_KINDS, Event
from kb.publishing import apply_due, live_answers, next_due
from retriever.bars import BarBook, Bars, teaching
from retriever.calibration import bar_of
from retriever.embeddings import Encoder, Rests, TokenStates, Vectors, examined, has_learned, reads
from retriever.general import as_asked, general_keys, shipped_vectors
from retriever.lessons import SHARES, Lesson, Lessons
from retriever.memory import trim
from retriever.progress import Progress, silent
from retriever.ranking import Asked
from retriever.rehearsal import Rehearsal, can_teach, count_phrasings
from retriever.shelf import Background, Shelf
from retriever.states import SeesTokens
from retriever.texts import Document, document_if_live, document_of
from retriever.vectors import VectorStore

# Up to this many texts, looking at all of them costs less than asking which to look at.
EXACT_LIMIT = 12_000
# More missing texts than this are embedded behind the live level, so that nobody waits.
INLINE_LIMIT = 64
BATCH = 32
# A scheduled publication shows within a second; this is how often the clock is looked at.
WATCH_SECONDS = 0.5
# Bars are learned once nothing was published for so long: a series of publications teaches once.
QUIET_SECONDS = 1.0
# Between two questions of a rehearsal behind a live level, which lets customers' through.
BREATH_SECONDS = 0.002
# After a failure to learn.
RETRY_SECONDS = 60.0
TRIM_SECONDS = 2.0
CACHE_SIZE = 4_000
REVISIONS_KEPT = 2_000

log = logging.getLogger("verbatim")

Keyed = dict[str, tuple[bool, str]]


class Outdated(Exception):
    """What is being learned is no longer wanted: history has moved on, or the server stops."""


@dataclass
class Level:
    """One consistent state of store and index; `documents` are all audiences' live Revisions.

    `bars` say from which confidence to answer, by locale; where none was learned, the shipped
    ones hold. They may be those of the level before while its own `is_rehearsed`.
    """

    epoch: int
    documents: tuple[Document, ...]
    vectors: dict[str, dict[str, Vectors]]
    backgrounds: dict[str, Background]
    encoders: tuple[Encoder, ...]
    due: datetime | None
    states: dict[str, TokenStates] = field(default_factory=dict)
    bars: Bars = field(default_factory=dict)
    is_rehearsed: bool = False
    shelves: dict[Audiences, Shelf] = field(default_factory=dict)
    cache: "OrderedDict[Any, Any]" = field(default_factory=OrderedDict)
    # What recorded questions were told, for those who replay them more than once.
    told: dict[Any, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def shelf(self, audience: str) -> Shelf:
        """What that audience may read, laid out for judging."""
        visible = visible_to(audience)
        with self.lock:
            if visible not in self.shelves:
                seen = [d for d in self.documents if visible is None or d.audience in visible]
                self.shelves[visible] = Shelf(
                    seen, self.encoders, self.vectors, self.backgrounds, self.states
                )
            return self.shelves[visible]

    def keep_rows_once(self) -> None:
        """Have `vectors` share the public shelf's rows, instead of keeping another copy."""
        shelf = self.shelf(PUBLIC)
        shared: dict[str, dict[str, Vectors]] = {
            view.encoder.name: {
                shelf.texts[n].key: view.vectors[at] for at, n in enumerate(view.rows)
            }
            for view in shelf.views
        }
        for name, kept in self.vectors.items():
            own = shared.get(name, {})
            # A row of an older level's shelf would keep all of that shelf in memory.
            kept |= {key: row.copy() for key, row in kept.items() if key not in own} | own

    @cached_property
    def _documents_of(self) -> dict[int, list[Document]]:
        found: dict[int, list[Document]] = {}
        for document in self.documents:
            found.setdefault(document.article_id, []).append(document)
        return found

    def live(self, article_ids: Iterable[int], audience: str) -> dict[int, dict[str, int]]:
        """Which Revision of each article shows to an audience: article → locale → id."""
        seen = visible_to(audience)
        return {
            article_id: {
                d.locale: d.revision_id
                for d in self._documents_of.get(article_id, [])
                if seen is None or d.audience in seen
            }
            for article_id in article_ids
        }

    def remembered(self, key: Any, compute: Callable[[], Any]) -> Any:
        """What was found for a question at this level; a new level starts with nothing."""
        if key in self.cache:
            return self.cache[key]
        found = self.cache[key] = compute()
        if len(self.cache) > CACHE_SIZE:
            self.cache.popitem(last=False)
        return found


class Index:
    """The searchable side of one store; one per process, safe to share among threads."""

    def __init__(
        self,
        engine: Engine,
        vectors: VectorStore,
        encoders: Sequence[Encoder],
        book: BarBook | None = None,
    ) -> None:
        self.engine, self.vectors, self.encoders = engine, vectors, tuple(encoders)
        self._book, self._learning = book, threading.Lock()
        self._level: Level | None = None
        self._building = threading.Lock()
        self._behind: threading.Thread | None = None
        self._learner: threading.Thread | None = None
        self._backgrounds: dict[str, Background] = {}
        self._revisions: dict[int, Revision] = {}

    def level(self, session: Session) -> tuple[Level, bool]:
        """The Level for the next question, brought level first if history has moved; and
        whether it is level with history, or lags because much has to be embedded."""
        level = self._level
        if level is None:
            return self.bring_level(), True
        if self._is_current(session, level):
            return level, True
        if self._behind and self._behind.is_alive() and self._building.locked():
            return level, False
        if self._missing_texts(session, level) > INLINE_LIMIT:
            self._build_behind(self.bring_level)
            return level, False
        try:
            return self.bring_level(), True
        except Exception:
            # Disk full, or Chroma gone: words still come from the store, so what is known stands.
            log.exception("the index could not follow history")
            return level, False

    def revisions(self, ids: Sequence[int]) -> dict[int, Revision]:
        """Revisions by id. They never change, so those asked for before are still in memory."""
        missing = [id_ for id_ in ids if id_ not in self._revisions]
        if missing:
            with reading(self.engine) as session:
                self._revisions.update(load_revisions(session, missing))
        found = {id_: self._revisions[id_] for id_ in ids}
        if len(self._revisions) > REVISIONS_KEPT:
            self._revisions = {}
        return found

    def start(
        self,
        progress: Progress = silent,
        previous: Sequence[Encoder] | None = None,
        done: Callable[[], object] = lambda: None,
    ) -> None:
        """Bring the index level before the first question.

        When the model was changed, the vectors of the `previous` one answer at once, and the
        new ones are made behind them. Calls `done` when the wanted model answers.
        """
        if previous is None:
            self._prune(self.bring_level(progress))
            self.rehearse(progress)
            done()
            return
        with reading(self.engine) as session:
            self._level = self._next(session, None, progress, tuple(previous))
        self.rehearse(progress)
        self._build_behind(lambda: self._switch(done))

    def _prune(self, level: Level) -> None:
        """Forget the vectors of texts that are no longer live."""
        for encoder in level.encoders:
            general = _general_keyed(encoder)
            self.vectors.prune(encoder, {*general, *level.vectors[encoder.name]})

    def _switch(self, done: Callable[[], object]) -> None:
        """From the previous model's level to the new one's; then the old vectors go."""
        with reading(self.engine) as session:
            # The long part, without the lock: only the vectors it leaves behind are used.
            self._next(session, None, silent)
        with self._building:
            old = self._level
            self._apply_due()
            with reading(self.engine) as session:
                self._level = self._next(session, None, silent)
            for encoder in old.encoders if old else ():
                if encoder.name not in {e.name for e in self.encoders}:
                    self.vectors.clear(encoder)
        done()

    def watch(self, stop: threading.Event) -> None:
        """Follow history until told to stop, so that questions seldom have to wait for it; and
        learn the bars of each level behind it."""
        trimmed = time.monotonic()
        while not stop.wait(self._pause()):
            if time.monotonic() > trimmed + TRIM_SECONDS:
                self._trim()
                trimmed = time.monotonic()
            try:
                with reading(self.engine) as session:
                    level = self._level
                    if level is None or not self._is_current(session, level):
                        self.bring_level()
                self._learn_behind(stop)
                self.vectors.questions.flush()
            except Exception:
                # The next question tries again and reports what is wrong.
                log.warning("the index could not follow history", exc_info=True)
                stop.wait(WATCH_SECONDS * 4)
        if self._learner:
            self._learner.join()

    def _pause(self) -> float:
        due = self._level.due if self._level else None
        until = (due - now()).total_seconds() if due else WATCH_SECONDS
        return min(WATCH_SECONDS, max(until, 0.01))

    def rest(self) -> None:
        """After the start: give back what only the start needed; of a small store, 30 MB."""
        if self._behind is None and self._level:
            if len(self._level.shelf(PUBLIC).texts) <= EXACT_LIMIT:
                self.vectors.rest()
            # Building takes more than answering.
            gc.collect()
            self._trim()

    def _trim(self) -> None:
        """Give back what questions left behind."""
        trim()
        for encoder in self.encoders:
            if isinstance(encoder, Rests):
                encoder.rest()

    def close(self) -> None:
        """Wait for what is being built, and write down what was asked."""
        self.vectors.questions.flush()
        if self._behind:
            self._behind.join(timeout=60)

    @property
    def is_ready(self) -> bool:
        """Whether questions can be answered without building first."""
        return self._level is not None

    def bring_level(self, progress: Progress = silent) -> Level:
        """Read what has moved, embed what is missing, switch; returns when that is done."""
        with self._building:
            self._apply_due()
            with reading(self.engine) as session:
                if self._level and self._is_current(session, self._level):
                    return self._level
                self._level = self._next(session, self._level, progress)
            return self._level

    def _learn_behind(self, stop: threading.Event) -> None:
        if not self._book or not self._level or self._level.is_rehearsed:
            return
        if not (self._learner and self._learner.is_alive()):
            run = self._learn_when_quiet
            self._learner = threading.Thread(
                target=run, args=(stop,), name="rehearsal", daemon=True
            )
            self._learner.start()

    def _learn_when_quiet(self, stop: threading.Event) -> None:
        level = None
        while level is not self._level:
            level = self._level
            if stop.wait(QUIET_SECONDS):
                return

        def breathe() -> None:
            if stop.wait(BREATH_SECONDS) or not (level and self._shows(level.documents)):
                raise Outdated

        try:
            self.rehearse(breathe=breathe)
        except Outdated:
            pass
        except Exception:
            log.exception("the bars could not be learned; those before stand")
            stop.wait(RETRY_SECONDS)

    def _shows(self, documents: tuple[Document, ...]) -> bool:
        return self._level is not None and self._level.documents is documents

    def rehearse(
        self, progress: Progress = silent, breathe: Callable[[], object] = lambda: None
    ) -> None:
        """Give the live level the bars that its own texts teach; until then it has older ones.

        `breathe` is called before each question, and may end it by an exception.
        """
        with self._learning:
            while self._book and (level := self._level) and not level.is_rehearsed:
                taught_by = teaching(level.documents, level.encoders)
                learn = partial(self._rehearsed, level, taught_by, progress, breathe)
                bars = self._book.bars(taught_by, learn)
                with self._building:
                    if self._level is level:
                        self._level = _renewed(level, bars=bars, is_rehearsed=True)

    def _rehearsed(
        self, level: Level, taught_by: str, progress: Progress, breathe: Callable[[], object]
    ) -> Bars:
        assert self._book
        acceptable = self._book.acceptable
        lessons = self._lessons(level, {*SHARES, acceptable}, progress, breathe)
        self._book.keep_lessons(taught_by, lessons)
        return {c: bar for c, lesson in lessons.items() if (bar := lesson.bar(acceptable))}

    def _lessons(
        self,
        level: Level,
        shares: set[float],
        progress: Progress,
        breathe: Callable[[], object],
    ) -> dict[str, Lesson]:
        """What each locale's phrasings teach, where they are enough for any share at all."""
        shelf = level.shelf(PUBLIC)
        counts = count_phrasings(shelf)
        locales = sorted({document.locale for document in level.documents})
        lessons = {locale: _untaught(level, locale, counts[locale], shares) for locale in locales}
        able = [
            locale
            for locale, lesson in lessons.items()
            if not lesson.is_trained and can_teach(shelf, locale, max(shares))
        ]
        if able:
            rehearsal = Rehearsal(shelf, level.states, self._general(level), breathe)
            for number in progress(range(len(able)), "learning when to be silent", len(able)):
                lessons[able[number]] = rehearsal.lesson(able[number], sorted(shares))
        return lessons

    def _general(self, level: Level) -> dict[str, list[Asked]]:
        """What people ask any help desk, as the level's judges see it."""
        states: dict[str, TokenStates] = {}
        for encoder in level.encoders:
            states |= self._states(encoder, _general_keyed(encoder))
        return as_asked(level.encoders, level.backgrounds, states)

    @property
    def epoch(self) -> int:
        """The epoch that questions are answered from; 0 before the first level."""
        return self._level.epoch if self._level else 0

    @property
    def bars(self) -> Bars | None:
        """From which confidence questions are answered, by locale; None when none are learned."""
        return self._level.bars if self._book and self._level else None

    @property
    def acceptable(self) -> float | None:
        """The share of questions that may be answered wrongly; None when no bars are learned."""
        return self._book.acceptable if self._book else None

    @property
    def is_rehearsed(self) -> bool:
        """Whether the bars are those of just these texts, not of the state before."""
        return self._book is None or (self._level is not None and self._level.is_rehearsed)

    def lessons(self) -> Lessons | None:
        """What was learned beside the bars, by this or another process; None when nothing was."""
        return self._book.lessons() if self._book else None

    def rebuild(self, progress: Progress = silent) -> Level:
        """Embed everything anew and switch to it; the live level answers, and follows, meanwhile.

        One that is broken off leaves each text with its old vector or its new one.
        """
        self._embed_again(progress)
        with self._building:
            self._apply_due()
            self._backgrounds = {}
            old = self._level
            with reading(self.engine) as session:
                level = self._next(session, None, progress)
            if old and old.encoders == level.encoders:
                level.bars = old.bars
            self._level = level
            self._prune(level)
            return level

    def _embed_again(self, progress: Progress) -> None:
        """The long part, without the lock: only the vectors it leaves behind are used."""
        with reading(self.engine) as session:
            documents = [document_of(p) for p in live_answers(session)]
        for encoder in self.encoders:
            keyed = _own_general_keyed(encoder) | _keyed(documents, encoder)
            self._embedded(encoder, keyed, progress)

    # -- noticing -----------------------------------------------------------------

    def _is_current(self, session: Session, level: Level) -> bool:
        if level.due and now() >= level.due:
            return False
        return history.epoch(session) == level.epoch

    def _apply_due(self) -> None:
        with reading(self.engine) as session:
            due = next_due(session)
        if due and due <= now():
            with transaction(self.engine) as session:
                apply_due(session)

    def _missing_texts(self, session: Session, level: Level) -> int:
        ids = self._moved_articles(session, level)
        publications = live_answers(session, article_ids=ids) if ids else []
        have = level.vectors[level.encoders[0].name]
        texts = (t for p in publications for t in document_of(p).texts)
        return sum(text.key not in have for text in texts)

    def _moved_articles(self, session: Session, level: Level) -> set[int]:
        query = select(Event.article_id).where(
            col(Event.id) > level.epoch, col(Event.kind).in_(LIVE_KINDS)
        )
        return {article_id for article_id in session.exec(query) if article_id is not None}

    def _build_behind(self, build: Callable[[], object]) -> None:
        def run() -> None:
            try:
                build()
            except Exception:
                log.exception("the index could not be built behind; it is tried again")

        if not (self._behind and self._behind.is_alive()):
            self._behind = threading.Thread(target=run, name="index", daemon=True)
            self._behind.start()

    # -- building -----------------------------------------------------------------

    def _next(
        self,
        session: Session,
        old: Level | None,
        progress: Progress,
        encoders: tuple[Encoder, ...] | None = None,
    ) -> Level:
        encoders = encoders or (old.encoders if old else self.encoders)
        epoch, due = history.epoch(session), next_due(session)
        documents = self._documents(session, old)
        if old and documents is None:
            return _renewed(old, epoch=epoch, due=due)
        assert documents is not None
        level = self._laid_out(documents, old, encoders, progress)
        level = replace(level, epoch=epoch, due=due)
        level.shelf(PUBLIC).warm_up()
        level.keep_rows_once()
        trim()
        return level

    def _laid_out(
        self,
        documents: tuple[Document, ...],
        old: Level | None,
        encoders: tuple[Encoder, ...],
        progress: Progress,
    ) -> Level:
        """A Level of these documents, with the bars of the `old` one; what it lacks is embedded."""
        backgrounds = self._background(encoders, progress)
        vectors = {
            encoder.name: self._vectors(encoder, _keyed(documents, encoder), old, progress)
            for encoder in encoders
        }
        states: dict[str, TokenStates] = {}
        for encoder in encoders:
            states |= self._states(encoder, _keyed(documents, encoder), old)
        bars = old.bars if old else {}
        return Level(0, documents, vectors, backgrounds, encoders, None, states, bars)

    def _documents(self, session: Session, old: Level | None) -> tuple[Document, ...] | None:
        """The live documents; None when nothing that shows has changed."""
        if old is None:
            return tuple(document_of(p) for p in live_answers(session))
        moved = self._moved_articles(session, old)
        if not moved:
            return None
        kept = [d for d in old.documents if d.article_id not in moved]
        fresh = [document_of(p) for p in live_answers(session, article_ids=moved)]
        return tuple(sorted([*kept, *fresh], key=lambda d: (d.article_id, d.locale)))

    def imagine(
        self,
        level: Level,
        publish: Sequence[Revision] = (),
        withdraw: Iterable[tuple[int, str]] = (),
        progress: Progress = silent,
    ) -> Level:
        """A Level as it would follow that one: Revisions live, and places (article, locale) not.

        The live level and the store's words stay as they are; bars are those of the level given.
        """
        gone = {*withdraw, *((r.article_id, r.locale) for r in publish)}
        kept = [d for d in level.documents if (d.article_id, d.locale) not in gone]
        fresh = [document_if_live(r) for r in publish if r.audience != ASSISTANT]
        documents = sorted([*kept, *fresh], key=lambda d: (d.article_id, d.locale))
        imagined = self._laid_out(tuple(documents), level, level.encoders, progress)
        return replace(imagined, epoch=level.epoch, due=level.due)

    def vectors_of(self, level: Level, document: Document) -> dict[str, Vectors]:
        """What the encoder of every language makes of a document's texts, by key."""
        found: dict[str, Vectors] = {}
        for encoder in level.encoders:
            if encoder.languages is None:
                found |= self._vectors(encoder, _keyed([document], encoder), level, silent)
        return found

    def _vectors(
        self, encoder: Encoder, keyed: Keyed, old: Level | None, progress: Progress
    ) -> dict[str, Vectors]:
        have = old.vectors[encoder.name] if old else {}
        found = {key: have[key] for key in keyed if key in have}
        found |= self.vectors.fetch(encoder, [key for key in keyed if key not in found])
        missing = {key: text for key, text in keyed.items() if key not in found}
        return found | self._embedded(encoder, missing, progress)

    def _embedded(self, encoder: Encoder, keyed: Keyed, progress: Progress) -> dict[str, Vectors]:
        """The vectors of texts, made and kept."""
        found: dict[str, Vectors] = {}
        every, steps = list(keyed), range(0, len(keyed), BATCH)
        for start in progress(steps, f"embedding ({encoder.name})", len(every)):
            keys = every[start : start + BATCH]
            made = encode(encoder, [keyed[key] for key in keys])
            self.vectors.add(encoder, keys, made)
            if isinstance(encoder, SeesTokens):
                self._add_states(encoder, {key: keyed[key] for key in keys})
            found |= dict(zip(keys, made, strict=True))
        return found

    def _states(
        self, encoder: Encoder, keyed: Keyed, old: Level | None = None
    ) -> dict[str, TokenStates]:
        """The tokens of every text, by key; none of an encoder that cannot tell them apart."""
        if not isinstance(encoder, SeesTokens):
            return {}
        found = {key: old.states[key] for key in keyed if old and key in old.states}
        missing = [key for key in keyed if key not in found]
        if missing:
            found |= self.vectors.states.fetch(encoder, missing)
        lost = {key: keyed[key] for key in missing if key not in found}
        return found | self._add_states(encoder, lost)

    def _add_states(self, encoder: Encoder, keyed: Keyed) -> dict[str, TokenStates]:
        assert isinstance(encoder, SeesTokens)
        made = encoder.states([text for _, text in keyed.values()])
        found = dict(zip(keyed, made, strict=True))
        if found:
            self.vectors.states.add(encoder, found)
        return found

    def _background(self, encoders: Sequence[Encoder], progress: Progress) -> dict[str, Background]:
        for encoder in encoders:
            if encoder.name not in self._backgrounds:
                keys = general_keys(encoder)
                made = self._vectors(encoder, _own_general_keyed(encoder), None, progress)
                found = shipped_vectors(encoder) | made
                self._backgrounds[encoder.name] = Background(
                    {locale: np.vstack([found[key] for key in of]) for locale, of in keys.items()}
                )
        return self._backgrounds


def _renewed(level: Level, **changes: Any) -> Level:
    """The same texts in another state: what was remembered of it no longer counts."""
    return replace(level, cache=OrderedDict(), told={}, lock=threading.Lock(), **changes)


def _keyed(documents: Iterable[Document], encoder: Encoder) -> Keyed:
    return {
        text.key: (text.is_question, text.embedded)
        for document in documents
        if reads(encoder, document.locale)
        for text in document.texts
    }


def _general_keyed(encoder: Encoder) -> Keyed:
    of_locales = general_keys(encoder).values()
    return {key: (True, text) for of in of_locales for key, text in of.items()}


def _own_general_keyed(encoder: Encoder) -> Keyed:
    """Those whose vectors are not shipped."""
    shipped = shipped_vectors(encoder)
    return {key: text for key, text in _general_keyed(encoder).items() if key not in shipped}


def encode(encoder: Encoder, items: list[tuple[bool, str]]) -> Vectors:
    """Vectors of texts, each said to be a question or not."""
    made = np.empty((len(items), encoder.dimensions), np.float32)
    for kind, read in ((True, encoder.questions), (False, encoder.passages)):
        rows = [n for n, (is_question, _) in enumerate(items) if is_question == kind]
        if rows:
            made[rows] = read([items[n][1] for n in rows])
    return made


def _untaught(level: Level, locale: str, count: int, shares: Iterable[float]) -> Lesson:
    """What is known of a locale before its phrasings are rehearsed: where a model has learned them,
    what became of those that were kept from it while it was tried."""
    trained = [encoder for encoder in level.encoders if has_learned(encoder, locale)]
    told = [pair for encoder in trained for pair in examined(encoder, locale)]
    bars = {share: bar_of(told, share) for share in shares}
    return Lesson(count, bool(trained), bars if told else {})
