"""The tables and columns that no check of `verify` covers, since the record does not give them."""

from dataclasses import dataclass

from storage.values.answer import Answer


@dataclass(frozen=True, slots=True)
class NotCovered(Answer):
    """A table that is not compared with the record, or some `columns` of it; `reason` says why."""

    table: str
    columns: tuple[str, ...] | None
    reason: str


_SETTINGS = "settings that somebody entered"
_WORK = "the state of work, which nothing else records"
_QUEUE = "a queue of work that is still to be done"
_INDEX = "settings of the full-text index in SQLite"
_PLACES = "where a look-up in the index begins; an edit that misleads it is named as damage"
_ORDER = "the order of changes for replication; an edit can hide or repeat a row there"

NOT_COVERED = (
    NotCovered("source", None, _SETTINGS),
    NotCovered("access_token", None, _SETTINGS),
    NotCovered("alert", None, _SETTINGS),
    NotCovered("alert_channel", None, _SETTINGS),
    NotCovered("alert_delivery", None, _WORK),
    NotCovered("job", None, f"{_WORK}; only the counts of jobs that read are compared"),
    NotCovered("watch", None, _WORK),
    NotCovered("host", None, _WORK),
    NotCovered("stamp_request", None, _WORK),
    NotCovered("box_due", None, _QUEUE),
    NotCovered("relate_due", None, _QUEUE),
    NotCovered("return_due", None, _QUEUE),
    NotCovered("search_due", None, _QUEUE),
    NotCovered("search_text_config", None, _INDEX),
    NotCovered("sentence_text_config", None, _INDEX),
    NotCovered("search_text_idx", ("segid", "term"), _PLACES),
    NotCovered("sentence_text_idx", ("segid", "term"), _PLACES),
    NotCovered("suppression", None, "digests of redacted texts, which nobody can compute again"),
    NotCovered("counter", ("value",), "numbers that were never given out leave no row"),
    NotCovered("article", ("seq",), _ORDER),
    NotCovered("sight", ("seq",), _ORDER),
    NotCovered("version", ("seq",), _ORDER),
    NotCovered(
        "presence",
        ("ordinal", "container", "size", "mtime_ns", "ctime_ns", "inode", "captures"),
        "properties of a file, which no observation records",
    ),
)
"""A missing row of `trace` is not found either: which keys are stored depends on the order."""


def summary() -> str:
    """Return one sentence that names each table, and the columns where others are covered.

    >>> summary().startswith("not covered: source, access_token, alert,")
    True
    """
    names = [
        each.table if each.columns is None else f"{each.table} ({', '.join(each.columns)})"
        for each in NOT_COVERED
    ]
    return f"not covered: {', '.join(names)}"
