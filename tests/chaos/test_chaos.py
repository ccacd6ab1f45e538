"""Whatever is killed in mid-work, every seed ends in exactly one verdict."""

import pytest

from tests.chaos.harness import run

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_no_kill_loses_or_doubles_a_verdict(database):
    outcome = run(database, seeds=400, kills=6, seed=7)
    assert outcome.broken == [], outcome.told()
    assert outcome.kills.total() == 6
