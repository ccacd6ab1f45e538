"""Each example of the README and the docs runs with the installed program, on both databases."""

import pytest

from tests.outside.examples import EXAMPLES, PAGES, examples, is_elsewhere, prepare
from tests.outside.rows import Course, names

pytestmark = pytest.mark.outside


@pytest.fixture(scope="module")
def course(both) -> Course:
    both.each(prepare)
    return Course(both, EXAMPLES)


def test_each_example_has_a_row_and_each_row_an_example():
    assert len(PAGES) > 20
    found = {each for each in examples() if not is_elsewhere(each)}
    begun = [row.line for row in EXAMPLES]
    without = [
        each
        for each in found
        if sum(each.startswith(line) for line in begun if line == each or "\n" in each) != 1
    ]
    assert without == []
    assert [
        line for line in begun if not any(each == line or each.startswith(line) for each in found)
    ] == []


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=names(EXAMPLES))
def test_an_example_answers(course, number):
    faults = course.faults(number)
    assert not faults, "\n".join(faults)
