"""Check the log: rows against commitments, tree, checkpoints, cosignatures and stamps."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, func, select, text

from storage.database.rows import stream
from storage.database.table_facts import EMPTIED, ERASABLE
from storage.database.tables import CLOCK_CORRECTION
from storage.database.tables.kept import find_kept, logged_tables, table_named
from storage.history.corrected_times import (
    ClockCorrection,
    clock_corrections,
    time_after_corrections,
)
from storage.proof import checkpoints as kept
from storage.proof import log, rows
from storage.proof.calendar_stamp import attestations
from storage.proof.checkpoints import Key, SignedCheckpoint
from storage.proof.external.authorities import StoredStamp, authority_stamps, calendar_stamps
from storage.proof.leaf import ARCHIVE, SHAPES, TABLES, OpeningError, Values, open_row
from storage.proof.log_entries import LogPosition, is_sound, unpack_entries
from storage.proof.note import Checkpoint, Note, NoteError, Verifier
from storage.proof.stamp import StampError, read_stamp_time
from storage.proof.tiles import WIDTH, TileError
from storage.proof.tree import complete_root, leaf_hash, root
from storage.values.dates import iso_utc
from storage.values.redaction import is_emptied
from storage.verify.finding import PASSED, REDACTED, BrokenObject, Findings, PassedItem, Scope

CHUNK_ENTRIES = 4_000
Entry = tuple[int, bytes, bytes]
"""Kind, opening and commitment of an entry."""


# ------------------------------------------------------------------------ rows and entries


def entries(connection: Connection, scope: Scope) -> Findings:
    """Check the commitment to each row of the record, and find rows without an entry."""
    position = log.numbers(connection)[1]
    if position < 0:
        yield from _nothing_logged(connection)
        return
    known = _KnownEntries(connection)
    after = scope.first
    while True:
        chunk = _chunk(connection, after)
        is_last = len(chunk) < CHUNK_ENTRIES
        upto = max([position, *chunk]) if is_last else max(chunk)
        yield from _compare_chunk(connection, known, chunk, (after, upto), scope)
        after = scope.reached = upto
        if is_last:
            break


def _nothing_logged(connection: Connection) -> Findings:
    """Report an archive without a log; only entries without a log would be an error."""
    query = text("SELECT seq FROM log_run ORDER BY seq LIMIT 1")
    for row in connection.execute(query):
        message = "there is a log, and nothing that says how far it goes"
        yield BrokenObject("counter", log.POSITION, "position_missing", f"{message}: {row.seq}")


class _KnownEntries:
    """Information for checking rows: redactions, and the earliest times."""

    def __init__(self, connection: Connection) -> None:
        find_kept(connection)
        query = text("SELECT table_name, row_id FROM redaction")
        self.redacted: dict[tuple[str, int], set[str]] = defaultdict(set)
        for row in connection.execute(query):
            table, names = EMPTIED.get(row.table_name, (row.table_name, ()))
            self.redacted[table, row.row_id].update(names)
        self.earliest = EarliestTimes(connection)


def _chunk(connection: Connection, after: int) -> dict[int, Entry]:
    """Return the next entries: some thousands, up to the end of a run."""
    query = text("SELECT start, entries, openings FROM log_run WHERE seq > :after ORDER BY seq")
    found: dict[int, Entry] = {}
    with connection.execute(query, {"after": after}, execution_options=rows.STREAMING) as runs:
        for run in runs:
            for each in unpack_entries(*run):
                if each.seq > after:
                    found[each.seq] = each.kind, each.opening, each.commitment
            if len(found) >= CHUNK_ENTRIES:
                break
    return found


def _compare_chunk(
    connection: Connection,
    known: _KnownEntries,
    chunk: dict[int, Entry],
    span: tuple[int, int],
    scope: Scope,
) -> Findings:
    """Compare the rows and the entries between two numbers."""
    found = sorted(
        ((seq, table, values) for table in (ARCHIVE, *logged_tables(connection))
         for seq, values in rows.rows(connection, table, *span)),
        key=lambda each: each[:2],
    )  # fmt: skip
    for seq, table, values in found:
        held = chunk.get(seq)
        if held is None or TABLES.get(held[0]) != table:
            yield BrokenObject(table, _id(values, seq), "not_logged", "it is not in the log")
            continue
        del chunk[seq]
        least = known.earliest.find(seq)
        if scope.takes(seq):
            yield _row(table, values, held, known)
        claimed = _time(table, values)
        if least is not None and claimed is not None and claimed < iso_utc(least):
            message = (
                f"it says {claimed}, but was added after a checkpoint later than that: it was "
                "backdated"
            )
            yield BrokenObject(table, _id(values, seq), "backdated", message)
    for seq, (kind, _opening, _held) in chunk.items():
        table = TABLES.get(kind, "log_run")
        yield BrokenObject(
            table, seq, "row_missing", f"it is in the log as {table} {seq}, and not there"
        )


def _id(values: Values, seq: int) -> int | str:
    """Return the id of a row; the id of the archive itself is a text."""
    number = values.get("id")
    return number if isinstance(number, int) else seq


def _time(table: str, values: Values) -> str | None:
    return next((values[name] for name in TIMES if name in values), None) if table else None


def _row(
    table: str, values: Values, held: Entry, known: _KnownEntries
) -> PassedItem | BrokenObject:
    _kind, opening, commitment = held
    number = _id(values, 0)
    try:
        found = open_row(table, values, opening)
    except OpeningError as error:
        return BrokenObject(
            table, number, "opening_damaged", f"its entry cannot be opened: {error}"
        )
    if found.commitment != commitment:
        empty = [name for name in ERASABLE.get(table, ()) if is_emptied(values.get(name, b""))]
        emptied = f"; emptied are {', '.join(empty)}" if empty else ""
        message = f"it is not the row that was logged: a column was changed{emptied}"
        return BrokenObject(table, number, "row_changed", message)
    seal_opening = [name for name, held in found.contents.items() if isinstance(held, bytes)]
    allowed = known.redacted.get((table, number), ()) if isinstance(number, int) else ()
    if left := [name for name in seal_opening if name not in allowed]:
        message = f"{', '.join(left)} went, and no redaction says why"
        return BrokenObject(table, number, "sealed", message)
    if full := [name for name in seal_opening if not is_emptied(values[name])]:
        message = f"the log has forgotten {', '.join(full)}, and something stands there"
        return BrokenObject(table, number, "row_changed", message)
    return REDACTED if seal_opening else PASSED


# ---------------------------------------------------------------------------------- tree


def tree(connection: Connection, scope: Scope) -> Findings:
    """Compute each tile from the entries, and find tiles that should not exist."""
    del scope  # a tree proves nothing unless it is complete
    levels: list[list[tuple[bytes, int]]] = [[], []]
    counts = [0, 0]
    stored = _tiles(connection)
    broken: list[BrokenObject] = []
    for place in _places(connection, broken):
        levels[0].append((leaf_hash(place.entry), place.seq))
        level = 0
        while len(levels[level]) == WIDTH:
            full = complete_root([digest for digest, _seq in levels[level]]), levels[level][-1][1]
            levels[level].clear()
            level += 1
            yield _tile(stored, level, counts[level], full)
            counts[level] += 1
            levels[level].append(full)
            if level + 1 == len(levels):
                levels.append([])
                counts.append(0)
    for level, number in stored:
        message = f"tile {level}/{number} is not of this log"
        yield BrokenObject("log_tile", f"{level}/{number}", "tile_wrong", message)
    yield from broken
    yield from _positions(connection)


def _places(connection: Connection, broken: list[BrokenObject]) -> Iterator[LogPosition]:
    """Yield all entries in order; misplaced rows become findings."""
    find_kept(connection)
    query = "SELECT seq, start, entries, openings FROM log_run ORDER BY seq"
    size, last = 0, -1
    for row in stream(connection, query, {}):
        found = unpack_entries(row["start"], row["entries"], row["openings"])
        seqs = [last, *(each.seq for each in found)]
        is_next = row["start"] == size and all(a < b for a, b in pairwise(seqs))
        if not is_next or not is_sound((row["seq"], size, row["entries"], row["openings"])):
            message = f"these entries are not those from {size} on, or not whole"
            broken.append(BrokenObject("log_run", row["seq"], "run_wrong", message))
        size, last = size + len(found), seqs[-1]
        yield from found


def _tiles(connection: Connection) -> dict[tuple[int, int], tuple[bytes, int]]:
    query = text("SELECT level, number, digest, last_seq FROM log_tile")
    return {
        (level, number): (bytes(digest), last)
        for level, number, digest, last in connection.execute(query)
    }


def _tile(
    stored: dict[tuple[int, int], tuple[bytes, int]],
    level: int,
    number: int,
    full: tuple[bytes, int],
) -> PassedItem | BrokenObject:
    found = stored.pop((level, number), None)
    if found == full:
        return PASSED
    fault = "is missing" if found is None else "is not what its entries make"
    return BrokenObject(
        "log_tile", f"{level}/{number}", "tile_wrong", f"tile {level}/{number} {fault}"
    )


def _positions(connection: Connection) -> Findings:
    counter, position = log.numbers(connection)
    last = connection.execute(text("SELECT max(seq) FROM log_run")).scalar()
    if position > counter or (last is not None and last > position):
        message = f"the log says {position}, its last entry is {last}, the counter is {counter}"
        yield BrokenObject("counter", log.POSITION, "position_wrong", message)
    else:
        yield PASSED


# --------------------------------------------------------------------------- checkpoints


def checkpoints(connection: Connection, scope: Scope) -> Findings:
    """Check keys, signatures, roots and times of all checkpoints and of the external one."""
    try:
        keys = kept.keys(connection)
    except NoteError as error:
        yield BrokenObject("log_key", "all", "key_garbled", str(error))
        return
    yield from _keys(keys)
    size = log.size_of(connection)
    roots = _Roots(connection, size)
    before: SignedCheckpoint | None = None
    corrections = clock_corrections(connection)
    for signed in kept.checkpoints(connection):
        made_at = time_after_corrections(corrections, signed.id, signed.made_at)
        corrected = replace(signed, made_at=made_at)
        wrong = [*_wrong(signed, keys, roots), *_wrong_order(corrected, before)]
        yield from (
            BrokenObject("log_checkpoint", signed.id, kind, message) for kind, message in wrong
        )
        if not wrong:
            yield PASSED
        before = corrected
    yield from _cosignatures(connection)
    for given in scope.against:
        yield from _against(given, keys, roots)


@dataclass(slots=True)
class _Roots:
    """The roots of the tree of the entries."""

    connection: Connection
    size: int
    _found: dict[int, bytes] = field(default_factory=dict)

    def __getitem__(self, size: int) -> bytes:
        if size not in self._found:
            self._found[size] = root(log.node_of(self.connection), size)
        return self._found[size]


Wrong = Iterator[tuple[str, str]]


def _keys(keys: Sequence[Key]) -> Findings:
    """Check that each key but the first was endorsed if it signs the same log."""
    for before, key in pairwise(keys):
        if before.verifier.name != key.verifier.name and key.endorsement is None:
            yield PASSED  # another log of the same entries, for example after a key was lost
            continue
        try:
            note = Note.parse(key.endorsement or "")
            note.require([before.verifier])
            is_right = note.text == key.endorsement_text
        except NoteError:
            is_right = False
        if is_right:
            yield PASSED
        else:
            message = f"the key {key.verifier.vkey} was not endorsed by the one before"
            yield BrokenObject("log_key", key.id, "key_not_endorsed", message)


def _wrong(checkpoint: SignedCheckpoint, keys: Sequence[Key], roots: _Roots) -> Wrong:
    try:
        note = Note.parse(checkpoint.note)
        found = Checkpoint.parse(note.text)
        note.require([key.verifier for key in keys])
    except NoteError as error:
        yield "signature_wrong", f"the checkpoint cannot be relied on: {error}"
        return
    if found.size != checkpoint.size:
        yield "size_wrong", f"it says {found.size} entries and is filed under {checkpoint.size}"
    yield from _wrong_root(found, roots)


def _wrong_root(checkpoint: Checkpoint, roots: _Roots) -> Wrong:
    try:
        own = roots[checkpoint.size] if checkpoint.size <= roots.size else b""
    except TileError as error:
        yield "root_unknown", f"the root of {checkpoint.size} entries cannot be computed: {error}"
        return
    if checkpoint.size > roots.size:
        message = (
            f"it saw {checkpoint.size} entries, the log has {roots.size}: some were taken away"
        )
        yield "log_shorter", message
    elif own != checkpoint.root:
        message = f"the first {checkpoint.size} entries are not those that were signed"
        yield "history_changed", message


def _wrong_order(checkpoint: SignedCheckpoint, previous: SignedCheckpoint | None) -> Wrong:
    if previous is None:
        return
    if checkpoint.size < previous.size:
        yield "log_shrank", f"it has {checkpoint.size} entries, the one before had {previous.size}"
    if checkpoint.made_at < previous.made_at - TOLERANCE:
        made_at = checkpoint.made_at.isoformat()
        yield "clock_back", f"it was made {made_at}, the one before {previous.made_at.isoformat()}"


def _cosignatures(connection: Connection) -> Findings:
    """Check the cosignatures of the witnesses."""
    notes = {each.id: each.note for each in kept.checkpoints(connection)}
    query = text("SELECT id, checkpoint_id, vkey, line FROM log_cosignature ORDER BY id")
    for row in connection.execute(query):
        try:
            note = Note.parse(notes[row.checkpoint_id] + row.line)
            is_right = note.line_of(Verifier.parse(row.vkey)) is not None
        except (NoteError, KeyError):
            is_right = False
        if is_right:
            yield PASSED
        else:
            message = "the witness did not sign this checkpoint"
            yield BrokenObject("log_cosignature", row.id, "cosignature_wrong", message)


def _against(external: str, keys: Sequence[Key], roots: _Roots) -> Findings:
    """Check that the log continues an external checkpoint."""
    try:
        note = Note.parse(external)
        found = Checkpoint.parse(note.text)
        note.require([key.verifier for key in keys])
    except NoteError as error:
        message = f"the checkpoint from outside is none of this archive: {error}"
        yield BrokenObject("checkpoint", "outside", "not_this_log", message)
        return
    wrong = [*_wrong_root(found, roots)]
    yield from (BrokenObject("checkpoint", "outside", kind, message) for kind, message in wrong)
    if not wrong:
        yield PASSED


# -------------------------------------------------------------------------------- stamps


def stamps(connection: Connection, scope: Scope) -> Findings:
    """Check the checkpoint, time and issuer of each stamp, as far as its authority is known."""
    corrections = clock_corrections(connection)
    for stamp in authority_stamps(connection):
        signed = stamp.signed
        try:
            at = _stamp_time(stamp, scope)
        except StampError as error:
            message = f"the stamp of {stamp.authority} does not hold: {error}"
            yield BrokenObject("log_stamp", stamp.id, "stamp_wrong", message)
            continue
        if at != stamp.stamped_at:
            message = f"it says {at.isoformat()}, the row {stamp.stamped_at.isoformat()}"
            yield BrokenObject("log_stamp", stamp.id, "stamp_time_wrong", message)
        elif at < earliest(corrections, signed.id, signed.made_at) - TOLERANCE:
            message = (
                f"the checkpoint says that it was made {signed.made_at.isoformat()}, the "
                f"authority stamped it {at.isoformat()}: the clock of this archive was ahead"
            )
            yield BrokenObject("log_checkpoint", signed.id, "clock_ahead", message)
        else:
            yield PASSED
    for stamp in calendar_stamps(connection):
        try:
            attestations(stamp.stamp, stamp.signed.note)
        except StampError as error:
            message = f"the stamp of {stamp.authority} does not hold: {error}"
            yield BrokenObject("log_stamp", stamp.id, "stamp_wrong", message)
        else:
            yield PASSED


def _stamp_time(stamp: StoredStamp, scope: Scope) -> datetime:
    known = {each.name: each for each in scope.authorities}
    return read_stamp_time(stamp.stamp, stamp.signed.note, known.get(stamp.authority))


def _last_stamp(connection: Connection, scope: Scope) -> StoredStamp | None:
    """Return the stamp of a known authority on the longest log."""
    known = {each.name for each in scope.authorities}
    found = [each for each in authority_stamps(connection) if each.authority in known]
    return max(found, key=lambda each: each.signed.size, default=None)


def facts(connection: Connection, scope: Scope) -> Mapping[str, int | str | None]:
    """Return the state of the log: size, pending rows, newest checkpoint, cosigners."""
    counter, position = log.numbers(connection)
    waiting = sum(
        connection.execute(
            text(f"SELECT count(*) FROM {table} WHERE {SHAPES[table].key} > :position"),
            {"position": position},
        ).scalar_one()
        for table in logged_tables(connection)
    ) if position < counter else 0  # fmt: skip
    newest, stamp = kept.latest(connection), _last_stamp(connection, scope)
    return {
        "entries": log.size_of(connection),
        "waiting": waiting,
        "signed": None if newest is None else newest.size,
        "signed_at": None if newest is None else iso_utc(newest.made_at),
        "cosigned": 0 if newest is None else len(newest.lines),
        "note": None if newest is None else newest.with_cosignatures,
        "stamped": None if stamp is None else stamp.signed.size,
        "stamped_by": None if stamp is None else stamp.authority,
        "stamped_at": None if stamp is None else iso_utc(stamp.stamped_at),
    }


TOLERANCE = timedelta(minutes=5)
"""Maximum age of a row that a checkpoint signed before it may have missed, because it waited for
the lock.
"""
TIMES = ("recorded_at", "decided_at", "undone_at", "at", "made_at", "received_at")
"""Columns with the time of writing; each table has one of them."""


class EarliestTimes:
    """The time before which no row can have been added: that of the checkpoints before it.

    A correction puts it back to the time that it states.
    """

    def __init__(self, connection: Connection) -> None:
        signed = ((each.id + 1, each.made_at) for each in kept.checkpoints(connection))
        corrected = ((each.id, each.at) for each in clock_corrections(connection))
        self._limits = sorted(
            [*((*each, max) for each in signed), *((*each, min) for each in corrected)],
            key=lambda limit: limit[:2],
        )
        self._next = 0
        self._latest: datetime | None = None

    def find(self, seq: int) -> datetime | None:
        """Return the earliest possible time of the row with this number; call it with rising
        numbers.
        """
        while self._next < len(self._limits) and self._limits[self._next][0] <= seq:
            _number, moment, choose = self._limits[self._next]
            self._latest = choose(moment - TOLERANCE, self._latest or moment - TOLERANCE)
            self._next += 1
        return self._latest


def earliest(corrections: list[ClockCorrection], number: int, moment: datetime) -> datetime:
    """Return the earliest time at which row `number`, which says `moment`, can have been added."""
    return min([moment, *(each.since for each in corrections if each.applies_to(number, moment))])


def corrections(connection: Connection, scope: Scope) -> Findings:
    """Check that the clock ran ahead before each correction, and that nobody saw a later time."""
    del scope  # there are few of them
    columns = CLOCK_CORRECTION.c
    query = select(columns.id, columns.at, columns.since, columns.was).order_by(columns.id)
    before = 0
    for row in connection.execute(query):
        correction = ClockCorrection(row.id, row.at, row.since)
        wrong = [
            *_wrong_leap(connection, correction, row.was, before),
            *_find_later_witnesses(connection, correction),
        ]
        yield from (
            BrokenObject("clock_correction", row.id, "correction_wrong", each) for each in wrong
        )
        if not wrong:
            yield PASSED
        before = row.id


def _wrong_leap(
    connection: Connection, correction: ClockCorrection, was: datetime, before: int
) -> Iterator[str]:
    """Check that the stored times leapt, by more than what was recorded after the leap."""
    if not correction.since <= correction.at <= was:
        yield f"it says {correction.at}, not between {correction.since} and {was}"
        return
    found = list(_times_after(connection, correction, before))
    if not found:
        return
    first, last = min(low for low, _high in found), max(was, *(high for _low, high in found))
    if first - correction.since <= last - first:
        yield (
            f"it says that the clock ran ahead since {correction.since}, but the archive went on "
            f"at {first}: it corrects times that were right"
        )


def _times_after(
    connection: Connection, correction: ClockCorrection, before: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the first and last time after the start of a leap, for each table with such rows."""
    for name in logged_tables(connection):
        table = table_named(name)
        columns = table.c
        key = columns[SHAPES[name].key]
        moment = next(columns[each] for each in TIMES if each in columns)
        query = select(func.min(moment), func.max(moment)).select_from(table)
        query = query.where(key > before, key < correction.id, moment > correction.since)
        low, high = connection.execute(query).one()
        if low is not None:
            yield low, high


def _find_later_witnesses(connection: Connection, correction: ClockCorrection) -> Iterator[str]:
    """Find stamps and cosignatures that came in before a correction and are later than it."""
    for who, moment in _witness_times(connection, correction.id):
        if moment > correction.at + TOLERANCE:
            yield f"it says that it was {correction.at}, {who} had signed at {moment} before"


def _witness_times(connection: Connection, before: int) -> Iterator[tuple[str, datetime]]:
    for stamp in authority_stamps(connection):
        if stamp.id < before:
            yield stamp.authority, stamp.stamped_at
    notes = {each.id: each.note for each in kept.checkpoints(connection)}
    query = text("SELECT checkpoint_id, line FROM log_cosignature WHERE id < :id")
    for row in connection.execute(query, {"id": before}):
        try:
            signed = Note.parse(notes[row.checkpoint_id] + row.line).signatures[-1]
            moment = datetime.fromtimestamp(signed.at, UTC)
        except (KeyError, NoteError, ValueError, OverflowError):
            continue  # the check of the checkpoints reports it
        yield signed.name, moment
