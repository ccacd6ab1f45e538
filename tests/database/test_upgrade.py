"""An archive with an older schema is upgraded and keeps its rows; a newer one is refused.

`schemas.json` has the schema of each commit that changed it since the numbers were restarted, as what
was new in it: a change of the schema fails here until it is added at the end.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from storage.cli.exits import run
from storage.database import schema, schema_version
from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.outgoing import STAMPS, claim
from storage.database.schema_version import HEAD, SchemaNewerError, SchemaOlderError
from storage.database.views import drop_views
from storage.read.archive import open_archive
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from tests.database.older import restore_old_tables
from tests.flow.driver import SENTENCES, seed
from worker.cli import commands as cli

SCHEMAS = json.loads(Path(__file__).with_name("schemas.json").read_text("utf-8"))
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


@pytest.fixture
def today(request) -> Path:
    """Give the file of an empty archive in today's schema."""
    return request.getfixturevalue("_sqlite_template")


def rows(connection):
    return connection.execute(text("SELECT key, value FROM archive ORDER BY key")).all()


def test_the_newest_revision_is_the_newest_migration():
    assert schema_version.revisions()[0] == HEAD


def test_no_step_takes_its_tables_from_the_classes_of_today():
    steps = {
        path.name: path.read_text() for path in schema_version.MIGRATIONS.glob("versions/*.py")
    }
    words = ("storage.database.tables", "storage.capabilities", "METADATA")
    assert len(steps) > 5
    assert [name for name, step in steps.items() if any(word in step for word in words)] == []


def test_an_upgrade_keeps_the_guards_of_tables_that_the_program_does_not_know(database_url):
    engine = writing_engine(parsed(database_url))
    guard = "CREATE TRIGGER guard_former_update BEFORE UPDATE ON former"
    if engine.dialect.name == "postgresql":
        guard += " FOR EACH ROW EXECUTE FUNCTION lesart_guard('{}')"
    else:
        guard += " BEGIN SELECT RAISE(ABORT, 'the record is only added to: former'); END"
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE former (id bigint, note text)", "INSERT INTO former VALUES (1, 'a')", guard,
            "UPDATE alembic_version SET version_num = '0014'",
        ):  # fmt: skip
            connection.execute(text(statement))
    assert schema.upgrade(engine) == ("0014", HEAD)
    with engine.begin() as connection, pytest.raises(DBAPIError, match="only added to: former"):
        connection.execute(text("UPDATE former SET note = 'b'"))
    with engine.connect() as connection:
        assert schema.missing_guards(connection) == []
    engine.dispose()


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
        restore_old_tables(connection)
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
        restore_old_tables(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    assert schema.upgrade(engine) == ("0002", HEAD)
    engine.dispose()
    with open_archive(database_url) as archive:
        assert list(archive.sql("SELECT * FROM entries").rows) == []


@pytest.mark.postgresql("fast")
def test_an_open_request_for_a_stamp_of_an_older_archive_is_sent_on(database_url):
    engine = writing_engine(parsed(database_url))
    with engine.begin() as connection:
        drop_views(connection)
        restore_old_tables(connection)
        values = "('uni', 3, '2024-06-18T06:00:00.000000+00:00', 'away')"
        connection.execute(text(f"INSERT INTO stamp_request VALUES {values}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0007'"))
    assert schema.upgrade(engine) == ("0007", HEAD)
    _token, rows = claim(engine, STAMPS)
    engine.dispose()
    assert [(row["authority"], row["state"], row["attempts"], row["note"]) for row in rows] == [
        ("uni", "failed", 4, "away")
    ]


def test_what_was_lifted_or_emptied_in_an_older_archive_has_the_number_of_its_order(database_url):
    engine = writing_engine(parsed(database_url))
    moment = "'2024-06-18T06:00:00.000000+00:00'"
    with engine.begin() as connection:
        drop_views(connection)
        connection.execute(text("DROP TABLE renewal"))
        for table, values in (
            (
                "restriction (id, origin_id, reason, actor, at)",
                f"(5, 3, 'mistake', 'ada', {moment})",
            ),
            ("restriction_lifted (id, restriction_id, actor, at)", f"(7, 5, 'ada', {moment})"),
            (
                "redaction (id, table_name, row_id, reason, at)",
                f"(8, 'refusal', 4, 'mistake', {moment}), (9, 'refusal_address', 4, 'mistake', {moment})",
            ),
        ):
            connection.execute(text(f"INSERT INTO {table} VALUES {values}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0012'"))
    assert schema.upgrade(engine) == ("0012", HEAD)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM renewal ORDER BY seq")).all()
    engine.dispose()
    assert found == [("origin", 3, 7), ("refusal", 4, 9)]


def test_all_rows_about_a_redacted_file_of_an_older_archive_get_new_numbers(room):
    room.write(
        "a.txt", seed("Der Deich hält", "Am Morgen zählte die Feuerwehr vierzig nasse Keller.")
    )
    room.write(
        "b.txt", seed("Die Fähre wartet", "Bis zum Abend bleibt sie wegen der Wellen im Hafen.")
    )
    for at in (1, 2, 3):
        room.scan(at)
    article = room.number(
        "SELECT article_id AS number FROM snapshot ORDER BY observation_id LIMIT 1"
    )
    target = RedactionTarget(article, None)
    redact_articles(
        room.archive, [target], RedactionReason.GDPR_ERASURE, "ada", with_addresses=True
    )
    erased = room.one("SELECT * FROM articles WHERE origin LIKE 'redacted:%'")
    with room.archive.engine.begin() as connection:
        last = connection.execute(text("SELECT value FROM counter WHERE name = 'seq'")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '0013'"))
    assert schema.upgrade(room.archive.engine) == ("0013", HEAD)
    for view in ("articles", "versions", "observations"):
        seqs = room.rows(f"SELECT seq, article FROM {view} WHERE seq > {last}")
        assert {row["article"] for row in seqs} == {erased["article"]}, view
        assert len({row["seq"] for row in seqs}) == len(seqs) > 0
    seen = room.rows("SELECT id, checks FROM observations WHERE article = :a", a=erased["article"])
    assert sorted((row["id"] < 0, row["checks"]) for row in seen) == [(False, 1), (True, 2)]


def test_the_changes_of_an_older_archive_are_the_first_rows_of_the_feed(room):
    for at, text_of_file in enumerate((SENTENCES[0], SENTENCES[1], SENTENCES[0], SENTENCES[1])):
        room.write("pegel.txt", seed("Pegel", text_of_file))
        room.scan(at)
    query = (
        "SELECT article_id, origin_id, wording_id, occurrence, kind FROM change_event ORDER BY id"
    )
    recorded = room.rows(query)
    with room.archive.engine.begin() as connection:
        connection.execute(text("DROP TABLE change_event"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0015'"))
    assert schema.upgrade(room.archive.engine) == ("0015", HEAD)
    assert room.rows(query) == recorded
    assert [each["occurrence"] for each in recorded] == [1, 2, 2]
    seqs = "SELECT seq AS id FROM version WHERE number > 1 ORDER BY seq"
    assert room.rows("SELECT id FROM change_event ORDER BY id") == room.rows(seqs)
    assert room.findings() == []


@pytest.mark.postgresql("fast")
def test_the_quotations_of_an_older_archive_are_read_again(room):
    room.write("a.txt", seed("Pegel", "🌊 Am Montag: „Der Deich hält“, sagte Ada Kern im Rathaus."))
    room.scan(0)
    quoted = room.rows("SELECT text, name FROM quotes")
    with room.archive.engine.begin() as connection:
        drop_views(connection)
        connection.execute(text("DELETE FROM quotation"))
        connection.execute(text("ALTER TABLE quotation DROP COLUMN position"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0019'"))
    assert schema.upgrade(room.archive.engine) == ("0019", HEAD)
    assert room.rows("SELECT text, name FROM quotes") == quoted
    assert [each["text"] for each in quoted] == ["Der Deich hält"]
    assert room.findings() == []


@pytest.mark.postgresql("fast")
def test_an_older_archive_loses_the_indexes_that_no_statement_uses(database_url):
    engine = writing_engine(parsed(database_url))
    former = {
        "doubt_by_observation": "doubt (observation_id)",
        "log_checkpoint_by_size": "log_checkpoint (size)",
        "quotation_by_derivation": "quotation (derivation_id)",
    }
    with engine.begin() as connection:
        for name, columns in former.items():
            connection.execute(text(f"CREATE INDEX {name} ON {columns}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0021'"))
    assert schema.upgrade(engine) == ("0021", HEAD)
    with engine.connect() as connection:
        found = [
            each["name"]
            for table in ("doubt", "log_checkpoint", "quotation")
            for each in inspect(connection).get_indexes(table)
        ]
    engine.dispose()
    assert "doubt_by_b_derivation" in found
    assert not former.keys() & set(found)


def schemas() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the commit, the revision and the tables and indexes of each schema."""
    known: dict[str, str] = {}
    for each in SCHEMAS:
        known = {name: sql for name, sql in known.items() if name not in each["without"]}
        known |= each["with"]
        yield each["commit"], each["revision"], dict(known)


def made(path: Path, revision: str, schema: dict[str, str]) -> str:
    """Write an archive with a schema and a counter, an id and a time, as the first program did."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in sorted(schema.values(), key=lambda sql: sql.startswith("CREATE INDEX")):
            connection.execute(statement)
        connection.execute("INSERT INTO alembic_version VALUES (?)", [revision])
        connection.execute("INSERT INTO counter VALUES ('seq', 7)")
        connection.execute("INSERT INTO archive VALUES ('id', 'abc')")
        connection.commit()
    return str(path)


def columns_of(path: Path) -> dict[str, set[str]]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute(query)]
        return {
            name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            for name in names
        }


def indexes_of(path: Path) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute(query)}


def views_of(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'"))


@pytest.mark.few_cases
@pytest.mark.parametrize(
    ("revision", "schema"), [each[1:] for each in schemas()], ids=[each[0] for each in schemas()]
)
def test_the_schema_of_each_commit_is_upgraded_to_that_of_today(
    revision, schema, tmp_path, today, capsys
):
    old = made(tmp_path / "old.sqlite3", revision, schema)
    if revision != HEAD:
        assert run(cli.app, ["list", "--archive", old]) == 2
        assert "lesart db upgrade" in capsys.readouterr().err
    assert run(cli.app, ["db", "upgrade", "--archive", old]) == 0
    assert columns_of(Path(old)) == columns_of(today)
    assert indexes_of(Path(old)) == indexes_of(today)
    assert views_of(Path(old)) == views_of(today)
    assert run(cli.app, ["list", "--archive", old]) == 0
    with open_archive(old) as archive, archive.connect() as connection:
        assert ("id", "abc") in rows(connection)


def test_the_last_schema_of_the_table_is_that_of_today(today):
    _commit, revision, schema = list(schemas())[-1]
    with closing(sqlite3.connect(today)) as connection:
        query = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL"
        found = {name: " ".join(sql.split()) for name, sql in connection.execute(query)}
    shadows = {name for name in found if name.startswith(("search_text_", "sentence_text_"))}
    assert (revision, schema) == (HEAD, {k: v for k, v in found.items() if k not in shadows})


@pytest.mark.parametrize("revision", ["0001", "0006", "0025"])
def test_an_archive_from_before_the_restarted_numbers_names_the_program_that_reads_it(
    revision, tmp_path, capsys
):
    _commit, _revision, schema = next(schemas())
    if revision == "0001":
        schema = {name: sql for name, sql in schema.items() if "restriction" not in name}
    old = made(tmp_path / "old.sqlite3", revision, schema)
    before = Path(old).read_bytes()
    for words in (["list"], ["db", "upgrade"], ["up", "--once"]):
        assert run(cli.app, [*words, "--archive", old]) == 2
        assert "lesart export --format warc" in capsys.readouterr().err
    assert Path(old).read_bytes() == before


def test_a_newer_archive_is_refused_and_left_as_it_is(database_url, next_program, monkeypatch):
    engine = writing_engine(parsed(database_url))
    schema.upgrade(engine)
    monkeypatch.undo()
    with pytest.raises(SchemaNewerError, match="next"):
        schema.upgrade(engine)
    with engine.connect() as connection:
        assert schema_version.read_revision(connection) == "next"
    engine.dispose()
