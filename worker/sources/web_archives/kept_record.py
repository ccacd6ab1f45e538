"""PURE: records of web archives in the form in which they are stored, bit for bit."""

from storage.values.arrivals.foreign_capture import KeptRecord
from storage.values.digest import raw_digest
from worker.sources.web_archives.record_digest import parse_digest, sha1_name
from worker.sources.web_archives.warc import WebRecord

MOST_INNER_BYTES = 64 * 1024
"""Maximum size up to which the block of a record that is no capture is stored in one piece."""


def whole_record(record: WebRecord) -> KeptRecord:
    """Store a record that is no capture, in one piece if it is small."""
    small = len(record.block) <= MOST_INNER_BYTES
    return capture_record(record, *((record.block, b"") if small else (b"", record.block)))


def capture_record(record: WebRecord, opening: bytes, payload: bytes) -> KeptRecord:
    named = parse_digest(record.field("warc-payload-digest"))
    if named is None and payload:
        named = sha1_name(payload)
    return KeptRecord(
        kind=record.kind[:16],
        number=record.number,
        digest=raw_digest(record.head + record.block),
        head=record.head,
        opening=opening,
        payload=payload or None,
        name=record.id[:200] if record.id else None,
        payload_digest=named,
    )
