"""The tables of copies at other archives: their answers, and the requests."""

from datetime import datetime

from sqlalchemy import Column, Float, Index, UniqueConstraint
from sqlmodel import Field

from storage.database.tables.row import (
    Row,
    big_column,
    key_column,
    partial_index,
    text_column,
    time_column,
)


class OutsideCopyRow(Row, table=True):
    """An answer of another archive: it has a copy of the page of an observation, made by itself.

    `address` is that of the copy, `captured_at` its time, both as the archive stated them.
    """

    __table_args__ = (Index("outside_copy_by_observation", "observation_id"),)
    id: int = key_column()
    observation_id: int = big_column()
    archive: str = Field(max_length=64)
    address: str | None = text_column()
    captured_at: datetime = time_column()
    recorded_at: datetime = time_column()


class CopyRequestRow(Row, table=True):
    """The page of a new version, which another archive is to copy; it is submitted at most once.

    The observation is that of the version's first snapshot. `state` is `waiting`, `submitting`
    (its process waits for the answer), `unknown` (an answer never came), `submitted` (the archive
    works on it as its job `job`), `copied`, `refused` or `dropped`. `next_at` and `lease_until` are
    seconds since 1970 by the database's clock. It contains no address.
    """

    __table_args__ = (
        UniqueConstraint("observation_id", "archive"),
        partial_index(
            "copy_request_open",
            "archive",
            "next_at",
            where="state IN ('waiting', 'submitting', 'submitted', 'unknown')",
        ),
    )
    id: int = key_column()
    observation_id: int = big_column()
    archive: str = Field(max_length=64)
    source_id: int = big_column()
    state: str = Field(max_length=16)
    job: str | None = Field(default=None, max_length=200)
    attempts: int = 0
    next_at: float = Field(sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    token: str | None = Field(default=None, max_length=200)
    note: str | None = text_column()
    made_at: datetime = time_column()


TABLES = (OutsideCopyRow, CopyRequestRow)
OUTSIDE_COPY = Row.metadata.tables["outside_copy"]
COPY_REQUEST = Row.metadata.tables["copy_request"]
