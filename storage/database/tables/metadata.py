"""All tables, those of capabilities included.

Importing this module loads the tables of capabilities and compares the facts of all tables with
their classes. Only what goes through all tables needs it; the modules of a capability import
`storage.database.tables` instead.
"""

from types import ModuleType

from sqlalchemy import Text

from storage.capabilities import load_parts
from storage.capabilities.hooks import LogEntry, RecordTable, StateTable
from storage.database.table_facts import ALL_TABLES, RECORD_TABLES, STATE_TABLES
from storage.database.tables import RECORD_MODULES, STATE_MODULES
from storage.database.tables.row import Row

_OF_CAPABILITIES = [row for part in load_parts("tables") for row in part.TABLES]

METADATA = Row.metadata
"""The tables by name. Their order depends on what was imported first; no use may depend on it."""


def _require_facts() -> None:
    """Compare the facts of the tables with their classes. Raises: TypeError names the place."""
    further = [str(row.__tablename__) for row in _OF_CAPABILITIES]
    for facts, modules in ((RECORD_TABLES, RECORD_MODULES), (STATE_TABLES, STATE_MODULES)):
        stated = [table.name for table in facts]
        names = [*_names_in(modules), *(name for name in further if name in stated)]
        if names != stated:
            odd = sorted({*names} ^ {*stated}) or names
            raise TypeError(f"storage/database/table_facts.py: other tables or order: {odd}")
        further = [name for name in further if name not in stated]
    if further:
        raise TypeError(f"storage/capabilities: tables without facts: {sorted(further)}")
    for table in ALL_TABLES:
        if problem := _missing_fact(table):
            raise TypeError(f"storage/database/table_facts.py: {table.name}: {problem}")


def _names_in(modules: tuple[ModuleType, ...]) -> list[str]:
    places = {module.__name__ for module in modules}
    return [str(row.__tablename__) for row in Row.__subclasses__() if row.__module__ in places]


def _missing_fact(table: RecordTable | StateTable) -> str | None:
    columns = set(METADATA.tables[table.name].columns.keys())
    named = {*table.references, *table.loose}
    for column in columns - named:
        if column.endswith("_id"):
            return f"{column}: state the table whose row it names, or why the row may be missing"
    if isinstance(table, RecordTable):
        answered = {*table.emptied, *table.emptied_address, *table.kept}
        entry = table.log or LogEntry(kind=-1, key=min(columns))
        for column in {*entry.salted} ^ (answered - {*entry.covered}):
            return f"{column}: a salted column is emptied, or kept for a reason; no other one is"
        for column in (_text_columns(table.name) - {*entry.salted, *entry.covered}) ^ {
            *table.plain
        }:
            return (
                f"{column}: salt a column of text, or state in `plain` why the log may contain it"
            )
        named |= {*entry.salted, *entry.covered, *answered, entry.key, table.known_at or entry.key}
    return f"no such columns: {sorted(named - columns)}" if named - columns else None


def _text_columns(table: str) -> set[str]:
    columns = METADATA.tables[table].columns
    return {name for name, column in columns.items() if isinstance(column.type, Text)}


_require_facts()
