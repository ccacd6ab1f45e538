"""An archive with an older schema is upgraded and keeps its rows; a newer one is refused."""

import shutil

import pytest
from sqlalchemy import inspect, text

from storage.database import schema, schema_version
from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.schema_version import HEAD, SchemaNewerError, SchemaOlderError
from storage.database.views import drop_views
from storage.read.archive import open_archive

NEXT = f"""
import sqlalchemy
from alembic import op

revision = "next"
down_revision = "{HEAD}"


def upgrade():
    op.add_column("archive", sqlalchemy.Column("remark", sqlalchemy.Text))
"""


@pytest.fixture
def next_program(tmp_path, monkeypatch):
    """Make this program a newer one, whose schema has one more migration."""
    migrations = tmp_path / "migrations"
    shutil.copytree(schema_version.MIGRATIONS, migrations)
    (migrations / "versions" / "9999_next.py").write_text(NEXT)
    for module in (schema, schema_version):
        monkeypatch.setattr(module, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema_version, "HEAD", "next")


def rows(connection):
    return connection.execute(text("SELECT key, value FROM archive ORDER BY key")).all()


def test_the_newest_revision_is_the_newest_migration():
    assert schema_version.revisions()[0] == HEAD


def test_an_older_archive_is_upgraded_and_keeps_its_rows(database_url, request):
    engine = writing_engine(parsed(database_url))
    with engine.connect() as connection:
        before = rows(connection)
    request.getfixturevalue("next_program")
    with pytest.raises(SchemaOlderError, match="lesart db upgrade"):
        open_archive(database_url)
    assert schema.upgrade(engine) == (HEAD, "next")
    with engine.connect() as connection:
        assert rows(connection) == before != []
        assert "remark" in {column["name"] for column in inspect(connection).get_columns("archive")}
        assert schema.missing_guards(connection) == []
    engine.dispose()
    open_archive(database_url).close()


def test_an_archive_of_the_first_schema_gets_the_tables_of_later_ones(database_url):
    engine = writing_engine(parsed(database_url))
    with engine.begin() as connection:
        drop_views(connection)
        for table in ("front", "teaser", "outside_copy", "copy_request", "rights_file"):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE version DROP COLUMN entries"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        before = rows(connection)
    assert schema.upgrade(engine) == ("0001", HEAD)
    with engine.connect() as connection:
        assert rows(connection) == before
        assert schema.missing_guards(connection) == []
        for view in ("fronts", "outside_copies"):
            assert connection.execute(text(f"SELECT count(*) FROM {view}")).scalar() == 0
        names = {each["name"] for each in inspect(connection).get_indexes("teaser")}
        assert names >= {"teaser_by_front", "teaser_by_origin"}
    engine.dispose()


def test_versions_of_an_older_archive_get_a_column_for_entries(database_url):
    engine = writing_engine(parsed(database_url))
    with engine.begin() as connection:
        drop_views(connection)
        connection.execute(text("ALTER TABLE version DROP COLUMN entries"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    assert schema.upgrade(engine) == ("0002", HEAD)
    engine.dispose()
    with open_archive(database_url) as archive:
        assert list(archive.sql("SELECT * FROM entries").rows) == []


def test_a_newer_archive_is_refused_and_left_as_it_is(database_url, next_program, monkeypatch):
    engine = writing_engine(parsed(database_url))
    schema.upgrade(engine)
    monkeypatch.undo()
    with pytest.raises(SchemaNewerError, match="next"):
        schema.upgrade(engine)
    with engine.connect() as connection:
        assert schema_version.read_revision(connection) == "next"
    engine.dispose()
