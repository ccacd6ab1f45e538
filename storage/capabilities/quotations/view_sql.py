"""The views of quotations, names and their articles, with their queries."""

from datetime import datetime

from storage.database.view_facts import FIELD_BLOCK, View
from storage.database.view_queries.scans import head_last_seen, head_seq
from storage.database.view_queries.sql_words import RESTRICTED, SqlWords, name_of_wording


class Quotation:
    """A quotation in a version, by one speaker."""

    seq: int
    article: str
    version: int
    number: int
    wording: str
    kind: str
    text: str
    speaker: str | None
    name: str | None
    office: str | None
    speaker_kind: str
    cue: str | None
    paragraph: int
    confidence: float | None
    published: str | None
    changed_after: datetime | None
    changed_by: datetime
    first_seen: datetime
    last_seen: datetime


WORDS = "coalesce(t.words, substr(w.text, t.position, t.length))"
"""The words of a quotation `t` in its wording `w`."""


def _select_quotes(words: SqlWords) -> str:
    own = ("speaker", "name", "office", "speaker_kind", "cue", "paragraph", "confidence")
    seq = f"v.seq - {FIELD_BLOCK} + 1 + t.number"
    is_head = "CASE WHEN v.number = a.versions THEN"
    return f"""
SELECT {is_head} {head_seq(words, seq)} ELSE {seq} END AS seq,
    a.public_id AS article, v.number AS version,
    {name_of_wording(words, "w.digest")} AS wording,
    t.number AS number, t.kind AS kind,
    {WORDS} AS text,
    {", ".join(f"t.{name} AS {name}" for name in own)}, d.published AS published,
    v.changed_after AS changed_after, v.changed_by AS changed_by, v.changed_by AS first_seen,
    {is_head} {head_last_seen(words, "v.last_seen")} ELSE v.last_seen END AS last_seen,
    v.article_id AS article_id, v.id AS version_id,
    v.id + 0 AS row_order, t.wording_id AS wording_id,
    v.derivation_id AS derivation_id, t.person AS row_person,
    t.surname AS row_surname, t.spoken AS row_spoken
FROM quotation t
JOIN version v ON v.wording_id = t.wording_id
JOIN article a ON a.id = v.article_id
JOIN wording w ON w.id = v.wording_id
JOIN derivation d ON d.id = v.derivation_id
WHERE t.is_hidden = FALSE AND a.id NOT IN {RESTRICTED}
"""


class Person:
    """A name of persons that speak."""

    seq: int
    name: str
    quotations: int
    articles: int
    first_seen: datetime
    last_seen: datetime


def _select_persons(words: SqlWords) -> str:  # noqa: ARG001  # all views are made alike
    return f"""
SELECT max(v.seq) AS seq, max(t.name) AS name, count(*) AS quotations,
    count(DISTINCT v.article_id) AS articles, min(v.changed_by) AS first_seen,
    max(v.last_seen) AS last_seen, t.person AS row_person, max(v.article_id) AS article_id
FROM quotation t
JOIN version v ON v.wording_id = t.wording_id
WHERE t.is_hidden = FALSE AND t.person <> t.surname AND t.speaker_kind = 'person'
    AND v.article_id NOT IN {RESTRICTED}
GROUP BY t.person
"""


class Identity:
    """An article in which a name speaks: the version and words of its first quotation."""

    seq: int
    name: str
    article: str
    version: int
    outlet: str
    office: str | None
    quotations: int
    first_seen: datetime


def _select_identities(words: SqlWords) -> str:
    # the number of the article rises when a quotation of it goes, too
    seq = words.greater("max(v.seq) OVER own", "a.seq")
    return f"""
SELECT o.* FROM (
    SELECT {seq} AS seq, max(t.name) OVER own AS name, a.public_id AS article,
        v.number AS version, coalesce(d.publisher, src.name) AS outlet, t.office AS office,
        count(*) OVER own AS quotations, v.changed_by AS first_seen, t.person AS row_person,
        v.article_id AS article_id, row_number() OVER (
            PARTITION BY t.person, v.article_id ORDER BY v.changed_by, v.number, t.number
        ) AS row_place
    FROM quotation t
    JOIN version v ON v.wording_id = t.wording_id
    JOIN article a ON a.id = v.article_id
    JOIN source src ON src.id = a.source_id
    JOIN derivation d ON d.id = v.derivation_id
    WHERE t.is_hidden = FALSE AND t.person <> t.surname AND t.speaker_kind = 'person'
        AND v.article_id NOT IN {RESTRICTED}
    WINDOW own AS (PARTITION BY t.person, v.article_id)
) o WHERE o.row_place = 1
"""


VIEWS = (
    View(
        "quotes", Quotation, ("article", "version", "number"), _select_quotes, "rows_after",
        shares_seq=True,
    ),
    View("persons", Person, ("name",), _select_persons, "whole", shares_seq=True),
    View(
        "identities", Identity, ("name", "article"), _select_identities, "keys",
        shares_seq=True,
    ),
)  # fmt: skip
