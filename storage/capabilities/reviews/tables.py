"""The tables of reviews: labels of changes, and their withdrawals."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field

from storage.database.tables.row import (
    Row,
    big_column,
    key_column,
    text_column,
    time_column,
)


class ReviewRow(Row, table=True):
    """A label that a reader gave to a change of an article.

    The change leads to the version that `observation_id` shows, from the wording that `before_id`
    shows, so late captures and redactions do not move the label. `foreign`: it was recorded in
    another archive at `reviewed_at`; there, `before_id` is null.
    """

    __table_args__ = (Index("review_by_observation", "observation_id"),)
    id: int = key_column()
    observation_id: int = big_column()
    before_id: int | None = big_column(nullable=True)
    label: str = text_column(nullable=False)
    note: str | None = text_column()
    reviewer: str = text_column(nullable=False)
    reviewed_at: datetime = time_column()
    recorded_at: datetime = time_column()
    is_foreign: bool


class ReviewWithdrawnRow(Row, table=True):
    """The withdrawal of a label; the label stays on record."""

    id: int = key_column()
    review_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    reviewer: str = text_column(nullable=False)
    withdrawn_at: datetime = time_column()
    recorded_at: datetime = time_column()


TABLES = (ReviewRow, ReviewWithdrawnRow)
REVIEW = Row.metadata.tables["review"]
REVIEW_WITHDRAWN = Row.metadata.tables["review_withdrawn"]
