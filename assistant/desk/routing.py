"""Who is offered a case, and how long one waits for it. Pure: values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

# What taking a case takes when somebody is free, in seconds.
PICK_UP_SECONDS = 30
# What a case takes before there is any experience, and how much experience counts.
USUAL_SECONDS = 300.0
RECENT = 50
# More than that, and the customer is offered other ways (seconds).
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Seat:
    """An agent who is online: what they take, and how much of it they have."""

    person_id: int
    online_since: datetime
    languages: frozenset[str]
    skills: frozenset[str]
    room: int
    busy: int

    @property
    def free(self) -> int:
        """How many more cases fit."""
        return max(0, self.room - self.busy)

    def speaks(self, locale: str) -> bool:
        """Whether cases of that language are taken; no languages named is all of them."""
        return not self.languages or locale in self.languages

    def knows(self, skill: str) -> bool:
        """Whether cases about that are taken; no skills named is all of them."""
        return not skill or not self.skills or skill in self.skills


def choose_seat(
    seats: Sequence[Seat], locale: str, skill: str, declined: int | None = None
) -> Seat | None:
    """The least busy agent with room: by language and skill, else by language alone.

    Whoever let the case pass is asked again only when nobody else can take it. Ties end at
    whoever has been online longest, then at the lower id.
    """
    able = [seat for seat in seats if seat.free and seat.speaks(locale)]
    able = [seat for seat in able if seat.knows(skill)] or able
    able = [seat for seat in able if seat.person_id != declined] or able
    return min(able, key=_burden, default=None)


def _burden(seat: Seat) -> tuple[float, datetime, int]:
    return seat.busy / seat.room, seat.online_since, seat.person_id


def estimate_wait(
    position: int, seats: Sequence[Seat], locale: str, handling: Sequence[float]
) -> int | None:
    """Seconds until it is one's turn, from recent handling times; None if nobody is there.

    Who is free takes cases one after the other; after that a case ends somewhere every
    handling time divided by all the room there is.
    """
    able = [seat for seat in seats if seat.speaks(locale)]
    if not able:
        return None
    free = sum(seat.free for seat in able)
    if position <= free:
        return PICK_UP_SECONDS
    usual = median(handling) if handling else USUAL_SECONDS
    pace = usual / sum(seat.room for seat in able)
    return _round(PICK_UP_SECONDS + (position - free) * pace)


def _round(seconds: float) -> int:
    """To the half minute, and from ten minutes on to the minute: more would be pretence."""
    step = 30 if seconds < 600 else 60
    return max(step, round(seconds / step) * step)
