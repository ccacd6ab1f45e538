"""Make relations of new wordings: compare them with what they met, and keep what follows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from storage.database.engine import insert_rows
from storage.database.tables import (
    DERIVATION,
    RELATE_DUE,
    RELATION,
    RELATION_UNDONE,
    WORDING,
)
from storage.database.unit import Unit, rows_in
from storage.relations.candidates import (
    COMMON_HOLDERS,
    ComparisonCandidates,
    IndexedWording,
    found,
    index_wordings,
)
from storage.relations.clusters import join_origins, joins
from storage.relations.holders import Holder, Story, _stories, holders
from storage.similarity.follow_up import METHOD as FOLLOWING
from storage.similarity.follow_up import THRESHOLD, Following, followed
from storage.similarity.index_keys import of_reference
from storage.similarity.near_copy import METHOD as LIKENESS
from storage.similarity.near_copy import Comparison, Likeness, StoryText, likeness
from storage.values.draft import paragraphs_in
from storage.values.net.site import site_of

COPIES = frozenset({"exact_copy", "near_copy", "contains"})
"""Kinds of which two articles have one: undone, none of them is made again."""
APART = frozenset({"moved_dates", "other_facts"})
"""Reasons for which two texts that look alike tell of different events."""
LARGE_CLUSTER = 16
"""From so many articles on, one relation is enough to belong to a cluster."""
AGENCY_NAME = re.compile(r"[A-Za-zÄÖÜäöü-]{2,20}(?: aktuell| Media)?")
_LEAD_WORDS = 30
_LEAD_SHARE = 0.5
_MOST_OF_THE_HOLDER = 0.5


@dataclass(frozen=True, slots=True)
class FoundRelation:
    """A relation to be kept; for a copy `a` is the one that we saw later."""

    kind: str
    a: Holder
    b: Holder
    score: float
    method: str
    threshold: float
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of comparing: relations, and what texts follow of all that they may mean.

    `meant` holds, by the origin and the wording of a text that was weighed anew, the origins
    of the texts that it follows: what was taken for one before is none.
    """

    relations: Sequence[FoundRelation]
    meant: Mapping[tuple[int, int], frozenset[int]]


def compare(connection: Connection, due: Mapping[int, ComparisonCandidates]) -> Answers:
    """Compare new wordings with what they met; nothing is written."""
    comparing = _Comparing(connection, due)
    relations = [each for number in sorted(due) for each in comparing.relations(number)]
    return Answers(relations, comparing.meant)


def due(
    connection: Connection, before: datetime, limit: int
) -> dict[int, ComparisonCandidates | None]:
    """Return up to `limit` wordings, kept `before` then, that have no relations yet.

    A crash left them out. Those that have no index keys yet met None.
    """
    query = (
        select(RELATE_DUE.c.wording_id, RELATE_DUE.c.found)
        .where(RELATE_DUE.c.recorded_at <= before)
        .order_by(RELATE_DUE.c.wording_id)
        .limit(limit)
    )
    return {number: keys and candidates_of(keys) for number, keys in connection.execute(query)}


def is_due(connection: Connection, now: datetime) -> bool:
    """Return whether a wording still lacks its relations."""
    query = select(RELATE_DUE.c.wording_id).where(RELATE_DUE.c.recorded_at <= now)
    return connection.execute(query.limit(1)).first() is not None


def put_off(unit: Unit, wording_id: int) -> None:
    """Leave a wording that cannot be compared for tomorrow, and for a newer program."""
    unit.connection.execute(
        update(RELATE_DUE)
        .where(RELATE_DUE.c.wording_id == wording_id)
        .values(recorded_at=unit.now + timedelta(days=1))
    )


def index(unit: Unit, wording_ids: set[int]) -> dict[int, ComparisonCandidates]:
    """Lay the index keys of wordings that nobody else laid, by their texts."""
    held = holders(unit.connection, wording_ids)
    wordings = [each.indexed_wording() for _number, each in sorted(held.items())]
    candidates = add_index_keys(unit.connection, wordings, unit.now)
    unit.connection.execute(
        delete(RELATE_DUE).where(RELATE_DUE.c.wording_id.in_(wording_ids - held.keys()))
    )
    _join_copies(unit, [each.origin_id for each in held.values()])
    return candidates


def _join_copies(unit: Unit, origins: Sequence[int]) -> None:
    """Put exact copies into clusters that were told of before there were clusters."""
    query = select(RELATION.c.a_origin_id, RELATION.c.b_origin_id).where(
        RELATION.c.kind == "exact_copy"
    )
    unit.flush()
    pairs = [(a, b) for a, b in rows_in(unit.connection, query, RELATION.c.b_origin_id, origins)]
    join_origins(unit, pairs)


def add_index_keys(
    connection: Connection, wordings: Sequence[IndexedWording], now: datetime
) -> dict[int, ComparisonCandidates]:
    """Add the index keys of new wordings that are still due, in turn; return what they met.

    What they met is noted until their relations are kept.
    """
    _lock_index_keys(connection)
    numbers = [each.wording_id for each in wordings]
    listed = rows_in(
        connection,
        select(RELATE_DUE.c.wording_id, RELATE_DUE.c.found),
        RELATE_DUE.c.wording_id,
        numbers,
    )
    mine = {number for number, found in listed if found is None}
    connection.execute(delete(RELATE_DUE).where(RELATE_DUE.c.wording_id.in_(mine)))
    return add_new_index_keys(
        connection, [each for each in wordings if each.wording_id in mine], now
    )


def add_new_index_keys(
    connection: Connection, wordings: Sequence[IndexedWording], now: datetime
) -> dict[int, ComparisonCandidates]:
    """Add index keys where nobody else can, as `add_index_keys`."""
    candidates = index_wordings(connection, wordings)
    rows = [
        {"wording_id": n, "found": _found(each), "recorded_at": now}
        for n, each in candidates.items()
    ]
    insert_rows(connection, RELATE_DUE, rows)
    return candidates


def forget_due(connection: Connection, wording_ids: set[int]) -> None:
    """Let wordings leave no index keys any more: those that they have left by now are all."""
    _lock_index_keys(connection)
    connection.execute(delete(RELATE_DUE).where(RELATE_DUE.c.wording_id.in_(wording_ids)))


def _lock_index_keys(connection: Connection) -> None:
    """Wait until nobody else adds index keys: SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("lesart traces"))))


def _found(candidates: ComparisonCandidates) -> dict[str, Any]:
    return {
        "near": candidates.near, "earlier": candidates.earlier, "later": candidates.later,
        "common": [[key, holders] for key, holders in candidates.common.items()],
    }  # fmt: skip


def candidates_of(found: Mapping[str, Any]) -> ComparisonCandidates:
    """Return what `add_index_keys` noted."""
    common = {key: list(holders) for key, holders in found["common"]}
    return ComparisonCandidates(
        list(found["near"]), list(found["earlier"]), list(found["later"]), common
    )


def keep_relations(unit: Unit, answers: Answers, done: Sequence[int]) -> None:
    """Keep relations that do not stand yet, join clusters, and strike `done` off the list."""
    connection, relations = unit.connection, answers.relations
    _undo_others(unit, answers.meant)
    known = _KnownRelations(connection, relations)
    agencies = _agencies(connection, relations)
    joined = []
    for each in relations:
        if not known.is_new(each):
            continue
        unit.add(RELATION, _row(unit, each, agencies))
        if joins(each.kind, each.evidence):
            joined.append((each.a.origin_id, each.b.origin_id))
    unit.flush()
    join_origins(unit, joined)
    connection.execute(delete(RELATE_DUE).where(RELATE_DUE.c.wording_id.in_(done)))


# ------------------------------------------------------------------------------- comparing


class _Comparing:
    """Compares the new wordings of one batch; texts are read and taken apart once."""

    def __init__(self, connection: Connection, due: Mapping[int, ComparisonCandidates]) -> None:
        self.connection = connection
        self.due = due
        candidates = {n for each in due.values() for n in (*each.near, *each.earlier, *each.later)}
        self.holders = holders(connection, {*due, *candidates})
        listed = {n for each in due.values() for all_ in each.common.values() for n in all_}
        self._same: dict[Story, Story] = {}
        self.stories = {**_stories(connection, listed - set(self.holders))}
        self.stories |= {n: each.story for n, each in self.holders.items()}
        self.meant: dict[tuple[int, int], frozenset[int]] = {}
        self._texts: dict[tuple[int, frozenset[int]], StoryText] = {}

    def relations(self, wording_id: int) -> Iterator[FoundRelation]:
        new, candidates = self.holders.get(wording_id), self.due[wording_id]
        if new is None:
            return
        yield from self._copies(new, candidates)
        yield from self._followed(new, candidates.earlier)
        for number in candidates.later:
            later = self.holders.get(number)
            if later is not None and later.article_id != new.article_id:
                yield from self._weighed_anew(later)

    def _copies(self, new: Holder, candidates: ComparisonCandidates) -> Iterator[FoundRelation]:
        """Yield what a new wording is a copy of, the closest first.

        One that would put two texts into one cluster that the rules keep apart joins nothing.
        """
        common = self._common(new, candidates)
        answers = list(self._answers(new, candidates, common))
        apart = {
            self._story(other.wording_id) for other, each, _ in answers if each.reason in APART
        }
        joined: list[Holder] = []
        answers.sort(key=lambda each: -each[1].score)
        for other, answer, comparison in answers:
            if answer.kind is None:
                continue
            is_apart = self._story(other.wording_id) in apart or self._is_apart(other, joined)
            one, two = self._as_story(new, common), self._as_story(other, common)
            found = _copy(new, other, one, two, answer, comparison, is_apart=is_apart)
            if joins(found.kind, found.evidence):
                joined.append(other)
                self._join(new, other)
            yield found

    def _answers(
        self, new: Holder, candidates: ComparisonCandidates, common: frozenset[int]
    ) -> Iterator[tuple[Holder, Likeness, Comparison]]:
        """Yield how a new wording compares with what it met, but for much of a large cluster."""
        known: set[int] = set()
        for number in candidates.near:
            other = self.holders.get(number)
            if other is None or other.article_id == new.article_id:
                continue
            if other.cluster_id in known and (other.cluster_size or 0) >= LARGE_CLUSTER:
                continue
            answer, comparison = likeness(
                self._as_story(new, common), self._as_story(other, common)
            )
            if answer.kind is not None and other.cluster_id is not None:
                known.add(other.cluster_id)
            yield other, answer, comparison

    def _is_apart(self, other: Holder, joined: Sequence[Holder]) -> bool:
        """Return whether a text is kept apart from one of another story that is joined already."""
        return any(
            likeness(self._as_story(each), self._as_story(other))[0].reason in APART
            for each in joined
            if self._story(each.wording_id) != self._story(other.wording_id)
        )

    def _story(self, wording_id: int) -> Story | None:
        """Return the story of a wording; copies that this batch found are one."""
        story = self.stories.get(wording_id)
        while story in self._same:
            story = self._same[story]
        return story

    def _join(self, one: Holder, other: Holder) -> None:
        """Let two articles be one story for the rest of the batch."""
        first, second = self._story(one.wording_id), self._story(other.wording_id)
        if first is not None and second is not None and first != second:
            self._same[first] = second

    def _common(self, new: Holder, candidates: ComparisonCandidates) -> frozenset[int]:
        """Return the passages that stand in several stories beside the own one."""
        own = self._story(new.wording_id)
        return frozenset(
            key
            for key, holding in candidates.common.items()
            if len({self._story(n) for n in holding} - {own, None}) >= COMMON_HOLDERS
        )

    def _as_story(self, holder: Holder, common: frozenset[int] = frozenset()) -> StoryText:
        key = holder.wording_id, common
        if key not in self._texts:
            self._texts[key] = holder.story_text(common)
        return self._texts[key]

    def _weighed_anew(self, later: Holder) -> list[FoundRelation]:
        """Return what a text follows that came in before one that it may mean."""
        relations = list(self._followed(later, self._meant(later)))
        meant = frozenset(each.b.origin_id for each in relations)
        self.meant[later.origin_id, later.wording_id] = meant
        return relations

    def _followed(self, later: Holder, earlier: Sequence[int]) -> Iterator[FoundRelation]:
        """Yield what a text follows, of all that it may mean."""
        candidates = [
            each.candidate
            for number in earlier
            if (each := self.holders.get(number)) and each.article_id != later.article_id
        ]
        for meant in followed(later.candidate, candidates):
            yield _following(later, self.holders[meant.key], meant)

    def _meant(self, later: Holder) -> list[int]:
        """Return all wordings that a text may mean that was kept before."""
        reference = later.candidate.reference
        if reference is None:
            return []
        sought = of_reference(site_of(later.origin), later.day[0], reference)
        numbers = {n for held in found(self.connection, sought).values() for n in held}
        self.holders |= holders(self.connection, numbers - set(self.holders))
        return sorted(numbers)


# ------------------------------------------------------------------------------- what follows


def _copy(
    new: Holder,
    other: Holder,
    one: StoryText,
    two: StoryText,
    answer: Likeness,
    comparison: Comparison,
    *,
    is_apart: bool,
) -> FoundRelation:
    """Return the relation in the direction that does not depend on which came in first."""
    is_turned = (
        answer.holder == "b"
        if answer.kind == "contains"
        else (other.seen, other.article) > (new.seen, new.article)
    )
    sides = [
        (new, one, comparison.a_share, comparison.a_size),
        (other, two, comparison.b_share, comparison.b_size),
    ]
    a, b = reversed(sides) if is_turned else sides
    evidence = {
        "reason": answer.reason,
        "a_wording": a[0].wording_id, "b_wording": b[0].wording_id,
        "a_share": round(a[2], 4), "b_share": round(b[2], 4),
        "a_words": a[3], "b_words": b[3],
        "disagreement": round(comparison.disagreement, 4),
        "own_share": round(comparison.own_share, 4),
        "a_common": [list(span) for span in a[1].common],
        "b_common": [list(span) for span in b[1].common],
    }  # fmt: skip
    if answer.kind == "contains":
        evidence["joins"] = not is_apart and _is_the_story(answer, comparison, a[2])
    elif is_apart:
        evidence["joins"] = False
    assert answer.kind is not None
    score = round(min(1.0, answer.score), 4)
    return FoundRelation(answer.kind, a[0], b[0], score, LIKENESS, answer.threshold, evidence)


def _is_the_story(answer: Likeness, comparison: Comparison, share: float) -> bool:
    """Return whether what is contained is the story of its holder: most of it, or its beginning."""
    passages = comparison.a_passages if answer.holder == "a" else comparison.b_passages
    in_lead = sum(
        max(0, min(last, _LEAD_WORDS) - first) for first, last in passages if first < _LEAD_WORDS
    )
    return share >= _MOST_OF_THE_HOLDER or in_lead >= _LEAD_SHARE * _LEAD_WORDS


def _following(later: Holder, earlier: Holder, found: Following) -> FoundRelation:
    reference = later.candidate.reference
    assert reference is not None
    evidence = {
        "reason": found.reason, "mark": reference.mark,
        "a_wording": later.wording_id, "b_wording": earlier.wording_id,
        "features": dict(found.features),
    }  # fmt: skip
    score = round(min(1.0, found.score), 4)
    return FoundRelation("follow_up", later, earlier, score, FOLLOWING, THRESHOLD, evidence)


def _undo_others(unit: Unit, meant: Mapping[tuple[int, int], frozenset[int]]) -> None:
    """Undo that texts follow what was only taken for the one that they mean."""
    if not meant:
        return
    query = (
        select(RELATION.c.id, RELATION.c.a_origin_id, RELATION.c.b_origin_id, RELATION.c.evidence)
        .outerjoin(RELATION_UNDONE, RELATION_UNDONE.c.relation_id == RELATION.c.id)
        .where(RELATION.c.kind == "follow_up", RELATION_UNDONE.c.id.is_(None))
    )
    origins = [origin for origin, _wording in meant]
    for number, a, b, evidence in rows_in(unit.connection, query, RELATION.c.a_origin_id, origins):
        chosen = meant.get((a, evidence["a_wording"]))
        if chosen and b not in chosen:
            unit.add(
                RELATION_UNDONE,
                {
                    "id": unit.number(), "relation_id": number,
                    "reason": "a text that it means came in later", "undone_at": unit.now,
                },
            )  # fmt: skip


class _KnownRelations:
    """The relations that stand already, undone ones too, and those that were just kept."""

    def __init__(self, connection: Connection, relations: Sequence[FoundRelation]) -> None:
        origins = {n for each in relations for n in (each.a.origin_id, each.b.origin_id)}
        query = select(RELATION.c.kind, RELATION.c.a_origin_id, RELATION.c.b_origin_id)
        self._pairs = {
            _family(kind, a, b)
            for kind, a, b in rows_in(connection, query, RELATION.c.a_origin_id, origins)
            if b in origins
        }

    def is_new(self, each: FoundRelation) -> bool:
        key = _family(each.kind, each.a.origin_id, each.b.origin_id)
        if key in self._pairs:
            return False
        self._pairs.add(key)
        return True


def _family(kind: str, a: int, b: int) -> tuple[Any, ...]:
    return ("copy", *sorted((a, b))) if kind in COPIES else (kind, a, b)


def _row(unit: Unit, each: FoundRelation, agencies: Mapping[int, str]) -> dict[str, Any]:
    a, b = each.a, each.b
    earlier = "unknown" if a.seen == b.seen else "a" if a.seen < b.seen else "b"
    agency = agencies.get(b.derivation_id) or agencies.get(a.derivation_id)
    return {
        "id": unit.number(), "kind": each.kind, "a_origin_id": a.origin_id,
        "b_origin_id": b.origin_id, "score": each.score, "method": each.method,
        "threshold": each.threshold, "earlier": earlier, "agency": agency,
        "evidence": dict(each.evidence), "decided_at": unit.now,
    }  # fmt: skip


def _agencies(connection: Connection, relations: Sequence[FoundRelation]) -> dict[int, str]:
    """Return the news agencies that texts name, by derivation."""
    query = select(DERIVATION.c.id, DERIVATION.c.detail, WORDING.c.text).join(
        WORDING, WORDING.c.id == DERIVATION.c.wording_id
    )
    wanted = {n for each in relations for n in (each.a.derivation_id, each.b.derivation_id)}
    named = {}
    for number, detail, stored in rows_in(connection, query, DERIVATION.c.id, wanted):
        if detail and (agency := agency_of(detail, stored)):
            named[number] = agency
    return named


def agency_of(detail: Mapping[str, Any], text: str | None) -> str | None:
    """Return the first agency that a text marks, or that its byline names."""
    for paragraph in paragraphs_in(detail, text):
        for mark in paragraph.marks:
            marked = paragraph.text[mark.start : mark.end]
            if mark.kind == "agency" and (name := AGENCY_NAME.search(marked)):
                return name[0]
    listed = (detail["fields"].get("agency") or {}).get("value")
    return str(listed[0]) if isinstance(listed, list) and listed else None
