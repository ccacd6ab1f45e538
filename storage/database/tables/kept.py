"""The tables of capabilities that were deleted from the program: their facts are in the archive.

Creation and `lesart db upgrade` store the facts of all tables of capabilities. A table that the
program no longer knows stays in the log, in checks, redactions, backups and restored archives.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
)

from storage.capabilities import CAPABILITIES
from storage.capabilities.hooks import LogEntry, RecordTable, StateTable
from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.schema_version import names_in
from storage.database.table_facts import (
    ALL_TABLES,
    EMPTIED,
    ERASABLE,
    LOG_FORMS,
    LOG_NAMES,
    LOGGED,
    find_emptied,
)
from storage.database.tables.metadata import METADATA

KEY = "tables"
"""Key of the fact of the archive with the facts of the tables, as JSON."""
_TYPES = {
    "time": (UtcTime, UtcTime()), "json": (type(JSON_TYPE), JSON_TYPE),
    "bytes": (LargeBinary, LargeBinary()), "flag": (Boolean, Boolean()),
    "float": (Float, Float()), "number": (Integer, BigInteger()), "text": (Text, Text()),
}  # fmt: skip
"""The types of columns by their names in the facts: the class, and the type that is created."""
_FACTS = ("emptied", "emptied_address", "elsewhere")
_ARCHIVE = METADATA.tables["archive"].c


class KeptTable(NamedTuple):
    """A table of the archive that the program does not know; `record` is None in the state."""

    table: Table
    references: dict[str, str]
    record: RecordTable | None


_FOUND: WeakKeyDictionary[Engine, tuple[KeptTable, ...]] = WeakKeyDictionary()
_KEPT = MetaData()


def store_facts(connection: Connection) -> None:
    """Store the facts of the tables of capabilities; those of unknown tables stay."""
    stored = _read_facts(connection)
    facts = stored | _facts_of_capabilities()
    if facts != stored:
        connection.execute(delete(METADATA.tables["archive"]).where(_ARCHIVE.key == KEY))
        row = {"key": KEY, "value": json.dumps(facts, sort_keys=True)}
        connection.execute(insert(METADATA.tables["archive"]).values(row))


def find_changed_facts(connection: Connection) -> list[str]:
    """Return the tables whose stored facts differ from the program, and other keys of facts.

    An archive that no program opened for writing since facts are stored has none.
    """
    stored, facts = _read_facts(connection), _facts_of_capabilities()
    known = json.loads(json.dumps(facts))
    has_facts = _ARCHIVE.value.contains('"columns": {', autoescape=True)
    others = connection.scalars(select(_ARCHIVE.key).where(has_facts, _ARCHIVE.key != KEY))
    return [name for name in facts if name in stored and stored[name] != known[name]] + [*others]


def _facts_of_capabilities() -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for each in CAPABILITIES:
        facts |= {table.name: _facts_of(table) for table in each.record_tables}
        facts |= {table.name: _facts_of(table) for table in each.state_tables}
    return facts


def find_kept(connection: Connection) -> tuple[KeptTable, ...]:
    """Return the tables of an archive that the program does not know; their forms are known then.

    A process asks each archive once: only another program creates such tables.
    """
    found = _FOUND.get(connection.engine)
    if found is None:
        known = {table.name for table in ALL_TABLES}
        facts = _read_facts(connection)
        names = facts.keys() - known
        names &= names_in(connection) if names else names
        found = tuple(_keep(name, facts[name]) for name in sorted(names))
        _FOUND[connection.engine] = found
    return found


def kept_records(connection: Connection) -> Iterator[RecordTable]:
    """Yield the facts of the tables of the record that the program does not know."""
    return (each.record for each in find_kept(connection) if each.record is not None)


def logged_tables(connection: Connection) -> tuple[str, ...]:
    """Return the tables of an archive with an entry in the log for every row."""
    return (*LOGGED, *(each.name for each in kept_records(connection)))


def table_named(name: str) -> Table:
    """Return a table that the program knows, or that an archive has kept."""
    found = METADATA.tables.get(name)
    return _KEPT.tables[name] if found is None else found


def create_kept(old: Connection, new: Connection) -> list[Table]:
    """Create the tables of the record in a copy that the program does not know; return them."""
    tables = [each.table for each in find_kept(old) if each.record is not None]
    _KEPT.create_all(new, tables=tables)
    _FOUND[new.engine] = tuple(each for each in find_kept(old) if each.record is not None)
    return tables


def _read_facts(connection: Connection) -> dict[str, Any]:
    found = connection.scalar(select(_ARCHIVE.value).where(_ARCHIVE.key == KEY))
    try:
        facts: dict[str, Any] = json.loads(found or "{}")
    except ValueError:  # `verify` names it
        return dict.fromkeys(_facts_of_capabilities())
    return facts


def _facts_of(table: RecordTable | StateTable) -> dict[str, Any]:
    """Return the facts of a table as JSON values, with its columns."""
    rows = METADATA.tables[table.name]
    unique = [each for each in rows.constraints if isinstance(each, UniqueConstraint)]
    facts: dict[str, Any] = {
        "columns": {
            each.name: [_type_of(each), bool(each.nullable), bool(each.primary_key)]
            for each in rows.columns
        },
        "unique": sorted(
            [[each.name for each in one.columns] for one in unique]
            + [[each.name] for each in rows.columns if each.unique]
        ),
        "references": dict(table.references),
    }
    if isinstance(table, RecordTable):
        facts |= {name: getattr(table, name) for name in _FACTS} | {"log": table.log}
    return dict(json.loads(json.dumps(facts)))


def _type_of(column: Column[Any]) -> str:
    known = (name for name, (kind, _) in _TYPES.items() if isinstance(column.type, kind))
    return next(known, "text")


def _keep(name: str, facts: dict[str, Any]) -> KeptTable:
    """Return a table by its stored facts, and make the form of its log entries known."""
    columns = (
        Column(each, _TYPES[kind][1], nullable=nullable, primary_key=is_key, autoincrement=False)
        for each, (kind, nullable, is_key) in facts["columns"].items()
    )
    unique = (UniqueConstraint(*each) for each in facts["unique"])
    table = _KEPT.tables.get(name)
    table = Table(name, _KEPT, *columns, *unique) if table is None else table
    if "log" not in facts:
        return KeptTable(table, facts["references"], None)
    kind, salted, covered, key = facts["log"]
    record = RecordTable(
        name, LogEntry(kind, tuple(salted), tuple(covered), key),
        in_bundle=False, transfer="none", known_at=None, emptied=tuple(facts["emptied"]),
        emptied_address=tuple(facts["emptied_address"]), references=facts["references"],
        elsewhere=facts["elsewhere"],
    )  # fmt: skip
    if record.log is not None:
        LOG_FORMS[name] = record.log
        LOG_NAMES.setdefault(record.log.kind, name)
    EMPTIED.update(find_emptied(record))
    if record.emptied or record.emptied_address:
        ERASABLE[name] = (*record.emptied, *record.emptied_address)
    return KeptTable(table, facts["references"], record)
