"""Find the article or the version that a text specifies."""

import os
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from storage.database.rows import Row, fetch, fetch_row
from storage.database.view_queries.sql_words import RESTRICTED
from storage.database.views import steps_query
from storage.read.filters import TODAY, Clocks, Conditions
from storage.read.revision import (
    AtMoment,
    Latest,
    Number,
    Revision,
    RevisionError,
    StepsBack,
    WordingPrefix,
    parse_revision,
    parse_revisions,
    selector_error,
)
from storage.values.digest import origin_id, short_wording, wording_name
from storage.values.errors import AmbiguousError, NoSuchError, RestrictedError
from storage.values.lazy import LazyModule
from storage.values.locator import escape_locator, without_gz
from storage.values.messages import message_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.values.net import origin_name
else:
    origin_name = LazyModule("storage.values.net.origin_name")

ID_LENGTH = 16
MAX_CANDIDATES = 20
ID_LETTERS = frozenset("0123456789abcdefghjkmnpqrstvwxyz")
MIN_ID_LENGTH = 6
"""Minimum length of an abbreviated id; the abbreviation must be unique."""


@dataclass(frozen=True, slots=True)
class ArticleRef:
    """An article by its row; `versions` is the number of its versions."""

    row_id: int
    article: str
    versions: int


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A version of an article; `certain` is false if a date falls between two snapshots.

    `wording_id` is the requested wording if it differs by noise from the main wording of the
    version; `wording` is its digest.
    """

    article: ArticleRef
    number: int
    certain: bool = True
    wording_id: int | None = None
    wording: str | None = None

    @property
    def rev(self) -> str:
        selector = self.number if self.wording is None else short_wording(self.wording)
        return f"{self.article.article}@{selector}"


def is_restricted(connection: "Connection", article: ArticleRef) -> bool:
    """Check whether an article is stored but not displayed."""
    query = f"SELECT 1 AS n WHERE :article IN {RESTRICTED}"
    return bool(fetch(connection, query, {"article": article.row_id}))


def count_restricted(connection: "Connection") -> int:
    """Return the number of restricted articles, of which nothing is displayed."""
    query = f"SELECT count(*) AS n FROM article WHERE id IN {RESTRICTED}"
    number: int = fetch_row(connection, query, {})["n"]
    return number


def refuse_restricted(connection: "Connection", *versions: VersionRef) -> None:
    """Raise RestrictedError if the article of one of these versions is restricted."""
    for article in {version.article for version in versions}:
        if is_restricted(connection, article):
            raise RestrictedError(article.article)


def possible_names(reference: str) -> set[str]:
    """Return the texts that may be a name: the complete text, and the part before a version."""
    return {
        reference,
        reference.rpartition("@")[0] or reference,
        reference.partition("@")[0] or reference,
    }


_ARTICLE = "a.id AS id, a.public_id AS article, a.versions AS versions"
JOINED = """FROM origin o
JOIN article_origin ao ON ao.origin_id = o.id
JOIN article a ON a.id = ao.article_id"""
_BY_NAME = f"""
SELECT o.public_id AS name, 0 AS way, {_ARTICLE} {JOINED} WHERE o.public_id IN :names
UNION ALL
SELECT o.public_id, 1, {_ARTICLE} FROM origin o
JOIN snapshot s ON s.locator_id = o.id
JOIN article a ON a.id = s.article_id
WHERE o.public_id IN :names AND s.observation_id =
    (SELECT max(l.observation_id) FROM snapshot l WHERE l.locator_id = o.id)
"""
"""The articles of origins, and those last seen at these places."""
_LIKE_ESCAPES = str.maketrans({each: f"/{each}" for each in "/%_"})


def _like(text: str) -> str:
    """Return a text without wildcards for LIKE … ESCAPE '/'."""
    return text.translate(_LIKE_ESCAPES)


def _article_ref(row: Row) -> ArticleRef:
    return ArticleRef(row["id"], row["article"], row["versions"])


class Finder:
    """Finds articles and versions on one connection."""

    def __init__(self, connection: "Connection", timezone: tzinfo, clocks: Clocks = TODAY) -> None:
        self.connection = connection
        self.timezone = timezone
        self.clocks = clocks
        self._cache: dict[str, ArticleRef | None] = {}

    def article(self, reference: str) -> ArticleRef:
        """Return the article that `reference` specifies.

        An exact id or origin takes precedence, then the path of a file that was read, then a unique
        beginning of an id, then the normalised address.
        Raises: NoSuchError, AmbiguousError.
        """
        result = self._find_article(reference)
        if result is None:
            by_then = "_by_then" if self.clocks.are_set else ""
            hint = message_text(f"where_articles{by_then}")
            if self._has_version(reference):
                hint = message_text("is_version")
            self._refuse_selector(reference)
            raise NoSuchError(message_text(f"article{by_then}"), reference, hint)
        return result

    def _find_article(self, reference: str) -> ArticleRef | None:
        return (
            self._find_exact(reference)
            or self._find_in_file(reference)
            or self._find_by_path_end(reference)
            or self._find_by_id_prefix(reference)
            or self._find_by_address(reference)
        )

    def find_whole_article(self, reference: str) -> ArticleRef | None:
        """Return the article if it is specified with all its versions, None if a version is
        specified.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        revision = parse_revision(reference, self.is_known, self.timezone)
        return self.article(reference) if revision == Revision(reference, Latest()) else None

    def version(self, rev: str) -> VersionRef:
        """Return the version that `rev` specifies.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        return self._single_version(rev, parse_revision(rev, self.is_known, self.timezone))

    def versions(self, rev: str) -> tuple[VersionRef, ...]:
        """Return the two versions of a range, or the one that `rev` specifies.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        revisions = parse_revisions(rev, self.is_known, self.timezone)
        return tuple(self.select_version(revision) for revision in revisions)

    def pair(self, rev_a: str, rev_b: str) -> tuple[VersionRef, VersionRef]:
        """Return the versions of two revisions; their articles are found by one query.

        The second may be a selector alone, which refers to the same article.
        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        self._load({*possible_names(rev_a), *possible_names(rev_b)})
        a = parse_revision(rev_a, self.is_known, self.timezone)
        b = parse_revision(rev_b, self.is_known, self.timezone, a.article)
        return self._single_version(rev_a, a), self._single_version(rev_b, b)

    def is_known(self, reference: str) -> bool:
        """Check whether `reference` is exactly an origin, an id or a file of an article."""
        return self._find_exact(reference) is not None

    def origins(self, article: ArticleRef) -> list[int]:
        """Return the row numbers of the origins of the article."""
        query = "SELECT origin_id FROM article_origin WHERE article_id = :article"
        rows = fetch(self.connection, query, {"article": article.row_id})
        return [row["origin_id"] for row in rows]

    def place_conditions(self, reference: str) -> Conditions:
        """Return the condition for rows `q` of an article, or of the address of another document.

        Raises: NoSuchError, AmbiguousError.
        """
        found = None if self._find_article(reference) else self._find_origin(reference)
        if found is not None:
            return Conditions().with_clause("q.origin_id = :origin", origin=found)
        article = self.article(reference)
        return Conditions().with_clause("q.article_id = :article", article=article.row_id)

    def teaser_conditions(self, reference: str) -> Conditions:
        """Return the condition for rows `k` of the headlines of an article on front pages.

        Raises: NoSuchError, AmbiguousError.
        """
        found = self.place_conditions(reference)
        of_article = "(SELECT origin_id FROM article_origin WHERE article_id = :article)"
        wanted = of_article if "article" in found.values else "(:origin)"
        return Conditions((f"k.origin_id IN {wanted}",), found.parameters)

    def teaser_row_id(self, reference: str) -> int | None:
        """Return the row of an address that only front pages name; None if there is none."""
        found = self._find_origin(reference)
        query = (
            "SELECT 1 AS n FROM teaser WHERE origin_id = :origin AND NOT EXISTS "
            "(SELECT 1 FROM article_origin WHERE origin_id = :origin) LIMIT 1"
        )
        return found if any(fetch(self.connection, query, {"origin": found})) else None

    def _find_origin(self, reference: str) -> int | None:
        named = origin_name.clean_address(reference) or reference
        query = "SELECT id FROM origin WHERE public_id = :name"
        rows = fetch(self.connection, query, {"name": origin_id(named)})
        return next((row["id"] for row in rows), None)

    def select_version(self, revision: Revision) -> VersionRef:
        """Return the version of a parsed revision.

        Raises: NoSuchError, AmbiguousError.
        """
        article = self.article(revision.article)
        if article.versions == 0:
            raise NoSuchError(
                message_text("version_of"), revision.article, message_text("never_read")
            )
        match revision.selector:
            case Latest() if self.clocks.as_of is not None:
                return self._version_at(article, self.clocks.as_of)
            case Latest():
                return VersionRef(article, article.versions)
            case Number(number):
                return self._version_by_number(article, number, f"{revision.article}@{number}")
            case StepsBack(steps):
                reference = f"{revision.article}@~{steps}"
                return self._version_by_number(article, article.versions - steps, reference)
            case AtMoment(moment):
                return self._version_at(article, moment)
            case WordingPrefix(digits):
                return self._version_by_wording(article, digits)

    def _single_version(self, rev: str, revision: Revision) -> VersionRef:
        """Return the version of a revision. Raises: RevisionError if `rev` is a range."""
        try:
            return self.select_version(revision)
        except (NoSuchError, RevisionError):
            if len(parse_revisions(rev, self.is_known, self.timezone)) == 1:
                raise
        reason = message_text("two_versions")
        raise RevisionError(rev, reason)

    def _has_version(self, reference: str) -> bool:
        """Check whether `reference` is an existing article with a version."""
        try:
            revision = parse_revision(reference, self.is_known, self.timezone)
        except RevisionError:
            return False
        return revision.article != reference and self.is_known(revision.article)

    def _refuse_selector(self, reference: str) -> None:
        """Raise RevisionError if the part before the last @ is an article: its selector is
        invalid.
        """
        article, at, selector = reference.rpartition("@")
        if at and not self._has_version(reference) and self._find_article(article) is not None:
            raise RevisionError(reference, selector_error(selector))

    def _find_exact(self, reference: str) -> ArticleRef | None:
        """Return the article of an origin or of the path of a file."""
        result = self._find_by_origin(reference)
        if result is None:
            at_path = (self._find_by_origin(each) for each in self._locators(reference))
            result = next((each for each in at_path if each is not None), None)
        return result

    def _find_in_file(self, reference: str) -> ArticleRef | None:
        """Return the only article of a file that holds records.

        Raises: AmbiguousError if it holds several.
        """
        for locator in self._locators(reference):
            inside = "o.origin LIKE :start ESCAPE '/'"
            if result := self._find_only(inside, reference, start=f"{_like(locator)}#%"):
                return result
        return None

    def _find_by_path_end(self, reference: str) -> ArticleRef | None:
        """Return the only article in a watched folder whose path ends in `reference`.

        The path may begin with the name of its source, as `seed:SOURCE/PATH` does.

        Raises: AmbiguousError if there are several, with their origins.
        """
        is_file_name = (
            "." in reference and "://" not in reference and not reference.startswith("seed:")
        )
        if not is_file_name:
            return None
        ends = dict.fromkeys((reference, without_gz(escape_locator(reference))))
        patterns = (form + _like(each) for each in ends for form in ("%//", "seed:"))
        endings = {f"end{number}": each for number, each in enumerate(patterns)}
        is_end = " OR ".join(f"origin LIKE :{name} ESCAPE '/'" for name in endings)
        query = (
            "SELECT origin FROM origin WHERE (origin LIKE 'seed:%' OR origin LIKE 'file://%') "
            f"AND ({is_end}) ORDER BY origin LIMIT {MAX_CANDIDATES}"
        )
        origins = [row["origin"] for row in fetch(self.connection, query, endings)]
        result = {each: article for each in origins if (article := self._find_by_origin(each))}
        if len({article.row_id for article in result.values()}) > 1:
            raise AmbiguousError(message_text("article"), reference, list(result))
        return next(iter(result.values()), None)

    def _find_by_id_prefix(self, reference: str) -> ArticleRef | None:
        """Return the only article with an id that begins with `reference`.

        Raises: AmbiguousError if there are several.
        """
        if not (MIN_ID_LENGTH <= len(reference) < ID_LENGTH and ID_LETTERS.issuperset(reference)):
            return None
        last = reference + "z" * (ID_LENGTH - len(reference))
        between = "o.public_id BETWEEN :first AND :last"
        return self._find_only(between, reference, first=reference, last=last)

    def _find_by_address(self, reference: str) -> ArticleRef | None:
        """Return the article at another spelling of its address, such as a browser displays.

        Examples: with a fragment, with tracking parameters, without `https://`.
        """
        addresses = [reference]
        if not reference.lower().startswith(("http://", "https://")):
            host, is_path, _path = reference.partition("/")
            addresses = (
                [f"https://{reference}", f"http://{reference}"] if is_path and "." in host else []
            )
        origins = filter(None, map(origin_name.clean_address, addresses))
        return next(filter(None, map(self._find_by_origin, origins)), None)

    def _find_only(self, condition: str, reference: str, /, **values: str) -> ArticleRef | None:
        query = (
            f"SELECT DISTINCT {_ARTICLE} {JOINED} WHERE {condition} ORDER BY a.public_id "
            f"LIMIT {MAX_CANDIDATES}"
        )
        articles = [_article_ref(row) for row in fetch(self.connection, query, values)]
        if len(articles) > 1:
            raise AmbiguousError(
                message_text("article"), reference, [each.article for each in articles]
            )
        return articles[0] if articles else None

    def _locators(self, reference: str) -> list[str]:
        """Return the possible locators of a file within each source that contains it, the nearest
        first.
        """
        is_path = "." in reference or "/" in reference
        if "://" in reference or reference.startswith("seed:") or not is_path:
            return []
        path = os.path.abspath(reference)  # noqa: PTH100 - text alone, without access to the disk
        query = "SELECT name, locator FROM source WHERE kind = 'folder'"
        folders = [(row["locator"], row["name"]) for row in fetch(self.connection, query, {})]
        holding = [
            (folder, name) for folder, name in folders if path.startswith(folder.rstrip("/") + "/")
        ]
        result = []
        for folder, name in sorted(holding, key=lambda each: len(each[0]), reverse=True):
            below = path[len(folder.rstrip("/")) + 1 :]
            prefix = name.rstrip("/") if name.startswith("file://") else f"seed:{name}"
            spelled = dict.fromkeys((below, without_gz(escape_locator(below))))
            result += [f"{prefix}/{each}" for each in spelled]
        return result

    def _find_by_origin(self, reference: str) -> ArticleRef | None:
        """Return the article of an origin, otherwise the one last seen at that place."""
        if reference not in self._cache:
            self._load(possible_names(reference))
        return self._cache[reference]

    def _load(self, names: set[str]) -> None:
        """Resolve names in one query: most are an article with or without a version."""
        rows = fetch(self.connection, _BY_NAME, {"names": self._public_names(names)})
        for name in names:
            own = {name, origin_id(name)}
            fitting = sorted(
                (row for row in rows if row["name"] in own), key=lambda row: row["way"]
            )
            self._cache[name] = _article_ref(fitting[0]) if fitting else None

    @staticmethod
    def _public_names(names: set[str]) -> list[str]:
        return list(dict.fromkeys(each for name in names for each in (name, origin_id(name))))

    def _version_by_number(self, article: ArticleRef, number: int, reference: str) -> VersionRef:
        if not 1 <= number <= article.versions:
            have = message_text("version_count", n=article.versions)
            raise NoSuchError(message_text("version"), reference, have)
        return VersionRef(article, number)

    def _version_at(self, article: ArticleRef, moment: datetime) -> VersionRef:
        """Return the latest version first seen by `moment`: certain up to its last snapshot."""
        query = (
            f"SELECT q.version, q.last_seen FROM ({steps_query(self.connection)}) q "
            "WHERE q.article_id = :article AND q.changed_by <= :moment "
            "ORDER BY q.version DESC LIMIT 1"
        )
        parameters = {"article": article.row_id, "moment": moment}
        found = fetch(self.connection, query, parameters)
        if not found:
            first = self._first_seen(article)
            reference = f"{article.article}@{moment.isoformat()}"
            raise NoSuchError(
                message_text("version"),
                reference,
                message_text("seen_first", moment=first.isoformat()),
            )
        return VersionRef(article, found[0]["version"], moment <= found[0]["last_seen"])

    def _first_seen(self, article: ArticleRef) -> datetime:
        query = "SELECT min(changed_by) AS changed_by FROM version WHERE article_id = :article"
        row = fetch_row(self.connection, query, {"article": article.row_id})
        first: datetime = row["changed_by"]
        return first

    def _version_by_wording(self, article: ArticleRef, digits: str) -> VersionRef:
        query = (
            "SELECT w.digest AS digest, w.id AS id, min(s.version) AS version FROM wording w "
            "JOIN snapshot s ON s.wording_id = w.id "
            "WHERE s.article_id = :article AND s.version IS NOT NULL GROUP BY w.digest, w.id"
        )
        fitting = {
            wording_name(bytes(row["digest"])): (row["id"], row["version"])
            for row in fetch(self.connection, query, {"article": article.row_id})
            if bytes(row["digest"]).hex().startswith(digits)
        }
        if not fitting:
            reference = f"{article.article}@w1:{digits}"
            raise NoSuchError(message_text("version"), reference, message_text("no_wording"))
        if len(fitting) > 1:
            raise AmbiguousError(message_text("wording"), f"w1:{digits}", sorted(fitting))
        ((name, (wording, number)),) = fitting.items()
        query = "SELECT wording_id FROM version WHERE article_id = :article AND number = :number"
        values = {"article": article.row_id, "number": number}
        if fetch_row(self.connection, query, values)["wording_id"] == wording:
            return VersionRef(article, number)
        return VersionRef(article, number, wording_id=wording, wording=name)
