"""Times for people, in the zone of the setting `timezone`, which they state; JSON has UTC."""

from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo

_ZONE: ContextVar[tzinfo] = ContextVar("zone", default=UTC)


def use_zone(zone: tzinfo) -> None:
    """Set the zone of the times that this command displays."""
    _ZONE.set(zone)


def format_time(moment: datetime, precision: str = "seconds") -> str:
    """Return a time to the second or minute, with its zone.

    >>> format_time(datetime(2024, 6, 18, 12, tzinfo=UTC))
    '2024-06-18 12:00:00Z'
    """
    text = moment.astimezone(_ZONE.get()).isoformat(" ", precision)
    return text.replace("+00:00", "Z")
