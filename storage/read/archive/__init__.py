"""The reading interface: open an archive and query it for immutable records.

with open_archive("lesart-data/lesart.sqlite3") as archive:
    for hit in archive.search("Öllager"):
        print(hit.article, hit.snippet)
"""

from storage.database.rows import CursorError
from storage.read.archive.connection import LANGUAGES
from storage.read.archive.reader import ReadOnlyArchive, open_archive, open_with_settings
from storage.read.filters import Filters
from storage.read.revision import RevisionError
from storage.read.sql import QueryError
from storage.values.errors import AmbiguousError, NoSuchError

__all__ = [
    "LANGUAGES",
    "AmbiguousError",
    "CursorError",
    "Filters",
    "NoSuchError",
    "QueryError",
    "ReadOnlyArchive",
    "RevisionError",
    "open_archive",
    "open_with_settings",
]
