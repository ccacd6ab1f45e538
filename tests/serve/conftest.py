"""The page, served for real: a server on a free port of this machine, asked by a client."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import httpx
import pytest

from storage.web.app import Site, make_app
from storage.web.archives import ServedArchive
from storage.web.server import ThreadedServer, bound
from storage.write.archive import Archive
from tests.cli.small_archive import write_archive
from tests.conftest import DIALECTS
from tests.read.conftest import copied


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


@pytest.fixture(scope="session")
def _served_templates(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Give a function that makes the archive of `archive_url` once for each database."""
    with ExitStack() as held:

        @cache
        def make(dialect: str) -> str:
            url = held.enter_context(copied(request, dialect, None))
            with Archive.open(url) as archive:
                write_archive(archive)
            return url

        yield make


@pytest.fixture(scope="module", params=DIALECTS)
def archive_url(
    request: pytest.FixtureRequest, _served_templates: Callable[[str], str]
) -> Iterator[str]:
    """Give the address of an archive with three articles, one in two versions, and a refusal."""
    with copied(request, request.param, _served_templates(request.param)) as url:
        yield url


@pytest.fixture(scope="module")
def client(archive_url: str) -> Iterator[httpx.Client]:
    """Give a client for the page of a small archive, on either database."""
    with served(archive_url) as found:
        yield found
