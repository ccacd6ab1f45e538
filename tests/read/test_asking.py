from collections.abc import Iterator

import pytest
import sqlalchemy

from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.schema import upgrade
from storage.read.archive import QueryError, ReadOnlyArchive, open_archive
from storage.read.sql import QueryLimits
from tests.services import reader_address

pytestmark = pytest.mark.postgresql("fast")


@pytest.fixture(scope="module")
def archive(shared_url: str) -> Iterator[ReadOnlyArchive]:
    """Give the usual press, with the role for SQL where there are roles."""
    with open_archive(reader_address(shared_url)) as found:
        yield found


def rows(archive, query, **parameters):
    return list(archive.sql(query, parameters).rows)


@pytest.mark.parametrize(
    ("query", "parameters", "expected"),
    [
        ("SELECT count(*) FROM articles", {}, [(3,)]),
        ("SELECT sum(words_added) FROM changes", {}, [(2,)]),
        ("SELECT avg(words_added * 1.5) FROM changes", {}, [(1.5,)]),
        ("SELECT version FROM versions WHERE version > :least", {"least": 2}, [(3,)]),
        ("SELECT ':a', 5 % 2 FROM articles WHERE state = :a", {"a": "gone"}, [(":a", 1)]),
        ("SELECT 1 -- :a", {}, [(1,)]),
        ("SELECT 5 % 2", {}, [(1,)]),
        ("SELECT count(*) FROM articles WHERE title LIKE '%Damm%'", {}, [(2,)]),
        ("SELECT /* :a ' */ 1", {}, [(1,)]),
        ("SELECT :a", {"a": None}, [(None,)]),
        ("SELECT title FROM articles WHERE title = :t", {"t": "%s 'x'"}, []),
        ("WITH a AS (SELECT article FROM articles) SELECT count(*) FROM a", {}, [(3,)]),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT max(i) FROM n", {}, [(3,)]),
        (
            "SELECT v.title FROM versions v JOIN articles a ON a.article = v.article "
            "WHERE a.language = 'en'",
            {},
            [("The ferry stays",)],
        ),
    ],
)  # fmt: skip
def test_a_query_is_answered_the_same_on_both_databases(archive, query, parameters, expected):
    assert rows(archive, query, **parameters) == expected


def test_times_are_iso_texts_and_lists_json_texts(archive):
    query = "SELECT first_seen, origins FROM articles WHERE state = 'gone'"
    assert rows(archive, query) == [
        ("2024-06-18T00:00:00.000000+00:00", '["seed:seeds/ferry"]'),
    ]


def test_columns_are_named_before_the_rows_are_read(archive):
    found = archive.sql("SELECT article, version AS v FROM versions")
    assert found.columns == ("article", "v")
    assert len(list(found.rows)) == 5


FORBIDDEN = [
    "SELECT * FROM article",
    "SELECT data FROM capture",
    "SELECT a.article FROM articles a JOIN article x ON 1 = 1",
    "SELECT (SELECT count(*) FROM wording)",
    "WITH w AS (SELECT text FROM wording) SELECT * FROM w",
    "DELETE FROM articles",
    "DELETE FROM job",
    "INSERT INTO job (id) VALUES (1)",
    "UPDATE article SET state = 'gone'",
    "DROP VIEW articles",
    "CREATE TABLE t (a integer)",
    "CREATE TEMP TABLE t AS SELECT 1 AS a",
    "ATTACH DATABASE 'x.sqlite3' AS x",
    "PRAGMA journal_mode = DELETE",
    "COPY articles TO '/tmp/x'",
    "VACUUM",
    "BEGIN",
    "COMMIT",
    "SELECT 1; SELECT 2",
    "SELECT 1; DELETE FROM job",
    "SELECT nothing FROM articles",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM pg_authid",
    "SELECT load_extension('x')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELEC 1",
    "",
    "SELECT :missing",
]


@pytest.mark.few_cases
@pytest.mark.parametrize("query", FORBIDDEN, ids=ascii)
def test_a_query_that_reads_more_than_the_views_is_refused_with_the_words_of_the_database(
    archive, shared_url, query
):
    with pytest.raises(QueryError) as caught:
        rows(archive, query)
    assert caught.value.reason
    assert len(rows(archive, "SELECT * FROM articles")) == 3
    engine = writing_engine(parsed(shared_url))
    with engine.connect() as connection:
        count = connection.execute(sqlalchemy.text("SELECT count(*) FROM job")).scalar_one()
    engine.dispose()
    assert count > 0


def test_a_forbidden_or_unknown_table_is_answered_with_the_names_of_the_views(archive):
    for name in ("article", "nope"):
        with pytest.raises(QueryError, match="only the views can be read: articles, versions"):
            rows(archive, f"SELECT * FROM {name}")


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_an_endless_query_ends(archive):
    with pytest.raises(QueryError, match="it took too long"):
        list(archive.sql(ENDLESS, limits=QueryLimits(seconds=0.2)).rows)


def test_an_answer_that_no_one_reads_is_closed_with_the_archive(shared_url):
    with open_archive(shared_url) as archive:
        archive.sql("SELECT * FROM versions")


@pytest.mark.slow
def test_an_owner_who_is_no_superuser_makes_a_role_for_sql(postgres_server):
    import psycopg

    url = postgres_server.url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE owner LOGIN CREATEROLE")
        connection.execute("GRANT CREATE, USAGE ON SCHEMA public TO owner")
    owned = url.replace("postgres@", "owner@")
    engine = writing_engine(parsed(owned))
    upgrade(engine)
    engine.dispose()
    with open_archive(owned) as archive:
        found = archive.sql("SELECT count(*) FROM article")
        assert [*found.rows] == [(0,)]
        assert "may create roles" in found.note
    with open_archive(reader_address(url)) as archive:
        found = archive.sql("SELECT count(*) FROM articles")
        assert ([*found.rows], found.note) == ([(0,)], None)
        with pytest.raises(QueryError, match="permission denied"):
            rows(archive, "SELECT count(*) FROM article")
        for query in ("SELECT pg_sleep(0)", "SELECT set_config('role', 'owner', true)"):
            with pytest.raises(QueryError, match="is refused"):
                rows(archive, query)
