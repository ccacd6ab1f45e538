"""Create relations of new wordings: compare them with their candidates and store the results.

The first article with a wording is its owner, and the copies of a text share one story.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from storage.database import planned_times
from storage.database.engine import insert_rows
from storage.database.tables import (
    ARTICLE,
    CLUSTER,
    CLUSTER_MEMBER,
    DERIVATION,
    ORIGIN,
    RELATION,
    RELATION_DUE,
    RELATION_UNDONE,
    VERSION,
    WORDING,
)
from storage.database.unit import Unit, rows_in
from storage.relations.candidates import (
    COMMON_HOLDERS,
    ComparisonCandidates,
    IndexedWording,
    index_wordings,
    look_up,
)
from storage.relations.clusters import join_origins, joins
from storage.similarity.follow_up import METHOD as FOLLOWING
from storage.similarity.follow_up import THRESHOLD, FollowUpMatch, FollowUpText, choose_followed
from storage.similarity.index_keys import clause_spans, index_keys, reference_keys
from storage.similarity.near_copy import LONGEST_TEXT, Comparison, Likeness, StoryText, likeness
from storage.similarity.near_copy import METHOD as LIKENESS
from storage.similarity.references import day_in_month
from storage.similarity.signature import signature_of
from storage.values.dates import day_of
from storage.values.digest import canonical_all
from storage.values.draft import paragraphs_in
from storage.values.net.site import site_of

Story = tuple[str, int]
"""The common identity of copies of one text: their cluster, otherwise the article."""


MOST_COMMON = 0.7
"""Number of identical texts from which a text is not treated as a common phrase."""


@dataclass(frozen=True)
class Holder:
    """A wording with the article in which it was first seen."""

    wording_id: int
    article_id: int
    origin_id: int
    derivation_id: int
    article: str
    origin: str
    seen: datetime
    title: str | None
    stored: str
    published: str | None
    precision: str | None
    cluster_id: int | None
    cluster_size: int | None

    @cached_property
    def text(self) -> str:
        """Return the text in canonical form, which passages refer to."""
        return "\n\n".join(canonical_all(self.stored.split("\n\n")))[:LONGEST_TEXT]

    @cached_property
    def day(self) -> tuple[date | None, bool]:
        """Return the last possible day of publication, otherwise the day of the first snapshot."""
        published, is_exact = day_of(self.published, self.precision)
        return (self.seen.date(), True) if published is None else (published, is_exact)

    @property
    def story(self) -> Story:
        """Return the identity that copies share: the cluster, otherwise the article."""
        if self.cluster_id is not None:
            return "cluster", self.cluster_id
        return "article", self.article_id

    def story_text(self, common: frozenset[int] = frozenset()) -> StoryText:
        """Return the text for a comparison; `common` are the index keys of common phrases."""
        spans = clause_spans(self.text, common) if common else []
        day, is_exact = self.day
        if sum(end - start for start, end in spans) > MOST_COMMON * len(self.text):
            spans = []
        exact = day if is_exact else None
        return StoryText(self.title, self.text, exact, tuple(spans), site_of(self.origin))

    @cached_property
    def candidate(self) -> FollowUpText:
        """Return the text as a possible follow-up, with its day as far as known."""
        day, is_exact = self.day
        if day is not None and not is_exact:
            day = day_in_month(self.text, day)
        return FollowUpText(self.wording_id, self.title, self.text, day, site_of(self.origin))

    def with_index_keys(self) -> IndexedWording:
        """Return the index keys of the wording, as computed when a text is read."""
        day, is_exact = self.day
        left = index_keys(
            self.text.split("\n\n"), signature_of(self.stored), title=self.title,
            site=site_of(self.origin), day=day, is_exact=is_exact,
        )  # fmt: skip
        return IndexedWording(self.wording_id, left, day.toordinal() if day else 0)


def holders(connection: Connection, wording_ids: set[int]) -> dict[int, Holder]:
    """Return for each wording the article in which it was first seen, unless its text is gone."""
    query = (
        select(
            VERSION.c.wording_id, ARTICLE.c.id, ARTICLE.c.origin_id, VERSION.c.derivation_id,
            ARTICLE.c.public_id, ORIGIN.c.origin, VERSION.c.changed_by, WORDING.c.title,
            WORDING.c.text, DERIVATION.c.published, DERIVATION.c.published_precision,
            CLUSTER_MEMBER.c.cluster_id, CLUSTER.c.size,
        )
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == ARTICLE.c.origin_id)
        .join(WORDING, WORDING.c.id == VERSION.c.wording_id)
        .join(DERIVATION, DERIVATION.c.id == VERSION.c.derivation_id)
        .outerjoin(CLUSTER_MEMBER, CLUSTER_MEMBER.c.article_id == ARTICLE.c.id)
        .outerjoin(CLUSTER, CLUSTER.c.id == CLUSTER_MEMBER.c.cluster_id)
        .where(WORDING.c.text.is_not(None))
    )  # fmt: skip
    seen: dict[int, Holder] = {}
    for row in rows_in(connection, query, VERSION.c.wording_id, wording_ids):
        holder = Holder(*row)
        known = seen.get(holder.wording_id)
        if known is None or (holder.seen, holder.article) < (known.seen, known.article):
            seen[holder.wording_id] = holder
    return seen


def _stories(connection: Connection, wording_ids: set[int]) -> dict[int, Story]:
    query = (
        select(VERSION.c.wording_id, VERSION.c.article_id, CLUSTER_MEMBER.c.cluster_id)
        .outerjoin(CLUSTER_MEMBER, CLUSTER_MEMBER.c.article_id == VERSION.c.article_id)
        .order_by(VERSION.c.id)
    )
    return {
        wording: ("article", article) if cluster is None else ("cluster", cluster)
        for wording, article, cluster in rows_in(
            connection, query, VERSION.c.wording_id, wording_ids
        )
    }


COPIES = frozenset({"exact_copy", "near_copy", "contains"})
"""Kinds of which two articles have at most one; after an undo none of them is created again."""
APART = frozenset({"moved_dates", "other_facts"})
"""Reasons for which two similar texts report different events."""
LARGE_CLUSTER = 16
"""Number of articles from which one relation is sufficient to belong to a cluster."""
AGENCY_NAME = re.compile(r"[A-Za-zÄÖÜäöü-]{2,20}(?: aktuell| Media)?")
_LEAD_WORDS = 30
_LEAD_SHARE = 0.5
_MOST_OF_THE_HOLDER = 0.5


@dataclass(frozen=True, slots=True)
class FoundRelation:
    """A relation to store; for a copy `a` is the article seen later."""

    kind: str
    a: Holder
    b: Holder
    score: float
    method: str
    threshold: float
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """The results of comparisons: relations, and the texts that others follow.

    `meant` maps the origin and wording of a text that was evaluated again to the origins of the
    texts that it follows; earlier decisions about others are undone.
    """

    relations: Sequence[FoundRelation]
    meant: Mapping[tuple[int, int], frozenset[int]]


def compare(connection: Connection, due: Mapping[int, ComparisonCandidates]) -> Answers:
    """Compare new wordings with their candidates, without writing."""
    comparing = _BatchComparer(connection, due)
    relations = [each for number in sorted(due) for each in comparing.relations(number)]
    return Answers(relations, comparing.meant)


def due(
    connection: Connection, deadline: datetime, limit: int
) -> dict[int, ComparisonCandidates | None]:
    """Return up to `limit` wordings, stored before `deadline`, whose relations are missing after a
    crash.

    The candidates are None for a wording without index keys.
    """
    query = (
        select(RELATION_DUE.c.wording_id, RELATION_DUE.c.found)
        .where(planned_times.is_due(RELATION_DUE.c.recorded_at, deadline))
        .order_by(RELATION_DUE.c.wording_id)
        .limit(limit)
    )
    return {number: keys and candidates_of(keys) for number, keys in connection.execute(query)}


def is_due(connection: Connection, now: datetime) -> bool:
    """Check whether a wording still has no relations."""
    is_missing = planned_times.is_due(RELATION_DUE.c.recorded_at, now)
    query = select(RELATION_DUE.c.wording_id).where(is_missing).limit(1)
    return connection.execute(query).first() is not None


def put_off(unit: Unit, wording_id: int) -> None:
    """Postpone a wording that cannot be compared until tomorrow."""
    unit.connection.execute(
        update(RELATION_DUE)
        .where(RELATION_DUE.c.wording_id == wording_id)
        .values(recorded_at=unit.now + timedelta(days=1))
    )


def index(unit: Unit, wording_ids: set[int]) -> dict[int, ComparisonCandidates]:
    """Insert the index keys of wordings that have none, from their texts."""
    held = holders(unit.connection, wording_ids)
    wordings = [each.with_index_keys() for _number, each in sorted(held.items())]
    candidates = add_index_keys(unit.connection, wordings, unit.now)
    unit.connection.execute(
        delete(RELATION_DUE).where(RELATION_DUE.c.wording_id.in_(wording_ids - held.keys()))
    )
    _join_copies(unit, [each.origin_id for each in held.values()])
    return candidates


def _join_copies(unit: Unit, origins: Sequence[int]) -> None:
    """Put exact copies into clusters that were recorded before."""
    query = select(RELATION.c.a_origin_id, RELATION.c.b_origin_id).where(
        RELATION.c.kind == "exact_copy"
    )
    unit.flush()
    pairs = [(a, b) for a, b in rows_in(unit.connection, query, RELATION.c.b_origin_id, origins)]
    join_origins(unit, pairs)


def add_index_keys(
    connection: Connection, wordings: Sequence[IndexedWording], now: datetime
) -> dict[int, ComparisonCandidates]:
    """Insert the index keys of new wordings that are still due, in turn; return their candidates.

    The candidates are stored until the relations are stored.
    """
    _lock_index_keys(connection)
    numbers = [each.wording_id for each in wordings]
    listed = rows_in(
        connection,
        select(RELATION_DUE.c.wording_id, RELATION_DUE.c.found),
        RELATION_DUE.c.wording_id,
        numbers,
    )
    mine = {number for number, found in listed if found is None}
    connection.execute(delete(RELATION_DUE).where(RELATION_DUE.c.wording_id.in_(mine)))
    return add_new_index_keys(
        connection, [each for each in wordings if each.wording_id in mine], now
    )


def add_new_index_keys(
    connection: Connection, wordings: Sequence[IndexedWording], now: datetime
) -> dict[int, ComparisonCandidates]:
    """Insert index keys like `add_index_keys`, if no other writer can."""
    candidates = index_wordings(connection, wordings)
    rows = [
        {"wording_id": n, "found": _load_candidates(each), "recorded_at": now}
        for n, each in candidates.items()
    ]
    insert_rows(connection, RELATION_DUE, rows)
    return candidates


def forget_due(connection: Connection, wording_ids: set[int]) -> None:
    """Stop indexing these wordings."""
    _lock_index_keys(connection)
    connection.execute(delete(RELATION_DUE).where(RELATION_DUE.c.wording_id.in_(wording_ids)))


def _lock_index_keys(connection: Connection) -> None:
    """Wait until no other process inserts index keys; SQLite has a single writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("lesart index keys"))))


def _load_candidates(candidates: ComparisonCandidates) -> dict[str, Any]:
    return {
        "near": candidates.near, "earlier": candidates.earlier, "later": candidates.later,
        "common": [[key, holders] for key, holders in candidates.common.items()],
    }  # fmt: skip


def candidates_of(rows: Mapping[str, Any]) -> ComparisonCandidates:
    """Return the candidates that `add_index_keys` stored."""
    common = {key: list(holders) for key, holders in rows["common"]}
    return ComparisonCandidates(
        list(rows["near"]), list(rows["earlier"]), list(rows["later"]), common
    )


def keep_relations(unit: Unit, answers: Answers, done: Sequence[int]) -> None:
    """Store new relations, join clusters, and remove `done` from the queue."""
    connection, relations = unit.connection, answers.relations
    _undo_superseded(unit, answers.meant)
    known = _KnownRelations(connection, relations)
    agencies = _agencies(connection, relations)
    joined = []
    for each in relations:
        if not known.is_new(each):
            continue
        unit.add(RELATION, _relation_row(unit, each, agencies))
        if joins(each.kind, each.evidence):
            joined.append((each.a.origin_id, each.b.origin_id))
    unit.flush()
    join_origins(unit, joined)
    connection.execute(delete(RELATION_DUE).where(RELATION_DUE.c.wording_id.in_(done)))


# ------------------------------------------------------------------------------- comparing


class _BatchComparer:
    """Compares the new wordings of one batch; each text is read and parsed once."""

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
        yield from self._follow_ups_of(new, candidates.earlier)
        for number in candidates.later:
            later = self.holders.get(number)
            if later is not None and later.article_id != new.article_id:
                yield from self._reevaluate(later)

    def _copies(self, new: Holder, candidates: ComparisonCandidates) -> Iterator[FoundRelation]:
        """Yield the wordings that a new one is a copy of, closest first.

        A copy that would join two clusters that the rules keep separate joins nothing.
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
            found = _copy_relation(new, other, one, two, answer, comparison, is_apart=is_apart)
            if joins(found.kind, found.evidence):
                joined.append(other)
                self._join(new, other)
            yield found

    def _answers(
        self, new: Holder, candidates: ComparisonCandidates, common: frozenset[int]
    ) -> Iterator[tuple[Holder, Likeness, Comparison]]:
        """Yield the comparisons of a new wording with its candidates, without most members of a
        large cluster.
        """
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

    def _is_apart(self, candidate: Holder, copies: Sequence[Holder]) -> bool:
        """Check whether a text must be kept separate from another story that is joined already."""
        return any(
            likeness(self._as_story(each), self._as_story(candidate))[0].reason in APART
            for each in copies
            if self._story(each.wording_id) != self._story(candidate.wording_id)
        )

    def _story(self, wording_id: int) -> Story | None:
        """Return the story of a wording; copies found in this batch share one."""
        story = self.stories.get(wording_id)
        while story in self._same:
            story = self._same[story]
        return story

    def _join(self, one: Holder, other: Holder) -> None:
        """Treat two articles as one story for the rest of the batch."""
        first, second = self._story(one.wording_id), self._story(other.wording_id)
        if first is not None and second is not None and first != second:
            self._same[first] = second

    def _common(self, new: Holder, candidates: ComparisonCandidates) -> frozenset[int]:
        """Return the passages that occur in several stories besides the own one."""
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

    def _reevaluate(self, later: Holder) -> list[FoundRelation]:
        """Return the texts that an earlier text follows, if one of its candidates arrived later."""
        relations = list(self._follow_ups_of(later, self._wordings_of_reference(later)))
        meant = frozenset(each.b.origin_id for each in relations)
        self.meant[later.origin_id, later.wording_id] = meant
        return relations

    def _follow_ups_of(self, later: Holder, earlier: Sequence[int]) -> Iterator[FoundRelation]:
        """Yield the texts that a text follows, of all candidates of its reference."""
        candidates = [
            each.candidate
            for number in earlier
            if (each := self.holders.get(number)) and each.article_id != later.article_id
        ]
        for meant in choose_followed(later.candidate, candidates):
            yield _follow_up_relation(later, self.holders[meant.key], meant)

    def _wordings_of_reference(self, later: Holder) -> list[int]:
        """Return all stored wordings that a reference may mean."""
        reference = later.candidate.reference
        if reference is None:
            return []
        sought = reference_keys(site_of(later.origin), later.day[0], reference)
        numbers = {n for held in look_up(self.connection, sought).values() for n in held}
        self.holders |= holders(self.connection, numbers - set(self.holders))
        return sorted(numbers)


# ------------------------------------------------------------------------------- results


def _copy_relation(
    new: Holder,
    candidate: Holder,
    one: StoryText,
    two: StoryText,
    answer: Likeness,
    comparison: Comparison,
    *,
    is_apart: bool,
) -> FoundRelation:
    """Return the relation in a direction that does not depend on the order of arrival."""
    is_turned = (
        answer.holder == "b"
        if answer.kind == "contains"
        else (candidate.seen, candidate.article) > (new.seen, new.article)
    )
    sides = [
        (new, one, comparison.a_share, comparison.a_size),
        (candidate, two, comparison.b_share, comparison.b_size),
    ]
    a, b = reversed(sides) if is_turned else sides
    evidence = {
        "reason": answer.reason,
        "a_wording": a[0].wording_id, "b_wording": b[0].wording_id,
        "a_share": round(a[2], 4), "b_share": round(b[2], 4),
        "a_words": a[3], "b_words": b[3],
        "disagreement": round(comparison.disagreement, 4),
        "own_share": round(comparison.share_of_own_text, 4),
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
    """Check whether the contained text is the story of its container: most of it, or its
    beginning.
    """
    passages = comparison.a_passages if answer.holder == "a" else comparison.b_passages
    in_lead = sum(
        max(0, min(last, _LEAD_WORDS) - first) for first, last in passages if first < _LEAD_WORDS
    )
    return share >= _MOST_OF_THE_HOLDER or in_lead >= _LEAD_SHARE * _LEAD_WORDS


def _follow_up_relation(later: Holder, earlier: Holder, match: FollowUpMatch) -> FoundRelation:
    reference = later.candidate.reference
    assert reference is not None
    evidence = {
        "reason": match.reason, "mark": reference.mark,
        "a_wording": later.wording_id, "b_wording": earlier.wording_id,
        "features": dict(match.features),
    }  # fmt: skip
    score = round(min(1.0, match.score), 4)
    return FoundRelation("follow_up", later, earlier, score, FOLLOWING, THRESHOLD, evidence)


def _undo_superseded(unit: Unit, targets: Mapping[tuple[int, int], frozenset[int]]) -> None:
    """Undo follow-ups of texts that were only taken for the referenced one."""
    if not targets:
        return
    query = (
        select(RELATION.c.id, RELATION.c.a_origin_id, RELATION.c.b_origin_id, RELATION.c.evidence)
        .outerjoin(RELATION_UNDONE, RELATION_UNDONE.c.relation_id == RELATION.c.id)
        .where(RELATION.c.kind == "follow_up", RELATION_UNDONE.c.id.is_(None))
    )
    origins = [origin for origin, _wording in targets]
    for number, a, b, evidence in rows_in(unit.connection, query, RELATION.c.a_origin_id, origins):
        chosen = targets.get((a, evidence["a_wording"]))
        if chosen and b not in chosen:
            unit.add(
                RELATION_UNDONE,
                {
                    "id": unit.number(), "relation_id": number,
                    "reason": "a text that it means came in later", "undone_at": unit.now,
                },
            )  # fmt: skip


class _KnownRelations:
    """The existing relations, including undone ones and those stored in this unit."""

    def __init__(self, connection: Connection, relations: Sequence[FoundRelation]) -> None:
        origins = {n for each in relations for n in (each.a.origin_id, each.b.origin_id)}
        query = select(RELATION.c.kind, RELATION.c.a_origin_id, RELATION.c.b_origin_id)
        self._pairs = {
            _family(kind, a, b)
            for kind, a, b in rows_in(connection, query, RELATION.c.a_origin_id, origins)
            if b in origins
        }

    def is_new(self, relation: FoundRelation) -> bool:
        key = _family(relation.kind, relation.a.origin_id, relation.b.origin_id)
        if key in self._pairs:
            return False
        self._pairs.add(key)
        return True


def _family(kind: str, a: int, b: int) -> tuple[Any, ...]:
    return ("copy", *sorted((a, b))) if kind in COPIES else (kind, a, b)


def _relation_row(
    unit: Unit, relation: FoundRelation, agencies: Mapping[int, str]
) -> dict[str, Any]:
    a, b = relation.a, relation.b
    earlier = "unknown" if a.seen == b.seen else "a" if a.seen < b.seen else "b"
    agency = agencies.get(b.derivation_id) or agencies.get(a.derivation_id)
    return {
        "id": unit.number(), "kind": relation.kind, "a_origin_id": a.origin_id,
        "b_origin_id": b.origin_id, "score": relation.score, "method": relation.method,
        "threshold": relation.threshold, "earlier": earlier, "agency": agency,
        "evidence": dict(relation.evidence), "decided_at": unit.now,
    }  # fmt: skip


def _agencies(connection: Connection, relations: Sequence[FoundRelation]) -> dict[int, str]:
    """Return the news agencies of texts, by derivation."""
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
    """Return the first agency that a text marks or that its byline names."""
    for paragraph in paragraphs_in(detail, text):
        for mark in paragraph.marks:
            marked = paragraph.text[mark.start : mark.end]
            if mark.kind == "agency" and (name := AGENCY_NAME.search(marked)):
                return name[0]
    listed = (detail["fields"].get("agency") or {}).get("value")
    return str(listed[0]) if isinstance(listed, list) and listed else None
