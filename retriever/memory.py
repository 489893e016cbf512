"""Giving memory back to the machine: what glibc keeps for later, and what was read of a file."""

import ctypes
from contextlib import suppress
from pathlib import Path

# Of madvise(2).
MADV_DONTNEED = 4


def trim() -> None:
    """Questions leave holes, 17 MB after some hundreds; closing them takes milliseconds."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def release(file: Path) -> None:
    """Let go of the pages of a mapped file; what is read again comes from the system's cache."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for start, end in _mappings(file):
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_DONTNEED)


def _mappings(file: Path) -> list[tuple[int, int]]:
    """Where this process reads a file in place, without writing: its addresses, first and end."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, *_, name = line.split(maxsplit=5)
        if name == str(file) and "w" not in rights:
            start, end = addresses.split("-")
            found.append((int(start, 16), int(end, 16)))
    return found
