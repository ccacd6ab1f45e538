"""Unpack containers: the byte strings in files of known formats, within bounds."""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from io import BytesIO

import zstandard
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from storage.values.arrivals.mail_bounds import mail_excess

MOST_BYTES = 64 * 1024 * 1024
"""Maximum number of bytes that are unpacked from one capture."""
MOST_PARTS = 20_000
MOST_CHARACTERS = 16
"""Maximum number of characters that are read for a byte, in addition to `MOST_BYTES`."""


class Budget:
    """The rest that may be unpacked and read of one capture."""

    def __init__(self, size: int) -> None:
        self._bytes = MOST_BYTES
        self._parts = MOST_PARTS
        self._characters = MOST_BYTES + MOST_CHARACTERS * size

    def take(self, data: bytes) -> bytes:
        """Count an unpacked part. Raises: ValueError if there are too many or too large ones."""
        self._parts -= 1
        self._bytes -= len(data)
        if self._parts < 0:
            raise ValueError(f"it has more than {MOST_PARTS:,} parts")
        if self._bytes < 0:
            raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
        return data

    def read(self, text: str) -> str:
        """Count a decoded text. Raises: ValueError if there are too many or too long ones."""
        self._characters -= len(text)
        if self._characters < 0:
            raise ValueError("it is written in more codes than are undone")
        return text

    @property
    def room(self) -> int:
        """The number of bytes that may still be unpacked, and one more that shows the excess."""
        return max(self._bytes, 0) + 1


_MAIL_START = re.compile(rb"(?:From [^\n]*\n)?(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\n]*\n[ \t]?)++")
_MAIL_FIELD = re.compile(
    rb"^(?:mime-version|content-type|subject|from|message-id):", re.IGNORECASE | re.MULTILINE
)
_ZLIB_STARTS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
DAMAGE = (
    ArchiveLoadFailed, EOFError, LookupError, NotImplementedError, OSError, RuntimeError,
    TypeError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error, zstandard.ZstdError,
)  # fmt: skip
"""Errors of the unpacking libraries for damaged or encrypted bytes."""


Unpacker = Callable[[Budget, bytes], Iterator[bytes]]


def unpackers(part: bytes) -> Iterator[Unpacker]:
    """Yield what unpacks the container that bytes are; nothing if they are none."""
    if part.startswith(b"\x1f\x8b"):
        yield _from_gzip
    elif part.startswith(_ZLIB_STARTS):
        yield _from_zlib
    elif part.startswith(b"\x28\xb5\x2f\xfd"):
        yield _from_zstd
    elif zipfile.is_zipfile(BytesIO(part)):
        yield _from_zip
    elif part[257:262] == b"ustar":
        yield _from_tar
    elif part.startswith((b"WARC/", b"filedesc:")):
        yield _from_warc
    elif part.startswith(b"%PDF"):
        yield _from_pdf
    else:
        head = _MAIL_START.match(part[:8192])
        if head is not None and _MAIL_FIELD.search(head[0]):
            yield _from_mail


def _from_gzip(budget: Budget, part: bytes) -> Iterator[bytes]:
    yield from _inflate(budget, part, 31)


def _from_zlib(budget: Budget, part: bytes) -> Iterator[bytes]:
    try:
        yield from _inflate(budget, part, 15)
    except zlib.error:
        return  # two bytes are too few to know a container by


def _inflate(budget: Budget, part: bytes, window: int) -> Iterator[bytes]:
    """Yield the content of all members together, as one file may be packed in several."""
    found, rest = bytearray(), part
    while rest:
        inflater = zlib.decompressobj(window)
        found += inflater.decompress(rest, max(budget.room - len(found), 1))
        if inflater.unconsumed_tail or not inflater.eof:
            break
        rest = inflater.unused_data.lstrip(b"\0")
        if window == 15 or not rest.startswith(b"\x1f\x8b"):
            break
    yield budget.take(bytes(found))


def _from_zstd(budget: Budget, part: bytes) -> Iterator[bytes]:
    with zstandard.ZstdDecompressor().stream_reader(part, read_across_frames=True) as stream:
        yield budget.take(stream.read(budget.room))


def _from_zip(budget: Budget, part: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(BytesIO(part)) as packed:
        for each in packed.infolist():
            with packed.open(each) as member:
                yield budget.take(member.read(budget.room))


def _from_tar(budget: Budget, part: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=BytesIO(part)) as packed:
        for each in packed:
            if (member := packed.extractfile(each)) is not None:
                yield budget.take(member.read(budget.room))


def _from_warc(budget: Budget, part: bytes) -> Iterator[bytes]:
    """Yield the payload of each record, without the encodings of its transfer."""
    for record in ArchiveIterator(BytesIO(part), arc2warc=True):
        if record.http_headers is not None:
            yield budget.take(record.http_headers.to_str().encode("utf-8", "replace"))
        yield budget.take(record.content_stream().read(budget.room))


def _from_pdf(budget: Budget, part: bytes) -> Iterator[bytes]:
    """Yield the streams of a PDF; its fonts may encode the text itself in any way."""
    end = 0
    while (start := part.find(b"stream", end)) >= 0:
        end = part.find(b"endstream", start)
        if end < 0:
            return
        content = part[start + len(b"stream") : end].lstrip(b"\r\n")
        if content.startswith(_ZLIB_STARTS):
            yield from _from_zlib(budget, content)
        end += len(b"endstream")


def _from_mail(budget: Budget, part: bytes) -> Iterator[bytes]:
    if (excess := mail_excess(part)) is not None:
        raise ValueError(excess)
    message = message_from_bytes(part)
    for each in message.walk():
        fields = [f"{name}: {_header(str(value))}" for name, value in each.items()]
        yield budget.take("\n".join(fields).encode("utf-8", "surrogatepass"))
        content = each.get_payload(decode=True)
        if isinstance(content, bytes):
            yield budget.take(content)
            charset = each.get_content_charset()
            if charset not in {None, "utf-8", "us-ascii"}:
                yield budget.take(content.decode(str(charset), "replace").encode())


def _header(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError):
        return value
