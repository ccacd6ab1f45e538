"""Scans that confirm an observation without a row of their own.

A complete scan stores no row for an unchanged file. The scans that confirm an observation `o` are
the complete ones of its source after the scan that made it and before the next observation of the
same place; without a next one the place must still exist. If another place has another wording of
the article, they end there. If the address of the place was redacted, they end there, too, and the
place need not exist: its row was deleted, so that the next scan checks the file again.
"""

from storage.database.view_queries.sql_words import SqlWords

_AFTER = "coalesce(o.scan_id, o.id)"
_REDACTED = (
    "FROM redaction erased WHERE erased.table_name = 'origin_address' "
    "AND erased.row_id = o.locator_id AND erased.id > o.id"
)
_NEXT = (
    "coalesce("
    "(SELECT coalesce(n.scan_id, n.id) FROM observation n WHERE n.locator_id = o.locator_id "
    "AND n.source_id = o.source_id AND n.id > o.id ORDER BY n.id LIMIT 1), "
    "(SELECT 9223372036854775807 FROM presence p2 WHERE p2.source_id = o.source_id "
    "AND p2.locator_id = o.locator_id AND p2.observation_id = o.id AND p2.gone = FALSE), "
    f"(SELECT 9223372036854775807 {_REDACTED} LIMIT 1), 0)"
)
_NEXT_REDACTED = (
    "SELECT (SELECT min(c2.id) FROM scan c2 WHERE c2.source_id = o.source_id "
    f"AND c2.seq > erased.id) {_REDACTED}"
)
_OTHER_WORDING = (
    "SELECT min(coalesce(o2.scan_id, o2.id)) FROM snapshot s2 "
    "JOIN observation o2 ON o2.id = s2.observation_id WHERE s2.article_id = s.article_id "
    "AND s2.observation_id > o.id AND s2.is_foreign = FALSE AND s2.wording_id <> s.wording_id "
    "AND EXISTS (SELECT 1 FROM scan any_scan WHERE any_scan.source_id = o.source_id)"
)
_BEFORE = (
    f"(SELECT min(ends.edge) FROM (SELECT {_NEXT} AS edge UNION ALL {_OTHER_WORDING} "
    f"UNION ALL {_NEXT_REDACTED}) ends)"
)
_CONFIRMING = (
    f"c.source_id = o.source_id AND c.complete = TRUE AND c.id > {_AFTER} AND c.id < {_BEFORE}"
)
CONFIRMABLE = "s.outcome IN ('content', 'unchanged') AND s.is_foreign = FALSE"
_ORDINAL = (
    "coalesce((SELECT min(p.ordinal) FROM presence p WHERE p.source_id = o.source_id "
    "AND p.locator_id = o.locator_id), 0)"
)
_SCANS = "FROM scan c WHERE " + _CONFIRMING


def scan_start(scan: str) -> str:
    """Return the expression for the start of a scan, in the corrected time of the archive."""
    corrected = f"SELECT k.started_at FROM corrected_scan k WHERE k.scan_id = {scan}.id"
    return f"coalesce(({corrected}), {scan}.started_at)"


def scan_seq(scan: str) -> str:
    """Return the expression for the `seq` of what a scan confirms at the place of `o`."""
    corrected = f"SELECT k.seq FROM corrected_scan k WHERE k.scan_id = {scan}.id"
    return f"coalesce(({corrected}), {scan}.seq) - {_ORDINAL}"


def join_scans(words: SqlWords) -> str:
    """Return the joins that add `first` and `last`, the first and the last confirming scan.

    They fix the join order, because PostgreSQL would otherwise try every scan on every file.
    """
    first = f"(SELECT c.id {_SCANS} ORDER BY c.id LIMIT 1)"
    last = f"(SELECT c.id {_SCANS} ORDER BY c.id DESC LIMIT 1)"
    if words.has_lateral:
        return f"""
JOIN LATERAL (SELECT {first} AS first_id, {last} AS last_id OFFSET 0) ends ON TRUE
JOIN scan first ON first.id = ends.first_id
JOIN scan last ON last.id = ends.last_id"""
    return f"""
JOIN scan first ON first.id = {first}
JOIN scan last ON last.id = {last}"""


def _head_scans(words: SqlWords) -> str:
    """Return the rest of a query for the last scans that confirm `v`, the head of article `a`."""
    last = f"(SELECT c.id {_SCANS} ORDER BY c.id DESC LIMIT 1)"
    joined = (
        f"JOIN LATERAL (SELECT c.* {_SCANS} ORDER BY c.id DESC LIMIT 1) last ON TRUE"
        if words.has_lateral
        else f"JOIN scan last ON last.id = {last}"
    )
    return (
        f"FROM snapshot s JOIN observation o ON o.id = s.observation_id {joined} "
        f"WHERE s.article_id = a.id AND s.wording_id = v.wording_id AND {CONFIRMABLE}"
    )


def head_seq(words: SqlWords, own: str) -> str:
    scanned = f"(SELECT max({scan_seq('last')}) {_head_scans(words)})"
    return words.greater(own, f"coalesce({scanned}, 0)")


def head_last_seen(words: SqlWords, own: str) -> str:
    scanned = f"(SELECT max({scan_start('last')}) {_head_scans(words)})"
    return words.greater(own, f"coalesce({scanned}, {own})")
