"""Follows an archive by `seq`, as a program would that keeps a copy of the views in step."""

from collections import Counter
from typing import Any

from sqlalchemy import text

from storage.database.engine import database_url as parsed
from storage.database.engine import reading_engine
from storage.database.views import VIEWS
from tests.flow.driver import plain

SHARED_SEQ = frozenset(["rights", "fronts", "teasers"])
"""Views in which the rows that one check or order changed share their `seq`."""


class Follower:
    """Follows every view by its `seq` while others write, some rows at a time."""

    def __init__(self, url: str, limit: int | None) -> None:
        self.engine = reading_engine(parsed(url))
        self.limit = limit
        self.forget()

    def forget(self) -> None:
        """Begin at the first row again."""
        self.last = dict.fromkeys(VIEWS, 0)
        self.got: dict[str, list[dict[str, Any]]] = {name: [] for name in VIEWS}

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

    def whole(self, name: str) -> list[dict[str, Any]]:
        return self._rows(f"SELECT * FROM {name}")

    def _rows(self, query: str, **asked: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(text(query), asked).mappings()
            return [{key: plain(value) for key, value in row.items()} for row in found]

    def losses(self) -> list[str]:
        """Return, after a last query, the rows that did not arrive in their present form."""
        while self.poll() and self.limit:
            pass
        return [each for name in VIEWS for each in self._losses_of(name)]

    def _losses_of(self, name: str) -> list[str]:
        standing, got = self.whole(name), self.got[name]
        by_seq: dict[int, list[dict[str, Any]]] = {}
        for row in got:
            by_seq.setdefault(row["seq"], []).append(row)
        copied = {self._key(name, row): row for row in got}
        seqs = Counter(row["seq"] for row in standing)
        keys = Counter(self._key(name, row) for row in standing)
        return [
            *(
                f"{name}: {seq} stands {n} times"
                for seq, n in seqs.items()
                if n > 1 and name not in SHARED_SEQ
            ),
            *(
                f"{name}: {row} did not come"
                for row in standing
                if row not in by_seq.get(row["seq"], [])
            ),
            *(
                f"{name}: {row} is not in a copy, which has {copied.get(key)}"
                for row in standing
                if keys[key := self._key(name, row)] == 1 and copied.get(key) != row
            ),
        ]

    def _key(self, name: str, row: dict[str, Any]) -> tuple[Any, ...]:
        """Return the key by which a reader overwrites a row of its copy."""
        return tuple(row[each] for each in VIEWS[name].key)
