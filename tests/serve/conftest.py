"""The page, served for real: a server on a free port of this machine, asked by a client."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from storage.web.app import Site, make_app
from storage.web.archives import ServedArchive
from storage.web.server import ThreadedServer, bound
from storage.write.archive import Archive
from tests.cli.small_archive import write_archive
from tests.conftest import DIALECTS
from tests.read.conftest import copied
from tests.services import PostgresDatabases


@contextmanager
def served(url: str, site: Site | None = None, **told: str) -> Iterator[httpx.Client]:
    """Give a client for the page of the archive at `url`."""
    with bound("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with (
            ThreadedServer(make_app(ServedArchive(url, **told), site), listening),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client,
        ):
            yield client


@contextmanager
def emptied(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give an archive with nothing in it that the tests of a module share, on either database."""
    with copied(request, request.param, None) as url:
        yield url


@contextmanager
def _written(request: pytest.FixtureRequest, dialect: str) -> Iterator[str]:
    with copied(request, dialect, None) as url:
        with Archive.open(url) as archive:
            write_archive(archive)
        yield url


@pytest.fixture(scope="session")
def _served_sqlite(request: pytest.FixtureRequest) -> Iterator[str]:
    with _written(request, "sqlite") as url:
        yield url


@pytest.fixture(scope="session")
def _served_postgresql(
    request: pytest.FixtureRequest, postgres_databases: PostgresDatabases
) -> Iterator[str]:
    with _written(request, "postgresql") as url:
        yield url


@pytest.fixture(scope="module", params=DIALECTS)
def archive_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of an archive with three articles, one in two versions, and a refusal."""
    template = request.getfixturevalue(f"_served_{request.param}")
    with copied(request, request.param, template) as url:
        yield url


@pytest.fixture(scope="module")
def client(archive_url: str) -> Iterator[httpx.Client]:
    """Give a client for the page of a small archive, on either database."""
    with served(archive_url) as found:
        yield found
