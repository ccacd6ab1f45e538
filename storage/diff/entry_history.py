"""PURE: the entries of a live blog over time, from the changes stored with its versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from storage.values.answer import Answer

SHOWN, HIDDEN, REMOVED = "shown", "not_shown", "removed"


@dataclass(frozen=True, slots=True)
class EntryVersion(Answer):
    """One text of an entry: the page had it from between two checks on.

    `version` is the first version of the article with it.
    """

    number: int
    version: int
    time: str | None
    headline: str | None
    text: str
    changed_after: datetime | None
    changed_by: datetime


@dataclass(frozen=True, slots=True)
class LiveBlogEntry(Answer):
    """An entry of a live blog with its latest text and its `history`.

    `state` is shown, not_shown (newer entries took its place) or removed; the latter two since
    between `ended_after` and `ended_by`. `time` is as the page states it. `first_seen` is the check
    that found it first.
    """

    article: str
    entry: str
    state: str
    time: str | None
    headline: str | None
    text: str
    versions: int
    first_seen: datetime
    changed_after: datetime | None
    changed_by: datetime
    ended_after: datetime | None
    ended_by: datetime | None
    history: tuple[EntryVersion, ...]
    cursor: str | None = None


@dataclass(slots=True)
class _Story:
    """An entry while its changes are read; `id` is the first id that the page gave it."""

    id: str
    state: str = SHOWN
    versions: list[EntryVersion] = field(default_factory=list)
    ended: tuple[datetime | None, datetime] | None = None


class EntryHistory:
    """Collects the entries of one article from the rows of its versions, the oldest first."""

    def __init__(self, article: str) -> None:
        self._article = article
        self._stories: list[_Story] = []
        self._by_id: dict[str, _Story] = {}

    def add(self, version: int, span: tuple[datetime | None, datetime], changes: Any) -> None:
        """Add the changes of one version, which happened within `span`."""
        by_id = dict(self._by_id)
        for each in changes:
            story = self._by_id.get(each.get("was") or each["id"])
            match each["op"]:
                case "removed" | "hidden":
                    story = story or self._begin(each, version, span)
                    story.state = REMOVED if each["op"] == "removed" else HIDDEN
                    story.ended = span
                case "renamed" if story is not None:
                    by_id[each["id"]] = story
                case "edited" | "added":
                    by_id[each["id"]] = self._show(story, each, version, span)
        self._by_id = by_id

    def entries(self) -> list[LiveBlogEntry]:
        """Return the entries, the oldest first: by their times if the page states them all."""
        found = [self._entry(story) for story in self._stories]
        times = [_parse_time(each.history[0].time) for each in found]
        if any(time is None for time in times):
            return found
        order = sorted(range(len(found)), key=lambda index: (times[index], index))
        return [found[index] for index in order]

    def _begin(
        self, change: Mapping[str, Any], version: int, span: tuple[datetime | None, datetime]
    ) -> _Story:
        story = _Story(change["id"])
        self._stories.append(story)
        self._append(story, change, version, span)
        return story

    def _show(
        self,
        story: _Story | None,
        change: Mapping[str, Any],
        version: int,
        span: tuple[datetime | None, datetime],
    ) -> _Story:
        if story is None:
            return self._begin(change, version, span)
        story.state, story.ended = SHOWN, None
        latest = story.versions[-1]
        if (latest.headline, latest.text) != (change.get("headline"), change.get("text") or ""):
            self._append(story, change, version, span)
        return story

    @staticmethod
    def _append(
        story: _Story,
        change: Mapping[str, Any],
        version: int,
        span: tuple[datetime | None, datetime],
    ) -> None:
        number = len(story.versions) + 1
        shown = change.get("time"), change.get("headline"), change.get("text") or ""
        story.versions.append(EntryVersion(number, version, *shown, *span))

    def _entry(self, story: _Story) -> LiveBlogEntry:
        first, latest = story.versions[0], story.versions[-1]
        ended_after, ended_by = story.ended or (None, None)
        return LiveBlogEntry(
            self._article, story.id, story.state, latest.time, latest.headline, latest.text,
            len(story.versions), first.changed_by, latest.changed_after, latest.changed_by,
            ended_after, ended_by, tuple(story.versions),
        )  # fmt: skip


def _parse_time(time: str | None) -> datetime | None:
    """Return a complete time; None for a missing one, or a time of day."""
    try:
        found = datetime.fromisoformat(time or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
