"""Contents of a file: one document, the records of a list, or the members of an archive."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, cast

from storage.capabilities import PAGE_KINDS, find_page_kind
from storage.values.arrivals.formats import (
    BINARY_TYPES,
    CONTAINERS,
    DOCUMENT_TYPES,
    FORMATS,
    ITEM_TYPES,
    TYPE_BY_SUFFIX,
    TYPES,
    types_that_hold,
)
from storage.values.arrivals.mail_bounds import mail_excess
from storage.values.lazy import LazyModule
from storage.values.locator import escape_locator, without_gz
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.sources.containers.gunzip import MAGIC, GrownTooLargeError, Gunzip, UnsafeArchiveError
from worker.sources.containers.items import (
    HEAD_BYTES,
    Detect,
    Foreign,
    Item,
    Limits,
    PassedOver,
    RefusedDocument,
)
from worker.sources.containers.json_records import (
    BadRecord,
    Record,
    is_json_lines,
    is_json_list,
    json_lines,
    json_list,
)
from worker.sources.containers.table_rows import table_rows
from worker.sources.containers.tar_zip import DamagedMemberError, Member, tar_members, zip_members
from worker.sources.folders.folder import is_ignored

if TYPE_CHECKING:
    from worker.sources.web_archives import contents as web_archives
else:
    web_archives = LazyModule("worker.sources.web_archives.contents")

MOST_BAD_RECORDS = 2_000
"""Maximum number of bad records of a file that are reported and stored; the rest is not read."""

LISTS: tuple[str, ...] = ("feed", "sitemap", "opml", "list")
"""Documents that are lists of addresses: the listed addresses are checked; the list is no
article.
"""

_WEB_ARCHIVES = types_that_hold("captures")
_ARCHIVES = types_that_hold("members")
_STREAMED = types_that_hold("records") | _ARCHIVES | _WEB_ARCHIVES
_MAILS = types_that_hold("attachments")
_PARTS = {each.type: re.compile(each.parts, re.DOTALL) for each in FORMATS if each.parts}
_TEXT_KEYS = {each.type: each.text_key for each in FORMATS if each.text_key}
_SEEKING = frozenset({"zip", "wacz"})
_NO_TEXT = frozenset({"not_text", "binary"})
_NEUTRAL_NAME = "head.txt"
_BUFFER_BYTES = 64 * 1024
_NOT_READ = {
    ".bz2": message_text("bzip2_packed"),
    ".xz": message_text("xz_packed"),
    ".zst": message_text("zstd_packed"),
    ".br": message_text("brotli_packed"),
    ".7z": "a 7z archive",
    ".rar": message_text("rar_file"),
}


Splitter = Callable[[str, bytes], Sequence[tuple[str, bytes]] | RefusalReason]
"""Returns name and bytes of each text in a document of a type, none if it has only one."""

Content = Item | Foreign | RefusedDocument | PassedOver
"""The kinds of values that a file can contain."""


@dataclass(frozen=True, slots=True)
class MemberHints:
    """How types are detected: the sniffer of the text core, the limits, and `--type`.

    `type` is one of TYPES; it applies to documents, while archives are detected by name. With a
    kind of pages of a capability only web archives are read, their pages as such.
    `is_text_column` checks whether a column of a table can contain the text of an article; without
    it every table is accepted. Without `split` no document is split.
    """

    detect: Detect
    is_text_column: Callable[[str], bool] | None = None
    limits: Limits = field(default_factory=Limits)
    type: str | None = None
    split: Splitter | None = None


def kind_by_name(name: str) -> str | None:
    """Return the kind of a file that may contain many documents, by its name.

    >>> kind_by_name("2024.JSONL.gz"), kind_by_name("a.txt")
    ('jsonl', None)
    """
    return CONTAINERS.get(_suffix(name))


def may_have_captures(name: str) -> bool:
    """Check whether a file may have captures of another crawler, by its name.

    >>> may_have_captures("crawl.arc.gz"), may_have_captures("a.html.gz")
    (True, False)
    """
    return kind_by_name(name) in _WEB_ARCHIVES | _ARCHIVES


def limit_whole(name: str, hints: MemberHints) -> int:
    """Return the maximum size of a file of this name that is held in memory."""
    return hints.limits.list if _kind(name, hints) == "json" else hints.limits.document


def limit_streamed(name: str, hints: MemberHints) -> int | None:
    """Return the maximum size of a file of this name that is streamed; None if it is not."""
    kind = _kind(name, hints)
    if kind in _WEB_ARCHIVES:
        return hints.limits.web_archive
    return hints.limits.container if kind in _STREAMED else None


def members_of(locator: str, stream: BinaryIO, hints: MemberHints) -> Iterator[Content]:
    """Yield the contents of the file `locator` (escaped), detected by its name and bytes.

    `stream` is at its beginning; for a zip file it must be seekable. Errors of the stream itself
    (OSError, FileChangedError) are passed on.
    """
    yield from _contents(_Position(locator, "", locator), _peekable(stream), hints)


def members_of_bytes(locator: str, raw: bytes, hints: MemberHints) -> Iterator[Content]:
    """Yield the contents of the file `locator` (escaped), whose bytes are `raw`."""
    stream = io.BufferedReader(
        cast("io.RawIOBase", io.BytesIO(raw)), min(len(raw) + 1, _BUFFER_BYTES)
    )
    return members_of(locator, stream, hints)


def members_of_input(stream: BinaryIO, hints: MemberHints) -> Iterator[Content]:
    """Yield the contents of standard input; its locator is `-`, and its type is required."""
    if hints.type in _SEEKING:  # their directory is at the end
        limit = hints.limits.list
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            yield RefusedDocument("-", "", refuse("too_large", limit=limit))
            return
        stream = io.BytesIO(raw)
    yield from members_of("-", stream, hints)


@dataclass(frozen=True, slots=True)
class _Position:
    """The current position: the file, the member in it, and the name that determines the kind."""

    locator: str
    member: str
    name: str
    inside: bool = False
    flags: tuple[str, ...] = ()

    def reject(self, reason: RefusalReason, raw: bytes | None = None) -> RefusedDocument:
        return RefusedDocument(self.locator, self.member, reason, raw)

    def reject_unsafe(self, reason: str, raw: bytes | None = None) -> RefusedDocument:
        return self.reject(refuse("archive_unsafe", reason=reason), raw)


class _Names:
    """The unique suffixes that identify the parts of one file."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._times: dict[str, int] = {}

    def claim(self, *wishes: str) -> tuple[str, bool]:
        """Return the first free suffix, and whether it differs from the preferred one.

        >>> names = _Names()
        >>> names.claim("#a", "#1"), names.claim("#a", "#2"), names.claim("#2")
        (('#a', False), ('#2', True), ('#2~2', True))
        """
        name = next((wish for wish in wishes if wish not in self._used), None)
        while name is None:
            last = wishes[-1]
            self._times[last] = self._times.get(last, 1) + 1
            name = f"{last}~{self._times[last]}"
            if name in self._used:
                name = None
        self._used.add(name)
        return name, name != wishes[0]

    def suffix_for_bad_line(self, wish: str) -> str:
        """Return `wish`, with a marker if it is used, without reserving it."""
        return f"{wish}~line" if wish in self._used else wish


def _peekable(stream: BinaryIO | io.RawIOBase) -> io.BufferedReader:
    if isinstance(stream, io.BufferedReader):
        return stream
    return io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER_BYTES)


def _kind(name: str, hints: MemberHints) -> str | None:
    named = kind_by_name(name)
    return named if named in _ARCHIVES | _WEB_ARCHIVES else hints.type or named


def _suffix(name: str) -> str:
    """Return the suffix in lower case, ignoring `.gz`, or an empty text.

    >>> _suffix("a.b/2024.CSV.gz"), _suffix("a.b/c")
    ('.csv', '')
    """
    suffix = without_gz(name).rpartition(".")[2].lower()
    return "" if "/" in suffix else f".{suffix}"


def _contents(
    position: _Position, stream: io.BufferedReader, hints: MemberHints
) -> Iterator[Content]:
    """Decompress gzip, then yield the contents."""
    if _kind(position.name, hints) in PAGE_KINDS:
        yield PassedOver(message_text("no_web_archive"))
        return
    words = _NOT_READ.get(_suffix(position.name))
    if words is not None:
        yield position.reject(refuse("type_unknown", detected=words))
        return
    if not _is_gzipped(position, stream, hints):
        yield from _plain_contents(position, stream, hints, "too_large")
        return
    inner = replace(position, name=without_gz(position.name))
    if without_gz(inner.name) != inner.name or kind_by_name(inner.name) in _SEEKING:
        yield position.reject_unsafe(message_text("packed_twice"))
        return
    kind = _kind(inner.name, hints)
    limits = web_archives.warc_limits(hints.limits) if kind == "warc" else hints.limits
    if position.inside:  # otherwise each member could yield as much as a container
        limits = replace(limits, container=limits.list)
    is_streamed = kind in _STREAMED  # a document has its limit in bytes
    unpacked = Gunzip(stream, limits, is_ratio_bounded=is_streamed)
    try:
        if kind == "warc":
            yield from _warc_contents(inner, unpacked, hints)
        else:
            yield from _plain_contents(inner, _peekable(unpacked), hints, "too_large_decoded")
    except UnsafeArchiveError as error:
        yield position.reject_unsafe(str(error))
    except GrownTooLargeError as error:
        yield position.reject(refuse("too_large_decoded", limit=error.limit))


def _is_gzipped(position: _Position, stream: io.BufferedReader, hints: MemberHints) -> bool:
    if position.name.lower().endswith((".gz", ".tgz")):
        return True
    may_be = position.locator == "-" or _kind(position.name, hints) in _STREAMED
    return may_be and stream.peek(2)[:2] == MAGIC


def _plain_contents(
    position: _Position, stream: io.BufferedReader, hints: MemberHints, too_large: str
) -> Iterator[Content]:
    """Yield the contents of bytes that are not gzipped; `too_large` is the code for a document."""
    kind = _kind(position.name, hints)
    if kind in _ARCHIVES or kind == "wacz":
        yield from _archive_contents(position, kind, stream, hints)
    elif kind == "warc":
        yield from _warc_contents(position, stream, hints)
    elif kind in _STREAMED:
        yield from _record_contents(position, kind, stream, hints)
    else:
        limit = limit_whole(position.name, hints)
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            yield position.reject(refuse(too_large, limit=limit))
        else:
            yield from _document_contents(position, kind, raw, hints)


def _warc_contents(
    position: _Position, stream: io.BufferedReader | Gunzip, hints: MemberHints
) -> Iterator[Content]:
    yield from web_archives.warc_contents(
        position.locator, position.member, stream, hints.detect, hints.limits,
        read_as=find_page_kind(hints.type),
    )  # fmt: skip


def _document_contents(
    position: _Position, kind: str | None, raw: bytes, hints: MemberHints
) -> Iterator[Content]:
    """Yield one document, or the records of a JSON list; the sniffer decides."""
    sniffed = hints.detect(position.name if kind is None else _NEUTRAL_NAME, raw[:HEAD_BYTES])
    if isinstance(sniffed, RefusalReason) and (kind is None or _is_no_text(sniffed, kind)):
        yield position.reject(sniffed, raw)
        return
    is_item = sniffed in ITEM_TYPES and kind == "json" and hints.type is None
    kind = str(sniffed) if kind is None or is_item or sniffed in BINARY_TYPES else kind
    if kind in _STREAMED:
        yield from _record_contents(position, kind, _peekable(io.BytesIO(raw)), hints)
    elif kind in {"json", *ITEM_TYPES} and is_json_list(raw):
        for item in _items(position, json_list(raw, hints.limits.document), kind, hints):
            if isinstance(item, Item):
                yield from _split_contents(item, hints)
            else:
                yield item
    elif kind == "json" and is_json_lines(raw):
        records = json_lines(io.BytesIO(raw), hints.limits.document)
        yield from _items(position, records, "json", hints)
    elif len(raw) > hints.limits.document:
        yield position.reject(refuse("too_large", limit=hints.limits.document))
    elif kind in TYPES or kind in LISTS:
        item = Item(position.locator, position.member, raw, kind, flags=position.flags)
        yield from _split_contents(item, hints)
    else:
        yield position.reject(refuse("type_unknown", detected=kind), raw)


def _is_no_text(reason: RefusalReason, kind: str) -> bool:
    return reason.code in _NO_TEXT and kind not in BINARY_TYPES


def _split_contents(item: Item, hints: MemberHints) -> Iterator[Content]:
    """Yield each text of a document as a member, or the document if it has one text.

    A mail is the member `#mail`, and its attachments of known document types are members.
    """
    kind = item.type
    parts: Sequence[tuple[str, bytes]] | RefusalReason = ()
    if hints.split is not None and may_have_parts(kind, item.raw):
        parts = hints.split(kind, item.raw)
    if isinstance(parts, RefusalReason):
        yield RefusedDocument(item.locator, item.member, parts, item.raw)
        return
    names = _Names()
    if kind in _MAILS:
        yield replace(item, member=names.claim(f"{item.member}#mail")[0])
    elif not parts:
        yield item
    for number, (name, content) in enumerate(parts, 1):
        if number > hints.limits.rows:
            reason = refuse("too_many_rows", limit=hints.limits.rows, line=number)
            yield RefusedDocument(item.locator, item.member, reason)
            return
        if kind in _MAILS and TYPE_BY_SUFFIX.get(_suffix(name)) not in DOCUMENT_TYPES:
            yield PassedOver(message_text("other_attachment"))
            continue
        wish = without_gz(escape_locator(name)) if kind in _MAILS else escape_locator(name)
        member, is_taken = names.claim(f"{item.member}#{wish or number}")
        flags = (*item.flags, "key_repeated") if is_taken else item.flags
        if kind not in _MAILS:
            yield replace(item, member=member, raw=content, flags=flags, has_text=True)
            continue
        inner = _Position(item.locator, member, escape_locator(name), inside=True, flags=flags)
        yield from _contents(inner, _peekable(io.BytesIO(content)), replace(hints, type=None))


def _record_contents(
    position: _Position, kind: str, stream: io.BufferedReader, hints: MemberHints
) -> Iterator[Content]:
    """Yield the records of JSON lines or of a table."""
    sniffed = hints.detect(_NEUTRAL_NAME, stream.peek(HEAD_BYTES)[:HEAD_BYTES])
    if sniffed in BINARY_TYPES:
        sniffed = refuse("not_text", detected=message_text("typed_document", type=sniffed))
    if isinstance(sniffed, RefusalReason) and _is_no_text(sniffed, kind):
        yield position.reject(sniffed)
        return
    limit = hints.limits.document
    if kind == "jsonl":
        records, kind = json_lines(stream, limit), "json"
    else:
        delimiter = "\t" if kind == "tsv" else None
        records, kind = table_rows(stream, limit, delimiter, hints.is_text_column), "csv"
    for item in _items(position, records, kind, hints):
        if (
            isinstance(item, RefusedDocument)
            and item.member == position.member
            and item.raw is None
        ):
            yield replace(item, raw=_read_back(stream, limit))
        else:
            yield item


def _items(
    position: _Position, records: Iterator[Record | BadRecord], kind: str, hints: MemberHints
) -> Iterator[Content]:
    """Identify each record by its key, or by its line if it has no key or the key is used.

    If keys are numbers, a line number is marked as such. Otherwise the line of a bad record would
    use the key of a good one, and that one the key of the next.
    """
    names = _Names()
    names_numbers = False
    is_empty = True
    bad = 0
    line = 0
    for number, record in enumerate(records):
        if number >= hints.limits.rows:
            yield position.reject(refuse("too_many_rows", limit=hints.limits.rows, line=line))
            return
        is_empty, line = False, record.line
        bad += isinstance(record, BadRecord)
        if bad > MOST_BAD_RECORDS:
            yield position.reject(_too_many_bad(record.line))
            return
        if isinstance(record, BadRecord) and record.is_file:
            yield position.reject(record.refused, record.raw)
            continue
        names_numbers = names_numbers or (record.key or "").isdigit()
        by_line = f"{position.member}#{record.line}" + ("~line" if names_numbers else "")
        wishes = [by_line]
        if record.key is not None:
            wishes.insert(0, f"{position.member}#{escape_locator(record.key)}")
        if isinstance(record, BadRecord):
            member = names.claim(*wishes)[0] if record.key else names.suffix_for_bad_line(by_line)
            yield RefusedDocument(position.locator, member, record.refused, record.raw, record.line)
            continue
        member, is_taken = names.claim(*wishes)
        flags = position.flags + record.flags + (("key_repeated",) if is_taken else ())
        charset = "utf-8" if kind == "csv" else None
        has_text = hints.is_text_column is None or any(map(hints.is_text_column, record.names))
        if key := _TEXT_KEYS.get(kind):
            has_text = any(each.lower().startswith(key) for each in record.names)
        yield Item(
            position.locator, member, record.raw, kind, charset, record.line, flags, has_text
        )
    if is_empty:
        yield position.reject(refuse("empty"))


def _too_many_bad(line: int) -> RefusalReason:
    reason = message_text("bad_records", limit=MOST_BAD_RECORDS)
    return refuse("record_invalid", line=line, reason=reason)


def _read_back(stream: io.BufferedReader, limit: int) -> bytes | None:
    """Return all bytes of a refused file from its beginning; None if they are too many."""
    if not stream.seekable():
        return None
    stream.seek(0)
    raw = stream.read(limit + 1)
    return raw if len(raw) <= limit else None


def _archive_contents(
    position: _Position, kind: str | None, stream: io.BufferedReader, hints: MemberHints
) -> Iterator[Content]:
    """Yield the contents of the members; an unsafe member is refused alone, a bomb ends the
    archive.
    """
    if position.inside:
        yield position.reject_unsafe(message_text("member_archive"))
        return
    if kind == "wacz":
        yield from web_archives.wacz_contents(
            position.locator, position.member, stream, hints.detect, hints.limits,
            read_as=find_page_kind(hints.type),
        )  # fmt: skip
        return
    names = _Names()
    members = tar_members if kind == "tar" else zip_members
    try:
        for member in members(stream, hints.limits):
            yield from _member_contents(position, member, names, hints)
    except UnsafeArchiveError as error:
        yield position.reject_unsafe(str(error))
    except GrownTooLargeError as error:
        yield position.reject_unsafe(message_text("bytes_come_out_of_it", limit=error.limit))


def _member_contents(
    position: _Position, member: Member, names: _Names, hints: MemberHints
) -> Iterator[Content]:
    if member.problem is not None:
        unsafe = replace(position, member="#" + escape_locator(member.name))
        yield unsafe.reject_unsafe(member.problem)
        return
    parts = [part for part in member.name.split("/") if part not in {"", "."}]
    if not parts or is_ignored(parts[-1]) or any(part[0] == "." for part in parts):
        return
    path = "/".join(parts)
    name, is_taken = names.claim("#" + without_gz(escape_locator(path)))
    flags = ("key_repeated",) if is_taken else ()
    inner = _Position(position.locator, name, escape_locator(path), inside=True, flags=flags)
    is_list = limit_streamed(path, hints) is not None
    limit = hints.limits.list if is_list else limit_whole(path, hints)
    if member.size > limit:
        member.skip()
        yield inner.reject(refuse("too_large", limit=limit))
        return
    try:
        raw = member.read(limit + 1)
    except DamagedMemberError:
        yield inner.reject_unsafe(message_text("member_damaged"))
        return
    yield from _contents(inner, _peekable(io.BytesIO(raw)), hints)


def may_have_parts(kind: str, raw: bytes) -> bool:
    r"""Check whether a document is to be split in the child process; most are not.

    >>> may_have_parts("eml", b"Subject: A\r\n\r\nText."), may_have_parts("eml", b"filename=a.txt")
    (False, True)
    """
    pattern = _PARTS.get(kind)
    is_matched = pattern is not None and pattern.search(raw) is not None
    return is_matched or (kind in _MAILS and mail_excess(raw) is not None)
