"""The roles of the stack have exactly their permissions."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction

from storage.database.schema import NOT_FOR_THE_PAGE
from storage.database.table_facts import RECORD
from storage.database.tables.metadata import METADATA
from storage.database.views import VIEWS

pytestmark = pytest.mark.postgresql("fast")

STATE = sorted(set(METADATA.tables) - set(RECORD))


@pytest.fixture(scope="module")
def connected(stack_url: str) -> Iterator[Callable[[str], psycopg.Connection]]:
    """Give a way to be connected by a role, once for all tests."""
    with ExitStack() as connections:
        yield cache(lambda role: connections.enter_context(psycopg.connect(stack_url, user=role)))


@pytest.fixture
def worker(connected) -> Iterator[psycopg.Connection]:
    yield connected("lesart_worker")
    connected("lesart_worker").rollback()


@pytest.fixture
def reader(connected) -> Iterator[psycopg.Connection]:
    yield connected("lesart_reader")
    connected("lesart_reader").rollback()


@pytest.fixture
def page(connected) -> Iterator[psycopg.Connection]:
    connection = connected("lesart_page")
    connection.execute("SET default_transaction_read_only = off")  # what it may do nevertheless
    connection.commit()
    yield connection
    connection.rollback()


@pytest.mark.parametrize("table", sorted({*METADATA.tables} - NOT_FOR_THE_PAGE))
def test_the_page_can_only_select(page, table):
    assert page.execute(f'SELECT count(*) FROM "{table}"').fetchone() is not None
    for privilege in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
        query = "SELECT has_table_privilege(%s, %s)"
        assert page.execute(query, [table, privilege]).fetchone() == (False,)


def test_each_table_of_the_database_is_for_the_worker_and_the_page(stack_url):
    """Also the tables of text indexes, which have no class."""
    query = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname <> 'alembic_version' "
        "AND relnamespace = 'public'::regnamespace AND NOT has_table_privilege(%s, oid, %s)"
    )
    with psycopg.connect(stack_url) as connection:
        for role, privilege, denied in (
            ("lesart_worker", "INSERT", set()), ("lesart_worker", "SELECT", set()),
            ("lesart_page", "SELECT", NOT_FOR_THE_PAGE),
        ):  # fmt: skip
            rows = connection.execute(query, [role, privilege]).fetchall()
            assert {row[0] for row in rows} == denied, (role, privilege)


@pytest.mark.parametrize("table", sorted(NOT_FOR_THE_PAGE))
def test_the_page_does_not_see_secrets(page, table):
    with pytest.raises(InsufficientPrivilege):
        page.execute(f'SELECT * FROM "{table}"')


def test_the_page_answers_by_its_role_as_of_any_time(stack_url):
    from sqlalchemy.engine import make_url

    from tests.serve.conftest import served

    url = make_url(stack_url).set(username="lesart_page", drivername="postgresql")
    with served(url.render_as_string(hide_password=False)) as client:
        for path in (
            "/", "/api/articles?as_of=2024", "/api/articles?known_at=2024", "/metrics",
            "/search?q=x", "/sources", "/refusals", "/relations", "/api/coverage", "/readyz",
        ):  # fmt: skip
            assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("table", RECORD)
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = NULL", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_worker_cannot_change_the_record(worker, table, change):
    with pytest.raises(InsufficientPrivilege):
        worker.execute(change.format(f'"{table}"', next(iter(METADATA.tables[table].columns)).name))


@pytest.mark.parametrize("table", RECORD)
def test_a_worker_can_add_to_the_record(worker, table):
    privilege = "SELECT has_table_privilege(%s, 'INSERT') AND has_table_privilege(%s, 'SELECT')"
    assert worker.execute(privilege, [table, table]).fetchone() == (True,)


@pytest.mark.parametrize("table", STATE)
def test_a_worker_can_change_the_state(worker, table):
    worker.execute(f'DELETE FROM "{table}"')


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER guard_wording_delete ON wording",
        "CREATE TABLE mine (id int)",
        "DROP TABLE job",
    ],
)
def test_a_worker_cannot_change_the_schema(worker, change):
    with pytest.raises(InsufficientPrivilege):
        worker.execute(change)


@pytest.mark.parametrize("view", VIEWS)
def test_a_reader_can_select_a_view(reader, view):
    reader.execute(f"SELECT * FROM {view} LIMIT 1")


@pytest.mark.parametrize("table", [*RECORD, *STATE])
def test_a_reader_sees_no_table(reader, table):
    with pytest.raises(InsufficientPrivilege):
        reader.execute(f'SELECT * FROM "{table}"')


def test_a_reader_cannot_write(reader):
    with pytest.raises(ReadOnlySqlTransaction):
        reader.execute("CREATE TEMP TABLE mine (id int)")
