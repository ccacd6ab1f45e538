"""Read an archive of press texts: `from lesart import open_archive`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    import storage.database  # noqa: F401  # a user may have a module of this name
except ModuleNotFoundError as error:
    import sys

    own = getattr(sys.modules.get("storage"), "__file__", "storage")
    raise ImportError(
        f"{own} hides the package `storage` of lesart: rename it, or run Python in another folder"
    ) from error

from storage.database.archive_errors import (
    ArchiveClosedError,
    ArchiveError,
    ArchiveMissingError,
    ArchiveRoleError,
    ArchiveUnreachableError,
    ForeignDatabaseError,
)
from storage.database.schema_version import (
    SchemaNewerError,
    SchemaOlderError,
    SchemaUnreleasedError,
)
from storage.diff.entry_history import LiveBlogEntry
from storage.read.answers import (
    ArticleLine,
    Blame,
    Citation,
    Diff,
    Hit,
    Raw,
    Rows,
    Stats,
    VersionLine,
    VersionText,
)
from storage.read.archive import CursorError, QueryError, RevisionError, open_archive
from storage.read.archive import ReadOnlyArchive as Archive
from storage.read.filters import Filters
from storage.values.errors import (
    AmbiguousError,
    NoSuchError,
    RedactedError,
    RestrictedError,
    SearchQueryError,
)

if TYPE_CHECKING:
    from lesart.views import (
        Address,
        Article,
        Change,
        EntryEvent,
        FrontStay,
        Job,
        Noise,
        Observation,
        OutsideCopy,
        Refusal,
        Relation,
        RightsDeclaration,
        Teaser,
        Transfer,
        Version,
        VersionField,
    )
else:

    def __getattr__(name: str) -> Any:
        """Load SQLModel with its classes of the views at their first use."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("lesart.views"), name)


__all__ = [
    "Address",
    "AmbiguousError",
    "Archive",
    "ArchiveClosedError",
    "ArchiveError",
    "ArchiveMissingError",
    "ArchiveRoleError",
    "ArchiveUnreachableError",
    "Article",
    "ArticleLine",
    "Blame",
    "Change",
    "Citation",
    "CursorError",
    "Diff",
    "EntryEvent",
    "Filters",
    "ForeignDatabaseError",
    "FrontStay",
    "Hit",
    "Job",
    "LiveBlogEntry",
    "NoSuchError",
    "Noise",
    "Observation",
    "OutsideCopy",
    "QueryError",
    "Raw",
    "RedactedError",
    "Refusal",
    "Relation",
    "RestrictedError",
    "RevisionError",
    "RightsDeclaration",
    "Rows",
    "SchemaNewerError",
    "SchemaOlderError",
    "SchemaUnreleasedError",
    "SearchQueryError",
    "Stats",
    "Teaser",
    "Transfer",
    "Version",
    "VersionField",
    "VersionLine",
    "VersionText",
    "open_archive",
]
