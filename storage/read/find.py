"""Find the article or the version that a text specifies."""

import os
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)

from storage.database.rows import stream
from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    ORIGIN,
    SNAPSHOT,
    SOURCE,
    VERSION,
    WORDING,
)
from storage.database.views import RESTRICTED, steps_query
from storage.read.filters import TODAY, Clocks
from storage.read.revision import (
    At,
    Back,
    Latest,
    Number,
    Revision,
    RevisionError,
    WordingPrefix,
    parse_revision,
    parse_revisions,
    why_no_selector,
)
from storage.values.digest import origin_id, short_wording, wording_name
from storage.values.errors import AmbiguousError, NoSuchError, RestrictedError
from storage.values.late import LateModule
from storage.values.locator import escape_locator, without_gz

if TYPE_CHECKING:
    from storage.values.net import origin_name
else:
    origin_name = LateModule("storage.values.net.origin_name")

ID_LENGTH = 16
MOST_CANDIDATES = 20
ID_LETTERS = frozenset("0123456789abcdefghjkmnpqrstvwxyz")
SHORTEST_ID = 6
"""Minimum length of an abbreviated id; the abbreviation must be unique."""


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """An article by its row; `versions` is the number of its versions."""

    row_id: int
    article: str
    versions: int


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """A version of an article; `certain` is false if a date falls between two snapshots.

    `wording_id` is the requested wording if it differs by noise from the main wording of the
    version; `wording` is its digest.
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


def is_restricted(connection: Connection, article: FoundArticle) -> bool:
    """Check whether an article is stored but not displayed."""
    return connection.execute(_IS_RESTRICTED, {"article": article.row_id}).first() is not None


_IS_RESTRICTED = text(f"SELECT 1 WHERE :article IN {RESTRICTED}")


def restricted_count(connection: Connection) -> int:
    """Return the number of restricted articles, of which nothing is displayed."""
    query = text(f"SELECT count(*) FROM article WHERE id IN {RESTRICTED}")
    number: int = connection.execute(query).scalar_one()
    return number


def refuse_restricted(connection: Connection, *found: FoundVersion) -> None:
    """Raise RestrictedError if the article of one of these versions is restricted."""
    for article in {each.article for each in found}:
        if is_restricted(connection, article):
            raise RestrictedError(article.article)


def _names_in(given: str) -> set[str]:
    """Return the texts that may be a name: the complete text, and the part before a version."""
    return {given, given.rpartition("@")[0] or given, given.partition("@")[0] or given}


def _answering() -> CompoundSelect[Any]:
    """Return a query for the articles of origins, otherwise for those last seen at these places."""
    public: BindParameter[str] = bindparam("public", expanding=True)
    article = (ARTICLE.c.id, ARTICLE.c.public_id, ARTICLE.c.versions)
    of_origin = (
        select(ORIGIN.c.public_id.label("asked"), literal(0).label("way"), *article)
        .join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.article_id == ARTICLE.c.id)
        .join(ORIGIN, ORIGIN.c.id == ARTICLE_ORIGIN.c.origin_id)
        .where(ORIGIN.c.public_id.in_(public))
    )
    last = select(func.max(SNAPSHOT.c.observation_id)).where(SNAPSHOT.c.locator_id == ORIGIN.c.id)
    at_place = (
        select(ORIGIN.c.public_id, literal(1), *article)
        .join(SNAPSHOT, SNAPSHOT.c.article_id == ARTICLE.c.id)
        .join(ORIGIN, ORIGIN.c.id == SNAPSHOT.c.locator_id)
        .where(
            ORIGIN.c.public_id.in_(public),
            SNAPSHOT.c.observation_id == last.correlate(ORIGIN).scalar_subquery(),
        )
    )
    return union_all(of_origin, at_place)


_ANSWERING = _answering()


class Finder:
    """Finds articles and versions on one connection."""

    def __init__(self, connection: Connection, timezone: tzinfo, clocks: Clocks = TODAY) -> None:
        self.connection = connection
        self.timezone = timezone
        self.clocks = clocks
        self._known: dict[str, FoundArticle | None] = {}

    def article(self, given: str) -> FoundArticle:
        """Return the article that `given` specifies.

        An exact id or origin takes precedence, then the path of a file that was read, then a unique
        beginning of an id, then the normalised address.
        Raises: NoSuchError, AmbiguousError.
        """
        found = self._named(given)
        if found is None:
            by_then = " by then" if self.clocks.are_set else ""
            hint = f"`lesart list` names those that are there{by_then}"
            if self._has_version(given):
                hint = "that is a version of one; name the article alone, without @"
            self._refuse_selector(given)
            raise NoSuchError(f"article{by_then}", given, hint)
        return found

    def _named(self, given: str) -> FoundArticle | None:
        return (
            self._answering(given)
            or self._in_file(given)
            or self._by_last_part(given)
            or self._beginning(given)
            or self._cleaned(given)
        )

    def whole(self, given: str) -> FoundArticle | None:
        """Return the article if it is specified with all its versions, None if a version is
        specified.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        revision = parse_revision(given, self.is_known, self.timezone)
        return self.article(given) if revision == Revision(given, Latest()) else None

    def version(self, rev: str) -> FoundVersion:
        """Return the version that `rev` specifies.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        return self._one(rev, parse_revision(rev, self.is_known, self.timezone))

    def versions(self, rev: str) -> tuple[FoundVersion, ...]:
        """Return the two versions of a range, or the one that `rev` specifies.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        revisions = parse_revisions(rev, self.is_known, self.timezone)
        return tuple(self.selected(revision) for revision in revisions)

    def pair(self, rev_a: str, rev_b: str) -> tuple[FoundVersion, FoundVersion]:
        """Return the versions of two revisions; their articles are found by one query.

        The second may be a selector alone, which refers to the same article.
        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        self._learn({*_names_in(rev_a), *_names_in(rev_b)})
        a = parse_revision(rev_a, self.is_known, self.timezone)
        b = parse_revision(rev_b, self.is_known, self.timezone, a.article)
        return self._one(rev_a, a), self._one(rev_b, b)

    def is_known(self, given: str) -> bool:
        """Check whether `given` is exactly an origin, an id or a file of an article."""
        return self._answering(given) is not None

    def origins(self, article: FoundArticle) -> list[int]:
        """Return the row numbers of the origins of the article."""
        query = select(ARTICLE_ORIGIN.c.origin_id).where(
            ARTICLE_ORIGIN.c.article_id == article.row_id
        )
        return list(self.connection.execute(query).scalars())

    def selected(self, revision: Revision) -> FoundVersion:
        """Return the version of a parsed revision.

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

    def _one(self, rev: str, revision: Revision) -> FoundVersion:
        """Return the version of a revision. Raises: RevisionError if `rev` is a range."""
        try:
            return self.selected(revision)
        except NoSuchError:
            if len(parse_revisions(rev, self.is_known, self.timezone)) == 1:
                raise
        reason = "it names two versions where one is wanted; `lesart diff REV..REV` compares two."
        raise RevisionError(rev, reason)

    def _has_version(self, given: str) -> bool:
        """Check whether `given` is an existing article with a version."""
        try:
            revision = parse_revision(given, self.is_known, self.timezone)
        except RevisionError:
            return False
        return revision.article != given and self.is_known(revision.article)

    def _refuse_selector(self, given: str) -> None:
        """Raise RevisionError if the part before the last @ is an article: its selector is
        invalid.
        """
        article, at, selector = given.rpartition("@")
        if at and not self._has_version(given) and self._named(article) is not None:
            raise RevisionError(given, why_no_selector(selector))

    def _answering(self, given: str) -> FoundArticle | None:
        """Return the article of an origin or of the path of a file."""
        found = self._exactly(given)
        if found is None:
            at_path = (self._exactly(each) for each in self._locators(given))
            found = next((each for each in at_path if each is not None), None)
        return found

    def _in_file(self, given: str) -> FoundArticle | None:
        """Return the only article of a file that holds records.

        Raises: AmbiguousError if it holds several.
        """
        for locator in self._locators(given):
            inside = ORIGIN.c.origin.startswith(f"{locator}#", autoescape=True)
            if found := self._only(inside, given):
                return found
        return None

    def _by_last_part(self, given: str) -> FoundArticle | None:
        """Return the only article in a watched folder whose path ends in `given`.

        Raises: AmbiguousError if there are several, with their origins.
        """
        is_file_name = "." in given and "://" not in given and not given.startswith("seed:")
        if not is_file_name:
            return None
        ends = dict.fromkeys((given, without_gz(escape_locator(given))))
        is_end = or_(*(ORIGIN.c.origin.endswith(f"/{each}", autoescape=True) for each in ends))
        is_file = or_(ORIGIN.c.origin.startswith("seed:"), ORIGIN.c.origin.startswith("file://"))
        query = select(ORIGIN.c.origin).where(is_file, is_end).order_by(ORIGIN.c.origin)
        origins = self.connection.execute(query.limit(MOST_CANDIDATES)).scalars()
        found = {each: article for each in origins if (article := self._exactly(each))}
        if len({article.row_id for article in found.values()}) > 1:
            raise AmbiguousError("article", given, list(found))
        return next(iter(found.values()), None)

    def _beginning(self, given: str) -> FoundArticle | None:
        """Return the only article with an id that begins with `given`.

        Raises: AmbiguousError if there are several.
        """
        if not (SHORTEST_ID <= len(given) < ID_LENGTH and ID_LETTERS.issuperset(given)):
            return None
        last = given + "z" * (ID_LENGTH - len(given))
        return self._only(ORIGIN.c.public_id.between(given, last), given)

    def _cleaned(self, given: str) -> FoundArticle | None:
        """Return the article at another spelling of its address, such as a browser displays.

        Examples: with a fragment, with tracking parameters, without `https://`.
        """
        addresses = [given]
        if not given.lower().startswith(("http://", "https://")):
            host, is_path, _path = given.partition("/")
            addresses = [f"https://{given}", f"http://{given}"] if is_path and "." in host else []
        origins = filter(None, map(origin_name.clean_address, addresses))
        return next(filter(None, map(self._exactly, origins)), None)

    def _only(self, wanted: ColumnElement[bool], given: str) -> FoundArticle | None:
        query = (
            select(ARTICLE.c.id, ARTICLE.c.public_id, ARTICLE.c.versions)
            .join(ARTICLE_ORIGIN, ARTICLE_ORIGIN.c.article_id == ARTICLE.c.id)
            .join(ORIGIN, ORIGIN.c.id == ARTICLE_ORIGIN.c.origin_id)
            .where(wanted)
            .distinct()
            .order_by(ARTICLE.c.public_id)
            .limit(MOST_CANDIDATES)
        )
        rows = self.connection.execute(query).all()
        if len(rows) > 1:
            raise AmbiguousError("article", given, [row.public_id for row in rows])
        return FoundArticle(*rows[0]) if rows else None

    def _locators(self, given: str) -> list[str]:
        """Return the possible locators of a file within each source that contains it, the nearest
        first.
        """
        is_path = "." in given or "/" in given  # a file has a suffix, or its path includes a folder
        if "://" in given or given.startswith("seed:") or not is_path:
            return []
        path = os.path.abspath(given)  # noqa: PTH100 - text alone: nobody looks at the disk
        query = select(SOURCE.c.name, SOURCE.c.locator).where(SOURCE.c.kind == "folder")
        holding = [
            (folder, name)
            for name, folder in self.connection.execute(query)
            if path.startswith(folder.rstrip("/") + "/")
        ]
        found = []
        for folder, name in sorted(holding, key=lambda each: len(each[0]), reverse=True):
            below = path[len(folder.rstrip("/")) + 1 :]
            prefix = name.rstrip("/") if name.startswith("file://") else f"seed:{name}"
            spelled = dict.fromkeys((below, without_gz(escape_locator(below))))
            found += [f"{prefix}/{each}" for each in spelled]
        return found

    def _exactly(self, given: str) -> FoundArticle | None:
        """Return the article of an origin, otherwise the one last seen at that place."""
        if given not in self._known:
            self._learn(_names_in(given))
        return self._known[given]

    def _learn(self, names: set[str]) -> None:
        """Resolve names in one query: most are an article with or without a version."""
        public = list(dict.fromkeys(each for name in names for each in (name, origin_id(name))))
        rows = self.connection.execute(_ANSWERING, {"public": public}).all()
        for name in names:
            own = {name, origin_id(name)}
            fitting = sorted((row for row in rows if row.asked in own), key=lambda row: row.way)
            self._known[name] = FoundArticle(*fitting[0][2:]) if fitting else None

    def _numbered(self, article: FoundArticle, number: int, given: str) -> FoundVersion:
        if not 1 <= number <= article.versions:
            have = "1 version" if article.versions == 1 else f"{article.versions} versions"
            raise NoSuchError("version", given, f"the article has {have}")
        return FoundVersion(article, number)

    def _at(self, article: FoundArticle, moment: datetime) -> FoundVersion:
        """Return the latest version first seen by `moment`: certain up to its last snapshot."""
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
            select(WORDING.c.digest, WORDING.c.id, func.min(SNAPSHOT.c.version))
            .join(SNAPSHOT, SNAPSHOT.c.wording_id == WORDING.c.id)
            .where(SNAPSHOT.c.article_id == article.row_id, SNAPSHOT.c.version.is_not(None))
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
