"""Some days of a press in accelerated time; the whole month is a command (`python -m tests.tools.month`)."""

import pytest

from tests.tools.month.month import Month, run

pytestmark = pytest.mark.starts_first


@pytest.mark.postgresql("large")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "days", "kills"),
    [
        pytest.param("sqlite", 0.5, 1, id="sqlite"),
        pytest.param("postgresql", 2.0, 4, id="postgresql"),
    ],
)
def test_the_archive_reports_the_acts_of_a_press(database, days, kills):
    month = run(
        Month(articles=20, feeds=4, sitemaps=1, days=days, kills=kills, database=database, seed=7)
    )
    assert month.faults == [], month.told()
    assert month.figures["kills"] == kills
