"""The page, served for real: a server on a free port of this machine, asked by a client."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from storage.web.app import Site, make_app
from storage.web.archives import Place
from storage.web.server import Served, bound
from storage.write.archive import Archive
from tests.cli.small_archive import write_archive


@contextmanager
def served(url: str, site: Site | None = None) -> Iterator[httpx.Client]:
    """Give a client for the page of the archive at `url`."""
    with bound("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with (
            Served(make_app(Place(url), site), listening),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client,
        ):
            yield client


@pytest.fixture
def archive_url(database_url: str) -> str:
    """Give the address of an archive with three articles, one in two versions, and a refusal."""
    with Archive.open(database_url) as archive:
        write_archive(archive)
    return database_url


@pytest.fixture
def client(archive_url: str) -> Iterator[httpx.Client]:
    """Give a client for the page of a small archive, on either database."""
    with served(archive_url) as found:
        yield found
