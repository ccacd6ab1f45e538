"""The number of labels, and how far two reviewers agree."""

from collections import Counter, defaultdict
from itertools import combinations

from sqlalchemy import Connection

from storage.database.rows import stream
from storage.values.draft import Json

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
        if shared:
            agreed = sum(judged[a][each] == judged[b][each] for each in shared)
            agreement.append({"reviewers": [a, b], "changes": len(shared), "agreed": agreed})
    return {"labels": dict(labels.most_common(MOST_LABELS)), "agreement": agreement}
