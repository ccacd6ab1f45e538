"""Add the numbers of renewed rows; those lifted or emptied before have the number of the order."""

from alembic import op

from storage.database.tables.metadata import METADATA

revision = "0013"
down_revision = "0012"

_OF_LIFTED = """
INSERT INTO renewal (table_name, row_id, seq)
SELECT 'origin', r.origin_id, max(l.id) FROM restriction r
JOIN restriction_lifted l ON l.restriction_id = r.id GROUP BY r.origin_id
"""
_OF_EMPTIED = """
INSERT INTO renewal (table_name, row_id, seq)
SELECT 'refusal', row_id, max(id) FROM redaction
WHERE table_name IN ('refusal', 'refusal_address') GROUP BY row_id
"""


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), tables=[METADATA.tables["renewal"]])
    op.execute(_OF_LIFTED)
    op.execute(_OF_EMPTIED)
