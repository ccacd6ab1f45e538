"""PURE: WARC records of captures that were fetched from a web archive."""

import uuid

from worker.sources.web_archives.capture_list import ListedCapture
from worker.sources.web_archives.http_message import Headers
from worker.sources.web_archives.warc import WebRecord

IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
"""The profile of a record that repeats the payload of another."""

OF_TRANSFER = frozenset({"transfer-encoding", "connection", "keep-alive"})
"""Headers of the connection to the web archive, which is not part of the capture."""


def fetched_record(
    capture: ListedCapture, status: int, reason: str | None, headers: Headers, body: bytes | None
) -> WebRecord:
    """Return the record of an answer; its digest is the one that the index of the archive states.

    The block contains the status, the headers of the web archive, and the body as transferred.
    """
    lines = [f"HTTP/1.1 {status} {reason or ''}".rstrip()]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in OF_TRANSFER]
    opening = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    block = opening + (body or b"")
    return _record(
        "response", capture, block, [("Content-Type", "application/http; msgtype=response")]
    )


def repeat_record(capture: ListedCapture) -> WebRecord:
    """Return the revisit record of a capture that repeats an earlier one according to the index."""
    assert capture.repeats is not None
    fields = [
        ("WARC-Profile", IDENTICAL),
        ("WARC-Refers-To-Target-URI", capture.url),
        ("WARC-Refers-To-Date", f"{capture.repeats:%Y-%m-%dT%H:%M:%SZ}"),
    ]
    return _record("revisit", capture, b"", fields)


def _record(
    kind: str, capture: ListedCapture, block: bytes, more: list[tuple[str, str]]
) -> WebRecord:
    fields = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, capture.address)}>"),
        ("WARC-Date", f"{capture.observed_at:%Y-%m-%dT%H:%M:%SZ}"),
        ("WARC-Target-URI", capture.url),
        ("WARC-Source-URI", capture.address),
        *more,
        *([("WARC-Payload-Digest", capture.digest)] if capture.digest else []),
        ("Content-Length", str(len(block))),
    ]
    head = "\r\n".join(["WARC/1.1", *(f"{name}: {value}" for name, value in fields)])
    return WebRecord(1, kind, head.encode() + b"\r\n\r\n", block, len(block), tuple(fields))
