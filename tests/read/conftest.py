"""Archives for the tests of reading: one that all share, and copies of it to be tampered with."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.read.archive import ReadOnlyArchive, open_archive
from tests.read.press import the_usual_press


@pytest.fixture(scope="session", params=("sqlite", "postgresql"))
def dialect(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def _press_template(request: pytest.FixtureRequest, dialect: str) -> Iterator[str]:
    with copied(request, dialect, None) as url:
        the_usual_press(url).close()
        yield url


@pytest.fixture
def press_url(request: pytest.FixtureRequest, dialect: str, _press_template: str) -> Iterator[str]:
    with copied(request, dialect, _press_template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_url(request: pytest.FixtureRequest, dialect: str, _press_template: str) -> Iterator[str]:
    with copied(request, dialect, _press_template) as url:
        yield url


@pytest.fixture(scope="session")
def archive(shared_url: str) -> Iterator[ReadOnlyArchive]:
    """Give the usual press, to be read only."""
    with open_archive(shared_url) as found:
        yield found


@pytest.fixture(scope="module")
def empty_copy(request: pytest.FixtureRequest, dialect: str) -> Iterator[str]:
    """Give an archive with nothing in it that the tests of one file share."""
    with copied(request, dialect, None) as url:
        yield url


@pytest.fixture
def empty_archive_url(request: pytest.FixtureRequest, dialect: str) -> Iterator[str]:
    """Give an archive with nothing in it that one test has for itself."""
    with copied(request, dialect, None) as url:
        yield url


@contextmanager
def copied(request: pytest.FixtureRequest, dialect: str, template: str | None) -> Iterator[str]:
    if dialect == "sqlite":
        source = template or f"sqlite:///{request.getfixturevalue('_sqlite_template')}"
        folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("press")
        shutil.copyfile(source.removeprefix("sqlite:///"), folder / "lesart.sqlite3")
        yield f"sqlite:///{folder / 'lesart.sqlite3'}"
        return
    databases = request.getfixturevalue("postgres_databases")
    if template is None:
        with databases.emptied(request.getfixturevalue("_postgres_template")) as url:
            yield url
        return
    with databases.database(template.partition("?")[0].rpartition("/")[2]) as url:
        yield url
