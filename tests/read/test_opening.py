import sqlite3

import pytest
import sqlalchemy

from storage.database import schema_version
from storage.database.engine import (
    ArchiveMissingError,
    ArchiveUnreachableError,
    DatabaseUrlError,
    writing_engine,
)
from storage.database.engine import database_url as parsed
from storage.read.archive import open_archive


def test_no_archive_is_told_with_its_place_and_none_is_made(tmp_path):
    place = tmp_path / "nothing" / "lesart.sqlite3"
    with pytest.raises(ArchiveMissingError) as caught:
        open_archive(place)
    assert str(place) in str(caught.value)
    assert not place.parent.exists()


def test_an_empty_database_holds_no_archive(empty_database_url):
    if empty_database_url.startswith("sqlite"):
        sqlite3.connect(empty_database_url.removeprefix("sqlite:///")).close()
    with pytest.raises(ArchiveMissingError):
        open_archive(empty_database_url)


def test_a_file_that_is_no_database_holds_no_archive(tmp_path):
    place = tmp_path / "text.sqlite3"
    place.write_bytes(b"This is a text and not a database. " * 100)
    with pytest.raises(ArchiveMissingError):
        open_archive(place)


@pytest.mark.parametrize(
    ("revision", "error"),
    [("9999", schema_version.SchemaNewerError), ("0000", schema_version.SchemaNewerError)],
)
def test_a_schema_that_nobody_here_knows_is_refused_by_name(database_url, revision, error):
    engine = writing_engine(parsed(database_url))
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("UPDATE alembic_version SET version_num = :name"), {"name": revision}
        )
    engine.dispose()
    with pytest.raises(error) as caught:
        open_archive(database_url)
    assert revision in str(caught.value)
    assert schema_version.head() in str(caught.value)


def test_a_server_that_is_away_is_told_without_the_password():
    with pytest.raises(ArchiveUnreachableError) as caught:
        open_archive("postgresql://lesart:geheim@127.0.0.1:9/lesart")
    assert "geheim" not in str(caught.value)


def test_an_address_of_something_else_is_refused():
    with pytest.raises(DatabaseUrlError):
        open_archive("mysql://example.org/lesart")


def test_reading_cannot_write(database_url):
    with (
        open_archive(database_url) as archive,
        archive.connected() as connection,
        pytest.raises(sqlalchemy.exc.DBAPIError),
    ):
        connection.execute(sqlalchemy.text("DELETE FROM search_due"))


def test_an_archive_with_nothing_in_it_answers_with_nothing(database_url):
    with open_archive(database_url) as archive:
        assert list(archive.articles()) == []
        assert list(archive.search("x")) == []
        assert list(archive.changes()) == []
        assert archive.stats().articles == 0
