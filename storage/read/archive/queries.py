"""The archive as the queries of its lists see it; these cannot ask for a list by its name."""

from storage.read.archive.figures import ArchiveFigures
from storage.read.archive.lists import ArchiveLists
from storage.read.archive.texts import ArchiveTexts


class ArchiveQueries(ArchiveLists, ArchiveTexts, ArchiveFigures):
    """All that can be read from an archive but the lists of capabilities by name."""
