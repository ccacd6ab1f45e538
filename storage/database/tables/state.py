"""The state: tables that can be rebuilt from the record, or entered again."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlmodel import Field

from storage.database.tables.row import (
    BIG,
    Row,
    big_column,
    bytes_column,
    json_column,
    key_column,
    partial_index,
    text_column,
    time_column,
)


class CounterRow(Row, table=True):
    """The last assigned number; the lock of this row is the write lock."""

    name: str = Field(primary_key=True, max_length=16)
    value: int = big_column()


class ArchiveRow(Row, table=True):
    """Facts about the archive itself, such as its id and time of creation."""

    key: str = Field(primary_key=True, max_length=32)
    value: str = text_column(nullable=False)


class SourceRow(Row, table=True):
    """A watched place (`standing`), or a place ingested by hand."""

    id: int = key_column()
    name: str = Field(sa_column=Column(String(200), nullable=False, unique=True))
    kind: str = Field(max_length=16)
    locator: str = text_column(nullable=False)
    standing: bool
    paused: bool = False
    every_seconds: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    cron: str | None = Field(default=None, max_length=120)
    timezone: str | None = Field(default=None, max_length=64)
    options: Any = json_column()
    created_at: datetime = time_column()
    removed_at: datetime | None = time_column(nullable=True)
    places: int = 0


class JobRow(Row, table=True):
    """A unit of work; this row is authoritative, a broker carries only a wake-up for it.

    A partial index contains the open ones in order (`OPEN`).
    `run_after`, `lease_until` and `woken_at` are seconds since 1970 by the database's clock;
    `woken_at` is the last wake-up of a ready job and the last beat of a running one.
    """

    __table_args__ = (
        UniqueConstraint("source_id", "slot"),
        Index("job_by_parent", "parent_id"),
        partial_index(
            "job_open",
            "id",
            "state",
            "kind",
            "run_after",
            "lease_until",
            where="state IN ('ready', 'running')",
        ),
    )
    id: int = key_column()
    seq: int = big_column()
    kind: str = Field(max_length=16)
    source_id: int | None = big_column(nullable=True)
    parent_id: int | None = big_column(nullable=True)
    state: str = Field(max_length=16)
    trigger: str = Field(max_length=16)
    slot: str | None = Field(default=None, max_length=40)
    single: bool = False
    attempts: int = 0
    arguments: Any = json_column()
    run_after: float = Field(sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    woken_at: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    token: str | None = Field(default=None, max_length=200)
    created_at: datetime = time_column()
    started_at: datetime | None = time_column(nullable=True)
    finished_at: datetime | None = time_column(nullable=True)
    reason: str | None = text_column()
    new_articles: int = 0
    new_versions: int = 0
    unchanged: int = 0
    noise: int = 0
    copies: int = 0
    refused: int = 0
    failed: int = 0
    gone: int = 0
    passed_over: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    unconfirmed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class PresenceRow(Row, table=True):
    """The last known state of a file, or of a record in it, in a watched folder.

    `refused`: the last check did not result in an article; an unchanged file is not read again.
    A container (JSONL, CSV, archive) has a row without an observation; `captures` is the number of
    captures in a web archive, which have no rows of their own. `place_id` is the file itself,
    `locator_id` the origin of its content: they differ for a gzipped file. `missing_since` is the
    first of the scans that were held back because most files of the source were missing, this one
    included.
    """

    __table_args__ = (
        Index("presence_by_observation", "observation_id"),
        Index("presence_by_locator", "source_id", "locator_id"),
        partial_index("presence_missing", "source_id", where="missing_since IS NOT NULL"),
    )
    source_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    place_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    locator_id: int = big_column()
    ordinal: int
    path: str = text_column(nullable=False)
    member: str = text_column(nullable=False)
    container: bool = False
    size: int = big_column()
    mtime_ns: int = big_column()
    ctime_ns: int = big_column()
    inode: int = big_column()
    digest: bytes | None = bytes_column()
    observation_id: int | None = big_column(nullable=True)
    job_id: int | None = big_column(nullable=True)
    gone: bool = False
    refused: bool = False
    captures: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    missing_since: datetime | None = time_column(nullable=True)


class HostRow(Row, table=True):
    """State of a server, shared by all workers; `key` is SCHEME://HOST:PORT.

    No request is sent until `next_at` (by the clock of the database) because of the pace, and until
    `retry_until` because of a failure or a request of the server, see `retry_note`; `delay` is the
    crawl delay of its robots.txt in seconds.
    """

    key: str = Field(primary_key=True, max_length=300)
    next_at: datetime | None = time_column(nullable=True)
    retry_until: datetime | None = time_column(nullable=True)
    retry_note: str | None = text_column()
    delay: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    failures: int = 0
    robots_status: int | None = None
    robots_body: bytes | None = bytes_column()
    robots_note: str | None = text_column()
    robots_fetched_at: datetime | None = time_column(nullable=True)


class RightsFileRow(Row, table=True):
    """The last answer for a file with declarations by location: tdmrep.json or an RSL document.

    `host_key` is the server of the site that it is about, `rules` pairs of a pattern and a
    declaration.
    """

    host_key: str = Field(primary_key=True, max_length=300)
    address: str = Field(primary_key=True, max_length=1000)
    status: int | None = None
    rules: Any = json_column(nullable=False)
    fetched_at: datetime = time_column()


class WatchRow(Row, table=True):
    """An address that a source checks repeatedly, and its last known state.

    `kind` is the content: page, feed, sitemap, list, or web if unknown. `observation_id` and
    `capture_id` are of the last useful bytes, identified by `etag` and `last_modified` at
    `final_id`, the end of the redirects. `moved_to` is requested instead of `address` after a
    permanent redirect. `listed_by` is the feed with the address, `guid` and `hints` come from that
    feed. `job_id` is the open job that checks it.
    """

    __table_args__ = (
        Index("watch_due", "source_id", "next_check"),
        partial_index("watch_next", "next_check", where="active"),
        Index("watch_by_list", "listed_by"),
        Index("watch_by_guid", "source_id", "guid"),
    )
    source_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    origin_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    address: str = text_column(nullable=False)
    kind: str = Field(max_length=16)
    active: bool = True
    etag: str | None = text_column()
    last_modified: str | None = text_column()
    observation_id: int | None = big_column(nullable=True)
    capture_id: int | None = big_column(nullable=True)
    final_id: int | None = big_column(nullable=True)
    moved_to: str | None = text_column()
    job_id: int | None = big_column(nullable=True)
    outcome: str | None = Field(default=None, max_length=24)
    interval_seconds: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    quiet: int = 0
    failures: int = 0
    next_check: datetime | None = time_column(nullable=True)
    checked_at: datetime | None = time_column(nullable=True)
    reached_at: datetime | None = time_column(nullable=True)
    changed_at: datetime | None = time_column(nullable=True)
    listed_by: int | None = big_column(nullable=True)
    listed_at: datetime | None = time_column(nullable=True)
    guid: str | None = text_column()
    hints: Any = json_column()


class CorrectedScanRow(Row, table=True):
    """The corrected start of a scan during which the archive's time ran ahead.

    `seq` replaces the `seq` of the scan: the rows that it confirms have changed.
    """

    scan_id: int = key_column()
    seq: int = big_column()
    started_at: datetime = time_column()


class RenewalRow(Row, table=True):
    """The number of a row of the record since its rows in the views changed.

    The columns `seq` of the views count it: see `storage.history.renewals`.
    """

    table_name: str = Field(primary_key=True, max_length=16)
    row_id: int = key_column()
    seq: int = big_column()


class ArticleRow(Row, table=True):
    """The content of one origin, or of several joined ones, over time.

    `content_at` is the time of the last observation with a wording, `last_seen` includes the
    confirming scans, `latest_at` is the last observation of any outcome.
    """

    id: int = key_column()
    seq: int = big_column()
    public_id: str = Field(max_length=32, index=True)
    origin_id: int = big_column()
    source_id: int = big_column()
    state: str = Field(max_length=16)
    versions: int
    head_version_id: int | None = big_column(nullable=True)
    first_seen: datetime = time_column()
    last_seen: datetime = time_column()
    content_at: datetime = time_column()
    latest_at: datetime = time_column()


class ArticleOriginRow(Row, table=True):
    """The article of an origin."""

    origin_id: int = key_column()
    article_id: int = big_column(index=True)


class SnapshotRow(Row, table=True):
    """The outcome of one observation of an article.

    `seq` is the top of a block of `SNAPSHOT_BLOCK` numbers.
    """

    __table_args__ = (
        Index("snapshot_by_article", "article_id", "observed_at"),
        Index("snapshot_by_locator", "locator_id", "observation_id"),
        Index("snapshot_by_origin", "origin_id", "observation_id"),
        partial_index("snapshot_gone", "observation_id", where="outcome = 'gone'"),
    )
    observation_id: int = key_column()
    seq: int = big_column()
    article_id: int = big_column()
    origin_id: int = big_column()
    locator_id: int = big_column()
    address_id: int | None = big_column(nullable=True, index=True)
    source_id: int = big_column()
    observed_at: datetime = time_column()
    is_foreign: bool
    outcome: str = Field(max_length=24)
    wording_id: int | None = big_column(nullable=True)
    derivation_id: int | None = big_column(nullable=True)
    version: int | None = None


class VersionRow(Row, table=True):
    """A run of one wording in one article: computed by `storage.history.runs`.

    `seq` is the top of a block of `FIELD_BLOCK` numbers, one for each row of the view `fields`.
    `before_id` and `after_id` are the derivations that were compared: of the last snapshot
    before it and of its first, by one extractor if available. `noise` is the excluded noise,
    `notices` are its correction notices, each with the version that it refers to.
    `entries` are the changes of entries of a live blog, all of them for a first version.
    `method` numbers the rules of comparison (`storage.diff.change.METHOD`), 0 for older ones.
    `confirmed_id` is the number of the act that confirmed its text, if it was held back before.
    """

    __table_args__ = (
        UniqueConstraint("article_id", "number"),
        Index("version_by_wording", "wording_id"),
        partial_index("version_by_change", "changed_by", "id", where="number > 1"),
        # a block range index leaves PostgreSQL its cheap updates, though each changes the `seq`
        Index("version_by_seq", "seq", info={"using": "brin"}),
    )
    id: int = key_column()
    seq: int = big_column()
    article_id: int = big_column()
    number: int
    wording_id: int = big_column()
    derivation_id: int = big_column()
    observation_id: int = big_column()
    changed_after: datetime | None = time_column(nullable=True)
    changed_by: datetime = time_column()
    last_seen: datetime = time_column()
    changes: Any = json_column(nullable=False)
    silent: bool | None = None
    words_added: int = 0
    words_removed: int = 0
    removed: Any = json_column()
    added: Any = json_column()
    before_id: int | None = big_column(nullable=True)
    after_id: int | None = big_column(nullable=True)
    noise: Any = json_column()
    notices: Any = json_column()
    entries: Any = json_column()
    method: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    confirmed_id: int | None = big_column(nullable=True)


class ChangeEventRow(Row, table=True):
    """A row of the change feed: a change, what became different of it, or its withdrawal.

    `kind` is change, update or withdrawn, `what` the names of an update. The change is that to the
    `occurrence`-th version of the article with that wording; `origin_id` is the address that the
    article was named after. Rows are only added: a reader has seen the earlier ones. `recorded_at`
    is null in rows of an older schema.
    """

    __table_args__ = (Index("change_event_by_article", "article_id", "wording_id"),)
    id: int = key_column()
    article_id: int = big_column()
    origin_id: int = big_column()
    wording_id: int = big_column()
    occurrence: int
    kind: str = Field(max_length=16)
    what: Any = json_column(nullable=False)
    changed_after: datetime | None = time_column(nullable=True)
    changed_by: datetime = time_column()
    recorded_at: datetime | None = time_column(nullable=True)


class BoilerplateDueRow(Row, table=True):
    """A removed or added paragraph that may turn out to be boilerplate of its site.

    `site` and `fingerprint` are 63 bits of a digest; the step is that between two derivations of
    the article. Once enough other articles of the site have the paragraph, it is decided again.
    """

    __table_args__ = (Index("boilerplate_due_by_article", "article_id"),)
    site: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    fingerprint: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    article_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    a_derivation_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    b_derivation_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))


class RebuildDueRow(Row, table=True):
    """An article whose versions the next scan with an unchanged file may change.

    An imported capture is newer than the last check of a file of `source_id` with another text:
    the next scan makes that text a version again.
    """

    article_id: int = key_column()
    source_id: int = big_column(index=True)


class IndexKeyRow(Row, table=True):
    """A number that finds similar wordings (`storage.similarity.index_keys`).

    `day` counts days since the year 1, 0 if unknown. No index key has more than a few rows: keys
    in many texts do not identify a source. On PostgreSQL the index contains `key` only, which
    makes it a third smaller: rows are added under a lock, once for each wording.
    """

    __table_args__ = ({"sqlite_with_rowid": False},)
    key: int = key_column()
    wording_id: int = key_column()
    day: int


class RelationDueRow(Row, table=True):
    """A new wording to compare with others; `found` are its candidates.

    Null if its index keys have to be added first.
    """

    wording_id: int = key_column()
    found: Any = json_column()
    recorded_at: datetime = time_column()


class ClusterRow(Row, table=True):
    """Articles connected by copies, and their number; `label` is displayed."""

    id: int = key_column()
    label: str = Field(max_length=32)
    size: int


class ClusterMemberRow(Row, table=True):
    """The cluster of an article."""

    article_id: int = key_column()
    cluster_id: int = big_column(index=True)


class SuppressionRow(Row, table=True):
    """Redacted content that must not return, as a digest with the archive's salt.

    `kind` is the content: `raw` bytes, `w1` a wording, `passage` a passage at an address, `title` a
    title of `words` words at an address, `address` an address itself. `form` states of a passage
    the number of its letters, their keyed sum, where words end, and whether only whole words match;
    passages from before schema 0015 have a number of `words` instead. `act_id` is the redaction,
    for an address that of its origin.
    """

    digest: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    kind: str = Field(max_length=16)
    words: int = 0
    form: Any = json_column()
    act_id: int = big_column()


class SearchDueRow(Row, table=True):
    """A wording that is not in the full-text index yet."""

    wording_id: int = key_column()
    language: str | None = Field(default=None, max_length=16)
