"""Any events in any order leave what a small model of the archive says.

`python -m tests.tools.model` runs the same rules for as long as one likes.
"""

import pytest

from tests.conftest import DIALECTS
from tests.tools.model.__main__ import run, sqlite_archives
from tests.tools.model.machine import ArchiveMachine

pytestmark = pytest.mark.starts_first

SEED = 37


@pytest.fixture(params=DIALECTS)
def machine(request, tmp_path):
    """Give the machine, on empty archives of either database."""
    if request.param == "sqlite":
        databases = sqlite_archives(tmp_path, request.getfixturevalue("_sqlite_template"))
    else:
        postgres = request.getfixturevalue("postgres_databases")
        template = request.getfixturevalue("_postgres_template")

        def databases():
            return postgres.emptied(template)

    class Machine(ArchiveMachine):
        """The rules, on these archives."""

    Machine.databases = staticmethod(databases)
    return Machine


@pytest.mark.postgresql("slow")
def test_any_few_events_leave_what_the_model_says(machine):
    run(machine, SEED, examples=5, steps=15)


@pytest.mark.slow
@pytest.mark.postgresql("large")
def test_any_events_leave_what_the_model_says(machine):
    run(machine, SEED, examples=5, steps=40)
