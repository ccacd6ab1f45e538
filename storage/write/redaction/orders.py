"""Orders of redactions: each act lists the rows to empty, before any row is emptied."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from storage.database.table_facts import EMPTIED
from storage.database.tables import FOREIGN_RECORD, REDACTION, TRANSFER
from storage.database.unit import Unit, rows_in
from storage.history.totals import store_fact, stored_fact
from storage.values.redaction import (
    PENDING,
    RedactionReason,
)
from storage.write.redaction.plan import ORDER, captures_beside, rows_that_show
from storage.write.redaction.without_redacted import ReturnedText

BY_ITSELF = "lesart"
"""Actor of automatic redactions, such as of returning texts."""


def order(
    unit: Unit, rows: Mapping[str, Collection[int]], reason: RedactionReason, actor: str
) -> int | None:
    """Record the rows to empty; return the number of the act, None if there are no rows.

    `empty_ordered` empties them. Rows that were ordered before are left out.
    """
    tables = (*ORDER, *sorted(rows.keys() & EMPTIED.keys() - {*ORDER}))
    wanted = {table: set(rows.get(table, ())) for table in tables}
    for table, numbers in wanted.items():
        known = select(REDACTION.c.row_id).where(REDACTION.c.table_name == table)
        if (
            reason is not RedactionReason.RETENTION
        ):  # of captures redacted by retention, other columns remain
            known = known.where(REDACTION.c.reason != RedactionReason.RETENTION)
        numbers -= {row[0] for row in rows_in(unit.connection, known, REDACTION.c.row_id, numbers)}
    pairs = [(table, number) for table in tables for number in sorted(wanted[table])]
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
        shown = rows_that_show(unit.connection, observed)
        rows["capture"] |= captures_beside(unit.connection, shown)
        order(unit, {**rows, **shown}, reason, BY_ITSELF)
