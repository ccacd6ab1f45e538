"""Full text search: the versions that match a query, with the same results on both databases.

A first query ranks; a second one reads the content of the hits, a few at a time. Common words are
ranked in windows of the newest texts first: no search ranks the whole archive.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from storage.database.rows import Row, cursor, fetch, fetch_row, place, stream
from storage.database.view_queries.sql_words import (
    BLOCK_BITS,
    INDEXED_TOKENS,
    RESTRICTED,
    Connected,
    words_of,
)
from storage.database.views import view_query
from storage.language.sentences import key_array
from storage.language.snippets import snippet
from storage.language.tokens import Alternatives, Phrase, Query, Word, holds, to_fts5, to_tsquery
from storage.read.answers import ArticleLine, Hit
from storage.read.filters import Conditions, Filters, conditions
from storage.read.lists import (
    ANY_STEP,
    ARTICLES,
    ChangeFilter,
    recorded_conditions,
    step_conditions,
)
from storage.read.query.records import Part
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy import Connection

    from storage.database import columns
    from storage.history import change_conditions
else:
    sqlalchemy = LazyModule("sqlalchemy")
    columns = LazyModule("storage.database.columns")
    change_conditions = LazyModule("storage.history.change_conditions")

CHUNK_HITS = 100
BEST_PER_HIT = 3
"""Texts per requested hit that are joined first: a text may have no version that is displayed."""
MAX_RANKED = 1_000
"""Maximum number of matching texts that are ranked together; the newest come first."""


def search(
    connection: "Connection",
    query: Query,
    filters: Filters,
    part: Part,
    *,
    latest: bool,
    steps: ChangeFilter = ANY_STEP,
) -> Iterator[Hit]:
    """Yield the hits with the best score first, among equals the newest, window by window."""
    found = matching_versions(connection, query, filters, part, latest=latest, steps=steps)
    while chunk := list(islice(found, CHUNK_HITS)):
        contents = _read_contents(connection, chunk)
        for row in chunk:
            yield _hit(row, contents[row["version_id"]], query)


def matching_versions(
    connection: "Connection",
    query: Query,
    filters: Filters,
    part: Part,
    *,
    latest: bool,
    steps: ChangeFilter = ANY_STEP,
) -> Iterator[Row]:
    """Yield id, article, number and score of the matching versions, in order."""
    criteria = hit_conditions(connection, filters, steps, latest=latest)
    top, beyond = _window_start(connection, part)
    force_index_scan(connection)
    remaining = part.limit
    while remaining is None or remaining > 0:
        window = window_query(connection, query, criteria, top)
        if window is None:
            return
        for row in _rank_window(connection, query, window, criteria.merge(beyond), remaining):
            remaining = None if remaining is None else remaining - 1
            yield row
        if remaining == 0:
            return
        lowest = f"SELECT min(wording_id) AS lowest, count(*) AS texts FROM ({window.plain}) m"
        seen = fetch_row(connection, lowest, window.values)
        if seen["texts"] < MAX_RANKED:
            return
        top, beyond = seen["lowest"] - 1, Conditions()


def _window_start(connection: "Connection", part: Part) -> tuple[int, Conditions]:
    """Return the newest wording of a window, and which of its hits are selected."""
    if part.after is None:
        return newest_wording(connection), Conditions()
    top, *hit = place("search", part.after, int, float, datetime, int)
    values = dict(zip(("score", "moment", "number"), hit, strict=True))
    beyond = "(m.score, v.changed_by, v.id) < (:score, :moment, :number)"
    return top, Conditions().with_clause(beyond, **values)


def newest_wording(connection: "Connection") -> int:
    newest: int = fetch_row(connection, _NEWEST, {})["newest"]
    return newest


def hit_conditions(
    connection: "Connection", filters: Filters, steps: ChangeFilter, *, latest: bool
) -> Conditions:
    """Return the conditions on versions (`v`, `d`) of articles (`a`) in addition to the words."""
    criteria = conditions(filters, time_column="a.first_seen", article="a", version="d")
    criteria = criteria.with_clause(_OPEN)
    if latest:
        criteria = criteria.with_clause("v.id = a.head_version_id")
    recorded = recorded_conditions(steps, change_conditions.hit_clause, connection)
    return criteria.merge(step_conditions(steps, connection, "v")).merge(recorded)


def hit_cursor(found: Row) -> str:
    """Return the cursor of a version that `matching_versions` yielded."""
    place_of = (found[name] for name in ("top", "score", "changed_by", "version_id"))
    return cursor("search", *place_of)


@dataclass(frozen=True, slots=True)
class SearchWindow:
    """The newest matching texts: as ids alone, and with the data that ranks them."""

    plain: str
    scored: str
    values: dict[str, Any]


def window_query(
    database: Connected | str,
    query: Query,
    criteria: Conditions,
    top: int,
    limit: int | None = None,
) -> SearchWindow | None:
    """Return the query for the newest matching wordings up to `top`, at most `limit`.

    None if `query` cannot match.
    """
    matching = _matching(database, query, _IN_BLOCKS)
    if matching is None:
        return None
    where, values = matching
    number = words_of(database).wording
    score, cut = "-bm25(search_text)", ""
    hit = (
        "" if criteria.clauses == (_OPEN,) else _HIT.format(number=number, where=criteria.sql_where)
    )
    newest = f"{where} AND {number} <= :top"
    window = f"FROM search_text s WHERE {newest}{hit} ORDER BY {number} DESC LIMIT :limit"
    if words_of(database).dialect == "postgresql":
        score = "CAST(ts_rank(s.tokens, CAST(:exact AS tsquery), 1) AS float8)"
        cut = f", {_CUT} AS cut" if "phrased" in values else ""
        values = {**values, "ranges": columns.json_text(_ranges(top))}
        window = f"FROM {_RANGES.format(where=where)} WHERE TRUE{hit} LIMIT :limit"
    return SearchWindow(
        f"SELECT {number} AS wording_id {window}",
        f"SELECT {number} AS wording_id, {score} AS score{cut} {window}",
        {**criteria.values, **values, "top": top, "limit": limit or MAX_RANKED},
    )


_OPEN = f"a.id NOT IN {RESTRICTED}"
"""Condition that an article is displayed; a window counts restricted texts but shows none."""
_RANGES = """jsonb_to_recordset(CAST(:ranges AS jsonb)) AS g(blocks text, newest bigint)
CROSS JOIN LATERAL (
    SELECT s.* FROM search_text s WHERE {where} AND s.wording_id + 0 <= g.newest
    ORDER BY s.wording_id + 0 DESC
) s"""
"""PostgreSQL reads range after range and ends when it has enough texts."""
_IN_BLOCKS = (
    "coalesce(CAST(:{name} AS tsquery) && CAST(g.blocks AS tsquery), CAST(:{name} AS tsquery))"
)
RANGE_BLOCKS = (1, 4, 16, 64)
"""Numbers of blocks that are searched one after the other, before everything older: a word that
occurs often is found in the first ones, and a rare one costs five lookups.
"""


def _ranges(top: int) -> list[dict[str, Any]]:
    """Return the ranges of wordings up to `top`, the newest first, the last one without an end.

    >>> _ranges(2 << BLOCK_BITS)
    [{'blocks': "'#2'", 'newest': 33554432}, {'blocks': None, 'newest': 33554431}]
    """
    ranges: list[dict[str, Any]] = []
    for number in RANGE_BLOCKS:
        block = top >> BLOCK_BITS
        if number > block:
            break
        blocks = " | ".join(f"'#{each}'" for each in range(block, block - number, -1))
        ranges.append({"blocks": blocks, "newest": top})
        top = (block - number + 1 << BLOCK_BITS) - 1
    return [*ranges, {"blocks": None, "newest": top}]


_HIT = """ AND EXISTS (
SELECT 1 FROM version v
JOIN article a ON a.id = v.article_id
JOIN derivation d ON d.id = v.derivation_id{where} AND v.wording_id = {number}
LIMIT 1 OFFSET 0)
"""
"""With an OFFSET, PostgreSQL reads one text after the other instead of joining all."""


def wordings_query(database: Connected | str, query: Query) -> tuple[str, dict[str, Any]] | None:
    """Return a query, and its parameters, for the `wording_id` of each wording with a phrase.

    If PostgreSQL omitted positions, all words suffice: the caller checks the text itself.
    None if `query` cannot match.
    """
    matching = _matching(database, query)
    if matching is None:
        return None
    where, values = matching
    number = words_of(database).wording
    return f"SELECT {number} AS wording_id FROM search_text s WHERE {where}", values


def _matching(
    database: Connected | str, query: Query, asked: str = "CAST(:{name} AS tsquery)"
) -> tuple[str, dict[str, Any]] | None:
    """Return the condition on a row of full text (`s`) for a query.

    `asked` is what PostgreSQL looks up in its index for the query in a parameter.
    """
    if words_of(database).dialect != "postgresql":
        match = to_fts5(query)
        return None if match is None else ("search_text MATCH :match", {"match": match})
    exact = to_tsquery(query)
    if exact is None:
        return None
    indexed = f"{INDEXED_TOKENS} @@ {asked}"
    if not (phrased := _words_of_phrases(query)):
        return indexed.format(name="exact"), {"exact": exact}
    loose = to_tsquery(_without_phrases(query))
    where = f"{indexed.format(name='loose')} AND (s.tokens @@ CAST(:exact AS tsquery) OR {_CUT})"
    return where, {"exact": exact, "loose": loose, "phrased": columns.json_text(phrased)}


def force_index_scan(connection: "Connection") -> None:
    """Make PostgreSQL use the index for the rest of a transaction, also for small tables.

    It estimates the pages of the table without those of the separately stored tokens.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sqlalchemy.text("SET LOCAL enable_seqscan = off"))


def newest_indexed_wording(connection: "Connection") -> int:
    """Return the newest wording up to which indexing is complete."""
    found: int = fetch_row(connection, _INDEXED, {})["up_to"]
    return found


def archive_state(connection: "Connection") -> str:
    """Return the last written row of the archive, and the last indexed one."""
    seq, indexed = fetch_row(connection, _STATE, {}).values()
    return f"{seq} {indexed}"


def find_wordings(
    connection: "Connection", queries: Sequence[tuple[Query, Query, int]], limit: int
) -> list[Sequence[int]]:
    """Return, for each query, the `wording_id`s above a number that `wordings_query` finds.

    At most `limit` for each, in one statement. A query is combined with a longer one whose words
    those texts contain too: PostgreSQL reads each text that contains all of them.
    """
    force_index_scan(connection)
    if connection.dialect.name == "postgresql":
        requests = [
            {"n": number, "exact": to_tsquery(each), "loose": to_tsquery(_without_phrases(longer)),
             "phrased": _words_of_phrases(each), "above": above}
            for number, (each, longer, above) in enumerate(queries)
        ]  # fmt: skip
        statement = _EACH_BY_TSQUERY
    else:
        requests = [
            {"n": number, "match": to_fts5(each), "above": above}
            for number, (each, _longer, above) in enumerate(queries)
        ]
        statement = _EACH_BY_FTS5.format(table="search_text")
    searchable = [each for each in requests if each.get("match", each.get("exact")) is not None]
    return _collect_wordings(connection, statement, searchable, len(queries), limit)


def _collect_wordings(
    connection: "Connection",
    statement: str,
    requests: Sequence[dict[str, Any]],
    number: int,
    limit: int,
) -> list[Sequence[int]]:
    """Return the wordings that a statement finds for each of a number of requests."""
    results: list[Sequence[int]] = [()] * number
    if requests:
        values = {"requests": columns.json_text(requests), "limit": limit}
        for row in fetch(connection, statement, values):
            found = row["wording_ids"]
            results[row["n"]] = json.loads(found) if isinstance(found, str) else found
    return results


def find_wordings_by_keys(
    connection: "Connection", requests: Sequence[tuple[Sequence[str], int]], limit: int
) -> list[Sequence[int]]:
    """Return, for each request, the `wording_id`s above a number with all keys of a sentence.

    At most `limit` for each, in one statement.
    """
    force_index_scan(connection)
    is_postgres = connection.dialect.name == "postgresql"
    searchable = [
        {"n": n, "match": _match_keys(connection, keys), "above": above}
        for n, (keys, above) in enumerate(requests)
    ]
    statement = _EACH_BY_ARRAY if is_postgres else _EACH_BY_FTS5.format(table="sentence_text")
    return _collect_wordings(connection, statement, searchable, len(requests), limit)


def wordings_by_keys_query(
    connection: "Connection", keys: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    """Return a query, and its parameters, for the wordings that have all keys of a sentence."""
    is_postgres = connection.dialect.name == "postgresql"
    query = _BY_ARRAY if is_postgres else _BY_KEYS
    return query, {"match": _match_keys(connection, keys)}


def _match_keys(connection: "Connection", keys: Sequence[str]) -> str:
    return key_array(keys) if connection.dialect.name == "postgresql" else " ".join(keys)


_BY_KEYS = "SELECT rowid AS wording_id FROM sentence_text WHERE sentence_text MATCH :match"
_BY_ARRAY = "SELECT wording_id FROM sentence_text WHERE keys @> CAST(:match AS int[])"
_EACH_BY_ARRAY = """
SELECT q.n AS n, ARRAY(SELECT s.wording_id FROM sentence_text s
    WHERE s.keys @> CAST(q.match AS int[]) AND s.wording_id + 0 > q.above LIMIT :limit
) AS wording_ids FROM jsonb_to_recordset(CAST(:requests AS jsonb)) AS q(n int, match text,
    above bigint)
"""
_MAY_BE_CUT = """(
    EXISTS (SELECT 1 FROM wording l WHERE l.id = s.wording_id AND octet_length(l.text) >= 32000)
    OR EXISTS (SELECT 1 FROM {words} p
        WHERE ts_rank('{{1,1,1,1}}', {tokens}, CAST(p AS tsquery)) >= 0.9976))"""
"""Whether an index may omit positions: for a long text, or one that repeats a word often.

254 occurrences rank as 0.9976. Reading the positions themselves takes three times as long.
"""
_CUT = _MAY_BE_CUT.format(
    tokens="s.tokens", words="jsonb_array_elements_text(CAST(:phrased AS jsonb))"
)
_EACH_BY_FTS5 = """
SELECT q.value ->> 'n' AS n, (SELECT json_group_array(rowid) FROM (
    SELECT rowid FROM {table} WHERE {table} MATCH (q.value ->> 'match')
    AND rowid > (q.value ->> 'above') LIMIT :limit
)) AS wording_ids FROM json_each(:requests) q
"""
_EACH_BY_TSQUERY = f"""
SELECT q.n AS n, (ARRAY(SELECT s.wording_id FROM search_text s
    WHERE s.wording_id > q.above AND {INDEXED_TOKENS} @@ CAST(q.loose AS tsquery)
    AND EXISTS (
        SELECT 1 FROM (SELECT setweight(s.tokens, 'A') AS tokens OFFSET 0) once
        WHERE once.tokens @@ CAST(q.exact AS tsquery)
        OR {_MAY_BE_CUT.format(tokens="once.tokens", words="unnest(q.phrased)")})
))[1:CAST(:limit AS int)] AS wording_ids
FROM jsonb_to_recordset(CAST(:requests AS jsonb)) AS q(n int, exact text, loose text,
    phrased text[], above bigint)
"""
_INDEXED = (
    "SELECT coalesce((SELECT min(wording_id) - 1 FROM search_due), (SELECT max(id) FROM wording), "
    "0) AS up_to"
)
_STATE = f"SELECT (SELECT value FROM counter WHERE name = 'seq') AS seq, ({_INDEXED}) AS up_to"
_NEWEST = "SELECT coalesce(max(id), 0) AS newest FROM wording"


_RANKED = """
WITH w AS MATERIALIZED ({window}),
m AS (SELECT * FROM w WHERE score >= coalesce(
    (SELECT score FROM w {beyond} ORDER BY score DESC LIMIT 1 OFFSET :best), score))
SELECT v.id AS version_id, a.id AS article_id, a.public_id AS article, v.number AS version,
    v.changed_by AS changed_by, m.score AS score, CAST(:top AS bigint) AS top {more}
FROM m
JOIN version v ON v.wording_id = m.wording_id
JOIN article a ON a.id = v.article_id
JOIN derivation d ON d.id = v.derivation_id
{where}
ORDER BY m.score DESC, v.changed_by DESC, v.id DESC
"""
"""Only the `best` texts by score are joined with their versions, all if they are fewer."""


def _rank_window(
    connection: "Connection",
    query: Query,
    window: SearchWindow,
    criteria: Conditions,
    limit: int | None,
) -> Iterator[Row]:
    """Yield the hits of a window in order; checks the text itself if an index omits positions.

    A tsvector stores 16,383 positions and 255 of one word: a phrase beyond them is neither found
    nor excluded by it.
    """
    values = {**criteria.values, **window.values, "best": MAX_RANKED}
    is_checked = "phrased" in values
    ranked = _RANKED.format(
        window=window.scored, where=criteria.sql_where,
        beyond="WHERE score <= :score" if "score" in values else "",
        more=", m.cut AS cut, m.wording_id AS wording_id, d.language AS language"
        if is_checked else "",
    )  # fmt: skip
    if not is_checked:
        if limit is not None:
            ranked, values = f"{ranked} LIMIT :rows", {**values, "rows": limit}
            best = list(stream(connection, ranked, {**values, "best": limit * BEST_PER_HIT}))
            if len(best) == limit:
                yield from best
                return
        yield from stream(connection, ranked, values)
        return
    rows = stream(connection, ranked, values)
    yield from islice((r for r in rows if not r["cut"] or _is_hit(connection, r, query)), limit)


def _without_phrases(query: Query) -> Query:
    """Return a query that every hit matches: the words of phrases, in any position."""
    terms = [_words_of_term(term) for term in query.terms_required]
    return Query(tuple(word for words in terms for word in words))


def _words_of_term(term: Word | Phrase | Alternatives) -> tuple[Word | Alternatives, ...]:
    match term:
        case Word():
            return (term,)
        case Phrase(alternatives):
            columns = zip(*alternatives, strict=True)
            return tuple(Word(tuple(dict.fromkeys(forms))) for forms in columns)
        case Alternatives(terms):
            first = tuple(_words_of_term(each)[0] for each in terms)
            return (Alternatives(tuple(word for word in first if isinstance(word, Word))),)


def _words_of_phrases(query: Query) -> list[str]:
    phrases = [
        each
        for term in (*query.terms_required, *query.terms_excluded)
        for each in (term.terms if isinstance(term, Alternatives) else (term,))
        if isinstance(each, Phrase)
    ]
    return list({token for phrase in phrases for form in phrase.alternatives for token in form})


def _is_hit(connection: "Connection", row: Row, query: Query) -> bool:
    """Check whether the text of a wording matches the query."""
    sql = "SELECT title, text FROM wording WHERE id = :id"
    wording = fetch_row(connection, sql, {"id": row["wording_id"]})
    texts = [wording["title"] or "", *(wording["text"] or "").split("\n\n")]
    return holds(query, texts, row["language"])


def _read_contents(connection: "Connection", hits: Sequence[Row]) -> dict[int, Row]:
    """Return the displayed contents of versions.

    The article ids are part of the condition; otherwise PostgreSQL scans all articles.
    """
    query = (
        "SELECT q.article_id, q.article, q.origin, q.origins, q.source, q.versions, q.state, "
        "q.first_seen, q.last_seen, q.cluster, x.version_id, x.version, x.title, x.text, "
        "x.language, x.publisher, x.row_published, x.published_from, x.published_to, "
        "x.changed_after, x.changed_by "
        f"FROM ({view_query('versions', connection)}) x "
        f"JOIN ({view_query('articles', connection)}) q ON q.article_id = x.article_id "
        "WHERE x.version_id IN :ids AND q.article_id IN :articles"
    )
    ids, articles = ([row[name] for row in hits] for name in ("version_id", "article_id"))
    rows = fetch(connection, query, {"ids": ids, "articles": articles})
    return {row["version_id"]: row for row in rows}


def _hit(hit: Row, contents: Row, query: Query) -> Hit:
    line = ARTICLES.record(contents)
    texts = [contents["title"] or "", *(contents["text"] or "").split("\n\n")]
    shared = {name: getattr(line, name) for name in ArticleLine.names() if name != "cursor"}
    return Hit(
        **shared,
        version=contents["version"],
        current=contents["version"] == line.versions,
        snippet=snippet(texts, query, line.language),
        score=hit["score"],
        cursor=hit_cursor(hit),
    )
