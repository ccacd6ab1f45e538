"""Turn a listed file into the items that it contains."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from storage.values.locator import escape_locator
from storage.values.refusals import RefusalReason
from worker.sources.containers.items import RefusedDocument, UnsettledFile
from worker.sources.folders.files import (
    FileChangedError,
    Patience,
    ReadFile,
    SettledFile,
    open_settled,
    read_settled,
)
from worker.sources.folders.folder import unreadable
from worker.sources.folders.members import (
    Content,
    MemberHints,
    limit_streamed,
    limit_whole,
    members_of,
    members_of_bytes,
)

_BUFFER_BYTES = 256 * 1024


def capture(
    root: Path,
    path: str,
    hints: MemberHints,
    patience: Patience,
    earlier: UnsettledFile | None = None,
) -> Iterator[Content | UnsettledFile]:
    """Yield the contents of the file `path` below `root`, read by the rules of `files`.

    `path` is the system's path (`FoundFile.path`). An `UnsettledFile` is always the last value: try
    again later and pass it as `earlier`. To scan a folder with recently changed files, try all
    files without waiting first, then only the unsettled ones with `patience.wait`. A large
    container is streamed: if it changes meanwhile, the items before the change are from its settled
    state and remain valid.
    """
    locator = escape_locator(path)
    whole = read_settled(root, path, limit_whole(path, hints), patience, earlier)
    if isinstance(whole, ReadFile):
        yield from members_of_bytes(locator, whole.raw, hints)
        return
    if isinstance(whole, UnsettledFile):
        yield whole
        return
    limit = limit_streamed(path, hints)
    if whole.code != "too_large" or limit is None:
        yield RefusedDocument(locator, "", whole)
        return
    match open_settled(root, path, limit, patience, earlier):
        case RefusalReason() as refused:
            yield RefusedDocument(locator, "", refused)
        case UnsettledFile() as unsettled:
            yield unsettled
        case SettledFile() as opened:
            with io.BufferedReader(opened, _BUFFER_BYTES) as stream:
                yield from _stream(locator, stream, hints, patience)


def _stream(
    locator: str, stream: BinaryIO, hints: MemberHints, patience: Patience
) -> Iterator[Content | UnsettledFile]:
    try:
        yield from members_of(locator, stream, hints)
    except FileChangedError as error:
        yield UnsettledFile(error.stamp, patience.now_ns())
    except OSError as error:
        yield RefusedDocument(locator, "", unreadable(error))
