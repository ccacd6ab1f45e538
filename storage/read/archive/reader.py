"""An archive that is open for reading."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from storage.database.archive_errors import (
    ArchiveMissingError,
    ArchiveUnreachableError,
    ForeignDatabaseError,
)
from storage.database.schema_version import SchemaOlderError, require_current
from storage.database.servers.position import is_behind
from storage.read import lists
from storage.read.answers import (
    ArticleLine,
    FrontStay,
    Teaser,
    VersionText,
)
from storage.read.archive.connection import LANGUAGES, ReadingPlace
from storage.read.archive.queries import ArchiveQueries
from storage.read.filters import TODAY, Clocks
from storage.values.answer import Answer
from storage.values.failures import driver_error
from storage.values.lazy import LazyModule
from storage.values.net.capture_place import CapturePlace, capture_place

if TYPE_CHECKING:
    from storage.database.servers import hosts
    from storage.read.query import doors
    from storage.settings import Settings
else:
    hosts = LazyModule("storage.database.servers.hosts")
    doors = LazyModule("storage.read.query.doors")

UNUSABLE_REPLICA = (ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError)
"""Errors of a replica that is away, or has not yet repeated what the primary did."""


def open_archive(
    url: str | Path,
    *,
    timezone: tzinfo = UTC,
    languages: Sequence[str] = LANGUAGES,
    captures: str | CapturePlace | None = None,
    primary: str | None = None,
    clocks: Clocks = TODAY,
    seconds: int | None = None,
    by_driver: bool = False,
) -> "ReadOnlyArchive":
    """Open the archive at a path or a database address for reading; nothing is ever written.

    `timezone` determines where a date in a revision ends. `languages` are those whose word forms
    a search includes. `captures` is the object storage for captured bytes, such as
    `s3://BUCKET/PREFIX`, if they are not in the database. `primary` is the address of the primary
    if `url` is a replica, which cannot show an earlier time. No query may take longer than
    `seconds`. With `by_driver`, an SQLite file is read without SQLAlchemy, which takes longer to
    load than most queries. Raises: DatabaseUrlError, ArchiveMissingError, ArchiveUnreachableError,
    SchemaOlderError, SchemaNewerError; ValueError for a wrong `captures`.
    """
    if isinstance(captures, str):
        captures = capture_place(captures)
    by_driver = by_driver and not clocks.are_set
    place = ReadingPlace(str(url), captures, by_driver=by_driver, primary=primary)
    engine = place.open(seconds)
    try:
        with place.reachable():
            require_current(engine)
    except Exception as error:
        engine.dispose()
        if "not a database" in str(driver_error(error) or ""):
            raise ForeignDatabaseError(place.name) from error
        raise
    except BaseException:
        engine.dispose()
        raise
    return ReadOnlyArchive(engine, place, timezone, languages, clocks)


def open_with_settings(
    settings: "Settings",
    *,
    seconds: int | None = None,
    by_driver: bool = False,
    may_be_behind: bool = False,
    is_for_sql: bool = False,
) -> "ReadOnlyArchive":
    """Open the archive that the settings name, as they say; for SQL with the role for it, if any.

    With `may_be_behind`, replicas are read where the settings name some; if they cannot be read, or
    lack what a command of this home folder wrote last, the primary is. Raises: see `open_archive`.
    """
    primary = settings.database_url
    replicas = settings.reader_database_url if may_be_behind else None
    if is_for_sql and settings.sql_database_url is not None:
        primary = settings.sql_database_url
        replicas = replicas and hosts.preferring_replicas(primary)
    open_at = partial(
        open_archive,
        timezone=settings.zone,
        languages=settings.languages,
        captures=settings.captures,
        seconds=seconds,
        by_driver=by_driver,
    )
    if replicas is not None:
        with suppress(*UNUSABLE_REPLICA):
            archive = open_at(replicas, primary=primary)
            with archive.connect() as connection:
                if not is_behind(connection, settings.home):
                    return archive
            archive.close()
    return open_at(primary)


class ReadOnlyArchive(ArchiveQueries):
    """An archive opened for reading by `open_archive`; `with` closes it.

    Lists are iterators that fetch their rows as needed. Each row has a `cursor`; pass it as
    `after` to continue the list. `limit` is the maximum number of rows.
    """

    def rows(
        self, name: str, /, *, after: str | None = None, limit: int | None = None, **options: Any
    ) -> Iterator[Answer]:
        """Yield the rows of a list by the name of its command, such as those of a capability.

        `options` are the options of the command, such as `label="important"`; times are selected by
        `with_clocks`.

        Raises: ValueError for another name, TypeError for another option, NoSuchError, CursorError.
        """
        if (door := doors.DOORS.get(name)) is None:
            raise ValueError(f"{name!r} is not one of the lists: {', '.join(doors.DOORS)}")
        if clocks := {"as_of", "known_at"} & options.keys():
            raise TypeError(f"{min(clocks)} is an argument of with_clocks")
        return door.query()(**options).rows(self, (after, limit))

    def front(
        self, address: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[Teaser]:
        """Yield the teasers of a front page at its latest check, from top to bottom.

        In an archive opened with `as_of`, those of that time. Raises: NoSuchError, CursorError.
        """
        return cast("Iterator[Teaser]", self.rows("front", front=address, after=after, limit=limit))

    def fronts(
        self,
        article: str | None = None,
        front: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[FrontStay]:
        """Yield how long which headlines were on front pages, in the order of their beginnings.

        `article` is an article or the address of a teaser, `front` the address of a front page.
        Raises: NoSuchError, CursorError.
        """
        found = self.rows("fronts", article=article, front=front, after=after, limit=limit)
        return cast("Iterator[FrontStay]", found)

    def __len__(self) -> int:
        """Return the number of articles."""
        return self._query(lists.count_articles)

    def __iter__(self) -> Iterator[ArticleLine]:
        return self.articles()

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, rev: str) -> VersionText:
        if not isinstance(rev, str):
            raise TypeError(f"{rev!r} is no revision: it is a text, such as 'ARTICLE@2'")
        return self.version(rev)

    def __contains__(self, rev: object) -> bool:
        """Check whether `archive[rev]` returns a version."""
        if not isinstance(rev, str):
            return any(each == rev for each in self)
        try:
            self[rev]
        except (LookupError, ValueError):
            return False
        return True
