"""Each capability can be deleted: what is left is a whole program."""

import pytest

from storage.capabilities import CAPABILITIES
from tests.tools.without import failures

NAMES = [each.name for each in CAPABILITIES]


@pytest.mark.parametrize("name", NAMES)
def test_each_module_is_imported_without_a_capability(name):
    assert failures(name, is_import=True) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_program_works_without_a_capability(name):
    assert failures(name) == []


def test_deleting_one_that_does_not_exist_is_an_error():
    with pytest.raises(ModuleNotFoundError):
        failures("nothing")
