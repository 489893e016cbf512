"""What questions look like to the encoders, kept for those who ask what was asked.

A customer's question has been read once already when it is answered: what was seen then is kept
under the digest of its text, the same bits, so that thousands can be grouped or asked again in
the time of reading a file. As disposable as the vectors: what is missing is made again.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from retriever.embeddings import Encoder, TokenStates, Vectors, thread_of
from retriever.keys import text_key
from retriever.progress import Progress, silent
from retriever.states import BATCH, SeesTokens, StateStore

# An encoder's vector of a question and, of one that tells them apart, its tokens.
Reading = tuple[Vectors, TokenStates | None]

# Questions that were read and may yet be kept; and how many are written at once.
SEEN, AT_ONCE = 256, 64
# So few at a time that a customer's question waits for no more than these.
STEP = 8


class QuestionStore(StateStore):
    """Vectors and tokens of recorded questions in one SQLite file; processes may share it."""

    tables = (
        *StateStore.tables,
        "CREATE TABLE IF NOT EXISTS vectors (encoder TEXT, key TEXT, vector BLOB, "
        "PRIMARY KEY (encoder, key)) WITHOUT ROWID",
    )

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, dict[str, Reading]] = OrderedDict()
        self._kept: dict[str, dict[str, Reading]] = {}

    def see(self, text: str, readings: Mapping[str, Reading]) -> None:
        """A question was read, by encoder; whether it is worth keeping is not known yet."""
        with self._lock:
            self._seen[text] = dict(readings)
            if len(self._seen) > SEEN:
                self._seen.popitem(last=False)

    def keep(self, text: str) -> None:
        """This question is on record: what was seen of it will be asked for again."""
        with self._lock:
            if text in self._seen:
                self._kept[text] = self._seen.pop(text)
            is_full = len(self._kept) >= AT_ONCE
        if is_full:
            self.flush()

    def flush(self) -> None:
        """Write down what is to be kept."""
        with self._lock:
            kept, self._kept = self._kept, {}
        for encoder in {name for readings in kept.values() for name in readings}:
            of = {text: r[encoder] for text, r in kept.items() if encoder in r}
            self._write(encoder, of)

    def keep_only(self, texts: Iterable[str]) -> int:
        """Forget all others, in the file's unused pages too; how many vectors that was."""
        self.flush()
        wanted = {_key(text) for text in texts}
        with self._open() as database:
            database.execute("PRAGMA secure_delete=ON")
            gone = [_forget(database, table, wanted) for table in ("vectors", "states")]
        with self._open() as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone[0]

    def missing(self, encoder: Encoder, texts: Sequence[str]) -> list[str]:
        """The texts that this encoder would have to read first."""
        found = self._fetch_vectors(encoder, texts)
        return [text for text in dict.fromkeys(texts) if _key(text) not in found]

    def vectors_of(
        self, encoder: Encoder, texts: Sequence[str], progress: Progress = silent
    ) -> Vectors:
        """Their vectors as the encoder gives them, (texts, dimensions); the missing are made."""
        found = self._fetch_vectors(encoder, texts)
        missing = [text for text in dict.fromkeys(texts) if _key(text) not in found]
        for text, (vector, _) in self._read(encoder, missing, progress):
            found[_key(text)] = vector
        rows = [found[_key(text)] for text in texts]
        return np.vstack(rows) if rows else np.zeros((0, encoder.dimensions), np.float32)

    def tokens_of(self, encoder: Encoder, texts: Sequence[str]) -> list[TokenStates | None]:
        """The tokens of each text; None from an encoder that does not tell them apart."""
        if not isinstance(encoder, SeesTokens):
            return [None] * len(texts)
        keys = [_key(text) for text in texts]
        found: dict[str, TokenStates | None] = dict(self.fetch(encoder, keys))
        lost = [text for text in dict.fromkeys(texts) if _key(text) not in found]
        found |= {_key(text): tokens for text, (_, tokens) in self._read(encoder, lost, silent)}
        return [found[key] for key in keys]

    def _read(
        self, encoder: Encoder, texts: list[str], progress: Progress
    ) -> Iterator[tuple[str, Reading]]:
        """Have the encoder read them, in its own thread, between customers' questions."""
        steps = range(0, len(texts), STEP)
        for start in progress(steps, f"reading questions ({encoder.name})", len(texts)):
            some = texts[start : start + STEP]
            readings = thread_of(encoder.name).submit(_readings, encoder, some).result()
            of = dict(zip(some, readings, strict=True))
            self._write(encoder.name, of)
            yield from of.items()

    def _fetch_vectors(self, encoder: Encoder, texts: Sequence[str]) -> dict[str, Vectors]:
        self.flush()
        keys = list(dict.fromkeys(_key(text) for text in texts))
        found: dict[str, Vectors] = {}
        with self._open() as database:
            for start in range(0, len(keys), BATCH):
                wanted = keys[start : start + BATCH]
                marks = ",".join("?" * len(wanted))
                query = f"SELECT key, vector FROM vectors WHERE encoder=? AND key IN ({marks})"
                for key, vector in database.execute(query, [encoder.name, *wanted]):
                    found[key] = np.frombuffer(vector, np.float32)
        return found

    def _write(self, encoder: str, readings: Mapping[str, Reading]) -> None:
        vectors = [(encoder, _key(t), v.tobytes()) for t, (v, _) in readings.items()]
        states = [
            (encoder, _key(text), tokens[0].tobytes(), tokens[1].tobytes())
            for text, (_, tokens) in readings.items()
            if tokens is not None
        ]
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", vectors)
            database.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", states)


def _forget(database: sqlite3.Connection, table: str, wanted: set[str]) -> int:
    rows = database.execute(f"SELECT encoder, key FROM {table}")
    stale = [row for row in rows if row[1] not in wanted]
    database.executemany(f"DELETE FROM {table} WHERE encoder=? AND key=?", stale)
    return len(stale)


def _key(text: str) -> str:
    return text_key("question", text)


def _readings(encoder: Encoder, texts: list[str]) -> list[Reading]:
    vectors = encoder.questions(texts)
    tokens = encoder.states(texts) if isinstance(encoder, SeesTokens) else [None] * len(texts)
    return list(zip(vectors, tokens, strict=True))
