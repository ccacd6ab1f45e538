"""Some days of a press in accelerated time; the whole month is a command (`python -m tests.web`)."""

import pytest

from tests.web.month import Month, run


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_a_press_does_is_what_the_archive_tells(database):
    month = run(
        Month(articles=30, feeds=6, sitemaps=1, days=5.0, kills=8, database=database, seed=7)
    )
    assert month.faults == [], month.told()
    assert month.figures["kills"] == 8
