"""The queries of quotations, statements and persons."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from storage.capabilities.quotations import quotes
from storage.capabilities.quotations.quotes import Identity, Person, Quotation, Statement
from storage.read import filters
from storage.read.query.parameter import argument, flag, option
from storage.read.query.queries import (
    AnyArticle,
    ListQuery,
    Long,
    Plain,
    Query,
    moment_or_none,
)
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.capabilities.quotations import about, comparing, identities
    from storage.capabilities.quotations.about import Topic
    from storage.database import rows as database_rows
    from storage.database import views
    from storage.language import folded_names
    from storage.read.archive.queries import ArchiveQueries
    from storage.read.filters import Conditions
    from storage.read.query import records
    from storage.read.query.queries import Page
else:
    about = LazyModule("storage.capabilities.quotations.about")
    comparing = LazyModule("storage.capabilities.quotations.comparing")
    database_rows = LazyModule("storage.database.rows")
    identities = LazyModule("storage.capabilities.quotations.identities")
    folded_names = LazyModule("storage.language.folded_names")
    views = LazyModule("storage.database.views")
    records = LazyModule("storage.read.query.records")

QuotationKind = Literal["direct", "indirect"]


@dataclass(kw_only=True)
class SpeakerOptions(AnyArticle):
    """Options that select quotations."""

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

    def topic(self, archive: "ArchiveQueries") -> "Topic | None":
        """Return the topic of these options. Raises: SearchQueryError."""
        return None if self.about is None else about.Topic.parse(self.about, archive.languages)

    def conditions(self, archive: "ArchiveQueries") -> "Conditions":
        """Return the conditions of these options without the words. Raises: MomentError."""
        criteria = filters.Conditions()
        if self.article is not None:
            number = archive.article_row_id(self.article)
            criteria = criteria.with_clause("q.article_id = :article", article=number)
        if self.speaker is not None:
            criteria = criteria.merge(quotes.select_speaker(self.speaker))
        if self.kind is not None:
            criteria = criteria.with_clause("q.kind = :kind", kind=self.kind)
        since = moment_or_none(self.since, archive.timezone, "first")
        if since is not None:
            criteria = criteria.with_clause("q.changed_by >= :since", since=since)
        return criteria


@dataclass(kw_only=True)
class QuotesQuery(ListQuery, SpeakerOptions):
    """List quotations with their speakers, newest version first.

    Speakers are found by rules and a model, which err: read the version before you cite one.
    """

    changed: bool = flag(
        "--changed", "Only quotations that differ from an earlier wording of the same statement."
    )
    record = staticmethod(lambda: Quotation)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Quotation]":
        criteria, topic = self.conditions(archive), self.topic(archive)
        part = records.Part(*page)
        if self.changed:
            is_alone = self.speaker is None and topic is None
            find = comparing.find_edited if is_alone else comparing.find_changed
            return archive.iterate(find, topic, criteria, part)
        if topic is None:
            return archive.iterate(quotes.find_quotations, criteria, part)
        return archive.iterate(comparing.find_about, topic, criteria, part, archive.languages)


@dataclass(kw_only=True)
class QuotesFeedQuery(QuotesQuery):
    """Return the latest quotations, each with the first version of its article that has it."""

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Quotation]":
        if self.changed:
            return QuotesQuery.rows(self, archive, page)
        criteria, topic, part = self.conditions(archive), self.topic(archive), records.Part(*page)
        if topic is None:
            return archive.iterate(quotes.find_new, criteria, part)
        return archive.iterate(quotes.find_about, topic, criteria.with_clause(quotes.IS_NEW), part)


@dataclass(kw_only=True)
class StatementsQuery(ListQuery, SpeakerOptions):
    """List statements with their wordings, the earliest first.

    They are those of the newest 5,000 quotations that the options select. Speakers are found by
    rules and a model, which err. The first one is the first in this archive.
    """

    record = staticmethod(lambda: Statement)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Statement]":
        criteria, topic = self.conditions(archive), self.topic(archive)
        part = records.Part(*page)
        return archive.iterate(comparing.find_statements, topic, criteria, part, archive.languages)


@dataclass(kw_only=True)
class PersonQuery(ListQuery):
    """List the statements of a person, with versions and places, the earliest first."""

    name: Long = argument("NAME", "Full name, last name, or the words of the text.")
    of: Plain | None = option(
        "--of", "ARTICLE", "Only the person that this article means, of all with this full name."
    )
    record = staticmethod(lambda: Statement)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Statement]":
        criteria = StatementsQuery(speaker=self.name[:300]).conditions(archive)
        if self.of is not None:
            found = [*IdentitiesQuery(name=self.name).all(archive)]
            persons = {each.person for each in found if each.article == self.of}
            own = [each.article for each in found if each.person in persons]
            criteria = criteria.with_clause("q.article IN :own", own=own)
        part = records.Part(*page)
        return archive.iterate(comparing.find_statements, None, criteria, part, archive.languages)


@dataclass(kw_only=True)
class IdentitiesQuery(ListQuery):
    """List the articles in which a name speaks, with the person that each means, in time."""

    name: Long = argument("NAME", "Full name.")
    record = staticmethod(lambda: Identity)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Identity]":
        return archive.iterate(identities.find_identities, self.name[:300], records.Part(*page))

    def all(self, archive: "ArchiveQueries") -> "Iterator[Identity]":
        """Yield all rows."""
        return self.rows(archive, (None, None))


@dataclass(kw_only=True)
class PersonsQuery(ListQuery):
    """List the names of persons that speak, in alphabetical order."""

    record = staticmethod(lambda: Person)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Person]":
        return archive.iterate(quotes.find_persons, records.Part(*page))


QUERIES = (QuotesQuery, StatementsQuery, PersonsQuery, PersonQuery, IdentitiesQuery)
