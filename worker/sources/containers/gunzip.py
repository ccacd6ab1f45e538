"""Gzip as a bounded stream: the output is counted, and damage is reported, not skipped."""

import io
import zlib
from typing import BinaryIO

from storage.values.messages import message_text
from worker.sources.containers.items import Limits

MAGIC = b"\x1f\x8b"

_PART_START = MAGIC + b"\x08"
_CHUNK_BYTES = 16 * 1024
_MOST_RESUMED = 1_000


class UnsafeArchiveError(Exception):
    """Packed data cannot be unpacked safely or completely; the message completes the refusal."""


class DamagedDataError(UnsafeArchiveError):
    """A part of a packed stream cannot be unpacked; the data after it may be intact."""


class GrownTooLargeError(Exception):
    """A packed stream decompresses to more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(message_text("bytes_come_out", limit=limit))
        self.limit = limit


class Gunzip(io.RawIOBase):
    """A raw stream of the decompressed content of a gzip stream; several members are concatenated.

    Reads raise GrownTooLargeError beyond `limits.container`. They raise UnsafeArchiveError if the
    stream is damaged, truncated, followed by other bytes, or, with `is_ratio_bounded`, grows beyond
    `limits.ratio`. Zeros after the end are padding, as tapes and some tools write it. The content
    before the damage is returned first; `resume` continues after it.
    """

    def __init__(self, packed: BinaryIO, limits: Limits, *, is_ratio_bounded: bool) -> None:
        super().__init__()
        self._packed = packed
        self._limits = limits
        self._ratio = limits.ratio if is_ratio_bounded else 0
        self._pending = b""
        self._taken = 0
        self._written = 0
        self._parts = 0
        self._resumed = 0
        self._inflater: zlib._Decompress | None = None
        self._raised: UnsafeArchiveError | GrownTooLargeError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        if self._raised is not None:
            raise self._raised
        view = memoryview(buffer)
        filled = 0
        try:
            while filled < len(view) and (data := self._inflate(len(view) - filled)):
                view[filled : filled + len(data)] = data
                filled += len(data)
        except (UnsafeArchiveError, GrownTooLargeError) as error:
            self._raised = error
            if not filled:
                raise
        return filled

    def resume(self) -> bool:
        """Continue at the next part after the damage that was raised; False if there is none."""
        if not isinstance(self._raised, DamagedDataError) or self._resumed == _MOST_RESUMED:
            return False
        self._resumed += 1
        self._inflater = None
        self._pending = self._pending[1:]
        while (start := self._pending.find(_PART_START)) < 0:
            self._pending = self._pending[1 - len(_PART_START) :]
            if not self._fetch():
                return False
        self._pending = self._pending[start:]
        self._raised = None
        return True

    def _inflate(self, most: int) -> bytes:
        while True:
            if self._inflater is None:
                if not self._starts_part():
                    return b""
                self._inflater = zlib.decompressobj(wbits=31)
            try:
                data = self._inflater.decompress(self._pending, most)
            except zlib.error:
                raise DamagedDataError(message_text("gzip_damaged")) from None
            self._pending = self._inflater.unconsumed_tail
            if self._inflater.eof:
                self._pending = self._inflater.unused_data
                self._inflater = None
            if data:
                self._count(len(data))
                return data
            if self._inflater is not None and not self._pending and not self._fetch():
                raise DamagedDataError(message_text("gzip_end"))

    def _starts_part(self) -> bool:
        if self._parts:
            self._pending = self._pending.lstrip(b"\0")
            while not self._pending and self._fetch():
                self._pending = self._pending.lstrip(b"\0")
            if not self._pending:
                return False
        while len(self._pending) < len(MAGIC) and self._fetch():
            pass
        if not self._pending.startswith(MAGIC):
            raise DamagedDataError(
                message_text("gzip_followed") if self._parts else message_text("no_gzip")
            )
        self._parts += 1
        if self._parts > self._limits.parts:
            raise UnsafeArchiveError(message_text("gzip_parts", limit=self._limits.parts))
        return True

    def _fetch(self) -> bool:
        data = self._packed.read(_CHUNK_BYTES)
        self._pending += data
        self._taken += len(data)
        return bool(data)

    def _count(self, length: int) -> None:
        self._written += length
        if self._written > self._limits.container:
            raise GrownTooLargeError(self._limits.container)
        if not self._ratio or self._written <= self._limits.ratio_free:
            return
        if self._written > self._ratio * self._taken:
            raise UnsafeArchiveError(message_text("grows", ratio=self._ratio))
