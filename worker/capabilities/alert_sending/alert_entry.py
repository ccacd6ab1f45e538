"""Entries of a message, read from the archive when it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rapidfuzz import fuzz, process

from storage.diff.change import METHOD
from storage.history.alerts.lists import Alert, OutboxItem, absence_time, number_of
from storage.history.alerts.rule import GONE
from storage.history.corrected_times import clock_corrections, last_sight
from storage.language.sentences import sentences
from storage.read import lists
from storage.read.answers import ArticleLine, Change
from storage.read.archive import ReadOnlyArchive
from storage.read.change_feed import read_withdrawn
from storage.read.render.passages import PassageBlock, PassagePiece, blocks, excerpt
from storage.values.errors import NoSuchError, RedactedError

MOST_LETTERS = 500
"""Maximum length of a passage in a message, in characters."""
MOST_PASSAGES = 20
LONGEST_PARAGRAPH = 20_000
LIKE_ENOUGH = 70.0
"""Minimum similarity (0 to 100) of a sentence reported as the new text of a passage."""


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """A change as reported by a message, with the reasons for the alert.

    `becomes` is the current text of a quoted passage, or None if unknown; `shown` are the changed
    passages. `corrects` is the message whose change turned out not to exist.
    """

    change: Change
    origin: str
    source: str
    link: str
    why: tuple[str, ...]
    becomes: str | None
    shown: tuple[PassageBlock, ...]
    corrects: int | None = None

    @property
    def data(self) -> dict[str, Any]:
        """Return the data of a webhook, with shortened texts."""
        fields = self.change.to_dict()
        for name in ("cursor", "noise", "last_seen"):
            del fields[name]
        for name in ("removed", "added"):
            fields[name] = [_cut(each) for each in fields[name][:MOST_PASSAGES]]
        return {
            **fields, "title": _cut(fields["title"] or ""),
            "notices": fields["notices"][:MOST_PASSAGES],
            "origin": self.origin, "source": self.source, "link": self.link,
            "why": list(self.why), "becomes": self.becomes,
        }  # fmt: skip


def entry_of(
    archive: ReadOnlyArchive, alert: Alert, item: OutboxItem, base: str
) -> AlertEntry | None:
    """Return the entry for a change, or None if the change no longer exists.

    `base` is the prefix of links to the page. A correction has none if the change exists, or if it
    was never reported.
    """
    if item.is_correction:
        return _correction(archive, item, base)
    with archive.connect() as connection:
        number = number_of(connection, item)
        change = None if number is None else lists.step(connection, item.article_id, number)
        if number is None or change is None:
            return None
        line = lists.article(connection, item.article_id)
        if item.is_absence:
            moment = absence_time(connection, item)
            if moment is None:
                return None
            seen = last_sight(clock_corrections(connection), change.last_seen)
            return _absence(replace(change, last_seen=seen), line, moment, item.why, base)
    path = f"/a/{quote(change.article)}/" + (f"{number - 1}..{number}" if number > 1 else "1")
    found = _blocks(archive, change)
    becomes = None if alert.rule.passage is None else _becomes(alert.rule.passage, found)
    return AlertEntry(
        change, line.origin, line.source, base + path, item.why, becomes, excerpt(found)
    )


def _correction(archive: ReadOnlyArchive, item: OutboxItem, base: str) -> AlertEntry | None:
    """Return the entry for a change that was reported and does not exist."""
    with archive.connect() as connection:
        row = None if item.corrects is None else read_withdrawn(connection, item)
    if row is None:
        return None
    change = Change(
        article=row["article"], version=item.version, wording=row["wording"],
        changed_after=row["changed_after"], changed_by=row["changed_by"],
        first_seen=row["changed_by"], last_seen=row["changed_by"], title=row["title"], changes=(),
        silent=None, words_added=0, words_removed=0, removed=(), added=(), noise=(), notices=(),
        method=METHOD, occurrence=item.occurrence, cursor="",
    )  # fmt: skip
    link = f"{base}/a/{quote(change.article)}/checks"
    return AlertEntry(change, row["origin"], row["source"], link, item.why, None, (), item.corrects)


def _absence(
    change: Change, line: ArticleLine, moment: datetime, why: tuple[str, ...], base: str
) -> AlertEntry:
    """Return the entry for an article that is gone after its last version."""
    went = replace(
        change, changes=(GONE,), changed_after=change.last_seen, changed_by=moment, silent=None,
        words_added=0, words_removed=0, removed=(), added=(), noise=(), notices=(),
    )  # fmt: skip
    link = f"{base}/a/{quote(change.article)}/checks"
    return AlertEntry(went, line.origin, line.source, link, why, None, ())


def _blocks(archive: ReadOnlyArchive, change: Change) -> tuple[PassageBlock, ...]:
    """Return the changed paragraphs, or the beginning of a new article."""
    number = change.version
    try:
        if number > 1:
            return blocks(archive.change_operations(change))
        text = archive.version(f"{change.article}@{number}").text or ""
    except (NoSuchError, RedactedError):
        return ()
    return (PassageBlock("insert", "text", (PassagePiece("insert", _cut(text)),)),)


def _becomes(passage: str, found: Sequence[PassageBlock]) -> str | None:
    """Return the changed sentence most similar to a passage, or None."""
    changed = [
        "".join(p.text for p in block.new_pieces) for block in found if block.kind != "equal"
    ]
    listed = [each for text in changed for each in sentences(text[:LONGEST_PARAGRAPH])]
    best = process.extractOne(passage, listed, scorer=fuzz.partial_ratio, score_cutoff=LIKE_ENOUGH)
    return None if best is None else _cut(best[0])


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
