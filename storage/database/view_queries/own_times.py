"""The times of the archive's own observations, as the corrections of its clock state them.

`row` is an observation. The history of articles has these times already: see
`storage.history.corrected_times`.
"""

from storage.database.view_queries.words import SqlWords

_CORRECTIONS = "FROM clock_correction k WHERE k.id > {0}.id AND k.at < {0}.observed_at"


def corrected_time(words: SqlWords, row: str, is_foreign: str = "FALSE") -> str:
    """Return the latest possible time of an observation; one of another archive states its own."""
    found = words.greater("k.since", words.before("k.at", f"(k.id - {row}.id)"))
    return _select_own(f"min({found})", row, is_foreign, f"{row}.observed_at")


def last_sight(row: str, is_foreign: str = "FALSE") -> str:
    """Return the earliest possible time of an observation: the start of the leap."""
    return _select_own("min(k.since)", row, is_foreign, f"{row}.observed_at")


def correction_seq(row: str, is_foreign: str = "FALSE") -> str:
    """Return the `seq` of the correction of an observation, 0 without one."""
    return _select_own("max(k.id)", row, is_foreign, "0")


def _select_own(value: str, row: str, is_foreign: str, otherwise: str) -> str:
    """Return `value` of the corrections of an observation; most rows are after the last one."""
    corrected = f"(SELECT {value} {_CORRECTIONS.format(row)})"
    return (
        f"CASE WHEN {row}.id < (SELECT max(m.id) FROM clock_correction m) AND NOT {is_foreign} "
        f"THEN coalesce({corrected}, {otherwise}) ELSE {otherwise} END"
    )
