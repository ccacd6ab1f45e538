"""Rebuild the records of imported web archives byte for byte."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, or_, select
from warcio.recordloader import ARC2WARCHeadersParser

from storage.database.capture_store import StoredBytes, load
from storage.database.tables import CAPTURE, FOREIGN_RECORD
from storage.export import warc_record
from storage.record.contents.restricted import RestrictedTexts


class ForeignRecords:
    """Returns a retained capture with its companions; the records about the file come once."""

    def __init__(self, connection: Connection, restricted: RestrictedTexts) -> None:
        self._connection, self._restricted = connection, restricted
        self.withheld = 0
        self._written: set[int] = set()

    def records(self, main_id: int) -> Iterator[bytes]:
        """Yield the records of one capture in the order of their file.

        A record that a redaction emptied, or with the text of a restricted article, is omitted.
        """
        rows = self._connection.execute(
            _query().where(or_(FOREIGN_RECORD.c.id == main_id, FOREIGN_RECORD.c.main_id == main_id))
        ).all()
        about = next((row.about_id for row in rows if row.about_id is not None), None)
        if about is not None and about not in self._written:
            self._written.add(about)
            yield from self._query_records(_query().where(FOREIGN_RECORD.c.id == about))
        for row in rows:
            yield from self._record(row)

    def _query_records(self, query: Any) -> Iterator[bytes]:
        for row in self._connection.execute(query):
            yield from self._record(row)

    def _record(self, row: Any) -> Iterator[bytes]:
        if row.head is None or row.opening is None:
            return
        if row.payload_capture_id is not None and row.data is None:
            return
        head, block = bytes(row.head), bytes(row.opening)
        is_withheld = self._restricted.are_in_bytes(head + block)
        if row.data is not None:
            held = StoredBytes(bytes(row.digest), row.encoding, row.data)
            payload = load(self._connection, held)
            block += payload
            number = row.payload_capture_id
            is_withheld = is_withheld or self._restricted.are_in_capture(number, payload)
        if is_withheld:
            self.withheld += 1
        elif head.startswith(b"WARC/"):
            yield head + block + b"\r\n\r\n"
        elif row.kind == "response":
            yield _from_arc(head, block)


def _query() -> Any:
    record = FOREIGN_RECORD.c
    return (
        select(
            record.id, record.kind, record.about_id, record.head, record.opening,
            record.payload_capture_id, CAPTURE.c.digest, CAPTURE.c.encoding,
            CAPTURE.c.data,
        )
        .outerjoin(CAPTURE, CAPTURE.c.id == FOREIGN_RECORD.c.payload_capture_id)
        .order_by(FOREIGN_RECORD.c.number, FOREIGN_RECORD.c.id)
    )  # fmt: skip


def _from_arc(head: bytes, block: bytes) -> bytes:
    """Return a record of an ARC file as one of a WARC file, with its block unchanged."""
    line = head.decode("utf-8", "replace").splitlines()[0].encode()
    parser = ARC2WARCHeadersParser()
    headers = {str(name): str(value) for name, value in parser.parse(None, line).headers}
    fields = [
        ("WARC-Target-URI", headers["WARC-Target-URI"]),
        ("WARC-Date", headers["WARC-Date"]),
        ("WARC-Record-ID", warc_record.record_id("arc", f"{warc_record.sha1(head + block)}")),
        ("WARC-IP-Address", headers["WARC-IP-Address"]),
        ("Content-Type", "application/http; msgtype=response"),
    ]
    return warc_record.record("response", fields, block)
