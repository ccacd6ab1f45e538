"""The log over the record: its keys, checkpoints, cosignatures, stamps, entries and tiles."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Text
from sqlmodel import Field

from storage.database.tables.row import (
    Row,
    big_column,
    bytes_column,
    key_column,
    text_column,
    time_column,
)


class LogKeyRow(Row, table=True):
    """A key that signs the checkpoints of the log, in C2SP format, from `size` leaves on.

    `endorsement` is a note on it, signed by the previous key; `previous` is the last checkpoint
    signed by the previous key.
    """

    id: int = key_column()
    vkey: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    size: int = big_column()
    previous: str | None = text_column()
    endorsement: str | None = text_column()
    made_at: datetime = time_column()


class LogCheckpointRow(Row, table=True):
    """A signed checkpoint: `note` states that the log had `size` leaves, and their root."""

    id: int = key_column()
    size: int = big_column()
    note: str = text_column(nullable=False)
    made_at: datetime = time_column()


class LogCosignatureRow(Row, table=True):
    """A cosignature of a checkpoint by a witness; `vkey` is its key."""

    __table_args__ = (Index("log_cosignature_by_checkpoint", "checkpoint_id"),)
    id: int = key_column()
    checkpoint_id: int = big_column()
    vkey: str = text_column(nullable=False)
    line: str = text_column(nullable=False)
    received_at: datetime = time_column()


class LogStampRow(Row, table=True):
    """A stamp (RFC 3161) of a time-stamping authority on a checkpoint, as received."""

    __table_args__ = (Index("log_stamp_by_checkpoint", "checkpoint_id"),)
    id: int = key_column()
    checkpoint_id: int = big_column()
    authority: str = text_column(nullable=False)
    stamp: bytes = bytes_column(nullable=False)
    stamped_at: datetime = time_column()
    received_at: datetime = time_column()


class LogRunRow(Row, table=True):
    """Log entries appended together: commitments to rows, in the order of commit.

    `seq` is the number of the last of these rows (of a scan its `seq`), `start` the number of
    entries before. `entries` contains number, kind and commitment of each, `openings` the salt to
    recompute it; a redaction replaces the salt by what opens the remaining columns.
    """

    seq: int = key_column()
    start: int = big_column()
    entries: bytes = bytes_column(nullable=False)
    openings: bytes = bytes_column(nullable=False)


class LogTileRow(Row, table=True):
    """The root of a full tile below `level`, and the last `seq` that it covers."""

    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    number: int = key_column()
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    last_seq: int = big_column()
