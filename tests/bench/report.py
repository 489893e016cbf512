"""One table: what was measured, beside what, and the bar it is held to."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """Rows of figure, value, floor or peer, bar."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, figure: str, value: str, beside: str = "", bar: str = "") -> None:
        """One more row."""
        self.rows.append((figure, value, beside, bar))

    def text(self) -> str:
        """The table."""
        rows = [("figure", "measured", "floor or peer", "bar"), *self.rows]
        widths = [max(len(row[n]) for row in rows) for n in range(4)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
