"""Let the last sight of a replaced wording be the start of the leap that was corrected."""

import sqlalchemy
from alembic import op

revision = "0007"
down_revision = "0006"

_LEAP = (
    "SELECT min(c.since) FROM clock_correction c "
    "WHERE c.since < version.{0} AND version.{0} < c.at AND NOT EXISTS ("
    "SELECT 1 FROM snapshot s WHERE s.article_id = version.article_id AND s.is_foreign = TRUE "
    "AND s.observed_at = version.{0})"
)
_NEWER = (
    "SELECT 1 FROM version n WHERE n.article_id = version.article_id AND n.number > version.number"
)


def upgrade() -> None:
    if not sqlalchemy.inspect(op.get_bind()).has_table("clock_correction"):
        return
    begins, ends = _LEAP.format("changed_after"), _LEAP.format("last_seen")
    later = f"CASE WHEN ({ends}) > changed_by THEN ({ends}) ELSE changed_by END"
    op.execute(f"UPDATE version SET changed_after = ({begins}) WHERE ({begins}) IS NOT NULL")
    op.execute(
        f"UPDATE version SET last_seen = {later} WHERE ({ends}) IS NOT NULL AND EXISTS ({_NEWER})"
    )
