"""Full text: the versions whose wording has what a query asks for, the same on both databases.

A first query ranks, a second one tells of the versions that it found, a few at a time.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from storage.database.engine import json_text
from storage.database.rows import Row, cursor, place, stream
from storage.database.views import view_query
from storage.language.tokens import (
    Or,
    Phrase,
    Query,
    Word,
    holds,
    snippet,
    to_fts5,
    to_tsquery,
)
from storage.read.answers import Hit
from storage.read.filters import Conditions, Filters, conditions
from storage.read.lists import (
    ANY_STEP,
    ChangeFilter,
    Part,
    article_line,
    date_of,
    step_conditions,
)

CHUNK_HITS = 100


def search(
    connection: Connection,
    query: Query,
    filters: Filters,
    part: Part,
    *,
    latest: bool,
    steps: ChangeFilter = ANY_STEP,
) -> Iterator[Hit]:
    """Yield the hits with the best score first, of equal ones the newest."""
    found = found_versions(connection, query, filters, part, latest=latest, steps=steps)
    while chunk := list(islice(found, CHUNK_HITS)):
        told = _contents_of(connection, chunk)
        for row in chunk:
            yield _hit(row, told[row["version_id"]], query)


def found_versions(
    connection: Connection,
    query: Query,
    filters: Filters,
    part: Part,
    *,
    latest: bool,
    steps: ChangeFilter = ANY_STEP,
) -> Iterator[Row]:
    """Yield id, article, number and score of the versions that are hits, in order."""
    asked = hits_asked(connection, filters, steps, latest=latest)
    if part.after is not None:
        score, moment, number = place("search", part.after, float, datetime, int)
        beyond = "(m.score, v.changed_by, v.id) < (:score, :moment, :number)"
        asked = asked.also(beyond, score=score, moment=moment, number=number)
    if connection.dialect.name == "postgresql":
        return _found_by_tsquery(connection, query, asked, part.limit)
    return _found_by_fts5(connection, query, asked, part.limit)


def hits_asked(
    connection: Connection, filters: Filters, steps: ChangeFilter, *, latest: bool
) -> Conditions:
    """Return what versions (`v`, `d`) of articles (`a`) must be to be hits, beside the words."""
    asked = conditions(filters, seen="a.first_seen", article="a", version="d")
    if latest:
        asked = asked.also("v.id = a.head_version_id")
    return asked.and_(step_conditions(steps, connection.dialect.name, "v"))


def cursor_of(found: Row) -> str:
    """Return the cursor of a version that `found_versions` yielded."""
    return cursor("search", found["score"], found["changed_by"], found["version_id"])


def holding(dialect: str, query: Query) -> tuple[str, dict[str, Any]] | None:
    """Return a query, and its parameters, for the `wording_id` of each wording with a phrase.

    Where PostgreSQL left out positions, its words are enough: the caller looks at the text.
    None where `query` finds nothing.
    """
    if dialect != "postgresql":
        match = to_fts5(query)
        found = "SELECT rowid AS wording_id FROM search_text WHERE search_text MATCH :match"
        return None if match is None else (found, {"match": match})
    exact, loose = to_tsquery(query), to_tsquery(_without_phrases(query))
    if exact is None:
        return None
    where = "s.tokens @@ CAST(:exact AS tsquery)"
    values: dict[str, Any] = {"exact": exact}
    if phrased := _words_of_phrases(query):
        where = f"s.tokens @@ CAST(:loose AS tsquery) AND ({where} OR {_CUT})"
        values |= {"loose": loose, "phrased": phrased}
    return f"SELECT s.wording_id AS wording_id FROM search_text s WHERE {where}", values


def holding_each(
    connection: Connection, queries: Sequence[Query], most: int
) -> list[Sequence[int]]:
    """Return for each query `wording_id`s that `holding` finds, at most so many, in one go."""
    if connection.dialect.name == "postgresql":
        asked = [
            {"n": number, "exact": to_tsquery(each), "loose": to_tsquery(_without_phrases(each)),
             "phrased": _words_of_phrases(each)}
            for number, each in enumerate(queries)
        ]  # fmt: skip
        statement = _EACH_BY_TSQUERY
    else:
        asked = [{"n": n, "match": to_fts5(each)} for n, each in enumerate(queries)]
        statement = _EACH_BY_FTS5
    found: list[Sequence[int]] = [()] * len(queries)
    wanted = [each for each in asked if each.get("match", each.get("exact")) is not None]
    for row in stream(connection, statement, {"asked": json_text(wanted), "most": most}):
        held = row["held"]
        found[row["n"]] = json.loads(held) if isinstance(held, str) else held
    return found


_LEFT_OUT = (
    "(u.positions IS NULL OR cardinality(u.positions) >= 255 "
    "OR u.positions[cardinality(u.positions)] >= 16383)"
)
_CUT = f"EXISTS (SELECT 1 FROM unnest(s.tokens) u WHERE u.lexeme IN :phrased AND {_LEFT_OUT})"
_EACH_BY_FTS5 = """
SELECT q.value ->> 'n' AS n, (SELECT json_group_array(rowid) FROM (
    SELECT rowid FROM search_text WHERE search_text MATCH (q.value ->> 'match') LIMIT :most
)) AS held FROM json_each(:asked) q
"""
_EACH_BY_TSQUERY = f"""
SELECT q.n AS n, (ARRAY(SELECT s.wording_id FROM search_text s
    WHERE s.tokens @@ CAST(q.loose AS tsquery)
    AND (s.tokens @@ CAST(q.exact AS tsquery) OR EXISTS (
        SELECT 1 FROM unnest(s.tokens) u WHERE u.lexeme = ANY(q.phrased) AND {_LEFT_OUT}))
))[1:CAST(:most AS int)] AS held
FROM jsonb_to_recordset(CAST(:asked AS jsonb)) AS q(n int, exact text, loose text, phrased text[])
"""


_RANKED = """
SELECT v.id AS version_id, a.id AS article_id, a.public_id AS article, v.number AS version,
    v.changed_by AS changed_by, m.score AS score {more}
FROM {matches} m
JOIN version v ON v.wording_id = m.wording_id
JOIN article a ON a.id = v.article_id
JOIN derivation d ON d.id = v.derivation_id
{where}
ORDER BY m.score DESC, v.changed_by DESC, v.id DESC
"""


def _found_by_fts5(
    connection: Connection, query: Query, asked: Conditions, limit: int | None
) -> Iterator[Row]:
    match = to_fts5(query)
    if match is None:
        return
    matches = (
        "(SELECT rowid AS wording_id, -bm25(search_text) AS score "
        "FROM search_text WHERE search_text MATCH :match)"
    )
    ranked = _RANKED.format(more="", matches=matches, where=asked.where)
    yield from stream(connection, *_limited(ranked, {**asked.values, "match": match}, limit))


def _found_by_tsquery(
    connection: Connection, query: Query, asked: Conditions, limit: int | None
) -> Iterator[Row]:
    """Ask the index; where it left out positions, read the text itself for phrases.

    A tsvector keeps 16,383 positions and 255 of one word: a phrase beyond them is neither found
    nor excluded by it.
    """
    exact = to_tsquery(query)
    if exact is None:
        return
    loose, phrased = _without_phrases(query), _words_of_phrases(query)
    if not phrased:
        matches = _MATCHES.format(cut="FALSE", where="s.tokens @@ CAST(:exact AS tsquery)")
        ranked = _RANKED.format(more="", matches=matches, where=asked.where)
        yield from stream(connection, *_limited(ranked, {**asked.values, "exact": exact}, limit))
        return
    matches = _MATCHES.format(
        cut=_CUT,
        where=f"s.tokens @@ CAST(:loose AS tsquery) "
        f"AND (s.tokens @@ CAST(:exact AS tsquery) OR {_CUT})",
    )
    ranked = _RANKED.format(
        more=", m.cut AS cut, m.wording_id AS wording_id, d.language AS language",
        matches=matches,
        where=asked.where,
    )
    values = {**asked.values, "exact": exact, "loose": to_tsquery(loose), "phrased": phrased}
    rows = stream(connection, ranked, values)
    yield from islice((r for r in rows if not r["cut"] or _is_hit(connection, r, query)), limit)


_MATCHES = """
(SELECT s.wording_id AS wording_id, {cut} AS cut,
    CAST(ts_rank(s.tokens, CAST(:exact AS tsquery), 1) AS float8) AS score
FROM search_text s WHERE {where})
"""


def _limited(query: str, values: dict[str, Any], limit: int | None) -> tuple[str, dict[str, Any]]:
    if limit is None:
        return query, values
    return f"{query} LIMIT :rows", {**values, "rows": max(limit, 0)}


def _without_phrases(query: Query) -> Query:
    """Return what a text must hold so that it may be a hit: the words of phrases, anywhere."""
    terms = [_alone(term) for term in query.wanted]
    return Query(tuple(word for words in terms for word in words))


def _alone(term: Word | Phrase | Or) -> tuple[Word | Or, ...]:
    match term:
        case Word():
            return (term,)
        case Phrase(alternatives):
            columns = zip(*alternatives, strict=True)
            return tuple(Word(tuple(dict.fromkeys(forms))) for forms in columns)
        case Or(terms):
            first = tuple(_alone(each)[0] for each in terms)
            return (Or(tuple(word for word in first if isinstance(word, Word))),)


def _words_of_phrases(query: Query) -> list[str]:
    phrases = [
        each
        for term in (*query.wanted, *query.excluded)
        for each in (term.terms if isinstance(term, Or) else (term,))
        if isinstance(each, Phrase)
    ]
    return list({token for phrase in phrases for form in phrase.alternatives for token in form})


def _is_hit(connection: Connection, row: Row, query: Query) -> bool:
    """Tell by the text itself whether a wording has what was asked for."""
    found = stream(
        connection, "SELECT title, text FROM wording WHERE id = :id", {"id": row["wording_id"]}
    )
    wording = next(found)
    texts = [wording["title"] or "", *(wording["text"] or "").split("\n\n")]
    return holds(query, texts, row["language"])


def _contents_of(connection: Connection, found: Sequence[Row]) -> dict[int, Row]:
    """Return what is told of versions.

    Their articles are named, too: PostgreSQL would list all there are, and choose then.
    """
    dialect = connection.dialect.name
    query = (
        "SELECT q.article_id, q.article, q.origin, q.origins, q.source, q.versions, q.state, "
        "q.first_seen, q.last_seen, q.cluster, x.version_id, x.version, x.title, x.text, "
        "x.language, x.publisher, x.row_published, x.published_from, x.published_to "
        f"FROM ({view_query('versions', dialect)}) x "
        f"JOIN ({view_query('articles', dialect)}) q ON q.article_id = x.article_id "
        "WHERE x.version_id IN :ids AND q.article_id IN :articles"
    )
    ids, articles = ([row[name] for row in found] for name in ("version_id", "article_id"))
    rows = stream(connection, query, {"ids": ids, "articles": articles})
    return {row["version_id"]: row for row in rows}


def _hit(found: Row, told: Row, query: Query) -> Hit:
    line = article_line(told)
    texts = [told["title"] or "", *(told["text"] or "").split("\n\n")]
    return Hit(
        article=line.article,
        origin=line.origin,
        origins=line.origins,
        source=line.source,
        title=line.title,
        published=date_of(told["row_published"]),
        language=line.language,
        publisher=line.publisher,
        versions=line.versions,
        state=line.state,
        first_seen=line.first_seen,
        last_seen=line.last_seen,
        cluster=line.cluster,
        version=told["version"],
        current=told["version"] == line.versions,
        snippet=snippet(texts, query, line.language),
        score=found["score"],
        cursor=cursor_of(found),
        published_from=line.published_from,
        published_to=line.published_to,
    )
