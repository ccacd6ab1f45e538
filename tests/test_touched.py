"""The tests nearest to a changed file."""

from tests.touched import ROOT, nearest_tests

PRODUCT, HELPER, NEAR, FAR = (
    ROOT / name
    for name in ("storage/a.py", "tests/b.py", "tests/test_near.py", "tests/test_far.py")
)


def test_a_changed_module_runs_the_tests_that_import_it_and_not_those_behind_them():
    users = {PRODUCT: {NEAR, HELPER}, HELPER: {FAR}, NEAR: set(), FAR: set()}
    assert nearest_tests(PRODUCT, users) == {NEAR}


def test_a_changed_helper_runs_the_tests_that_use_it_and_a_changed_test_itself():
    users = {PRODUCT: {HELPER}, HELPER: {FAR}, NEAR: set(), FAR: set()}
    assert nearest_tests(PRODUCT, users) == nearest_tests(HELPER, users) == {FAR}
    assert nearest_tests(NEAR, users) == {NEAR}
