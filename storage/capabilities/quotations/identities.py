"""The articles of a name, with the person that each means."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from storage.capabilities.quotations import identity
from storage.capabilities.quotations.quotes import Identity
from storage.capabilities.quotations.speakers import name_digest
from storage.database.rows import cursor, fetch, place, stream
from storage.database.view_queries.own_times import act_time
from storage.database.view_queries.sql_words import words_of
from storage.database.views import view_query
from storage.language.folded_names import fold_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.database.rows import Row
    from storage.read.query.records import Part

MOST_ARTICLES = 1_000
"""Maximum number of articles of a name that are compared; the newest count."""
TEXTS_AT_ONCE = 500
_TEXTS = """
SELECT w.id AS id, w.title AS title, substr(w.text, 1, :most) AS text
FROM wording w WHERE w.id IN :wordings
"""
_APPEARANCES = """
SELECT q.article AS article, q.version AS version, q.name AS name, q.office AS office,
    q.published AS published, q.changed_by AS changed_by, q.wording_id AS wording_id,
    coalesce(d.publisher, src.name) AS outlet, w.title AS title
FROM ({quotes}) q
JOIN wording w ON w.id = q.wording_id
JOIN derivation d ON d.id = q.derivation_id
JOIN article here ON here.id = q.article_id
JOIN source src ON src.id = here.source_id
WHERE q.row_person = :person AND q.row_person <> q.row_surname AND q.speaker_kind = 'person'
ORDER BY q.changed_by DESC, q.article DESC, q.version DESC, q.number DESC
"""

_PARTED = """
SELECT t.digest AS digest, a.public_id AS a, coalesce(b.public_id, a.public_id) AS b,
    {parted_at} AS parted_at
FROM person_parted t
JOIN snapshot sa ON sa.observation_id = t.observation_id JOIN article a ON a.id = sa.article_id
LEFT JOIN snapshot sb ON sb.observation_id = t.other_id LEFT JOIN article b ON b.id = sb.article_id
ORDER BY parted_at DESC
"""
Orders = dict[frozenset[str], datetime]


def find_identities(connection: "Connection", name: str, part: "Part") -> Iterator[Identity]:
    """Yield the articles in which a name speaks, with the person that each means, in time."""
    found = _load_identities(connection, fold_name(name))
    if part.after is not None:
        position = tuple(place("identities", part.after, datetime, str))
        found = [each for each in found if (each.first_seen, each.article) > position]
    yield from islice(found, part.limit)


def _load_identities(connection: "Connection", folded: str | None) -> list[Identity]:
    query = _APPEARANCES.format(quotes=view_query("quotes", connection))
    firsts: dict[str, Row] = {}
    for row in stream(connection, query, {"person": folded}, "quotes"):
        if row["article"] not in firsts and len(firsts) >= MOST_ARTICLES:
            break
        firsts[row["article"]] = row
    rows = sorted(firsts.values(), key=lambda row: (row["changed_by"], row["article"]))
    described = [
        each
        for start in range(0, len(rows), TEXTS_AT_ONCE)
        for each in _describe(connection, rows[start : start + TEXTS_AT_ONCE])
    ]
    grouped = identity.group_appearances(described, find_parted(connection)(folded))
    return [_identity(row, each) for row, each in zip(rows, grouped, strict=True)]


def find_parted(connection: "Connection") -> "Callable[[str | None], Orders]":
    """Return a function that gives by a folded name the articles in which it means two persons.

    An article alone means the person of no other article. The time is that of the order.
    """
    found: dict[str, Orders] = {}
    query = _PARTED.format(parted_at=act_time(words_of(connection), "t", "parted_at"))
    for row in fetch(connection, query, {}):
        found.setdefault(row["digest"], {})[frozenset((row["a"], row["b"]))] = row["parted_at"]
    return lambda folded: found.get(name_digest(folded), {}) if found else {}


def _describe(connection: "Connection", rows: "Sequence[Row]") -> Iterator[identity.Appearance]:
    wanted = [row["wording_id"] for row in rows]
    texts = {
        each["id"]: f"{each['title'] or ''}\n\n{each['text'] or ''}"
        for each in fetch(connection, _TEXTS, {"wordings": wanted, "most": identity.MOST_LETTERS})
    }
    for row in rows:
        text = texts.get(row["wording_id"], "")
        yield identity.describe(row["article"], row["name"], row["office"], text, _day(row))


def _day(row: "Row") -> date:
    """Return the day of publication, or that of the capture."""
    try:
        return date.fromisoformat((row["published"] or "")[:10])
    except ValueError:
        seen: datetime = row["changed_by"]
        return seen.date()


def _identity(row: "Row", each: identity.Membership) -> Identity:
    own: dict[str, Any] = {
        name: row[name] for name in ("name", "article", "version", "outlet", "title", "office")
    }
    return Identity(
        **own, first_seen=row["changed_by"], person=each.person, nearest=each.nearest,
        score=None if each.score is None else round(each.score, 3),
        threshold=identity.load_fit()["threshold"], method=identity.METHOD,
        evidence=dict(each.evidence or {}), parted_at=each.parted_at,
        cursor=cursor("identities", row["changed_by"], row["article"]),
    )  # fmt: skip
