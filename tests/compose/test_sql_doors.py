"""SQL on PostgreSQL reads the views alone, by every door and with every role of the stack."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.engine import make_url

from lesart import QueryError, open_archive
from storage.database.archive_errors import SqlRoleError
from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.schema import upgrade
from storage.database.servers import reader_role
from storage.database.views import VIEWS
from storage.read.sql import QueryLimits
from storage.values.failures import CONFINE_SQL
from tests.flow.processes import lesart
from tests.read.press import the_usual_press
from tests.serve.conftest import served

pytestmark = pytest.mark.postgresql("fast")

ROLES = ("postgres", "lesart_worker", "lesart_page", "lesart_reader")
TABLES = (
    "SELECT text FROM wording",
    "SELECT * FROM access_token",
    "WITH articles AS (SELECT text FROM wording) SELECT * FROM articles",
    'WITH "articles" AS MATERIALIZED (SELECT text FROM wording) SELECT * FROM "articles"',
    "WITH RECURSIVE articles(t) AS (SELECT text FROM wording UNION SELECT t FROM articles) SELECT * FROM articles",
    "SELECT (SELECT count(*) FROM wording)",
    "SELECT articles.text FROM wording AS articles",
    "SELECT 1 FROM articles WHERE EXISTS (SELECT FROM public.wording)",
    "TABLE wording",
)
"""Queries that a role which may read tables can run: no query may for a role that may not."""
NAMES = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_advisory_lock(hashtext('lesart schema'))",
    'SELECT "pg_try_advisory_lock"(1)',
    'SELECT U&"pg\\005fsleep"(1)',
    "SELECT u&\"!0070g_sleep\" UESCAPE '!' (1)",
    "SELECT PG_SLEEP(1)",
    "SELECT (1::float8).pg_sleep",
    "SELECT * FROM ROWS FROM (pg_sleep(1))",
    "SELECT set_config('role', 'none', true)",
    "SELECT set_config('statement_timeout', '0', true)",
    "SELECT set_config('work_mem', '1000GB', true)",
    "SELECT pg_catalog.set_config('search_path', 'pg_temp', false)",
    "SELECT pg_notify('lesart_jobs', '')",
    "SELECT pg_logical_emit_message(true, 'a', 'b')",
    "SELECT pg_export_snapshot()",
    "SELECT txid_current()",
    "SELECT pg_current_xact_id()",
    "SELECT nextval('x')",
    "SELECT setval('x', 1)",
    "SELECT lastval()",
    "SELECT currtid2('articles', '(0,1)')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_reset()",
    "SELECT pg_switch_wal()",
    "SELECT pg_backup_start('x')",
    "SELECT pg_promote()",
    "SELECT pg_reload_conf()",
    "SELECT pg_drop_replication_slot('replica1')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT lo_create(0)",
    "SELECT query_to_xml('SELECT text FROM wording', true, true, '')",
    "SELECT table_to_xml('wording', true, true, '')",
    "SELECT schema_to_xml('public', true, true, '')",
    "SELECT database_to_xml(true, true, '')",
    "SELECT cursor_to_xml('lesart_sql', 1, true, true, '')",
    "SELECT * FROM ts_stat('SELECT tokens FROM search_text')",
    "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')",
    "SELECT * FROM pg_authid",
    "SELECT query FROM pg_stat_activity",
    "SELECT * FROM pg_locks",
    "SELECT * FROM pg_settings",
    "SELECT * FROM pg_stats",
    "SELECT * FROM pg_roles",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_temp.articles",
)
"""Queries with a catalog, or a function that acts beyond the rows of a query."""
COMMANDS = (
    "SET ROLE postgres", "RESET ROLE", "SET SESSION AUTHORIZATION postgres", "SET statement_timeout = 0",
    "BEGIN", "COMMIT", "SELECT 1; COMMIT; DELETE FROM job", "ROLLBACK; SELECT 1", "END",
    "DO $$BEGIN END$$", "CALL x()", "LISTEN lesart_jobs", "NOTIFY lesart_jobs", "LOAD 'x'",
    "EXPLAIN SELECT * FROM wording", "EXPLAIN ANALYZE DELETE FROM job", "PREPARE p AS SELECT 1",
    "EXECUTE p", "DECLARE c CURSOR FOR SELECT 1", "FETCH ALL FROM lesart_sql", "CLOSE lesart_sql",
    "COPY articles TO PROGRAM 'cat'", "COPY wording TO STDOUT", "COPY (SELECT 1) TO '/tmp/x'",
    "SELECT * INTO t FROM articles", "CREATE TEMP TABLE articles AS SELECT 1",
    "CREATE TEMP VIEW articles AS SELECT 1", "CREATE SCHEMA x", "CREATE FUNCTION f() RETURNS int RETURN 1",
    "SELECT * FROM articles FOR UPDATE", "SELECT * FROM job FOR SHARE", "LOCK TABLE job",
    "WITH d AS (DELETE FROM job RETURNING 1) SELECT * FROM d",
    "WITH i AS (INSERT INTO job (id) VALUES (1) RETURNING 1) SELECT * FROM i",
    "INSERT INTO articles DEFAULT VALUES", "UPDATE version SET number = 2", "DELETE FROM wording",
    "TRUNCATE job", "MERGE INTO job USING articles a ON true WHEN MATCHED THEN DELETE",
    "DROP VIEW articles", "ALTER ROLE lesart_reader SUPERUSER", "GRANT lesart TO lesart_reader",
    "VACUUM", "ANALYZE wording", "REFRESH MATERIALIZED VIEW x", "SECURITY LABEL ON TABLE job IS 'x'",
)  # fmt: skip
"""Statements other than a query that only reads."""
ATTACKS = (*TABLES, *NAMES, *COMMANDS)
MANY_BYTES = "SELECT a.i FROM generate_series(1, 1000000000) a(i) ORDER BY a.i % 7, a.i DESC"
LONG = "SELECT count(*) FROM generate_series(1, 100000000000) a"


@dataclass(frozen=True)
class Stack:
    """An archive with texts on a server with the roles of the stack."""

    owner: str

    def url(self, role: str) -> str:
        url = make_url(self.owner).set(username=role, drivername="postgresql")
        return url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def stack(stack_url: str) -> Iterator[Stack]:
    place, question, query = stack_url.partition("?")
    with psycopg.connect(stack_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE attacked")
    url = f"{place.rpartition('/')[0]}/attacked{question}{query}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    the_usual_press(url).close()
    yield Stack(url)
    with psycopg.connect(stack_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE attacked WITH (FORCE)")


Door = Callable[[str], bool]
"""Runs a query; returns whether it was answered."""


@contextmanager
def python_door(url: str) -> Iterator[Door]:
    with open_archive(url) as archive:

        def ask(query: str) -> bool:
            try:
                list(archive.sql(query, limits=QueryLimits(seconds=10)).rows)
            except QueryError:
                return False
            return True

        yield ask


def command_door(folder: Path, **settings: str) -> Door:
    def ask(query: str) -> bool:
        done = lesart(folder, "sql", query, **settings)
        assert done.returncode in {0, 2}, (query, done.stderr)
        assert done.returncode == 0 or done.stderr.startswith("lesart: the query failed: "), query
        return done.returncode == 0

    return ask


def mcp_door(client, headers: dict[str, str]) -> Door:
    def ask(query: str) -> bool:
        return "answer" in called(client, query, headers)

    return ask


def called(client, query: str, headers: dict[str, str] | None = None) -> dict:
    """Return the answer of the tool `sql` over HTTP."""
    message = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "sql", "arguments": {"query": query}},
    }  # fmt: skip
    accept = {"accept": "application/json, text/event-stream", **(headers or {})}
    answer = client.post("/mcp", json=message, headers=accept)
    return json.loads(answer.json()["result"]["content"][0]["text"])


DOORS = ("python", *(f"command as {role}" for role in ROLES), "mcp", "mcp with a token")
each_door = pytest.mark.parametrize(
    "door",
    [pytest.param(each, marks=[pytest.mark.slow] * (each != "python")) for each in DOORS],
    indirect=True,
)


@pytest.fixture
def door(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Iterator[Door]:
    """Give a way to ask with the settings of the stack."""
    kind, _, rest = request.param.partition(" ")
    reader = stack.url("lesart_reader")
    with ExitStack() as resources:
        if kind == "python":
            yield resources.enter_context(python_door(reader))
        elif kind == "command":
            archive = stack.url(rest.removeprefix("as "))
            yield command_door(tmp_path, database_url=archive, sql_database_url=reader)
        else:
            page = served(stack.url("lesart_page"), sql_url=reader)
            headers = {"authorization": "Bearer lesart_x"} if rest else {}
            yield mcp_door(resources.enter_context(page), headers)


@pytest.mark.slow
@each_door
def test_each_attack_is_refused_at_each_door_of_the_stack(door):
    assert door("SELECT title FROM articles"), "the door is open for a query"
    assert [query for query in ATTACKS if door(query)] == []
    assert door("SELECT count(*) FROM versions"), "and still is"


@pytest.mark.parametrize("role", ROLES[:-1])
def test_a_stronger_role_is_named_in_a_note_and_gets_no_function_and_no_command_either(
    stack, role, tmp_path
):
    url = stack.url(role)
    with python_door(url) as ask:
        assert [query for query in (*NAMES, *COMMANDS) if ask(query)] == []
    done = lesart(tmp_path, "sql", "SELECT 1", database_url=url)
    assert done.returncode == 0
    assert done.stderr.startswith("lesart: the role of this query ")
    assert CONFINE_SQL in done.stderr
    done = lesart(tmp_path, "sql", "SELECT 1", database_url=url, sql_database_url=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lesart: SQL is refused: the role ")
    with open_archive(url) as archive, pytest.raises(SqlRoleError):
        archive.sql("SELECT 1", limits=QueryLimits(views_role_only=True))


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES[:-1])
def test_assistants_get_no_sql_with_a_stronger_role(stack, role):
    with served(stack.url("lesart_page")) as client:
        told = called(client, "SELECT 1")
    with served(stack.url("lesart_page"), sql_url=stack.url(role)) as client:
        assert called(client, "SELECT 1")["error"]["code"] == "sql_unavailable"
    assert told["error"]["code"] == "sql_unavailable"
    assert CONFINE_SQL in told["error"]["detail"]


def test_the_reader_may_execute_these_functions_that_are_neither_immutable_nor_stable(stack):
    """Not those that take or return what SQL has not, such as handlers and triggers."""
    query = (
        "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' "
        "AND has_function_privilege(oid, 'EXECUTE') AND prorettype <> 'trigger'::regtype "
        "AND NOT 'internal'::regtype = ANY (proargtypes::oid[])"
    )
    with psycopg.connect(stack.url("lesart_reader")) as connection:
        allowed = {row[0] for row in connection.execute(query)}
    known = {
        "array_sample", "array_shuffle", "clock_timestamp", "gen_random_uuid", "random",
        "random_normal", "timeofday", "uuidv4", "uuidv7",
        # for clients: a query of a user cannot name them
        "pg_advisory_unlock_all", "pg_current_wal_insert_lsn", "pg_database_size",
        "pg_indexes_size", "pg_is_in_recovery", "pg_last_wal_replay_lsn", "pg_relation_size",
        "pg_table_size", "pg_total_relation_size",
        # called by the server only: they take the arguments of a procedural language
        "plpgsql_call_handler",
    }  # fmt: skip
    assert allowed <= known


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_lock(hashtext('lesart schema'))",
        "SELECT pg_try_advisory_lock(hashtext('lesart scheduler'))",
        "SELECT pg_advisory_xact_lock(hashtext('lesart index keys'))",
        "SELECT pg_terminate_backend(1)", "SELECT pg_sleep(0)", "SELECT pg_notify('a', 'b')",
        "SELECT set_config('work_mem', '1GB', false)", "SELECT lo_create(0)",
        "SELECT query_to_xml('SELECT 1', true, true, '')", "SELECT table_to_xml('articles', true, true, '')",
        "SELECT * FROM ts_stat('SELECT 1')", "SELECT txid_current()", "SELECT nextval('x')",
        "SELECT * FROM pg_locks", "SET ROLE lesart_page", "SET SESSION AUTHORIZATION postgres",
        "SET temp_file_limit = -1",
    ],
)  # fmt: skip
def test_the_reader_cannot_do_it_with_a_client_of_its_own_either(stack, statement):
    with (
        psycopg.connect(stack.url("lesart_reader")) as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)),
    ):
        connection.execute(statement)


def test_other_roles_keep_the_functions(stack):
    for role in ("lesart_worker", "lesart_page"):
        with psycopg.connect(stack.url(role)) as connection:
            connection.execute("SELECT pg_sleep(0), set_config('work_mem', '8MB', true)")
            connection.execute("SELECT pg_advisory_xact_lock(1)")


def test_a_role_that_is_made_later_gets_the_functions_at_the_next_upgrade(stack):
    with psycopg.connect(stack.owner, autocommit=True) as connection:
        connection.execute('CREATE ROLE "Later" LOGIN')
        try:
            with psycopg.connect(stack.owner, user="Later") as own, suppress(psycopg.Error):
                own.execute("SELECT pg_sleep(0)")
            upgraded(stack.owner)
            with psycopg.connect(stack.owner, user="Later") as own:
                own.execute("SELECT pg_sleep(0)")
        finally:
            connection.execute('DROP OWNED BY "Later"')
            connection.execute('DROP ROLE "Later"')


def upgraded(url: str) -> None:
    engine = writing_engine(parsed(url))
    upgrade(engine)
    engine.dispose()


CHANGES = {
    "ALTER ROLE lesart_reader SUPERUSER": ("ALTER ROLE lesart_reader NOSUPERUSER", "is a superuser"),
    "GRANT lesart_page TO lesart_reader": (
        "REVOKE lesart_page FROM lesart_reader", "is a member of lesart_page",
    ),
    "GRANT pg_read_all_data TO lesart_reader": (
        "REVOKE pg_read_all_data FROM lesart_reader", "is a member of pg_read_all_data",
    ),
    "ALTER ROLE lesart_reader CREATEROLE": (
        "ALTER ROLE lesart_reader NOCREATEROLE", "may create roles",
    ),
    "GRANT SELECT ON wording TO lesart_reader": (
        "REVOKE SELECT ON wording FROM lesart_reader", "may read wording",
    ),
    "GRANT SELECT (text) ON wording TO PUBLIC": (
        "REVOKE SELECT (text) ON wording FROM PUBLIC", "may read wording",
    ),
    "GRANT INSERT ON articles TO lesart_reader": (
        "REVOKE INSERT ON articles FROM lesart_reader", "may change articles",
    ),
    "GRANT DELETE ON job TO lesart_reader": (
        "REVOKE DELETE ON job FROM lesart_reader", "may change job",
    ),
    "GRANT CREATE ON SCHEMA public TO lesart_reader": (
        "REVOKE CREATE ON SCHEMA public FROM lesart_reader", "may create objects in the schema public",
    ),
    "GRANT CREATE ON DATABASE attacked TO lesart_reader": (
        "REVOKE CREATE ON DATABASE attacked FROM lesart_reader", "may create schemas",
    ),
    "CREATE FUNCTION peek() RETURNS text STABLE SECURITY DEFINER RETURN (SELECT max(text) FROM wording)": (
        "DROP FUNCTION peek", "may call peek",
    ),
    "CREATE SEQUENCE numbers; GRANT USAGE ON SEQUENCE numbers TO lesart_reader": (
        "DROP SEQUENCE numbers", "may change numbers",
    ),
    "ALTER ROLE lesart_reader SET role = 'lesart_reader'": (
        "ALTER ROLE lesart_reader RESET role", None,
    ),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize("change", CHANGES)
def test_the_role_is_judged_by_what_it_may_do(stack, tmp_path, change):
    back, fault = CHANGES[change]
    reader = stack.url("lesart_reader")
    settings = {"database_url": stack.url("lesart_page"), "sql_database_url": reader}
    with psycopg.connect(stack.owner, autocommit=True) as owner:
        owner.execute(change)
        try:
            done = lesart(tmp_path, "sql", "SELECT 1", **settings)
            doctor = lesart(tmp_path, "doctor", "--format", "json", **settings)
        finally:
            owner.execute(back)
    (finding,) = (each for each in json.loads(doctor.stdout) if each["check"] == "sql")
    if fault is None:
        assert (done.returncode, finding["state"]) == (0, "ok")
    else:
        assert done.returncode == 2
        assert f"SQL is refused: the role {fault}" in done.stderr
        assert (finding["state"], fault in finding["message"]) == ("broken", True)
    assert lesart(tmp_path, "sql", "SELECT 1", **settings).returncode == 0


def test_doctor_says_whether_the_door_is_closed(stack, tmp_path):
    def finding(**settings: str) -> dict[str, str]:
        done = lesart(tmp_path, "doctor", "--format", "json", **settings)
        (found,) = (each for each in json.loads(done.stdout) if each["check"] == "sql")
        return found

    page, reader = stack.url("lesart_page"), stack.url("lesart_reader")
    open_door = finding(database_url=page)
    assert (open_door["state"], open_door["mend"]) == ("warning", CONFINE_SQL)
    assert finding(database_url=page, sql_database_url=reader)["state"] == "ok"
    away = reader.replace("/attacked", "/nowhere")
    assert finding(database_url=page, sql_database_url=away)["state"] == "broken"


def test_a_temporary_table_of_a_session_does_not_stand_in_for_a_view(stack):
    """As one that another client made in a session that a pooler shares."""
    with open_archive(stack.url("lesart_reader")) as archive:
        with archive.engine.connect() as connection:
            connection.execute(sqlalchemy.text("SET TRANSACTION READ WRITE"))
            connection.execute(
                sqlalchemy.text("CREATE TEMP TABLE articles AS SELECT 'false' AS title")
            )
            connection.execute(sqlalchemy.text("CREATE TEMP TABLE pg_roles AS SELECT 1 AS oid"))
            connection.commit()
            seen = connection.execute(sqlalchemy.text("SELECT title FROM articles")).scalars().all()
            assert seen == ["false"]
        titles = [row[0] for row in archive.sql("SELECT title FROM articles").rows]
    assert len(titles) == 3
    assert "false" not in titles


def test_a_query_ends_at_its_limits_of_time_and_of_disk(stack):
    with (
        open_archive(stack.url("lesart_reader")) as archive,
        pytest.raises(QueryError, match="it took too long"),
    ):
        list(archive.sql(LONG, limits=QueryLimits(seconds=0.3)).rows)
    with psycopg.connect(stack.url("lesart_reader")) as connection:
        limit = connection.execute("SHOW temp_file_limit").fetchone()
        assert limit == (reader_role.TEMP_FILE_LIMIT,)
    with psycopg.connect(stack.owner, autocommit=True) as owner:
        owner.execute("ALTER ROLE lesart_reader SET temp_file_limit = '1MB'")
        try:
            with (
                open_archive(stack.url("lesart_reader")) as archive,
                pytest.raises(QueryError, match="temporary file size exceeds"),
            ):
                list(archive.sql(MANY_BYTES).rows)
            upgraded(stack.owner)
            with psycopg.connect(stack.url("lesart_reader")) as connection:
                limit = connection.execute("SHOW temp_file_limit").fetchone()
                assert limit == ("1MB",), "the limit of an administrator stays"
        finally:
            owner.execute("ALTER ROLE lesart_reader RESET temp_file_limit")
            upgraded(stack.owner)


def test_an_archive_of_an_earlier_version_gets_the_grants_by_an_upgrade(stack, tmp_path):
    with psycopg.connect(stack.owner, autocommit=True) as owner:
        owner.execute(
            "GRANT EXECUTE ON FUNCTION pg_sleep(float8), set_config(text, text, boolean) TO PUBLIC"
        )
        owner.execute(f"REVOKE SELECT ON {', '.join(VIEWS)} FROM lesart_reader")
        done = lesart(tmp_path, "db", "upgrade", database_url=stack.owner)
        assert done.returncode == 0, done.stderr
    with psycopg.connect(stack.url("lesart_reader")) as connection:
        connection.execute("SELECT * FROM articles")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT pg_sleep(0)")


def test_a_database_with_tables_of_others_keeps_its_functions(stack):
    with psycopg.connect(stack.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE of_others (id int)")
        owner.execute("GRANT EXECUTE ON FUNCTION pg_sleep(float8) TO PUBLIC")
        try:
            upgraded(stack.owner)
            with psycopg.connect(stack.url("lesart_reader")) as connection:
                connection.execute("SELECT pg_sleep(0)")
            with python_door(stack.url("lesart_reader")) as ask:
                assert not ask("SELECT pg_sleep(0)")
        finally:
            owner.execute("DROP TABLE of_others")
            upgraded(stack.owner)


def test_a_stable_function_of_an_extension_or_of_others_is_refused_by_its_name(stack):
    with psycopg.connect(stack.owner, autocommit=True) as owner:
        owner.execute("CREATE FUNCTION crosstab(text) RETURNS int STABLE RETURN 1")
        try:
            with python_door(stack.url("lesart_reader")) as ask:
                assert not ask("SELECT crosstab('SELECT 1')")
                assert ask("SELECT 'cross tab'")
        finally:
            owner.execute("DROP FUNCTION crosstab")
