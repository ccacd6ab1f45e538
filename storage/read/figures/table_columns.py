"""The columns of the tables that a job read."""

from sqlalchemy import Connection, or_, select

from storage.database.tables import DERIVATION, JOB, VERDICT

MOST_TEXTS = 200
FROM_TABLE = "csv: "
"""The beginning of the place of each field of a table; the name of its column follows."""


def table_columns(connection: Connection, job: int) -> tuple[str, ...]:
    """Return the names of the columns that became fields of the first texts of a job."""
    texts = (
        select(DERIVATION.c.detail)
        .join(VERDICT, VERDICT.c.derivation_id == DERIVATION.c.id)
        .join(JOB, JOB.c.id == VERDICT.c.job_id)
        .where(or_(JOB.c.id == job, JOB.c.parent_id == job))
        .order_by(VERDICT.c.id)
        .limit(MOST_TEXTS)
    )
    places = (
        field["found_in"]
        for detail in connection.scalars(texts)
        for field in ((detail or {}).get("fields") or {}).values()
    )
    columns = (p.removeprefix(FROM_TABLE) for p in places if p.startswith(FROM_TABLE))
    return tuple(dict.fromkeys(columns))
