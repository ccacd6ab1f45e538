"""The number of labels, and how far two reviewers agree."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from storage.database.rows import stream
from storage.values.draft import Json

if TYPE_CHECKING:
    from sqlalchemy import Connection

OPEN = METRIC = None

CATEGORIES = ("important", "unimportant")
MOST_LABELS = 100
MOST_REVIEWERS = 20
"""Bounds of the answer: files of others may name any number of labels and reviewers."""
_STANDING = (
    "SELECT r.observation_id AS change_id, r.label AS label, r.reviewer AS reviewer FROM review r "
    "LEFT JOIN review_withdrawn w ON w.review_id = r.id WHERE w.id IS NULL ORDER BY r.id"
)


def compute_figures(connection: "Connection") -> Json:
    """Return how often the most frequent labels stand, and the agreement of each two reviewers.

    The agreement is about `important` and `unimportant`, over the changes that both labelled so,
    among the reviewers with the most such labels.
    """
    labels: Counter[str] = Counter()
    judged: dict[str, dict[int, str]] = defaultdict(dict)
    for row in stream(connection, _STANDING, {}):
        labels[row["label"]] += 1
        if row["label"] in CATEGORIES:
            judged[row["reviewer"]][row["change_id"]] = row["label"]
    agreement: list[Json] = []
    busiest = sorted(judged, key=lambda name: (-len(judged[name]), name))[:MOST_REVIEWERS]
    for a, b in combinations(sorted(busiest), 2):
        shared = judged[a].keys() & judged[b].keys()
        pairs = [(judged[a][each], judged[b][each]) for each in shared]
        if pairs:
            agreed = sum(one == other for one, other in pairs)
            agreement.append({
                "reviewers": [a, b], "changes": len(pairs), "agreed": agreed, "kappa": kappa(pairs),
            })  # fmt: skip
    return {"labels": dict(labels.most_common(MOST_LABELS)), "agreement": agreement}


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa: agreement beyond chance; None if chance alone would always agree.

    Source: J. Cohen, A coefficient of agreement for nominal scales, 1960.

    >>> kappa([("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15)
    0.4
    >>> kappa([("a", "a")]) is None
    True
    """
    first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    number = len(pairs)
    by_chance = sum(first[each] * second[each] for each in first) / number**2
    if by_chance == 1:
        return None
    return round((sum(a == b for a, b in pairs) / number - by_chance) / (1 - by_chance), 4)
