"""Add PostgreSQL's index of sentences, filled from the indexed texts: reads each text once."""

from alembic import op
from sqlalchemy import Connection, text

from storage.database.schema import CREATE_SENTENCE_INDEX
from storage.language.sentences import wording_keys
from storage.write.index import copy_sentence_keys

revision = "0011"
down_revision = "0008"
TEXTS = text(
    "SELECT w.id, w.text FROM search_text s JOIN wording w ON w.id = s.wording_id "
    "WHERE s.wording_id > :after ORDER BY s.wording_id LIMIT 2000"
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        create_table, create_index = CREATE_SENTENCE_INDEX
        op.execute(create_table)
        _fill(connection)
        op.execute(create_index)


def _fill(connection: Connection) -> None:
    after = -1
    while rows := connection.execute(TEXTS, {"after": after}).all():
        copy_sentence_keys(connection, {number: wording_keys(body) for number, body in rows})
        after = rows[-1][0]
