"""The log behind the record: appends what was committed since, and reads what it holds.

Entries are added outside of the units that write the record, in the order of their numbers, which
is that of the commits. A crash in between loses nothing: the rows are there, and whoever comes
next goes on after the last number that is in the log.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, text, update

from storage.database.engine import insert_tuples, looking
from storage.database.tables import LOGGED, CounterRow, LogEntryRow, LogTileRow
from storage.database.unit import Clock, Unit, table_of, writing
from storage.proof import rows as record
from storage.proof.leaf import ARCHIVE, SALT_SIZE, SHAPES, TABLES, commitment, entry, sealed
from storage.proof.tiles import WIDTH, tiled
from storage.proof.tree import Node, leaf_hash, whole

COUNTER, ENTRY, TILE = table_of(CounterRow), table_of(LogEntryRow), table_of(LogTileRow)
POSITION = "log"
"""The name of the counter that says up to which number everything is in the log."""
SALTS_AT_ONCE = 64
WINDOW_ROWS = 2_000
"""So many rows of a table are looked at in one go."""

Entry = tuple[int, int, bytes, bytes]
"""Number, kind, opening, commitment."""


@dataclass(frozen=True, slots=True)
class PendingEntries:
    """What is still to be added: the entries of all numbers above `after`, up to `upto`."""

    after: int
    upto: int
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Where the entry of a row stands in the log."""

    index: int
    seq: int
    kind: int
    opening: bytes
    commitment: bytes

    @property
    def table(self) -> str:
        return TABLES.get(self.kind, "log_entry")

    @property
    def entry(self) -> bytes:
        return entry(self.kind, self.seq, self.commitment)


def append(engine: Engine, clock: Clock) -> int:
    """Add to the log what was committed since it was last done; return how many entries.

    It holds no lock while it reads and hashes; two that do it at once add nothing twice.
    """
    added = 0
    while True:
        with looking(engine) as connection:
            found = fresh(connection)
        if found is None:
            return added
        with writing(engine, clock) as unit:
            added += write(unit, found)


def append_within(unit: Unit) -> None:
    """Add everything to the log in a unit that holds the lock: nothing comes in between."""
    unit.flush()
    while (found := fresh(unit.connection)) is not None:
        write(unit, found)


def fresh(connection: Connection) -> PendingEntries | None:
    """Return the next entries that are to be added, None where the log is up to date."""
    counter, after = numbers(connection)
    if after >= counter:
        return None
    upto = _window(connection, after, counter)
    entries = [
        each for table in (ARCHIVE, *LOGGED) for each in _entries(connection, table, after, upto)
    ]
    entries.sort()
    return PendingEntries(after, upto, entries)


def write(unit: Unit, found: PendingEntries) -> int:
    """Add entries under the write lock, unless somebody else did; return how many."""
    connection = unit.connection
    if numbers(connection)[1] != found.after:
        return 0
    size_before, start = partial(connection)
    new = found.entries
    earlier = [] if len(new) + size_before % WIDTH < WIDTH else _after(connection, start)
    insert_tuples(connection, ENTRY, ("seq", "kind", "opening", "commitment"), new)
    if len(new) + size_before % WIDTH >= WIDTH:
        leaves = [*earlier, *((each[0], each[1], each[3]) for each in new)]
        _add_tiles(connection, size_before // WIDTH, leaves)
    _keep_position(connection, found)
    return len(new)


def numbers(connection: Connection) -> tuple[int, int]:
    """Return the last number given out, and the last one up to which the log has everything."""
    query = text("SELECT name, value FROM counter WHERE name IN ('seq', :log)")
    found = {row.name: row.value for row in connection.execute(query, {"log": POSITION})}
    return found.get("seq", 0), found.get(POSITION, -1)


def partial(connection: Connection) -> tuple[int, int]:
    """Return how many leaves the log has, and the last number that its full tiles cover."""
    last = connection.execute(
        text("SELECT number, last_seq FROM log_tile WHERE level = 1 ORDER BY number DESC LIMIT 1")
    ).first()
    tiles, start = (0, -1) if last is None else (last.number + 1, last.last_seq)
    query = text("SELECT count(*) FROM log_entry WHERE seq > :start")
    return tiles * WIDTH + connection.execute(query, {"start": start}).scalar_one(), start


def size_of(connection: Connection) -> int:
    return partial(connection)[0]


def node_of(connection: Connection) -> Node:
    """Return the tree of the log, read tile by tile as it is asked for."""
    return tiled(lambda level, number: tile(connection, level, number))


def tile(connection: Connection, level: int, number: int) -> list[bytes]:
    """Return the hashes of a tile, as many as there are."""
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
    query = text(
        "SELECT seq, kind, opening, commitment FROM log_entry "
        "WHERE seq > :start ORDER BY seq LIMIT :width"
    )
    asked = {"start": _last_seq(connection, number - 1), "width": WIDTH}
    return [
        LogPosition(number * WIDTH + at, seq, kind, bytes(opening), bytes(committed))
        for at, (seq, kind, opening, committed) in enumerate(connection.execute(query, asked))
    ]


def place_of(connection: Connection, table: str, number: int) -> LogPosition | None:
    """Return where the row of a table is in the log, None where it is not there (yet)."""
    query = text(
        "SELECT coalesce(max(number), -1) + 1 FROM log_tile WHERE level = 1 AND last_seq < :seq"
    )
    in_tile = connection.execute(query, {"seq": number}).scalar_one()
    for place in entries(connection, in_tile):
        if place.seq == number and place.kind == SHAPES[table].kind:
            return place
    return None


def seal(unit: Unit, table: str, number: int, taken: Sequence[str]) -> None:
    """Let the entry of a row forget the columns `taken`, before a redaction empties these.

    The row of `redaction` must stand by now. What is not in the log yet has to be appended first.
    """
    unit.flush()
    values = record.row(unit.connection, table, number)
    place = place_of(unit.connection, table, number)
    if values is None or place is None:
        raise LookupError(f"{table} {number} is not in the log")
    left = sealed(table, values, place.opening, taken)
    unit.connection.execute(update(ENTRY).where(ENTRY.c.seq == number).values(opening=left))


def _window(connection: Connection, after: int, counter: int) -> int:
    """Return the number up to which no table has more than a window of new rows."""
    upto = counter
    for table in LOGGED:
        key = SHAPES[table].key
        query = text(
            f"SELECT {key} FROM {table} WHERE {key} > :after AND {key} <= :upto "
            f"ORDER BY {key} LIMIT 1 OFFSET {WINDOW_ROWS}"
        )
        found = connection.execute(query, {"after": after, "upto": upto}).scalar()
        upto = upto if found is None else found - 1
    return upto


def _entries(connection: Connection, table: str, after: int, upto: int) -> Iterator[Entry]:
    kind, salts = SHAPES[table].kind, b""
    for seq, values in record.rows(connection, table, after, upto):
        salts = salts or os.urandom(SALT_SIZE * SALTS_AT_ONCE)
        salt, salts = salts[:SALT_SIZE], salts[SALT_SIZE:]
        yield seq, kind, salt, commitment(table, values, salt)


def _after(connection: Connection, start: int) -> list[tuple[int, int, bytes]]:
    query = text("SELECT seq, kind, commitment FROM log_entry WHERE seq > :start ORDER BY seq")
    return [
        (seq, kind, bytes(committed))
        for seq, kind, committed in connection.execute(query, {"start": start})
    ]


def _add_tiles(
    connection: Connection, number: int, leaves: Sequence[tuple[int, int, bytes]]
) -> None:
    """Write the root of each tile that is full now, level by level."""
    hashes = [leaf_hash(entry(kind, seq, committed)) for seq, kind, committed in leaves]
    lasts = [leaf[0] for leaf in leaves]
    level = 1
    while len(hashes) >= WIDTH:
        ends = range(WIDTH, len(hashes) + 1, WIDTH)
        full = [(whole(hashes[end - WIDTH : end]), lasts[end - 1]) for end in ends]
        rows = [(level, number + at, *each) for at, each in enumerate(full)]
        insert_tuples(connection, TILE, ("level", "number", "digest", "last_seq"), rows)
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


def _keep_position(connection: Connection, found: PendingEntries) -> None:
    values = {"value": found.upto}
    done = connection.execute(update(COUNTER).where(COUNTER.c.name == POSITION).values(**values))
    if done.rowcount == 0:
        connection.execute(insert(COUNTER).values(name=POSITION, **values))


def _last_seq(connection: Connection, number: int) -> int:
    query = text("SELECT last_seq FROM log_tile WHERE level = 1 AND number = :number")
    found: int | None = connection.execute(query, {"number": number}).scalar()
    return -1 if found is None else found
