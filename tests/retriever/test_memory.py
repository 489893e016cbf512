"""What was only read goes back to the machine, and is there again when it is read."""

import mmap
from pathlib import Path

import pytest

from retriever.embeddings import Encoder
from retriever.memory import release, trim

PAGES = 256


def resident_kb(file: Path) -> int:
    """How much of a mapped file this process holds in memory."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    places = [n for n, line in enumerate(lines) if line.endswith(str(file))]
    return sum(int(line.split()[1]) for n in places for line in lines[n : n + 5] if "Rss:" in line)


def test_released_file_is_not_held_and_reads_as_before(tmp_path: Path) -> None:
    file = tmp_path / "table"
    file.write_bytes(b"words" * mmap.PAGESIZE * PAGES)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        before = bytes(mapped)
        held = resident_kb(file)
        release(file)
        assert resident_kb(file) < held
        assert bytes(mapped) == before


def test_file_that_is_written_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "table"
    file.write_bytes(bytes(mmap.PAGESIZE))
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, mmap.MAP_PRIVATE) as mapped:
        mapped[:5] = b"words"
        release(file)
        assert mapped[:5] == b"words"


def test_encoder_that_rested_gives_the_same_bits(encoders: list[Encoder]) -> None:
    question = ["how do I reset my password"]
    before = encoders[0].questions(question)
    trim()
    encoders[0].rest()
    assert (encoders[0].questions(question) == before).all()


def test_system_without_these_calls_is_none_the_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: (_ for _ in ()).throw(OSError))
    trim()
    release(Path("/no/such/file"))
