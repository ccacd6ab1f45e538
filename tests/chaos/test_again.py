"""A short, seeded run: a killed command that is repeated leaves nothing unread."""

import pytest

from tests.tools.chaos.again import COMMANDS, rounds

pytestmark = pytest.mark.starts_first


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize(
    "database", [pytest.param("sqlite", marks=pytest.mark.large), "postgresql"]
)
def test_a_killed_command_that_is_repeated_reads_everything(database):
    made = list(rounds(len(COMMANDS), files=45, database=database, seed=3))
    assert [each.told() for each in made if each.faults] == []
    assert {each.words for each in made} == set(COMMANDS)
