"""Write what another archive saw into a file that is ingested as any web archive is."""

import gzip
import os
from pathlib import Path

from storage.export.warc import ExportSelection, WarcExport
from storage.read.archive import open_archive
from storage.values.job import Progress

FOLDER = "merging"
SECONDS = 7 * 24 * 3600
"""So long may one other archive be read from."""
REPORT_EVERY = 100


def spooled(address: str, home: Path, program: str, progress: Progress) -> Path:
    """Return a WARC file in `home` with all that an archive saw; what an earlier call wrote stays.

    Its name is the id of the archive and its last number: the same state is the same file.
    Raises: ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError, SchemaNewerError.
    """
    with open_archive(address, seconds=SECONDS) as archive:
        export = WarcExport(archive, ExportSelection(), program)
        path = home / FOLDER / f"{export.state()}.warc.gz"
        if path.exists():
            return path
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        begun = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with begun.open("wb") as stream:
                for number, record in enumerate(export.records(), 1):
                    stream.write(gzip.compress(record, mtime=0))
                    if number % REPORT_EVERY == 0:
                        progress("records of the other archive", number)
            begun.replace(path)
        finally:
            begun.unlink(missing_ok=True)
    return path
