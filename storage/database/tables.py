"""The tables of the archive: the only place where columns are named.

Record (only added to, guarded by triggers): origin, capture, scan, observation, certificate,
transfer, foreign_record, derivation, wording, verdict, relation, relation_undone, lineage,
lineage_undone, noise_step, noise_step_undone, refusal, redaction, restriction, restriction_lifted,
log_key, log_checkpoint, log_cosignature, log_stamp, and the log over all of these: log_run,
log_tile.
State (can be rebuilt or re-entered): everything else.
Ids of the record and every `seq` come from one counter that is taken under the write lock, so
they rise in the order of commit (`storage.write.archive`).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from storage.database.columns import JSON_TYPE, UtcTime

BIG = BigInteger


def _key(**options: Any) -> Any:
    return Field(sa_column=Column(BIG, primary_key=True, autoincrement=False), **options)


def _big(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(BIG, nullable=nullable, index=index))


def _time(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcTime(), nullable=nullable))


def _json(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(JSON_TYPE, nullable=nullable))


def _text(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=nullable))


def _bytes(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable))


class Row(SQLModel):
    """What each table class is made from; its validator is built when a row is made, not before.

    A table is called as its class, in small letters: `LogTileRow` is `log_tile`.
    """

    model_config = {"defer_build": True}

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # SQLAlchemy hands in the class
        words = (f"_{each.lower()}" if each.isupper() else each for each in cls.__name__[:-3])
        return "".join(words)[1:]


# ---------------------------------------------------------------------------------- record


class OriginRow(Row, table=True):
    """Where a text stands: a cleaned address, `seed:SOURCE/PATH` or `file://PATH`."""

    id: int = _key()
    public_id: str = Field(unique=True, max_length=32)
    origin: str = _text(nullable=False)
    recorded_at: datetime = _time()


class CaptureRow(Row, table=True):
    """Bytes as found, once each, compressed; `data` is emptied by a redaction alone."""

    id: int = _key()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    size: int = _big()
    encoding: str = Field(max_length=16)
    data: bytes | None = _bytes()
    recorded_at: datetime = _time()


class ScanRow(Row, table=True):
    """One pass over a watched folder; its id is taken when it starts, the row comes at its end.

    `seq` is the top of a block of numbers, one for each file that the scan saw.
    """

    __table_args__ = (Index("scan_by_source", "source_id", "complete", "id"),)
    id: int = _key()
    seq: int = _big()
    source_id: int = _big()
    job_id: int | None = _big(nullable=True)
    started_at: datetime = _time()
    recorded_at: datetime = _time()
    complete: bool
    listing_digest: bytes | None = _bytes()
    files: int
    changed: int
    gone: int


class ObservationRow(Row, table=True):
    """One check of one place at one time, as the transport knew it."""

    __table_args__ = (Index("observation_by_locator", "locator_id", "id"),)
    id: int = _key()
    source_id: int = _big()
    scan_id: int | None = _big(nullable=True)
    job_id: int | None = _big(nullable=True)
    locator_id: int = _big()
    observed_at: datetime = _time()
    recorded_at: datetime = _time()
    outcome: str = Field(max_length=24)
    capture_id: int | None = _big(nullable=True)
    hints: Any = _json()
    http_status: int | None = None
    note: str | None = _text()


class WordingRow(Row, table=True):
    """A title and the paragraphs of a text, once each, by the digest `w1`.

    `text` joins the paragraphs by a blank line; it is emptied, with the title, by a redaction
    alone.
    """

    id: int = _key()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    title: str | None = _text()
    text: str | None = _text()
    recorded_at: datetime = _time()


class DerivationRow(Row, table=True):
    """What one extractor read out of one capture; `detail` holds layout, fields, flags, steps.

    `context` names the hints that the reading depended on; without a wording the capture was
    refused.
    """

    __table_args__ = (
        UniqueConstraint("capture_id", "context", "extractor", "extractor_version", "config"),
        Index("derivation_by_wording", "wording_id"),
    )
    id: int = _key()
    capture_id: int = _big()
    context: str = Field(max_length=300)
    extractor: str = Field(max_length=64)
    extractor_version: str = Field(max_length=64)
    config: str = Field(max_length=300)
    wording_id: int | None = _big(nullable=True)
    language: str | None = Field(default=None, max_length=16)
    published: str | None = Field(default=None, max_length=40)
    published_precision: str | None = Field(default=None, max_length=8)
    published_from: datetime | None = _time(nullable=True)
    published_to: datetime | None = _time(nullable=True)
    publisher: str | None = _text()
    word_count: int | None = None
    detail: Any = _json()
    raw_output: bytes | None = _bytes()
    recorded_at: datetime = _time()


class VerdictRow(Row, table=True):
    """What one captured item meant for the archive when it was read; exactly one each."""

    id: int = _key()
    observation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    job_id: int | None = _big(nullable=True)
    kind: str = Field(max_length=16)
    derivation_id: int | None = _big(nullable=True)
    recorded_at: datetime = _time()


class RelationRow(Row, table=True):
    """A relation between the articles at two origins, with its reason."""

    __table_args__ = (
        UniqueConstraint("kind", "a_origin_id", "b_origin_id"),
        Index("relation_by_a", "a_origin_id"),
        Index("relation_by_b", "b_origin_id"),
    )
    id: int = _key()
    kind: str = Field(max_length=16)
    a_origin_id: int = _big()
    b_origin_id: int = _big()
    score: float = Field(sa_column=Column(Float, nullable=False))
    method: str = Field(max_length=64)
    threshold: float = Field(sa_column=Column(Float, nullable=False))
    earlier: str = Field(max_length=8)
    agency: str | None = Field(default=None, max_length=64)
    evidence: Any = _json()
    decided_at: datetime = _time()


class RelationUndoneRow(Row, table=True):
    """The undoing of a relation; the relation stays."""

    id: int = _key()
    relation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    reason: str | None = _text()
    undone_at: datetime = _time()


class NoiseStepRow(Row, table=True):
    """Says that what differs between two captures of an article is noise, and by which rules.

    The passages are in no row: they follow from the derivations, and go with them where these
    are redacted. `observation_id` is the snapshot of the second capture.
    """

    __table_args__ = (
        UniqueConstraint("origin_id", "a_derivation_id", "b_derivation_id"),
        Index("noise_step_by_a_wording", "a_wording_id"),
        Index("noise_step_by_b_wording", "b_wording_id"),
    )
    id: int = _key()
    origin_id: int = _big()
    a_derivation_id: int = _big()
    b_derivation_id: int = _big()
    a_wording_id: int = _big()
    b_wording_id: int = _big()
    rules: Any = _json(nullable=False)
    method: str = Field(max_length=16)
    observation_id: int = _big()
    decided_at: datetime = _time()


class NoiseStepUndoneRow(Row, table=True):
    """The undoing of a decision on noise: between its two wordings everything is a change."""

    id: int = _key()
    noise_step_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    reason: str | None = _text()
    undone_at: datetime = _time()


class CertificateRow(Row, table=True):
    """The certificates that a server showed, once each: `chain` is PEM, the server's own first."""

    id: int = _key()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    chain: bytes = _bytes(nullable=False)
    recorded_at: datetime = _time()


class TransferRow(Row, table=True):
    """What went over the wire for one observation, and cannot be had later.

    `hops` are the addresses that led there (address, status, location), `request` what was sent
    (method, target, headers), `response_headers` a list of name and value as received, the first
    line of the answer before them under the name `:status`. `body_capture_id` are the bytes as
    they came, where they differ from the capture that the observation names: an encoded body,
    or the block of a foreign record.
    """

    id: int = _key()
    observation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    address: str = _text(nullable=False)
    hops: Any = _json(nullable=False)
    request: Any = _json()
    response_headers: Any = _json()
    peer: str | None = Field(default=None, max_length=64)
    tls_version: str | None = Field(default=None, max_length=16)
    certificate_id: int | None = _big(nullable=True)
    started_at: datetime = _time()
    duration_ms: int | None = None
    wire_bytes: int | None = _big(nullable=True)
    rights: Any = _json()
    body_encoding: str | None = Field(default=None, max_length=64)
    body_capture_id: int | None = _big(nullable=True)
    is_foreign: bool
    recorded_at: datetime = _time()


class ForeignRecordRow(Row, table=True):
    """One record of a web archive, kept bit for bit: `head`, `opening`, then the payload.

    `digest` is that of all its bytes. A record of a capture names the observation that it made
    and the record in which its file speaks of itself (`about_id`); a request or a metadata
    record names the one that it goes with (`main_id`). `container_id` is the place of the file
    that brought it first, `number` its place there, `name` what it calls itself.
    `payload_digest` is the name by which other records repeat its payload.
    """

    __table_args__ = (
        Index("foreign_record_by_observation", "observation_id"),
        Index("foreign_record_by_main", "main_id"),
        Index("foreign_record_by_payload", "payload_digest"),
    )
    id: int = _key()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    kind: str = Field(max_length=16)
    container_id: int = _big()
    number: int
    observation_id: int | None = _big(nullable=True)
    main_id: int | None = _big(nullable=True)
    about_id: int | None = _big(nullable=True)
    name: str | None = Field(default=None, max_length=200)
    payload_digest: str | None = Field(default=None, max_length=160)
    head: bytes | None = _bytes()
    opening: bytes | None = _bytes()
    payload_capture_id: int | None = _big(nullable=True)
    recorded_at: datetime = _time()


class LineageRow(Row, table=True):
    """Says that two addresses are one article, and by what: a redirect, a canonical link."""

    __table_args__ = (
        UniqueConstraint("kind", "origin_id", "to_origin_id"),
        Index("lineage_by_target", "to_origin_id"),
    )
    id: int = _key()
    kind: str = Field(max_length=16)
    origin_id: int = _big()
    to_origin_id: int = _big()
    observation_id: int | None = _big(nullable=True)
    decided_at: datetime = _time()


class LineageUndoneRow(Row, table=True):
    """The undoing of a lineage; the lineage stays."""

    id: int = _key()
    lineage_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    reason: str | None = _text()
    undone_at: datetime = _time()


class RefusalRow(Row, table=True):
    """What was not taken, why, and what to do about it."""

    __table_args__ = (Index("refusal_by_observation", "observation_id"),)
    id: int = _key()
    job_id: int | None = _big(nullable=True)
    source_id: int | None = _big(nullable=True)
    observation_id: int | None = _big(nullable=True)
    locator: str = _text(nullable=False)
    code: str = Field(max_length=40)
    message: str = _text(nullable=False)
    hint: str = _text(nullable=False)
    kept: bool
    capture_id: int | None = _big(nullable=True)
    at: datetime = _time()


class RedactionRow(Row, table=True):
    """Says that a row of the record was emptied, when and why; it must stand before the act.

    `actor` is who gave the order. The rows of one order have the same `act_id`, the id of the
    first of them.
    """

    __table_args__ = (
        Index("redaction_by_row", "table_name", "row_id"),
        Index("redaction_by_act", "act_id"),
    )
    id: int = _key()
    table_name: str = Field(max_length=16)
    row_id: int = _big()
    reason: str = _text(nullable=False)
    at: datetime = _time()
    actor: str | None = _text()
    act_id: int | None = _big(nullable=True)


class RestrictionRow(Row, table=True):
    """Says that nothing of the article at an origin is shown until further notice, and why.

    `actor` is who gave the order. All that is there stays as it is.
    """

    __table_args__ = (Index("restriction_by_origin", "origin_id"),)
    id: int = _key()
    origin_id: int = _big()
    reason: str = _text(nullable=False)
    actor: str = _text(nullable=False)
    at: datetime = _time()


class RestrictionLiftedRow(Row, table=True):
    """The lifting of a restriction, and who ordered it; the restriction stays on record."""

    id: int = _key()
    restriction_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    actor: str = _text(nullable=False)
    at: datetime = _time()


class LogKeyRow(Row, table=True):
    """A key that signs the checkpoints of the log, as C2SP writes it, from `size` leaves on.

    `endorsement` is a note on it, signed by the key before; `previous` the last checkpoint that
    the key before signed.
    """

    id: int = _key()
    vkey: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    size: int = _big()
    previous: str | None = _text()
    endorsement: str | None = _text()
    made_at: datetime = _time()


class LogCheckpointRow(Row, table=True):
    """A signed checkpoint: `note` says that the log had `size` leaves, and their root."""

    __table_args__ = (Index("log_checkpoint_by_size", "size"),)
    id: int = _key()
    size: int = _big()
    note: str = _text(nullable=False)
    made_at: datetime = _time()


class LogCosignatureRow(Row, table=True):
    """A line by which a witness signed a checkpoint; `vkey` is its key."""

    __table_args__ = (Index("log_cosignature_by_checkpoint", "checkpoint_id"),)
    id: int = _key()
    checkpoint_id: int = _big()
    vkey: str = _text(nullable=False)
    line: str = _text(nullable=False)
    received_at: datetime = _time()


class LogStampRow(Row, table=True):
    """A stamp (RFC 3161) of a time-stamping authority on a checkpoint, as it was answered."""

    __table_args__ = (Index("log_stamp_by_checkpoint", "checkpoint_id"),)
    id: int = _key()
    checkpoint_id: int = _big()
    authority: str = _text(nullable=False)
    stamp: bytes = _bytes(nullable=False)
    stamped_at: datetime = _time()
    received_at: datetime = _time()


class LogRunRow(Row, table=True):
    """Entries of the log that were appended at once: commitments to rows, in the order of commit.

    `seq` is the number of the last of these rows (of a scan its `seq`), `start` how many entries
    are before. `entries` holds number, kind and commitment of each, `openings` the salt by which
    that is computed again; a redaction replaces it by what opens the columns that are left.
    """

    seq: int = _key()
    start: int = _big()
    entries: bytes = _bytes(nullable=False)
    openings: bytes = _bytes(nullable=False)


class LogTileRow(Row, table=True):
    """The root of a full tile below `level`, and the last `seq` that it covers."""

    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    number: int = _key()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    last_seq: int = _big()


RECORD = tuple(
    """
    origin capture scan observation certificate transfer foreign_record wording derivation
    verdict relation relation_undone lineage lineage_undone noise_step noise_step_undone
    refusal redaction restriction restriction_lifted log_key log_checkpoint log_cosignature
    log_stamp log_run log_tile
    """.split()  # noqa: SIM905
)
"""The tables whose rows are never updated or deleted."""

LOGGED = tuple(name for name in RECORD if name not in {"log_run", "log_tile"})
"""The tables of which every row has an entry in the log."""

_TEXTS: dict[str, tuple[str, ...]] = {
    "capture": ("data", "digest"),
    "observation": ("hints", "note"),
    "transfer": ("request", "response_headers", "rights"),
    "foreign_record": ("head", "opening", "name", "digest", "payload_digest"),
    "wording": ("title", "text", "digest"),
    "derivation": ("detail", "raw_output", "publisher", "context"),
    "refusal": ("message",),
}
_ADDRESSES: dict[str, tuple[str, ...]] = {
    "origin": ("origin", "public_id"),
    "transfer": ("address", "hops"),
    "refusal": ("locator",),
}

EMPTIED: dict[str, tuple[str, tuple[str, ...]]] = {
    **{table: (table, names) for table, names in _TEXTS.items()},
    **{f"{table}_address": (table, names) for table, names in _ADDRESSES.items()},
}
"""Which columns of which table a redaction empties, by what it names in `table_name`."""

ERASABLE: dict[str, tuple[str, ...]] = {
    table: (*_TEXTS.get(table, ()), *_ADDRESSES.get(table, ()))
    for table in {**_TEXTS, **_ADDRESSES}
}
"""The columns that a redaction may empty, by table.

They become null; what must not be null becomes what `storage.values.redaction` says.
"""

# ----------------------------------------------------------------------------------- state


class CounterRow(Row, table=True):
    """The last number given out; whoever holds the row writes, the others wait."""

    name: str = Field(primary_key=True, max_length=16)
    value: int = _big()


class ArchiveRow(Row, table=True):
    """Facts about the archive itself: its id, when it was made."""

    key: str = Field(primary_key=True, max_length=32)
    value: str = _text(nullable=False)


class SourceRow(Row, table=True):
    """A place that is watched (`standing`) or was ingested once by hand."""

    id: int = _key()
    name: str = Field(sa_column=Column(String(200), nullable=False, unique=True))
    kind: str = Field(max_length=16)
    locator: str = _text(nullable=False)
    standing: bool
    paused: bool = False
    every_seconds: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    cron: str | None = Field(default=None, max_length=120)
    timezone: str | None = Field(default=None, max_length=64)
    options: Any = _json()
    created_at: datetime = _time()
    removed_at: datetime | None = _time(nullable=True)
    places: int = 0


class JobRow(Row, table=True):
    """A unit of work; this row is the truth, a broker carries only a wake-up for it.

    Open ones are found by an index of their own, in their order (`OPEN`).
    `run_after`, `lease_until` and `woken_at` are seconds since 1970 by the database's clock.
    """

    __table_args__ = (
        UniqueConstraint("source_id", "slot"),
        Index("job_by_parent", "parent_id"),
        Index(
            "job_open",
            "id",
            "state",
            "kind",
            "run_after",
            "lease_until",
            sqlite_where=text("state IN ('ready', 'running')"),
            postgresql_where=text("state IN ('ready', 'running')"),
        ),
    )
    id: int = _key()
    seq: int = _big()
    kind: str = Field(max_length=16)
    source_id: int | None = _big(nullable=True)
    parent_id: int | None = _big(nullable=True)
    state: str = Field(max_length=16)
    trigger: str = Field(max_length=16)
    slot: str | None = Field(default=None, max_length=40)
    single: bool = False
    attempts: int = 0
    arguments: Any = _json()
    run_after: float = Field(sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    woken_at: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    token: str | None = Field(default=None, max_length=200)
    created_at: datetime = _time()
    started_at: datetime | None = _time(nullable=True)
    finished_at: datetime | None = _time(nullable=True)
    reason: str | None = _text()
    new_articles: int = 0
    new_versions: int = 0
    unchanged: int = 0
    copies: int = 0
    refused: int = 0
    failed: int = 0
    gone: int = 0
    passed_over: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class PresenceRow(Row, table=True):
    """How a file, or a record in it, was found last in a watched folder.

    `refused` says that its last look did not end in an article: unchanged, it is not read again.
    A container (JSONL, CSV, archive) has a row without an observation; `captures` counts what a
    web archive holds, which has no rows of its own. `place_id` names the file itself,
    `locator_id` the origin of what it holds: they differ where a file is gzipped.
    """

    __table_args__ = (
        Index("presence_by_observation", "observation_id"),
        Index("presence_by_locator", "source_id", "locator_id"),
    )
    source_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    place_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    locator_id: int = _big()
    ordinal: int
    path: str = _text(nullable=False)
    member: str = _text(nullable=False)
    container: bool = False
    size: int = _big()
    mtime_ns: int = _big()
    ctime_ns: int = _big()
    inode: int = _big()
    digest: bytes | None = _bytes()
    observation_id: int | None = _big(nullable=True)
    job_id: int | None = _big(nullable=True)
    gone: bool = False
    refused: bool = False
    captures: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class HostRow(Row, table=True):
    """How a server is to be treated, shared by all workers; `key` is SCHEME://HOST:PORT.

    Until `next_at` (by the clock of the database) it is left alone by its pace, until
    `retry_until` because it asked for it or failed, as `retry_note` says; `delay` is what its
    robots.txt asks for, in seconds.
    """

    key: str = Field(primary_key=True, max_length=300)
    next_at: datetime | None = _time(nullable=True)
    retry_until: datetime | None = _time(nullable=True)
    retry_note: str | None = _text()
    delay: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    failures: int = 0
    robots_status: int | None = None
    robots_body: bytes | None = _bytes()
    robots_note: str | None = _text()
    robots_fetched_at: datetime | None = _time(nullable=True)


class WatchRow(Row, table=True):
    """An address that a source looks at again and again, and how it was found last.

    `kind` is what stands there: page, feed, sitemap, list, or web where that is not known yet.
    `observation_id` and `capture_id` are of the last bytes that were of use, which `etag` and
    `last_modified` name at the place `final_id`, to which redirects led. `moved_to` is asked
    instead of `address` once a redirect said that it is for good. `listed_by` is the feed that
    named the address, `guid` and `hints` what the feed said of it. `job_id` is the open job that
    is to check it.
    """

    __table_args__ = (
        Index("watch_due", "source_id", "next_check"),
        Index(
            "watch_next",
            "next_check",
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
        Index("watch_by_list", "listed_by"),
        Index("watch_by_guid", "source_id", "guid"),
    )
    source_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    origin_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    address: str = _text(nullable=False)
    kind: str = Field(max_length=16)
    active: bool = True
    etag: str | None = _text()
    last_modified: str | None = _text()
    observation_id: int | None = _big(nullable=True)
    capture_id: int | None = _big(nullable=True)
    final_id: int | None = _big(nullable=True)
    moved_to: str | None = _text()
    job_id: int | None = _big(nullable=True)
    outcome: str | None = Field(default=None, max_length=24)
    interval_seconds: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    quiet: int = 0
    failures: int = 0
    next_check: datetime | None = _time(nullable=True)
    checked_at: datetime | None = _time(nullable=True)
    reached_at: datetime | None = _time(nullable=True)
    changed_at: datetime | None = _time(nullable=True)
    listed_by: int | None = _big(nullable=True)
    listed_at: datetime | None = _time(nullable=True)
    guid: str | None = _text()
    hints: Any = _json()


class ArticleRow(Row, table=True):
    """What stands at one origin, or at several that were joined, through time.

    `content_at` is the time of the last observation that had a wording, `last_seen` counts the
    scans that confirmed it too, `latest_at` is the last observation of any outcome.
    """

    id: int = _key()
    seq: int = _big()
    public_id: str = Field(max_length=32, index=True)
    origin_id: int = _big()
    source_id: int = _big()
    state: str = Field(max_length=16)
    versions: int
    head_version_id: int | None = _big(nullable=True)
    first_seen: datetime = _time()
    last_seen: datetime = _time()
    content_at: datetime = _time()
    latest_at: datetime = _time()


class ArticleOriginRow(Row, table=True):
    """Which article answers for an origin."""

    origin_id: int = _key()
    article_id: int = _big(index=True)


class SnapshotRow(Row, table=True):
    """What one observation turned out to be once it was read.

    `seq` is the top of a block of `SNAPSHOT_BLOCK` numbers.
    """

    __tablename__ = "sight"
    __table_args__ = (
        Index("sight_by_article", "article_id", "observed_at"),
        Index("sight_by_locator", "locator_id", "observation_id"),
        Index(
            "sight_gone",
            "observation_id",
            sqlite_where=text("outcome = 'gone'"),
            postgresql_where=text("outcome = 'gone'"),
        ),
    )
    observation_id: int = _key()
    seq: int = _big()
    article_id: int = _big()
    origin_id: int = _big()
    locator_id: int = _big()
    address_id: int | None = _big(nullable=True, index=True)
    source_id: int = _big()
    observed_at: datetime = _time()
    is_foreign: bool
    outcome: str = Field(max_length=24)
    wording_id: int | None = _big(nullable=True)
    derivation_id: int | None = _big(nullable=True)
    version: int | None = None


class VersionRow(Row, table=True):
    """A run of one wording in one article: a cache of `storage.history.runs`.

    `seq` is the top of a block of `FIELD_BLOCK` numbers, one for each row of the view `fields`.
    `before_id` and `after_id` are the derivations that the change was told by: of the last snapshot
    before it and of its first, by one reader where two read them. `noise` is what was left out
    of it, `notices` are those that came with it, each with the version that it speaks of.
    `method` numbers the rules that it was told by (`storage.diff.change.METHOD`), 0 for older ones.
    """

    __table_args__ = (
        UniqueConstraint("article_id", "number"),
        Index("version_by_wording", "wording_id"),
        Index(
            "version_by_change",
            "changed_by",
            "id",
            sqlite_where=text("number > 1"),
            postgresql_where=text("number > 1"),
        ),
        # what goes by blocks leaves PostgreSQL its cheap updates, though each changes the `seq`
        Index("version_by_seq", "seq", postgresql_using="brin"),
    )
    id: int = _key()
    seq: int = _big()
    article_id: int = _big()
    number: int
    wording_id: int = _big()
    derivation_id: int = _big()
    observation_id: int = _big()
    changed_after: datetime | None = _time(nullable=True)
    changed_by: datetime = _time()
    last_seen: datetime = _time()
    changes: Any = _json(nullable=False)
    silent: bool | None = None
    words_added: int = 0
    words_removed: int = 0
    removed: Any = _json()
    added: Any = _json()
    before_id: int | None = _big(nullable=True)
    after_id: int | None = _big(nullable=True)
    noise: Any = _json()
    notices: Any = _json()
    method: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="0"))


class BoilerplateDueRow(Row, table=True):
    """A paragraph that came or went as a whole, and may turn out to be boilerplate of its site.

    `site` and `fingerprint` are 63 bits of a digest; the step is that between two derivations of
    the article. Once enough other articles of the site have the paragraph, it is told anew.
    """

    __tablename__ = "box_due"
    __table_args__ = (Index("box_due_by_article", "article_id"),)
    site: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    fingerprint: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    article_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    a_derivation_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    b_derivation_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))


class ReturnDueRow(Row, table=True):
    """An article in which a scan that finds the file unchanged may do more than prolong a version.

    An imported capture is newer than the last look at a file of `source_id` that says something
    else: the next scan makes that a version again.
    """

    article_id: int = _key()
    source_id: int = _big(index=True)


class IndexKeyRow(Row, table=True):
    """A number under which a wording is found by what it shares (`storage.similarity.index_keys`).

    `day` counts days since the year 1, 0 where none is known. No index key has more than a few
    rows: what stands in many texts leads nobody anywhere. On PostgreSQL the index is by `trace`
    alone, a third smaller: rows are added under a lock, once for each wording.
    """

    __tablename__ = "trace"
    __table_args__ = ({"sqlite_with_rowid": False},)
    trace: int = _key()
    wording_id: int = _key()
    day: int


class RelateDueRow(Row, table=True):
    """A new wording that is still to be compared; `found` are the wordings that it met.

    Null for one that was kept before there were index keys: it has to leave its own first.
    """

    wording_id: int = _key()
    found: Any = _json()
    recorded_at: datetime = _time()


class ClusterRow(Row, table=True):
    """Articles that copies join, with how many they are; `label` is what is printed."""

    id: int = _key()
    label: str = Field(max_length=32)
    size: int


class ClusterMemberRow(Row, table=True):
    """Which cluster an article belongs to."""

    article_id: int = _key()
    cluster_id: int = _big(index=True)


class StampRequestRow(Row, table=True):
    """How often an authority gave no stamp since it last did, why, and when it is asked again."""

    authority: str = Field(primary_key=True, max_length=120)
    attempts: int
    next_at: datetime = _time()
    reason: str | None = _text()


class AccessTokenRow(Row, table=True):
    """A token by which work can be ordered over HTTP: its digest, never itself."""

    id: int = _key()
    name: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    scope: str = Field(max_length=16)
    created_at: datetime = _time()
    revoked_at: datetime | None = _time(nullable=True)


class AlertRow(Row, table=True):
    """Which steps somebody wants to hear of; `rule` says which (`storage.history.alerts.rule`).

    Steps up to the `seq` in `cursor` were looked at. What was read before `since` is old news.
    `daily_at` is the time of a digest (HH:MM in `timezone`), null where messages go at once.
    """

    id: int = _key()
    name: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    rule: Any = _json(nullable=False)
    daily_at: str | None = Field(default=None, max_length=5)
    timezone: str = Field(max_length=64)
    cursor: int = _big()
    since: int = _big()
    paused: bool = False
    created_at: datetime = _time()


class AlertChannelRow(Row, table=True):
    """Where an alert goes: `target` is an address, or where it is read from (`@FILE`, `$NAME`).

    `secrets` are the keys that sign a webhook, the newest first.
    """

    __table_args__ = (UniqueConstraint("alert_id", "kind", "target"),)
    id: int = _key()
    alert_id: int = _big()
    kind: str = Field(max_length=16)
    target: str = _text(nullable=False)
    secrets: Any = _json()


class AlertDeliveryRow(Row, table=True):
    """One step on its way through one channel of an alert; there is never a second one.

    The step is that to the `occurrence`-th version of the article with that wording, which says
    the same whatever comes in late; `before_id` is the wording before it. `message_id` names the
    delivery after which the message is called that carries this one. `next_at` and
    `lease_until` are seconds since 1970 by the database's clock. No text of an article is here.
    """

    __table_args__ = (
        UniqueConstraint("alert_id", "article_id", "wording_id", "occurrence", "channel_id"),
        Index(
            "alert_delivery_open",
            "channel_id",
            "next_at",
            sqlite_where=text("state IN ('waiting', 'failed')"),
            postgresql_where=text("state IN ('waiting', 'failed')"),
        ),
    )
    id: int = _key()
    alert_id: int = _big()
    channel_id: int = _big()
    kind: str = Field(max_length=16)
    article_id: int = _big()
    wording_id: int = _big()
    before_id: int | None = _big(nullable=True)
    occurrence: int
    version: int
    why: Any = _json(nullable=False)
    state: str = Field(max_length=16)
    attempts: int = 0
    next_at: float = Field(sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    token: str | None = Field(default=None, max_length=200)
    message_id: int | None = _big(nullable=True)
    note: str | None = _text()
    made_at: datetime = _time()
    sent_at: datetime | None = _time(nullable=True)


class SuppressionRow(Row, table=True):
    """Something that was redacted and must not come back, by a digest with the archive's salt.

    `kind` says what of: `raw` of bytes, `w1` of a wording, `passage` of `words` words in a row,
    `title` of a title at an address, `address` of an address itself. `act_id` is the redaction
    that took it, of an address that of its origin.
    """

    digest: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    kind: str = Field(max_length=16)
    words: int = 0
    act_id: int = _big()


class SearchDueRow(Row, table=True):
    """A wording that full text does not know yet."""

    wording_id: int = _key()
    language: str | None = Field(default=None, max_length=16)


METADATA = SQLModel.metadata

ACCESS_TOKEN = METADATA.tables["access_token"]
ALERT = METADATA.tables["alert"]
ALERT_CHANNEL = METADATA.tables["alert_channel"]
ALERT_DELIVERY = METADATA.tables["alert_delivery"]
ARCHIVE = METADATA.tables["archive"]
ARTICLE = METADATA.tables["article"]
ARTICLE_ORIGIN = METADATA.tables["article_origin"]
BOILERPLATE_DUE = METADATA.tables["box_due"]
CAPTURE = METADATA.tables["capture"]
CERTIFICATE = METADATA.tables["certificate"]
CLUSTER = METADATA.tables["cluster"]
CLUSTER_MEMBER = METADATA.tables["cluster_member"]
COUNTER = METADATA.tables["counter"]
DERIVATION = METADATA.tables["derivation"]
FOREIGN_RECORD = METADATA.tables["foreign_record"]
HOST = METADATA.tables["host"]
INDEX_KEY = METADATA.tables["trace"]
JOB = METADATA.tables["job"]
LINEAGE = METADATA.tables["lineage"]
LINEAGE_UNDONE = METADATA.tables["lineage_undone"]
LOG_CHECKPOINT = METADATA.tables["log_checkpoint"]
LOG_COSIGNATURE = METADATA.tables["log_cosignature"]
LOG_RUN = METADATA.tables["log_run"]
LOG_KEY = METADATA.tables["log_key"]
LOG_STAMP = METADATA.tables["log_stamp"]
LOG_TILE = METADATA.tables["log_tile"]
NOISE_STEP = METADATA.tables["noise_step"]
NOISE_STEP_UNDONE = METADATA.tables["noise_step_undone"]
OBSERVATION = METADATA.tables["observation"]
ORIGIN = METADATA.tables["origin"]
PRESENCE = METADATA.tables["presence"]
REDACTION = METADATA.tables["redaction"]
REFUSAL = METADATA.tables["refusal"]
RELATE_DUE = METADATA.tables["relate_due"]
RELATION = METADATA.tables["relation"]
RELATION_UNDONE = METADATA.tables["relation_undone"]
RESTRICTION = METADATA.tables["restriction"]
RESTRICTION_LIFTED = METADATA.tables["restriction_lifted"]
RETURN_DUE = METADATA.tables["return_due"]
SCAN = METADATA.tables["scan"]
SEARCH_DUE = METADATA.tables["search_due"]
SNAPSHOT = METADATA.tables["sight"]
SOURCE = METADATA.tables["source"]
STAMP_REQUEST = METADATA.tables["stamp_request"]
SUPPRESSION = METADATA.tables["suppression"]
TRANSFER = METADATA.tables["transfer"]
VERDICT = METADATA.tables["verdict"]
VERSION = METADATA.tables["version"]
WATCH = METADATA.tables["watch"]
WORDING = METADATA.tables["wording"]

READY: ColumnElement[str] = literal_column("'ready'")
RUNNING: ColumnElement[str] = literal_column("'running'")
"""States of a job as literals: for a parameter, which could be any, its index is of no use."""
OPEN = JOB.c.state.in_([READY, RUNNING])
"""That a job is open, in the words of the index `job_open`.

SQLite takes that index only where nothing else is asked of the state beside it: a job that runs has
a `lease_until`, one that is ready has none.
"""
