"""A short, seeded run of kills while a browser reads pages; the long one takes an hour."""

from pathlib import Path

import pytest

from tests.tools.browser_kills import run
from worker.capabilities.browser_pages.browser import PROGRAM

pytestmark = pytest.mark.starts_first


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.postgresql("slow")
@pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium")
@pytest.mark.parametrize(
    ("database", "count", "kills"),
    [("sqlite", 30, 6), pytest.param("postgresql", 60, 6, marks=pytest.mark.large),
     pytest.param("sqlite", 1000, 40, marks=pytest.mark.large)],
)  # fmt: skip
def test_pages_under_kills_have_their_text_or_a_code_and_nothing_is_left(
    database: str, count: int, kills: int
) -> None:
    made = run(count, kills, database, seed=1)
    assert made.faults == [], made.told()
    assert made.done.total() == kills
    assert made.texts >= count - 2 * kills, made.told()
    assert 100 < made.peak_mb < 900, made.told()
