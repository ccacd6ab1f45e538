"""The scheduler in a simulated year; longer ones are a command (`python -m tests.tools.year`)."""

import pytest

from tests.tools.year.year import Year, run


@pytest.mark.slow
def test_each_act_and_source_runs_as_often_as_it_should_in_a_year_of_wrong_clocks():
    year = run(Year(seed=1, events=6, stride=43_200.0))
    assert year.faults == [], year.told()
