"""What reading knows of the schema without asking Alembic."""

from storage.database import schema


def test_the_revision_that_reading_knows_is_the_newest_migration():
    assert schema.revisions()[0] == schema.head()
