"""Description of a planned redaction: what it would remove, and what it would leave."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.tables import (
    ARTICLE,
    DERIVATION,
    INDEX_KEY,
    OBSERVATION,
    ORIGIN,
    VERSION,
    WORDING,
)
from storage.database.tables.metadata import METADATA
from storage.database.unit import rows_in
from storage.values.digest import wording_name
from storage.write.redaction.named_places import find_retained_places
from storage.write.redaction.plan import ELSEWHERE, RedactionPlan, addresses_of

MOST_PLACES = 100
"""Maximum number of addresses that are listed with bytes that contain the text."""


def describe_plan(connection: Connection, plan: RedactionPlan) -> dict[str, Any]:
    """Return the description of a plan that `--dry-run` displays."""
    wordings = plan.rows["wording"]
    of_version = select(VERSION.c.article_id, VERSION.c.number, ARTICLE.c.public_id).join(
        ARTICLE, ARTICLE.c.id == VERSION.c.article_id
    )
    versions = sorted(
        f"{public}@{number}"
        for _article, number, public in rows_in(
            connection, of_version, VERSION.c.wording_id, wordings
        )
    )
    named = rows_in(connection, select(WORDING.c.digest), WORDING.c.id, wordings)
    details = rows_in(
        connection, select(DERIVATION.c.detail), DERIVATION.c.id, plan.rows["derivation"]
    )
    fields = [field for row in details for field in ((row[0] or {}).get("fields") or {}).values()]
    return {
        "articles": _articles(connection, plan.articles),
        "versions": versions,
        "texts": len(wordings),
        "captures": len(plan.rows["capture"]),
        "readings": len(plan.rows["derivation"]),
        "candidates": sum(len(each.get("candidates", ())) for each in fields),
        "transfers": len(plan.rows["transfer"]),
        "web_archive_records": len(plan.rows["foreign_record"]),
        "refusals": len(plan.rows["refusal"]),
        "held_in": _places_of(connection, plan.held),
        "unread": _places_of(connection, plan.unread),
        **_elsewhere(connection, plan),
        "lists": len(plan.lists),
        "teasers": len(plan.rows["teaser"]),
        "search_rows": len(wordings),
        "index_keys": _count_index_keys(connection, wordings),
        "citations": sorted(wording_name(bytes(row[0])) for row in named),
        "addresses": len(plan.rows["origin_address"]),
        "addresses_kept": addresses_of(
            connection, plan.articles if not plan.rows["origin_address"] else ()
        ),
        "places_kept": find_retained_places(connection, _addresses_of_plan(connection, plan)),
        "copies": _articles(connection, plan.copies),
        "related_kept": _articles(connection, plan.related),
    }


def _places_of(connection: Connection, captures: Iterable[int]) -> list[str]:
    """Return the addresses and files with these bytes, at most `MOST_PLACES`."""
    query = select(ORIGIN.c.origin).join(OBSERVATION, OBSERVATION.c.locator_id == ORIGIN.c.id)
    found = {row[0] for row in rows_in(connection, query, OBSERVATION.c.capture_id, captures)}
    return sorted(found)[:MOST_PLACES]


def _elsewhere(connection: Connection, plan: RedactionPlan) -> dict[str, list[str]]:
    """Return the addresses of what capabilities left at others, which is not deleted from here."""
    found: dict[str, list[str]] = {}
    for name, (capability, column) in ELSEWHERE.items():
        table = METADATA.tables[name]
        address = table.c[column]
        query = select(address).where(address.is_not(None))
        rows = rows_in(connection, query, table.c.id, plan.rows[name])
        found[capability] = sorted(row[0] for row in rows)
    return found


def _addresses_of_plan(connection: Connection, plan: RedactionPlan) -> list[str]:
    """Return the addresses to redact."""
    query = select(ORIGIN.c.origin)
    return [row[0] for row in rows_in(connection, query, ORIGIN.c.id, plan.rows["origin_address"])]


def _articles(connection: Connection, numbers: Iterable[int]) -> list[str]:
    rows = rows_in(connection, select(ARTICLE.c.public_id), ARTICLE.c.id, numbers)
    return sorted(row[0] for row in rows)


def _count_index_keys(connection: Connection, wordings: Iterable[int]) -> int:
    query = select(func.count()).select_from(INDEX_KEY)
    found = rows_in(connection, query, INDEX_KEY.c.wording_id, wordings)
    return sum(row[0] for row in found)
