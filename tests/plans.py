"""Ask a database for the plan of each statement, and report those that read a whole table."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

from storage.database.tables.metadata import METADATA

ASKED = ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")
NAMED = re.compile(r'(?:FROM|JOIN) "?(\w+)"? (?:AS )?"?(\w+)"?')
PARTIAL = frozenset(
    {"alert_delivery_open", "copy_request_open", "job_open", "picture_request_open"}
)
"""Indexes that hold what is open, and not what ever was."""
FORBIDDEN = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
INDEX = re.compile(r"Index (?:Only )?Scan (?:using|on) (\w+)")
SCANNED = re.compile(r"^SCAN (?P<name>\w+)(?P<by>.*)$")


@contextmanager
def whole_scans_of(engine: Engine | type[Engine]) -> Iterator[list[tuple[str, str]]]:
    """Give a list that fills with tables that statements read whole, each with its statement.

    PostgreSQL is asked with scans forbidden, and joins that read a whole side: what it reads whole
    then, no index can answer.
    """
    found: list[tuple[str, str]] = []

    def explain(connection, cursor, statement, parameters, _context, executemany) -> None:
        if not statement.lstrip().startswith(ASKED):
            return
        given = parameters[0] if executemany else parameters
        raw = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            names = _of_sqlite(raw, statement, given)
        else:
            names = _of_postgres(raw, statement, given)
        found.extend((name, statement) for name in names)

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", explain)


@contextmanager
def indexes_of(engine: Engine) -> Iterator[set[str]]:
    """Give a set that fills with the indexes that PostgreSQL reads, with its settings as they are."""
    found: set[str] = set()

    def explain(connection, cursor, statement, parameters, _context, _executemany) -> None:
        if statement.lstrip().startswith(ASKED):
            with connection.connection.driver_connection.cursor() as explaining:
                plan = explaining.execute(f"EXPLAIN {statement}", parameters or None).fetchall()
            found.update(INDEX.findall(str(plan)))

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def _of_sqlite(raw, statement, given) -> Iterator[str]:
    named = {alias: table for table, alias in NAMED.findall(statement)}
    for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", given).fetchall():
        scanned = SCANNED.match(row[3])
        if scanned is None or _ends_early(statement, scanned["by"]):
            continue
        name = named.get(scanned["name"], scanned["name"])
        if name in METADATA.tables:
            yield name


def _ends_early(statement, by) -> bool:
    """Return whether a scan ends with the first rows: it goes by an index, or takes any."""
    if any(f"INDEX {name}" in by for name in PARTIAL):
        return True
    return "LIMIT" in statement and ("USING" in by or "WHERE" not in statement)


def _of_postgres(raw, statement, given) -> Iterator[str]:
    with raw.cursor() as cursor:
        for name in FORBIDDEN:
            cursor.execute(f"SET LOCAL {name} = off")
        ((plan,),) = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", given or None).fetchall()
        for name in FORBIDDEN:
            cursor.execute(f"SET LOCAL {name} = on")
    yield from _nodes(json.loads(plan) if isinstance(plan, str) else plan)


def _nodes(plans, *, ends_early=False) -> Iterator[str]:
    for each in plans:
        node = each.get("Plan", each)
        kind, by = node["Node Type"], node.get("Index Name")
        ends_early = ends_early or kind == "Limit"
        is_whole = "Index" in kind and "Index Cond" not in node and by not in PARTIAL
        if kind == "Seq Scan" or (is_whole and not ends_early):
            yield node.get("Relation Name", by)
        yield from _nodes(node.get("Plans", ()), ends_early=ends_early)
