"""The coordinates of small plots; a template draws them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

CEILINGS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
# Among fewer than this share of the questions, one mistake is a cliff.
STEADY = 0.05


@dataclass(frozen=True)
class Plot:
    """A field from 0 to 1 across and 0 to `ceiling` upwards, in units of its view box."""

    ceiling: float = 1.0
    width: int = 420
    height: int = 300
    left: int = 48
    bottom: int = 44
    edge: int = 12

    def x(self, value: float) -> float:
        """How far from the left."""
        return round(self.left + value * (self.width - self.left - self.edge), 1)

    def y(self, value: float) -> float:
        """How far from the top; what is above the ceiling is drawn at it."""
        share = min(value / self.ceiling, 1)
        return round(self.height - self.bottom - share * (self.height - self.bottom - self.edge), 1)

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        """For a polyline."""
        return " ".join(f"{self.x(across)},{self.y(up)}" for across, up in points)

    def column(self, number: int, count: int, value: float) -> tuple[float, float, float, float]:
        """One of so many columns side by side: x, y, width and height."""
        width = (self.width - self.left - self.edge) / count
        top = self.y(value)
        x = self.left + (number + 0.2) * width
        return round(x, 1), top, round(0.6 * width, 1), round(self.y(0) - top, 1)

    @property
    def ticks(self) -> list[float]:
        """Where the upward axis is labelled."""
        return [round(self.ceiling * step / 5, 3) for step in range(6)]


def risk_plot(figures: dict[str, Any]) -> Plot:
    """A field just high enough for the curve and for where we stand on it."""
    points = figures["risk_coverage"]["points"]
    steady = [point["risk"] for point in points if point["coverage"] >= STEADY]
    top = max([*steady, figures["wrong_rate"] or 0])
    return Plot(next((ceiling for ceiling in CEILINGS if ceiling >= top), 1.0))
