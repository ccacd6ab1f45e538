"""Create the tables of the web: what was fetched, how servers are treated, what is watched."""

from alembic import op

from storage.database.migrations.create import create

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _create_record()
    _create_state()


def _create_record() -> None:
    create("certificate", "id big key, digest bytes32 unique, chain bytes, recorded_at time")
    create(
        "transfer",
        "id big key, observation_id big unique, address text, hops json, request json?, "
        "response_headers json?, peer str64?, tls_version str16?, certificate_id big?, "
        "started_at time, duration_ms int?, wire_bytes big?, rights json?, body_encoding str64?, "
        "body_capture_id big?, is_foreign bool, recorded_at time",
    )
    create(
        "lineage",
        "id big key, kind str16, origin_id big, to_origin_id big, observation_id big?, "
        "decided_at time",
        "kind origin_id to_origin_id",
    )
    op.create_index("lineage_by_target", "lineage", ["to_origin_id"])
    create("lineage_undone", "id big key, lineage_id big unique, reason text?, undone_at time")


def _create_state() -> None:
    create(
        "host",
        "key str300 key, next_at time?, retry_until time?, delay float?, failures int, "
        "robots_status int?, robots_body bytes?, robots_note text?, robots_fetched_at time?",
    )
    create(
        "watch",
        "source_id big key, origin_id big key, address text, kind str16, active bool, "
        "etag text?, last_modified text?, observation_id big?, capture_id big?, job_id big?, "
        "outcome str24?, interval_seconds float?, quiet int, failures int, next_check time?, "
        "checked_at time?, reached_at time?, changed_at time?, listed_by big?, listed_at time?, "
        "hints json?",
    )
    op.create_index("watch_due", "watch", ["source_id", "next_check"])
