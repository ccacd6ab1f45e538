"""Errors that concern an archive as a whole; fast to import."""

from collections.abc import Iterable

from storage.values.failures import CONFINE_SQL, USE_OTHER_ROLE


class ArchiveError(Exception):
    """Base class of errors that concern the archive as a whole."""


class ArchiveMissingError(ArchiveError):
    """There is no archive at the specified place."""

    def __init__(self, place: str, *, is_empty: bool = False) -> None:
        remedy = "`lesart ingest FOLDER` creates one, `--archive` names another place"
        if is_empty:
            remedy = (
                "the file is empty. If it was an archive, delete it and put a backup in its "
                "place with `lesart restore`"
            )
        super().__init__(f"there is no archive at {place}: {remedy}")
        self.place = place


class ArchiveDamagedError(ArchiveError):
    """The file of an archive is damaged and cannot be opened."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"the file {place} is a damaged archive: its first pages cannot be read. Move it away "
            "and put a backup in its place with `lesart restore`; nothing of it was changed"
        )
        self.place = place


class ForeignDatabaseError(ArchiveError):
    """The specified place contains something other than an archive."""

    def __init__(self, place: str, names: Iterable[str] = ()) -> None:
        present = ", ".join(sorted(names)[:5])
        which = f" (it has {present})" if present else ""
        super().__init__(
            f"{place} is no archive of Lesart but something else{which}; nothing of it was "
            "changed: name another place"
        )
        self.place = place


class ForeignFileError(ForeignDatabaseError):
    """The file to read has other content, so there is no archive."""


class ArchiveUnreachableError(ArchiveError):
    """The database does not answer."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"the database at {place} does not answer: {reason}")
        self.place = place
        self.reason = reason


class ArchiveReplicaError(ArchiveError):
    """A replica cannot do this."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"the database at {place} is a replica, which cannot build the state of an earlier "
            "time: use the address of the primary"
        )
        self.place = place


class ArchivePoolerError(ArchiveError):
    """A connection pooler shares sessions among its clients, where one is needed."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"the pooler at {place} shares sessions among its clients, and this needs one of its "
            "own: set pool_mode=session, or name the address of PostgreSQL itself"
        )
        self.place = place


class ArchiveRoleError(ArchiveError):
    """The role of the database may not do this."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"the database at {place} refuses this to the role of the address: {reason}; "
            f"{USE_OTHER_ROLE}"
        )
        self.place, self.reason = place, reason


class SqlRoleError(ArchiveError):
    """The role with which SQL would run may do more than select from the views."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        reasons = ", ".join(self.faults)
        super().__init__(
            f"SQL is refused: the role {reasons}, and not only select from the views; {CONFINE_SQL}"
        )


class ArchiveClosedError(ArchiveError):
    """The archive was closed, also while an iterator reads it."""

    def __init__(self, place: str) -> None:
        super().__init__(f"the archive {place} is closed: open it again")
        self.place = place


class ArchivePlaceError(ArchiveUnreachableError):
    """The folder of an archive cannot be created."""

    def __init__(self, place: str, reason: str) -> None:
        super(ArchiveUnreachableError, self).__init__(
            f"no folder can be made for the archive {place}: {reason}; check who may write there, "
            "or name another place with --archive or LESART_HOME"
        )
        self.place, self.reason = place, reason


class DatabaseEncodingError(ArchiveError):
    """The database cannot store all Unicode characters."""

    def __init__(self, place: str, encoding: str) -> None:
        super().__init__(
            f"the database at {place} keeps texts as {encoding}, which has not every letter: make "
            "one with `createdb --encoding UTF8 --template template0 NAME`, and name that"
        )
        self.place, self.encoding = place, encoding


class DatabaseUrlError(ArchiveError):
    """The address of the database is invalid."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} is no database address: {reason}")
        self.given = text
        self.reason = reason
