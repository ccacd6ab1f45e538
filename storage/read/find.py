"""Find the article or the version that a text names."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, func, select

from storage.database.rows import stream
from storage.database.tables import METADATA
from storage.database.views import steps_query
from storage.read.filters import TODAY, Clocks
from storage.read.revision import (
    At,
    Back,
    Latest,
    Number,
    Revision,
    WordingPrefix,
    parse_revision,
    parse_revisions,
)
from storage.values.digest import origin_id, short_wording, wording_name
from storage.values.errors import AmbiguousError, NoSuchError

_TABLES = METADATA.tables
ARTICLE, ARTICLE_ORIGIN, ORIGIN = (_TABLES[n] for n in ("article", "article_origin", "origin"))
SIGHT, VERSION, WORDING = (_TABLES[n] for n in ("sight", "version", "wording"))


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """An article by its row; `versions` is how many it has."""

    row_id: int
    article: str
    versions: int


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """A version of an article; `certain` is false where a date fell between two sights.

    `wording_id` is the wording that was asked for, where it is not the one that the version is
    known by but differs from it by noise; `wording` is its name.
    """

    article: FoundArticle
    number: int
    certain: bool = True
    wording_id: int | None = None
    wording: str | None = None

    @property
    def rev(self) -> str:
        selector = self.number if self.wording is None else short_wording(self.wording)
        return f"{self.article.article}@{selector}"


class Finder:
    """Looks things up on one connection."""

    def __init__(self, connection: Connection, timezone: tzinfo, clocks: Clocks = TODAY) -> None:
        self.connection = connection
        self.timezone = timezone
        self.clocks = clocks

    def article(self, given: str) -> FoundArticle:
        """Return the article that answers to the id or origin `given`.

        Raises: NoSuchError.
        """
        found = self._answering(given)
        if found is None:
            by_then = " by then" if self.clocks.are_set else ""
            hint = f"`lesart list` names those that are there{by_then}"
            raise NoSuchError(f"article{by_then}", given, hint)
        return found

    def version(self, rev: str) -> FoundVersion:
        """Return the version that `rev` names.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        return self.selected(parse_revision(rev, self.is_known, self.timezone))

    def versions(self, rev: str) -> tuple[FoundVersion, ...]:
        """Return the two versions of a range, or the one that `rev` names.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        revisions = parse_revisions(rev, self.is_known, self.timezone)
        return tuple(self.selected(revision) for revision in revisions)

    def is_known(self, given: str) -> bool:
        """Tell whether `given` is exactly an origin or an id of an article."""
        return self._answering(given) is not None

    def origins(self, article: FoundArticle) -> list[int]:
        """Return the rows of the origins that the article answers to."""
        query = select(ARTICLE_ORIGIN.c.origin_id).where(
            ARTICLE_ORIGIN.c.article_id == article.row_id
        )
        return list(self.connection.execute(query).scalars())

    def selected(self, revision: Revision) -> FoundVersion:
        """Return the version that a parsed revision names.

        Raises: NoSuchError, AmbiguousError.
        """
        article = self.article(revision.article)
        if article.versions == 0:
            raise NoSuchError("version of", revision.article, "nothing of it was ever read")
        match revision.selector:
            case Latest() if self.clocks.as_of is not None:
                return self._at(article, self.clocks.as_of)
            case Latest():
                return FoundVersion(article, article.versions)
            case Number(number):
                return self._numbered(article, number, f"{revision.article}@{number}")
            case Back(steps):
                given = f"{revision.article}@~{steps}"
                return self._numbered(article, article.versions - steps, given)
            case At(moment):
                return self._at(article, moment)
            case WordingPrefix(digits):
                return self._worded(article, digits)

    def _answering(self, given: str) -> FoundArticle | None:
        """Return the article of an origin, or else the one last seen at that place."""
        public = {given, origin_id(given)}
        articles = select(ARTICLE.c.id, ARTICLE.c.public_id, ARTICLE.c.versions)
        of_origin = (
            articles.join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.article_id == ARTICLE.c.id)
            .join(ORIGIN, ORIGIN.c.id == ARTICLE_ORIGIN.c.origin_id)
            .where(ORIGIN.c.public_id.in_(public))
        )
        at_place = (
            articles.join(SIGHT, SIGHT.c.article_id == ARTICLE.c.id)
            .join(ORIGIN, ORIGIN.c.id == SIGHT.c.locator_id)
            .where(ORIGIN.c.public_id.in_(public))
            .order_by(SIGHT.c.observation_id.desc())
            .limit(1)
        )
        for query in (of_origin, at_place):
            row = self.connection.execute(query).first()
            if row is not None:
                return FoundArticle(row.id, row.public_id, row.versions)
        return None

    def _numbered(self, article: FoundArticle, number: int, given: str) -> FoundVersion:
        if not 1 <= number <= article.versions:
            have = "1 version" if article.versions == 1 else f"{article.versions} versions"
            raise NoSuchError("version", given, f"the article has {have}")
        return FoundVersion(article, number)

    def _at(self, article: FoundArticle, moment: datetime) -> FoundVersion:
        """Return the version last seen first by `moment`: certain up to its last sight."""
        query = (
            f"SELECT q.version, q.last_seen FROM ({steps_query(self._dialect)}) q "
            "WHERE q.article_id = :article AND q.changed_by <= :moment "
            "ORDER BY q.version DESC LIMIT 1"
        )
        parameters = {"article": article.row_id, "moment": moment}
        row = next(stream(self.connection, query, parameters), None)
        if row is None:
            first = self._first_seen(article)
            given = f"{article.article}@{moment.isoformat()}"
            raise NoSuchError("version", given, f"it was first seen at {first.isoformat()}")
        return FoundVersion(article, row["version"], moment <= row["last_seen"])

    def _first_seen(self, article: FoundArticle) -> datetime:
        query = select(func.min(VERSION.c.changed_by)).where(VERSION.c.article_id == article.row_id)
        first: datetime = self.connection.execute(query).scalar_one()
        return first

    def _worded(self, article: FoundArticle, digits: str) -> FoundVersion:
        query = (
            select(WORDING.c.digest, WORDING.c.id, func.min(SIGHT.c.version))
            .join(SIGHT, SIGHT.c.wording_id == WORDING.c.id)
            .where(SIGHT.c.article_id == article.row_id, SIGHT.c.version.is_not(None))
            .group_by(WORDING.c.digest, WORDING.c.id)
        )
        fitting = {
            wording_name(bytes(digest)): (number, version)
            for digest, number, version in self.connection.execute(query)
            if bytes(digest).hex().startswith(digits)
        }
        if not fitting:
            given = f"{article.article}@w1:{digits}"
            raise NoSuchError("version", given, "no wording of the article begins like that")
        if len(fitting) > 1:
            raise AmbiguousError("wording", f"w1:{digits}", sorted(fitting))
        ((name, (wording, number)),) = fitting.items()
        known_by = select(VERSION.c.wording_id).where(
            VERSION.c.article_id == article.row_id, VERSION.c.number == number
        )
        if self.connection.execute(known_by).scalar_one() == wording:
            return FoundVersion(article, number)
        return FoundVersion(article, number, wording_id=wording, wording=name)

    @property
    def _dialect(self) -> str:
        return self.connection.dialect.name
