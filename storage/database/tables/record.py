"""The record: append-only tables, emptied only by redactions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from storage.database.tables.row import (
    BIG,
    Row,
    big_column,
    bytes_column,
    json_column,
    key_column,
    text_column,
    time_column,
)


class OriginRow(Row, table=True):
    """Location of a text: a cleaned address, `seed:SOURCE/PATH` or `file://PATH`."""

    id: int = key_column()
    public_id: str = Field(unique=True, max_length=32)
    origin: str = text_column(nullable=False)
    recorded_at: datetime = time_column()


class CaptureRow(Row, table=True):
    """Original bytes, once each, compressed; only a redaction empties `data`."""

    id: int = key_column()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    size: int = big_column()
    encoding: str = Field(max_length=16)
    data: bytes | None = bytes_column()
    recorded_at: datetime = time_column()


class ScanRow(Row, table=True):
    """One pass over a watched folder; its id is assigned at the start, the row written at the end.

    `seq` is the top of a block of numbers, one for each file of the scan. `clock_at` is the clock
    at the start, if it is far from the archive's time.
    """

    __table_args__ = (
        Index("scan_by_source", "source_id", "complete", "id"),
        Index("scan_by_seq", "seq"),
    )
    id: int = key_column()
    seq: int = big_column()
    source_id: int = big_column()
    job_id: int | None = big_column(nullable=True)
    started_at: datetime = time_column()
    recorded_at: datetime = time_column()
    complete: bool
    listing_digest: bytes | None = bytes_column()
    files: int
    changed: int
    gone: int
    clock_at: datetime | None = time_column(nullable=True)


class ObservationRow(Row, table=True):
    """One check of one place at one time, as seen by the transport.

    `observed_at` is in the archive's time, or that of an imported capture. `clock_at` is the
    clock, if it is far from the archive's time.
    """

    __table_args__ = (Index("observation_by_locator", "locator_id", "id"),)
    id: int = key_column()
    source_id: int = big_column()
    scan_id: int | None = big_column(nullable=True)
    job_id: int | None = big_column(nullable=True)
    locator_id: int = big_column()
    observed_at: datetime = time_column()
    recorded_at: datetime = time_column()
    outcome: str = Field(max_length=24)
    capture_id: int | None = big_column(nullable=True)
    hints: Any = json_column()
    http_status: int | None = None
    note: str | None = text_column()
    clock_at: datetime | None = time_column(nullable=True)


class ClockCorrectionRow(Row, table=True):
    """States that the archive's time ran ahead until now: `was` when the clock displayed `at`.

    Observations of this archive before this row, and later than `at`, were made between `since`
    and `at`.
    """

    id: int = key_column()
    at: datetime = time_column()
    since: datetime = time_column()
    was: datetime = time_column()
    recorded_at: datetime = time_column()


class WordingRow(Row, table=True):
    """A title and the paragraphs of a text, once each, by the digest `w1`.

    `text` joins the paragraphs by a blank line; only a redaction empties it and the title.
    """

    id: int = key_column()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    title: str | None = text_column()
    text: str | None = text_column()
    recorded_at: datetime = time_column()


class DerivationRow(Row, table=True):
    """The result of one extractor for one capture; `detail` contains layout, fields, flags, steps.

    `context` contains the hints that the reading depended on; without a wording the capture was
    refused.
    """

    __table_args__ = (
        UniqueConstraint("capture_id", "context", "extractor", "extractor_version", "config"),
        Index("derivation_by_wording", "wording_id"),
    )
    id: int = key_column()
    capture_id: int = big_column()
    context: str = Field(max_length=300)
    extractor: str = Field(max_length=64)
    extractor_version: str = Field(max_length=64)
    config: str = Field(max_length=300)
    wording_id: int | None = big_column(nullable=True)
    language: str | None = Field(default=None, max_length=16)
    published: str | None = Field(default=None, max_length=40)
    published_precision: str | None = Field(default=None, max_length=8)
    published_from: datetime | None = time_column(nullable=True)
    published_to: datetime | None = time_column(nullable=True)
    publisher: str | None = text_column()
    word_count: int | None = None
    detail: Any = json_column()
    raw_output: bytes | None = bytes_column()
    recorded_at: datetime = time_column()


class VerdictRow(Row, table=True):
    """The result of reading one captured item; exactly one each."""

    id: int = key_column()
    observation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    job_id: int | None = big_column(nullable=True)
    kind: str = Field(max_length=16)
    derivation_id: int | None = big_column(nullable=True)
    recorded_at: datetime = time_column()


class RelationRow(Row, table=True):
    """A relation between the articles at two origins, with its reason."""

    __table_args__ = (
        UniqueConstraint("kind", "a_origin_id", "b_origin_id"),
        Index("relation_by_a", "a_origin_id"),
        Index("relation_by_b", "b_origin_id"),
    )
    id: int = key_column()
    kind: str = Field(max_length=16)
    a_origin_id: int = big_column()
    b_origin_id: int = big_column()
    score: float = Field(sa_column=Column(Float, nullable=False))
    method: str = Field(max_length=64)
    threshold: float = Field(sa_column=Column(Float, nullable=False))
    earlier: str = Field(max_length=8)
    agency: str | None = Field(default=None, max_length=64)
    evidence: Any = json_column()
    decided_at: datetime = time_column()


class RelationUndoneRow(Row, table=True):
    """The undoing of a relation; the relation stays."""

    id: int = key_column()
    relation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    reason: str | None = text_column()
    undone_at: datetime = time_column()


class NoiseStepRow(Row, table=True):
    """States that the difference between two captures of an article is noise, and by which rules.

    The passages are not stored: they follow from the derivations, and are redacted with them.
    `observation_id` is the snapshot of the second capture.
    """

    __table_args__ = (
        UniqueConstraint("origin_id", "a_derivation_id", "b_derivation_id"),
        Index("noise_step_by_a_wording", "a_wording_id"),
        Index("noise_step_by_b_wording", "b_wording_id"),
    )
    id: int = key_column()
    origin_id: int = big_column()
    a_derivation_id: int = big_column()
    b_derivation_id: int = big_column()
    a_wording_id: int = big_column()
    b_wording_id: int = big_column()
    rules: Any = json_column(nullable=False)
    method: str = Field(max_length=16)
    observation_id: int = big_column()
    decided_at: datetime = time_column()


class NoiseStepUndoneRow(Row, table=True):
    """The undoing of a decision on noise: between its two wordings everything is a change."""

    id: int = key_column()
    noise_step_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    reason: str | None = text_column()
    undone_at: datetime = time_column()


class CertificateRow(Row, table=True):
    """The certificates of a server, once each: `chain` is PEM, the server's own first."""

    id: int = key_column()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    chain: bytes = bytes_column(nullable=False)
    recorded_at: datetime = time_column()


class TransferRow(Row, table=True):
    """The HTTP transfer of one observation, which cannot be repeated later.

    `hops` are the redirects (address, status, location), `request` is the request
    (method, target, headers), `response_headers` a list of name and value as received, preceded by
    the status line under the name `:status`. `body_capture_id` are the bytes as transferred, if
    they differ from the capture of the observation: an encoded body, or the block of a foreign
    record.
    """

    id: int = key_column()
    observation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    address: str = text_column(nullable=False)
    hops: Any = json_column(nullable=False)
    request: Any = json_column()
    response_headers: Any = json_column()
    peer: str | None = Field(default=None, max_length=64)
    tls_version: str | None = Field(default=None, max_length=16)
    certificate_id: int | None = big_column(nullable=True)
    started_at: datetime = time_column()
    duration_ms: int | None = None
    wire_bytes: int | None = big_column(nullable=True)
    rights: Any = json_column()
    body_encoding: str | None = Field(default=None, max_length=64)
    body_capture_id: int | None = big_column(nullable=True)
    is_foreign: bool
    recorded_at: datetime = time_column()


class ForeignRecordRow(Row, table=True):
    """One record of a web archive, stored unchanged: `head`, `opening`, then the payload.

    `digest` is that of all its bytes. A capture record references its observation and the
    warcinfo record of its file (`about_id`); a request or a metadata record references its
    capture record (`main_id`). `container_id` is the place of the first file with it, `number` its
    position there, `name` its record id. Revisit records reference `payload_digest`.
    """

    __table_args__ = (
        Index("foreign_record_by_observation", "observation_id"),
        Index("foreign_record_by_main", "main_id"),
        Index("foreign_record_by_payload", "payload_digest"),
    )
    id: int = key_column()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    kind: str = Field(max_length=16)
    container_id: int = big_column()
    number: int
    observation_id: int | None = big_column(nullable=True)
    main_id: int | None = big_column(nullable=True)
    about_id: int | None = big_column(nullable=True)
    name: str | None = Field(default=None, max_length=200)
    payload_digest: str | None = Field(default=None, max_length=160)
    head: bytes | None = bytes_column()
    opening: bytes | None = bytes_column()
    payload_capture_id: int | None = big_column(nullable=True)
    recorded_at: datetime = time_column()


class LineageRow(Row, table=True):
    """States that two addresses are one article, and why: a redirect, a canonical link."""

    __table_args__ = (
        UniqueConstraint("kind", "origin_id", "to_origin_id"),
        Index("lineage_by_origin", "origin_id"),
        Index("lineage_by_target", "to_origin_id"),
    )
    id: int = key_column()
    kind: str = Field(max_length=16)
    origin_id: int = big_column()
    to_origin_id: int = big_column()
    observation_id: int | None = big_column(nullable=True)
    decided_at: datetime = time_column()


class LineageUndoneRow(Row, table=True):
    """The undoing of a lineage; the lineage stays."""

    id: int = key_column()
    lineage_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    reason: str | None = text_column()
    undone_at: datetime = time_column()


class RefusalRow(Row, table=True):
    """A refused item with the reason and the remedy."""

    __table_args__ = (Index("refusal_by_observation", "observation_id"),)
    id: int = key_column()
    job_id: int | None = big_column(nullable=True)
    source_id: int | None = big_column(nullable=True)
    observation_id: int | None = big_column(nullable=True)
    locator: str = text_column(nullable=False)
    code: str = Field(max_length=40)
    message: str = text_column(nullable=False)
    hint: str = text_column(nullable=False)
    kept: bool
    capture_id: int | None = big_column(nullable=True)
    at: datetime = time_column()


class RedactionRow(Row, table=True):
    """States that a row of the record was emptied, when and why; it is written before the emptying.

    `actor` gave the order. The rows of one order have the same `act_id`, the id of the first of
    them.
    """

    __table_args__ = (
        Index("redaction_by_row", "table_name", "row_id"),
        Index("redaction_by_act", "act_id"),
    )
    id: int = key_column()
    table_name: str = Field(max_length=16)
    row_id: int = big_column()
    reason: str = text_column(nullable=False)
    at: datetime = time_column()
    actor: str | None = text_column()
    act_id: int | None = big_column(nullable=True)


class RestrictionRow(Row, table=True):
    """States that the article at an origin is hidden until further notice, and why.

    `actor` gave the order. All data stays stored.
    """

    __table_args__ = (Index("restriction_by_origin", "origin_id"),)
    id: int = key_column()
    origin_id: int = big_column()
    reason: str = text_column(nullable=False)
    actor: str = text_column(nullable=False)
    at: datetime = time_column()


class RestrictionLiftedRow(Row, table=True):
    """The lifting of a restriction, and its actor; the restriction stays on record."""

    id: int = key_column()
    restriction_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    actor: str = text_column(nullable=False)
    at: datetime = time_column()


class TeaserRow(Row, table=True):
    """A headline with which a front page links to an address, once each.

    `front_id` is the origin of the front page, `origin_id` that of the address.
    """

    __table_args__ = (
        Index("teaser_by_front", "front_id", "origin_id"),
        Index("teaser_by_origin", "origin_id"),
    )
    id: int = key_column()
    front_id: int = big_column()
    origin_id: int = big_column()
    headline: str | None = text_column()
    kicker: str | None = text_column()
    recorded_at: datetime = time_column()


class FrontRow(Row, table=True):
    """The teasers of a front page at one check.

    `teasers` is a list of [teaser, level of its heading or null, 1 if it has a picture], in the
    order of the page. It is null if the list is that of the row `same_as_id`. `found` is the number
    of teasers on the page, of which at most 500 are stored; `method` is the version of the rules.
    """

    __table_args__ = (Index("front_by_origin", "origin_id", "id"),)
    id: int = key_column()
    observation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    origin_id: int = big_column()
    same_as_id: int | None = big_column(nullable=True)
    teasers: Any = json_column()
    found: int
    method: str = Field(max_length=32)
    recorded_at: datetime = time_column()


class DoubtRow(Row, table=True):
    """States why a reading of an article may be a page in place of the article.

    It is about the step between two derivations; they are the same if there was no text before.
    A reading of the grade `soft` is confirmed by one that agrees at least `wait_seconds` later,
    one of the grade `wall` only by a person. `observation_id` is the check that showed it.
    """

    __table_args__ = (
        UniqueConstraint("origin_id", "a_derivation_id", "b_derivation_id", "grade"),
        Index("doubt_by_b_derivation", "b_derivation_id"),
    )
    id: int = key_column()
    origin_id: int = big_column()
    observation_id: int = big_column()
    a_derivation_id: int = big_column()
    b_derivation_id: int = big_column()
    signs: Any = json_column(nullable=False)
    grade: str = Field(max_length=8)
    wait_seconds: int
    decided_at: datetime = time_column()


class DoubtSettledRow(Row, table=True):
    """States that a person confirmed or dismissed the text that an observation shows.

    `is_foreign`: it was decided in another archive at `decided_at`.
    """

    __table_args__ = (Index("doubt_settled_by_observation", "observation_id"),)
    id: int = key_column()
    observation_id: int = big_column()
    decision: str = Field(max_length=16)
    decided_by: str = text_column(nullable=False)
    decided_at: datetime = time_column()
    recorded_at: datetime = time_column()
    is_foreign: bool


class DoubtSettledUndoneRow(Row, table=True):
    """The undoing of a decision; the decision stays on record."""

    id: int = key_column()
    doubt_settled_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    undone_by: str = text_column(nullable=False)
    undone_at: datetime = time_column()
    recorded_at: datetime = time_column()
