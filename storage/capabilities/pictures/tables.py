"""The tables of pictures: each as a check found it, and the pages whose pictures are requested."""

from datetime import datetime

from sqlalchemy import Column, Float, Index
from sqlmodel import Field

from storage.database.tables.row import (
    BIG,
    Row,
    big_column,
    key_column,
    partial_index,
    text_column,
    time_column,
)


class ArticlePictureRow(Row, table=True):
    """A picture of the page of an observation, or one that is not on the page any more.

    `position` is 0 for the lead picture, and the number of one within the text. The bytes are a
    capture; without one, `refused` states why. `pdq` is its perceptual hash in hexadecimal form,
    `event` what became of the picture `before_id` of an earlier observation.
    """

    __table_args__ = (
        Index("article_picture_by_observation", "observation_id"),
        Index("article_picture_by_capture", "capture_id"),
    )
    id: int = key_column()
    observation_id: int = big_column()
    position: int
    address: str | None = text_column()
    caption: str | None = text_column()
    credit: str | None = text_column()
    capture_id: int | None = big_column(nullable=True)
    media_type: str | None = Field(default=None, max_length=16)
    width: int | None = None
    height: int | None = None
    pdq: str | None = text_column()
    event: str = Field(max_length=16)
    before_id: int | None = big_column(nullable=True)
    refused: str | None = Field(default=None, max_length=40)
    recorded_at: datetime = time_column()


class PictureRequestRow(Row, table=True):
    """A page whose pictures are requested once.

    `state` is `waiting`, `failed` (it is requested again), `done` or `dropped`.
    `next_at` and `lease_until` are seconds since 1970 by the database's clock; `fetched_bytes`
    counts the bytes of all answers.
    """

    __table_args__ = (
        Index("picture_request_by_locator", "locator_id", "observation_id"),
        partial_index("picture_request_open", "next_at", where="state IN ('waiting', 'failed')"),
    )
    id: int = key_column()
    observation_id: int = Field(sa_column=Column(BIG, nullable=False, unique=True))
    locator_id: int = big_column()
    source_id: int = big_column()
    state: str = Field(max_length=16)
    attempts: int = 0
    next_at: float = Field(sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    token: str | None = Field(default=None, max_length=200)
    note: str | None = text_column()
    fetched_bytes: int = big_column()
    made_at: datetime = time_column()


TABLES = (ArticlePictureRow, PictureRequestRow)
ARTICLE_PICTURE = Row.metadata.tables["article_picture"]
PICTURE_REQUEST = Row.metadata.tables["picture_request"]
