"""Any events in any order leave what a small model of the archive says.

`python -m tests.tools.model` runs the same rules for as long as one likes.
"""

import pytest

from tests.conftest import DIALECTS
from tests.tools.model.__main__ import run, sqlite_archives
from tests.tools.model.machine import ArchiveMachine
from tests.tools.model.texts import ADDRESSES, HEADLINES, MOVING, QUIET

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


P, Q = ADDRESSES
R, S, T = MOVING
FOUND = {
    "a text at the address of a redacted page is related to its copy": (
        ("submit", {"address": P, "text": 0}),
        ("redact", {"origin": P}),
        ("import_late", {"address": Q, "text": 4, "back": 0}),
        ("import_late", {"address": P, "text": 4, "back": 0}),
    ),
    "a text is no news if an earlier one comes late": (
        ("import_late", {"address": Q, "text": 0, "back": 1}),
        ("match_alerts", {}),
        ("import_late", {"address": Q, "text": 1, "back": 4}),
        ("match_alerts", {}),
    ),
    "a version that scans confirmed returns when a late text ends it before them": (
        ("write", {"name": "p.md", "text": 4}),
        ("scan", {}),
        ("scan", {}),
        ("import_late", {"address": P, "text": 2, "back": 1}),
    ),
    "files of one scan are related to the copy that is first in the archive, as one by one": (
        ("submit", {"address": Q, "text": 2}),
        ("submit", {"address": P, "text": 2}),
        ("write", {"name": "q.md", "text": 0}),
        ("write", {"name": "p.md", "text": 0}),
        ("write", {"name": "a.txt", "text": 0}),
        ("scan", {}),
    ),
    "a list of a front page without any teaser that is left is complete": (
        ("submit", {"address": P, "text": 1}),
        ("redact_an_address", {"origin": P}),
        ("show", {"shown": [(P, HEADLINES[0])], "back": 1}),
    ),
    "a passage that an article has not empties none of its records": (
        ("merge", {}),
        ("redact_a_passage", {"origin": Q}),
        ("redact_a_passage", {"origin": P}),
    ),
    "parted addresses have only their own versions": (
        ("move", {"ends": [S, T, R], "kind": "guid", "text": 1, "back": 4}),
        ("import_late", {"address": S, "text": 3, "back": 1}),
        ("move", {"ends": [T, R, S], "kind": "canonical", "text": 2, "back": 6}),
        ("part", {"chance": 0}),
    ),
    "parted addresses have a source at which they were seen": (
        ("submit", {"address": T, "text": 1}),
        ("move", {"ends": [S, T, R], "kind": "canonical", "text": 1, "back": 4}),
        ("part", {"chance": 0}),
    ),
    "a parted address has the source of its first text": (
        ("move", {"ends": [S, R, T], "kind": "guid", "text": 1, "back": 2}),
        ("part", {"chance": 0}),
        ("submit", {"address": R, "text": 3}),
    ),
    "a late capture names an article after another one of its addresses": (
        ("import_late", {"address": R, "text": 1, "back": 1}),
        ("move", {"ends": [T, R, S], "kind": "canonical", "text": 1, "back": 7}),
        ("import_late", {"address": R, "text": 2, "back": 8}),
    ),
    "a row of `fronts` keeps its values when its `seq` goes back": (
        ("show", {"shown": [(Q, HEADLINES[1]), (P, HEADLINES[1])], "back": 4}),
        ("import_late", {"address": P, "text": 2, "back": 2}),
        ("show", {"shown": [(P, HEADLINES[1])], "back": 1}),
        ("import_late", {"address": R, "text": 3, "back": 6}),
        ("show", {"shown": [(Q, HEADLINES[1]), (P, HEADLINES[0])], "back": 7}),
        ("show", {"shown": [(Q, HEADLINES[1]), (P, HEADLINES[0])], "back": 2}),
        ("import_at_an_own_moment", {"address": R, "text": 4, "back": 4}),
        ("show", {"shown": [(Q, HEADLINES[1]), (P, HEADLINES[0])], "back": 1}),
        ("show", {"shown": [(Q, HEADLINES[1]), (P, HEADLINES[1])], "back": 3}),
        ("import_at_an_own_moment", {"address": T, "text": 4, "back": 1}),
        ("import_late", {"address": Q, "text": 3, "back": 5}),
    ),
    "an article that never had a text has 0 versions at each time": (
        ("move", {"ends": [S, T, R], "kind": "guid", "text": 1, "back": 4}),
        ("part", {"chance": 0}),
        ("ask_an_earlier_time", {"back": 0, "half": 0.0, "both": False}),
        ("ask_an_earlier_time", {"back": 0, "half": 0.25, "both": True}),
    ),
    "a change that was noise when alerts were matched is no news": (
        ("murmur", {"text": QUIET, "back": 2}),
        ("murmur", {"text": QUIET, "back": 5}),
        ("murmur", {"text": QUIET + 1, "back": 5}),
        ("match_alerts", {}),
        ("undo_noise", {"chance": 0}),
        ("match_alerts", {}),
    ),
    "scans that confirmed a file stay when its name is redacted": (
        ("write", {"name": "b.txt", "text": 1}),
        ("scan", {}),
        ("scan", {}),
        ("redact_an_address", {"origin": "seed:presse/b.txt"}),
        ("scan", {}),
    ),
}
"""What once failed: the steps of an example."""


@pytest.mark.few_cases
@pytest.mark.postgresql("slow")
@pytest.mark.parametrize("steps", FOUND.values(), ids=FOUND)
def test_what_once_failed_agrees_with_the_model(machine, steps):
    state = machine()
    state.begin(upgrades=False)
    for name, arguments in steps:
        getattr(state, name)(**arguments)
        state.agree()
    state.teardown()


@pytest.mark.postgresql("slow")
def test_any_few_events_leave_what_the_model_says(machine):
    run(machine, SEED, examples=4, steps=15)


@pytest.mark.slow
@pytest.mark.postgresql("large")
def test_any_events_leave_what_the_model_says(machine):
    run(machine, SEED, examples=5, steps=40)
