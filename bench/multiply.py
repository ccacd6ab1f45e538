"""Make a large archive out of a small one within minutes: copies of its rows with other words.

    python -m bench.scale --articles 12500 --database postgresql://…      # stored by the real way
    python -m bench.multiply --times 40 --database postgresql://…         # a million captures

Each copy has its own numbers, addresses, bytes, digests and words: in long nouns and surnames the
same letters change places, so sentences, versions and changes stay what they are. The product
writes full text, sentences and the log. Indexes are dropped and created again, so they are smaller
than those that grew. What such an archive cannot show: how the rate of an ingestion falls; index
keys, which are shifted numbers (`verify` reports them); texts that copies share with others.
"""

import argparse
import multiprocessing
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import Connection, Table, bindparam, func, literal_column, select, text, update

from bench import corpus
from bench.scale import sizes
from storage.database.columns import UtcTime
from storage.database.compression import pack, unpack
from storage.database.engine import insert_rows
from storage.database.table_facts import ALL_TABLES
from storage.database.tables import CAPTURE, COUNTER, DERIVATION, SEARCH_DUE, WORDING
from storage.database.tables.metadata import METADATA
from storage.language.folded_names import fold_name
from storage.proof import log
from storage.values.digest import origin_id, raw_digest, wording_digest
from storage.write.archive import Archive
from storage.write.index import index_now, to_index
from worker.flow.run_jobs import process_backlog

ROWS = 2_000
NOT_COPIED = {
    "archive", "counter", "source", "search_due", "relation_due", "log_run", "log_tile",
    "log_key", "log_checkpoint", "log_cosignature", "log_stamp", "stamp_request",
}  # fmt: skip
RECORDED = {"recorded_at", "decided_at", "created_at", "started_at", "finished_at"}
LETTERS = "bdfgklmnprst"
HASH = 1 << 45
_SURNAME = rf"(?:{'|'.join(corpus.NAME_HEADS)})(?:{'|'.join(corpus.NAME_TAILS)})"
LONG_NOUN = re.compile(rf"\b(?:[A-ZÄÖÜ][a-zäöüß]{{9,}}|{_SURNAME})\b")


class Copy:
    """Copy number `number` of all rows up to the number `size`."""

    def __init__(self, number: int, size: int, newest: datetime) -> None:
        self.number = number
        self.shift = number * size
        self.recorded_at = newest + timedelta(milliseconds=number)
        letters = [*LETTERS]
        random.Random(number).shuffle(letters)
        self._digests: dict[bytes, bytes] = {}
        self._letters = str.maketrans(LETTERS, "".join(letters))
        self._noun = cache(lambda noun: noun[0] + noun[1:].translate(self._letters))

    def words(self, value: Any) -> Any:
        """Return a text, or all texts in JSON, with other nouns."""
        match value:
            case str():
                return LONG_NOUN.sub(lambda found: self._noun(found[0]), value)
            case list():
                return [self.words(each) for each in value]
            case dict():
                return {key: self.words(each) for key, each in value.items()}
        return value

    def address(self, origin: str) -> str:
        return re.sub(r"/(?=\d+/)", f"/{self.number:04d}/", origin, count=1)

    def capture(self, row: dict[str, Any]) -> None:
        raw = self.words(unpack(row["encoding"], row["data"]).decode()).encode()
        row["encoding"], row["data"] = pack(raw)
        self._digests[row["digest"]] = raw_digest(raw)
        row["digest"] = self._digests[row["digest"]]

    def wording(self, row: dict[str, Any]) -> None:
        row["title"], row["text"] = self.words(row["title"]), self.words(row["text"])
        row["digest"] = wording_digest(row["title"], row["text"].split("\n\n"))

    def origin(self, row: dict[str, Any]) -> None:
        row["origin"] = self.address(row["origin"])
        row["public_id"] = origin_id(row["origin"])

    def presence(self, row: dict[str, Any]) -> None:
        row["path"] = self.address(f"/{row['path']}")[1:]
        row["digest"] = self._digests[row["digest"]]

    def relation(self, row: dict[str, Any]) -> None:
        for name in ("a_wording", "b_wording"):
            row["evidence"][name] += self.shift

    def derivation(self, row: dict[str, Any]) -> None:
        row["detail"] = self.words(row["detail"])

    def version(self, row: dict[str, Any]) -> None:
        for name in ("removed", "added", "notices", "entries"):
            row[name] = self.words(row[name])

    def quotation(self, row: dict[str, Any]) -> None:
        for name in ("text", "speaker", "name", "office", "cue"):
            row[name] = self.words(row[name])
        for name, stored in (("person", "name"), ("spoken", "speaker")):
            row[name] = None if row[name] is None else fold_name(row[stored])
        row["surname"] = row["person"] and row["person"].split()[-1]


CHANGED: Mapping[str, Callable[[Copy, dict[str, Any]], None]] = {
    "capture": Copy.capture, "wording": Copy.wording, "origin": Copy.origin,
    "presence": Copy.presence, "relation": Copy.relation, "derivation": Copy.derivation,
    "version": Copy.version, "quotation": Copy.quotation,
}  # fmt: skip


def shifted_columns(name: str) -> set[str]:
    """Return the columns of a table that contain numbers of rows."""
    facts = next(each for each in ALL_TABLES if each.name == name)
    own = {c.name for c in METADATA.tables[name].primary_key if c.name == "id"} | {"seq"}
    return (own | {*facts.references, *facts.loose}) - {"source_id", "public_id"}


def copy_table(connection: Connection, table: Table, of: Copy, size: int) -> None:
    """Add the copies of the rows of a table up to the number `size`."""
    shifted = shifted_columns(table.name)
    numbered = next((c for c in table.primary_key if c.name in shifted), None)
    if numbered is None:
        if connection.execute(select(func.count()).select_from(table)).scalar():
            raise ValueError(f"rows of {table.name} cannot be copied")
        return
    if change := CHANGED.get(table.name):
        _copy_changed(connection, table, of, change, numbered <= size)
        return
    values = {
        c.name: (c + of.shift if c.name in shifted
                 else bindparam(c.name, of.recorded_at, UtcTime()) if c.name in RECORDED
                 else c)
        for c in table.c
    }  # fmt: skip
    if table.name == "index_key":
        values["key"] = table.c.key - table.c.key % HASH + (table.c.key + 977 * of.shift) % HASH
    if table.name in {"article", "cluster"}:
        values |= _new_names(table, of.shift)
    query = select(*(value.label(name) for name, value in values.items())).where(numbered <= size)
    connection.execute(table.insert().from_select([*values], query))


def _new_names(table: Table, shift: int) -> dict[str, Any]:
    """Return the expressions for names that follow from copied addresses."""
    name, where = (
        ("public_id", "o.id = article.origin_id")
        if table.name == "article"
        else ("label", "o.public_id = cluster.label")
    )
    query = f"SELECT n.public_id FROM origin o JOIN origin n ON n.id = o.id + {shift} WHERE {where}"
    return {name: literal_column(f"({query})")}


def _copy_changed(
    connection: Connection, table: Table, of: Copy, change: Callable[..., None], where: Any
) -> None:
    shifted, recorded = shifted_columns(table.name), RECORDED & {*table.c.keys()}
    result = connection.execute(select(table).where(where)).mappings().all()
    for begin in range(0, len(result), ROWS):
        rows = []
        for found in result[begin : begin + ROWS]:
            row = {c.name: found[c.name] for c in table.c}
            for name in shifted & {*row}:
                row[name] = None if row[name] is None else row[name] + of.shift
            row |= dict.fromkeys(recorded, of.recorded_at)
            change(of, row)
            rows.append(row)
        insert_rows(connection, table, rows)


def index_copies(connection: Connection, low: int, high: int) -> None:
    """Index the wordings between two numbers for full text and sentences, as a worker does."""
    query = (
        select(WORDING.c.id, WORDING.c.title, WORDING.c.text, DERIVATION.c.language)
        .join(DERIVATION, DERIVATION.c.wording_id == WORDING.c.id)
        .where(WORDING.c.id > low, WORDING.c.id <= high)
        .order_by(WORDING.c.id)
    )
    rows = {row.id: row for row in connection.execute(query)}
    if connection.dialect.name == "postgresql":  # only these are indexed there
        due = [{"wording_id": each, "language": None} for each in rows]
        insert_rows(connection, SEARCH_DUE, due)
    index_now(connection, [to_index(row) for row in rows.values()])


def add_copy(archive: Archive, number: int, size: int, newest: datetime) -> None:
    """Add one copy of all rows in a transaction."""
    of = Copy(number, size, newest)
    with archive.engine.begin() as connection:
        for each in ALL_TABLES:
            if each.name not in NOT_COPIED:
                copy_table(connection, METADATA.tables[each.name], of, size)
        index_copies(connection, of.shift, of.shift + size)


def add_copies(url: str, numbers: list[int], size: int, newest: datetime) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with Archive.open(url) as archive:
        for number in numbers:
            add_copy(archive, number, size, newest)
            print(f"copy {number}", flush=True)


@contextmanager
def without_indexes(archive: Archive) -> Iterator[None]:
    """Drop the indexes that no insertion needs, and create them again at the end."""
    query = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
        "AND indexdef NOT LIKE 'CREATE UNIQUE%'"
        if archive.engine.dialect.name == "postgresql"
        else "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    )
    with archive.engine.begin() as connection:
        indexes = connection.execute(text(query)).all()
        for name, _statement in indexes:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
    yield
    for _name, statement in indexes:
        with archive.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET maintenance_work_mem = '1GB'")
            connection.exec_driver_sql(statement)


def multiply(url: str, times: int, processes: int) -> None:
    """Make `times` archives of one."""
    with Archive.open(url) as archive:
        process_backlog(archive)
        with archive.read_connection() as connection:
            sequence = select(COUNTER.c.value).where(COUNTER.c.name == "seq")
            size = connection.execute(sequence).scalar_one()
            newest = connection.execute(select(func.max(CAPTURE.c.recorded_at))).scalar_one()
        with without_indexes(archive):
            if archive.engine.dialect.name == "sqlite":
                processes = 1  # it has one writer
            context = multiprocessing.get_context("spawn")
            workers = [
                context.Process(
                    target=add_copies,
                    args=(url, [*range(1 + share, times, processes)], size, newest),
                )
                for share in range(processes)
            ]
            for each in workers:
                each.start()
            for each in workers:
                each.join()
        with archive.engine.begin() as connection:
            last = update(COUNTER).where(COUNTER.c.name == "seq").values(value=times * size)
            connection.execute(last)
        print(f"{log.append(archive.engine, archive.clock):,} entries of the log", flush=True)
        with archive.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")


def main() -> None:
    """Multiply an archive, and print how long it took and how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--database", required=True, help="the archive; nothing else uses it")
    given = parser.parse_args()
    began = time.monotonic()
    multiply(given.database, given.times, given.processes)
    stored = sizes(given.database)
    print(f"{time.monotonic() - began:.0f} s, {sum(each[1] for each in stored) / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
