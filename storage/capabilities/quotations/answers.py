"""The list of quotations."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeVar

from storage.read.query.parameter import option
from storage.read.query.queries import AnyArticle, ListQuery, Plain, Query, moment_or_none
from storage.values.answer import Answer
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.capabilities.quotations import about, names
    from storage.database import views
    from storage.read import filters
    from storage.read.archive import ReadOnlyArchive
    from storage.read.filters import Conditions
    from storage.read.query import records
    from storage.read.query.queries import Page
    from storage.read.query.records import Part
else:
    about = LazyModule("storage.capabilities.quotations.about")
    names = LazyModule("storage.capabilities.quotations.names")
    views = LazyModule("storage.database.views")
    filters = LazyModule("storage.read.filters")
    records = LazyModule("storage.read.query.records")

Q = TypeVar("Q", bound="Quotation")
QuotationKind = Literal["direct", "indirect"]
_BY_SPEAKER = "(q.row_person = :speaker OR q.row_surname = :speaker OR q.row_spoken = :speaker)"


@dataclass(frozen=True, slots=True)
class Quotation(Answer):
    """A quotation in a version, by one speaker.

    `speaker` are the words of the text, `name` is the fullest name of this person in the text.
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


@dataclass(kw_only=True)
class QuotesQuery(ListQuery, AnyArticle):
    """List quotations with their speakers, newest version first."""

    speaker: Plain | None = option(
        "--speaker", "NAME", "Only what NAME said: full name, last name, or the words of the text."
    )
    about: Query | None = option(
        "--about",
        "WORDS",
        "Only quotations with these words: at least one inside, the others inside or around it.",
    )
    since: Plain | None = option("--since", "T", "Only versions first seen at time T or later.")
    kind: QuotationKind | None = option(
        "--kind", "direct|indirect", "Only quotations of this kind (default: both)."
    )
    record = staticmethod(lambda: Quotation)

    def rows(self, archive: "ReadOnlyArchive", page: "Page") -> "Iterator[Quotation]":
        criteria = self.conditions(archive)
        if self.about is None:
            return archive.iterate(find_quotations, criteria, records.Part(*page))
        topic = about.Topic.parse(self.about, archive.languages)
        return archive.iterate(find_about, topic, criteria, records.Part(*page))

    def conditions(self, archive: "ReadOnlyArchive") -> "Conditions":
        """Return the conditions of these options without the words. Raises: MomentError."""
        criteria = filters.Conditions()
        if self.article is not None:
            number = archive.article_row_id(self.article)
            criteria = criteria.with_clause("q.article_id = :article", article=number)
        if self.speaker is not None:
            criteria = criteria.with_clause(_BY_SPEAKER, speaker=names.fold_name(self.speaker))
        if self.kind is not None:
            criteria = criteria.with_clause("q.kind = :kind", kind=self.kind)
        since = moment_or_none(self.since, archive.timezone, "first")
        if since is not None:
            criteria = criteria.with_clause("q.changed_by >= :since", since=since)
        return criteria


@dataclass(frozen=True, slots=True)
class QuotationInText(Quotation):
    """A quotation with the text of its version."""

    title: str | None
    body: str | None
    language: str | None

    def without_text(self) -> Quotation:
        """Return the quotation without the text."""
        return Quotation(*(getattr(self, name) for name in Quotation.names()))


_IN_TEXT = """
SELECT q.*, w.title AS title, w.text AS body, d.language AS language
FROM ({quotes}) q JOIN wording w ON w.id = q.wording_id
JOIN derivation d ON d.id = q.derivation_id
"""


def find_quotations(
    connection: "Connection", criteria: "Conditions", part: "Part"
) -> Iterator[Quotation]:
    """Yield the selected quotations."""
    yield from _quotation_list(Quotation, criteria).rows(connection, criteria, part)


def find_about(
    connection: "Connection", topic: "about.Topic", criteria: "Conditions", part: "Part"
) -> Iterator[Quotation]:
    """Yield the selected quotations about a topic."""
    dialect = connection.dialect.name
    matching = topic.condition(dialect)
    if matching is None:
        return
    criteria = criteria.merge(matching)
    query = _IN_TEXT.format(quotes=views.view_query("quotes", dialect))
    listed = _quotation_list(QuotationInText, criteria)
    found = topic.select(listed.rows(connection, criteria, records.Part(part.after), query))
    yield from (each.without_text() for each in islice(found, part.limit))


def _quotation_list(kind: type[Q], criteria: "Conditions") -> "records.RecordList[Q]":
    """Return the list of quotations, newest version first.

    With conditions, the order is an expression: no database should read all versions in order
    to find a few quotations.
    """
    order = "row_order" if criteria.clauses else "version_id"
    keys = {order: int, "number": int}
    return records.RecordList(kind, "quotes", keys, "quotes", is_descending=True)


QUERIES = (QuotesQuery,)
