"""Write sources: the only place that makes their rows."""

from typing import Any

from storage.database.tables import SOURCE
from storage.database.unit import Unit


def add_source(unit: Unit, name: str, kind: str, locator: str, **settings: Any) -> int:
    """Write a source, paused and scheduled as `settings` say, and return its number."""
    number = unit.number()
    values = {
        "standing": False, "paused": False, "every_seconds": None, "cron": None, "timezone": None,
        "options": {}, **settings,
    }  # fmt: skip
    unit.add(
        SOURCE,
        {
            "id": number, "name": name, "kind": kind, "locator": locator, "places": 0,
            "created_at": unit.now, "removed_at": None, **values,
        },
    )  # fmt: skip
    unit.flush()
    return number
