"""What several of these tests start from."""

from datetime import UTC, datetime

import pytest

from tests.read.press import the_usual_press


@pytest.fixture
def press(database_url):
    """Give the usual press as it stands now."""
    found = the_usual_press(database_url)
    found.now = datetime.now(UTC)
    yield found
    found.close()
