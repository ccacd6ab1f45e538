"""A short, seeded run of kills while a browser reads pages; `tests.tools.browser_kills` is the long one."""

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
    ("database", "count"), [("sqlite", 30), pytest.param("postgresql", 60, marks=pytest.mark.large)]
)
def test_pages_under_kills_have_their_text_or_a_code_and_nothing_is_left(
    database: str, count: int
) -> None:
    made = run(count, 6, database, seed=1)
    assert made.faults == [], made.told()
    assert made.done.total() == 6
    assert made.texts > count / 2, made.told()
