"""The queries of the views of observations and their transfers."""

from datetime import datetime
from typing import Any

from storage.database.view_facts import View
from storage.database.view_queries.own_times import corrected_time, correction_seq
from storage.database.view_queries.scans import CONFIRMABLE, join_scans, scan_seq, scan_start
from storage.database.view_queries.sql_words import (
    RESTRICTED,
    SqlWords,
    name_of_wording,
    open_alone,
    raw_digest,
    renewal_seq,
)
from storage.values.outcome import INTERSTITIALS


class Observation:
    """A check of an origin."""

    seq: int
    article: str | None
    origin: str
    observed_at: datetime
    recorded_at: datetime
    foreign: bool
    outcome: str
    http_status: int | None
    version: int | None
    wording: str | None
    raw_digest: str | None
    note: str | None
    checks: int
    until: datetime | None
    id: int


def select_observations(words: SqlWords) -> str:
    """Return three kinds of rows with equal types: otherwise PostgreSQL cannot push conditions
    down.
    """
    return " UNION ALL ".join(
        select(words) for select in (select_snapshots, select_confirmations, _articleless)
    )


OBSERVATIONS = View(
    "observations",
    Observation,
    ("id",),
    select_observations,
    "scans",
)


def select_snapshots(words: SqlWords) -> str:
    return f"""
SELECT s.seq AS seq, a.public_id AS article, r.origin AS origin, s.observed_at AS observed_at,
    o.recorded_at AS recorded_at, s.is_foreign AS "foreign", s.outcome AS outcome,
    o.http_status AS http_status, s.version AS version,
    {name_of_wording(words, "w.digest")} AS wording, {raw_digest(words)} AS raw_digest,
    {open_alone(_NOTE)} AS note, 1 AS checks, {words.no_time} AS until,
    o.id AS id, s.article_id AS article_id, s.observation_id AS observation_id
FROM snapshot s
JOIN observation o ON o.id = s.observation_id
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
LEFT JOIN wording w ON w.id = s.wording_id
LEFT JOIN capture b ON b.id = o.capture_id
"""


def select_confirmations(words: SqlWords) -> str:
    return f"""
SELECT {words.greater(scan_seq("last"), "s.seq - 1")} AS seq,
    a.public_id AS article, r.origin AS origin,
    {scan_start("first")} AS observed_at, first.recorded_at AS recorded_at, FALSE AS "foreign",
    CAST('unchanged' AS varchar) AS outcome, CAST(NULL AS integer) AS http_status,
    s.version AS version,
    {name_of_wording(words, "w.digest")} AS wording, {raw_digest(words)} AS raw_digest,
    CAST(NULL AS text) AS note,
    CAST((SELECT count(*) FROM scan c WHERE c.source_id = o.source_id AND c.complete = TRUE
        AND c.id BETWEEN first.id AND last.id) AS integer) AS checks,
    {scan_start("last")} AS until, -o.id AS id,
    s.article_id AS article_id, s.observation_id AS observation_id
FROM snapshot s
JOIN observation o ON o.id = s.observation_id{join_scans(words)}
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
LEFT JOIN wording w ON w.id = s.wording_id
LEFT JOIN capture b ON b.id = o.capture_id
WHERE {CONFIRMABLE}
"""


_OF_INTERSTITIAL = " ".join(
    f"WHEN '{code}' THEN '{outcome}'" for code, outcome in INTERSTITIALS.items()
)
TURNED_OUT = f"""CASE WHEN s.outcome IS NOT NULL THEN s.outcome
        WHEN o.outcome <> 'captured' OR judged.id IS NULL THEN o.outcome
        WHEN judged.kind = 'listed' THEN 'content'
        WHEN o.http_status IS NOT NULL THEN coalesce((SELECT CASE max(f.code) {_OF_INTERSTITIAL}
            END FROM refusal f WHERE f.observation_id = o.id), 'refused')
        ELSE 'refused' END"""
"""Outcome of a check `o`, from its snapshot `s` and its verdict `judged`, if any."""
_NOTE = """coalesce(o.note, (SELECT max(f.message) FROM refusal f
        WHERE f.observation_id = o.id))"""
"""Note on a check `o`: that of the response, otherwise the reason of the refusal."""


def _articleless(words: SqlWords) -> str:
    """Refusals without an article; unread observations are left out."""
    is_foreign, number = "coalesce(t.is_foreign, FALSE)", "coalesce(judged.id, o.id)"
    corrected = words.greater(number, correction_seq("o", is_foreign, number))
    return f"""
SELECT {words.greater(corrected, renewal_seq("observation", "o.id"))} AS seq,
    {words.no_name} AS article, r.origin AS origin,
    {corrected_time(words, "o", is_foreign)} AS observed_at, o.recorded_at AS recorded_at,
    {is_foreign} AS "foreign",
    {TURNED_OUT} AS outcome,
    o.http_status AS http_status, CAST(NULL AS integer) AS version,
    CAST(NULL AS text) AS wording, {raw_digest(words)} AS raw_digest, {_NOTE} AS note,
    1 AS checks, {words.no_time} AS until, o.id AS id, CAST(NULL AS bigint) AS article_id,
    o.id AS observation_id
FROM observation o
JOIN origin r ON r.id = o.locator_id
LEFT JOIN snapshot s ON s.observation_id = o.id
LEFT JOIN verdict judged ON judged.observation_id = o.id
LEFT JOIN transfer t ON t.observation_id = o.id
LEFT JOIN capture b ON b.id = o.capture_id
WHERE s.observation_id IS NULL AND (o.outcome <> 'captured' OR judged.id IS NOT NULL)
"""


class Transfer:
    """An exchange with a server, or an imported one."""

    seq: int
    article: str | None
    origin: str
    observed_at: datetime
    foreign: bool
    address: str
    http_status: int | None
    hops: list[Any] | None
    request: dict[str, Any] | None
    response_headers: list[Any] | None
    peer: str | None
    tls_version: str | None
    certificate: str | None
    duration_ms: int | None
    wire_bytes: int | None
    body_encoding: str | None
    rights: dict[str, Any] | None
    id: int


def select_transfers(words: SqlWords) -> str:
    # its article is known once it was read, and may be another one later: see the snapshot
    read = words.greater("t.id", "coalesce(s.seq, 0)")
    corrected = words.greater(read, correction_seq("o", "t.is_foreign", "t.id"))
    return f"""
SELECT {words.greater(corrected, renewal_seq("observation", "o.id"))} AS seq,
    a.public_id AS article, r.origin AS origin,
    {corrected_time(words, "o", "t.is_foreign")} AS observed_at,
    t.is_foreign AS "foreign", t.address AS address, o.http_status AS http_status,
    t.hops AS hops, t.request AS request, t.response_headers AS response_headers,
    t.peer AS peer, t.tls_version AS tls_version, {words.hexed("c.digest")} AS certificate,
    t.duration_ms AS duration_ms, t.wire_bytes AS wire_bytes, t.body_encoding AS body_encoding,
    t.rights AS rights, o.id AS id
FROM transfer t
JOIN observation o ON o.id = t.observation_id
JOIN origin r ON r.id = o.locator_id
LEFT JOIN snapshot s ON s.observation_id = o.id
LEFT JOIN article a ON a.id = s.article_id
LEFT JOIN certificate c ON c.id = t.certificate_id
WHERE s.article_id IS NULL OR s.article_id NOT IN {RESTRICTED}
"""


TRANSFERS = View("transfers", Transfer, ("id",), select_transfers, "restriction")
