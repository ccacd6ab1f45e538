"""What reading knows of the schema without asking Alembic."""

from storage.database import schema_version


def test_the_revision_that_reading_knows_is_the_newest_migration():
    assert schema_version.revisions()[0] == schema_version.head()
