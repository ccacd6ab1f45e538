"""An alert with a delivery in an archive with a row in every table; no view shows them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from storage.database.tables import SNAPSHOT

VIEWS: dict[str, str] = {}


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    """Add an alert that is paused, and what it sent about the text of an observation."""
    seen = connection.execute(
        select(SNAPSHOT.c.article_id, SNAPSHOT.c.wording_id).where(
            SNAPSHOT.c.observation_id == observation
        )
    ).one()
    at = datetime(2024, 6, 18, tzinfo=UTC)
    alert = add_row(
        connection, "alert", name="pegel", rule={"query": "Pegel"}, timezone="UTC", cursor=0,
        since=0, paused=True, created_at=at,
    )  # fmt: skip
    hook = "https://redaktion.example/hook"
    channel = add_row(
        connection, "alert_channel", alert_id=alert, kind="webhook", target=hook, secrets=["whsec_"]
    )
    add_row(
        connection, "alert_delivery", alert_id=alert, channel_id=channel, kind="webhook",
        article_id=seen.article_id, wording_id=seen.wording_id, occurrence=1, version=1,
        why=["any_change"], state="sent", turn=0, attempts=1, next_at=0.0, made_at=at, sent_at=at,
    )  # fmt: skip
