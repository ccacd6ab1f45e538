"""Where an archive is, and its connections for reading."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import cached_property, wraps
from threading import Event
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, cast

from storage.database.archive_errors import ArchiveClosedError, ArchiveReplicaError
from storage.database.rows import committed_reads
from storage.database.servers import position
from storage.database.sqlite_file import SqliteReader, sqlite_path
from storage.read.filters import TODAY, Clocks, Filters
from storage.read.named import NAMED, check_if_empty, require_named
from storage.read.render.moment import parse_moment
from storage.values.errors import (
    NoSuchError,
)
from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.net.capture_place import CapturePlace

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

    from storage.database import engine as engines
    from storage.database.engine import Commits
    from storage.database.servers import pooler
    from storage.read import blame, find
    from storage.read.blame import SentenceCache
    from storage.read.clocks import as_of
else:
    engines = LazyModule("storage.database.engine")
    pooler = LazyModule("storage.database.servers.pooler")
    blame = LazyModule("storage.read.blame")
    find = LazyModule("storage.read.find")
    as_of = LazyModule("storage.read.clocks.as_of")

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
LANGUAGES = ("de", "en")
_MOST_NARROWED = 8


def narrow_to_articles(*names: str) -> Callable[[F], F]:
    """Return a decorator of methods that answer about the articles that parameters name.

    They then need no more of the knowledge at an earlier time than what concerns these articles.
    """

    def decorate(method: F) -> F:
        @wraps(method)
        def answer(self: "ArchiveConnection", *args: Any, **options: Any) -> Any:
            parameters = method.__code__.co_varnames[1:]
            given = {**dict(zip(parameters, args, strict=False)), **options}
            return method(self.narrow_to(*(given.get(name) for name in names)), *args, **options)

        return cast("F", answer)

    return decorate


class ReadingPlace:
    """The place of an archive, and how it is opened for reading.

    `primary` is its place on the server that accepts writes, if `locator` may be a replica.
    """

    def __init__(
        self,
        locator: str,
        captures: CapturePlace | None,
        *,
        by_driver: bool = False,
        primary: str | None = None,
    ) -> None:
        self.path = sqlite_path(locator) if by_driver else None
        self.locator = locator
        self.captures = captures
        self.primary = primary or locator

    @cached_property
    def url(self) -> "URL":
        """Return the address for SQLAlchemy. Raises: DatabaseUrlError."""
        return engines.database_url(self.locator)

    @property
    def name(self) -> str:
        """Return the name for messages, without a password."""
        return engines.place_of(self.url) if self.path is None else str(self.path.absolute())

    def open(self, seconds: int | None = None) -> "Engine | SqliteReader":
        """Open it for reading. Raises: ArchiveMissingError, ArchiveDamagedError."""
        if self.path is not None:
            return SqliteReader(self.path, seconds, captures=self.captures)
        return engines.reading_engine(self.url, seconds, captures=self.captures)

    def on_primary(self) -> "ReadingPlace":
        """Return the place on the primary, to be opened with SQLAlchemy."""
        return ReadingPlace(self.primary, self.captures)

    def reachable(self) -> AbstractContextManager[None]:
        """Turn a refused connection into ArchiveUnreachableError."""
        return nullcontext() if self.path is not None else engines.reachable(self.url)


class ArchiveConnection:
    """The connections of an archive that is open for reading, and how it finds what is named."""

    def __init__(
        self,
        engine: "Engine | SqliteReader",
        place: ReadingPlace,
        timezone: tzinfo = UTC,
        languages: Sequence[str] = LANGUAGES,
        clocks: Clocks = TODAY,
    ) -> None:
        self._engine = engine
        self._place = place
        self.timezone = timezone
        self.clocks = clocks
        self.languages = tuple(languages)
        self._resources = ExitStack()
        self._closed = Event()
        self._sentence_caches: list[blame.SentenceCache] = []
        self._connection: Connection | None = None
        self._shared_finder: find.Finder | None = None
        self._references: tuple[str, ...] | None = None
        self._narrowed: dict[tuple[str, ...], Self] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Archive {self.place}>"

    def close(self) -> None:
        """Close the archive; its iterators raise ArchiveClosedError from then on."""
        self._closed.set()
        self._resources.close()
        self._engine.dispose()

    @property
    def engine(self) -> "Engine | SqliteReader":
        return self._engine

    @property
    def place(self) -> str:
        """Return the archive's name for messages, without a password."""
        return self._place.name

    def with_clocks(
        self, as_of: datetime | str | None = None, known_at: datetime | str | None = None
    ) -> Self:
        """Return the archive as it was readable at `as_of`, according to its knowledge at
        `known_at`: times with a zone, or texts such as `2024-06`, whose last moment counts.

        Closing this archive closes it too. `sql` and `stats` ignore both times. Raises: MomentError
        for other texts, ValueError for a time without a zone.
        """
        clocks = Clocks(self._parse_time(as_of), self._parse_time(known_at))
        place = self._place.on_primary()  # its views are built there, with SQLAlchemy
        engine = place.open()
        archive = type(self)(engine, place, self.timezone, self.languages, clocks)
        archive._closed = self._closed  # noqa: SLF001  # of the same class
        self._resources.callback(archive.close)
        return archive

    def narrow_to(self, *references: str | None) -> Self:
        """Return the archive with no more of an earlier knowledge than answers about these need.

        It is this archive without such a time or a reference, if it has the whole knowledge, or
        after some narrowed ones: then all articles together cost less than each alone.
        """
        names = tuple(each for each in references if each is not None)
        is_ready = self._references is not None or self._connection is not None
        if self.clocks.known_at is None or is_ready or not names:
            return self
        if names not in self._narrowed and len(self._narrowed) < _MOST_NARROWED:
            archive = self.with_clocks(self.clocks.as_of, self.clocks.known_at)
            archive._references = names  # noqa: SLF001  # of the same class
            self._narrowed[names] = archive
        return self._narrowed.get(names, self)

    def _parse_time(self, given: datetime | str | None) -> datetime | None:
        return parse_moment(given, self.timezone, "last") if isinstance(given, str) else given

    @contextmanager
    def connect(self) -> "Iterator[Connection]":
        """Open a read-only connection; for other modules of `storage.read`."""
        self._require_open()
        if self._connection is not None:
            yield self._connection
            return
        with self._place.reachable(), self._engine.connect() as connection:
            if self.clocks.are_set and connection.info.get("clocks") != self.clocks:
                if connection.dialect.name == "postgresql":
                    pooler.require_sessions(connection.engine)
                    if position.is_replica(connection):
                        raise ArchiveReplicaError(self.place)
                as_of.create_as_of_views(connection, self.clocks, self._references or None)
                connection.info["clocks"] = self.clocks
                self._references = self._references or ()
            try:
                with committed_reads(connection):
                    yield connection
            finally:
                if self._closed.is_set():  # its pool is gone and would leave it open
                    connection.invalidate()

    def commits(self) -> "Commits":
        """Return a counter of the commits by other processes; it is closed with the archive."""
        commits = engines.Commits(self._engine)
        self._resources.callback(commits.close)
        return commits

    @contextmanager
    def single_connection(self) -> Iterator[Self]:
        """Return the archive for related queries: one connection, used in one thread.

        Each article name is resolved only once.
        """
        with self.connect() as connection:
            yield self._bind(connection)

    def _query(
        self, function: "Callable[Concatenate[Connection, P], T]", *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self.connect() as connection:
            return function(connection, *args, **kwargs)

    def iterate(
        self,
        function: "Callable[Concatenate[Connection, P], Iterator[T]]",
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """Yield the rows of a function of a connection, such as a list of a capability."""
        with self.connect() as connection:
            for row in function(connection, *args, **kwargs):
                yield row
                self._require_open()

    def _iterate_named(
        self,
        named: Filters | Mapping[str, str | None],
        function: "Callable[Concatenate[Connection, P], Iterator[T]]",
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """Yield rows as `iterate`; without any, refuse names in filters that do not exist.

        Raises: NoSuchError.
        """
        rows = self.iterate(function, *args, **kwargs)
        return check_if_empty(rows, lambda: self.require_named(named))

    def require_named(self, named: Filters | Mapping[str, str | None]) -> None:
        """Refuse a filter for a source, publisher, language or code that does not exist.

        Raises: NoSuchError.
        """
        with self.connect() as connection:
            for what in NAMED:
                name = named.get(what) if isinstance(named, Mapping) else getattr(named, what, None)
                require_named(connection, what, name)

    def _require_open(self) -> None:
        if self._closed.is_set():
            raise ArchiveClosedError(self.place)

    def _sqlalchemy_engine(self) -> "Engine":
        if isinstance(self._engine, SqliteReader):
            engine = self._place.on_primary().open()
            self._resources.callback(engine.dispose)
            return cast("Engine", engine)
        return self._engine

    def _bind(self, connection: "Connection") -> Self:
        """Return this archive bound to an open connection."""
        bound = copy(self)
        bound.__dict__.update(_connection=connection, _shared_finder=self._finder(connection))
        return bound

    def _sentence_cache(self) -> "SentenceCache":
        if not self._sentence_caches:
            self._sentence_caches.append(blame.SentenceCache(self.languages))
        return self._sentence_caches[0]

    def _finder(self, connection: "Connection") -> "find.Finder":
        if self._shared_finder is not None:
            return self._shared_finder
        return find.Finder(connection, self.timezone, self.clocks)

    def _open(self, connection: "Connection", rev: str) -> "find.VersionRef":
        version = self._finder(connection).version(rev)
        find.refuse_restricted(connection, version)
        return version

    def article_row_id(self, name: str) -> int:
        """Return the row number of an article, for modules that work on rows.

        Raises: NoSuchError.
        """
        with self.connect() as connection:
            return self._finder(connection).article(name).row_id

    def _origin_ids(self, name: str) -> list[int]:
        with self.connect() as connection:
            finder = self._finder(connection)
            return finder.origins(finder.article(name))

    @staticmethod
    def _pair(
        finder: "find.Finder", rev_a: str, rev_b: str | None
    ) -> tuple["find.VersionRef", "find.VersionRef"]:
        if rev_b is not None:
            return finder.pair(rev_a, rev_b)
        versions = finder.versions(rev_a)
        if len(versions) == 2:
            return versions[0], versions[1]
        (only,) = versions
        if only.number == 1:
            raise NoSuchError(
                message_text("version_before"), only.rev, message_text("first_version")
            )
        return replace(only, number=only.number - 1, certain=True, wording_id=None), only
