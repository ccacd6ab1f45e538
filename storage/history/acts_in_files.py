"""Acts of persons in a WARC file: in the metadata of the check that they are about."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from storage.database.tables import SNAPSHOT
from storage.database.unit import Unit, rows_in
from storage.history.corrected_times import clock_corrections, time_of_act
from storage.values.draft import Json


@dataclass(frozen=True, slots=True)
class ActEnd:
    """The table of what ends an act: its columns of the act, of who ended it, and of the time.

    A file states who ended it as `field`.
    """

    table: Table
    act: str
    by: str
    at: str
    field: str


@dataclass(frozen=True, slots=True)
class ActsInFiles:
    """Acts of one kind: their table, the columns of their texts, and that of their time.

    Each text of a file is parsed by its function, which returns None for a wrong one; without it,
    the act is left out, unless the text is one of `optional`. `by` is the text that names who
    acted, `others` are the values of other columns, `most` is how many of one check are read.
    """

    table: Table
    texts: Mapping[str, Callable[[Any], str | None]]
    by: str
    at: str
    others: Mapping[str, Any]
    optional: Collection[str] = ()
    end: ActEnd | None = None
    most: int = 200

    def facts_of_checks(
        self, connection: Connection, articles: Sequence[int]
    ) -> Mapping[int, Json]:
        """Return the acts about checks of articles, by check."""
        own, end = self.table.c, self.end
        names = ["observation_id", "id", "recorded_at", *self.texts, self.at]
        query = select(*(own[each] for each in names)).join(
            SNAPSHOT, SNAPSHOT.c.observation_id == own.observation_id
        )
        fields = [*self.texts, self.at]
        if end is not None:
            query = query.outerjoin(end.table, end.table.c[end.act] == own.id).add_columns(
                end.table.c[end.by].label(end.field), end.table.c[end.at],
                end.table.c.id.label("end_id"), end.table.c.recorded_at.label("ended"),
            )  # fmt: skip
            fields += [end.field, end.at]
        found: dict[int, Any] = {}
        corrections = clock_corrections(connection)
        for row in rows_in(connection, query, SNAPSHOT.c.article_id, articles):
            told = {name: getattr(row, name) for name in fields}
            told[self.at] = time_of_act(corrections, row.id, told[self.at], row.recorded_at)
            if end is not None and row.end_id is not None:
                told[end.at] = time_of_act(corrections, row.end_id, told[end.at], row.ended)
            found.setdefault(row.observation_id, []).append({
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in told.items() if value is not None
            })  # fmt: skip
        return found

    def store_facts(self, unit: Unit, facts: Mapping[int, Json]) -> None:
        """Store the acts about imported checks; known ones may have ended."""
        if not facts:
            return
        known = self._load_known(unit.connection, facts)
        for observation, value in facts.items():
            for act, ended in self.parse(value):
                key = (observation, *(act[each] for each in self._key()))
                number, is_ended = known.get(key) or (unit.number(), False)
                if key not in known:
                    unit.add(
                        self.table,
                        {
                            "id": number, "observation_id": observation, "recorded_at": unit.now,
                            **act, **self.others,
                        },
                    )  # fmt: skip
                if self.end is not None and ended and not is_ended:
                    stated = {"id": unit.number(), self.end.act: number, "recorded_at": unit.now}
                    unit.add(self.end.table, stated | ended)
                known[key] = number, is_ended or bool(ended)

    def parse(self, value: Json) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield the acts that a file states, and how each ended; wrong ones are left out."""
        for each in value[: self.most] if isinstance(value, list) else ():
            told = each if isinstance(each, dict) else {}
            act: dict[str, Any] = {name: read(told.get(name)) for name, read in self.texts.items()}
            act[self.at] = _parse_time(told.get(self.at))
            if any(act[name] is None for name in act.keys() - {*self.optional}):
                continue
            ended: dict[str, Any] = {}
            if self.end is not None and (at := _parse_time(told.get(self.end.at))) is not None:
                by = self.texts[self.by](told.get(self.end.field)) or act[self.by]
                ended = {self.end.by: by, self.end.at: at}
            yield act, ended

    def _key(self) -> Iterator[str]:
        """Yield the columns that identify an act of a check."""
        yield from (name for name in (*self.texts, self.at) if name not in self.optional)

    def _load_known(
        self, connection: Connection, observations: Mapping[int, Json]
    ) -> dict[tuple[Any, ...], tuple[int, bool]]:
        own, end = self.table.c, self.end
        query = select(own.id, own.observation_id, *(own[each] for each in self._key()))
        if end is not None:
            query = query.outerjoin(end.table, end.table.c[end.act] == own.id)
            query = query.add_columns(end.table.c.id.is_not(None).label("is_ended"))
        rows = rows_in(connection, query, own.observation_id, observations)
        length = len(tuple(self._key())) + 2
        return {tuple(row[1:length]): (row.id, any(row[length:])) for row in rows}


def _parse_time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
