"""Members of tar and zip files, read one after the other within limits and never unpacked to
disk.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from storage.values.messages import message_text
from worker.sources.containers.gunzip import UnsafeArchiveError
from worker.sources.containers.items import Limits

BLOCK = 512
"""The unit of a tar file, in bytes."""

MOST_HEADER_BYTES = 1024 * 1024
"""Maximum size of an extended header (a long name, pax records) of a tar member."""

MOST_DIRECTORY_BYTES = 32 * 1024 * 1024
"""Maximum size of the central directory of a zip file, which is held in memory."""

_PIECE_BYTES = 256 * 1024
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_END_OF_DIRECTORY_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64_BYTES = 20
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""Exceptions of the zip reader for damaged files."""


class DamagedMemberError(Exception):
    """One member of an archive does not match the directory; the others may be intact."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; read it before requesting the next one.

    `problem` is the reason why it must not be read. `read(limit)` returns at most `limit` bytes. It
    raises DamagedMemberError, or UnsafeArchiveError if nothing after it can be read. `skip` reads
    the rest of a member that was not read, so that a decompression bomb in an oversized member is
    reported as such.
    """

    name: str
    size: int
    problem: str | None
    read: Callable[[int], bytes]
    skip: Callable[[], None]


def tar_members(stream: BinaryIO, limits: Limits) -> Iterator[Member]:
    """Yield the files of a tar stream in order; folders are skipped.

    The module tarfile is not used: it treats a damaged header in the middle as the end, and reads
    an extended header of any declared size into memory.

    Raises: UnsafeArchiveError if the rest cannot be read: a damaged header, a missing end, too many
    entries.
    """
    extended: dict[str, str] = {}
    files = 0
    for _ in range(4 * limits.entries + 4):  # a file may have extended headers before it
        header = _tar_header(stream)
        if header is None:
            return
        name, size, kind = header
        if kind in {b"x", b"L", b"K", b"g"}:
            record = _tar_extended(stream, size)
            if kind == b"x":
                extended.update(_pax_records(record))
            elif kind == b"L":
                extended["path"] = _text(record.split(b"\0", 1)[0])
            continue
        files += 1
        if files > limits.entries:
            break
        name, size = _apply_extended(extended, name, size)
        sparse = kind == b"S" or any(key.startswith("GNU.sparse") for key in extended)
        extended = {}
        body = _TarBody(stream, size if kind not in {b"1", b"2", b"3", b"4", b"5", b"6"} else 0)
        if kind != b"5" and not (kind in {b"0", b"\0"} and name.endswith("/")):
            problem = name_problem(name) or _tar_kind_problem(kind, sparse=sparse)
            yield Member(name, size, problem, body.read, body.skip)
        body.skip()
    raise UnsafeArchiveError(message_text("many_entries", limit=limits.entries))


def zip_members(stream: BinaryIO, limits: Limits) -> Iterator[Member]:
    """Yield the files of a zip file (`stream` is seekable) in the order of its directory.

    Raises: UnsafeArchiveError if the rest cannot be read: not a zip file, too many entries, more
    bytes than allowed, a member that grows too much.
    """
    with open_zip(stream, limits) as archive:
        budget = _Budget(limits)
        for info in archive.infolist():
            name = info.filename.replace("\\", "/")
            if not name.endswith("/"):
                problem = member_problem(name, info)
                if problem is None:
                    budget.check_claim(info)
                read = _zip_reader(archive, info, budget)
                yield Member(name, info.file_size, problem, read, _skip_nothing)


def name_problem(name: str) -> str | None:
    """Return why a member's name is not safe, or None.

    >>> name_problem("../../etc/passwd")
    "the member's name leads out of the archive"
    >>> name_problem("2024/a.txt") is None
    True
    """
    if not name or "\0" in name:
        return message_text("member_name_empty")
    if name[0] in "/\\" or (name[0].isalpha() and name[1:2] == ":"):  # C:/…
        return message_text("member_name_absolute")
    if ".." in name.replace("\\", "/").split("/"):
        return message_text("member_name_outside")
    return None


def member_problem(name: str, info: zipfile.ZipInfo) -> str | None:
    """Return why a member of a zip file must not be read, or None."""
    return name_problem(name) or _zip_problem(info)


def open_zip(stream: BinaryIO, limits: Limits) -> zipfile.ZipFile:
    """Open a zip file from a seekable stream.

    Raises: UnsafeArchiveError if it is not a zip file, or has too many entries.
    """
    guard_directory(stream, limits)
    try:
        archive = zipfile.ZipFile(stream)
    except DAMAGE:
        raise UnsafeArchiveError(message_text("zip_directory_damaged")) from None
    if len(archive.infolist()) > limits.entries:
        archive.close()
        raise UnsafeArchiveError(message_text("many_entries", limit=limits.entries))
    return archive


def guard_directory(stream: BinaryIO, limits: Limits) -> None:
    """Refuse a directory that would not fit in memory before zipfile reads it."""
    end = stream.seek(0, io.SEEK_END)
    start = max(0, end - _END_OF_DIRECTORY.size - 0xFFFF)
    stream.seek(start)
    tail = stream.read(end - start)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END_OF_DIRECTORY.size:
        raise UnsafeArchiveError(message_text("no_zip"))
    fields = _END_OF_DIRECTORY.unpack_from(tail, at)
    entries, size = fields[4], fields[5]
    at_64 = start + at - _LOCATOR_64_BYTES - _END_OF_DIRECTORY_64.size
    if at_64 >= 0:
        stream.seek(at_64)
        fields = _END_OF_DIRECTORY_64.unpack(stream.read(_END_OF_DIRECTORY_64.size))
        if fields[0] == b"PK\6\6":
            entries, size = fields[7], fields[8]
    if entries > limits.entries or size > MOST_DIRECTORY_BYTES:
        raise UnsafeArchiveError(message_text("many_entries", limit=limits.entries))


class _TarBody:
    """The bytes of one tar member, then its padding."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size
        self._padding = -size % BLOCK

    def read(self, limit: int) -> bytes:
        data = _exactly(self._stream, min(limit, self._left))
        self._left -= len(data)
        return data

    def skip(self) -> None:
        left = self._left + self._padding
        self._left = self._padding = 0
        while left:
            left -= len(_exactly(self._stream, min(left, _PIECE_BYTES)))


class _Budget:
    """Remaining number of bytes that all members of a zip file together may yield."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.container

    def check_claim(self, info: zipfile.ZipInfo) -> None:
        self._check_ratio(info, info.file_size)

    def take(self, info: zipfile.ZipInfo, length: int, written: int) -> None:
        self._left -= length
        if self._left < 0:
            raise UnsafeArchiveError(
                message_text("bytes_come_out_of_it", limit=self._limits.container)
            )
        self._check_ratio(info, written)

    def _check_ratio(self, info: zipfile.ZipInfo, size: int) -> None:
        if size > self._limits.ratio_free and size > self._limits.ratio * info.compress_size:
            raise UnsafeArchiveError(message_text("member_grows", ratio=self._limits.ratio))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) == size:
        return data
    pieces = [data]
    got = len(data)
    while got < size and (data := stream.read(size - got)):
        pieces.append(data)
        got += len(data)
    if got < size:
        raise UnsafeArchiveError(message_text("end_missing"))
    return b"".join(pieces)


def _tar_header(stream: BinaryIO) -> tuple[str, int, bytes] | None:
    """Return name, size and kind of the next entry; None at the end marker."""
    block = _exactly(stream, BLOCK)
    if block.count(0) == BLOCK:
        return None
    claimed = _tar_number(block[148:156])
    plain = sum(block) - sum(block[148:156]) + 8 * 0x20
    if claimed != plain and claimed != plain - 256 * sum(
        byte > 127 for byte in block[:148] + block[156:]
    ):  # some old tar programs summed signed bytes
        raise UnsafeArchiveError(message_text("header_damaged"))
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0]
    if prefix and block[257:263] == b"ustar\0":  # GNU's "ustar " uses this field differently
        name = prefix + b"/" + name
    return _text(name), _tar_number(block[124:136]), block[156:157]


def _tar_number(digits: bytes) -> int:
    """Parse an octal field, or GNU's base 256 for larger numbers."""
    if digits[0] == 0x80:
        return int.from_bytes(digits[1:], "big")
    try:
        number = int(digits.strip(b" \0") or b"0", 8)
    except ValueError:
        number = -1
    if number < 0:
        raise UnsafeArchiveError(message_text("header_damaged"))
    return number


def _tar_extended(stream: BinaryIO, size: int) -> bytes:
    if size > MOST_HEADER_BYTES:
        raise UnsafeArchiveError(message_text("header_long"))
    body = _TarBody(stream, size)
    data = body.read(size)
    body.skip()
    return data


def _pax_records(data: bytes) -> dict[str, str]:
    """Return the records `LENGTH KEY=VALUE` of an extended header."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        digits, blank, _ = data[at : at + 20].partition(b" ")
        end = at + int(digits) if digits.isdigit() else 0
        key, equals, value = data[at + len(digits) + 1 : end - 1].partition(b"=")
        if not (blank and equals and at < end <= len(data)):
            raise UnsafeArchiveError(message_text("header_damaged"))
        records[_text(key)] = _text(value)
        at = end
    return records


def _apply_extended(extended: dict[str, str], name: str, size: int) -> tuple[str, int]:
    claimed = extended.get("size")
    if claimed is not None:
        if not (claimed.isascii() and claimed.isdigit() and len(claimed) < 20):
            raise UnsafeArchiveError(message_text("header_damaged"))
        size = int(claimed)
    return extended.get("path", name), size


def _tar_kind_problem(kind: bytes, *, sparse: bool) -> str | None:
    if kind in {b"1", b"2"}:
        return message_text("member_link")
    if kind in {b"3", b"4", b"6"}:
        return message_text("member_device")
    if sparse or kind not in {b"0", b"\0", b"7"}:
        return message_text("member_kind")
    return None


def _zip_problem(info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return message_text("member_link")
    if kind not in {0, stat.S_IFREG}:
        return message_text("member_device")
    if info.flag_bits & _ENCRYPTED:
        return message_text("member_encrypted")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return message_text("member_method")
    return None


def _zip_reader(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget
) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        pieces = []
        left = limit
        try:
            with archive.open(info) as packed:
                while left and (data := packed.read(min(left, _PIECE_BYTES))):
                    pieces.append(data)
                    left -= len(data)
                    budget.take(info, len(data), limit - left)
        except DAMAGE:
            raise DamagedMemberError from None
        if left and limit - left != info.file_size:
            raise DamagedMemberError
        return b"".join(pieces)

    return read


def _skip_nothing() -> None:
    """Skip a zip member: the directory contains its position."""


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
