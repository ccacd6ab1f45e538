"""Web archives for tests, written record by record: texts of our own, digests that are right."""

import base64
import gzip
import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Iterable, Mapping

SPACE = uuid.UUID("5d3c1c2e-0000-4000-8000-000000000000")


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def name_of(text: str) -> str:
    """Return a record's name for itself that is the same in each run."""
    return f"<urn:uuid:{uuid.uuid5(SPACE, text)}>"


def record(
    kind: str,
    uri: str | None,
    date: str | None,
    block: bytes,
    *,
    length: int | None = None,
    version: str = "WARC/1.0",
    fields: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Return one WARC record; `fields` are added to the usual ones."""
    head = [("WARC-Type", kind)]
    if uri is not None:
        head.append(("WARC-Target-URI", uri))
    if date is not None:
        head.append(("WARC-Date", date))
    given = [*fields]
    if not any(name == "WARC-Record-ID" for name, _value in given):
        head.append(("WARC-Record-ID", name_of(f"{kind} {uri} {date}")))
    head += given
    head.append(("Content-Length", str(len(block) if length is None else length)))
    lines = [version, *(f"{name}: {value}" for name, value in head)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def answer(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    headers: Mapping[str, str] | None = None,
    kind: str | None = "text/html; charset=utf-8",
) -> bytes:
    """Return the answer of a server as bytes."""
    lines = [f"HTTP/1.1 {status}"]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(uri: str, date: str, block: bytes, *, fields: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return a response record with the digests of its block and its payload."""
    payload = block.partition(b"\r\n\r\n")[2]
    digests = [
        ("Content-Type", "application/http; msgtype=response"),
        ("WARC-Block-Digest", sha1(block)),
        ("WARC-Payload-Digest", sha1(payload)),
    ]
    return record("response", uri, date, block, fields=[*digests, *fields])


def request(uri: str, date: str, *, method: str = "GET", to: str | None = None) -> bytes:
    """Return a request record; `to` is the name of the response that it goes with."""
    path = "/" + uri.partition("://")[2].partition("/")[2]
    host = uri.partition("://")[2].partition("/")[0]
    block = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: probe\r\n\r\n".encode()
    fields = [("Content-Type", "application/http; msgtype=request")]
    if to is not None:
        fields.append(("WARC-Concurrent-To", to))
    return record("request", uri, date, block, fields=fields)


def revisit(
    uri: str,
    date: str,
    *,
    of: bytes | None,
    refers_to: tuple[str, str] | None = None,
    block: bytes | None = None,
    profile: str = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest",
) -> bytes:
    """Return a record that repeats the payload `of` an earlier one."""
    fields = [("WARC-Profile", profile)]
    if of is not None:
        fields.append(("WARC-Payload-Digest", sha1(of)))
    if refers_to is not None:
        fields += [
            ("WARC-Refers-To-Target-URI", refers_to[0]),
            ("WARC-Refers-To-Date", refers_to[1]),
        ]
    return record("revisit", uri, date, answer() if block is None else block, fields=fields)


def warcinfo(software: str = "probe 1.0") -> bytes:
    block = f"software: {software}\r\nformat: WARC File Format 1.0\r\n".encode()
    fields = [("Content-Type", "application/warc-fields"), ("WARC-Filename", "probe.warc")]
    return record("warcinfo", None, "2024-06-18T06:00:00Z", block, fields=fields)


def packed(*records: bytes) -> bytes:
    """Return records as most files have them: each a gzip part of its own."""
    return b"".join(gzip.compress(each, mtime=0) for each in records)


def wacz(files: Mapping[str, bytes], *, listed: Mapping[str, bytes] | None = None) -> bytes:
    """Return a WACZ; `listed` are the bytes whose digests it names, else those of its files."""
    named = files if listed is None else listed
    resources = [
        {
            "name": path.rpartition("/")[2],
            "path": path,
            "hash": "sha256:" + hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
        }
        for path, data in named.items()
    ]
    told = json.dumps({"profile": "data-package", "resources": resources})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
        archive.writestr("datapackage.json", told)
    return out.getvalue()


def page(title: str, *paragraphs: str, more: str = "") -> bytes:
    """Return an article as a page; `paragraphs` should be long enough to be one."""
    body = "".join(f"<p>{each}</p>" for each in paragraphs)
    return (
        f"<!DOCTYPE html><html lang=de><head><meta charset=utf-8><title>{title}</title>{more}"
        f"</head><body><article><h1>{title}</h1>{body}</article></body></html>"
    ).encode()
