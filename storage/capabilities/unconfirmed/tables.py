"""The tables of unconfirmed readings: doubts, decisions of persons, and what undoes these."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field

from storage.database.tables.row import (
    Row,
    big_column,
    json_column,
    key_column,
    text_column,
    time_column,
)


class DoubtRow(Row, table=True):
    """States why a reading of an article may be a page in place of the article.

    It is about the step between two derivations; they are the same if there was no text before.
    A reading of the grade `soft` is confirmed by one that agrees at least `wait_seconds` later,
    one of the grade `wall` only by a person. `observation_id` is the check that showed it.
    """

    __table_args__ = (
        UniqueConstraint("origin_id", "a_derivation_id", "b_derivation_id", "grade"),
        Index("doubt_by_observation", "observation_id"),
        Index("doubt_by_b_derivation", "b_derivation_id"),
    )
    id: int = key_column()
    origin_id: int = big_column()
    observation_id: int = big_column()
    a_derivation_id: int = big_column()
    b_derivation_id: int = big_column()
    signs: Any = json_column(nullable=False)
    grade: str = Field(max_length=8)
    wait_seconds: int
    decided_at: datetime = time_column()


class DoubtSettledRow(Row, table=True):
    """States that a person confirmed or dismissed the text that an observation shows.

    `is_foreign`: it was decided in another archive at `decided_at`.
    """

    __table_args__ = (Index("doubt_settled_by_observation", "observation_id"),)
    id: int = key_column()
    observation_id: int = big_column()
    decision: str = Field(max_length=16)
    decided_by: str = text_column(nullable=False)
    decided_at: datetime = time_column()
    recorded_at: datetime = time_column()
    is_foreign: bool


class DoubtSettledUndoneRow(Row, table=True):
    """The undoing of a decision; the decision stays on record."""

    id: int = key_column()
    doubt_settled_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    undone_by: str = text_column(nullable=False)
    undone_at: datetime = time_column()
    recorded_at: datetime = time_column()


TABLES = (DoubtRow, DoubtSettledRow, DoubtSettledUndoneRow)
DOUBT = Row.metadata.tables["doubt"]
DOUBT_SETTLED = Row.metadata.tables["doubt_settled"]
DOUBT_SETTLED_UNDONE = Row.metadata.tables["doubt_settled_undone"]
