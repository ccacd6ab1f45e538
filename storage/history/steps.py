"""The columns of versions that describe the step to them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from sqlalchemy import Row

from storage.diff.change import METHOD, CaptureContent, TextChange, speaks_of
from storage.diff.entry_changes import EntryChange, first_entries
from storage.history.runs import Pair, Run, Transition
from storage.values.change_class import ChangeClass
from storage.values.draft import as_dict

FIRST_STEP: Mapping[str, Any] = {
    "changes": [ChangeClass.FIRST.value], "silent": None, "words_added": 0, "words_removed": 0,
    "removed": [], "added": [], "before_id": None, "after_id": None, "noise": None, "notices": None,
    "entries": None, "method": METHOD,
}  # fmt: skip
STEP = tuple(FIRST_STEP)

Passages = list[tuple[int, list[str]]]
"""Number of a version and the removed and added passages of its step, the oldest first."""


def step_of(row: Row[Any]) -> dict[str, Any]:
    """Return the columns of a stored version that describe its step."""
    return {name: getattr(row, name) for name in STEP}


class Changes(Protocol):
    """Returns the change of a step, and the content of a capture."""

    def change(self, step: Transition) -> TextChange: ...

    def content(self, derivation_id: int) -> CaptureContent: ...


def stored_entries(changes: Iterable[EntryChange]) -> list[dict[str, Any]] | None:
    """Return the changes of entries as a version stores them."""
    return [each.to_dict() for each in changes] or None


class Steps:
    """Describes the steps of successive runs, using stored rows if they are still valid.

    `past` are the wordings of the earlier versions by number; `passages` returns the changes of
    their steps. `stale` are steps to compare again.
    """

    def __init__(
        self,
        decisions: Changes,
        known: Mapping[int, Row[Any]],
        past: Mapping[int, int],
        passages: Callable[[], Passages],
        stale: frozenset[Pair] = frozenset(),
    ) -> None:
        self._decisions = decisions
        self._known = {
            (row.before_id, row.after_id): row for row in known.values() if row.number > 1
        }
        self._first = known.get(1)
        self._wordings = dict(past)
        self._passages = passages
        self._stale = stale
        self._steps: dict[int, dict[str, Any]] = {}

    def of(self, run: Run) -> dict[str, Any]:
        """Return the columns that describe the step to `run`; call it for the runs in order."""
        step = dict(FIRST_STEP)
        if run.step is not None:
            step = self._describe(run.step)
            step["changes"] = self._classes(run, step)
            step["notices"] = list(self._link_notices(run, step)) or None
        elif run.number == 1 and self._may_have_entries(run):
            content = self._decisions.content(run.derivation_id)
            step["entries"] = stored_entries(first_entries(content.entry_texts))
        self.keep(run.number, run.wording_id, step)
        return step

    def _may_have_entries(self, run: Run) -> bool:
        """Check whether a first version is new, or a live blog: others need not be read again."""
        row = self._first
        return row is None or row.derivation_id != run.derivation_id or row.entries is not None

    def keep(self, number: int, wording_id: int, step: dict[str, Any]) -> None:
        """Add a step unchanged: that of a version which is only extended."""
        self._wordings[number] = wording_id
        self._steps[number] = step

    def _describe(self, transition: Transition) -> dict[str, Any]:
        """Return the stored columns, or those of a new comparison if it does not call all noise."""
        row = self._known.get(transition.pair)
        if row is not None and transition.pair not in self._stale:
            return step_of(row)
        found = self._decisions.change(transition)
        if row is not None and found.is_noise:
            return step_of(row)
        return _columns(found, transition.pair)

    def _classes(self, run: Run, step: Mapping[str, Any]) -> list[str]:
        reversion = ChangeClass.REVERSION.value
        classes = [name for name in step["changes"] if name != reversion]
        earlier = {w for number, w in self._wordings.items() if number < run.number - 1}
        is_back = run.wording_id in earlier or _undoes(step, self._steps.get(run.number - 1))
        return [*classes, reversion] if is_back else classes

    def _link_notices(self, run: Run, step: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the notices of a step, each with the version whose step it refers to."""
        notices = step["notices"] or ()
        if not notices:
            return
        steps = [each for each in self._passages() if each[0] not in self._steps]
        steps += [(number, _changed_passages(each)) for number, each in self._steps.items()]
        own = [text for text in _changed_passages(step) if text not in {n["text"] for n in notices}]
        steps.append((run.number, own))
        for notice in notices:
            version = speaks_of(notice["text"], steps)
            if version is None and own:
                version = run.number
            yield {"kind": notice["kind"], "text": notice["text"], "version": version}


def _columns(change: TextChange, pair: Pair) -> dict[str, Any]:
    return {
        "changes": list(change.classes),
        "silent": change.silent,
        "words_added": change.words_added,
        "words_removed": change.words_removed,
        "removed": list(change.removed),
        "added": list(change.added),
        "before_id": pair[0],
        "after_id": pair[1],
        "noise": as_dict(change.noise) or None,
        "notices": [{"kind": kind, "text": text} for kind, text in change.notices] or None,
        "entries": stored_entries(change.entries),
        "method": METHOD,
    }


def _undoes(step: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Check whether a step reverts the previous one, apart from noise."""
    if before is None or not (step["removed"] or step["added"]):
        return False
    return Counter(step["removed"]) == Counter(before["added"]) and Counter(
        step["added"]
    ) == Counter(before["removed"])


def _changed_passages(step: Mapping[str, Any]) -> list[str]:
    return [*step["removed"], *step["added"]]
