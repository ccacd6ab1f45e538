"""Contents of web archives: captures by other programs from WARC and ARC files and WACZ."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, BinaryIO

from storage.values.locator import escape_locator
from storage.values.messages import message_text
from storage.values.refusals import refuse
from worker.address import may_be_front
from worker.sources.containers.gunzip import MAGIC, GrownTooLargeError, Gunzip, UnsafeArchiveError
from worker.sources.containers.items import Detect, Foreign, Limits, PassedOver, RefusedDocument
from worker.sources.web_archives.capture import interpret_exchange
from worker.sources.web_archives.record_group import RecordGroup, exchanges, target
from worker.sources.web_archives.wacz import WarcMember, wacz_parts
from worker.sources.web_archives.warc import (
    MOST_HEAD_BYTES,
    DamagedRecord,
    NoRecordError,
    web_records,
)

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
    as_front: bool,
) -> Iterator[Found]:
    """Yield the contents of a WARC or ARC file; `outer_member` is its member in the file or empty.

    `stream` is decompressed; with `as_front` its pages are read as front pages, and those at the
    addresses of articles are skipped. Raises: errors of the stream other than damage.
    """
    is_empty = True
    try:
        for each in exchanges(web_records(stream, limits.document + MOST_HEAD_BYTES)):
            is_empty = False
            match each:
                case RecordGroup() if as_front and not may_be_front(target(each.main) or ""):
                    yield PassedOver(message_text("address_of_article"))
                case RecordGroup():
                    yield interpret_exchange(
                        each, locator, outer_member, detect, limits.document, as_front=as_front
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
            locator, outer_member, refuse("web_archive_invalid", reason=error.reason)
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
    as_front: bool,
) -> Iterator[Found]:
    """Yield the contents of the WARC files of a WACZ; a file with a wrong digest flags its
    captures.
    """
    is_empty = True
    try:
        for part in wacz_parts(stream, limits):
            is_empty = False
            inner = f"{outer_member}#{escape_locator(part.name)}"
            yield from _part_contents(locator, inner, part, detect, limits, as_front=as_front)
    except UnsafeArchiveError as error:
        yield RefusedDocument(locator, outer_member, refuse("archive_unsafe", reason=error.reason))
        return
    if is_empty:
        reason = message_text("without_warc")
        yield RefusedDocument(locator, outer_member, refuse("web_archive_invalid", reason=reason))


def _part_contents(
    locator: str, inner: str, part: WarcMember, detect: Detect, limits: Limits, *, as_front: bool
) -> Iterator[Found]:
    if part.problem is not None:
        yield RefusedDocument(locator, inner, refuse("archive_unsafe", reason=part.problem))
        return
    with io.BufferedReader(part.stream) as stream:
        try:
            raw: IO[bytes] | Gunzip = stream
            if stream.peek(len(MAGIC)).startswith(MAGIC):
                raw = Gunzip(stream, warc_limits(limits), is_ratio_bounded=True)
            for found in warc_contents(locator, inner, raw, detect, limits, as_front=as_front):
                yield found if part.is_as_listed else _flag_mismatch(found)
        except UnsafeArchiveError as error:
            yield RefusedDocument(locator, inner, refuse("archive_unsafe", reason=error.reason))
        except GrownTooLargeError as error:
            yield RefusedDocument(locator, inner, refuse("too_large_decoded", limit=error.limit))


def _flag_mismatch(found: Found) -> Found:
    if not isinstance(found, Foreign) or found.capture.raw is None:
        return found
    hints = {**found.capture.hints, "flags": ["digest_mismatch"]}
    return replace(found, capture=replace(found.capture, hints=hints))
