"""Decide which steps between captures of an article are noise, and record it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, text

from storage.database.tables import ARTICLE_ORIGIN, BOILERPLATE_DUE, NOISE_STEP, NOISE_STEP_UNDONE
from storage.database.unit import Unit, rows_in
from storage.diff.change import CaptureContent, TextChange
from storage.history.changes import CaptureComparer
from storage.history.noise.boilerplate import find_boilerplate_candidates
from storage.history.runs import Pair, Transition
from storage.values.net.site import paragraph_key, site_key

METHOD = "noise/1"
"""Number of the current rules of decision."""


Wordings = frozenset[int | None]
"""Two wordings in either order."""


@dataclass(frozen=True, slots=True)
class StoredDecisions:
    """By article: the steps decided to be noise, and the pairs whose decision was undone."""

    noise: Mapping[int, set[Pair]]
    undone: Mapping[int, set[Wordings]]


def decided(connection: Connection, steps: Mapping[int, Sequence[Transition]]) -> StoredDecisions:
    """Return the decisions on some steps of articles."""
    boilerplate_candidates = {
        article: {step.pair for step in those} for article, those in steps.items() if those
    }
    noise: dict[int, set[Pair]] = {}
    if not boilerplate_candidates:
        return StoredDecisions(noise, {})
    undone = undone_wordings(connection, boilerplate_candidates)
    query = select(
        ARTICLE_ORIGIN.c.article_id, NOISE_STEP.c.a_derivation_id, NOISE_STEP.c.b_derivation_id,
        NOISE_STEP.c.a_wording_id, NOISE_STEP.c.b_wording_id,
    ).join(NOISE_STEP, NOISE_STEP.c.origin_id == ARTICLE_ORIGIN.c.origin_id)  # fmt: skip
    for article, a, b, *wordings in rows_in(
        connection, query, ARTICLE_ORIGIN.c.article_id, boilerplate_candidates
    ):
        if (a, b) in boilerplate_candidates[article] and frozenset(wordings) not in undone[article]:
            noise.setdefault(article, set()).add((a, b))
    return StoredDecisions(noise, undone)


class NoiseDecisions:
    """The decisions on some steps of one article: active and new ones."""

    def __init__(
        self,
        unit: Unit,
        comparing: CaptureComparer,
        article: Row[Any],
        steps: Sequence[Transition],
        decided: StoredDecisions,
    ) -> None:
        self.unit = unit
        self.comparing = comparing
        self.article = article
        self.steps = steps
        self._undone = decided.undone.get(article.id, set())
        self._noise = set(decided.noise.get(article.id, ()))

    def settle(self, changes: Collection[Pair]) -> frozenset[Pair]:
        """Decide on the undecided steps, and return the pairs that are noise.

        `changes` are pairs known to be changes.
        """
        if self.comparing.decides:
            for step in self.steps:
                if step.pair not in self._noise and step.pair not in changes:
                    self._decide(step)
        return frozenset(self._noise)

    def change(self, step: Transition) -> TextChange:
        """Return the change of a step; after an undone decision, nothing in it is noise."""
        if frozenset(step.wordings) in self._undone:
            return self.comparing.plain_change(step.pair)
        return self.comparing.change(self.article.id, step.pair)

    def content(self, derivation_id: int) -> CaptureContent:
        """Return the content of a capture."""
        return self.comparing.contents([derivation_id])[0]

    def _decide(self, step: Transition) -> None:
        found = self.change(step)
        if found.is_noise:
            self._noise.add(step.pair)
            self._record(step, [each.rule for each in found.noise])
        elif found.boilerplate_candidates:
            self._wait(step, found.boilerplate_candidates)

    def _record(self, step: Transition, rules: Sequence[str]) -> None:
        a, b = step.pair
        wordings = step.wordings
        self.unit.add(
            NOISE_STEP,
            {
                "id": self.unit.number(),
                "origin_id": self.article.origin_id,
                "a_derivation_id": a, "b_derivation_id": b, "a_wording_id": wordings[0],
                "b_wording_id": wordings[1],
                "rules": list(rules), "method": METHOD, "observation_id": step.b.observation_id,
                "decided_at": self.unit.now,
            },
        )  # fmt: skip

    def _wait(self, step: Transition, boilerplate_candidates: Sequence[str]) -> None:
        """Queue the paragraphs that more articles of the site may show to be boilerplate."""
        site = site_key(self.comparing.site(self.article.id))
        a, b = step.pair
        rows = [
            {
                "site": site, "fingerprint": paragraph_key(paragraph),
                "article": self.article.id, "a": a, "b": b,
            }
            for paragraph in find_boilerplate_candidates(boilerplate_candidates)
        ]  # fmt: skip
        if rows:
            self.unit.connection.execute(_WAIT, rows)


_WAIT = text(
    "INSERT INTO boilerplate_due (site, fingerprint, article_id, a_derivation_id, b_derivation_id) "
    "VALUES (:site, :fingerprint, :article, :a, :b) ON CONFLICT DO NOTHING"
)
"""A step may be decided again, such as after a capture between: it is queued once."""


def undone_wordings(
    connection: Connection, article_ids: Collection[int]
) -> dict[int, set[Wordings]]:
    """Return the pairs of wordings by article whose noise decision was undone."""
    query = (
        select(ARTICLE_ORIGIN.c.article_id, NOISE_STEP.c.a_wording_id, NOISE_STEP.c.b_wording_id)
        .join(NOISE_STEP, NOISE_STEP.c.origin_id == ARTICLE_ORIGIN.c.origin_id)
        .join(NOISE_STEP_UNDONE, NOISE_STEP_UNDONE.c.noise_step_id == NOISE_STEP.c.id)
    )
    found: dict[int, set[Wordings]] = {number: set() for number in article_ids}
    for article, a, b in rows_in(connection, query, ARTICLE_ORIGIN.c.article_id, article_ids):
        found[article].add(frozenset((a, b)))
    return found


def waiting(comparing: CaptureComparer) -> dict[int, dict[Pair, set[int]]]:
    """Return the steps of articles that wait for paragraphs of this unit of work.

    Only texts of another article can change the decision.
    """
    connection = comparing.connection
    if connection.execute(select(BOILERPLATE_DUE.c.site).limit(1)).first() is None:
        return {}
    due = BOILERPLATE_DUE.c
    sites = select(due.site).distinct()
    fresh = {site_key(site): by_key for site, by_key in comparing.new_holders().items()}
    steps: dict[int, dict[Pair, set[int]]] = {}
    for (site,) in list(rows_in(connection, sites, due.site, fresh)):
        query = select(
            due.fingerprint, due.article_id, due.a_derivation_id,
            due.b_derivation_id,
        ).where(due.site == site)  # fmt: skip
        for key, article, a, b in rows_in(connection, query, due.fingerprint, fresh[site]):
            if fresh[site][key] - {article}:
                steps.setdefault(article, {}).setdefault((a, b), set()).add(key)
    return steps


def delete_pending(unit: Unit, steps: Mapping[int, Collection[Pair]]) -> None:
    """Delete the pending decisions on steps of articles."""
    rows = [
        {"article": article, "a": a, "b": b} for article, pairs in steps.items() for a, b in pairs
    ]
    if rows:
        unit.connection.execute(
            delete(BOILERPLATE_DUE).where(
                BOILERPLATE_DUE.c.article_id == bindparam("article"),
                BOILERPLATE_DUE.c.a_derivation_id == bindparam("a"),
                BOILERPLATE_DUE.c.b_derivation_id == bindparam("b"),
            ),
            rows,
        )
