"""When somebody is at the desk: opening hours such as `Mon-Fri 09:00-18:00, Sat 10:00-14:00`."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kb.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN = re.compile(r"([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
HELP = "write opening hours like Mon-Fri 09:00-18:00, Sat 10:00-14:00"


@dataclass(frozen=True)
class Span:
    """Some days of the week (0 is Monday), from one minute of the day to another."""

    days: frozenset[int]
    opens: time
    closes: time

    def holds(self, at: datetime) -> bool:
        """Whether that local instant lies within."""
        return at.weekday() in self.days and self.opens <= at.time() < self.closes


@dataclass(frozen=True)
class Hours:
    """Opening hours in a time zone; no spans is always."""

    spans: tuple[Span, ...]
    zone: ZoneInfo

    def are_open(self, at: datetime) -> bool:
        """Whether the desk is open at that instant."""
        local = at.astimezone(self.zone)
        return not self.spans or any(span.holds(local) for span in self.spans)


def parse_hours(text: str, zone: str) -> Hours:
    """Hours from a setting; empty is always. Raises Invalid for what it cannot read."""
    try:
        known = ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"unknown time zone {zone!r}; write one like Europe/Rome") from error
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    return Hours(tuple(_span(part) for part in parts), known)


def _span(text: str) -> Span:
    found = SPAN.fullmatch(text)
    if not found or found[1] not in DAYS or (found[2] or found[1]) not in DAYS:
        raise Invalid(f"cannot read {text!r}; {HELP}")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    days = frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))
    opens, closes = _minute(found[3], found[4]), _minute(found[5], found[6])
    if opens >= closes:
        raise Invalid(f"{text!r} ends before it begins; {HELP}")
    return Span(days, opens, closes)


def _minute(hour: str, minute: str) -> time:
    if int(hour) == 24 and int(minute) == 0:
        return time.max
    if int(hour) > 23 or int(minute) > 59:
        raise Invalid(f"{hour}:{minute} is no time of day; {HELP}")
    return time(int(hour), int(minute))
