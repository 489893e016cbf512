"""One process owns the folder, and vectors are kept under their texts."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from kb.errors import InUse, Invalid, VerbatimError
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.keys import text_key
from retriever.vectors import FolderLock, VectorStore

HOLD = """
import sys, time
from pathlib import Path
from retriever.vectors import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.acquire("http://127.0.0.1:8123", "secret")
print("held", flush=True)
time.sleep(60)
"""

Hold = Callable[[Path], "subprocess.Popen[str]"]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Starts a process that takes the folder and keeps it."""
    started: list[subprocess.Popen[str]] = []

    def start(home: Path) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", HOLD, str(home)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "held"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Forty unit vectors."""
    found = np.random.default_rng(4).normal(size=(40, 384)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


KEYS = [text_key("question", str(n)) for n in range(40)]


# -- who owns the folder ---------------------------------------------------------------


def test_second_process_is_told_who_owns_the_folder(tmp_path: Path, hold: Hold) -> None:
    owner = hold(tmp_path)
    with pytest.raises(InUse, match=rf"process {owner.pid} at http://127.0.0.1:8123") as caught:
        FolderLock(tmp_path).acquire()
    assert "VERBATIM_HOME" in str(caught.value)
    assert FolderLock(tmp_path).owner()["pid"] == owner.pid


def test_folder_of_a_killed_process_is_free(tmp_path: Path, hold: Hold) -> None:
    owner = hold(tmp_path)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    lock = FolderLock(tmp_path)
    lock.acquire()
    assert lock.owner() == {"pid": os.getpid(), "url": "", "token": ""}
    lock.release()


def test_released_folder_can_be_taken_again(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    first.release()
    second.acquire()
    second.release()
    assert second.owner() == {}


def test_only_the_owner_can_read_what_the_owner_says(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.acquire("http://127.0.0.1:8000", "secret")
    assert (tmp_path / "owner.json").stat().st_mode & 0o077 == 0
    lock.release()


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "\x00"])
def test_unreadable_owner_is_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "owner.json").write_text(text)
    assert FolderLock(tmp_path).owner() == {}


def test_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("not a folder")
    with pytest.raises(VerbatimError, match="VERBATIM_HOME"):
        FolderLock(home).acquire()


# -- what is kept ----------------------------------------------------------------------


def test_kept_vectors_are_fetched_by_key(
    vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray
) -> None:
    vectors.add(own_encoder, KEYS, rows)
    found = vectors.fetch(own_encoder, [*KEYS[:2], "missing"])
    assert set(found) == set(KEYS[:2])
    assert np.allclose(found[KEYS[1]], rows[1], atol=1e-6)


def test_vector_comes_back_with_its_bits(
    vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray
) -> None:
    vectors.add(own_encoder, KEYS, rows)
    found = vectors.fetch(own_encoder, KEYS)
    assert all(np.array_equal(found[key], row) for key, row in zip(KEYS, rows, strict=True))


def test_store_that_rested_has_the_same_vectors(
    tmp_path: Path, own_encoder: Encoder, rows: np.ndarray
) -> None:
    store = VectorStore.open(Settings(home=tmp_path))
    store.add(own_encoder, KEYS[:20], rows[:20])
    store.rest()
    store.add(own_encoder, KEYS[20:], rows[20:])
    store.rest()
    found = store.fetch(own_encoder, KEYS)
    assert all(np.array_equal(found[key], row) for key, row in zip(KEYS, rows, strict=True))
    assert store.nearest(own_encoder, rows[7], 1) == [KEYS[7]]


def test_key_is_kept_once(vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray) -> None:
    vectors.add(own_encoder, KEYS[:3], rows[:3])
    vectors.add(own_encoder, KEYS[:5], rows[:5])
    assert sorted(vectors.nearest(own_encoder, rows[0], 40)) == sorted(KEYS[:5])


def test_nearest_come_nearest_first(
    vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray
) -> None:
    vectors.add(own_encoder, KEYS, rows)
    expected = [KEYS[n] for n in np.argsort(-(rows @ rows[7]))]
    assert vectors.nearest(own_encoder, rows[7], 5) == expected[:5]


def test_encoders_do_not_share_vectors(
    vectors: VectorStore, own_encoder: Encoder, encoders: list[Encoder], rows: np.ndarray
) -> None:
    vectors.add(own_encoder, KEYS[:1], rows[:1])
    assert vectors.fetch(encoders[0], KEYS[:1]) == {}


def test_empty_store_has_nothing_near(
    vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray
) -> None:
    assert vectors.nearest(own_encoder, rows[0], 5) == []
    assert vectors.fetch(own_encoder, []) == {}


def test_pruning_forgets_only_what_nobody_refers_to(
    vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray
) -> None:
    vectors.add(own_encoder, KEYS, rows)
    assert vectors.prune(own_encoder, {*KEYS[:3], "another"}) == 37
    assert set(vectors.fetch(own_encoder, KEYS)) == set(KEYS[:3])


def test_cleared_store_is_empty_and_takes_vectors_again(
    vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray
) -> None:
    vectors.add(own_encoder, KEYS, rows)
    vectors.clear(own_encoder)
    assert vectors.fetch(own_encoder, KEYS) == {}
    vectors.add(own_encoder, KEYS[:1], rows[:1])
    assert set(vectors.fetch(own_encoder, KEYS)) == set(KEYS[:1])


def test_store_that_another_worker_cleared_is_opened_anew(
    vectors: VectorStore, own_encoder: Encoder, rows: np.ndarray
) -> None:
    vectors.add(own_encoder, KEYS, rows)
    another = VectorStore(vectors._client, vectors.states, vectors.questions)
    another.clear(own_encoder)
    another.add(own_encoder, KEYS[:1], rows[:1])
    assert set(vectors.fetch(own_encoder, KEYS)) == set(KEYS[:1])
    assert vectors.nearest(own_encoder, rows[0], 1) == KEYS[:1]


def test_vectors_outlive_the_process(tmp_path: Path, own_encoder: Encoder) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import sys, numpy as np; from pathlib import Path; from types import SimpleNamespace;"
        "from kb.settings import Settings; from retriever.vectors import VectorStore;"
        "store = VectorStore.open(Settings(home=Path(sys.argv[1])));"
        "encoder = SimpleNamespace(name=sys.argv[2]);"
        "store.add(encoder, ['one', 'two'], np.eye(2, 384, dtype=np.float32));"
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(home), own_encoder.name])
    assert killed.returncode == -signal.SIGKILL
    found = VectorStore.open(Settings(home=home)).fetch(own_encoder, ["one", "two"])
    assert np.array_equal(found["two"], np.eye(2, 384, dtype=np.float32)[1])


# -- what cannot be opened -------------------------------------------------------------


@pytest.mark.parametrize("junk", [b"not a database" * 500, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_corrupted_folder_is_set_aside_and_made_anew(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(junk)
    VectorStore.open(Settings(home=tmp_path))
    assert (tmp_path / "chroma-damaged" / "chroma.sqlite3").read_bytes() == junk


def test_file_in_place_of_the_folder_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "chroma").write_text("a file")
    VectorStore.open(Settings(home=tmp_path))
    assert (tmp_path / "chroma-damaged").read_text() == "a file"


@pytest.mark.parametrize(
    "url", ["ftp://chroma", "chroma", "http://", "127.0.0.1:8001", "http://h:x", "http://h:99999"]
)
def test_bad_server_address_names_the_setting(tmp_path: Path, url: str) -> None:
    with pytest.raises(Invalid, match="VERBATIM_CHROMA_URL"):
        VectorStore.open(Settings(home=tmp_path, chroma_url=url))


def test_server_that_is_not_there_is_reported(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1"
    with pytest.raises(VerbatimError, match=f"cannot open the vectors at {url}"):
        VectorStore.open(Settings(home=tmp_path, chroma_url=url))
