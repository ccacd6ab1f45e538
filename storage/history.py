"""PURE: the versions of one article, as runs of equal wording in order of the time seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sight:
    """One observation of an article that had a wording.

    `digest` is the wording's digest, `raw` that of the captured bytes: they order sights of the
    same moment, so that history does not depend on which of them came in first. `confirmed` are
    later looks that found the same file unchanged.
    """

    observed_at: datetime
    observation_id: int
    wording_id: int
    digest: bytes
    derivation_id: int
    confirmed: tuple[datetime, ...] = ()
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Run:
    """A version: `number` counts from 1; the change lies in (`changed_after`, `changed_by`]."""

    number: int
    wording_id: int
    derivation_id: int
    observation_id: int
    changed_after: datetime | None
    changed_by: datetime
    last_seen: datetime
    observation_ids: tuple[int, ...]


def runs(sights: Iterable[Sight]) -> tuple[Run, ...]:
    """Return the versions that `sights`, in whatever order, amount to.

    >>> from datetime import UTC, timedelta
    >>> start = datetime(2024, 6, 18, tzinfo=UTC)
    >>> at = lambda n, w: Sight(start + timedelta(hours=n), n, w, bytes([w]), w)
    >>> [(r.number, r.wording_id) for r in runs([at(3, 1), at(1, 1), at(2, 2)])]
    [(1, 1), (2, 2), (3, 1)]
    """
    looks = _looks(sights)
    found: list[Run] = []
    start = 0
    for end in range(1, len(looks) + 1):
        if end == len(looks) or looks[end][1].wording_id != looks[start][1].wording_id:
            before = looks[start - 1][0] if start else None
            found.append(_run(len(found) + 1, before, looks[start:end]))
            start = end
    return tuple(found)


def _looks(sights: Iterable[Sight]) -> list[tuple[datetime, Sight]]:
    looks = [
        (moment, sight) for sight in sights for moment in (sight.observed_at, *sight.confirmed)
    ]
    looks.sort(key=lambda look: (look[0], look[1].digest, look[1].raw, look[1].observation_id))
    return looks


def _run(number: int, before: datetime | None, looks: Sequence[tuple[datetime, Sight]]) -> Run:
    first = looks[0][1]
    ids = dict.fromkeys(sight.observation_id for _moment, sight in looks)
    return Run(
        number=number,
        wording_id=first.wording_id,
        derivation_id=first.derivation_id,
        observation_id=first.observation_id,
        changed_after=before,
        changed_by=looks[0][0],
        last_seen=looks[-1][0],
        observation_ids=tuple(ids),
    )
