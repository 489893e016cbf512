"""Runs the program `chroma`, and ends it with the process that started it.

    python -m web.chroma_server PROGRAM run --path …

However the parent ends, even by kill -9, its end of our standard input closes.
"""

import os
import runpy
import sys
import threading


def main() -> None:
    """Never returns while the parent lives."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _leave_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
