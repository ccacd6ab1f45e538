"""PURE: remove the content encoding of a body within limits, and check whether it is complete."""

import sys
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import brotli

from storage.values.messages import message_text

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST_ENCODINGS = 2
"""Maximum number of nested encodings; correct servers use one."""
_PIECE = 1 << 16
_ZSTD_LIMITS: Mapping[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


class GrownError(ValueError):
    """A decoded body exceeds the size limit."""


class BrokenError(ValueError):
    """A body is cut off, or is not encoded as its header declares."""


def encodings_of(header: str | None) -> tuple[str, ...]:
    """Return the encodings in a header, in the order in which they were applied.

    >>> encodings_of("gzip"), encodings_of("x-gzip, BR"), encodings_of("identity")
    (('gzip',), ('gzip', 'br'), ())
    """
    names = [name.strip().lower().removeprefix("x-") for name in (header or "").split(",")]
    return tuple(name for name in names if name in _DECODERS)


def decode_body(body: bytes, encodings: tuple[str, ...], limit: int) -> bytes:
    """Return at most `limit` bytes of `body` without its encodings.

    Raises: GrownError, BrokenError.

    >>> decode_body(zlib.compress(b"Pegel"), ("deflate",), 100)
    b'Pegel'
    """
    if len(encodings) > MOST_ENCODINGS:
        raise GrownError(message_text("many_encodings", count=len(encodings)))
    for name in reversed(encodings):
        if not body:
            return body
        body = _DECODERS[name](body, limit)
    return body


def _inflate(body: bytes, limit: int) -> bytes:
    try:
        return _decode_members(body, limit, zlib.decompressobj)
    except BrokenError:  # some servers send raw deflate data
        return _decode_members(body, limit, partial(zlib.decompressobj, -zlib.MAX_WBITS))


def _decode_members(body: bytes, limit: int, create: Callable[[], Any]) -> bytes:
    """Return the content of all members of a stream; bytes after the last one are ignored."""
    body_bytes = bytearray()
    rest = body
    while rest:
        decoder = create()
        try:
            body_bytes += decoder.decompress(rest, limit + 1 - len(body_bytes))
        except (zlib.error, zstd.ZstdError) as error:
            if body_bytes:
                return bytes(body_bytes)
            raise BrokenError(message_text("body_other_encoding")) from error
        _check_size(body_bytes, limit)
        if not decoder.eof:
            raise BrokenError(message_text("body_broken_off"))
        rest = decoder.unused_data
    return bytes(body_bytes)


def _unbrotli(body: bytes, limit: int) -> bytes:
    body_bytes = bytearray()
    decoder = brotli.Decompressor()
    try:
        body_bytes += decoder.process(body, output_buffer_limit=_PIECE)
        while not decoder.is_finished():
            piece = decoder.process(b"", output_buffer_limit=_PIECE)
            if not piece and decoder.can_accept_more_data():
                raise BrokenError(message_text("body_broken_off"))
            body_bytes += piece
            _check_size(body_bytes, limit)
    except brotli.error as error:
        raise BrokenError(message_text("body_no_brotli")) from error
    _check_size(body_bytes, limit)
    return bytes(body_bytes)


def _check_size(body_bytes: bytearray, limit: int) -> None:
    if len(body_bytes) > limit:
        raise GrownError(message_text("more_bytes", limit=limit))


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": partial(_decode_members, create=partial(zlib.decompressobj, 16 + zlib.MAX_WBITS)),
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": partial(_decode_members, create=partial(zstd.ZstdDecompressor, options=_ZSTD_LIMITS)),
}
