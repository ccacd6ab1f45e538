"""Write the captures of another archive into a file that is imported like any web archive."""

import glob
import gzip
from pathlib import Path

from storage.database.part_folder import part_folder, remove_dead
from storage.export.warc import ExportSelection, WarcExport
from storage.read.archive import open_with_settings
from storage.settings import Settings
from storage.values.job import Progress

FOLDER = "merging"
SECONDS = 7 * 24 * 3600
"""Time limit for reading another archive, in seconds."""
REPORT_EVERY = 100


def spool_archive(settings: Settings, home: Path, program: str, progress: Progress) -> Path:
    """Return a WARC file in `home` with all captures of an archive; an existing file is reused.

    Its name is the id of the archive and its last sequence number, so the same state gives the same
    file.

    Raises: ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError, SchemaNewerError.
    """
    with open_with_settings(settings, seconds=SECONDS) as archive:
        export = WarcExport(archive, ExportSelection(), program)
        path = home / FOLDER / f"{export.state()}.warc.gz"
        remove_dead(path, "*.warc.gz")
        if path.exists():
            return path
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        with part_folder(path) as folder, (folder / "part").open("wb") as stream:
            for number, record in enumerate(export.records(), 1):
                stream.write(gzip.compress(record, mtime=0))
                if number % REPORT_EVERY == 0:
                    progress("records of the other archive", number)
            stream.flush()
            (folder / "part").replace(path)
    return path


def spools_beside(file: Path) -> list[Path]:
    """Return the files of the archive of `file`: those that killed merges left, too."""
    archive_id = file.name.rpartition("-")[0]
    return [*file.parent.glob(f"{glob.escape(archive_id)}-*.warc.gz")]
