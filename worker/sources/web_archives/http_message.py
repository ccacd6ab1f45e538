"""PURE: HTTP messages as bytes: split into head, headers and payload."""

from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from typing import Any

from warcio.statusandheaders import StatusAndHeadersParser

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
