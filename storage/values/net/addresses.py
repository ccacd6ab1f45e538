"""Addresses that a listing named, that are watched, that were checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.values.draft import Json
from storage.values.net.transfer import Transfer
from storage.values.refusals import Refused

Key = tuple[int, int]
"""A watch: the id of its source and that of its origin."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An address as it is to be checked: what is known of it, and of the source it belongs to.

    `digest` is that of the last bytes of use, which `observation_id` captured; `etag` and
    `last_modified` were given for them at the address called `final`.
    """

    source_id: int
    origin_id: int
    origin: str
    address: str
    kind: str
    moved_to: str | None
    final: str | None
    etag: str | None
    last_modified: str | None
    observation_id: int | None
    digest: bytes | None
    hints: Mapping[str, Json]
    source_locator: str
    options: Mapping[str, Json]

    @property
    def key(self) -> Key:
        return self.source_id, self.origin_id


@dataclass(frozen=True, slots=True)
class Named:
    """An address that a list or a person named: what it is called, and what is asked for.

    `kind` is that of a watch (`page`, `feed`, `sitemap`, `web` …). `published_at` and `changed_at`
    are by the word of the list, `hints` what else it said of the address.
    """

    origin: str
    address: str
    kind: str
    guid: str | None = None
    published_at: datetime | None = None
    changed_at: datetime | None = None
    hints: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddressList:
    """What a feed, a sitemap or another list of addresses names.

    `rejected` are the entries that name nothing that could be asked for, with their place in
    the list.
    """

    kind: str
    named: tuple[Named, ...]
    rejected: tuple[tuple[int, "Refused"], ...] = ()
    title: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedExchange:
    """One address that was asked in the course of a check, and what that came to.

    `outcome` is one of an observation; `captured` means that `raw` is to be read. `refused`
    says why nothing could be taken. `confirms` is the observation of the very bytes that the
    server still has.
    """

    origin: str
    outcome: str
    observed_at: datetime
    http_status: int | None = None
    note: str | None = None
    raw: bytes | None = None
    digest: bytes | None = None
    hints: Mapping[str, Json] = field(default_factory=dict)
    refused: Refused | None = None
    transfer: Transfer | None = None
    confirms: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One look at a watched address: its exchanges in order, the last of which decides.

    `kind` is what the address turned out to be; `etag` and `last_modified` are what may be sent
    next time to the address of the last exchange, `moved_to` where to ask from now on.
    """

    source_id: int
    origin_id: int
    exchanges: tuple[CheckedExchange, ...]
    kind: str
    etag: str | None = None
    last_modified: str | None = None
    moved_to: str | None = None

    @property
    def key(self) -> Key:
        return self.source_id, self.origin_id

    @property
    def last(self) -> CheckedExchange:
        return self.exchanges[-1]


@dataclass(frozen=True, slots=True)
class HostNews:
    """What was learned about a server: its robots.txt, or for how long to leave it alone.

    `exchange` is how its robots.txt was asked for, on behalf of a source.
    """

    key: str
    source_id: int | None = None
    exchange: CheckedExchange | None = None
    robots_status: int | None = None
    robots_body: bytes | None = None
    robots_note: str | None = None
    delay: float | None = None
    retry_until: datetime | None = None
    retry_note: str | None = None
    failures: int | None = None
