"""Results of checks: passed, broken, or not covered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from storage.database.table_facts import STATE_TABLES
from storage.proof.stamp import Authority
from storage.values.answer import Answer


@dataclass(frozen=True, slots=True)
class BrokenObject(Answer):
    """A broken object: its kind, its id, and a message."""

    object: str
    id: int | str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class PassedItem:
    """One passed item; `redacted` is true if it was removed with a recorded reason.

    `expired` is true if its bytes were deleted at the end of their retention period instead.
    `older_steps` is the number of changes classified by older rules, which are not computed again.
    `orphan` is an object in the store of captures that no row references.
    """

    redacted: bool = False
    expired: bool = False
    older_steps: int = 0
    orphan: str | None = None


PASSED = PassedItem()
REDACTED = PassedItem(redacted=True)
EXPIRED = PassedItem(expired=True)


@dataclass(slots=True)
class Scope:
    """The scope of a check: rows above a number, a share of the rows, and an external checkpoint.

    `authorities` are those whose stamps count. `reached` is the position of the current check, for
    a later continuation, and `after` that of an earlier run.
    """

    begin: int = -1
    after: int = -1
    permille: int = 1000
    seed: int = 0
    against: tuple[str, ...] = ()
    authorities: tuple[Authority, ...] = ()
    reached: int = -1

    @property
    def first(self) -> int:
        """Return the number above which the rows of a check are read."""
        return max(self.begin, self.after)

    def takes(self, number: int) -> bool:
        """Check whether this row is in the sample."""
        return self.permille >= 1000 or (number * 7919 + self.seed) % 1000 < self.permille

    def where(self, name: str) -> str:
        """Return the condition of the sample on a column."""
        taken = f"({name} * 7919 + {self.seed}) % 1000 < {self.permille}"
        return f"{name} > {self.first}" + (f" AND {taken}" if self.permille < 1000 else "")


Findings = Iterator[PassedItem | BrokenObject]
Check = Callable[[Connection, Scope], Findings]
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors of stored values that do not have the form of their column."""


@dataclass(frozen=True, slots=True)
class NotCovered(Answer):
    """A table that is not compared with the record, or some `columns` of it, with the `reason`."""

    table: str
    columns: tuple[str, ...] | None
    reason: str


_INDEX = "settings of the full-text index in SQLite"
_PLACES = "where a look-up in the index begins; an edit that misleads it is named as damage"
_ORDER = "the order of changes for replication; an edit can hide or repeat a row there"

NOT_COVERED = (
    *(
        NotCovered(table.name, None, table.unchecked)
        for table in STATE_TABLES
        if table.unchecked is not None
    ),
    NotCovered("search_text_config", None, _INDEX),
    NotCovered("sentence_text_config", None, _INDEX),
    NotCovered("search_text_idx", ("segid", "term"), _PLACES),
    NotCovered("sentence_text_idx", ("segid", "term"), _PLACES),
    NotCovered("counter", ("value",), "numbers that were never given out, which leave no row"),
    NotCovered("article", ("seq",), _ORDER),
    NotCovered("snapshot", ("seq",), _ORDER),
    NotCovered("version", ("seq",), _ORDER),
    NotCovered("corrected_scan", ("seq",), _ORDER),
    NotCovered("change_event", ("id",), _ORDER),
    NotCovered(
        "change_event",
        ("origin_id", "what", "changed_after", "changed_by", "recorded_at"),
        "what readers of the change feed were told, which later documents change",
    ),
    NotCovered(
        "version", ("confirmed_id",), "the order in which texts were confirmed, which alerts follow"
    ),
    NotCovered(
        "presence",
        ("ordinal", "container", "size", "mtime_ns", "ctime_ns", "inode", "captures"),
        "properties of a file, which no observation records",
    ),
)
"""A missing row of `index_key` is not found either, because the stored keys depend on the order."""


def summary() -> str:
    """Return one sentence with the kinds of content that no check covers; JSON lists the tables.

    >>> summary().startswith("not covered: the state of work, settings that somebody entered,")
    True
    """
    kinds = dict.fromkeys(each.reason.replace(";", ",").partition(",")[0] for each in NOT_COVERED)
    return f"not covered: {', '.join(kinds)}"
