"""PURE: HTTP messages as bytes: split into head, headers and payload."""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from typing import Any

from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError
from warcio.statusandheaders import StatusAndHeadersParser

from worker.sources.containers.gunzip import GrownTooLargeError

Headers = tuple[tuple[str, str], ...]
"""Names and values in the order received."""

MOST_HEAD_BYTES = 256 * 1024
"""Maximum size of the head of a message, in bytes."""

LONGEST_CHARSET = 40

_PARSER = StatusAndHeadersParser([], verify=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response: `head` is its exact bytes, `payload` the bytes after it."""

    status: int
    headers: Headers
    head: bytes
    payload: bytes


def answer_of(message: bytes) -> HttpResponse | None:
    r"""Parse an answer; None if the bytes are not an HTTP response.

    >>> answer_of(b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\nHallo").payload
    b'Hallo'
    """
    if message[:5].upper() != b"HTTP/":
        return None
    beginning = BytesIO(message[:MOST_HEAD_BYTES])
    parsed = _PARSER.parse(beginning)
    status = str(parsed.statusline).split(" ", 1)[0]
    if not (status.isascii() and status.isdigit() and len(status) == 3):
        return None
    end = beginning.tell()
    return HttpResponse(int(status), _headers(parsed), message[:end], message[end:])


def request_of(message: bytes) -> dict[str, Any] | None:
    r"""Return method, target and headers of a request; None if the bytes are not an HTTP request.

    >>> request_of(b"GET /a HTTP/1.1\r\nHost: b.example\r\n\r\n")
    {'method': 'GET', 'target': '/a', 'headers': [['Host', 'b.example']]}
    """
    if not message[:1].isalpha() or message[:5].upper() == b"HTTP/":
        return None
    parsed = _PARSER.parse(BytesIO(message[:MOST_HEAD_BYTES]))
    asked, _, version = str(parsed.statusline).rpartition(" ")
    return {
        "method": str(parsed.protocol).upper(),
        "target": asked if version.upper().startswith("HTTP/") else str(parsed.statusline),
        "headers": [list(each) for each in _headers(parsed)],
    }


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, by its name in lower case.

    >>> header((("Content-Type", "text/html"), ("content-type", "text/plain")), "content-type")
    'text/html'
    """
    return next((value for each, value in headers if each.lower() == name), None)


def content_type(headers: Headers) -> tuple[str, str | None]:
    """Return the media type in lower case (empty if there is none) and the charset.

    >>> content_type((("Content-Type", 'Text/HTML; charset="iso-8859-1"'),))
    ('text/html', 'iso-8859-1')
    """
    value = " ".join((header(headers, "content-type") or "").split())
    message = Message()
    message["content-type"] = value
    named = message.get_param("charset")
    charset = named.strip() if isinstance(named, str) else ""
    is_one = charset.translate(dict.fromkeys(map(ord, "_.:+-"))).isalnum()
    is_one = is_one and len(charset) <= LONGEST_CHARSET
    return value.partition(";")[0].strip().lower(), charset if is_one else None


def _headers(parsed: Any) -> Headers:
    return tuple((str(name), str(value)) for name, value in parsed.headers)


NO_CODINGS = frozenset({"", "identity", "none", "utf-8"})
"""Names that servers use for no content encoding."""

CHUNK_HEAD = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")
r"""The line before a chunk: its length in hexadecimal, optionally with extensions.

>>> CHUNK_HEAD.match(b"1f;a=b\r\nabc")[1]
b'1f'
"""


@dataclass(frozen=True, slots=True)
class Body:
    """The decoded bytes of a body.

    `codings` are the removed encodings in the order of removal, such as `("chunked", "gzip")`.
    `is_whole` is False if the message reports that a part is missing.
    """

    raw: bytes
    codings: tuple[str, ...] = ()
    is_whole: bool = True


def body_of(payload: bytes, headers: Headers, limit: int) -> Body:
    r"""Return the body in `payload` (the bytes after the headers).

    Archives often store decoded bodies with headers that still declare an encoding: a body that
    does not match its declared encoding is left unchanged.

    Raises: GrownTooLargeError if more than `limit` bytes result.

    >>> body_of(b"4\r\nWiki\r\n0\r\n\r\n", (("Transfer-Encoding", "chunked"),), 100)
    Body(raw=b'Wiki', codings=('chunked',), is_whole=True)
    """
    raw, is_whole, is_chunked = payload, True, False
    named = header(headers, "transfer-encoding") or ""
    if "chunked" in named.lower():
        unchunked = _join_chunks(payload)
        if unchunked is not None:
            raw, is_whole = unchunked
            is_chunked = True
    codings = _codings(value for name, value in headers if name.lower() == "content-encoding")
    decoded = _decode(raw, codings, limit) if codings and raw else None
    if not is_chunked and (decoded is not None or not codings):
        is_whole = len(payload) >= _length(headers)
    if len(raw if decoded is None else decoded) > limit:
        raise GrownTooLargeError(limit)
    taken = ("chunked",) * is_chunked + (() if decoded is None else tuple(reversed(codings)))
    return Body(raw if decoded is None else decoded, taken, is_whole)


def _codings(values: Iterable[str]) -> tuple[str, ...]:
    """Return the content encodings in the order in which they were applied."""
    named = (each.strip().lower() for value in values for each in value.split(","))
    return tuple(each for each in named if each not in NO_CODINGS)


def _length(headers: Headers) -> int:
    named = (header(headers, "content-length") or "").strip()
    return int(named) if named.isascii() and named.isdigit() and len(named) < 16 else 0


def _join_chunks(payload: bytes) -> tuple[bytes, bool] | None:
    """Return the bytes of all chunks, and whether the last one is present; None if not chunked."""
    pieces: list[bytes] = []
    at = 0
    while match := CHUNK_HEAD.match(payload, at):
        length, at = int(match[1], 16), match.end()
        if not length:
            return b"".join(pieces), True
        piece = payload[at : at + length]
        end = _line_end(payload, at + length)
        if len(piece) == length and end is None and not pieces:
            return None  # a number at the beginning of a text
        pieces.append(piece)
        if end is None:
            break
        at = end
    return (b"".join(pieces), False) if pieces else None


def _line_end(payload: bytes, at: int) -> int | None:
    for end in (b"\r\n", b"\n"):
        if payload.startswith(end, at):
            return at + len(end)
    return None


def _decode(raw: bytes, codings: tuple[str, ...], limit: int) -> bytes | None:
    """Decode `raw`, up to one byte beyond `limit`; None if it is not encoded this way.

    urllib3 limits the output of each decoder and the number of encodings.
    """
    if not set(codings) <= set(HTTPResponse.CONTENT_DECODERS):
        return None
    answer = HTTPResponse(
        io.BytesIO(raw),
        headers={"content-encoding": ", ".join(codings)},
        preload_content=False,
    )
    try:
        return answer.read(limit + 1, decode_content=True)
    except HTTPError:
        return None
