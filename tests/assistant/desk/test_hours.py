"""Opening hours as people write them."""

from datetime import UTC, datetime

import pytest

from assistant.desk.hours import parse_hours
from kb.errors import Invalid

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_no_hours_are_always() -> None:
    assert parse_hours("", "UTC").are_open(MONDAY_NOON)


@pytest.mark.parametrize(
    ("text", "zone", "is_open"),
    [
        ("Mon-Fri 09:00-18:00", "UTC", True),
        ("Mon-Fri 09:00-12:00", "UTC", False),
        ("Sat-Mon 11:00-13:00", "UTC", True),
        ("Tue 09:00-18:00, Mon 12:00-12:01", "UTC", True),
        ("Mon 09:00-13:00", "Asia/Seoul", False),
        ("mon 20:00-24:00", "Asia/Seoul", True),
        ("Sat 10:00-14:00", "UTC", False),
    ],
)
def test_desk_is_open_within_its_hours(text: str, zone: str, is_open: bool) -> None:
    assert parse_hours(text, zone).are_open(MONDAY_NOON) is is_open


@pytest.mark.parametrize(
    "text", ["always", "Mon", "Mon 9-18", "Mon 18:00-09:00", "Foo 09:00-10:00", "Mon 25:00-26:00"]
)
def test_hours_that_cannot_be_read_say_how_to_write_them(text: str) -> None:
    with pytest.raises(Invalid, match=r"Mon-Fri 09:00-18:00"):
        parse_hours(text, "UTC")


def test_unknown_zone_is_refused() -> None:
    with pytest.raises(Invalid, match="Europe/Rome"):
        parse_hours("", "Middle/Earth")
