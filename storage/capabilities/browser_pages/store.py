"""The texts that were read before, which a rendered page is compared with, and stored resources."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from storage.capabilities.browser_pages.tables import PAGE_RESOURCE
from storage.database.tables import CAPTURE, DERIVATION, JOB, SNAPSHOT, WORDING
from storage.database.unit import rows_in

BUDGET_PERIOD = timedelta(days=1)


def count_browser_jobs(connection: Connection) -> tuple[int, int]:
    """Return how many jobs needed a browser, and how many of them wait."""
    waiting = func.count().filter(JOB.c.state == "ready")
    query = select(func.count(), waiting).where(JOB.c.kind == "render")
    total, due = connection.execute(query).one()
    return total, due


def load_texts(
    connection: Connection, observations: Mapping[int, tuple[int, int]]
) -> dict[tuple[int, int], tuple[bytes, int]]:
    """Return the digest and the number of words of each text, by the watch of its observation."""
    query = (
        select(SNAPSHOT.c.observation_id, WORDING.c.digest, DERIVATION.c.word_count)
        .join(WORDING, WORDING.c.id == SNAPSHOT.c.wording_id)
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
    )
    found = rows_in(connection, query, SNAPSHOT.c.observation_id, list(observations))
    return {observations[number]: (bytes(digest), words or 0) for number, digest, words in found}


def count_resource_bytes(connection: Connection, now: datetime) -> int:
    """Return the size of the resources that were new in the last day, each file once."""
    begin = now - BUDGET_PERIOD
    listed = select(PAGE_RESOURCE.c.capture_id).where(PAGE_RESOURCE.c.recorded_at > begin)
    query = select(func.coalesce(func.sum(CAPTURE.c.size), 0)).where(
        CAPTURE.c.id.in_(listed.where(PAGE_RESOURCE.c.capture_id.is_not(None))),
        CAPTURE.c.recorded_at > begin,
    )
    return int(connection.execute(query).scalar_one())
