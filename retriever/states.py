"""What an encoder made of each token, kept small, for a second look word by word.

A vector of a whole text blurs its words; here every token keeps its own (late interaction, Khattab
and Zaharia 2020): 96 of the directions in which they vary, a byte each. As disposable as the
vectors: they are kept under the digest of the text and made again when missing.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from kb.db import SQLITE_PATIENCE, write_ahead
from retriever.embeddings import DIRECTIONS, Encoder, TokenStates, Vectors

BATCH = 500
# Added to every token's telling, so that a question of frequent words alone still counts.
COMMON = 0.1

log = logging.getLogger("verbatim")


@runtime_checkable
class SeesTokens(Protocol):
    """An encoder that can also tell its tokens apart."""

    def states(self, texts: Sequence[str]) -> list[TokenStates]:
        """The tokens of each text and what became of them in its context."""


class StateStore:
    """One SQLite file beside the vectors; several processes may use it."""

    tables: tuple[str, ...] = (
        "CREATE TABLE IF NOT EXISTS states (encoder TEXT, key TEXT, ids BLOB, vectors BLOB, "
        "PRIMARY KEY (encoder, key)) WITHOUT ROWID",
    )

    def __init__(self, path: Path) -> None:
        self._path = path

    def fetch(self, encoder: Encoder, keys: Sequence[str]) -> dict[str, TokenStates]:
        """What is there, by key."""
        found: dict[str, TokenStates] = {}
        with self._open() as database:
            for start in range(0, len(keys), BATCH):
                wanted = keys[start : start + BATCH]
                marks = ",".join("?" * len(wanted))
                query = f"SELECT key, ids, vectors FROM states WHERE encoder=? AND key IN ({marks})"
                for key, ids, vectors in database.execute(query, [encoder.name, *wanted]):
                    found[key] = _unpacked(ids, vectors)
        return found

    def add(self, encoder: Encoder, states: Mapping[str, TokenStates]) -> None:
        """Keep the states of texts under their keys."""
        rows = [(encoder.name, key, ids.tobytes(), v.tobytes()) for key, (ids, v) in states.items()]
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", rows)

    def prune(self, encoder: Encoder, keep: set[str]) -> None:
        """Forget what no text refers to."""
        with self._open() as database:
            rows = database.execute("SELECT key FROM states WHERE encoder=?", [encoder.name])
            stale = [(encoder.name, key) for (key,) in rows if key not in keep]
            database.executemany("DELETE FROM states WHERE encoder=? AND key=?", stale)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = _connect(self._path, self.tables)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            log.warning("%s is damaged; it is made anew", self._path)
            self._path.unlink()
            database = _connect(self._path, self.tables)
        with closing(database), database:
            yield database


def _connect(path: Path, tables: Sequence[str]) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=SQLITE_PATIENCE)
    try:
        write_ahead(database)
        database.execute("PRAGMA synchronous=NORMAL")
        for table in tables:
            database.execute(table)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _unpacked(ids: bytes, vectors: bytes) -> TokenStates:
    return (
        np.frombuffer(ids, np.uint16),
        np.frombuffer(vectors, np.int8).reshape(-1, DIRECTIONS),
    )


class TokenIndex:
    """The tokens of every text of a shelf that has them, ready for a word-by-word look."""

    def __init__(self, states: Sequence[TokenStates | None], bounds: npt.NDArray[np.intp]) -> None:
        lengths = np.array([0 if s is None else len(s[0]) for s in states], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        self._bounds = bounds
        known = [s for s in states if s is not None]
        self._vectors = np.vstack([s[1] for s in known])
        self._lengths = _lengths(self._vectors)
        held = np.zeros(2**16, np.int32)
        for ids, _ in known:
            held[np.unique(ids)] += 1
        self._telling = (np.log((len(known) + 1) / (held + 1)) + COMMON).astype(np.float32)

    def closeness(
        self,
        question: TokenStates,
        places: npt.NDArray[np.intp],
        absent: npt.NDArray[np.signedinteger] | None = None,
    ) -> Vectors:
        """For each article the closeness of its closest text, and of all of it; (k, 2).

        Of each token of the question the cosine with its nearest in the text, or anywhere in the
        article, averaged with rare tokens weighing more: 0 where it has no tokens. `absent` texts
        do not count.
        """
        ids, vectors = question
        found = np.zeros((len(places), 2), np.float32)
        if not len(ids):
            return found
        telling = self._telling[ids] / self._telling[ids].sum()
        asked = vectors.astype(np.float32) / _lengths(vectors)[:, None]
        spans = [np.arange(self._bounds[place], self._bounds[place + 1]) for place in places]
        rows = np.concatenate(spans)
        owners = np.repeat(np.arange(len(places)), [len(span) for span in spans])
        is_seen = self._starts[rows + 1] > self._starts[rows]
        if absent is not None:
            is_seen &= ~np.isin(rows, absent)
        rows, owners = rows[is_seen], owners[is_seen]
        if not rows.size:
            return found
        nearest = self._nearest(rows, asked)
        seen, firsts = np.unique(owners, return_index=True)
        found[seen, 0] = np.maximum.reduceat(nearest @ telling, firsts)
        found[seen, 1] = np.maximum.reduceat(nearest, firsts, axis=0) @ telling
        return np.maximum(found, 0)

    def spread(self) -> "SpreadTokens":
        """The same for many questions: four times the memory, a fifth of the time."""
        tokens = self._vectors.astype(np.float32)
        tokens /= self._lengths[:, None]
        return SpreadTokens(tokens, self._starts, self._bounds, self._telling)

    def _nearest(self, rows: npt.NDArray[np.intp], asked: Vectors) -> Vectors:
        """For each text the cosine of each asked token with its nearest; (rows, t)."""
        counts = self._starts[rows + 1] - self._starts[rows]
        firsts = np.cumsum(counts) - counts
        tokens = np.arange(counts.sum()) + np.repeat(self._starts[rows] - firsts, counts)
        products = _products(self._vectors[tokens].astype(np.float32), asked.T)
        products /= self._lengths[tokens][:, None]
        return np.asarray(np.maximum.reduceat(products, firsts, axis=0), np.float32)


class SpreadTokens:
    """A TokenIndex whose tokens (n, DIRECTIONS) are unit vectors already."""

    def __init__(
        self,
        tokens: Vectors,
        starts: npt.NDArray[np.int64],
        bounds: npt.NDArray[np.intp],
        telling: Vectors,
    ) -> None:
        self._tokens, self._starts, self._bounds = tokens, starts, bounds
        self._telling = telling

    def closeness(
        self,
        question: TokenStates,
        places: npt.NDArray[np.intp],
        absent: npt.NDArray[np.signedinteger] | None = None,
    ) -> Vectors:
        """As `TokenIndex.closeness`, but for roundings; no text may be absent."""
        assert absent is None
        ids, vectors = question
        if not len(ids):
            return np.zeros((len(places), 2), np.float32)
        telling = self._telling[ids] / self._telling[ids].sum()
        asked = (vectors.astype(np.float32) / _lengths(vectors)[:, None]).T
        return np.array([self._closest(place, asked, telling) for place in places], np.float32)

    def _closest(self, place: np.intp, asked: Vectors, telling: Vectors) -> tuple[float, float]:
        """The article's closest text, and all of it."""
        starts = self._starts[self._bounds[place] : self._bounds[place + 1] + 1]
        firsts = starts[:-1][starts[1:] > starts[:-1]]
        if not firsts.size:
            return 0.0, 0.0
        products = _products(self._tokens[starts[0] : starts[-1]], asked)
        nearest = np.maximum.reduceat(products, firsts - starts[0], axis=0)
        whole = float(nearest.max(axis=0) @ telling)
        return max(float((nearest @ telling).max()), 0.0), max(whole, 0.0)


def _products(tokens: Vectors, asked: Vectors) -> Vectors:
    """Their matrix product. Both were bytes, so that nothing in it is not a number; all the same
    the processor’s flag for that was seen set now and then."""
    with np.errstate(invalid="ignore"):
        return np.asarray(tokens @ asked, np.float32)


def _lengths(vectors: npt.NDArray[np.int8]) -> Vectors:
    wide = vectors.astype(np.float32)
    return np.asarray(np.maximum(np.sqrt(np.einsum("ij,ij->i", wide, wide)), 1e-6), np.float32)
