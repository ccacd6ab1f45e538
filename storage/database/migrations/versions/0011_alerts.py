"""Make room for alerts: what somebody wants to hear of, where it goes, each delivery."""

import sqlalchemy as sa
from alembic import op

from storage.database.migrations.create import create

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index("version_by_seq", "version", ["seq"], postgresql_using="brin")
    create(
        "alert",
        "id big key, name str64 unique, rule json, daily_at str5?, timezone str64, cursor big, "
        "since big, paused bool, created_at time",
    )
    create(
        "alert_channel",
        "id big key, alert_id big, kind str16, target text, secrets json?",
        "alert_id kind target",
    )
    create(
        "alert_delivery",
        "id big key, alert_id big, channel_id big, kind str16, article_id big, wording_id big, "
        "before_id big?, occurrence int, version int, why json, state str16, attempts int, "
        "next_at float, lease_until float?, token str200?, message_id big?, note text?, "
        "made_at time, sent_at time?",
        "alert_id article_id wording_id occurrence channel_id",
    )
    is_open = sa.text("state IN ('waiting', 'failed')")
    op.create_index(
        "alert_delivery_open",
        "alert_delivery",
        ["channel_id", "next_at"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
