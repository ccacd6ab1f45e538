"""The log of the record: append committed rows, and read entries.

Entries are added outside the units that write the record, in the order of the row numbers, which is
the order of commits. A crash in between loses nothing: the rows exist, and the next append
continues after the last logged number.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, Engine, TextClause, insert, text, update

from storage.database.engine import insert_tuples, read_connection
from storage.database.tables import COUNTER, LOG_RUN, LOG_TILE
from storage.database.tables.kept import find_kept, logged_tables
from storage.database.unit import Clock, Unit, writing
from storage.proof import rows as record
from storage.proof.leaf import ARCHIVE, SALT_SIZE, SHAPES, commitment, entry, seal_opening
from storage.proof.log_entries import (
    RUN_COLUMNS,
    Entry,
    LogPosition,
    Run,
    count,
    pack_openings,
    runs_of,
    unpack_entries,
)
from storage.proof.tiles import WIDTH, tree_of_tiles
from storage.proof.tree import Node, complete_root, leaf_hash

POSITION = "log"
"""Name of the counter with the last number up to which the log is complete."""
Tile = tuple[int, int, bytes, int]
"""Level, number, root, the last covered number."""
TILE_COLUMNS = ("level", "number", "digest", "last_seq")
SALTS_AT_ONCE = 64
WINDOW_ROWS = 2_000
"""Number of rows of a table per query."""
HIGHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PendingEntries:
    """The entries to append, for all numbers above `after` up to `upto`.

    They are prepared as rows, with the tiles that they complete.
    """

    after: int
    upto: int
    count: int
    runs: Sequence[Run]
    tiles: Sequence[Tile]


def append(engine: Engine, clock: Clock) -> int:
    """Append all rows committed since the last append; return the number of entries.

    No lock is held while rows are read and hashed; concurrent appends add nothing twice.
    """
    added = 0
    while True:
        with read_connection(engine) as connection:
            found = fresh(connection)
        if found is None:
            return added
        with writing(engine, clock) as unit:
            added += write(unit, found)


def append_within(unit: Unit) -> None:
    """Append everything within a unit that holds the lock."""
    unit.flush()
    while (found := fresh(unit.connection)) is not None:
        write(unit, found)


def fresh(connection: Connection) -> PendingEntries | None:
    """Return the next entries to append, None if the log is up to date."""
    counter, after = numbers(connection)
    if after >= counter:
        return None
    tables, upto = _window(connection, after, counter)
    new = [each for table in tables for each in _entries(connection, table, after, upto)]
    new.sort()
    size = size_of(connection)
    runs = list(runs_of(new, size))
    return PendingEntries(after, upto, len(new), runs, list(_tiles(connection, size, new)))


def write(unit: Unit, pending: PendingEntries) -> int:
    """Write entries under the write lock, unless another process did; return their number."""
    connection = unit.connection
    if numbers(connection)[1] != pending.after:
        return 0
    insert_tuples(connection, LOG_RUN, RUN_COLUMNS, pending.runs)
    insert_tuples(connection, LOG_TILE, TILE_COLUMNS, pending.tiles)
    _store_position(connection, pending)
    return pending.count


def numbers(connection: Connection) -> tuple[int, int]:
    """Return the last assigned number, and the last number up to which the log is complete."""
    query = text("SELECT name, value FROM counter WHERE name IN ('seq', :log)")
    found = {row.name: row.value for row in connection.execute(query, {"log": POSITION})}
    return found.get("seq", 0), found.get(POSITION, -1)


def size_of(connection: Connection) -> int:
    """Return the number of entries of the log."""
    query = text("SELECT start, entries FROM log_run ORDER BY seq DESC LIMIT 1")
    last = connection.execute(query).first()
    return 0 if last is None else last.start + count(last.entries)


def node_of(connection: Connection) -> Node:
    """Return the tree of the log, read tile by tile on demand."""
    return tree_of_tiles(lambda level, number: tile(connection, level, number))


def tile(connection: Connection, level: int, number: int) -> list[bytes]:
    """Return the existing hashes of a tile."""
    if level == 0:
        return [leaf_hash(each.entry) for each in entries(connection, number)]
    query = text(
        "SELECT digest FROM log_tile WHERE level = :level AND number >= :first "
        "AND number < :last ORDER BY number"
    )
    asked = {"level": level, "first": number * WIDTH, "last": (number + 1) * WIDTH}
    return [bytes(digest) for digest in connection.execute(query, asked).scalars()]


def entries(connection: Connection, number: int) -> list[LogPosition]:
    """Return the entries of a tile of leaves."""
    find_kept(connection)
    query = text(
        "SELECT start, entries, openings FROM log_run WHERE seq > :after AND seq <= :upto "
        "ORDER BY seq LIMIT :width"
    )
    after, upto = (_last_seq(connection, number - each) for each in (1, 0))
    asked = {"after": after or -1, "upto": upto or HIGHEST, "width": WIDTH}
    found = [place for run in connection.execute(query, asked) for place in unpack_entries(*run)]
    return found[:WIDTH]


def place_of(connection: Connection, table: str, number: int) -> LogPosition | None:
    """Return the position of a row in the log, None if it is not logged yet."""
    named = (number, SHAPES[table].kind)
    places = _run_with(connection, number)[1]
    return next((place for place in places if (place.seq, place.kind) == named), None)


def _run_with(connection: Connection, number: int) -> tuple[int, list[LogPosition]]:
    """Return the run that contains a number, with its last number and its entries."""
    find_kept(connection)
    query = text(
        "SELECT seq, start, entries, openings FROM log_run WHERE seq >= :seq ORDER BY seq LIMIT 1"
    )
    row = connection.execute(query, {"seq": number}).first()
    return (-1, []) if row is None else (row.seq, unpack_entries(*row[1:]))


def seal(unit: Unit, table: str, number: int, taken: Sequence[str]) -> None:
    """Remove the salts of the columns `taken` from the entry of a row, before a redaction empties
    them.

    The row of `redaction` must exist. Rows that are not logged yet must be appended first.
    """
    unit.flush()
    values = record.row(unit.connection, table, number)
    run, places = _run_with(unit.connection, number)
    openings = {each.seq: each.opening for each in places}
    if values is None or number not in openings:
        raise LookupError(f"{table} {number} is not in the log")
    openings[number] = seal_opening(table, values, openings[number], taken)
    left = pack_openings(openings.values())
    unit.connection.execute(update(LOG_RUN).where(LOG_RUN.c.seq == run).values(openings=left))


def _window(connection: Connection, after: int, counter: int) -> tuple[list[str], int]:
    """Return the tables with new rows, and the number up to which none has more than a window."""
    asked, logged = {"after": after, "upto": counter}, logged_tables(connection)
    first = connection.execute(_nth_new(0, logged), asked).one()
    tables = [table for table, number in zip(logged, first, strict=True) if number is not None]
    beyond = connection.execute(_nth_new(WINDOW_ROWS, logged), asked).one()
    own = [ARCHIVE] if after < 0 else []
    return [*own, *tables], min(filter(None, beyond), default=counter + 1) - 1


@lru_cache(maxsize=8)
def _nth_new(place: int, tables: tuple[str, ...]) -> TextClause:
    """Return the query for the number of one new row of each table."""
    numbers = (
        f"(SELECT {key} FROM {table} WHERE {key} > :after AND {key} <= :upto "
        f"ORDER BY {key} LIMIT 1 OFFSET {place})"
        for table in tables
        for key in (SHAPES[table].key,)
    )
    return text(f"SELECT {', '.join(numbers)}")


def _entries(connection: Connection, table: str, after: int, upto: int) -> Iterator[Entry]:
    kind, salts = SHAPES[table].kind, b""
    for seq, values in record.rows(connection, table, after, upto):
        salts = salts or os.urandom(SALT_SIZE * SALTS_AT_ONCE)
        salt, salts = salts[:SALT_SIZE], salts[SALT_SIZE:]
        yield seq, kind, salt, commitment(table, values, salt)


def _leaf(each: Entry) -> tuple[int, bytes]:
    seq, kind, _, held = each
    return seq, leaf_hash(entry(kind, seq, held))


def _tiles(connection: Connection, size: int, new: Sequence[Entry]) -> Iterator[Tile]:
    """Yield the root of each tile that new entries complete in a log of `size`, by level."""
    number, before = size // WIDTH, size % WIDTH
    if len(new) + before < WIDTH:
        return
    earlier = entries(connection, number) if before else []
    leaves = [*((each.seq, leaf_hash(each.entry)) for each in earlier), *map(_leaf, new)]
    lasts, hashes = [seq for seq, _ in leaves], [digest for _, digest in leaves]
    level = 1
    while len(hashes) >= WIDTH:
        ends = range(WIDTH, len(hashes) + 1, WIDTH)
        full = [(complete_root(hashes[end - WIDTH : end]), lasts[end - 1]) for end in ends]
        yield from ((level, number + at, *each) for at, each in enumerate(full))
        above = [*_level(connection, level, number // WIDTH * WIDTH, number), *full]
        hashes, lasts = [digest for digest, _ in above], [last for _, last in above]
        number, level = number // WIDTH, level + 1


def _level(connection: Connection, level: int, first: int, last: int) -> list[tuple[bytes, int]]:
    query = text(
        "SELECT digest, last_seq FROM log_tile WHERE level = :level AND number >= :first "
        "AND number < :last ORDER BY number"
    )
    asked = {"level": level, "first": first, "last": last}
    return [(bytes(digest), seq) for digest, seq in connection.execute(query, asked)]


def _store_position(connection: Connection, pending: PendingEntries) -> None:
    values = {"value": pending.upto}
    done = connection.execute(update(COUNTER).where(COUNTER.c.name == POSITION).values(**values))
    if done.rowcount == 0:
        connection.execute(insert(COUNTER).values(name=POSITION, **values))


def _last_seq(connection: Connection, number: int) -> int | None:
    """Return the last number that a full tile of leaves covers."""
    query = text("SELECT last_seq FROM log_tile WHERE level = 1 AND number = :number")
    found: int | None = connection.execute(query, {"number": number}).scalar()
    return found
