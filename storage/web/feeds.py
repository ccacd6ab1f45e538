"""Atom and JSON Feed, and the feed of changes: the changed words and the interval of each."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.read.answers import Change, ChangeEvent
from storage.read.render.change_html import PARAGRAPH, change_html, clean
from storage.read.render.passages import PassageBlock
from storage.values.messages import message_text
from storage.web.archives import ArchivePool, PoolDep, language_of
from storage.web.pages.front import shown_change
from storage.web.pages.rendering import PageWords
from storage.web.paging import json_bytes
from storage.web.parameters import ChangesParameters
from storage.web.schemas import plain as plain_answer

router = APIRouter(tags=["feeds"])

ATOM = "http://www.w3.org/2005/Atom"
ATOM_TYPE = "application/atom+xml"
JSON_FEED_TYPE = "application/feed+json"
ENTRIES = 30
WITHDRAWN = message_text("change_gone")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """Entry of a feed; its id is independent of the server and its address."""

    id: str
    title: str
    link: str
    updated: datetime
    content: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """The latest entries that were requested, the newest first."""

    id: str
    title: str
    link: str
    page: str
    language: str
    entries: tuple[FeedEntry, ...]


@router.get(
    "/feed.atom", response_class=Response, responses=plain_answer(ATOM_TYPE, "An Atom feed.")
)
def atom(request: Request, pool: PoolDep, query: Annotated[ChangesParameters, Query()]) -> Response:
    """Return the latest changes as Atom, of the filters that `/api/changes` takes."""
    return answer_atom(_feed(request, pool, query))


@router.get(
    "/feed.json",
    response_class=Response,
    responses=plain_answer(JSON_FEED_TYPE, "A JSON Feed.", "object"),
)
def json_feed(
    request: Request, pool: PoolDep, query: Annotated[ChangesParameters, Query()]
) -> Response:
    """Return the latest changes as JSON Feed, of the filters that `/api/changes` takes."""
    return answer_json(_feed(request, pool, query))


def _feed(request: Request, pool: ArchivePool, query: ChangesParameters) -> Feed:
    zone = pool.place.timezone
    words = PageWords(language_of(request), zone)
    base = str(request.base_url).rstrip("/")
    with pool.archive_at(query.clocks(zone)) as archive:
        limit, clocks = query.limit or ENTRIES, (query.as_of, query.known_at, query.after)
        found = [*query.rows(archive, (query.after, limit))]
        entries = [_entry(each, shown_change(pool, archive, each), base, words) for each in found]
        if clocks == (None, None, None):
            since = found[-1].changed_by if len(found) == limit else None
            gone = archive.withdrawals(query.article, since, query.filters(zone), limit)
            entries += [_correction(each, base, words) for each in gone]
            entries.sort(key=lambda each: each.updated, reverse=True)
    search = request.url.query
    page = f"/?{search}" if search else "/"
    return make_feed(request, words.t("Changes"), search, page, entries[:limit])


def make_feed(
    request: Request, title: str, name: str, page: str, entries: Iterable[FeedEntry]
) -> Feed:
    """Return the feed of a request: `name` gives its id, `page` is the address that shows it."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return Feed(
        f"urn:lesart:feed:{digest}", f"Lesart: {title}", str(request.url),
        f"{str(request.base_url).rstrip('/')}{page}", language_of(request), tuple(entries),
    )  # fmt: skip


def answer_atom(feed: Feed) -> Response:
    """Return a feed as Atom."""
    return Response(_atom(feed), media_type=f"{ATOM_TYPE}; charset=utf-8")


def answer_json(feed: Feed) -> Response:
    """Return a feed as JSON Feed."""
    return Response(json_bytes(_json(feed)), media_type=JSON_FEED_TYPE)


def _entry(
    change: Change, passages: Sequence[PassageBlock], base: str, words: PageWords
) -> FeedEntry:
    interval = words.interval(change.changed_after, change.changed_by)
    return FeedEntry(
        _id_of(change),
        change.title or words.t("(no title)"),
        f"{base}/a/{quote(change.article)}/{change.version - 1}..{change.version}",
        change.changed_by,
        PARAGRAPH.format(interval) + change_html(passages, words.language),
        change.changes + (("silent",) if change.silent else ()),
    )


def _correction(event: ChangeEvent, base: str, words: PageWords) -> FeedEntry:
    """Return the entry of a change that was withdrawn: it replaces that of the change."""
    title = event.title or words.t("(no title)")
    interval = words.interval(event.changed_after, event.changed_by)
    return FeedEntry(
        _id_of(event),
        words.t("Correction: {title}", title=title),
        f"{base}/a/{quote(event.article)}/checks",
        event.recorded_at or event.changed_by,
        PARAGRAPH.format(interval) + PARAGRAPH.format(words.message(WITHDRAWN)),
        (event.kind,),
    )


def _id_of(change: Change | ChangeEvent) -> str:
    """Return the id of an entry, which identifies its change."""
    return f"urn:lesart:{change.article}:{change.wording}:{change.occurrence}"


def _atom(feed: Feed) -> bytes:
    root = ET.Element("feed", {"xmlns": ATOM, "xml:lang": feed.language})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    updated = max((each.updated for each in feed.entries), default=datetime.fromtimestamp(0, UTC))
    _add(root, "updated", _rfc3339(updated))
    _add(ET.SubElement(root, "author"), "name", "Lesart")
    ET.SubElement(root, "link", {"rel": "self", "href": feed.link, "type": ATOM_TYPE})
    ET.SubElement(root, "link", {"rel": "alternate", "href": feed.page, "type": "text/html"})
    for each in feed.entries:
        entry = ET.SubElement(root, "entry")
        _add(entry, "id", each.id)
        _add(entry, "title", clean(each.title))
        _add(entry, "updated", _rfc3339(each.updated))
        ET.SubElement(entry, "link", {"rel": "alternate", "href": each.link, "type": "text/html"})
        for name in each.classes:
            ET.SubElement(entry, "category", {"term": name})
        _add(entry, "content", str(each.content), type="html")
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text


def _json(feed: Feed) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.link,
        "language": feed.language,
        "items": [
            {
                "id": each.id,
                "url": each.link,
                "title": clean(each.title),
                "content_html": str(each.content),
                "date_published": _rfc3339(each.updated),
                "tags": list(each.classes),
            }
            for each in feed.entries
        ],
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
