"""What the tests of the flow ask for: a newsroom on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.driver import Newsroom, newsroom_at


@pytest.fixture
def room(database_url: str, tmp_path: Path) -> Iterator[Newsroom]:
    """Give a newsroom whose archive must be without a flaw at the end."""
    with newsroom_at(database_url, tmp_path) as newsroom:
        yield newsroom
