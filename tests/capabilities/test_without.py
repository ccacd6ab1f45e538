"""Each capability can be deleted: what is left is a whole program."""

import subprocess
from pathlib import Path

import pytest

from storage.capabilities import CAPABILITIES
from tests.tools.without import failures

NAMES = [each.name for each in CAPABILITIES]


def _drawn() -> str:
    """Return a capability, drawn by the last commit: a run with one of them takes minutes."""
    asked = ["git", "rev-parse", "HEAD"]
    ended = subprocess.run(
        asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return NAMES[int(ended.stdout[:8] or "0", 16) % len(NAMES)]


DRAWN = _drawn()
EACH = [
    pytest.param(each, marks=pytest.mark.slow if each == DRAWN else pytest.mark.large)
    for each in NAMES
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_module_is_imported_without_a_capability(name):
    assert failures(name, is_import=True) == []


@pytest.mark.parametrize("name", EACH)
def test_the_program_works_without_a_capability(name):
    assert failures(name) == []


def test_deleting_one_that_does_not_exist_is_an_error():
    with pytest.raises(ModuleNotFoundError):
        failures("nothing")
