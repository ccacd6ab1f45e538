"""Stream the captures of an archive as records of a WARC file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, case, func, or_, select, text
from warcio.recordloader import ARC2WARCHeadersParser

from storage.capabilities import find_page_kind, load_parts, parts_of
from storage.capabilities.hooks import WebFile
from storage.database.capture_store import StoredBytes, load
from storage.database.columns import UtcTime
from storage.database.rows import cursor, place, stream
from storage.database.tables import (
    ARCHIVE,
    ARTICLE,
    CAPTURE,
    CERTIFICATE,
    FOREIGN_RECORD,
    LINEAGE,
    LINEAGE_UNDONE,
    OBSERVATION,
    ORIGIN,
    SNAPSHOT,
    SOURCE,
    TRANSFER,
    VERSION,
    WORDING,
)
from storage.database.unit import rows_in
from storage.database.view_queries.sql_words import RESTRICTED
from storage.database.views import view_query
from storage.export import warc_record
from storage.history.snapshots import add_all_confirmations, snapshots_by_article
from storage.language.tokens import parse_search
from storage.proof.log import numbers
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import NO_FILTERS, Filters, conditions
from storage.read.query.records import Part
from storage.read.search import matching_versions
from storage.record.contents.restricted import RestrictedTexts
from storage.values.arrivals.foreign_capture import PART_OF_PAGE
from storage.values.arrivals.formats import MEDIA_TYPE
from storage.values.draft import Json
from storage.values.net.addresses import RENDERED


class ForeignRecords:
    """Returns a retained capture with its companions; the records about the file come once.

    `arc_name` is the name that the last record of an ARC file got, which has none of its own.
    """

    def __init__(self, connection: Connection, restricted: RestrictedTexts) -> None:
        self._connection, self._restricted = connection, restricted
        self.withheld = 0
        self.arc_name: str | None = None
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
            self.arc_name = warc_record.record_id("arc", f"{warc_record.sha1(head + block)}")
            yield _from_arc(head, block, self.arc_name)


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


def _from_arc(head: bytes, block: bytes, name: str) -> bytes:
    """Return a record of an ARC file as one of a WARC file, with its block unchanged."""
    line = head.decode("utf-8", "replace").splitlines()[0].encode()
    parser = ARC2WARCHeadersParser()
    headers = {str(name): str(value) for name, value in parser.parse(None, line).headers}
    fields = [
        ("WARC-Target-URI", headers["WARC-Target-URI"]),
        ("WARC-Date", headers["WARC-Date"]),
        ("WARC-Record-ID", name),
        ("WARC-IP-Address", headers["WARC-IP-Address"]),
        ("Content-Type", "application/http; msgtype=response"),
    ]
    return warc_record.record("response", fields, block)


Row = RowMapping
HTTP = "application/http; msgtype="
ARTICLES_AT_ONCE = 50
"""Number of articles whose checks are read together, without their bytes."""
CHECKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """Selects articles whose captures are written: by filters, by a query, and a part of them."""

    filters: Filters = NO_FILTERS
    query: str | None = None
    after: str | None = None
    limit: int | None = None

    @property
    def is_everything(self) -> bool:
        return self.filters.is_empty and self.query is None and self.limit is None


class WarcExport:
    """One pass over an archive; `cursor` continues after the last article that was written."""

    def __init__(self, archive: ReadOnlyArchive, selection: ExportSelection, program: str) -> None:
        self._archive, self._selection, self._program = archive, selection, program
        self.cursor: str | None = None
        self.withheld = 0

    def state(self) -> str:
        """Return a name for the current contents of the archive: its id, and the last number."""
        with self._archive.connect() as connection:
            return f"{_archive_id(connection)}-{numbers(connection)[0]}"

    def records(self) -> Iterator[bytes]:
        """Yield complete records: the description of the file, then article by article.

        Raises: CursorError.
        """
        with self._archive.connect() as connection:
            writer = WarcWriter(connection)
            yield writer.describe_file(self._program)
            numbers_of_articles = self._articles(connection)
            while batch := list(islice(numbers_of_articles, ARTICLES_AT_ONCE)):
                for number, records in writer.articles(batch):
                    yield from records
                    self.cursor = cursor("export", number, 0)
            if self._selection.is_everything and self._selection.after is None:
                yield from writer.without_article()
            self.withheld = writer.withheld

    def _articles(self, connection: Connection) -> Iterator[int]:
        selection = self._selection
        after = place("export", selection.after, int, int)[0] if selection.after else 0
        if selection.query is not None:
            ids = self._matching_articles(connection, selection.query)
            yield from [each for each in ids if each > after][: selection.limit]
            return
        criteria = conditions(selection.filters).with_clause("q.article_id > :a0", a0=after)
        criteria = criteria.with_clause(f"q.article_id NOT IN {RESTRICTED}")
        articles = view_query("articles", connection)
        query = f"SELECT q.article_id FROM ({articles}) q{criteria.sql_where} ORDER BY q.article_id"
        values = criteria.values
        if selection.limit is not None:
            query, values = f"{query} LIMIT :rows", {**values, "rows": selection.limit}
        for row in list(stream(connection, query, values)):
            yield int(row["article_id"])

    def _matching_articles(self, connection: Connection, query: str) -> list[int]:
        """Return the articles with a version that matches the query, in their order."""
        words = parse_search(query, self._archive.languages)
        found = matching_versions(connection, words, self._selection.filters, Part(), latest=False)
        versions = [row["version_id"] for row in found]
        articles = select(VERSION.c.article_id)
        return sorted({row[0] for row in rows_in(connection, articles, VERSION.c.id, versions)})


_RESTRICTED_PLACES = f"(SELECT origin_id FROM article_origin WHERE article_id IN {RESTRICTED})"

Reference = Mapping[str, str]
"""Fields by which another record refers to a record with the same bytes."""


@dataclass(slots=True)
class _WrittenRecords:
    """The records already written for one article, to which others may refer."""

    by_bytes: dict[tuple[Any, ...], Reference] = field(default_factory=dict)
    by_observation: dict[int, Reference] = field(default_factory=dict)


class WarcWriter:
    """Converts rows into records."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._archive_id = connection, _archive_id(connection)
        self._restricted = RestrictedTexts(connection)
        self._foreign = ForeignRecords(connection, self._restricted)
        self._loaded: tuple[int, bytes] | None = None
        self._withheld = 0
        self._certificates: set[int] = set()
        self._joined: dict[int, list[dict[str, str]]] = {}
        self._recorded: dict[str, Mapping[int, Json]] = {}
        self._resources: list[Mapping[int, Sequence[WebFile]]] = []

    @property
    def withheld(self) -> int:
        """The number of captures that were omitted, as they have texts of restricted articles."""
        return self._withheld + self._foreign.withheld

    def describe_file(self, program: str) -> bytes:
        """Return the record that describes the file."""
        facts = {
            "software": program,
            "format": "WARC File Format 1.1",
            "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "description": f"captures of press texts out of the archive {self._archive_id}",
        }
        fields = [
            ("WARC-Record-ID", warc_record.record_id(self._archive_id, "warcinfo")),
            ("WARC-Date", warc_record.date(datetime.now(UTC))),
            ("Content-Type", "application/warc-fields"),
        ]
        return warc_record.record("warcinfo", fields, warc_record.fields_of(facts))

    def article(self, number: int, only: Collection[int] | None = None) -> Iterator[bytes]:
        """Yield the records of one article, as `articles`."""
        for _number, records in self.articles([number], only):
            yield from records

    def articles(
        self, numbers: Sequence[int], only: Collection[int] | None = None
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Yield the articles, each with its records: each check of it, in the order of time.

        `only` selects observations; None selects all.
        """
        self._joined = self._joins(numbers)
        self._recorded = {
            own.name: part.facts_of_checks(self._connection, numbers)
            for own, part in parts_of("transfer")
        }
        self._resources = [
            part.resources_of_checks(self._connection, numbers)
            for part in load_parts("web_records")
        ]
        snapshots = snapshots_by_article(self._connection, dict.fromkeys(numbers))
        confirmations = {
            snapshot.observation_id: snapshot.confirmed
            for confirmed in add_all_confirmations(self._connection, snapshots).values()
            for snapshot in confirmed
        }
        checks: dict[int, list[Row]] = {number: [] for number in numbers}
        for found in rows_in(self._connection, _CHECKS, SNAPSHOT.c.article_id, numbers):
            if only is None or found.observation_id in only:
                checks[found.article_id].append(found._mapping)  # noqa: SLF001  # its public name
        for number in numbers:
            rows = sorted(checks.pop(number), key=itemgetter("observed_at", "observation_id"))
            yield number, self._article(rows, confirmations)

    def _article(
        self, rows: Sequence[Row], confirmations: Mapping[int, Sequence[datetime]]
    ) -> Iterator[bytes]:
        written = _WrittenRecords()
        for row in rows:
            yield from self._check(row, written)
            yield from self._further_resources(row)
            for moment in confirmations.get(row["observation_id"], ()):
                yield from self._confirmation(row, written, moment)

    def _further_resources(self, row: Row) -> Iterator[bytes]:
        """Yield the files of a check that capabilities stored, such as pictures, for a replay.

        One with a text of a restricted article is omitted.
        """
        for each in (
            each for own in self._resources for each in own.get(row["observation_id"], ())
        ):
            name = f"{each.address} {row['observation_id']}"
            body = b"" if each.stored is None else load(self._connection, each.stored)
            if self._restricted.are_in_bytes(body):
                self._withheld += 1
                continue
            fields = [
                ("WARC-Target-URI", warc_record.uri(each.address)),
                ("WARC-Date", warc_record.date(row["observed_at"])),
                ("WARC-Record-ID", warc_record.record_id(self._archive_id, name)),
                ("WARC-Payload-Digest", warc_record.sha1(body)),
            ]
            if each.status is None:
                yield warc_record.record(
                    "resource", [*fields, ("Content-Type", each.media_type)], body
                )
                continue
            headers = (("Content-Type", each.media_type), ("Location", each.location or ""))
            block = warc_record.answer(each.status, [pair for pair in headers if pair[1]], body)
            kind = ("Content-Type", f"{HTTP}response")
            yield warc_record.record("response", [*fields, kind, PART_OF_PAGE], block)

    def without_article(self) -> Iterator[bytes]:
        """Yield the records without an article: refused captures, and absences at unknown
        places.
        """
        loose = select(OBSERVATION.c.id).outerjoin(
            SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id
        )
        loose = loose.where(SNAPSHOT.c.observation_id.is_(None)).order_by(OBSERVATION.c.id)
        loose = loose.where(text(f"observation.locator_id NOT IN {_RESTRICTED_PLACES}"))
        ids = iter(self._connection.execute(loose).scalars().all())
        while batch := list(islice(ids, CHECKS_AT_ONCE)):
            found = rows_in(self._connection, _CHECKS, OBSERVATION.c.id, batch)
            for row in sorted(found, key=attrgetter("observation_id")):
                yield from self._check(row._mapping, _WrittenRecords())  # noqa: SLF001  # public

    def _joins(self, articles: Sequence[int]) -> dict[int, list[dict[str, str]]]:
        """Return, by check, the other addresses that were joined with the article's, and why."""
        joins = sorted(
            rows_in(self._connection, _JOINS, SNAPSHOT.c.article_id, articles), key=itemgetter(0)
        )
        found: dict[int, list[dict[str, str]]] = {}
        for _id, number, kind, origin in joins:
            found.setdefault(number, []).append({"by": kind, "with": origin})
        return found

    # ------------------------------------------------------------------------ one check

    def _check(self, row: Row, written: _WrittenRecords) -> Iterator[bytes]:
        if row["foreign_id"] is not None:
            yield from self._foreign.records(row["foreign_id"])
            own = row["foreign_name"]
            name = f"<{own}>" if own is not None else self._foreign.arc_name
            hints = row["hints"] or {}
            ordered = find_page_kind(hints.get("type")) if hints.get("ordered") else None
            added = {"type": ordered, **self._recorded_facts(row)}
            if any(added.values()) and name is not None:
                yield self._metadata_record(row, name, added)
        elif self._is_withheld(row):
            self._withheld += 1
            yield self._metadata(row, None)
        elif row["transfer_id"] is not None and _submitter(row) is None and _is_answer(row):
            yield from self._answer_records(row, written)
        elif row["capture_id"] is not None:
            yield from self._file(row, written)
        else:
            yield self._metadata(row, None)

    def _is_withheld(self, row: Row) -> bool:
        """Check whether an answer or a file contains the text of a restricted article."""
        if not self._restricted:
            return False
        body = self._bytes(row["capture_id"])
        if body is not None and self._restricted.are_in_capture(row["capture_id"], body):
            return True
        headers = warc_record.answer(200, row["response_headers"] or (), b"")
        return self._restricted.are_in_bytes(headers)

    def _file(self, row: Row, written: _WrittenRecords) -> Iterator[bytes]:
        """Yield a capture that was not fetched from a server: a file, as a resource record."""
        original = written.by_bytes.get(_bytes_key(row))
        if original is not None:
            written.by_observation[row["observation_id"]] = original
            yield self._revisit(row, original, row["observed_at"])
            if _submitter(row) is not None or any(self._recorded_facts(row).values()):
                head = self._head(row, "revisit", row["observed_at"])
                yield self._metadata(row, dict(head)["WARC-Record-ID"])
            return
        body = self._bytes(row["capture_id"])
        if body is None:
            return
        head = self._head(row, "resource", row["observed_at"])
        fields = [
            *head,
            ("Content-Type", _content_type(row["hints"] or {})),
            ("WARC-Payload-Digest", warc_record.sha1(body)),
        ]
        self._note(row, written, body)
        yield warc_record.record("resource", fields, body)
        yield self._metadata(row, dict(head)["WARC-Record-ID"])

    def _answer_records(self, row: Row, written: _WrittenRecords) -> Iterator[bytes]:
        """Yield the records of an answer that we fetched: response, request and metadata."""
        head = self._head(row, "response", row["observed_at"])
        name = dict(head)["WARC-Record-ID"]
        if row["http_status"] is not None:
            yield self._answer(row, written, head)
        if row["request"] is not None:
            fields = [
                *self._head(row, "request", row["observed_at"]),
                ("WARC-Concurrent-To", name),
                ("Content-Type", f"{HTTP}request"),
            ]
            yield warc_record.record("request", fields, warc_record.request(row["request"]))
        yield self._metadata(row, name)

    def _answer(self, row: Row, written: _WrittenRecords, head: list[tuple[str, str]]) -> bytes:
        status, headers = row["http_status"], row["response_headers"] or ()
        confirms = (row["hints"] or {}).get("confirms")
        original = written.by_observation.get(confirms or 0) or written.by_bytes.get(
            _bytes_key(row)
        )
        if original is not None:
            written.by_observation[row["observation_id"]] = original
            block = warc_record.answer(status, headers, b"")
            return self._revisit(row, original, row["observed_at"], block)
        body = self._bytes(row["capture_id"]) or b""
        if row["wording_id"] is not None and body:
            self._note(row, written, body)
        fields = [
            *head,
            ("Content-Type", f"{HTTP}response"),
            ("WARC-Payload-Digest", warc_record.sha1(body)),
            *_cut_off(row),
        ]
        return warc_record.record("response", fields, warc_record.answer(status, headers, body))

    def _confirmation(
        self, row: Row, written: _WrittenRecords, moment: datetime
    ) -> Iterator[bytes]:
        """Yield a record that a scan at `moment` found a file with the same bytes."""
        original = written.by_observation.get(row["observation_id"])
        if original is not None:
            yield self._revisit(row, original, moment)

    def _revisit(
        self, row: Row, original: Reference, moment: datetime, block: bytes = b""
    ) -> bytes:
        is_not_modified = row["outcome"] == "not_modified"
        profile = warc_record.NOT_MODIFIED if is_not_modified else warc_record.SAME_PAYLOAD
        fields = [
            *self._head(row, "response" if block else "revisit", moment),
            ("WARC-Profile", profile),
            *original.items(),
        ]
        if block:
            fields.append(("Content-Type", f"{HTTP}response"))
        return warc_record.record("revisit", fields, block)

    def _metadata(self, row: Row, name: str | None) -> bytes:
        """Return the metadata of a check; a chain of certificates is written once."""
        certificate = row["certificate_id"]
        is_new = certificate is not None and certificate not in self._certificates
        self._certificates.add(certificate)
        facts = {each: row[each] for each in _FACTS} | {
            "wording": f"w1:{bytes(row['wording']).hex()}" if row["wording"] else None,
            "recorded_at": row["recorded_at"].isoformat(),
            "hops": row["hops"] or None,
            "submitted_by": _submitter(row),
            "type": _read_as((row["hints"] or {}).get("type")),
            "joined": self._joined.get(row["observation_id"]),
            **self._recorded_facts(row),
            "certificates_sha256": bytes(row["chain_digest"]).hex() if certificate else None,
            "certificates": bytes(row["chain"]).decode("ascii", "replace") if is_new else None,
        }
        return self._metadata_record(row, name, facts)

    def _recorded_facts(self, row: Row) -> dict[str, Json]:
        """Return what capabilities recorded about a check."""
        return {name: facts.get(row["observation_id"]) for name, facts in self._recorded.items()}

    def _metadata_record(self, row: Row, name: str | None, facts: Mapping[str, Json]) -> bytes:
        fields = [
            *self._head(row, "metadata", row["observed_at"]),
            *([("WARC-Concurrent-To", name)] if name else []),
            ("Content-Type", "application/json"),
        ]
        return warc_record.record("metadata", fields, warc_record.fields_block(facts))

    # ---------------------------------------------------------------------------- helpers

    def _head(self, row: Row, kind: str, moment: datetime) -> list[tuple[str, str]]:
        name = f"{kind} {row['observation_id']} {warc_record.date(moment)}"
        uri = warc_record.uri(row["origin"])
        fields = [  # pywb would replay metadata with the address of the page instead of the page
            ("WARC-Target-URI", f"urn:metadata:{uri}" if kind == "metadata" else uri),
            ("WARC-Date", warc_record.date(moment)),
            ("WARC-Record-ID", warc_record.record_id(self._archive_id, name)),
        ]
        address = warc_record.ip_address(row["peer"]) if kind == "response" else None
        if address is not None:
            fields.append(("WARC-IP-Address", address))
        return fields

    def _note(self, row: Row, written: _WrittenRecords, body: bytes) -> None:
        """Remember the record with the bytes of a capture, so that others can refer to it."""
        reference = {
            "WARC-Refers-To-Target-URI": warc_record.uri(row["origin"]),
            "WARC-Refers-To-Date": warc_record.date(row["observed_at"]),
            "WARC-Payload-Digest": warc_record.sha1(body),
        }
        written.by_bytes[_bytes_key(row)] = reference
        written.by_observation[row["observation_id"]] = reference

    def _bytes(self, capture_id: int | None) -> bytes | None:
        """Return the bytes of a capture; None if there are none, or a redaction removed them."""
        if capture_id is None:
            return None
        if self._loaded is not None and self._loaded[0] == capture_id:
            return self._loaded[1]
        query = "SELECT digest, encoding, data FROM capture WHERE id = :capture"
        row = next(stream(self._connection, query, {"capture": capture_id}))
        if row["data"] is None:
            return None
        stored = StoredBytes(bytes(row["digest"]), row["encoding"], row["data"])
        raw = load(self._connection, stored)
        self._loaded = (capture_id, raw)
        return raw


_FACTS = ("article", "outcome", "version", "source", "note", "rights", "duration_ms", "tls_version")


def _cut_off(row: Row) -> list[tuple[str, str]]:
    """Return the field that marks a page as incomplete: the transfer broke off, or it was too
    large.
    """
    if row["http_status"] not in {200, 203}:
        return []
    if row["outcome"] == "unreachable":
        return [("WARC-Truncated", "disconnect")]
    is_left_out = row["outcome"] == "refused" and row["capture_id"] is None
    return [("WARC-Truncated", "length")] if is_left_out else []


def _bytes_key(row: Row) -> tuple[Any, ...]:
    """Return the key of captures with the same reading: bytes, place, and how to read them."""
    hints = row["hints"] or {}
    read_as = (hints.get("type"), hints.get("charset"))
    return row["capture_id"], row["origin"], *read_as, hints.get("submitted_by")


def _is_answer(row: Row) -> bool:
    """Check whether a server answered, or was to answer, in contrast to a file of a crawler."""
    return row["http_status"] is not None or row["capture_id"] is None


def _submitter(row: Row) -> str | None:
    """Return the token that submitted a capture; None if it was not submitted."""
    return (row["hints"] or {}).get("submitted_by")


def _read_as(named: object) -> str | None:
    """Return the type of a page that is not read like other pages; None for any other type."""
    return RENDERED if named == RENDERED else find_page_kind(named)


def _content_type(hints: Mapping[str, Any]) -> str:
    named = str(hints.get("type"))
    kind = MEDIA_TYPE.get("html" if _read_as(named) else named, "application/octet-stream")
    charset = hints.get("charset")
    return f"{kind}; charset={charset}" if charset else kind


def _archive_id(connection: Connection) -> str:
    facts = ARCHIVE
    query = select(facts.c.value).where(facts.c.key == "id")
    return str(connection.execute(query).scalar_one())


def _checks() -> Any:
    """Return a query for checks with all their fields except the bytes."""
    origin_id = func.coalesce(SNAPSHOT.c.origin_id, OBSERVATION.c.locator_id)
    moment = func.coalesce(SNAPSHOT.c.observed_at, OBSERVATION.c.observed_at, type_=UtcTime())
    return (
        select(
            SNAPSHOT.c.article_id, OBSERVATION.c.id.label("observation_id"),
            moment.label("observed_at"), OBSERVATION.c.recorded_at, OBSERVATION.c.capture_id,
            OBSERVATION.c.hints, OBSERVATION.c.http_status, OBSERVATION.c.note,
            func.coalesce(SNAPSHOT.c.outcome, OBSERVATION.c.outcome).label("outcome"),
            SNAPSHOT.c.version, SNAPSHOT.c.wording_id, ARTICLE.c.public_id.label("article"),
            ORIGIN.c.origin, SOURCE.c.name.label("source"), WORDING.c.digest.label("wording"),
            FOREIGN_RECORD.c.id.label("foreign_id"), FOREIGN_RECORD.c.name.label("foreign_name"),
            TRANSFER.c.id.label("transfer_id"),
            TRANSFER.c.hops, TRANSFER.c.request, TRANSFER.c.response_headers, TRANSFER.c.peer,
            TRANSFER.c.tls_version, TRANSFER.c.duration_ms, TRANSFER.c.rights,
            TRANSFER.c.certificate_id, CERTIFICATE.c.digest.label("chain_digest"),
            CERTIFICATE.c.chain,
        )
        .select_from(OBSERVATION)
        .outerjoin(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
        .outerjoin(ARTICLE, ARTICLE.c.id == SNAPSHOT.c.article_id)
        .outerjoin(WORDING, WORDING.c.id == SNAPSHOT.c.wording_id)
        .outerjoin(TRANSFER, TRANSFER.c.observation_id == OBSERVATION.c.id)
        .outerjoin(CERTIFICATE, CERTIFICATE.c.id == TRANSFER.c.certificate_id)
        .outerjoin(FOREIGN_RECORD, FOREIGN_RECORD.c.observation_id == OBSERVATION.c.id)
        .join(SOURCE, SOURCE.c.id == OBSERVATION.c.source_id)
        .join(ORIGIN, ORIGIN.c.id == origin_id)
    )  # fmt: skip


_CHECKS = _checks()
_JOINS = (
    select(LINEAGE.c.id, LINEAGE.c.observation_id, LINEAGE.c.kind, ORIGIN.c.origin)
    .join(SNAPSHOT, SNAPSHOT.c.observation_id == LINEAGE.c.observation_id)
    .join(
        ORIGIN,
        ORIGIN.c.id
        == case((LINEAGE.c.kind == "canonical", LINEAGE.c.to_origin_id), else_=LINEAGE.c.origin_id),
    )
    .outerjoin(LINEAGE_UNDONE, LINEAGE_UNDONE.c.lineage_id == LINEAGE.c.id)
    .where(LINEAGE_UNDONE.c.id.is_(None))
)
