"""Keys, checkpoints and cosignatures of the log, stored with the record."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from storage.database.columns import UtcTime
from storage.database.engine import read_connection
from storage.database.part_folder import part_folder, remove_dead
from storage.database.tables import LOG_CHECKPOINT, LOG_COSIGNATURE, LOG_KEY
from storage.database.unit import Clock, Unit, writing
from storage.proof import log
from storage.proof.leaf import SHAPES
from storage.proof.log_entries import unpack_entries
from storage.proof.note import Checkpoint, Note, NoteError, Signer, Verifier
from storage.proof.rows import STREAMING
from storage.proof.tree import root
from storage.values.freshness import is_fresh

OWN_KINDS = tuple(
    SHAPES[name].kind for name in ("log_key", "log_checkpoint", "log_cosignature", "log_stamp")
)
"""Entries that a checkpoint itself adds to the log; they do not require another checkpoint."""


class ProofKeyError(Exception):
    """The key that signs checkpoints is missing, damaged or wrong."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the log, from a size on."""

    id: int
    verifier: Verifier
    size: int
    previous: str | None
    endorsement: str | None
    made_at: datetime

    @property
    def endorsement_text(self) -> str:
        return endorsement_text(self.verifier)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A stored checkpoint with the lines of the witnesses."""

    id: int
    size: int
    note: str
    made_at: datetime
    lines: tuple[str, ...]

    @property
    def with_cosignatures(self) -> str:
        """Return the note with all its lines."""
        return self.note + "".join(self.lines)


def endorsement_text(verifier: Verifier) -> str:
    """Return the text that an old key signs to endorse the next one."""
    return f"lesart key\n{verifier.vkey}\n"


def read_key(path: Path) -> Signer | None:
    """Return the key in a file, None if there is no file.

    Raises: ProofKeyError.
    """
    try:
        return Signer.parse(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, NoteError) as error:
        raise ProofKeyError(f"the key {path} cannot be read: {error}") from error


def write_key(path: Path, signer: Signer) -> None:
    """Write a new key to a file that only its owner can read; an existing file is not overwritten.

    Raises: ProofKeyError.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    taken = ProofKeyError(f"there is a key at {path}: `lesart proof keygen --rotate` replaces it")
    if path.exists():
        remove_dead(path)
        raise taken
    with part_folder(path) as folder:
        begun = folder / "part"
        handle = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(signer.secret)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(begun, path)
        except FileExistsError:
            raise taken from None


def rotate(engine: Engine, clock: Clock, path: Path) -> tuple[Signer, Path]:
    """Create a new key endorsed by the one at `path`; return it and the path of the old one.

    A rotation that was killed goes on with its key, which the archive may know already.
    Raises: ProofKeyError.
    """
    old = read_key(path)
    if old is None:
        raise ProofKeyError(f"there is no key at {path} that could be replaced")
    fresh = path.with_name(f"{path.name}.new")
    signer = _read_current_key(engine, fresh)
    if signer is None:
        signer = Signer.generate(old.verifier.name)
        fresh.unlink(missing_ok=True)
        write_key(fresh, signer)
        log.append(engine, clock)
        with writing(engine, clock) as unit:
            log.append_within(unit)
            introduce(unit, old)
            introduce(unit, signer, old)
    kept = path.with_name(f"{path.name}.{old.verifier.number.hex()}")
    if not kept.exists():
        os.link(path, kept)
    fresh.replace(path)
    return signer, kept


def _read_current_key(engine: Engine, path: Path) -> Signer | None:
    """Return the key in a file if it is the last one that the archive knows."""
    try:
        signer = read_key(path)
    except ProofKeyError as error:
        if isinstance(error.__cause__, OSError):
            raise
        return None
    with read_connection(engine) as connection:
        known = keys(connection)
    is_last = signer is not None and bool(known) and known[-1].verifier == signer.verifier
    return signer if is_last else None


def keys(connection: Connection) -> list[Key]:
    """Return the keys of the log in their order.

    Raises: NoteError for an invalid key.
    """
    query = text(
        "SELECT id, vkey, size, previous, endorsement, made_at FROM log_key ORDER BY id"
    ).columns(made_at=UtcTime())
    return [
        Key(row.id, Verifier.parse(row.vkey), row.size, row.previous, row.endorsement, row.made_at)
        for row in connection.execute(query)
    ]


def checkpoints(connection: Connection) -> Iterator[SignedCheckpoint]:
    """Yield the checkpoints in their order."""
    lines: dict[int, list[str]] = {}
    query = text("SELECT checkpoint_id, line FROM log_cosignature ORDER BY id")
    for row in connection.execute(query):
        lines.setdefault(row.checkpoint_id, []).append(row.line)
    query = text("SELECT id, size, note, made_at FROM log_checkpoint ORDER BY id")
    for row in connection.execute(query.columns(made_at=UtcTime())):
        yield SignedCheckpoint(
            row.id, row.size, row.note, row.made_at, tuple(lines.get(row.id, ()))
        )


def latest(connection: Connection) -> SignedCheckpoint | None:
    """Return the newest checkpoint."""
    query = text("SELECT id, size, note, made_at FROM log_checkpoint ORDER BY id DESC LIMIT 1")
    row = connection.execute(query.columns(made_at=UtcTime())).first()
    if row is None:
        return None
    query = text("SELECT line FROM log_cosignature WHERE checkpoint_id = :id ORDER BY id")
    found = connection.execute(query, {"id": row.id}).scalars()
    return SignedCheckpoint(row.id, row.size, row.note, row.made_at, tuple(found))


def make(engine: Engine, clock: Clock, signer: Signer) -> SignedCheckpoint:
    """Sign the current log, including all committed rows, and store the checkpoint.

    If nothing was added since the newest checkpoint, that one is returned.
    Raises: ProofKeyError if the last key did not endorse this one.
    """
    log.append(engine, clock)
    with writing(engine, clock) as unit:
        log.append_within(unit)
        newest = latest(unit.connection)
        if newest is not None and _stands(unit.connection, newest, signer):
            return newest
        introduce(unit, signer)
        log.append_within(unit)
        size = log.size_of(unit.connection)
        found = Checkpoint(signer.verifier.name, size, root(log.node_of(unit.connection), size))
        made = SignedCheckpoint(unit.number(), size, found.signed(signer), unit.now, ())
        unit.add(
            LOG_CHECKPOINT,
            {"id": made.id, "size": size, "note": made.note, "made_at": unit.now},
        )
    return made


def _stands(connection: Connection, newest: SignedCheckpoint, signer: Signer) -> bool:
    signature = Note.parse(newest.note).line_of(signer.verifier)
    return signature is not None and not has_news(connection, newest)


def is_due(engine: Engine, now: datetime, every_seconds: float) -> bool:
    """Check whether the log has grown and its newest checkpoint is old enough."""
    with read_connection(engine) as connection:
        newest = latest(connection)
        if newest is None:
            return True
        is_recent = is_fresh(newest.made_at, now, timedelta(seconds=every_seconds))
        return not is_recent and has_news(connection, newest)


def has_news(connection: Connection, newest: SignedCheckpoint) -> bool:
    """Check whether the log has grown by more than the entries of a checkpoint itself."""
    query = text("SELECT start, entries, openings FROM log_run WHERE seq > :seq ORDER BY seq")
    with connection.execute(query, {"seq": newest.id}, execution_options=STREAMING) as runs:
        return any(
            each.seq > newest.id and each.kind not in OWN_KINDS
            for run in runs
            for each in unpack_entries(*run)
        )


def introduce(unit: Unit, signer: Signer, old: Signer | None = None) -> None:
    """Record a key before its first signature; the previous key endorses it.

    Raises: ProofKeyError if another key did not endorse it.
    """
    known = keys(unit.connection)
    if any(key.verifier == signer.verifier for key in known):
        if known[-1].verifier != signer.verifier:
            raise ProofKeyError("this key was replaced: sign with the one that came after it")
        return
    if known and signer.verifier.name == known[-1].verifier.name and old is None:
        raise ProofKeyError(
            "the archive knows another key of this log: `lesart proof keygen --rotate` with the "
            "old one, or, where that is lost, `lesart proof keygen --origin NEW` for a new log"
        )
    newest = latest(unit.connection)
    endorsed = endorsement_text(signer.verifier)
    unit.add(
        LOG_KEY,
        {
            "id": unit.number(), "vkey": signer.verifier.vkey,
            "size": log.size_of(unit.connection),
            "previous": None if newest is None else newest.note,
            "endorsement": None if old is None else f"{endorsed}\n{old.sign(endorsed)}",
            "made_at": unit.now,
        },
    )  # fmt: skip
    unit.flush()


def store_cosignatures(
    unit: Unit, checkpoint: SignedCheckpoint, lines: Sequence[tuple[Verifier, str]]
) -> list[str]:
    """Store the lines of witnesses with a checkpoint; return the new ones.

    Raises: NoteError if a line is not a signature of that witness.
    """
    known = latest_lines(unit.connection, checkpoint.id)
    fresh = [(verifier, line) for verifier, line in lines if verifier.vkey not in known]
    for verifier, line in fresh:
        if Note.parse(checkpoint.note + line).line_of(verifier) is None:
            raise NoteError(f"{verifier.name} did not sign with the key that is known of it")
        unit.add(
            LOG_COSIGNATURE,
            {
                "id": unit.number(), "checkpoint_id": checkpoint.id, "vkey": verifier.vkey,
                "line": line, "received_at": unit.now,
            },
        )  # fmt: skip
    return [line for _, line in fresh]


def latest_lines(connection: Connection, checkpoint_id: int) -> set[str]:
    """Return the keys of the witnesses that cosigned a checkpoint."""
    query = text("SELECT vkey FROM log_cosignature WHERE checkpoint_id = :id")
    return set(connection.execute(query, {"id": checkpoint_id}).scalars())


def default_origin(connection: Connection) -> str:
    """Return the default name of the log of an archive."""
    query = text("SELECT value FROM archive WHERE key = 'id'")
    return f"lesart/{connection.execute(query).scalar_one()}"
