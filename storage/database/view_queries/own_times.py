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
    corrected = f"(SELECT {value} {_CORRECTIONS.format(row)})"
    if is_foreign == "FALSE":
        return f"coalesce({corrected}, {otherwise})"
    return f"CASE WHEN {is_foreign} THEN {otherwise} ELSE coalesce({corrected}, {otherwise}) END"
