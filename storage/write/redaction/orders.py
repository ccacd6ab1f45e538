"""Orders of redactions: each act lists the rows to empty, before any row is emptied."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    func,
    select,
)

from storage.database.archive_errors import ArchiveError
from storage.database.table_facts import EMPTIED
from storage.database.tables import FOREIGN_RECORD, REDACTION, TRANSFER
from storage.database.tables.metadata import METADATA
from storage.database.unit import Unit, rows_in
from storage.history.totals import store_fact, stored_fact
from storage.values.redaction import (
    PENDING,
    RedactionReason,
)
from storage.write.redaction.plan import ORDER
from storage.write.redaction.without_redacted import ReturnedText

BY_ITSELF = "lesart"
"""Actor of automatic redactions, such as of returning texts."""


def order(
    unit: Unit, rows: Mapping[str, Collection[int]], reason: RedactionReason, actor: str
) -> int | None:
    """Record the rows to empty; return the number of the act, None if there are no rows.

    `empty_ordered` empties them. Rows that were ordered before are left out.
    """
    wanted = {table: set(rows.get(table, ())) for table in ORDER}
    for table, numbers in wanted.items():
        known = select(REDACTION.c.row_id).where(REDACTION.c.table_name == table)
        if (
            reason is not RedactionReason.RETENTION
        ):  # of captures redacted by retention, other columns remain
            known = known.where(REDACTION.c.reason != RedactionReason.RETENTION)
        numbers -= {row[0] for row in rows_in(unit.connection, known, REDACTION.c.row_id, numbers)}
    pairs = [(table, number) for table in ORDER for number in sorted(wanted[table])]
    if not pairs:
        return None
    act_id = unit.number()
    for place, (table, number) in enumerate(pairs):
        row = {
            "id": unit.number() if place else act_id, "table_name": table, "row_id": number,
            "reason": reason.value, "at": unit.now, "actor": actor, "act_id": act_id,
        }  # fmt: skip
        unit.add(REDACTION, row)
    unit.flush()
    if stored_fact(unit.connection, PENDING) is None:
        store_fact(unit.connection, PENDING, str(act_id - 1))
    return act_id


def order_again(unit: Unit, returned: Sequence[ReturnedText]) -> None:
    """Order the redaction of bytes that resulted in a redacted text, with the same reason."""
    if not returned:
        return
    unit.flush()
    by_act: dict[int, list[ReturnedText]] = defaultdict(list)
    for each in returned:
        by_act[each.act_id].append(each)
    for act_id, those in by_act.items():
        query = select(REDACTION.c.reason).where(REDACTION.c.id == act_id)
        reason = RedactionReason(unit.connection.execute(query).scalar_one())
        rows: dict[str, set[int]] = {"capture": {each.capture_id for each in those}}
        observed = {each.observation_id for each in those}
        for table in (TRANSFER, FOREIGN_RECORD):
            query = select(table.c.id)
            found = rows_in(unit.connection, query, table.c.observation_id, observed)
            rows[table.name] = {row[0] for row in found}
        order(unit, rows, reason, BY_ITSELF)


class ReplayError(ArchiveError):
    """A list of redactions cannot be applied to this archive; the message states the reason."""


def replay(unit: Unit, listed: Iterable[Mapping[str, Any]]) -> int:
    """Order the redactions of a `lesart redact --list` of this archive again, as after a restore.

    Missing rows are left out. Returns the number of acts with rows. Raises: ReplayError.
    """
    own, done = archive_id(unit.connection), 0
    for act in listed:
        if act.get("archive") != own:
            raise ReplayError("the list of redactions is of another archive: nothing was redacted")
        try:
            rows = _parse_rows(act["rows"])
            reason, actor = RedactionReason(act["reason"]), str(act["actor"])
        except (KeyError, TypeError, ValueError) as error:
            raise ReplayError(f"this is no list of redactions: {error}") from error
        for table, numbers in rows.items():
            column = METADATA.tables[EMPTIED[table][0]].c.id
            held = rows_in(unit.connection, select(column), column, numbers)
            rows[table] = {row[0] for row in held}
        done += order(unit, rows, reason, actor) is not None
    return done


def _parse_rows(named: Iterable[str]) -> dict[str, set[int]]:
    """Return rows by table, parsed from `TABLE NUMBER`. Raises: ValueError."""
    rows: dict[str, set[int]] = defaultdict(set)
    for each in named:
        table, number = each.split(" ")
        if table not in ORDER:
            raise ValueError(f"{table!r} is no table that is redacted")
        rows[table].add(int(number))
    return rows


def archive_id(connection: Connection) -> str | None:
    """Return the id of an archive, which its copies share."""
    return stored_fact(connection, "id")


def acts(connection: Connection) -> list[Row[Any]]:
    """Return each act of redaction: number, time, reason, actor, number of rows."""
    act = func.coalesce(REDACTION.c.act_id, REDACTION.c.id).label("act")
    query = select(
        act, func.min(REDACTION.c.at).label("at"), func.min(REDACTION.c.reason).label("reason"),
        func.min(REDACTION.c.actor).label("actor"), func.count().label("rows"),
    )  # fmt: skip
    return list(connection.execute(query.group_by(act).order_by(act)))


def rows_of_acts(connection: Connection) -> dict[int, list[tuple[str, int]]]:
    """Return the rows of each act of redaction, by table and number."""
    query = select(REDACTION).order_by(REDACTION.c.id)
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.id if row.act_id is None else row.act_id].append((row.table_name, row.row_id))
    return found
