"""PURE: WARC records of captures that were fetched from a web archive."""

import uuid

from worker.sources.web_archives.capture_list import ListedCapture
from worker.sources.web_archives.http_message import Headers
from worker.sources.web_archives.warc import WebRecord

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
    fields = [
        ("WARC-Type", "response"),
        ("WARC-Record-ID", f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, capture.address)}>"),
        ("WARC-Date", f"{capture.observed_at:%Y-%m-%dT%H:%M:%SZ}"),
        ("WARC-Target-URI", capture.url),
        ("WARC-Source-URI", capture.address),
        ("Content-Type", "application/http; msgtype=response"),
        *([("WARC-Payload-Digest", capture.digest)] if capture.digest else []),
        ("Content-Length", str(len(block))),
    ]
    head = "\r\n".join(["WARC/1.1", *(f"{name}: {value}" for name, value in fields)])
    return WebRecord(1, "response", head.encode() + b"\r\n\r\n", block, len(block), tuple(fields))
