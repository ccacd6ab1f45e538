"""The documented views as SQLModel classes, for any SQLAlchemy session.

`docs/sql.md` describes their columns. Times are in UTC, and JSON values are lists, dicts or text.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from storage.database.columns import JSON_TYPE, UtcTime

Number = Annotated[int, Field(sa_type=BigInteger)]
NumberKey = Annotated[int, Field(sa_type=BigInteger, primary_key=True)]
TextKey = Annotated[str, Field(primary_key=True)]
Time = Annotated[datetime, Field(sa_type=UtcTime)]
TimeKey = Annotated[datetime, Field(sa_type=UtcTime, primary_key=True)]
OptionalNumber = Annotated[int | None, Field(sa_type=BigInteger)]
OptionalTime = Annotated[datetime | None, Field(sa_type=UtcTime)]
Words = Annotated[list[str], Field(sa_type=JSON_TYPE)]
Json = Annotated[Any, Field(sa_type=JSON_TYPE, nullable=True)]


class View(SQLModel, registry=registry()):
    """Base class of the views; it shares no tables with other SQLModel classes."""

    __tablename__: ClassVar[str]


class Article(View, table=True):
    """An article, with the title and the dates of its latest version."""

    __tablename__ = "articles"
    seq: Number
    article: TextKey
    id: str
    origin: str
    origins: Words
    source: str
    title: str | None
    published: str | None
    published_precision: str | None
    published_from: OptionalTime
    published_to: OptionalTime
    language: str | None
    publisher: str | None
    versions: int
    state: str
    first_seen: Time
    last_seen: Time
    cluster: str | None


class Version(View, table=True):
    """A version of an article, with its complete text."""

    __tablename__ = "versions"
    seq: Number
    article: TextKey
    version: NumberKey
    wording: str
    title: str | None
    text: str | None
    language: str | None
    authors: Json
    publisher: str | None
    section: str | None
    tags: Json
    published: str | None
    published_precision: str | None
    published_from: OptionalTime
    published_to: OptionalTime
    modified: str | None
    modified_precision: str | None
    word_count: int | None
    flags: Words
    changed_after: OptionalTime
    changed_by: Time
    first_seen: Time
    last_seen: Time
    raw_digest: str | None


class VersionField(View, table=True):
    """A metadata value of a version."""

    __tablename__ = "fields"
    seq: Number
    article: TextKey
    version: NumberKey
    name: TextKey
    value: Json
    found_in: str | None
    confidence: float | None
    candidates: Json


class Change(View, table=True):
    """A change from one version of an article to the next."""

    __tablename__ = "changes"
    seq: Number
    article: TextKey
    version: NumberKey
    wording: str
    changed_after: OptionalTime
    changed_by: Time
    first_seen: Time
    last_seen: Time
    title: str | None
    changes: Words
    silent: bool | None
    words_added: int
    words_removed: int
    removed: Words
    added: Words
    noise: Json
    notices: Json
    method: int


class EntryEvent(View, table=True):
    """What happened to one entry of a live blog in the step to a version."""

    __tablename__ = "entries"
    seq: Number
    article: TextKey
    version: NumberKey
    entry: TextKey
    event: TextKey
    entry_before: str | None
    time: str | None
    headline: str | None
    text: str | None
    changed_after: OptionalTime
    changed_by: Time


class Observation(View, table=True):
    """A check of an origin."""

    __tablename__ = "observations"
    seq: Number
    article: str | None
    origin: TextKey
    observed_at: TimeKey
    recorded_at: Time
    foreign: bool
    outcome: TextKey
    http_status: int | None
    version: OptionalNumber
    wording: str | None
    raw_digest: str | None
    note: str | None
    checks: OptionalNumber
    until: OptionalTime


class Relation(View, table=True):
    """A relation between two articles."""

    __tablename__ = "relations"
    seq: Number
    id: NumberKey
    a: str | None
    b: str | None
    kind: str
    score: float
    method: str
    threshold: float
    earlier: str
    agency: str | None
    decided_at: Time
    undone_at: OptionalTime


class Noise(View, table=True):
    """A difference between two wordings that created no version."""

    __tablename__ = "noise"
    seq: Number
    id: NumberKey
    article: str | None
    rules: Words
    wording_before: str
    wording_after: str
    observed_at: OptionalTime
    method: str
    decided_at: Time
    undone_at: OptionalTime


class Address(View, table=True):
    """An address of an article."""

    __tablename__ = "addresses"
    seq: Number
    article: TextKey
    origin: TextKey
    first_seen: OptionalTime
    last_seen: OptionalTime
    redirected_since: OptionalTime
    redirected_until: OptionalTime
    joined_by: str | None
    joined_to: str | None
    joined_at: OptionalTime
    lineage: OptionalNumber
    undone_at: OptionalTime


class Transfer(View, table=True):
    """An exchange with a server, or an imported one."""

    __tablename__ = "transfers"
    seq: NumberKey
    article: str | None
    origin: str
    observed_at: Time
    foreign: bool
    address: str
    http_status: int | None
    hops: Json
    request: Json
    response_headers: Json
    peer: str | None
    tls_version: str | None
    certificate: str | None
    duration_ms: OptionalNumber
    wire_bytes: OptionalNumber
    body_encoding: str | None
    rights: Json


class RightsDeclaration(View, table=True):
    """A declaration about the use of a text, with the period in which it was seen."""

    __tablename__ = "rights"
    seq: Number
    article: str | None
    origin: TextKey
    found_in: TextKey
    protocol: str
    name: TextKey
    value: TextKey
    machine_readable: bool
    changed_after: OptionalTime
    first_seen: TimeKey
    last_seen: Time
    ended_by: OptionalTime
    checks: Number
    foreign: bool


class Teaser(View, table=True):
    """A teaser of a front page at one check."""

    __tablename__ = "teasers"
    seq: Number
    front: TextKey
    observed_at: TimeKey
    position: NumberKey
    origin: str
    headline: str
    kicker: str | None
    heading_level: int | None
    picture: bool
    foreign: bool


class FrontStay(View, table=True):
    """The time that a headline was on a front page without a gap."""

    __tablename__ = "fronts"
    seq: Number
    front: TextKey
    origin: TextKey
    headline: TextKey
    kicker: str | None
    position: int
    first_position: int
    last_position: int
    heading_level: int | None
    picture: bool
    headline_test: bool
    changed_after: OptionalTime
    first_seen: TimeKey
    last_seen: Time
    ended_by: OptionalTime
    checks: Number
    foreign: bool


class OutsideCopy(View, table=True):
    """The answer of another archive that it has a copy of the page of a version."""

    __tablename__ = "outside_copies"
    seq: NumberKey
    article: str
    version: int | None
    origin: str
    observed_at: Time
    archive: str
    address: str
    captured_at: Time
    recorded_at: Time


class Refusal(View, table=True):
    """A refused document."""

    __tablename__ = "refusals"
    seq: NumberKey
    job: OptionalNumber
    locator: str
    code: str
    message: str
    hint: str
    kept: bool
    raw_digest: str | None
    at: Time
    source: str | None


class Job(View, table=True):
    """A job with its counts."""

    __tablename__ = "jobs"
    seq: Number
    job: NumberKey
    kind: str
    source: str | None
    state: str
    trigger: str
    attempts: int
    created_at: Time
    started_at: OptionalTime
    finished_at: OptionalTime
    reason: str | None
    seen: Number
    new_articles: Number
    new_versions: Number
    unchanged: Number
    noise: Number
    copies: Number
    refused: Number
    failed: Number
    gone: Number
    passed_over: Number
    seconds: float | None
    parent: OptionalNumber
