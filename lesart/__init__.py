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
from storage.diff.operation import Operation
from storage.read.answers import (
    ArticleLine,
    Blame,
    Change,
    Citation,
    Diff,
    ExplainedRelation,
    FrontStay,
    Hit,
    Job,
    NoiseStep,
    Observation,
    OutsideCopy,
    Raw,
    Refusal,
    Relation,
    RightsDeclaration,
    Rows,
    Sentence,
    Teaser,
    VersionLine,
    VersionText,
)
from storage.read.archive import CursorError, QueryError, RevisionError, open_archive
from storage.read.archive import ReadOnlyArchive as Archive
from storage.read.figures.records import (
    Coverage,
    EditFigures,
    Stats,
)
from storage.read.filters import Clocks, Filters
from storage.values.draft import PartialDate
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
        EntryEvent,
        Noise,
        Transfer,
        Version,
        VersionField,
    )
else:

    def __getattr__(name: str) -> Any:
        """Load SQLModel with its classes of the views at their first use.

        A view whose name a record has is in `lesart.views` alone.
        """
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
    "Clocks",
    "Coverage",
    "CursorError",
    "Diff",
    "EditFigures",
    "EntryEvent",
    "ExplainedRelation",
    "Filters",
    "ForeignDatabaseError",
    "FrontStay",
    "Hit",
    "Job",
    "LiveBlogEntry",
    "NoSuchError",
    "Noise",
    "NoiseStep",
    "Observation",
    "Operation",
    "OutsideCopy",
    "PartialDate",
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
    "Sentence",
    "Stats",
    "Teaser",
    "Transfer",
    "Version",
    "VersionField",
    "VersionLine",
    "VersionText",
    "open_archive",
]
