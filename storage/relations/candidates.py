"""The index of wordings in the database: candidates for a comparison with a new wording.

An index key leads to at most `MOST_HOLDERS` wordings: keys of more texts are common phrases, or the
texts are found by their other keys. So a lookup has the same cost in any archive.
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
"""Maximum number of wordings that a new one is compared with."""
LEAST_WEIGHT = 0.4
"""Minimum weight of the shared keys of two texts; a key weighs 1 divided by its number of
holders.
"""
WINDOW_DAYS = 45
"""Maximum number of days between a text and one that contains it."""
COMMON_HOLDERS = 5
"""Number of holders from which a passage may be a common phrase."""


@dataclass(frozen=True, slots=True)
class IndexedWording:
    """A new wording with its index keys; `own` are the earlier wordings of its article."""

    wording_id: int
    index_keys: IndexKeys
    day: int
    own: frozenset[int] = frozenset()


@dataclass(slots=True)
class ComparisonCandidates:
    """The candidates of a new wording: texts that may share its text, that it may follow, and that
    may follow it; and its passages that occur in several texts, with their holders.
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
    """Query the index keys of each wording in turn and insert them; return the candidates.

    The caller holds the lock of index keys, so of two texts the later one always finds the earlier.
    """
    times = Counter(chain.from_iterable(each.index_keys.all for each in wordings))
    holders = look_up(connection, times)
    unique_keys = {key for key, number in times.items() if number == 1} - holders.keys()
    candidates: dict[int, ComparisonCandidates] = {}
    rows: list[tuple[int, int, int]] = []
    for wording in wordings:
        found_now = candidates_among(wording, holders)
        if not found_now.is_empty:
            candidates[wording.wording_id] = found_now
        rows += _rows_of_keys(wording, holders, unique_keys)
    insert_integers(connection, INDEX_KEY, ("key", "wording_id", "day"), sorted(rows))
    return candidates


def _rows_of_keys(
    wording: IndexedWording, holders: "Holders", unique_keys: Collection[int]
) -> list[tuple[int, int, int]]:
    """Return the rows of the keys of a wording, and add it as a holder for the others.

    No other wording looks up a key that is `unique_keys`; most are.
    """
    number, day, kept = wording.wording_id, wording.day, wording.index_keys.kept
    rows = [(key, number, day) for key in kept if key in unique_keys]
    if len(rows) < len(kept):
        for key in kept:
            known = holders.get(key, {})
            is_full = len(known) >= holder_limit(key)
            if key in unique_keys or is_full or not wording.own.isdisjoint(known):
                continue
            holders[key][number] = day
            rows.append((key, number, day))
    return rows


Holders = defaultdict[int, dict[int, int]]
"""The wordings of each index key, with their day."""


def look_up(connection: Connection, index_keys: Iterable[int]) -> Holders:
    """Return the wordings with `index_keys`."""
    wanted = sorted(index_keys)
    holders: Holders = defaultdict(dict)
    if connection.dialect.name == "postgresql":
        query = "SELECT key, wording_id, day FROM index_key WHERE key = ANY(%s::bigint[])"
        rows = connection.exec_driver_sql(query, (f"{{{','.join(map(str, wanted))}}}",))
    else:
        query = (
            "SELECT t.key, t.wording_id, t.day FROM json_each(?) j "
            "CROSS JOIN index_key t ON t.key = j.value"
        )
        rows = connection.exec_driver_sql(query, (json.dumps(wanted),))
    for key, wording_id, day in rows:
        holders[key][wording_id] = day
    return holders


def candidates_among(wording: IndexedWording, holders: Holders) -> ComparisonCandidates:
    """Return the candidates of a wording among `holders`."""
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
    previous: dict[int, int],
    wording: IndexedWording,
    *,
    is_passage: bool,
) -> None:
    weight = 1 / len(previous)
    for each, day in previous.items():
        days = abs(day - wording.day) if day and wording.day else 0
        if each in wording.own or (is_passage and days > WINDOW_DAYS):
            continue
        weights[each] += weight
        apart[each] = days


def holder_limit(key: int) -> int:
    """Return the maximum number of wordings of an index key."""
    return MOST_OF_A_DAY if kind_of(key) == DAY else MOST_HOLDERS
