"""Insert articles, versions and snapshots: the only module that creates these rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.database.tables import ARTICLE, SNAPSHOT, VERSION
from storage.database.unit import Unit
from storage.database.view_facts import FIELD_BLOCK, SNAPSHOT_BLOCK


def add_article(
    unit: Unit,
    public_id: str,
    origin_id: int,
    source_id: int,
    *,
    number: int | None = None,
    seen: datetime | None = None,
    head_version_id: int | None = None,
) -> int:
    """Insert an article with its first version, or one without versions yet; return its number."""
    number = unit.number() if number is None else number
    seen = unit.now if seen is None else seen
    unit.add(
        ARTICLE,
        {
            "id": number, "seq": number, "public_id": public_id, "origin_id": origin_id,
            "source_id": source_id, "state": "present",
            "versions": 0 if head_version_id is None else 1, "head_version_id": head_version_id,
            "first_seen": seen, "last_seen": seen, "content_at": seen, "latest_at": seen,
        },
    )  # fmt: skip
    return number


def add_version(
    unit: Unit,
    article_id: int,
    number: int,
    values: Mapping[str, Any],
    *,
    row_id: int | None = None,
    seq: int | None = None,
) -> int:
    """Insert a version of an article with its change, and return the id of the row."""
    row_id = unit.number() if row_id is None else row_id
    seq = unit.number(FIELD_BLOCK) if seq is None else seq
    row = {"id": row_id, "seq": seq, "article_id": article_id, "number": number, **values}
    unit.add(VERSION, row)
    return row_id


def add_snapshot(
    unit: Unit,
    *,
    observation_id: int,
    article_id: int,
    origin_id: int,
    locator_id: int,
    address_id: int | None,
    source_id: int,
    observed_at: datetime,
    is_foreign: bool,
    outcome: str,
    wording_id: int | None = None,
    derivation_id: int | None = None,
    version: int | None = None,
) -> None:
    """Insert a snapshot: the outcome of an observation of an article."""
    unit.add(
        SNAPSHOT,
        {
            "observation_id": observation_id, "seq": unit.number(SNAPSHOT_BLOCK),
            "article_id": article_id, "origin_id": origin_id, "locator_id": locator_id,
            "address_id": address_id, "source_id": source_id, "observed_at": observed_at,
            "is_foreign": is_foreign, "outcome": outcome, "wording_id": wording_id,
            "derivation_id": derivation_id, "version": version,
        },
    )  # fmt: skip
