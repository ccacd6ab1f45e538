"""The times of the archive's own observations, as the corrections of its clock state them.

`row` is an observation. The history of articles has these times already: see
`storage.history.corrected_times`.
"""

from storage.database.view_queries.sql_words import SqlWords

_CORRECTIONS = "FROM clock_correction k WHERE k.id > {0}.id AND k.at < {0}.{1}"


def corrected_time(words: SqlWords, row: str, is_foreign: str = "FALSE") -> str:
    """Return the latest possible time of an observation; one of another archive states its own."""
    found = words.greater("k.since", words.before("k.at", f"(k.id - {row}.id)"))
    return _select_own(f"min({found})", row, is_foreign, f"{row}.observed_at")


def act_time(words: SqlWords, row: str, column: str, *, is_stated: bool = True) -> str:
    """Return the latest possible time of an act of this archive; others state their own.

    `is_stated`: the row has the time at which it was recorded, too, and another one was stated.
    """
    found = words.greater("k.since", words.before("k.at", f"(k.id - {row}.id)"))
    foreign = f"({row}.{column} <> {row}.recorded_at)" if is_stated else "FALSE"
    return _select_own(f"min({found})", row, foreign, f"{row}.{column}", column)


def last_sight(row: str, is_foreign: str = "FALSE") -> str:
    """Return the earliest possible time of an observation: the start of the leap."""
    return _select_own("min(k.since)", row, is_foreign, f"{row}.observed_at")


def correction_seq(row: str, is_foreign: str = "FALSE", number: str = "") -> str:
    """Return the `seq` of a row whose observation a correction changed, 0 if none did.

    `number` is the id of the row (default: that of the observation). The correction reserved a
    block of numbers that keeps the distances of the ids (`storage.history.clock_corrections`), so
    that no two rows share one. A later correction counts only if it begins before the earlier one.
    """
    number = number or f"{row}.id"
    newest = "(SELECT max(older.id) FROM observation older WHERE older.id < k.id)"
    earlier = (
        f"SELECT 1 FROM clock_correction j WHERE j.id > {row}.id AND j.id < k.id "
        f"AND j.at < {row}.observed_at AND j.at <= k.at"
    )
    applies = f"{number} < k.id AND NOT EXISTS ({earlier})"
    found = f"max(CASE WHEN {applies} THEN {number} + k.id - 1 - {newest} ELSE 0 END)"
    return _select_own(found, row, is_foreign, "0")


def _select_own(
    value: str, row: str, is_foreign: str, otherwise: str, column: str = "observed_at"
) -> str:
    """Return `value` of the corrections of a row by its time; most rows are after the last one."""
    corrected = f"(SELECT {value} {_CORRECTIONS.format(row, column)})"
    return (
        f"CASE WHEN {row}.id < (SELECT max(m.id) FROM clock_correction m) AND NOT {is_foreign} "
        f"THEN coalesce({corrected}, {otherwise}) ELSE {otherwise} END"
    )
