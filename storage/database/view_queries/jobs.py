"""The queries of the views of jobs and refusals."""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.sql_words import SqlWords, raw_digest


class Refusal:
    """A refused document."""

    seq: int
    job: int | None
    locator: str
    code: str
    message: str
    hint: str
    kept: bool
    raw_digest: str | None
    at: datetime
    source: str | None
    id: int


def select_refusals(words: SqlWords) -> str:
    """Return the refusals by their numbers, and the renewed ones by theirs: each has an index."""
    renewed = "FROM renewal renewed WHERE renewed.table_name = 'refusal'"
    kept = f"WHERE NOT EXISTS (SELECT 1 {renewed} AND renewed.row_id = f.id)"
    again = f"JOIN (SELECT renewed.seq, renewed.row_id {renewed}) again ON again.row_id = f.id"
    return " UNION ALL ".join(
        (_refusal_counts(words, "f.id", kept), _refusal_counts(words, "again.seq", again))
    )


def _refusal_counts(words: SqlWords, seq: str, chosen: str) -> str:
    return f"""
SELECT {seq} AS seq, coalesce(j.parent_id, f.job_id) AS job, f.locator AS locator,
    f.code AS code, f.message AS message, f.hint AS hint, f.kept AS kept,
    {raw_digest(words)} AS raw_digest, f.at AS at, r.name AS source,
    f.id AS id, f.source_id AS source_id
FROM refusal f
LEFT JOIN source r ON r.id = f.source_id
LEFT JOIN job j ON j.id = f.job_id
LEFT JOIN capture b ON b.id = f.capture_id
{chosen}
"""


REFUSALS = View("refusals", Refusal, ("id",), select_refusals, "never")


_SEEN = ("new_articles", "new_versions", "unchanged", "copies", "refused", "failed")
_COUNTS = (*_SEEN, "noise", "gone", "passed_over", "unconfirmed")


class Job:
    """A job with its counts."""

    seq: int
    job: int
    kind: str
    source: str | None
    state: str
    trigger: str
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reason: str | None
    seen: int
    new_articles: int
    new_versions: int
    unchanged: int
    noise: int
    copies: int
    refused: int
    failed: int
    gone: int
    passed_over: int
    seconds: float | None
    parent: int | None
    unconfirmed: int


def select_jobs(words: SqlWords) -> str:
    """Return jobs; a job with children includes their work.

    It is listed again when a child changes, so its number is that of the child: jobs with
    children have even numbers, others odd ones, and no two rows share one.
    """
    counts = ", ".join(f"j.{name} + {_child(f'sum(k.{name})', '0')} AS {name}" for name in _COUNTS)
    columns = ", ".join(f"t.{name}" for name in _COUNTS)
    seen = " + ".join(f"t.{name}" for name in _SEEN)
    greater = words.greater("j.seq", _child("max(k.seq)", "0"))
    finished = words.greater("j.finished_at", _child("max(k.finished_at)", "j.finished_at"))
    return f"""
SELECT 2 * t.seq + CASE WHEN t.parent IS NULL THEN 1 ELSE 0 END AS seq, t.job AS job,
    t.kind AS kind, t.source AS source, t.state AS state,
    t.triggered AS "trigger", t.attempts AS attempts, t.created_at AS created_at,
    t.started_at AS started_at,
    CASE WHEN t.state IN ('ready', 'running') THEN NULL ELSE t.finished_at END AS finished_at,
    t.reason AS reason, CAST({seen} AS bigint) AS seen, {columns},
    CASE WHEN t.state IN ('ready', 'running') THEN NULL
        ELSE {words.seconds("t.started_at", "t.finished_at")} END AS seconds,
    t.parent AS parent
FROM (
    SELECT {greater} AS seq, j.id AS job, j.kind AS kind, src.name AS source,
        CASE WHEN j.state <> 'done' THEN j.state
            WHEN {_child_is("'ready', 'running'")} THEN 'running'
            WHEN {_child_is("'quarantined'")} THEN 'quarantined'
            ELSE 'done' END AS state,
        j."trigger" AS triggered, j.attempts AS attempts, j.created_at AS created_at,
        j.started_at AS started_at, {finished} AS finished_at,
        coalesce(j.reason, (SELECT k.reason FROM job k WHERE k.parent_id = j.id
            AND (k.state = 'quarantined' OR (k.kind = 'fetch' AND k.state = 'done'))
            AND k.reason IS NOT NULL ORDER BY k.id LIMIT 1)) AS reason,
        {counts}, j.parent_id AS parent
    FROM job j
    LEFT JOIN source src ON src.id = j.source_id
) t
"""


JOBS = View("jobs", Job, ("job",), select_jobs, "never")


def _child(aggregate: str, otherwise: str) -> str:
    return f"coalesce((SELECT {aggregate} FROM job k WHERE k.parent_id = j.id), {otherwise})"


def _child_is(states: str) -> str:
    return f"EXISTS (SELECT 1 FROM job k WHERE k.parent_id = j.id AND k.state IN ({states}))"
