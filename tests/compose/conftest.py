"""A PostgreSQL server with the roles of the stack."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import inspect

from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.schema import upgrade
from storage.database.views import VIEWS
from tests import services

ROLES = Path(__file__).resolve().parents[2] / "docker" / "roles.sql"


@pytest.fixture(scope="session")
def stack_url() -> Iterator[str]:
    """Give an archive whose roles were made as docker/roles.sql makes them, on its own server."""
    with services.own_postgres() as server:
        url = server.url("postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in _statements():
                connection.execute(statement)
        engine = writing_engine(parsed(url))
        upgrade(engine)
        assert set(VIEWS) <= set(inspect(engine).get_view_names())
        engine.dispose()
        yield url


def _statements() -> list[str]:
    """Return what psql would send; passwords come from files that are not here."""
    lines = [
        line for line in ROLES.read_text().splitlines() if not line.startswith(("--", "\\set"))
    ]
    sql = (
        "\n".join(lines)
        .replace(":'worker'", "'one'")
        .replace(":'reader'", "'two'")
        .replace(":'page'", "'three'")
    )
    return [each.strip() for each in sql.split(";") if each.strip()]
