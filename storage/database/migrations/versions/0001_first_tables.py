"""Create the tables of the first archive."""

import sqlalchemy as sa
from alembic import op

from storage.database.migrations.create import create

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_articles()
    _create_derivations()
    _create_jobs()
    _create_observations()
    _create_relations()
    _create_scans()
    _create_sights()
    _create_versions()


def _create_articles() -> None:
    create("archive", "key str32 key, value text")
    create(
        "article",
        "id big key, seq big, public_id str32, origin_id big, source_id big, state str16, "
        "versions int, head_version_id big?, first_seen time, last_seen time, content_at time, "
        "latest_at time",
    )
    op.create_index("ix_article_public_id", "article", ["public_id"])
    create("article_origin", "origin_id big key, article_id big")
    op.create_index("ix_article_origin_article_id", "article_origin", ["article_id"])
    create(
        "capture",
        "id big key, digest bytes32 unique, size big, encoding str16, data bytes?, "
        "recorded_at time",
    )
    create("counter", "name str16 key, value big")


def _create_derivations() -> None:
    create(
        "derivation",
        "id big key, capture_id big, context str300, extractor str64, extractor_version str64, "
        "config str300, wording_id big?, language str16?, published str40?, "
        "published_precision str8?, published_from time?, published_to time?, publisher text?, "
        "word_count int?, detail json?, raw_output bytes?, recorded_at time",
        "capture_id context extractor extractor_version config",
    )
    op.create_index("derivation_by_wording", "derivation", ["wording_id"])
    create("fingerprint", "wording_id big key, algorithm str64, seed int, signature bytes")


def _create_jobs() -> None:
    create(
        "job",
        "id big key, seq big, kind str16, source_id big?, parent_id big?, state str16, "
        "trigger str16, slot str40?, single bool, attempts int, arguments json?, "
        "run_after float, lease_until float?, woken_at float?, token str200?, created_at time, "
        "started_at time?, finished_at time?, reason text?, new_articles int, new_versions int, "
        "unchanged int, copies int, refused int, failed int, gone int",
        "source_id slot",
    )
    op.create_index("job_by_parent", "job", ["parent_id"])
    op.create_index(
        "job_open",
        "job",
        ["state", "run_after"],
        sqlite_where=sa.text("state IN ('ready', 'running')"),
        postgresql_where=sa.text("state IN ('ready', 'running')"),
    )


def _create_observations() -> None:
    create(
        "observation",
        "id big key, source_id big, scan_id big?, job_id big?, locator_id big, observed_at time, "
        "recorded_at time, outcome str24, capture_id big?, hints json?, http_status int?, "
        "note text?",
    )
    op.create_index("observation_by_locator", "observation", ["locator_id", "id"])
    create("origin", "id big key, public_id str32 unique, origin text, recorded_at time")
    create(
        "presence",
        "source_id big key, place_id big key, locator_id big, ordinal int, path text, "
        "member text, container bool, size big, mtime_ns big, ctime_ns big, inode big, "
        "digest bytes?, observation_id big?, job_id big?, gone bool, refused bool",
    )
    op.create_index("presence_by_locator", "presence", ["source_id", "locator_id"])
    op.create_index("presence_by_observation", "presence", ["observation_id"])


def _create_relations() -> None:
    create(
        "redaction",
        "id big key, table_name str16, row_id big, reason text, at time",
        "table_name row_id",
    )
    create(
        "refusal",
        "id big key, job_id big?, source_id big?, observation_id big?, locator text, code str40, "
        "message text, hint text, kept bool, capture_id big?, at time",
    )
    create(
        "relation",
        "id big key, kind str16, a_origin_id big, b_origin_id big, score float, method str64, "
        "threshold float, earlier str8, agency str64?, evidence json?, decided_at time",
        "kind a_origin_id b_origin_id",
    )
    op.create_index("relation_by_a", "relation", ["a_origin_id"])
    op.create_index("relation_by_b", "relation", ["b_origin_id"])
    create("relation_undone", "id big key, relation_id big unique, reason text?, undone_at time")


def _create_scans() -> None:
    create(
        "scan",
        "id big key, seq big, source_id big, job_id big?, started_at time, recorded_at time, "
        "complete bool, listing_digest bytes?, files int, changed int, gone int",
    )
    op.create_index("scan_by_source", "scan", ["source_id", "complete", "id"])
    create("return_due", "article_id big key, source_id big")
    op.create_index("ix_return_due_source_id", "return_due", ["source_id"])
    create("search_due", "wording_id big key, language str16?")


def _create_sights() -> None:
    create(
        "sight",
        "observation_id big key, seq big, article_id big, origin_id big, locator_id big, "
        "address_id big?, source_id big, observed_at time, is_foreign bool, outcome str24, "
        "wording_id big?, derivation_id big?, version int?",
    )
    op.create_index("ix_sight_address_id", "sight", ["address_id"])
    op.create_index("sight_by_article", "sight", ["article_id", "observed_at"])
    op.create_index("sight_by_locator", "sight", ["locator_id", "observation_id"])
    create(
        "source",
        "id big key, name str200 unique, kind str16, locator text, standing bool, paused bool, "
        "every_seconds float?, cron str120?, timezone str64?, options json?, created_at time, "
        "removed_at time?, places int",
    )


def _create_versions() -> None:
    create(
        "verdict",
        "id big key, observation_id big unique, job_id big?, kind str16, derivation_id big?, "
        "recorded_at time",
    )
    create(
        "version",
        "id big key, seq big, article_id big, number int, wording_id big, derivation_id big, "
        "observation_id big, changed_after time?, changed_by time, last_seen time, changes json, "
        "silent bool?, words_added int, words_removed int, removed json?, added json?",
        "article_id number",
    )
    op.create_index(
        "version_by_change",
        "version",
        ["changed_by", "id"],
        sqlite_where=sa.text("number > 1"),
        postgresql_where=sa.text("number > 1"),
    )
    op.create_index("version_by_wording", "version", ["wording_id"])
    create(
        "wording", "id big key, digest bytes32 unique, title text?, text text?, recorded_at time"
    )
