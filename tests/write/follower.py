"""Follows an archive by `seq`, as a program would that keeps a copy of the views in step."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from storage.database.engine import database_url as parsed
from storage.database.engine import reading_engine
from storage.database.views import VIEWS
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import NO_FILTERS
from storage.read.lists import ANY_STEP
from tests.flow.driver import plain

Row = dict[str, Any]
SHARED_SEQ = frozenset(name for name, view in VIEWS.items() if view.shares_seq)
"""Views in which the rows that one act changed may share their `seq`."""


class Follower:
    """Follows every view by its `seq` while others write, some rows at a time.

    It keeps a copy of each view by its key, and deletes rows of it as `docs/sql.md` says.
    """

    def __init__(self, url: str, limit: int | None) -> None:
        self.engine = reading_engine(parsed(url))
        self.limit = limit
        self.forget()

    def forget(self) -> None:
        """Begin at the first row again."""
        self.last = dict.fromkeys(VIEWS, 0)
        self.got: dict[str, list[Row]] = {name: [] for name in VIEWS}

    def poll(self) -> int:
        return sum(self.poll_one(name) for name in VIEWS)

    def poll_one(self, name: str) -> int:
        bound = f"LIMIT {self.limit}" if self.limit else ""
        query = f"SELECT * FROM {name} WHERE seq > :last ORDER BY seq {bound}"
        rows = self._rows(query, last=self.last[name])
        if rows and bound and name in SHARED_SEQ:
            last = rows[-1]["seq"]
            rows = [row for row in rows if row["seq"] < last]
            rows += self._rows(f"SELECT * FROM {name} WHERE seq = :last", last=last)
        if rows:
            self.got[name] += rows
            self.last[name] = rows[-1]["seq"]
        return len(rows)

    def whole(self, name: str) -> list[Row]:
        return self._rows(f"SELECT * FROM {name}")

    def _rows(self, query: str, **asked: Any) -> list[Row]:
        with self.engine.connect() as connection:
            found = connection.execute(text(query), asked).mappings()
            return [{key: plain(value) for key, value in row.items()} for row in found]

    def losses(self) -> list[str]:
        """Return, after a last query, where the copy of a view is not what the view shows."""
        while self.poll() and self.limit:
            pass
        copies = {name: {_key(name, row): row for row in got} for name, got in self.got.items()}
        names = ("articles", "versions", "observations")
        articles, versions, observations = (copies[name] for name in names)
        there = {row["article"] for row in copies["addresses"].values()}
        stays = {
            "never": lambda _row: True,
            "article": lambda row: {row.get(each) for each in _ARTICLES} - {None} <= there,
            "version": lambda row: stays["article"](row) and row["version"] <= _count(articles, row),
            "rows_after": lambda row: stays["version"](row) and row["seq"] > _after(versions, row),
            "restriction": lambda row: (
                stays["article"](row) and _state(articles, observations, row) != "restricted"
            ),
            "scans": lambda row: row["id"] > 0,
        }  # fmt: skip
        return [
            each
            for name, view in VIEWS.items()
            if view.leaving != "whole"
            for each in self._losses_of(name, copies[name], stays.get(view.leaving))
        ]

    def _losses_of(self, name: str, copy: dict[Any, Row], stays: Any) -> Iterator[str]:
        standing = self.whole(name)
        present = {_key(name, row): row for row in standing}
        if len(present) < len(standing):
            yield f"{name}: {len(standing)} rows have {len(present)} keys"
        for seq, count in Counter(row["seq"] for row in standing).items():
            if count > 1 and name not in SHARED_SEQ:
                yield f"{name}: {seq} stands {count} times"
        for key, row in present.items():
            if not _is_kept(copy.get(key), row):
                yield f"{name}: {row} is not in a copy, which has {copy.get(key)}"
        for key, row in copy.items():
            if key not in present and stays is not None and stays(row):
                yield f"{name}: {row} is in a copy and no longer in the view"


_ARTICLES = ("article", "a", "b")


def _is_kept(copied: Row | None, row: Row) -> bool:
    """Check that a copy has the values of a row, which may be back at the `seq` of its last change
    once what gave it a later one concerns it no more.
    """
    return (
        copied is not None and row["seq"] <= copied["seq"] and {**copied, "seq": row["seq"]} == row
    )


def _key(name: str, row: Row) -> tuple[Any, ...]:
    """Return the key by which a reader overwrites a row of its copy."""
    return tuple(row[each] for each in VIEWS[name].key)


def _count(articles: dict[Any, Row], row: Row) -> int:
    """Return the number of versions of the article of a row."""
    return int(articles[row["article"],]["versions"])


def _after(versions: dict[Any, Row], row: Row) -> int:
    """Return the number after which the rows of the version of a row begin."""
    return int(versions[row["article"], row["version"]]["rows_after"])


def _state(articles: dict[Any, Row], observations: dict[Any, Row], row: Row) -> str | None:
    """Return the state of the article of a row, or of its observation, which came later."""
    article = observations.get((row["id"],), row)["article"]
    found = articles.get((article,))
    return None if found is None else str(found["state"])


UNCOUNTED = {"last_seen", "version", "cursor"}
"""Fields whose difference alone is no row of the change feed."""


class FeedReader:
    """Keeps the changes of an archive by its feed, as `lesart watch` and `/api/changes` give it."""

    def __init__(self) -> None:
        self.last = 0
        self.held: dict[int, Row] = {}
        self.faults: list[str] = []
        self.rows: list[Row] = []

    def poll(self, archive: ReadOnlyArchive) -> list[Row]:
        """Read all rows since the last one, three at a time; return them."""
        read: list[Row] = []
        while found := archive.changes_since(self.last, ANY_STEP, NO_FILTERS, 3):
            for seq, event in found:
                if seq <= self.last:
                    self.faults.append(f"row {seq} comes after row {self.last}")
                self.last = seq
                read.append(event.to_dict())
                self._take(seq, read[-1])
        self.rows += read
        return read

    def _take(self, seq: int, row: Row) -> None:
        number, known = row["change"], self.held.get(row["change"])
        if row["kind"] == "withdrawn":
            self.held.pop(number, None)
        elif row["kind"] == "change" and (number != seq or known is not None):
            self.faults.append(f"change {number} is reported twice")
        elif row["kind"] == "update" and not row["update"]:
            self.faults.append(f"update {seq} names nothing")
        else:
            self.held[number] = row

    def losses(self, archive: ReadOnlyArchive) -> list[str]:
        """Return how the changes of this reader differ from those of the archive."""
        edits = {_change(each.to_dict()) for each in archive.changes()}
        with archive.connect() as connection:
            query = text("SELECT article, changed_by FROM changes")
            every = {(row[0], plain(row[1])) for row in connection.execute(query)}
        held = {_change(row) for row in self.held.values()}
        lost = [f"the feed lacks {dict(each)}" for each in edits - held]
        odd = [dict(each) for each in held - edits]
        kept = [each for each in odd if (each["article"], plain(each["changed_by"])) not in every]
        return [*self.faults, *lost, *(f"the feed kept {each}" for each in kept)]


def _change(row: Row) -> tuple[tuple[str, str], ...]:
    own = {name: value for name, value in row.items() if name not in UNCOUNTED | EVENT_FIELDS}
    return tuple(sorted((name, plain_text(value)) for name, value in own.items()))


def plain_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


EVENT_FIELDS = {"kind", "update", "change", "recorded_at"}
