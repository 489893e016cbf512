"""What every route needs: the store, the index and the settings, opened once a process."""

import ctypes
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from assistant.signing import Signer, open_signer
from kb.db import migrate, open_engine
from kb.errors import VerbatimError
from kb.settings import Settings
from retriever.bars import BarBook
from retriever.embeddings import Encoder, load_encoders
from retriever.index import Index
from retriever.progress import Progress, silent
from retriever.vectors import FolderLock, VectorStore

# Between a server's workers, which must all know the same one.
LOCAL_TOKEN = "VERBATIM_LOCAL_TOKEN"
# Names of glibc's mallopt(3).
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8


def _local_token() -> str:
    return os.environ.get(LOCAL_TOKEN) or secrets.token_urlsafe(16)


@dataclass
class Services:
    """The opened parts; `local_token` lets this machine's command line in without a limit."""

    settings: Settings
    engine: Engine
    index: Index
    lock: FolderLock | None
    local_token: str = field(default_factory=_local_token)

    @cached_property
    def signer(self) -> Signer:
        """This folder's key, with which receipts are sealed."""
        return open_signer(self.engine, self.settings.home)

    def close(self) -> None:
        """Give the folder back."""
        self.index.close()
        self.engine.dispose()
        if self.lock:
            self.lock.release()


def open_store(settings: Settings) -> Engine:
    """The database alone, its schema brought to this release."""
    make_home(settings.home)
    engine = open_engine(settings.sql_url)
    migrate(engine)
    return engine


@contextmanager
def opened_store(settings: Settings) -> Iterator[Engine]:
    """The database alone, closed afterwards."""
    engine = open_store(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def open_services(settings: Settings) -> Services:
    """Everything; takes the folder unless a Chroma server holds the vectors.

    Raises InUse when another process owns the folder, VerbatimError when it cannot be written.
    """
    _keep_memory_low()
    make_home(settings.home)
    lock = None
    if not settings.chroma_url:
        lock = FolderLock(settings.home)
        lock.acquire()
    try:
        engine = open_store(settings)
        vectors = VectorStore.open(settings)
        book = BarBook(settings.home / "bars.json", settings.max_wrong)
        index = Index(engine, vectors, load_encoders(settings.embedding_model), book)
    except BaseException:
        if lock:
            lock.release()
        raise
    return Services(settings, engine, index, lock)


def opened_services(settings: Settings) -> AbstractContextManager[Services]:
    """Everything, closed afterwards."""
    return closing(open_services(settings))


def start_index(services: Services, progress: Progress = silent) -> None:
    """Make the index ready; after a change of model the previous one answers meanwhile."""
    note = services.settings.home / "model"
    wanted = services.settings.embedding_model
    before = note.read_text().strip() if note.exists() else wanted
    previous = _encoders_of(before) if before != wanted else None
    services.index.start(progress, previous, lambda: note.write_text(wanted))


def _encoders_of(model: str) -> list[Encoder] | None:
    try:
        return load_encoders(model)
    except VerbatimError:
        return None


def _keep_memory_low() -> None:
    """Have glibc return what large arrays leave behind, instead of keeping it for every thread."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in ((M_MMAP_THRESHOLD, 128_000), (M_ARENA_MAX, 2)):
            libc.mallopt(parameter, value)


def make_home(home: Path) -> None:
    """The folder, made if need be. Raises VerbatimError when it cannot be."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".probe-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise VerbatimError(
            f"cannot write in {home} ({error.strerror}); set VERBATIM_HOME to a folder you own"
        ) from error
