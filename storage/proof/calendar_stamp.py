"""PURE: stamps of OpenTimestamps calendars on checkpoints, as files for other programs.

A stamp is a chain of operations from the digest of a checkpoint to an attestation: first a promise
of the calendar, later the header of a Bitcoin block. The root in that header cannot be checked
offline, so a complete stamp is reported without a check against the block chain.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from storage.proof.stamp import StampError

MAGIC = b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
VERSION = 1
PENDING, BITCOIN = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")
SHA256, APPEND, FORK = 0x08, 0xF0, 0xFF
NONCE_SIZE = 16
DEEPEST, LONGEST = 256, 4096


@dataclass(frozen=True, slots=True)
class Attestation:
    """The end of a chain: a promise (`uri`), a Bitcoin block (`height`), or neither.

    `message` is the attested message; the item is at `begin` to `end`.
    """

    message: bytes
    begin: int
    end: int
    is_last: bool
    uri: str | None = None
    height: int | None = None


def is_calendar_stamp(stamp: bytes) -> bool:
    """Check whether a stamp comes from a calendar and not from a time-stamping authority."""
    return stamp.startswith(MAGIC)


def calendar_request(note: str, nonce: bytes) -> bytes:
    """Return the request to a calendar: a digest that does not reveal the checkpoint."""
    return hashlib.sha256(hashlib.sha256(note.encode()).digest() + nonce).digest()


def first_stamp(note: str, nonce: bytes, answer: bytes) -> bytes:
    """Return the stamp on a checkpoint from the answer of a calendar. Raises: StampError."""
    head = MAGIC + bytes([VERSION, SHA256]) + hashlib.sha256(note.encode()).digest()
    stamp = head + bytes([APPEND, len(nonce)]) + nonce + bytes([SHA256]) + answer
    attestations(stamp, note)
    return stamp


def attestations(stamp: bytes, note: str) -> list[Attestation]:
    """Return the attestations of a stamp.

    Raises: StampError, also if it belongs to another checkpoint.
    """
    reader = _StampReader(stamp)
    if reader.take(len(MAGIC)) != MAGIC or reader.number() != VERSION:
        raise StampError("it is no stamp of a calendar")
    digest = hashlib.sha256(note.encode()).digest()
    if reader.take(1) != bytes([SHA256]) or reader.take(32) != digest:
        raise StampError("it is a stamp on something else")
    found = list(_walk(reader, digest, 0))
    if reader.at != len(stamp):
        raise StampError("something stands after its end")
    return found


def pending_promise(stamp: bytes, note: str) -> Attestation | None:
    """Return the pending promise, None for a complete stamp.

    Raises: StampError.
    """
    found = attestations(stamp, note)
    if any(each.height is not None for each in found):
        return None
    return next((each for each in found if each.uri is not None and each.is_last), None)


def complete_stamp(stamp: bytes, note: str, answer: bytes) -> bytes:
    """Return a stamp completed with the answer to its promise. Raises: StampError."""
    promise = pending_promise(stamp, note)
    if promise is None:
        raise StampError("it promises nothing")
    whole = stamp[: promise.begin] + answer + stamp[promise.end :]
    attestations(whole, note)
    return whole


class _StampReader:
    """Reads the parts of a stamp, never beyond its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) != size:
            raise StampError("it is cut off")
        self.at += size
        return found

    def number(self) -> int:
        """Return a number of seven bits per byte, lowest first."""
        found = 0
        for place in range(0, 63, 7):
            (byte,) = self.take(1)
            found |= (byte & 0x7F) << place
            if byte < 0x80:
                return found
        raise StampError("a number in it is too large")

    def text(self) -> bytes:
        size = self.number()
        if size > LONGEST:
            raise StampError("a part of it is too long")
        return self.take(size)


def _walk(reader: _StampReader, message: bytes, depth: int) -> Iterator[Attestation]:
    """Yield the ends of all chains that begin with a message."""
    if depth > DEEPEST:
        raise StampError("it is too deep")
    is_last = False
    while not is_last:
        begin = reader.at
        (kind,) = reader.take(1)
        is_last = kind != FORK
        if not is_last:
            (kind,) = reader.take(1)
        if kind == 0:
            yield _end(reader, message, begin, is_last=is_last)
        else:
            yield from _walk(reader, _apply_operation(reader, kind, message), depth + 1)


def _end(reader: _StampReader, message: bytes, begin: int, *, is_last: bool) -> Attestation:
    kind, held = reader.take(8), _StampReader(reader.text())
    uri, height = None, None
    if kind == PENDING:
        uri = held.text().decode("ascii", "replace")
    elif kind == BITCOIN:
        height = held.number()
    return Attestation(message, begin, reader.at, is_last, uri, height)


def _apply_operation(reader: _StampReader, kind: int, message: bytes) -> bytes:
    """Return the result of an operation on a message."""
    match kind:
        case 0x08:
            found = hashlib.sha256(message).digest()
        case 0x02:
            found = hashlib.sha1(message, usedforsecurity=False).digest()
        case 0xF0:
            found = message + reader.text()
        case 0xF1:
            found = reader.text() + message
        case _:
            raise StampError(f"it has an operation that is not known: {kind:#04x}")
    if len(found) > LONGEST:
        raise StampError("a part of it is too long")
    return found
