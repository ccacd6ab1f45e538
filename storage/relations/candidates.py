"""The index of wordings in the database: which wordings may be worth comparing with a new one.

An index key leads to `MOST_HOLDERS` wordings at most: what stands in more texts is said by
everybody, or they are found by their other index keys. So a look-up costs the same whatever the
archive holds.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import Connection

from storage.database.engine import insert_integers
from storage.database.tables import INDEX_KEY
from storage.similarity.index_keys import BAND, DAY, NUMBER, PASSAGE, TITLE, IndexKeys, kind_of

MOST_HOLDERS = 32
MOST_OF_A_DAY = 256
MOST_COMPARED = 12
"""Wordings that a new one is compared with."""
LEAST_WEIGHT = 0.4
"""What the shared keys of two texts must weigh: one weighs 1 by the others that have it."""
WINDOW_DAYS = 45
"""Days between two texts of which one may be cut out of, or embedded in, the other."""
COMMON_HOLDERS = 5
"""From so many holders on a passage may be one that everybody uses."""


@dataclass(frozen=True, slots=True)
class IndexedWording:
    """A new wording with its index keys; `own` are the wordings that its article had before."""

    wording_id: int
    index_keys: IndexKeys
    day: int
    own: frozenset[int] = frozenset()


@dataclass(slots=True)
class ComparisonCandidates:
    """The wordings that a new one met: those that may share its text, those that it may follow,
    those that may follow it; and passages of it that stand in several texts, with their holders.
    """

    near: list[int] = field(default_factory=list)
    earlier: list[int] = field(default_factory=list)
    later: list[int] = field(default_factory=list)
    common: dict[int, list[int]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.near or self.earlier or self.later)


def index_wordings(
    connection: Connection, wordings: Sequence[IndexedWording]
) -> dict[int, ComparisonCandidates]:
    """Look up the index keys of each wording in turn and add them; return what they met, if any.

    The caller holds the lock of index keys: of two texts the later always meets the earlier.
    """
    times = Counter(chain.from_iterable(each.index_keys.all for each in wordings))
    holders = found(connection, times)
    alone = {key for key, number in times.items() if number == 1} - holders.keys()
    candidates: dict[int, ComparisonCandidates] = {}
    rows: list[tuple[int, int, int]] = []
    for wording in wordings:
        found_now = candidates_among(wording, holders)
        if not found_now.is_empty:
            candidates[wording.wording_id] = found_now
        rows += _left_by(wording, holders, alone)
    insert_integers(connection, INDEX_KEY, ("trace", "wording_id", "day"), sorted(rows))
    return candidates


def _left_by(
    wording: IndexedWording, holders: "Holders", alone: Collection[int]
) -> list[tuple[int, int, int]]:
    """Return the rows of the keys that a wording leaves, and make it a holder for the others.

    Nobody else has a key that is `alone`: most are, and nobody looks for them any more.
    """
    number, day, kept = wording.wording_id, wording.day, wording.index_keys.kept
    rows = [(key, number, day) for key in kept if key in alone]
    if len(rows) < len(kept):
        for key in kept:
            known = holders.get(key, {})
            is_full = len(known) >= most_holders(key)
            if key in alone or is_full or not wording.own.isdisjoint(known):
                continue
            holders[key][number] = day
            rows.append((key, number, day))
    return rows


Holders = defaultdict[int, dict[int, int]]
"""By index key: the wordings that have it, with their day."""


def found(connection: Connection, index_keys: Iterable[int]) -> Holders:
    """Return who has `index_keys`."""
    wanted = sorted(index_keys)
    holders: Holders = defaultdict(dict)
    if connection.dialect.name == "postgresql":
        query = "SELECT trace, wording_id, day FROM trace WHERE trace = ANY(%s::bigint[])"
        rows = connection.exec_driver_sql(query, (f"{{{','.join(map(str, wanted))}}}",))
    else:
        query = (
            "SELECT t.trace, t.wording_id, t.day FROM json_each(?) j "
            "CROSS JOIN trace t ON t.trace = j.value"
        )
        rows = connection.exec_driver_sql(query, (json.dumps(wanted),))
    for key, wording_id, day in rows:
        holders[key][wording_id] = day
    return holders


def candidates_among(wording: IndexedWording, holders: Holders) -> ComparisonCandidates:
    """Return what a trail meets among `holders`."""
    weights: dict[int, float] = defaultdict(float)
    apart: dict[int, int] = {}
    candidates = ComparisonCandidates()
    for key in filter(holders.__contains__, wording.index_keys.sought):
        known = holders[key]
        kind = kind_of(key)
        if kind in {BAND, PASSAGE}:
            _weigh(weights, apart, known, wording, is_passage=kind == PASSAGE)
            if kind == PASSAGE and len(known) >= COMMON_HOLDERS:
                candidates.common[key] = list(known)
        else:
            into = candidates.earlier if kind in {TITLE, NUMBER, DAY} else candidates.later
            into += [each for each in known if each not in into and each not in wording.own]
    likely = [each for each, weight in weights.items() if weight >= LEAST_WEIGHT]
    likely.sort(key=lambda each: (-weights[each], apart[each], each))
    candidates.near = likely[:MOST_COMPARED]
    return candidates


def _weigh(
    weights: dict[int, float],
    apart: dict[int, int],
    known: dict[int, int],
    wording: IndexedWording,
    *,
    is_passage: bool,
) -> None:
    weight = 1 / len(known)
    for each, day in known.items():
        days = abs(day - wording.day) if day and wording.day else 0
        if each in wording.own or (is_passage and days > WINDOW_DAYS):
            continue
        weights[each] += weight
        apart[each] = days


def most_holders(key: int) -> int:
    """Return how many wordings an index key may lead to."""
    return MOST_OF_A_DAY if kind_of(key) == DAY else MOST_HOLDERS
