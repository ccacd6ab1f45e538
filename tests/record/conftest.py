"""Copies of an archive with a row in every table of the record, made once per run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.driver import Newsroom, newsroom_at
from tests.flow.whole_record import fill_record
from tests.read.conftest import copied
from tests.verify.conftest import (  # noqa: F401 -- fixtures
    _record_template,
    dialect,
    whole_file,
)


@pytest.fixture(scope="session")
def _filled_template(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    dialect: str,  # noqa: F811
) -> Iterator[str]:
    with copied(request, dialect, None) as url:
        room = Newsroom(url, tmp_path_factory.mktemp("filled"))
        fill_record(room)
        room.close()
        yield url


@pytest.fixture
def filled_url(
    request: pytest.FixtureRequest,
    dialect: str,  # noqa: F811
    _filled_template: str,
) -> Iterator[str]:
    """Give the address of an archive with a row in every table of the record but the log."""
    with copied(request, dialect, _filled_template) as url:
        yield url


@pytest.fixture
def kept(filled_url: str, tmp_path: Path) -> Iterator[Newsroom]:
    """Give a newsroom with the archive of `filled_url` that must be without a flaw at the end."""
    with newsroom_at(filled_url, tmp_path) as room:
        yield room


@pytest.fixture
def logged(
    request: pytest.FixtureRequest,
    dialect: str,  # noqa: F811
    _record_template: str,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Newsroom]:
    """Give the same with a log: entries, a full tile, a cosigned checkpoint."""
    with (
        copied(request, dialect, _record_template) as url,
        newsroom_at(url, tmp_path) as room,
    ):
        yield room
