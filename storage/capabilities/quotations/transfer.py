"""Orders about persons in a WARC file: in the metadata of the check that shows the article.

>>> when = "2026-01-02T03:04:05+00:00"
>>> good = {"digest": "0" * 64, "actor": "ada", "parted_at": when}
>>> wrong = {**good, "digest": "x"}, {**good, "actor": ""}, 7
>>> [act["actor"] for act, _end in ORDERS.parse([good, *wrong])]
['ada']
"""

import re
from typing import Any

from storage.capabilities.quotations.tables import PERSON_PARTED
from storage.history.acts_in_files import ActsInFiles

MOST_LETTERS = 100
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _parse_digest(value: Any) -> str | None:
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else None


def _parse_actor(value: Any) -> str | None:
    is_name = isinstance(value, str) and 0 < len(value) <= MOST_LETTERS and value.isprintable()
    return value if is_name else None


ORDERS = ActsInFiles(
    PERSON_PARTED,
    {"digest": _parse_digest, "actor": _parse_actor},
    by="actor",
    at="parted_at",
    others={"other_id": None},
)
facts_of_checks, store_facts = ORDERS.facts_of_checks, ORDERS.store_facts
