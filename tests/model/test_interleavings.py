"""Units of work at the same time, in an order that a seed chooses: nothing lost, nothing twice.

`python -m tests.tools.interleavings` tries as many seeds as one likes.
"""

import pytest

from tests.conftest import DIALECTS
from tests.tools.interleavings.scene import try_seed
from tests.tools.interleavings.stage import postgres_stage, sqlite_stage
from tests.tools.interleavings.twins import TWINS

pytestmark = pytest.mark.starts_first

FIRST, MOST = 4, 200
"""The seeds in which a broken twin must be found: the first one finds both on SQLite."""


@pytest.fixture(scope="module", params=DIALECTS)
def stage(request, tmp_path_factory):
    """Give a stage on either database."""
    root = tmp_path_factory.mktemp("stage")
    if request.param == "sqlite":
        made = sqlite_stage(request.getfixturevalue("_sqlite_template"), root)
    else:
        postgres = request.getfixturevalue("postgres_databases")
        made = postgres_stage(postgres, request.getfixturevalue("_postgres_template"), root)
    with made as stage:
        yield stage


ONCE_FAILED = {"a source is removed while its captures expire": 100_056}


@pytest.mark.slow
@pytest.mark.postgresql("large")
def test_one_order_of_statements_loses_nothing(stage):
    assert try_seed(stage, 4)[0] == []


@pytest.mark.parametrize("seed", ONCE_FAILED.values(), ids=ONCE_FAILED)
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_what_once_failed_loses_nothing(stage, seed):
    assert try_seed(stage, seed)[0] == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_seed_gives_the_same_order_again(stage):
    first, second = (try_seed(stage, 4)[1] for _ in range(2))
    assert first.steps == second.steps


@pytest.mark.slow
@pytest.mark.postgresql("large")
def test_some_orders_of_statements_lose_nothing(stage):
    found = {seed: try_seed(stage, seed)[0] for seed in range(1, 4)}
    assert found == {seed: [] for seed in found}


@pytest.mark.slow
@pytest.mark.postgresql("large")
@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
def test_a_broken_twin_is_found(stage, twin):
    with twin():
        assert any(try_seed(stage, seed)[0] for seed in range(FIRST, FIRST + MOST))
