"""A PostgreSQL server with the roles of the stack."""

from collections.abc import Iterator

import pytest
from sqlalchemy import inspect

from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.schema import upgrade
from storage.database.views import VIEWS
from tests import services
from tests.compose.roles import make_roles


@pytest.fixture(scope="session")
def stack_url() -> Iterator[str]:
    """Give an archive whose roles were made as storage/database/roles.sql makes them, on its own server."""
    with services.own_postgres() as server:
        url = server.url("postgres")
        make_roles(url)
        engine = writing_engine(parsed(url))
        upgrade(engine)
        assert set(VIEWS) <= set(inspect(engine).get_view_names())
        engine.dispose()
        yield url
