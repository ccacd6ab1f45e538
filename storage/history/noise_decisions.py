"""Decide which steps between captures of an article are noise, and record it."""

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from storage.database.tables import (
    ArticleOriginRow,
    ArticleRow,
    BoxDueRow,
    NoiseStepRow,
    NoiseStepUndoneRow,
)
from storage.database.unit import Unit, rows_in, table_of
from storage.diff.change import Change
from storage.history.boilerplate import MOST_ASKED, may_be_box
from storage.history.changes import Comparing
from storage.history.runs import Pair, Step
from storage.values.site import paragraph_key, site_key

ARTICLE, ARTICLE_ORIGIN = table_of(ArticleRow), table_of(ArticleOriginRow)
BOX_DUE, NOISE, UNDONE = table_of(BoxDueRow), table_of(NoiseStepRow), table_of(NoiseStepUndoneRow)

METHOD = "noise/1"
"""The rules that decisions of today are made by."""


class Quieting:
    """The decisions on some steps of one article: those that stand, and those that are made."""

    def __init__(
        self, unit: Unit, comparing: Comparing, article_id: int, steps: Sequence[Step]
    ) -> None:
        self.unit = unit
        self.comparing = comparing
        self.article_id = article_id
        self.steps = steps
        self._undone = (
            undone_wordings(unit.connection, [article_id])[article_id] if steps else set()
        )
        self._quiet = self._decided() if steps else set()

    def settle(self, changes: Collection[Pair]) -> frozenset[Pair]:
        """Decide on the steps that were not decided on, and return the pairs that are noise.

        `changes` are pairs that are known to be none.
        """
        if self.comparing.decides:
            for step in self.steps:
                if step.pair not in self._quiet and step.pair not in changes:
                    self._decide(step)
        return frozenset(self._quiet)

    def change(self, step: Step) -> Change:
        """Return what changed in a step; after an undoing, nothing of it counts as noise."""
        if frozenset(step.wordings) in self._undone:
            return self.comparing.plain_change(step.pair)
        return self.comparing.change(self.article_id, step.pair)

    def _decide(self, step: Step) -> None:
        found = self.change(step)
        if found.is_noise:
            self._quiet.add(step.pair)
            self._record(step, [each.rule for each in found.noise])
        elif found.asked:
            self._wait(step, found.asked)

    def _record(self, step: Step, rules: Sequence[str]) -> None:
        origin = select(ARTICLE.c.origin_id).where(ARTICLE.c.id == self.article_id)
        a, b = step.pair
        wordings = step.wordings
        self.unit.add(
            NoiseStepRow,
            {
                "id": self.unit.number(),
                "origin_id": self.unit.connection.execute(origin).scalar_one(),
                "a_derivation_id": a, "b_derivation_id": b, "a_wording_id": wordings[0],
                "b_wording_id": wordings[1],
                "rules": list(rules), "method": METHOD, "observation_id": step.b.observation_id,
                "decided_at": self.unit.now,
            },
        )  # fmt: skip

    def _wait(self, step: Step, asked: Sequence[str]) -> None:
        """Remember the paragraphs that more articles of the site may tell to be boxes."""
        site = site_key(self.comparing.site(self.article_id))
        a, b = step.pair
        for paragraph in islice(filter(may_be_box, asked), MOST_ASKED):
            self.unit.add(
                BoxDueRow,
                {
                    "site": site, "fingerprint": paragraph_key(paragraph),
                    "article_id": self.article_id, "a_derivation_id": a, "b_derivation_id": b,
                },
            )  # fmt: skip

    def _decided(self) -> set[Pair]:
        query = _of_article(
            select(
                NOISE.c.a_derivation_id,
                NOISE.c.b_derivation_id,
                NOISE.c.a_wording_id,
                NOISE.c.b_wording_id,
            ),
            self.article_id,
        )
        firsts = [step.pair[0] for step in self.steps]
        return {
            (a, b)
            for a, b, *wordings in rows_in(
                self.unit.connection, query, NOISE.c.a_derivation_id, firsts
            )
            if frozenset(wordings) not in self._undone
        }


def undone_wordings(
    connection: Connection, article_ids: Collection[int]
) -> dict[int, set[frozenset[int | None]]]:
    """Return, by article, the pairs of wordings between which everything counts.

    Their noise was undone.
    """
    query = (
        select(ARTICLE_ORIGIN.c.article_id, NOISE.c.a_wording_id, NOISE.c.b_wording_id)
        .join(NOISE, NOISE.c.origin_id == ARTICLE_ORIGIN.c.origin_id)
        .join(UNDONE, UNDONE.c.noise_step_id == NOISE.c.id)
    )
    found: dict[int, set[frozenset[int | None]]] = {number: set() for number in article_ids}
    for article, a, b in rows_in(connection, query, ARTICLE_ORIGIN.c.article_id, article_ids):
        found[article].add(frozenset((a, b)))
    return found


def waiting(comparing: Comparing) -> dict[int, dict[Pair, set[int]]]:
    """Return which steps of which articles wait for which paragraphs of this unit of work.

    Only another article can tell of a paragraph: what the article itself has of it wakes no step.
    """
    connection = comparing.connection
    sites = select(BOX_DUE.c.site).distinct()
    if connection.execute(sites.limit(1)).first() is None:
        return {}
    fresh = {site_key(site): by_key for site, by_key in comparing.fresh().items()}
    steps: dict[int, dict[Pair, set[int]]] = {}
    for (site,) in list(rows_in(connection, sites, BOX_DUE.c.site, fresh)):
        query = select(
            BOX_DUE.c.fingerprint, BOX_DUE.c.article_id, BOX_DUE.c.a_derivation_id,
            BOX_DUE.c.b_derivation_id,
        ).where(BOX_DUE.c.site == site)  # fmt: skip
        for key, article, a, b in rows_in(connection, query, BOX_DUE.c.fingerprint, fresh[site]):
            if fresh[site][key] - {article}:
                steps.setdefault(article, {}).setdefault((a, b), set()).add(key)
    return steps


def strike(unit: Unit, article_id: int, pairs: Collection[Pair]) -> None:
    """Let steps of an article wait no longer."""
    for a, b in pairs:
        unit.connection.execute(
            delete(BOX_DUE).where(
                BOX_DUE.c.article_id == article_id,
                BOX_DUE.c.a_derivation_id == a,
                BOX_DUE.c.b_derivation_id == b,
            )
        )


def _of_article(query: Select[Any], article_id: int) -> Select[Any]:
    return query.join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.origin_id == NOISE.c.origin_id).where(
        ARTICLE_ORIGIN.c.article_id == article_id
    )
