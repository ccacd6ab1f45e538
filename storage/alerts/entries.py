"""What a message says of a step: read when it is sent, out of the archive as it is then."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rapidfuzz import fuzz, process
from sqlalchemy import Connection, select

from storage.alerts.lists import Alert
from storage.alerts.match import VERSION
from storage.alerts.outbox import OutboxItem
from storage.read import lists
from storage.read.answers import Change
from storage.read.archive import ReadOnlyArchive
from storage.render.passages import ShownBlock, ShownPiece, blocks, excerpt
from storage.values.errors import NoSuchError

MOST_LETTERS = 500
"""How much of a passage is told; the whole of it stands behind the link."""
MOST_PASSAGES = 20
LIKE_ENOUGH = 60.0
"""From this likeness (of 100) on, a passage that came is what became of the one that went."""


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """A step as a message tells it, with why the alert fired.

    `becomes` is what stands there now instead of the passage that was quoted, as far as that can
    be told; `shown` are the changed passages in place.
    """

    change: Change
    origin: str
    source: str
    link: str
    why: tuple[str, ...]
    becomes: str | None
    shown: tuple[ShownBlock, ...]

    @property
    def data(self) -> dict[str, Any]:
        """Return the step as a webhook carries it, bounded."""
        told = self.change.to_dict()
        for name in ("cursor", "noise", "last_seen"):
            del told[name]
        for name in ("removed", "added"):
            told[name] = [_cut(each) for each in told[name][:MOST_PASSAGES]]
        return {
            **told, "title": _cut(told["title"] or ""), "notices": told["notices"][:MOST_PASSAGES],
            "origin": self.origin, "source": self.source, "link": self.link,
            "why": list(self.why), "becomes": self.becomes,
        }  # fmt: skip


def entry_of(
    archive: ReadOnlyArchive, alert: Alert, item: OutboxItem, base: str
) -> AlertEntry | None:
    """Return what there is to tell of a step; None where it is none any more.

    `base` is what links to the page begin with.
    """
    with archive.connected() as connection:
        number = _number(connection, item)
        change = None if number is None else lists.step(connection, item.article_id, number)
        if number is None or change is None:
            return None
        line = lists.article(connection, item.article_id)
    path = f"/a/{quote(change.article)}/" + (f"{number - 1}..{number}" if number > 1 else "1")
    becomes = None if alert.rule.passage is None else _becomes(alert.rule.passage, change)
    shown = _shown(archive, change)
    return AlertEntry(change, line.origin, line.source, base + path, item.why, becomes, shown)


def _number(connection: Connection, item: OutboxItem) -> int | None:
    """Return the number that the version has by now."""
    query = (
        select(VERSION.c.number)
        .where(VERSION.c.article_id == item.article_id, VERSION.c.wording_id == item.wording_id)
        .order_by(VERSION.c.number)
    )
    found: Sequence[int] = connection.execute(query).scalars().all()
    return found[item.occurrence - 1] if len(found) >= item.occurrence else None


def _shown(archive: ReadOnlyArchive, change: Change) -> tuple[ShownBlock, ...]:
    number = change.version
    try:
        if number > 1:
            found = archive.diff(f"{change.article}@{number - 1}..@{number}")
            return excerpt(blocks(found.operations))
        text = archive.version(f"{change.article}@{number}").text or ""
    except NoSuchError:
        return ()
    return (ShownBlock("equal", "text", (ShownPiece("equal", _cut(text)),)),)


def _becomes(passage: str, change: Change) -> str | None:
    found = process.extractOne(
        passage, [each[:5_000] for each in change.added], scorer=fuzz.ratio,
        score_cutoff=LIKE_ENOUGH,
    )  # fmt: skip
    return None if found is None else _cut(found[0])


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
