"""The WARC files in a WACZ, streamed, and whether they match their digests."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from storage.values.draft import Json
from storage.values.messages import message_text
from worker.sources.containers.gunzip import DamagedDataError, UnsafeArchiveError
from worker.sources.containers.items import Limits
from worker.sources.containers.tar_zip import DAMAGE, member_problem, open_zip
from worker.sources.web_archives.record_digest import parse_digest

MOST_LIST_BYTES = 16 * 1024 * 1024
"""Maximum size of the list of its files (datapackage.json)."""

WARC_SUFFIXES = (".warc", ".warc.gz", ".arc", ".arc.gz")

_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class WarcMember:
    """One WARC file in a WACZ; read it before requesting the next one.

    `problem` is the reason why it must not be read. `is_as_listed` is True if the file has the
    digest in the WACZ, or if the WACZ has none.
    """

    name: str
    stream: io.RawIOBase
    problem: str | None = None
    is_as_listed: bool = True


def wacz_parts(stream: BinaryIO, limits: Limits) -> Iterator[WarcMember]:
    """Yield the WARC files of a WACZ (`stream` is seekable) in the order of its directory.

    Raises: UnsafeArchiveError if it is not a zip file, or has too many entries.
    """
    with open_zip(stream, limits) as archive:
        listed_digests = _read_digests(archive)
        for info in archive.infolist():
            name = info.filename.replace("\\", "/")
            if name.lower().startswith("archive/") and name.lower().endswith(WARC_SUFFIXES):
                yield _part(archive, info, name, listed_digests, limits)


def _part(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    name: str,
    listed_digests: dict[str, str],
    limits: Limits,
) -> WarcMember:
    problem = member_problem(name, info)
    if problem is not None:
        return WarcMember(name, io.BytesIO(), problem)  # type: ignore[arg-type]  # never read
    is_as_listed = name not in listed_digests or _has_digest(
        archive, info, listed_digests[name], limits
    )
    return WarcMember(name, _InflatedMember(archive, info, limits), None, is_as_listed)


def _read_digests(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the digests in the WACZ for its files, by path; empty if there are none."""
    try:
        with archive.open("datapackage.json") as packed:
            package = json.loads(packed.read(MOST_LIST_BYTES))
        resources = package["resources"]
        found = {str(each["path"]): _digest_of(each) for each in resources}
    except (*DAMAGE, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {path: digest for path, digest in found.items() if digest}


def _digest_of(resource: dict[str, Json]) -> str | None:
    """Return the digest of a file in either of the two forms in use."""
    stats: Any = resource.get("stats") or {}
    if "hash" in stats:
        return parse_digest(f"{resource.get('hashing')}:{stats['hash']}")
    return parse_digest(str(resource.get("hash") or ""))


def _has_digest(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, named: str, limits: Limits
) -> bool:
    algorithm, _, value = named.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with _InflatedMember(archive, info, limits) as stream:
        try:
            while piece := stream.read(_PIECE_BYTES):
                digest.update(piece)
        except DamagedDataError:
            return False
    return digest.hexdigest() == value


class _InflatedMember(io.RawIOBase):
    """A raw stream of one member; reads raise UnsafeArchiveError where it grows too much."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> None:
        super().__init__()
        self._archive, self._info, self._limits = archive, info, limits
        self._packed: IO[bytes] | None = None
        self._written = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        try:
            if self._packed is None:
                self._packed = self._archive.open(self._info)
            data = self._packed.read(min(len(buffer), _PIECE_BYTES))
        except DAMAGE:
            raise DamagedDataError(message_text("a_member_damaged")) from None
        buffer[: len(data)] = data
        self._written += len(data)
        ratio = self._limits.ratio * self._info.compress_size
        if self._written > max(self._limits.ratio_free, ratio):
            raise UnsafeArchiveError(message_text("member_grows", ratio=self._limits.ratio))
        return len(data)

    def close(self) -> None:
        if self._packed is not None:
            self._packed.close()
        super().close()
