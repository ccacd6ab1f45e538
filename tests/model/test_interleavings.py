"""Units of work at the same time, in an order that a seed chooses: nothing lost, nothing twice.

`python -m tests.tools.interleavings` tries as many seeds as one likes.
"""

import pytest

from tests.conftest import DIALECTS
from tests.tools.interleavings.scene import TWINS, try_seed
from tests.tools.model.__main__ import sqlite_archives

pytestmark = pytest.mark.starts_first

FIRST, MOST = 14, 200
"""The seeds in which a broken twin must be found: the first one finds both on SQLite."""


@pytest.fixture(params=DIALECTS)
def databases(request, tmp_path):
    """Give a maker of empty archives on either database."""
    if request.param == "sqlite":
        return sqlite_archives(tmp_path, request.getfixturevalue("_sqlite_template"))
    postgres = request.getfixturevalue("postgres_databases")
    template = request.getfixturevalue("_postgres_template")
    return lambda: postgres.emptied(template)


def faults(databases, root, seed: int) -> list[str]:
    with databases() as url:
        return try_seed(url, root / str(seed), seed)[0]


def test_one_order_of_statements_loses_nothing(databases, tmp_path):
    assert faults(databases, tmp_path, 4) == []


@pytest.mark.slow
@pytest.mark.postgresql("large")
def test_some_orders_of_statements_lose_nothing(databases, tmp_path):
    assert {seed: faults(databases, tmp_path, seed) for seed in range(1, 6)} == {
        seed: [] for seed in range(1, 6)
    }


@pytest.mark.slow
@pytest.mark.postgresql("large")
@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
def test_a_broken_twin_is_found(databases, tmp_path, twin):
    with twin():
        assert any(faults(databases, tmp_path, seed) for seed in range(FIRST, FIRST + MOST))
