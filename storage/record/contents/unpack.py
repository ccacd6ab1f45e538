"""Unpack bytes: every byte string that they contain, within bounds of size, number and depth."""

import base64
import binascii
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
MOST_DEPTH = 8

_MAIL_START = re.compile(rb"(?:From [^\n]*\n)?(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\n]*\n[ \t]?)++")
_MAIL_FIELD = re.compile(
    rb"^(?:mime-version|content-type|subject|from|message-id):", re.IGNORECASE | re.MULTILINE
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{40,}+(?:\r?\n[A-Za-z0-9+/_-]++)*+={0,2}")
_ZLIB_STARTS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"%PDF", b"WARC/", *_ZLIB_STARTS)
_DAMAGE = (
    ArchiveLoadFailed, EOFError, LookupError, NotImplementedError, OSError, RuntimeError,
    TypeError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error, zstandard.ZstdError,
)  # fmt: skip
"""Errors of the unpacking libraries for damaged or encrypted bytes."""


class Parts:
    """The byte strings in some bytes, beginning with the bytes themselves.

    `left_out` states after the iteration why a part could not be unpacked, None if all were. Damage
    in what only looks like a container, such as a text that begins like one, is no reason.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._bytes = MOST_BYTES
        self._parts = MOST_PARTS
        self.left_out: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        yield from self._walk(self._raw, 0)

    def _walk(self, part: bytes, depth: int) -> Iterator[bytes]:
        yield part
        for unpack in _unpackers(part):
            if depth == MOST_DEPTH:
                self.left_out = f"it is packed more than {MOST_DEPTH} times"
                return
            inner = unpack(self, part)
            while True:
                try:
                    found = next(inner, None)
                except _DAMAGE as error:
                    self.left_out = f"a part cannot be unpacked: {error}".partition("\n")[0]
                    break
                if found is None:
                    break
                yield from self._walk(found, depth + 1)

    def take(self, data: bytes) -> bytes:
        """Count an unpacked part. Raises: ValueError if there are too many or too large ones."""
        self._parts -= 1
        self._bytes -= len(data)
        if self._parts < 0:
            raise ValueError(f"it has more than {MOST_PARTS:,} parts")
        if self._bytes < 0:
            raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
        return data

    @property
    def room(self) -> int:
        """The number of bytes that may still be unpacked, and one more that shows the excess."""
        return max(self._bytes, 0) + 1


Unpacker = Callable[[Parts, bytes], Iterator[bytes]]


def _unpackers(part: bytes) -> Iterator[Unpacker]:
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
        yield _from_base64


def _from_gzip(parts: Parts, part: bytes) -> Iterator[bytes]:
    yield from _inflated(parts, part, 31)


def _from_zlib(parts: Parts, part: bytes) -> Iterator[bytes]:
    try:
        yield from _inflated(parts, part, 15)
    except zlib.error:
        return  # two bytes are too few to know a container by


def _inflated(parts: Parts, part: bytes, window: int) -> Iterator[bytes]:
    """Yield the content of all members together, as one file may be packed in several."""
    found, rest = bytearray(), part
    while rest:
        inflater = zlib.decompressobj(window)
        found += inflater.decompress(rest, max(parts.room - len(found), 1))
        if inflater.unconsumed_tail or not inflater.eof:
            break
        rest = inflater.unused_data.lstrip(b"\0")
        if window == 15 or not rest.startswith(b"\x1f\x8b"):
            break
    yield parts.take(bytes(found))


def _from_zstd(parts: Parts, part: bytes) -> Iterator[bytes]:
    with zstandard.ZstdDecompressor().stream_reader(part, read_across_frames=True) as stream:
        yield parts.take(stream.read(parts.room))


def _from_zip(parts: Parts, part: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(BytesIO(part)) as packed:
        for each in packed.infolist():
            with packed.open(each) as member:
                yield parts.take(member.read(parts.room))


def _from_tar(parts: Parts, part: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=BytesIO(part)) as packed:
        for each in packed:
            if (member := packed.extractfile(each)) is not None:
                yield parts.take(member.read(parts.room))


def _from_warc(parts: Parts, part: bytes) -> Iterator[bytes]:
    """Yield the payload of each record, without the encodings of its transfer."""
    for record in ArchiveIterator(BytesIO(part), arc2warc=True):
        if record.http_headers is not None:
            yield parts.take(record.http_headers.to_str().encode("utf-8", "replace"))
        yield parts.take(record.content_stream().read(parts.room))


def _from_pdf(parts: Parts, part: bytes) -> Iterator[bytes]:
    """Yield the streams of a PDF; its fonts may encode the text itself in any way."""
    end = 0
    while (start := part.find(b"stream", end)) >= 0:
        end = part.find(b"endstream", start)
        if end < 0:
            return
        content = part[start + len(b"stream") : end].lstrip(b"\r\n")
        if content.startswith(_ZLIB_STARTS):
            yield from _from_zlib(parts, content)
        end += len(b"endstream")


def _from_mail(parts: Parts, part: bytes) -> Iterator[bytes]:
    if (excess := mail_excess(part)) is not None:
        raise ValueError(excess)
    message = message_from_bytes(part)
    for each in message.walk():
        fields = [f"{name}: {_header(str(value))}" for name, value in each.items()]
        yield parts.take("\n".join(fields).encode("utf-8", "surrogatepass"))
        content = each.get_payload(decode=True)
        if isinstance(content, bytes):
            yield parts.take(content)
            charset = each.get_content_charset()
            if charset not in {None, "utf-8", "us-ascii"}:
                yield parts.take(content.decode(str(charset), "replace").encode())


def _header(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError):
        return value


def _from_base64(parts: Parts, part: bytes) -> Iterator[bytes]:
    """Yield the parts that are written in base64 and result in a text or a container."""
    for found in _BASE64.finditer(part):
        digits = found[0].translate(_STANDARD, b"\r\n=")
        try:
            data = base64.b64decode(digits[: len(digits) // 4 * 4])
        except binascii.Error:
            continue
        if data.startswith(_MAGIC) or _is_text(data[:512]):
            yield parts.take(data)


_STANDARD = bytes.maketrans(b"-_", b"+/")


def _is_text(data: bytes) -> bool:
    """Check whether bytes may be a text in UTF-8, an older charset or UTF-16.

    >>> _is_text("Gänse".encode()), _is_text("Gänse".encode("utf-16")), _is_text(bytes(range(40)))
    (True, True, False)
    """
    plain = data.replace(b"\0", b"") if data.count(0) * 3 > len(data) else data
    return len(plain.translate(None, _CONTROLS)) == len(plain)


_CONTROLS = bytes({*range(32)} - {9, 10, 12, 13, 27})
