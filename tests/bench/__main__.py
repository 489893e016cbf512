"""`make bench`: every figure of the product beside its floor or its peer, in one run.

    python -m tests.bench [--help-centre FOLDER] [--only NAME …]

Everything talks to 127.0.0.1, is bounded in count, and stops by itself.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import chatting, freshness, importing, latency, listing, peer, replaying, scale
from tests.bench.report import Report

PARTS: dict[str, Callable[[Report, Path, Path | None], None]] = {
    "latency": latency.run,
    "chatting": chatting.run,
    "peer": peer.run,
    "freshness": freshness.run,
    "scale": scale.run,
    "importing": importing.run,
    "listing": listing.run,
    "replaying": replaying.run,
}
DATASETS = Path(__file__).resolve().parents[3] / "shared" / "datasets" / "plausible" / "docs"


def main() -> None:
    """Run the parts that were asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--help-centre", type=Path, default=DATASETS if DATASETS.exists() else None)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    arguments = parser.parse_args()
    report = Report()
    with TemporaryDirectory() as scratch:
        for name in arguments.only:
            started = time.perf_counter()
            print(f"… {name}", file=sys.stderr, flush=True)
            PARTS[name](report, Path(scratch), arguments.help_centre)
            print(f"  {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    print(report.text())


if __name__ == "__main__":
    main()
