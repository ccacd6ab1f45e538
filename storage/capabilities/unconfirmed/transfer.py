"""Decisions of persons in a WARC file: in the metadata of the check that shows the text.

>>> when = "2026-01-02T03:04:05+00:00"
>>> good = {"decision": "confirmed", "decided_by": "ada", "decided_at": when}
>>> [act["decided_by"] for act, _end in DECISIONS.parse([good, {"decision": "perhaps"}, 7])]
['ada']
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from storage.database.tables import DOUBT_SETTLED, DOUBT_SETTLED_UNDONE, SNAPSHOT
from storage.database.unit import Unit, rows_in
from storage.history.acts_in_files import ActEnd, ActsInFiles
from storage.history.versions import rebuild_all
from storage.values.draft import Json
from storage.write.readings.confirmed import settle_confirmed

LONGEST_NAME = 200


def _parse_name(value: Any) -> str | None:
    is_name = isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and "\0" not in value
    return value if is_name else None


DECISIONS = ActsInFiles(
    DOUBT_SETTLED,
    {
        "decision": lambda value: value if value in ("confirmed", "dismissed") else None,
        "decided_by": _parse_name,
    },
    by="decided_by",
    at="decided_at",
    others={"is_foreign": True},
    end=ActEnd(DOUBT_SETTLED_UNDONE, "doubt_settled_id", "undone_by", "undone_at", "undone_by"),
    most=50,
)
facts_of_checks = DECISIONS.facts_of_checks


def store_facts(unit: Unit, facts: Mapping[int, Json]) -> None:
    """Store the decisions about imported checks; known ones may have been undone.

    Checks that were read before change their articles now, others when they are read.
    """
    if not facts:
        return
    DECISIONS.store_facts(unit, facts)
    unit.flush()
    query = select(SNAPSHOT.c.article_id)
    shown = rows_in(unit.connection, query, SNAPSHOT.c.observation_id, facts)
    articles = sorted({row[0] for row in shown})
    settle_confirmed(unit, rebuild_all(unit, dict.fromkeys(articles, True)))
