"""Pages whose pictures are requested, and the pictures that were found.

The pictures of a page are requested once, soon after its check: if a new version begins with it, or
if it lists other pictures or captions than the last page at its address whose pictures were read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urljoin

from sqlalchemy import Connection, Engine, Row, func, literal_column, select

from storage.capabilities.pictures.tables import ARTICLE_PICTURE, PICTURE_REQUEST
from storage.database import outgoing
from storage.database.capture_store import StoredBytes, load
from storage.database.engine import database_epoch, read_connection
from storage.database.outgoing import Lease, queue_of
from storage.database.tables import (
    CAPTURE,
    DERIVATION,
    OBSERVATION,
    ORIGIN,
    SNAPSHOT,
    SOURCE,
    TRANSFER,
    VERDICT,
    VERSION,
    WORDING,
)
from storage.database.unit import Clock, Unit, rows_in, writing
from storage.database.view_queries.sql_words import RESTRICTED
from storage.history.totals import store_fact, stored_fact
from storage.proof.log import numbers
from storage.record.captures import Packed, pack_all, store_captures
from storage.record.suppression import SuppressionLookup
from storage.values.digest import raw_digest
from storage.values.messages import message_text
from storage.values.redaction import is_emptied
from storage.write.archive import Archive
from storage.write.store_captures import putting_again, store_bytes

PAGES = queue_of("pictures")
PLANNED = "pictures_planned"
"""Key of the fact that states up to which verdict pages were examined."""
BATCH = 200
"""Maximum number of pages that are examined in one transaction."""
EXAMINE_AGAIN = 10_000
"""Numbers that are examined again before it is stored that they have no page."""
LATEST = timedelta(hours=6)
"""Time since a check after which its pictures are not requested: they may be other ones by now."""
MOST_PICTURES = 5
"""Maximum number of pictures of a page: the lead picture and those that follow in the text."""
LONGEST_ADDRESS = 2_000
BUDGET_PERIOD = timedelta(days=1)


class ListedPicture(NamedTuple):
    """A picture as a page lists it."""

    address: str
    caption: str | None
    credit: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A claimed page."""

    id: int
    observation_id: int
    locator_id: int
    source_id: int
    attempts: int
    token: str

    @property
    def lease(self) -> Lease:
        return Lease(PAGES, (self.id,), self.token, self.attempts)


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """A stored picture of an earlier check; `id` is that of the row with its bytes."""

    id: int
    position: int
    address: str
    caption: str | None
    credit: str | None
    digest: bytes | None
    pdq: str | None


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture of a page with its answer: bytes with their facts, or why there are none.

    `event` is what became of the picture `before_id`.
    """

    position: int
    listed: ListedPicture
    event: str
    before_id: int | None = None
    raw: bytes | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    pdq: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class SeenPage:
    """A page: its pictures, the options of its source, and the pictures of the check before.

    `before` is None if no pictures were read at its address before.
    """

    listed: tuple[ListedPicture, ...]
    options: Mapping[str, Any]
    before: tuple[KnownPicture, ...] | None


def list_pictures(fields: Mapping[str, Any], address: str) -> tuple[ListedPicture, ...]:
    """Return the lead picture of a page and those in its text, by the fields of its reading.

    >>> inside = [{"address": "/b.jpg", "caption": "Deich", "credit": None}]
    >>> fields = {"image": {"value": "/a.jpg"}, "images": {"value": inside}}
    >>> [each.address for each in list_pictures(fields, "https://z.example/x")]
    ['https://z.example/a.jpg', 'https://z.example/b.jpg']
    """
    inside = (fields.get("images") or {}).get("value")
    found = [each for each in inside if isinstance(each, dict)] if isinstance(inside, list) else []
    lead = (fields.get("image") or {}).get("value")
    leads = [{"address": each} for each in (lead if isinstance(lead, list) else [lead])[:1]]
    pictures: dict[str, ListedPicture] = {}
    for each in (*leads, *found):
        named = each.get("address")
        url = _absolute(address, named) if isinstance(named, str) else None
        if url is None:
            continue
        words = (each.get(name) for name in ("caption", "credit"))
        caption, credit = (text if isinstance(text, str) else None for text in words)
        if url not in pictures or pictures[url].caption is None:
            pictures[url] = ListedPicture(url, caption, credit)
    return tuple(pictures.values())[:MOST_PICTURES]


def _absolute(base: str, named: str) -> str | None:
    try:
        url = urljoin(base, named.strip())
    except ValueError:
        return None
    return url if url.startswith(("http://", "https://")) and len(url) <= LONGEST_ADDRESS else None


# --------------------------------------------------------------------------- pages to request


def plan(engine: Engine, clock: Clock) -> None:
    """Insert requests for the pages that were read since the last time."""
    while not _plan_batch(engine, clock):
        pass


def _plan_batch(engine: Engine, clock: Clock) -> bool:
    with read_connection(engine) as connection:
        begun, upto = stored_fact(connection, PLANNED), numbers(connection)[0]
        begin = _first_recent(connection, clock() - LATEST, upto) if begun is None else int(begun)
        rows = _read_pages(connection, begin, upto)
    is_complete = len(rows) < BATCH
    upto = upto if is_complete else rows[-1].verdict_id
    if begun is not None and not rows and upto - begin < EXAMINE_AGAIN:
        return True
    with writing(engine, clock) as unit:
        now, latest = database_epoch(unit.connection), unit.now - LATEST
        wanted = {row.observation_id: row for row in rows if row.observed_at > latest}
        column = PICTURE_REQUEST.c.observation_id
        known = {row[0] for row in rows_in(unit.connection, select(column), column, wanted)}
        last = _last_lists(unit.connection, {row.locator_id for row in wanted.values()})
        for number, row in wanted.items():
            listed = list_pictures(row.detail["fields"], row.address)
            is_new = row.version_id is not None or last.get(row.locator_id, ()) != listed
            if number not in known and is_new and _may_be_shown(row):
                last[row.locator_id] = listed
                unit.add(PICTURE_REQUEST, {
                    "id": unit.number(), "observation_id": number, "locator_id": row.locator_id,
                    "source_id": row.source_id, "state": "waiting", "attempts": 0, "next_at": now,
                    "lease_until": None, "token": None, "note": None, "fetched_bytes": 0,
                    "made_at": unit.now,
                })  # fmt: skip
        store_fact(unit.connection, PLANNED, str(upto))
    return is_complete


def _first_recent(connection: Connection, moment: datetime, upto: int) -> int:
    """Return the number before the first verdict after a moment; `upto` if there is none."""
    query = select(func.min(VERDICT.c.id)).where(VERDICT.c.recorded_at > moment)
    first = connection.execute(query).scalar()
    return upto if first is None else int(first) - 1


def _read_pages(connection: Connection, begin: int, upto: int) -> list[Row[Any]]:
    """Return a batch of pages that were fetched here and read as articles, in order."""
    query = (
        _pages(VERDICT.c.id.label("verdict_id"), VERSION.c.id.label("version_id"))
        .join(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id)
        .outerjoin(VERSION, VERSION.c.observation_id == OBSERVATION.c.id)
        .where(VERDICT.c.id > begin, VERDICT.c.id <= upto)
        .order_by(VERDICT.c.id)
        .limit(BATCH)
    )
    return list(connection.execute(query))


def _pages(*columns: Any) -> Any:
    return (
        select(
            OBSERVATION.c.id.label("observation_id"), OBSERVATION.c.locator_id,
            OBSERVATION.c.source_id, OBSERVATION.c.observed_at, SOURCE.c.options,
            TRANSFER.c.address, TRANSFER.c.rights, DERIVATION.c.detail, *columns,
        )
        .join(TRANSFER, TRANSFER.c.observation_id == OBSERVATION.c.id)
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .join(SOURCE, SOURCE.c.id == OBSERVATION.c.source_id)
        .where(TRANSFER.c.is_foreign.is_(False), DERIVATION.c.detail.is_not(None))
    )  # fmt: skip


def _may_be_shown(row: Row[Any]) -> bool:
    """Check whether a page is public: those of sources with headers may not be."""
    return not (row.options or {}).get("headers") and not forbids_pictures(row.rights or {})


def forbids_pictures(rights: Mapping[str, Any]) -> bool:
    """Check whether a page declares that its pictures must not be indexed or archived.

    >>> forbids_pictures({"meta_robots": ["noimageindex"]}), forbids_pictures({"robots": {}})
    (True, False)
    """
    words = {
        word.strip().lower()
        for name, values in rights.items()
        if "robots" in name and isinstance(values, list)
        for value in values
        for word in str(value).replace(":", ",").split(",")
    }
    return bool(words & {"noimageindex", "noarchive"})


def _last_lists(connection: Connection, locators: set[int]) -> dict[int, tuple[ListedPicture, ...]]:
    """Return the listed pictures of the last requested page of each place."""
    last = select(func.max(PICTURE_REQUEST.c.observation_id)).group_by(PICTURE_REQUEST.c.locator_id)
    found = rows_in(connection, last, PICTURE_REQUEST.c.locator_id, locators)
    pages = rows_in(connection, _pages(), OBSERVATION.c.id, [row[0] for row in found])
    return {row.locator_id: list_pictures(row.detail["fields"], row.address) for row in pages}


def claim(engine: Engine) -> PageRequest | None:
    """Claim the page that has been due for the longest time."""
    _token, rows = outgoing.claim(engine, PAGES, most=1)
    names = PageRequest.__annotations__
    return next((PageRequest(**{name: row[name] for name in names}) for row in rows), None)


def count_bytes(unit: Unit) -> int:
    """Return the number of bytes of pictures that were fetched for the pages of the last day."""
    query = select(func.coalesce(func.sum(PICTURE_REQUEST.c.fetched_bytes), 0)).where(
        PICTURE_REQUEST.c.made_at > unit.now - BUDGET_PERIOD
    )
    return int(unit.connection.execute(query).scalar_one())


def count_open(connection: Connection) -> int:
    """Return the number of pages whose pictures are still to be requested."""
    query = select(func.count()).select_from(PICTURE_REQUEST).where(PAGES.is_open)
    return int(connection.execute(query).scalar_one())


def page_of(unit: Unit, request: PageRequest) -> SeenPage | str:
    """Return the page of a request, or the reason why its pictures are not requested any more."""
    hidden: Any = literal_column(
        f"snapshot.article_id IN {RESTRICTED} OR wording.text IS NULL"
    ).label("hidden")
    query = (
        _pages(hidden, ORIGIN.c.origin)
        .join(WORDING, WORDING.c.id == SNAPSHOT.c.wording_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .where(OBSERVATION.c.id == request.observation_id)
    )
    row = unit.connection.execute(query).first()
    if row is None or row.hidden or is_emptied(row.address) or is_emptied(row.origin):
        return message_text("picture_hidden")
    if not _may_be_shown(row):
        return message_text("picture_rights")
    if row.observed_at < unit.now - LATEST:
        return message_text("picture_late")
    listed = list_pictures(row.detail["fields"], row.address)
    return SeenPage(listed, row.options or {}, _pictures_before(unit.connection, request))


def _pictures_before(
    connection: Connection, request: PageRequest
) -> tuple[KnownPicture, ...] | None:
    """Return the pictures of the last page at a place; for an unread one, the one before it."""
    own = PICTURE_REQUEST.c
    last = connection.execute(
        select(func.max(own.observation_id)).where(
            own.locator_id == request.locator_id, own.state == PAGES.sent,
            own.observation_id < request.observation_id,
        )
    ).scalar()  # fmt: skip
    if last is None:
        return None
    rows = _known(connection, ARTICLE_PICTURE.c.observation_id, [last])
    earlier = {
        row.id: row
        for row in _known(
            connection, ARTICLE_PICTURE.c.id, [r.before_id for r in rows if r.refused]
        )
    }
    found = []
    for row in rows:
        held = earlier.get(row.before_id, row) if row.refused else row
        if row.event not in {"removed", "screenshot"} and row.address is not None:
            digest = bytes(held.digest) if held.data else None
            found.append(KnownPicture(
                held.id, row.position, row.address, row.caption, row.credit, digest, held.pdq
            ))  # fmt: skip
    return tuple(found)


def _known(connection: Connection, column: Any, wanted: Sequence[Any]) -> list[Row[Any]]:
    query = select(ARTICLE_PICTURE, CAPTURE.c.digest, CAPTURE.c.data.is_not(None).label("data"))
    query = query.outerjoin(CAPTURE, CAPTURE.c.id == ARTICLE_PICTURE.c.capture_id)
    rows = rows_in(connection, query, column, [each for each in wanted if each is not None])
    return sorted(rows, key=lambda row: row.id)


def load_picture(connection: Connection, digest: bytes) -> bytes:
    """Return the bytes of a stored picture. Raises: DamagedBytesError, CapturesAwayError."""
    query = select(CAPTURE.c.digest, CAPTURE.c.encoding, CAPTURE.c.data)
    row = connection.execute(query.where(CAPTURE.c.digest == digest)).one()
    return load(connection, StoredBytes(bytes(row.digest), row.encoding, row.data))


# --------------------------------------------------------------------------- found pictures


@putting_again
def store_pictures(
    archive: Archive, request: PageRequest, seen: SeenPage, found: Sequence[FoundPicture],
    fetched_bytes: int,
) -> bool:  # fmt: skip
    """Store the pictures of a page, each file once; False if the lease was lost or it is hidden.

    If a redaction changed the captions of the page since it was `seen`, it is requested again.
    """
    raws = [(raw_digest(each.raw), each.raw) for each in found if each.raw is not None]
    with archive.read_connection() as connection:
        redacted = SuppressionLookup(connection).raw(digest for digest, _raw in raws)
    packed = store_bytes(archive, pack_all(pair for pair in raws if pair[0] not in redacted))
    with archive.unit() as unit:
        page = page_of(unit, request)
        if isinstance(page, str):
            outgoing.record(unit.connection, request.lease, state="dropped", note=page)
            return False
        if page.listed != seen.listed or page.before != seen.before:
            outgoing.retry_later(unit.connection, request.lease, None, 0.0)
            return False
        if not outgoing.record(
            unit.connection, request.lease, state=PAGES.sent, fetched_bytes=fetched_bytes
        ):
            return False
        _add_pictures(unit, request, found, packed)
    return True


def _add_pictures(
    unit: Unit, request: PageRequest, found: Sequence[FoundPicture], packed: Packed
) -> None:
    captures = store_captures(unit, packed)
    for each in found:
        capture = None if each.raw is None else captures.get(raw_digest(each.raw))
        if each.raw is not None and capture is None:
            continue  # these bytes were redacted
        unit.add(ARTICLE_PICTURE, {
            "id": unit.number(), "observation_id": request.observation_id,
            "position": each.position, "address": each.listed.address,
            "caption": each.listed.caption, "credit": each.listed.credit, "capture_id": capture,
            "media_type": each.media_type, "width": each.width, "height": each.height,
            "pdq": each.pdq, "event": each.event, "before_id": each.before_id,
            "refused": each.refused, "recorded_at": unit.now,
        })  # fmt: skip
