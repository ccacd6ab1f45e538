"""The texts that were read before, which a rendered page is compared with."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from storage.database.tables import DERIVATION, JOB, SNAPSHOT, WORDING
from storage.database.unit import rows_in


def has_browser_jobs(connection: Connection) -> bool:
    """Check whether an address was to be read by a browser."""
    query = select(JOB.c.id).where(JOB.c.kind == "render").limit(1)
    return connection.execute(query).first() is not None


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
