"""Compression of captured bytes, if that makes them smaller."""

from threading import local

import zstandard

LEVEL = 3


class DamagedBytesError(ValueError):
    """Stored bytes cannot be decompressed."""


def pack(raw: bytes) -> tuple[str, bytes]:
    """Return the encoding and the bytes to store.

    >>> pack(b"short")
    ('raw', b'short')
    >>> pack(b"long " * 1000)[0]
    'zstd'
    """
    packed = _compressor().compress(raw)
    return ("zstd", packed) if len(packed) < len(raw) else ("raw", raw)


def unpack(encoding: str, data: bytes) -> bytes:
    """Return the original bytes.

    Raises: DamagedBytesError.

    >>> unpack(*pack(b"long " * 1000)) == b"long " * 1000
    True
    """
    if encoding == "raw":
        return bytes(data)
    if encoding != "zstd":
        raise DamagedBytesError(f"the encoding {encoding!r} is unknown")
    try:
        return zstandard.decompress(data)
    except zstandard.ZstdError as error:
        raise DamagedBytesError(str(error)) from error


def _compressor() -> zstandard.ZstdCompressor:
    """Return the compressor of this thread: creating one costs half as much as compressing a
    text.
    """
    known = _THREAD.__dict__
    if "compressor" not in known:
        known["compressor"] = zstandard.ZstdCompressor(level=LEVEL)
    found: zstandard.ZstdCompressor = known["compressor"]
    return found


_THREAD = local()
