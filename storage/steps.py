"""What changed in the step from one version of an article to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from storage.classes import classify
from storage.compare import Text, diff, passages, words_added, words_removed
from storage.history import Run
from storage.record import TEXT_ROLES, Json
from storage.tables import DerivationRow, WordingRow
from storage.writing import Unit, table_of

DERIVATION, WORDING = table_of(DerivationRow), table_of(WordingRow)

STEP = ("changes", "silent", "words_added", "words_removed", "removed", "added")


def step_of(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in STEP}


FIRST_STEP: Mapping[str, Any] = {
    "changes": ["first"], "silent": None, "words_added": 0, "words_removed": 0, "removed": [],
    "added": [],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What two versions are compared by: the text, and when it says that it was modified."""

    text: Text
    modified: str | None


class Steps:
    """Says what changed between a run and the one before it."""

    def __init__(self, unit: Unit, known: Mapping[int, Row[Any]], found: Sequence[Run]) -> None:
        self.unit = unit
        self.known = known
        self.runs = {run.number: run for run in found}
        self._derivations: dict[int, Told] = {}

    def is_kept(self, row: Row[Any], run: Run) -> bool:
        """Tell whether the stored step still stands: same wording after the same wording."""
        if run.compared is not None:
            return False
        if row.wording_id != run.wording_id or run.number == 1:
            return bool(row.wording_id == run.wording_id)
        before, stored = self.runs.get(run.number - 1), self.known.get(run.number - 1)
        return before is None or (stored is not None and stored.wording_id == before.wording_id)

    def of(self, run: Run) -> dict[str, Any]:
        """Return the columns that tell of the step to `run`."""
        if run.number == 1:
            return dict(FIRST_STEP)
        before, after = run.compared or (self._derivation(run.number - 1), run.derivation_id)
        a, b = self._told(before), self._told(after)
        operations = diff(a.text, b.text)
        classes = tuple(classify(a.text, b.text, operations))
        if run.wording_id in self._earlier(run.number - 1):
            classes = (*classes, "reversion")
        removed, added = passages(operations)
        return {
            "changes": list(classes),
            "silent": is_silent(a.modified, b.modified, classes),
            "words_added": words_added(operations),
            "words_removed": words_removed(operations),
            "removed": list(removed),
            "added": list(added),
        }

    def _derivation(self, number: int) -> int:
        run = self.runs.get(number)
        return run.derivation_id if run else self.known[number].derivation_id

    def _earlier(self, before: int) -> set[int]:
        stored = {n: row.wording_id for n, row in self.known.items() if n < before}
        fresh = {n: run.wording_id for n, run in self.runs.items() if n < before}
        return set({**stored, **fresh}.values())

    def _told(self, derivation_id: int) -> Told:
        if derivation_id not in self._derivations:
            self._derivations[derivation_id] = told(self.unit.connection, derivation_id)
        return self._derivations[derivation_id]


def is_silent(before: Json, after: Json, classes: Sequence[str]) -> bool | None:
    """Tell whether a change of the wording goes unmentioned; None where no date could tell.

    `before` and `after` are the dates of modification that the two captures name. A new date
    or a notice speaks of the change.

    >>> is_silent("2024-06-18", "2024-06-18", ["number"]), is_silent(None, None, ["number"])
    (True, None)
    """
    if before is None and after is None:
        return None
    return before == after and "notice" not in classes


def told(connection: Connection, derivation_id: int) -> Told:
    """Return title, text paragraphs and date of modification of a derivation."""
    query = (
        select(DERIVATION.c.detail, WORDING.c.title, WORDING.c.text)
        .join(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .where(DERIVATION.c.id == derivation_id)
    )
    detail, title, body = connection.execute(query).one()
    stored = (body or "").split("\n\n")
    if detail is None:
        return Told(Text(title, tuple(("text", paragraph) for paragraph in stored)), None)
    paragraphs = tuple(
        (entry["role"], stored[entry["w"]] if "w" in entry else entry["text"])
        for entry in detail["paragraphs"]
        if entry["role"] in TEXT_ROLES
    )
    modified = (detail["fields"].get("modified") or {}).get("value") or {}
    return Told(Text(detail["title"], paragraphs), modified.get("value"))
