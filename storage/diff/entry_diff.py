"""PURE: the differences of two texts of a live blog, grouped by entry."""

from collections.abc import Mapping
from dataclasses import dataclass

from storage.diff.change import CaptureContent, CapturePair
from storage.diff.entry_changes import EntryText
from storage.diff.operation import Operation
from storage.diff.word_diff import Text, diff
from storage.values.answer import Answer

_EVENTS = {"hidden": "not_shown"}
_NOTHING = Text(None, ())


@dataclass(frozen=True, slots=True)
class EntryDiff(Answer):
    """What happened to one entry, and the operations within its headline and text.

    `event` is added, edited, not_shown (newer entries took its place) or removed. `entry_before` is
    its earlier id, if the page changed it. Offsets of operations count within the entry.
    """

    event: str
    entry: str
    entry_before: str | None
    time: str | None
    headline: str | None
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class GroupedDiff:
    """The operations outside of all entries, and the changed entries, the newest first."""

    outside: tuple[Operation, ...]
    entries: tuple[EntryDiff, ...]


def group_by_entry(a: CaptureContent, b: CaptureContent) -> GroupedDiff | None:
    """Return the differences by entry; None unless both texts have entries."""
    found = CapturePair(a, b).entries
    if found is None or not found.is_live:
        return None
    older, newer = _texts_by_id(a), _texts_by_id(b)
    entries = []
    for each in found.changes:
        before = None if each.op == "added" else older.get(each.was or each.id)
        after = newer.get(each.id) if each.op in {"added", "edited"} else None
        if each.op != "renamed":
            operations = tuple(diff(_text(before), _text(after)))
            event = _EVENTS.get(each.op, each.op)
            entries.append(
                EntryDiff(event, each.id, each.was, each.time, each.headline, operations)
            )
    return GroupedDiff(tuple(diff(_rest(a), _rest(b))), tuple(reversed(entries)))


def _texts_by_id(content: CaptureContent) -> Mapping[str, EntryText]:
    return {each.id: each for each in content.entry_texts}


def _text(entry: EntryText | None) -> Text:
    return _NOTHING if entry is None else Text(None, entry.paragraphs)


def _rest(content: CaptureContent) -> Text:
    """Return the title and the paragraphs outside of entries."""
    inside = {n for each in content.entry_texts for n in range(each.start, each.end)}
    paragraphs = content.text.paragraphs
    return Text(
        content.text.title, tuple(each for n, each in enumerate(paragraphs) if n not in inside)
    )
