"""Add the table of the change feed, with the changes of the archive as its first rows.

Their numbers are those under which readers have seen them, so a reader goes on with its cursor.
"""

from alembic import op

from storage.database.tables.metadata import METADATA

revision = "0016"
down_revision = "0015"

_CHANGES = """
INSERT INTO change_event
    (id, article_id, origin_id, wording_id, occurrence, kind, what, changed_after, changed_by)
SELECT v.seq, v.article_id, a.origin_id, v.wording_id,
    (SELECT count(*) FROM version b WHERE b.article_id = v.article_id
        AND b.wording_id = v.wording_id AND b.number <= v.number),
    'change', '[]', v.changed_after, v.changed_by
FROM version v JOIN article a ON a.id = v.article_id WHERE v.number > 1
"""


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), tables=[METADATA.tables["change_event"]])
    op.execute(_CHANGES)
