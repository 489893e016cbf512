"""The page: what was tried, what came of it, and whether it holds."""

from collections.abc import Callable
from dataclasses import dataclass, field

MARKS = {True: "holds", False: "FAILS", None: ""}


@dataclass
class Page:
    """Rows of a trial, its figure, what it stands beside, and whether it holds (None: a fact).

    Each is told as soon as it is there, for the whole takes long.
    """

    tell: Callable[[str], None]
    rows: list[tuple[str, str, str, bool | None]] = field(default_factory=list)

    def add(self, trial: str, figure: str, beside: str = "", holds: bool | None = None) -> None:
        """One more row."""
        self.rows.append((trial, figure, beside, holds))
        self.tell(f"  {trial}: {figure}  {MARKS[holds]}")

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return all(holds is not False for *_, holds in self.rows)

    def text(self) -> str:
        """The page as it is printed."""
        rows = [
            ("trial", "figure", "beside", ""),
            *((t, f, b, MARKS[h]) for t, f, b, h in self.rows),
        ]
        widths = [max(len(row[n]) for row in rows) for n in range(4)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        lines = [lines[0], "  ".join("-" * w for w in widths), *lines[1:]]
        failed = sum(holds is False for *_, holds in self.rows)
        return "\n".join([*lines, "", "Everything holds." if self.holds else f"{failed} FAIL."])
