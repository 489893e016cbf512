"""Vectors kept in Chroma under the digest of their text; the only file that knows chromadb.

A vector belongs to a text, not to an article, so none can ever be stale: what is missing is
embedded, what nobody refers to is pruned, and a crash between the two costs nothing.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
from filelock import FileLock, Timeout

from kb.errors import InUse, Invalid, VerbatimError
from kb.settings import Settings
from retriever.embeddings import Encoder, Vectors
from retriever.questions import QuestionStore
from retriever.states import StateStore

log = logging.getLogger("verbatim")
logging.getLogger("chromadb").setLevel(logging.ERROR)


class FolderLock:
    """One process owns the home folder; the file beside the lock says which, and where it is."""

    def __init__(self, home: Path) -> None:
        self.home, self._owner = home, home / "owner.json"
        self._lock = FileLock(home / ".lock")

    def acquire(self, url: str = "", token: str = "") -> None:
        """Raises InUse, naming the owner, or VerbatimError for a folder that is read-only."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            self.announce(url, token)
        except Timeout as error:
            owner = self.owner()
            where = f" at {owner['url']}" if owner.get("url") else ""
            raise InUse(
                f"{self.home} is in use by process {owner.get('pid', '?')}{where}; "
                "stop it, or set VERBATIM_HOME to another folder"
            ) from error
        except OSError as error:
            raise VerbatimError(
                f"cannot write in {self.home} ({error.strerror}); "
                "set VERBATIM_HOME to a folder you own"
            ) from error

    def announce(self, url: str, token: str) -> None:
        """Tell other processes where this one listens."""
        self._owner.touch(mode=0o600)
        self._owner.write_text(json.dumps({"pid": os.getpid(), "url": url, "token": token}))

    def owner(self) -> dict[str, Any]:
        """What the last owner said of itself; empty if nothing can be read."""
        try:
            found = json.loads(self._owner.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def release(self) -> None:
        """Let another process have the folder."""
        self._owner.unlink(missing_ok=True)
        self._lock.release()


class VectorStore:
    """One collection an encoder, in a folder of this process or on a Chroma server.

    `states` holds what cannot live in Chroma: many vectors a text; `questions` what was asked,
    which is never searched and outlives every article.
    """

    def __init__(
        self,
        client: Any,
        states: StateStore,
        questions: QuestionStore,
        reopen: Callable[[], Any] | None = None,
    ) -> None:
        self._client, self.states, self.questions = client, states, questions
        self._reopen = reopen
        self._collections: dict[str, Any] = {}
        self._batch = min(int(client.get_max_batch_size()), 2000)

    @classmethod
    def open(cls, settings: Settings) -> "VectorStore":
        """The store of the settings. Raises VerbatimError when it cannot be opened."""
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        quiet = ChromaSettings(anonymized_telemetry=False)
        reopen = None
        try:
            if settings.chroma_url:
                host, port, ssl = _address(settings.chroma_url)
                client = chromadb.HttpClient(host=host, port=port, ssl=ssl, settings=quiet)
            else:
                folder = settings.home / "chroma"
                client = _open_folder(folder, quiet)
                reopen = partial(chromadb.PersistentClient, path=str(folder), settings=quiet)
            states = StateStore(settings.home / "tokens.db")
            return cls(client, states, QuestionStore(settings.home / "questions.db"), reopen)
        except VerbatimError:
            raise
        except Exception as error:
            where = settings.chroma_url or settings.home / "chroma"
            raise VerbatimError(f"cannot open the vectors at {where}: {error}") from error

    def fetch(self, encoder: Encoder, keys: Sequence[str]) -> dict[str, Vectors]:
        """The vectors that are there, by key."""
        found: dict[str, Vectors] = {}
        for start in range(0, len(keys), self._batch):
            wanted = list(keys[start : start + self._batch])
            part = self._call(encoder, "get", ids=wanted, include=["embeddings"])
            for key, vector in zip(part["ids"], part["embeddings"], strict=True):
                found[key] = np.asarray(vector, np.float32)
        return found

    def add(self, encoder: Encoder, keys: Sequence[str], vectors: Vectors) -> None:
        """Keep vectors under their keys."""
        for start in range(0, len(keys), self._batch):
            end = start + self._batch
            ids = list(keys[start:end])
            self._call(encoder, "upsert", ids=ids, embeddings=vectors[start:end])

    def nearest(self, encoder: Encoder, vector: Vectors, count: int) -> list[str]:
        """Keys of about the nearest vectors: candidates, for an exact score to decide."""
        answer = self._call(
            encoder, "query", query_embeddings=[vector], n_results=count, include=[]
        )
        return list(answer["ids"][0])

    def prune(self, encoder: Encoder, keep: set[str]) -> int:
        """Forget the vectors and tokens that no text refers to; the number of vectors."""
        self.states.prune(encoder, keep)
        stale = [k for k in self._call(encoder, "get", include=[])["ids"] if k not in keep]
        for start in range(0, len(stale), self._batch):
            self._call(encoder, "delete", ids=stale[start : start + self._batch])
        return len(stale)

    def clear(self, encoder: Encoder) -> None:
        """Forget everything of one encoder."""
        self.states.prune(encoder, set())
        self._collection(encoder)
        self._client.delete_collection(_collection_name(encoder))
        self._collections.pop(encoder.name, None)

    def rest(self) -> None:
        """Give back what Chroma keeps of all that was read; nothing else may use the store."""
        if self._reopen:
            self._collections = {}
            self._client.close()
            self._client = self._reopen()

    def _call(self, encoder: Encoder, verb: str, **arguments: Any) -> Any:
        """Ask Chroma; a collection that another process made anew is looked up again."""
        from chromadb.errors import NotFoundError

        try:
            return getattr(self._collection(encoder), verb)(**arguments)
        except NotFoundError:
            self._collections.pop(encoder.name, None)
            return getattr(self._collection(encoder), verb)(**arguments)

    def _collection(self, encoder: Encoder) -> Any:
        if encoder.name not in self._collections:
            self._collections[encoder.name] = self._client.get_or_create_collection(
                _collection_name(encoder),
                embedding_function=None,
                configuration={"hnsw": {"space": "ip", "ef_search": 128}},
            )
        return self._collections[encoder.name]


def _open_folder(folder: Path, settings: Any) -> Any:
    """Embedded Chroma; a damaged folder is set aside, for everything in it can be made anew."""
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient

    def client() -> Any:
        opened = chromadb.PersistentClient(path=str(folder), settings=settings)
        for collection in opened.list_collections():
            collection.get(limit=1, include=["embeddings"])
            collection.query(query_embeddings=[[0.0] * _width(collection)], n_results=1)
        return opened

    try:
        return client()
    except Exception:
        if not folder.exists() or not os.access(folder, os.W_OK):
            raise
        log.warning("%s is damaged; it is set aside and made anew", folder, exc_info=True)
        SharedSystemClient.clear_system_cache()
        aside = folder.with_name("chroma-damaged")
        if aside.is_dir():
            shutil.rmtree(aside)
        folder.rename(aside)
        return client()


def _width(collection: Any) -> int:
    found = collection.get(limit=1, include=["embeddings"])["embeddings"]
    return len(found[0]) if len(found) else 1


def _collection_name(encoder: Encoder) -> str:
    # Inner product: for unit vectors the same order as cosine, and the bits come back unchanged.
    return f"texts-ip-{hashlib.sha256(encoder.name.encode()).hexdigest()[:12]}"


def _address(url: str) -> tuple[str, int, bool]:
    parts = urlparse(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise Invalid(f"VERBATIM_CHROMA_URL={url} must be like http://127.0.0.1:8001")
    ssl = parts.scheme == "https"
    return parts.hostname, port or (443 if ssl else 8000), ssl
