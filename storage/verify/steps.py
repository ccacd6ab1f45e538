"""Compute the changes of versions from both captures and compare them with the stored ones."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from storage.database.rows import Row, stream
from storage.diff.change import METHOD, CaptureContent, CapturePair, TextChange
from storage.history.changes import REDACTED_CONTENT, content_of_row
from storage.history.runs import Run, Transition
from storage.history.steps import STEP, Steps
from storage.values.digest import canonical

OTHERS_SAY = frozenset({"box", "teaser"})
"""Rules of noise that depended on other articles at the time of the decision; these are
accepted.
"""

_CONTENTS = """
SELECT d.id, d.detail, w.title, w.text FROM derivation d JOIN wording w ON w.id = d.wording_id
WHERE d.id IN :ids AND d.detail IS NOT NULL AND w.text IS NOT NULL
"""


def wrong_steps(
    connection: Connection,
    versions: Sequence[Row],
    runs: Sequence[Run],
    undone: Collection[frozenset[int]],
) -> Iterator[str]:
    """Yield the columns of the versions of an article that contradict its captures.

    Articles with redacted captures and changes classified by older rules are skipped.
    """
    pairs = [run.step.pair for run in runs if run.step is not None]
    first = {run.derivation_id for run in runs[:1]}
    contents = _contents(connection, first.union(*pairs))
    if any(number not in contents for pair in pairs for number in pair):
        return
    steps = Steps(_StoredNoise(versions, contents, undone), {}, {}, list)
    for row, run in zip(versions, runs, strict=True):
        if is_older(row):
            steps.keep(run.number, run.wording_id, {name: row[name] for name in STEP})
            continue
        expected = steps.of(run)
        for name in STEP:
            if name == "method" and row[name] in range(METHOD):
                continue  # a first version has no change
            if _plain(row[name]) != _plain(expected[name]):
                yield f"version {run.number}: {name} is not what its captures say"


def is_older(row: Row) -> bool:
    """Check whether the change was classified by older rules."""
    return row["number"] > 1 and row["method"] in range(METHOD)


class _StoredNoise:
    """Computes changes again, and accepts stored noise only if it depended on other articles."""

    def __init__(
        self,
        versions: Sequence[Row],
        contents: Mapping[int, CaptureContent],
        undone: Collection[frozenset[int]],
    ) -> None:
        self._contents, self._undone = contents, undone
        self._noise = {(row["before_id"], row["after_id"]): row["noise"] for row in versions}

    def content(self, derivation_id: int) -> CaptureContent:
        return self._contents.get(derivation_id, REDACTED_CONTENT)

    def change(self, step: Transition) -> TextChange:
        a, b = step.pair
        pair = CapturePair(self._contents[a], self._contents[b])
        if frozenset(step.wordings) in self._undone:
            return pair.plain_change()
        said = {
            canonical(text): each["rule"]
            for each in self._noise.get(step.pair) or ()
            if each["rule"] in OTHERS_SAY
            for text in (*each["removed"], *each["added"])
        }
        return pair.change(
            {each: said[each] for each in pair.boilerplate_candidates if each in said}
        )


def _contents(connection: Connection, derivations: Collection[int]) -> dict[int, CaptureContent]:
    if not derivations:
        return {}
    found: dict[int, CaptureContent] = {}
    for row in stream(connection, _CONTENTS, {"ids": sorted(derivations)}):
        try:
            found[row["id"]] = content_of_row(row["detail"], row["title"], row["text"])
        except (IndexError, KeyError, TypeError):
            continue  # the check of derivations reports it
    return found


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
