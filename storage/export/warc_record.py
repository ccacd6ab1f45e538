"""PURE: records of a WARC file as bytes: heads, digests, addresses."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from storage.values.draft import Json
from storage.values.net.private_hosts import parse_ip

VERSION = "WARC/1.1"
SAME_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"

STATUS_LINE = ":status"
"""The name under which the stored headers of a transfer contain its status line."""

RECODED = frozenset({"content-encoding", "transfer-encoding", "content-length"})
"""The headers that describe the original encoding of a body; they are written with a prefix."""

BREAK = re.compile(r"[\r\n]+")
"""Characters that a field must not contain.

>>> BREAK.sub(" ", "a\\r\\nb")
'a b'
"""

Fields = Sequence[tuple[str, str]]


def record(kind: str, fields: Fields, block: bytes) -> bytes:
    """Return a record whose head contains the type, `fields`, and the length and digest of
    `block`.
    """
    head = [
        ("WARC-Type", kind),
        *fields,
        ("WARC-Block-Digest", sha1(block)),
        ("Content-Length", str(len(block))),
    ]
    lines = [VERSION, *(f"{name}: {BREAK.sub(' ', value)}" for name, value in head)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def answer(status: int, headers: Sequence[Sequence[str]], body: bytes) -> bytes:
    """Return a server's answer as bytes; `body` is decoded.

    `:status` among the headers is the original status line.

    >>> answer(200, [["Content-Encoding", "br"], ["Server", "a"]], b"Hallo").splitlines()[1:3]
    [b'X-Archive-Orig-Content-Encoding: br', b'Server: a']
    """
    came = next((value for name, value in headers if name == STATUS_LINE), None)
    first = came if came and came.startswith("HTTP/1.") else None
    lines = [first or f"HTTP/1.1 {status} "]
    for name, value in headers:
        header = f"X-Archive-Orig-{name}" if name.lower() in RECODED else name
        if name != STATUS_LINE:
            lines.append(f"{header}: {BREAK.sub(' ', value)}")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def request(message: Mapping[str, Json]) -> bytes:
    r"""Return a request as bytes.

    >>> request({"method": "GET", "target": "/a", "headers": [["Host", "b.example"]]})
    b'GET /a HTTP/1.1\r\nHost: b.example\r\n\r\n'
    """
    lines = [f"{message['method']} {message['target']} HTTP/1.1"]
    lines += [f"{name}: {BREAK.sub(' ', value)}" for name, value in message["headers"]]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def sha1(data: bytes) -> str:
    """Return the digest of `data` in the form of web archives.

    >>> sha1(b"")
    'sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'
    """
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def date(moment: datetime) -> str:
    """Return a moment in UTC with its full precision.

    >>> date(datetime(2024, 6, 18, 12, 0, 0, 250000, tzinfo=UTC))
    '2024-06-18T12:00:00.250000Z'
    """
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def uri(origin: str) -> str:
    """Return an origin as the address of a record; `urllib.parse.unquote` restores a file's origin.

    >>> uri("seed:presse/Küche 7%.txt"), uri("https://a.example/b?c=%20d")
    ('seed:presse/K%C3%BCche%207%25.txt', 'https://a.example/b?c=%20d')
    """
    if origin.startswith(("http://", "https://")):
        return origin
    return quote(origin, safe="/:#~=+,;@!$&'()*")


def ip_address(peer: str | None) -> str | None:
    """Return the address of a peer without its port; None if it is not an IP address.

    >>> [ip_address(each) for each in ("192.0.2.7:443", "[2001:db8::7]:443", "192.0.2.7", "a:1")]
    ['192.0.2.7', '2001:db8::7', '192.0.2.7', None]
    """
    bare = (peer or "").removeprefix("[").partition("]")[0] if "[" in (peer or "") else peer or ""
    for each in (bare, bare.rpartition(":")[0]):
        if (found := parse_ip(each)) is not None:
            return str(found)
    return None


def record_id(archive: str, name: str) -> str:
    """Return the id of a record: the same whenever the same archive writes it."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'lesart:{archive}/{name}')}>"


def fields_block(facts: Mapping[str, Json]) -> bytes:
    """Return metadata as JSON."""
    present = {name: value for name, value in facts.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def fields_of(facts: Mapping[str, str]) -> bytes:
    """Return lines of a name and a value, in the form of `warcinfo`."""
    return "".join(f"{name}: {BREAK.sub(' ', value)}\r\n" for name, value in facts.items()).encode()
