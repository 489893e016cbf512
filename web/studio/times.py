"""Times in forms: a local time and its zone, taken for an instant or refused in clear words."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from kb.db import now
from web.i18n import _
from web.studio.wrongs import Wrong

AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def zones() -> tuple[str, ...]:
    """Names of the time zones that a form offers."""
    named = (zone for zone in available_timezones() if zone.split("/")[0] in AREAS)
    return ("UTC", *sorted(named))


def instant_of(text: str, zone: str) -> datetime | None:
    """The instant of a local time; None for an empty field. Raises Wrong."""
    if not text.strip():
        return None
    if zone not in zones():
        raise Wrong(_("Choose a time zone from the list."), "zone")
    try:
        local = datetime.fromisoformat(text.strip())
        at = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Wrong(_("A time looks like 2030-01-31T09:00."), "at") from error
    if local.tzinfo or at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        raise Wrong(_("That hour does not exist in this time zone: the clocks go forward."), "at")
    return at


def showing(at: str, until: str, zone: str) -> tuple[datetime | None, datetime | None]:
    """When something begins and ends to show. Raises Wrong for the past and the wrong order."""
    starts, ends = instant_of(at, zone), instant_of(until, zone)
    if starts and starts <= now():
        raise Wrong(_("That time has passed. Choose a later one, or publish now."), "at")
    if ends and ends <= now():
        raise Wrong(_("The end has passed already. Choose a later one, or none."), "until")
    if starts and ends and ends <= starts:
        raise Wrong(_("The end must come after the start."), "until")
    return starts, ends
