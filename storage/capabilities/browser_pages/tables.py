"""The table of the resources of pages that a browser read."""

from datetime import datetime

from sqlalchemy import Index

from storage.database.tables.row import Row, big_column, key_column, text_column, time_column


class PageResourceRow(Row, table=True):
    """An answer that a page got by GET: a style, a script, a picture, or data.

    `location` is the target of a redirect, `size` the number of bytes of its body, and the capture
    its body, decoded. Without a capture, the body was empty or not stored.
    """

    __table_args__ = (
        Index("page_resource_by_observation", "observation_id"),
        Index("page_resource_by_capture", "capture_id"),
        Index("page_resource_by_time", "recorded_at"),
    )
    id: int = key_column()
    observation_id: int = big_column()
    address: str | None = text_column()
    media_type: str | None = text_column()
    location: str | None = text_column()
    status: int
    size: int = big_column()
    capture_id: int | None = big_column(nullable=True)
    recorded_at: datetime = time_column()


TABLES = (PageResourceRow,)
PAGE_RESOURCE = Row.metadata.tables["page_resource"]
