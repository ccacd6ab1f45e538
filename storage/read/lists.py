"""The lists that reading returns: a query over the documented views, and a record for each row."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from storage.capabilities import parts_of
from storage.database.rows import Row, cursor, fetch, fetch_row, place, stream
from storage.database.view_queries.sql_words import RESTRICTED
from storage.database.views import (
    edit_condition,
    element_of,
    snapshots_query,
    steps_query,
    view_query,
)
from storage.diff.entry_history import EntryHistory, LiveBlogEntry
from storage.read.answers import (
    ArticleLine,
    ArticleName,
    Change,
    Job,
    LineageDecision,
    NoiseStep,
    Observation,
    Refusal,
    Relation,
    RightsDeclaration,
    VersionLine,
)
from storage.read.filters import Conditions, Filters, conditions
from storage.read.query.records import ALL, Part, RecordList
from storage.values.change_class import ChangeClass
from storage.values.draft import PartialDate
from storage.values.errors import did_you_mean
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.diff import entry_changes
    from storage.diff import noise as noise_rules
    from storage.history import change_conditions
    from storage.history import changes as changes_between
    from storage.history.change_conditions import Clause
else:
    entry_changes = LazyModule("storage.diff.entry_changes")
    noise_rules = LazyModule("storage.diff.noise")
    change_conditions = LazyModule("storage.history.change_conditions")
    changes_between = LazyModule("storage.history.changes")


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Selects edits, or steps of any of these classes, silent or not, with a passage that contains
    a text.

    `recorded` are the values of conditions of capabilities, by the name of the condition.
    """

    classes: Sequence[str] = ()
    silent: bool | None = None
    contains: str | None = None
    recorded: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse unknown classes. Raises: ValueError."""
        if unknown := {*self.classes} - {*ChangeClass}:
            name = min(unknown)
            similar = did_you_mean(name, [each.value for each in ChangeClass])
            raise ValueError(
                f"there is no class {name!r} of changes; {similar}there are "
                f"{', '.join(ChangeClass)}"
            )


ANY_STEP = ChangeFilter()


def step_conditions(
    selection: ChangeFilter, connection: "Connection", step: str = "q"
) -> Conditions:
    """Return the conditions for the columns of a step, without the one for its text."""
    criteria = Conditions()
    if selection.classes:
        listed = element_of(f"{step}.changes", ":classes", connection)
        criteria = criteria.with_clause(listed, classes=[*selection.classes])
    if selection.silent is not None:
        criteria = criteria.with_clause(f"{step}.silent = :silent", silent=selection.silent)
    return criteria


def recorded_conditions(
    selection: ChangeFilter, make: "Callable[..., Clause]", connection: "Connection"
) -> Conditions:
    """Return the conditions of capabilities, each as `make` states it."""
    criteria = Conditions()
    for name, wanted in selection.recorded.items():
        if wanted:
            clause, values = make(name, wanted, connection)
            criteria = criteria.with_clause(clause, **values)
    return criteria


def edit_conditions(selection: ChangeFilter, connection: "Connection") -> Conditions:
    """Return the conditions for steps; without classes, new entries alone are no edit."""
    criteria = step_conditions(selection, connection).merge(
        recorded_conditions(selection, change_conditions.change_clause, connection)
    )
    if selection.classes:
        return criteria
    return criteria.with_clause(edit_condition("q.changes", connection))


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Selects articles in a state, and with a change of any of these classes."""

    state: str | None = None
    classes: Sequence[str] = ()


ANY_ARTICLE = ArticleFilter()


def articles(
    connection: "Connection",
    filters: Filters,
    selection: ArticleFilter,
    part: Part,
    *,
    newest_first: bool,
) -> Iterator[ArticleLine]:
    """Yield the articles in the order in which the archive first saw them, or in reverse."""
    criteria = conditions(filters)
    if selection.state is not None:
        criteria = criteria.with_clause("q.state = :state", state=selection.state)
    if selection.classes:
        steps = view_query("changes", connection)
        chosen = step_conditions(ChangeFilter(selection.classes), connection, "s")
        own = " AND ".join(("s.article_id = q.article_id", *chosen.clauses))
        clause = f"EXISTS (SELECT 1 FROM ({steps}) s WHERE {own})"
        criteria = criteria.with_clause(clause, **chosen.values)
    yield from replace(ARTICLES, is_descending=newest_first).rows(connection, criteria, part)


def count_articles(connection: "Connection") -> int:
    """Return the number of articles that `articles` yields without filters."""
    query = view_query("articles", connection)
    number: int = fetch_row(connection, f"SELECT count(*) AS n FROM ({query}) q", {})["n"]
    return number


def history(connection: "Connection", article_id: int, part: Part) -> Iterator[VersionLine]:
    """Yield the versions of one article, the oldest first."""
    criteria = Conditions().with_clause("q.article_id = :article", article=article_id)
    query = steps_query(connection)
    yield from _VERSIONS.fetch(connection, criteria, part, query)


def changes(
    connection: "Connection",
    article_id: int | None,
    selection: ChangeFilter,
    filters: Filters,
    part: Part,
) -> Iterator[Change]:
    """Yield the steps between two versions, the newest first."""
    criteria = conditions(filters, time_column="q.changed_by")
    if article_id is not None:
        criteria = criteria.with_clause("q.article_id = :article", article=article_id)
    criteria = criteria.merge(edit_conditions(selection, connection))
    if selection.contains is None:
        yield from CHANGES.rows(connection, criteria, part)
        return
    found = CHANGES.rows(connection, criteria, Part(part.after))
    yield from islice(
        (each for each in found if contains_passage(each, selection.contains)), part.limit
    )


def top_changes(
    connection: "Connection", candidates: int, limit: int, rank: Callable[[Row], int]
) -> list[Change]:
    """Return the highest-ranked of the newest steps; among equals, the newest first."""
    query = view_query("changes", connection)
    newest = (
        f"SELECT q.version_id, q.changes, q.silent FROM ({query}) q "
        f"WHERE {edit_condition('q.changes', connection)} "
        "ORDER BY q.changed_by DESC, q.version_id DESC LIMIT :rows"
    )
    ranked = sorted(stream(connection, newest, {"rows": candidates}), key=rank, reverse=True)
    chosen = [row["version_id"] for row in ranked[:limit]]
    statement = f"SELECT {CHANGES.columns} FROM ({query}) q WHERE q.version_id IN :chosen"
    rows = fetch(connection, statement, {"chosen": chosen}) if chosen else ()
    found = {row["version_id"]: CHANGES.record(row) for row in rows}
    return [found[number] for number in chosen]


def step(connection: "Connection", article_id: int, number: int) -> Change | None:
    """Return the step that created a version, including the first one; None if there is none."""
    criteria = Conditions().with_clause("q.article_id = :article", article=article_id)
    criteria = criteria.with_clause("q.version = :number", number=number)
    query = steps_query(connection)
    return next(iter(CHANGES.fetch(connection, criteria, query=query)), None)


def article(connection: "Connection", article_id: int) -> ArticleLine:
    criteria = Conditions().with_clause("q.article_id = :article", article=article_id)
    (found,) = ARTICLES.fetch(connection, criteria)
    return found


def names(connection: "Connection", articles: Iterable[str | None]) -> dict[str, ArticleName]:
    """Return the current titles of articles and their outlets, by article id."""
    if not (wanted := list(dict.fromkeys(filter(None, articles)))):
        return {}
    query = view_query("articles", connection)
    statement = (
        "SELECT q.article, q.title, coalesce(q.publisher, q.source) AS outlet "
        f"FROM ({query}) q WHERE q.article IN :articles"
    )
    rows = fetch(connection, statement, {"articles": wanted})
    return {row["article"]: ArticleName(row["title"], row["outlet"]) for row in rows}


def cluster(connection: "Connection", label: str) -> Iterator[ArticleLine]:
    """Yield the articles of the cluster with this label."""
    criteria = Conditions().with_clause("q.cluster = :label", label=label)
    yield from ARTICLES.rows(connection, criteria, ALL)


def entries(
    connection: "Connection", article_id: int, part: Part, *, oldest_first: bool = False
) -> Iterator[LiveBlogEntry]:
    """Yield the entries of a live blog, the newest first or the oldest first."""
    found = _entry_history(connection, article_id).entries()
    ordered = found if oldest_first else found[::-1]
    kind = f"entries {'oldest' if oldest_first else 'newest'}"
    start = 0 if part.after is None else place(kind, part.after, int)[0] + 1
    end = None if part.limit is None else start + part.limit
    for number, each in islice(enumerate(ordered), start, end):
        yield replace(each, cursor=cursor(kind, number))


def _entry_history(connection: "Connection", article_id: int) -> EntryHistory:
    """Read the changes of entries from all versions of an article.

    After a gap, a version that another extractor read or that was redacted, the entries of a
    capture are compared with the known ones.
    """
    rows = fetch(connection, _ENTRY_STEPS, {"article": article_id})
    history = EntryHistory(rows[0]["article"] if rows else "")
    is_known = True
    for row in rows:
        if row["entries"] is None:
            is_known = False
            continue
        span = row["changed_after"], row["changed_by"]
        if not is_known and row["before_id"] is not None:
            before = changes_between.content(connection, row["before_id"])
            known = [each.to_dict() for each in entry_changes.first_entries(before.entry_texts)]
            history.add(row["number"] - 1, (None, row["changed_after"]), known)
        history.add(row["number"], span, row["entries"])
        is_known = True
    return history


_ENTRY_STEPS = f"""
SELECT a.public_id AS article, v.number AS number, v.entries AS entries, v.before_id AS before_id,
    v.changed_after AS changed_after, v.changed_by AS changed_by
FROM version v JOIN article a ON a.id = v.article_id
WHERE v.article_id = :article AND a.id NOT IN {RESTRICTED} ORDER BY v.number
"""


def observations(connection: "Connection", article_id: int, part: Part) -> Iterator[Observation]:
    """Yield every check of one article in the order of time."""
    criteria = Conditions().with_clause("q.article_id = :article", article=article_id)
    query = snapshots_query(connection)
    beside = {
        own.name: part.facts_of_observations(connection, article_id)
        for own, part in parts_of("check_facts")
    }
    records = replace(
        _OBSERVATIONS,
        compute=lambda row: {
            name: beside.get(name, {}).get(row["observation_id"], ())
            for name in _OBSERVATIONS.computed
        },
    )
    yield from records.rows(connection, criteria, part, query)


def relations(
    connection: "Connection", origin_ids: Sequence[int] | None, filters: Filters, part: Part
) -> Iterator[Relation]:
    """Yield the relations, including undone ones; filters need to match only one side."""
    criteria = Conditions()
    if origin_ids is not None:
        either = "(q.a_origin_id IN :origins OR q.b_origin_id IN :origins)"
        criteria = criteria.with_clause(either, origins=list(origin_ids))
    if not filters.is_empty:
        article_criteria = conditions(filters, time_column="f.first_seen", article="f", version="f")
        side = f"f.article_id IN (q.a_id, q.b_id) AND {' AND '.join(article_criteria.clauses)}"
        inner = view_query("articles", connection)
        criteria = criteria.with_clause(
            f"EXISTS (SELECT 1 FROM ({inner}) f WHERE {side})", **article_criteria.values
        )
    yield from _RELATIONS.rows(connection, criteria, part)


def noise(connection: "Connection", article_id: int | None, part: Part) -> Iterator[NoiseStep]:
    """Yield the steps that count as noise, including undone ones, in the order of the decisions."""
    criteria = Conditions()
    if article_id is not None:
        mine = "q.origin_id IN (SELECT origin_id FROM article_origin WHERE article_id = :article)"
        criteria = criteria.with_clause(mine, article=article_id)
    steps = replace(_NOISE, compute=partial(_noise_fields, connection))
    yield from steps.rows(connection, criteria, part)


_LINEAGES = RecordList(LineageDecision, "lineages", {"id": int})
_LINEAGE_QUERY = f"""
SELECT l.id AS id, l.origin_id AS origin_id, l.to_origin_id AS to_origin_id,
    a.public_id AS article, l.kind AS kind, o.origin AS origin,
    t.origin AS to_origin, l.decided_at AS decided_at, u.undone_at AS undone_at, u.reason AS reason
FROM lineage l
JOIN origin o ON o.id = l.origin_id
JOIN origin t ON t.id = l.to_origin_id
LEFT JOIN lineage_undone u ON u.lineage_id = l.id
LEFT JOIN article_origin ao ON ao.origin_id = l.to_origin_id
LEFT JOIN article a ON a.id = ao.article_id
WHERE a.id IS NULL OR a.id NOT IN {RESTRICTED}
"""  # a constant
_LINEAGE_OF_ARTICLE = """
EXISTS (SELECT 1 FROM article_origin ao
    WHERE ao.article_id = :article AND ao.origin_id IN (q.origin_id, q.to_origin_id))
"""


def lineages(
    connection: "Connection", article_id: int | None, part: Part
) -> Iterator[LineageDecision]:
    """Yield the decisions in their order, including undone ones.

    Raises: CursorError.
    """
    criteria = Conditions()
    if article_id is not None:
        criteria = criteria.with_clause(_LINEAGE_OF_ARTICLE, article=article_id)
    yield from _LINEAGES.rows(connection, criteria, part, _LINEAGE_QUERY)


def rights(
    connection: "Connection", criteria: Conditions, part: Part
) -> Iterator[RightsDeclaration]:
    """Yield declarations about the use of texts: by origin and place, then in the order of time."""
    yield from _RIGHTS.rows(connection, criteria, part)


def rights_of_articles(
    connection: "Connection", articles: Sequence[int]
) -> list[RightsDeclaration]:
    """Return the declarations about the texts of a few articles, in the same order."""
    criteria = Conditions().with_clause("q.article_id IN :ids", ids=list(articles))
    return _RIGHTS.fetch(connection, criteria)


@dataclass(frozen=True, slots=True)
class RefusalFilter:
    """Selects refusals: of one job, with any of these codes, from one source, since a time."""

    job: int | None = None
    codes: Sequence[str] = ()
    source: str | None = None
    since: datetime | None = None

    def conditions(self) -> Conditions:
        """Return the conditions for rows `r` of the view."""
        criteria = Conditions()
        if self.job is not None:
            criteria = criteria.with_clause("r.job = :job", job=self.job)
        if self.codes:
            criteria = criteria.with_clause("r.code IN :codes", codes=list(self.codes))
        if self.source is not None:
            criteria = criteria.with_clause("r.source = :source", source=self.source)
        if self.since is not None:
            criteria = criteria.with_clause("r.at >= :since", since=self.since)
        return criteria


def refusals(connection: "Connection", selection: RefusalFilter, part: Part) -> Iterator[Refusal]:
    """Yield refusals in the order of time; repeated ones are one row, the last."""
    criteria = selection.conditions()
    view = view_query("refusals", connection)
    query = f"""
SELECT v.*, g.times AS times, g.first_at AS first_at FROM ({view}) v
JOIN (SELECT max(r.id) AS id, count(*) AS times, min(r.at) AS first_at FROM ({view}) r
    {criteria.sql_where} GROUP BY r.source_id, r.locator, r.code) g ON g.id = v.id"""
    yield from _REFUSALS.rows(connection, Conditions((), criteria.parameters), part, query)


def jobs(connection: "Connection", job: int | None, part: Part) -> Iterator[Job]:
    """Yield the jobs, the newest first, without parts; or one job with all its parts."""
    if job is None:
        criteria = Conditions().with_clause("q.parent IS NULL")
    else:
        criteria = Conditions().with_clause("(q.job = :job OR q.parent = :job)", job=job)
    yield from replace(_JOBS, is_descending=job is None).rows(connection, criteria, part)


def parse_date(value: Any) -> PartialDate | None:
    """Return the date of a field, None if it is not a date."""
    if not isinstance(value, Mapping):
        return None
    return PartialDate(value["value"], value["precision"], value["zone"], value["found_in"])


def contains_passage(change: Change, text: str) -> bool:
    """Check whether a removed or added passage contains a text."""
    needle = " ".join(text.casefold().split())
    passages = (*change.removed, *change.added)
    return any(needle in " ".join(passage.casefold().split()) for passage in passages)


# ------------------------------------------------------------------------------- records


def _noise_fields(connection: "Connection", row: Row) -> Mapping[str, Any]:
    """Return the rules and the passages of a noise step, computed from its derivations."""
    removed, added = changes_between.differences(
        connection, row["a_derivation_id"], row["b_derivation_id"]
    )
    reasons = tuple(noise_rules.RULES[rule] for rule in row["rules"])
    return {"reasons": reasons, "removed": removed, "added": added}


ARTICLES = RecordList(
    ArticleLine,
    "list",
    {"article_id": int},
    "articles",
    more=["row_published"],
    computed=["published"],
    compute=lambda row: {"published": parse_date(row["row_published"])},
)
_VERSIONS = RecordList(VersionLine, "history", {"version": int}, "changes")
CHANGES = RecordList(
    Change,
    "changes",
    {"changed_by": datetime, "version_id": int},
    "changes",
    is_descending=True,
)
_OBSERVATIONS = RecordList(
    Observation,
    "observations",
    {"observed_at": datetime, "observation_id": int},
    "observations",
    computed=("outside_copies", "pictures"),
)
_RELATIONS = RecordList(
    Relation,
    "relations",
    {"id": int},
    "relations",
    more=["row_evidence"],
    computed=["evidence"],
    compute=lambda row: {"evidence": row["row_evidence"]},
)
_NOISE = RecordList(
    NoiseStep,
    "noise",
    {"id": int},
    "noise",
    more=["a_derivation_id", "b_derivation_id"],
    computed=["reasons", "removed", "added"],
)
_RIGHTS = RecordList(
    RightsDeclaration, "rights", {"origin_id": int, "found_in": str, "row_key": int}, "rights"
)
_REFUSALS = RecordList(Refusal, "refusals", {"id": int}, "refusals")
_JOBS = RecordList(Job, "jobs", {"job": int}, "jobs")
