"""What several of these tests start from."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.read.conftest import _press_template, dialect, press_url  # noqa: F401 -- fixtures
from tests.read.press import Press, usual_press_at


@pytest.fixture
def old_press(press_url: str) -> Iterator[Press]:  # noqa: F811
    """Give a copy of the usual press whose clock is at its last hour."""
    found = usual_press_at(press_url)
    yield found
    found.close()


@pytest.fixture
def press(old_press: Press) -> Press:
    """Give a copy of the usual press as it is now."""
    old_press.now = datetime.now(UTC)
    return old_press
