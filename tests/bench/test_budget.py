"""What documents and commands cost stays within the stored numbers."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import budget
from bench.budget import BudgetError, find_excess, read_numbers, store_numbers

ROOT = Path(__file__).resolve().parents[2]
STORED = 'a = [[1000, "first count"]]\nb = [[10, "first count"], [20, "more words"]]\n'


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != budget.PYTHON, reason="counted for another Python")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="opcodes"),
        pytest.param(
            ["--instructions"],
            marks=[
                pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is missing"),
                pytest.mark.skipif(sys.version != budget.BUILD, reason="counted for another build"),
            ],
            id="instructions",
        ),
    ],
)
def test_documents_and_commands_cost_no_more_than_stored(words):
    ended = subprocess.run(
        [sys.executable, "-m", "bench.budget", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_each_stored_rise_has_a_reason():
    assert len(read_numbers(budget.NUMBERS.read_text("utf-8"))) == 10 + 2 * len(budget.COMMANDS)
    with pytest.raises(BudgetError, match="a rose from 10 to 20 without a reason"):
        read_numbers('a = [[10, "first count"], [20, " "]]')


@pytest.mark.parametrize(
    ("counted", "names"),
    [
        ({"a": 1000, "b": 20}, []), ({"a": 1005, "b": 20}, []), ({"a": 5, "b": 1}, []),
        ({"a": 1006, "b": 20}, ["a"]), ({"a": 1000, "b": 21}, ["b"]),
        ({"a": 1000, "b": 20, "c": 1}, ["c"]),
    ],
)  # fmt: skip
def test_a_number_may_fall_but_not_rise(counted, names):
    found = find_excess(read_numbers(STORED), counted)
    assert [each.partition(":")[0].partition(" ")[0] for each in found] == names


def test_a_lower_number_is_stored_without_a_reason_and_a_higher_one_with_it():
    lower = store_numbers(STORED, {"a": 900, "b": 20}, "")
    assert read_numbers(lower) == {"a": 900, "b": 20}
    with pytest.raises(BudgetError, match=r"reason with --because:\na: 2000 instead of 900"):
        store_numbers(lower, {"a": 2000, "b": 20}, "")
    higher = store_numbers(lower, {"a": 2000, "b": 20}, "reads „more“")
    assert read_numbers(higher) == {"a": 2000, "b": 20}
    assert 'a" = [[900, "first count"], [2000, "reads „more“"]]' in higher
