"""Contents of web archives: captures by other programs from WARC and ARC files and WACZ."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any, BinaryIO

from storage.values.draft import Json
from storage.values.locator import escape_locator
from storage.values.messages import message_text
from storage.values.refusals import refuse
from worker.address import may_list_articles
from worker.sources.containers.gunzip import (
    MAGIC,
    DamagedDataError,
    GrownTooLargeError,
    Gunzip,
    UnsafeArchiveError,
)
from worker.sources.containers.items import Detect, Foreign, Limits, PassedOver, RefusedDocument
from worker.sources.containers.tar_zip import DAMAGE, member_problem, open_zip
from worker.sources.web_archives.capture import interpret_exchange
from worker.sources.web_archives.record_digest import parse_digest
from worker.sources.web_archives.record_group import RecordGroup, exchanges, target
from worker.sources.web_archives.warc import (
    MOST_HEAD_BYTES,
    DamagedRecord,
    NoRecordError,
    web_records,
)

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


MOST_PARTS = 20_000_000
"""Maximum number of gzip parts of one WARC file; each record is one part."""

Found = Foreign | RefusedDocument | PassedOver


def warc_limits(limits: Limits) -> Limits:
    """Return the limits for a compressed WARC file."""
    return replace(limits, container=limits.web_archive, parts=MOST_PARTS)


def warc_contents(
    locator: str,
    outer_member: str,
    stream: IO[bytes] | io.RawIOBase,
    detect: Detect,
    limits: Limits,
    *,
    read_as: str | None,
) -> Iterator[Found]:
    """Yield the contents of a WARC or ARC file; `outer_member` is its member in the file or empty.

    `stream` is decompressed; with `read_as` its pages are read as pages of this kind, and those at
    the addresses of articles are skipped. Raises: errors of the stream other than damage.
    """
    is_empty = True
    try:
        for each in exchanges(web_records(stream, limits.document + MOST_HEAD_BYTES)):
            is_empty = False
            match each:
                case RecordGroup() if read_as and not may_list_articles(target(each.main) or ""):
                    yield PassedOver(message_text("address_of_article"))
                case RecordGroup():
                    yield interpret_exchange(
                        each, locator, outer_member, detect, limits.document, read_as=read_as
                    )
                case DamagedRecord(number, reason):
                    refused = refuse("record_invalid", line=number, reason=reason)
                    yield RefusedDocument(
                        locator, f"{outer_member}#{number}", refused, None, number
                    )
                case _:
                    yield PassedOver(message_text("record_alone", kind=each.kind[:20]))
    except NoRecordError as error:
        yield RefusedDocument(
            locator, outer_member, refuse("web_archive_invalid", reason=str(error))
        )
    else:
        if is_empty:
            yield RefusedDocument(
                locator, outer_member, refuse("web_archive_invalid", reason=message_text("empty"))
            )


def wacz_contents(
    locator: str,
    outer_member: str,
    stream: BinaryIO,
    detect: Detect,
    limits: Limits,
    *,
    read_as: str | None,
) -> Iterator[Found]:
    """Yield the contents of the WARC files of a WACZ; a file with a wrong digest flags its
    captures.
    """
    is_empty = True
    try:
        for part in wacz_parts(stream, limits):
            is_empty = False
            inner = f"{outer_member}#{escape_locator(part.name)}"
            yield from _part_contents(locator, inner, part, detect, limits, read_as=read_as)
    except UnsafeArchiveError as error:
        yield RefusedDocument(locator, outer_member, refuse("archive_unsafe", reason=str(error)))
        return
    if is_empty:
        reason = message_text("without_warc")
        yield RefusedDocument(locator, outer_member, refuse("web_archive_invalid", reason=reason))


def _part_contents(
    locator: str,
    inner: str,
    part: WarcMember,
    detect: Detect,
    limits: Limits,
    *,
    read_as: str | None,
) -> Iterator[Found]:
    if part.problem is not None:
        yield RefusedDocument(locator, inner, refuse("archive_unsafe", reason=part.problem))
        return
    with io.BufferedReader(part.stream) as stream:
        try:
            raw: IO[bytes] | Gunzip = stream
            if stream.peek(len(MAGIC)).startswith(MAGIC):
                raw = Gunzip(stream, warc_limits(limits), is_ratio_bounded=True)
            for found in warc_contents(locator, inner, raw, detect, limits, read_as=read_as):
                yield found if part.is_as_listed else _flag_mismatch(found)
        except UnsafeArchiveError as error:
            yield RefusedDocument(locator, inner, refuse("archive_unsafe", reason=str(error)))
        except GrownTooLargeError as error:
            yield RefusedDocument(locator, inner, refuse("too_large_decoded", limit=error.limit))


def _flag_mismatch(found: Found) -> Found:
    if not isinstance(found, Foreign) or found.capture.raw is None:
        return found
    hints = {**found.capture.hints, "flags": ["digest_mismatch"]}
    return replace(found, capture=replace(found.capture, hints=hints))
