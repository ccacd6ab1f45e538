"""The tables of front pages: their headlines, and the list of each check."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index
from sqlmodel import Field

from storage.database.tables.row import (
    BIG,
    Row,
    big_column,
    json_column,
    key_column,
    text_column,
    time_column,
)


class TeaserRow(Row, table=True):
    """A headline with which a front page links to an address, once each.

    `front_id` is the origin of the front page, `origin_id` that of the address.
    """

    __table_args__ = (
        Index("teaser_by_front", "front_id", "origin_id"),
        Index("teaser_by_origin", "origin_id"),
    )
    id: int = key_column()
    front_id: int = big_column()
    origin_id: int = big_column()
    headline: str | None = text_column()
    kicker: str | None = text_column()
    recorded_at: datetime = time_column()


class FrontRow(Row, table=True):
    """The teasers of a front page at one check.

    `teasers` is a list of [teaser, level of its heading or null, 1 if it has a picture], in the
    order of the page. It is null if the list is that of the row `same_as_id`. `found` is the number
    of teasers on the page, of which at most 500 are stored; `method` is the version of the rules.
    """

    __table_args__ = (Index("front_by_origin", "origin_id", "id"),)
    id: int = key_column()
    observation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    origin_id: int = big_column()
    same_as_id: int | None = big_column(nullable=True)
    teasers: Any = json_column()
    found: int
    method: str = Field(max_length=32)
    recorded_at: datetime = time_column()


TABLES = (TeaserRow, FrontRow)
TEASER = Row.metadata.tables["teaser"]
FRONT = Row.metadata.tables["front"]
