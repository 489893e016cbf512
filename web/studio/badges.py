"""The numbers in the navigation: cheap counts, because every page asks for them."""

from collections.abc import Callable

from sqlmodel import Session

from assistant.notifications import count_unread
from kb.fact_changes import count_to_approve
from kb.people import Person
from kb.worklists import count_to_review

Count = Callable[[Session, Person], int]
UNREAD = "notifications"
# By the name of the room; whoever has something to count adds its line.
COUNTS: dict[str, Count] = {
    UNREAD: count_unread,
    "reviews": count_to_review,
    "facts": count_to_approve,
}


def badges_of(session: Session, person: Person) -> dict[str, int]:
    """What waits for somebody, by room; rooms where nothing does are left out."""
    counts = {room: count(session, person) for room, count in COUNTS.items()}
    return {room: count for room, count in counts.items() if count}
