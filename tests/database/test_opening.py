import sqlite3

import psycopg
import pytest
import sqlalchemy

from storage.cli.article_commands import app
from storage.cli.exits import run
from storage.database import schema_version
from storage.database.archive_errors import (
    ArchiveMissingError,
    ArchiveUnreachableError,
    DatabaseEncodingError,
    DatabaseUrlError,
    ForeignDatabaseError,
)
from storage.database.engine import database_url as parsed
from storage.database.engine import reading_engine, writing_engine
from storage.read.archive import open_archive
from storage.write.archive import Archive

pytestmark = pytest.mark.postgresql("fast")


@pytest.mark.parametrize(
    ("opened", "most_unacknowledged"),
    [
        pytest.param(writing_engine, {"tcp_user_timeout": 20_000}, id="writer"),
        pytest.param(reading_engine, {}, id="reader"),
        pytest.param(lambda url: reading_engine(url, seconds=5), {}, id="page"),
    ],
)
def test_the_server_ends_the_session_of_a_client_that_vanished(
    postgres_url, opened, most_unacknowledged
):
    """Else it would keep the locks of a machine without power for two hours."""
    # the values in force are those of a socket of this machine, which has none
    query = "SELECT name, reset_val FROM pg_settings WHERE source = 'client' AND name ~ '^tcp_'"
    engine = opened(parsed(postgres_url))
    with engine.connect() as connection:
        found = {name: int(value) for name, value in connection.execute(sqlalchemy.text(query))}
    engine.dispose()
    probes = {
        "tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 3,
    }  # fmt: skip
    assert found == probes | most_unacknowledged


def test_no_archive_is_reported_with_its_place_and_none_is_made(tmp_path):
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


def test_a_file_with_other_content_is_called_no_archive(tmp_path, capsys):
    place = tmp_path / "text.sqlite3"
    place.write_bytes(b"This is a text and not a database. " * 100)
    with pytest.raises(ForeignDatabaseError):
        open_archive(place)
    assert run(app, ["list", "--archive", str(place)]) == 3
    assert "is no archive of Lesart but something else" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("revision", "error"),
    [("9999", schema_version.SchemaNewerError), ("0000", schema_version.SchemaNewerError)],
)
def test_a_schema_that_no_one_here_knows_is_refused_by_name(database_url, revision, error):
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


def test_a_server_that_is_away_is_reported_without_the_password():
    with pytest.raises(ArchiveUnreachableError) as caught:
        open_archive("postgresql://lesart:geheim@127.0.0.1:9/lesart")
    assert "geheim" not in str(caught.value)


def test_a_server_whose_name_no_one_knows_is_away(capsys):
    assert run(app, ["list", "--archive", "postgresql://a:geheim@nowhere.invalid/lesart"]) == 4
    told = capsys.readouterr().err
    assert "nowhere.invalid" in told
    assert "geheim" not in told


@pytest.mark.parametrize(
    "address",
    [
        "mysql://example.org/lesart",
        "postgresql://a@127.0.0.1:99999/lesart",
        "postgresql://a@127.0.0.1/lesart?nonsense=1",
    ],
)
def test_an_address_of_another_kind_is_refused(address):
    with pytest.raises(DatabaseUrlError):
        open_archive(address)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_keeps_not_every_letter_is_refused_and_says_how_to_make_another(
    postgres_url, encoding
):
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        words = f"ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        if connection.info.server_version < 150_000:
            words = words.replace("LOCALE_PROVIDER libc", "")
        connection.execute(f"CREATE DATABASE {name}_odd {words}")
    odd = postgres_url.replace(name, f"{name}_odd", 1)
    try:
        for open_it in (open_archive, Archive.open):
            with pytest.raises(DatabaseEncodingError, match=rf"{encoding}.*--encoding UTF8"):
                open_it(odd)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name}_odd")


def test_reading_cannot_write(database_url):
    with (
        open_archive(database_url) as archive,
        archive.connect() as connection,
        pytest.raises(sqlalchemy.exc.DBAPIError),
    ):
        connection.execute(sqlalchemy.text("DELETE FROM search_due"))


def test_an_archive_with_nothing_in_it_answers_with_nothing(database_url):
    with open_archive(database_url) as archive:
        assert list(archive.articles()) == []
        assert list(archive.search("x")) == []
        assert list(archive.changes()) == []
        assert archive.stats().articles == 0
