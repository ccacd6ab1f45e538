"""Sources: the only module that reads and writes their rows."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select, update

from storage.database.tables import ORIGIN, SOURCE, WATCH
from storage.database.unit import Unit
from storage.values.arrivals.source import NoSuchSourceError, Source
from storage.values.digest import origin_id

_NAMES = tuple(each.name for each in fields(Source) if each.name != "options")
_THERE = select(SOURCE).where(SOURCE.c.removed_at.is_(None))


def sources(connection: Connection, *, standing: bool | None = None) -> list[Source]:
    """Return the sources that were not removed, sorted by name."""
    query = _THERE.order_by(SOURCE.c.name)
    if standing is not None:
        query = query.where(SOURCE.c.standing == standing)
    return [_source(row) for row in connection.execute(query).mappings()]


def source_named(connection: Connection, name: str) -> Source:
    """Return the source with that name, or the only standing one with that folder or address.

    Raises: NoSuchSourceError.
    """
    at_place = _THERE.where(SOURCE.c.locator == name, SOURCE.c.standing)
    names = connection.execute(at_place.with_only_columns(SOURCE.c.name).limit(2)).scalars().all()
    chosen = names[0] if len(names) == 1 and not was_source(connection, name) else name
    return _only(connection, _THERE.where(SOURCE.c.name == chosen), name)


def source_by_id(connection: Connection, number: int) -> Source:
    """Return the source with that id, removed or not.

    Raises: NoSuchSourceError.
    """
    return _only(connection, select(SOURCE).where(SOURCE.c.id == number), str(number))


def was_source(connection: Connection, name: str) -> bool:
    """Check whether a source with that name ever existed."""
    return connection.execute(select(SOURCE.c.id).where(SOURCE.c.name == name)).first() is not None


def source_watching(connection: Connection, origin: str) -> Source | None:
    """Return the standing source of an address, the oldest of several."""
    query = (
        _THERE.join(WATCH, WATCH.c.source_id == SOURCE.c.id)
        .join(ORIGIN, ORIGIN.c.id == WATCH.c.origin_id)
        .where(ORIGIN.c.public_id == origin_id(origin), SOURCE.c.standing)
        .order_by(SOURCE.c.id)
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _source(row)


def add_source(unit: Unit, name: str, kind: str, locator: str, **settings: Any) -> int:
    """Insert a source with `settings`, and return its number."""
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


def ensure_source(unit: Unit, /, name: str, kind: str, locator: str, **settings: Any) -> Source:
    """Return the source with that name; create or restore it if necessary."""
    query = select(SOURCE.c.standing, SOURCE.c.removed_at).where(SOURCE.c.name == name)
    row = unit.connection.execute(query).first()
    if row is None:
        add_source(unit, name, kind, locator, **settings)
    elif row.removed_at is not None or (settings.get("standing") and not row.standing):
        values = {"removed_at": None, "kind": kind, "locator": locator, **settings}
        unit.connection.execute(update(SOURCE).where(SOURCE.c.name == name).values(**values))
    return source_named(unit.connection, name)


def change_source(unit: Unit, /, name: str, **values: Any) -> Source:
    """Change settings of a source (`paused`, `every_seconds`, `cron`, `removed_at` …).

    Raises: NoSuchSourceError.
    """
    number = source_named(unit.connection, name).id
    unit.connection.execute(update(SOURCE).where(SOURCE.c.id == number).values(**values))
    return source_by_id(unit.connection, number)


def _only(connection: Connection, query: Select[Any], text: str) -> Source:
    row = connection.execute(query).mappings().first()
    if row is None:
        known = connection.execute(select(SOURCE.c.name).where(SOURCE.c.removed_at.is_(None)))
        raise NoSuchSourceError(text, known.scalars())
    return _source(row)


def _source(row: RowMapping) -> Source:
    return Source(**{name: row[name] for name in _NAMES}, options=row["options"] or {})
