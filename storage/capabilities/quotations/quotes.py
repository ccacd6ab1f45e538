"""Quotations, statements and persons of an archive, and how they are found."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from storage.capabilities.quotations.view_sql import WORDS
from storage.read import filters
from storage.values.answer import Answer
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.capabilities.quotations.about import Topic
    from storage.database import rows as database_rows
    from storage.database import views
    from storage.database.rows import Row
    from storage.language import folded_names
    from storage.read.filters import Conditions
    from storage.read.query import records
    from storage.read.query.records import Part
else:
    database_rows = LazyModule("storage.database.rows")
    folded_names = LazyModule("storage.language.folded_names")
    views = LazyModule("storage.database.views")
    records = LazyModule("storage.read.query.records")

Q = TypeVar("Q", bound="Quotation")


@dataclass(frozen=True, slots=True)
class Quotation(Answer):
    """A quotation in a version, by one speaker.

    `speaker` are the words of the text, `name` is the fullest name of this person in the text.
    `before` is an earlier wording of the statement, in the list of changed ones; `before_article`,
    `before_version` and `before_seen` are its place and time, and `difference` is `number`,
    `negation` or `noun` if both are direct and differ in one. `doubt`, `unattributed` and
    `unattributed_first` are those of a statement, in the list about words. `title` and `outlet`
    are those of the version.
    """

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
    cursor: str
    before: str | None = None
    before_article: str | None = None
    before_version: int | None = None
    before_seen: datetime | None = None
    difference: str | None = None
    doubt: str | None = None
    unattributed: int | None = None
    unattributed_first: dict[str, Any] | None = None
    title: str | None = None
    outlet: str = ""


@dataclass(frozen=True, slots=True)
class Statement(Answer):
    """A statement of a person: once, shortened or reworded in several versions and articles.

    `text` is the first wording, at the place and time `first_article`, `first_version` and
    `first_seen`. `wordings` are all wordings, the earliest first, each with its first place and
    time. `reworded` is true for one with other words than the first, which is not a shortened one,
    and for a statement that has one. A wording with another number, negation or noun than the
    first has a `difference` of this name. A direct wording is compared with the first direct one,
    and with a difference it `contradicts`; its statement is `contradicted`. `unattributed` counts
    other articles with the same figures and words without this speaker, `unattributed_first` is
    the earliest place of them, and `doubt` is the line that states it if it is earlier.
    """

    statement: str
    name: str | None
    office: str | None
    kind: str
    text: str
    first_article: str
    first_version: int
    first_outlet: str
    first_seen: datetime
    last_seen: datetime
    articles: int
    outlets: int
    reworded: bool
    wordings: tuple[dict[str, Any], ...]
    cursor: str
    doubt: str | None = None
    unattributed: int = 0
    contradicted: bool = False
    unattributed_first: dict[str, Any] | None = None
    first_title: str | None = None


@dataclass(frozen=True, slots=True)
class Identity(Answer):
    """An article in which a name speaks, with the person that it means.

    `person` is the earliest article of the same person. `nearest` is the earlier article that is
    most similar, `score` the probability that both mean one person by `method`, and `evidence` the
    effect of each feature. Below `threshold` they are not joined, and not after `parted_at`, the
    time of the order that they mean two persons.
    """

    name: str
    article: str
    version: int
    outlet: str
    office: str | None
    first_seen: datetime
    person: str
    nearest: str | None
    score: float | None
    threshold: float
    method: str
    evidence: dict[str, float]
    parted_at: datetime | None
    cursor: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Person(Answer):
    """A name that speaks; it may be that of two persons."""

    name: str
    quotations: int
    articles: int
    first_seen: datetime
    last_seen: datetime
    cursor: str


@dataclass(frozen=True, slots=True)
class QuotationInText(Quotation):
    """A quotation with the language of its text.

    `body` is the text, while it is searched for a topic.
    """

    body: str | None = None
    language: str | None = None

    def without_text(self) -> Quotation:
        """Return the quotation without the text."""
        return Quotation(*(getattr(self, name) for name in Quotation.names()))


_BY_SPEAKER = "(q.row_person IN :speaker OR q.row_surname IN :speaker OR q.row_spoken IN :speaker)"


def select_speaker(name: str) -> "Conditions":
    """Return the condition for what a person said: full name, last name or words of the text."""
    spellings = folded_names.name_spellings(name)
    return filters.Conditions().with_clause(_BY_SPEAKER, speaker=spellings)


_IN_TEXT = """
SELECT q.*, w.title AS title, {body} AS body, d.language AS language,
    coalesce(d.publisher, src.name) AS outlet
FROM ({quotes}) q JOIN wording w ON w.id = q.wording_id
JOIN derivation d ON d.id = q.derivation_id
JOIN article here ON here.id = q.article_id
JOIN source src ON src.id = here.source_id
"""
_NAMED = """
SELECT q.*, (SELECT w.title FROM wording w WHERE w.id = q.wording_id) AS title,
    (SELECT coalesce(d.publisher, src.name) FROM derivation d, article here
     JOIN source src ON src.id = here.source_id
     WHERE d.id = q.derivation_id AND here.id = q.article_id) AS outlet
FROM ({quotes}) q
"""
"""No table is joined, so the quotations are read in the order of their index."""


def find_quotations(
    connection: "Connection", criteria: "Conditions", part: "Part"
) -> Iterator[Quotation]:
    """Yield the selected quotations."""
    query = _NAMED.format(quotes=views.view_query("quotes", connection))
    yield from _quotation_list(Quotation, criteria).rows(connection, criteria, part, query)


IS_NEW = f"""NOT EXISTS (
    SELECT 1 FROM version older JOIN quotation t ON t.wording_id = older.wording_id
    JOIN wording w ON w.id = older.wording_id
    WHERE older.article_id = q.article_id AND older.number = q.version - 1
        AND {WORDS} = q.text AND coalesce(t.person, '') = coalesce(q.row_person, '')
)"""
"""The version before it in its article has no such quotation."""


def find_new(connection: "Connection", criteria: "Conditions", part: "Part") -> Iterator[Quotation]:
    """Yield the selected quotations that the version before has not."""
    yield from find_quotations(connection, criteria.with_clause(IS_NEW), part)


def find_about(
    connection: "Connection", topic: "Topic", criteria: "Conditions", part: "Part"
) -> Iterator[Quotation]:
    """Yield the selected quotations about a topic."""
    found = find_in_texts(connection, topic, criteria, part.after)
    yield from (each.without_text() for each in islice(found, part.limit))


def find_in_texts(
    connection: "Connection",
    topic: "Topic | None",
    criteria: "Conditions",
    after: str | None = None,
) -> Iterator[QuotationInText]:
    """Yield the selected quotations with their outlets, newest version first."""
    matching = filters.Conditions() if topic is None else topic.condition(connection)
    if matching is None:
        return
    criteria = criteria.merge(matching)
    body = "NULL" if topic is None else "w.text"
    query = _IN_TEXT.format(quotes=views.view_query("quotes", connection), body=body)
    listed = _quotation_list(QuotationInText, criteria)
    found = listed.rows(connection, criteria, records.Part(after), query)
    if topic is None:
        yield from found
    else:  # callers keep thousands of quotations, of texts of any size
        yield from (replace(each, body=None) for each in topic.select(found))


def find_persons(connection: "Connection", part: "Part") -> Iterator[Person]:
    """Yield the names that speak.

    The next names are read from an index, and only their quotations are counted: the view alone
    would count all of them for each part of the list.
    """
    listed = records.RecordList(Person, "persons", {"row_person": str}, "persons")
    after = "" if part.after is None else database_rows.place("persons", part.after, str)[0]
    left = part.limit
    while left is None or left > 0:
        values = {"after": after, "most": min(NAMES_AT_ONCE, left or NAMES_AT_ONCE)}
        names = [row["person"] for row in database_rows.fetch(connection, _NEXT_NAMES, values)]
        if not names:
            return
        selected = filters.Conditions().with_clause("q.row_person IN :names", names=names)
        found = listed.fetch(connection, selected, records.Part(limit=left))
        yield from found
        left = None if left is None else left - len(found)
        after = names[-1]


NAMES_AT_ONCE = 1_000
_NEXT_NAMES = """
WITH RECURSIVE listed(person, place) AS (
    SELECT min(t.person), 1 FROM quotation t WHERE t.person > CAST(:after AS text)
    UNION ALL
    SELECT (SELECT min(t.person) FROM quotation t WHERE t.person > listed.person), place + 1
    FROM listed WHERE listed.person IS NOT NULL AND place < :most
)
SELECT person FROM listed WHERE person IS NOT NULL ORDER BY person
"""
"""Names in alphabetical order, each found in the index after the one before it."""


def _quotation_list(kind: type[Q], criteria: "Conditions") -> "records.RecordList[Q]":
    """Return the list of quotations, newest version first.

    With conditions, the order is an expression: no database should read all versions in order
    to find a few quotations.
    """
    order = "row_order" if criteria.clauses else "version_id"
    keys = {order: int, "number": int}
    return records.RecordList(
        kind, "quotes", keys, "quotes", computed=_ADDED, compute=_without_added, is_descending=True
    )


_ADDED = ("before", "before_article", "before_version", "before_seen", "difference", "doubt",
          "unattributed", "unattributed_first")  # fmt: skip


def _without_added(_row: "Row") -> dict[str, None]:
    return dict.fromkeys(_ADDED)
