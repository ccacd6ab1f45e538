"""Addresses from lists, watched addresses, and checked addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.values.draft import Json
from storage.values.net.rights import RightsFile
from storage.values.net.transfer import Transfer
from storage.values.refusals import RefusalReason

LIST_KINDS = frozenset({"feed", "sitemap", "opml", "list"})
"""Types of documents that are lists of addresses."""

RENDERED = "rendered"
"""The type of a page whose document a browser made by the scripts of the page."""
BROWSER_CHOICES = ("always", "auto", "off")
"""The values of `--browser`."""

Key = tuple[int, int]
"""A watch: the id of its source and of its origin."""


@dataclass(frozen=True, slots=True)
class WatchedAddress:
    """An address to check, with its state and its source.

    `digest` belongs to the last usable bytes, which `observation_id` captured; `etag` and
    `last_modified` were received with them from the address `final`. `read_as` is the type as
    which those bytes were read.
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
    read_as: Json = None

    @property
    def key(self) -> Key:
        return self.source_id, self.origin_id

    @property
    def browser(self) -> Json:
        """Return if a browser reads the address: `always`, `auto`, or None; a choice stays."""
        wish = self.options.get("browser")
        if wish == "off":
            return None
        return "always" if self.read_as == RENDERED else self.hints.get("browser") or wish


@dataclass(frozen=True, slots=True)
class ListedAddress:
    """An address in a list or command: its origin and the address to request.

    `kind` is that of a watch (`page`, `feed`, `sitemap`, `web` …). `published_at` and `changed_at`
    are statements of the list, `hints` its other statements about the address.
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
    """The addresses in a feed, a sitemap or another list, or on a page that a capability reads.

    `rejected` are the entries without a valid address, with their position in the list. Of a
    page, `found` is the number of all its entries, and `method` the version of the rules.
    """

    kind: str
    named: tuple[ListedAddress, ...]
    rejected: tuple[tuple[int, "RefusalReason"], ...] = ()
    title: str | None = None
    found: int = 0
    method: str = ""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that was made of a page, such as its screenshot; width and height are in pixels."""

    media_type: str
    width: int
    height: int
    raw: bytes
    digest: bytes
    thumbnail: "CheckedFile | None" = None


@dataclass(frozen=True, slots=True)
class CheckedResource:
    """An answer that a page got while a browser read it; without `raw`, no bytes are stored.

    `size` is the number of bytes of its decoded body, `location` the target of a redirect.
    """

    address: str
    status: int
    media_type: str | None
    location: str | None
    size: int
    raw: bytes | None = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class CheckedExchange:
    """One request during a check, with its result.

    `outcome` is that of an observation; `captured` means that `raw` has to be read. `refused` is
    the reason if nothing was accepted. `confirms` is the observation of the same bytes. The
    `screenshot` and the `resources` are stored with the bytes of the page.
    """

    origin: str
    outcome: str
    observed_at: datetime
    http_status: int | None = None
    note: str | None = None
    raw: bytes | None = None
    digest: bytes | None = None
    hints: Mapping[str, Json] = field(default_factory=dict)
    refused: RefusalReason | None = None
    transfer: Transfer | None = None
    confirms: int | None = None
    screenshot: CheckedFile | None = None
    resources: tuple[CheckedResource, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a watched address: its exchanges in order; the last one decides.

    `kind` is the detected kind of the address; `etag` and `last_modified` are sent with the next
    request to the address of the last exchange, `moved_to` is the address for future requests.
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
    """New information about a server: its robots.txt, or a pause.

    `exchange` is the request of robots.txt or of `rights_file`, made for a source.
    """

    key: str
    source_id: int | None = None
    exchange: CheckedExchange | None = None
    robots_status: int | None = None
    robots_body: bytes | None = None
    robots_note: str | None = None
    rights_file: RightsFile | None = None
    delay: float | None = None
    retry_until: datetime | None = None
    retry_note: str | None = None
    failures: int | None = None
