"""The copies of the page of a check."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from storage.capabilities.outside_copies.version_facts import find_copies
from storage.read.answers import OutsideCopy

if TYPE_CHECKING:
    from sqlalchemy import Connection


def facts_of_observations(
    connection: "Connection", article: int
) -> Mapping[int, tuple[OutsideCopy, ...]]:
    """Return the copies of an article by the check that they followed."""
    found = find_copies(connection, [article])
    return {row["observation_id"]: (copy,) for row, copy in found}
