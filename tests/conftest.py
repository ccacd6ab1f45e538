"""What any test may ask for: databases of both kinds, a broker, and the folder of real texts."""

import gc
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.schema import upgrade
from tests import services
from tests.cli.small_archive import make_archive

DIALECTS = ("sqlite", "postgresql")

ON_BOTH = (
    "tests/bad_inputs/",
    "tests/cli/",
    "tests/compose/",
    "tests/flow/test_heartbeat.py",
    "tests/flow/test_plans.py",
    "tests/flow/test_races.py",
    "tests/flow/test_record.py",
    "tests/flow/test_schedule.py",
    "tests/flow/test_seq.py",
    "tests/flow/test_wakes.py",
    "tests/language/",
    "tests/read/test_asking.py",
    "tests/read/test_opening.py",
    "tests/read/test_plans.py",
    "tests/read/test_reading.py",
    "tests/read/test_search.py",
    "tests/read/test_views.py",
    "tests/serve/test_api.py",
    "tests/test_services.py",
)
"""Where the databases differ, and PostgreSQL is tried each time; else it is with the slow tests."""

SLOW = (
    "tests/alerts/test_apprise.py",  # loads a hundred services
    "tests/alerts/test_mail.py::test_nothing_of_a_hostile",
    "tests/alerts/test_webhooks.py::test_each_webhook_arrives_once",
    "tests/cli/test_streams.py::test_an_archive_never_gets",
    "tests/flow/test_any_order.py::test_imported_captures",
    "tests/flow/test_clocks.py::test_what_was_known_then_is_told_as_it_was_told_then[sqlite-1]",
    "tests/flow/test_embedded.py::test_it_ends_cleanly",
    "tests/flow/test_full_disk.py",
    "tests/flow/test_late_documents.py::test_a_good_page_that_a_busy_machine",
    "tests/flow/test_late_documents.py::test_what_waits_for_its_second_try",
    "tests/flow/test_noise.py::test_a_verdict_says_what_the_history_makes",
    "tests/flow/test_noise.py::test_noise_is_the_same_in_any_order",
    "tests/flow/test_page_histories.py::test_each_paragraph_is_taken_apart_once_however_many_captures_have_it[sqlite-6]",
    "tests/flow/test_races.py::test_fifty",
    "tests/flow/test_relations.py::test_a_server_that_dies",
    "tests/flow/test_seq.py::test_a_reader_that_follows_seq",
    "tests/flow/test_stack.py::test_a_file_that_is_edited",
    "tests/flow/test_stack.py::test_a_service_beats",
    "tests/flow/test_stack.py::test_without_a_worker",
    "tests/flow/test_warc_export.py::test_a_part_of_the_archive",
    "tests/flow/test_warc_export.py::test_addresses_that_were_joined",
    "tests/flow/test_warc_export.py::test_what_came_back",
    "tests/flow/test_web_archives_real.py",
    "tests/page/test_page_provenance.py::test_each_field_of_real_pages_says_where_it_was_found[html_trafilatura_dach]",
    "tests/page/test_page_reader.py::test_time_that_others_take",
    "tests/page/test_page_real.py::test_no_person_of_a_real_page_is_a_date_a_label_or_a_number_and_every_page_is_kept[html_wcxb]",
    "tests/patterns/test_patterns.py::test_a_pattern_that_grows",
    "tests/proof/test_wacz.py::test_a_program_of_others",
    "tests/read/test_clocks.py::test_the_same_time_on_both_clocks",
    "tests/revisions/",  # a hundred and twenty labelled steps
    "tests/serve/test_browser.py",  # wants a browser, too
    "tests/serve/test_browser_captures.py",
    "tests/serve/test_fuzz.py",
    "tests/serve/test_hostile.py",  # every page for every hostile text
    "tests/web/test_up.py::test_what_is_refused",
)
"""What runs with the slow tests alone."""

LARGE = (
    "tests/alerts/test_chaos.py::test_who_is_killed_while_sending_loses_nothing_and_doubles_no_id[postgresql",
    "tests/alerts/test_webhooks.py::test_each_webhook_arrives_once_with_two_hundred_failures_in_between[postgresql",
    "tests/bad_inputs/test_bad_inputs.py::test_a_large_bad_input_ends_as_the_table_says[B48 a list of 20,000",
    "tests/bad_inputs/test_hostile.py::test_hostile_files_in_a_folder_cost_little_and_only_themselves[Markdown",
    "tests/bad_inputs/test_hostile.py::test_hostile_files_in_a_folder_cost_little_and_only_themselves[pages",
    "tests/bad_inputs/test_hostile.py::test_hostile_files_in_a_folder_cost_little_and_only_themselves[records",
    "tests/bad_inputs/test_hostile.py::test_hostile_files_in_a_folder_cost_little_and_only_themselves[texts",
    "tests/bad_inputs/test_hostile.py::test_a_hostile_list_costs_little[urls.xml",
    "tests/bad_inputs/test_hostile_on_the_stack.py",
    "tests/chaos/test_again.py::test_a_command_that_was_killed_and_is_given_once_more_reads_everything[sqlite",
    "tests/chaos/test_web_archives.py::test_kills_change_nothing_in_what_a_web_archive_gives[postgresql",
    "tests/flow/test_any_order.py::test_four_processes_give_the_history_that_one_gives[postgresql",
    "tests/flow/test_any_order.py::test_imported_captures_that_come_in_at_any_time_give_the_same_history[postgresql",
    # sqlite, and the other jumps on postgresql, are tried each time: the rules are not in the database
    "tests/flow/test_wrong_clocks.py::test_a_running_scheduler_follows_a_clock_that_jumps[postgresql",
    "tests/flow/test_wrong_clocks.py::test_a_scan_by_a_wrong_clock_between_two_edits_keeps_the_order_of_the_texts[postgresql-+30y",
    "tests/flow/test_wrong_clocks.py::test_captures_that_are_imported_around_a_jump_find_their_places[postgresql",
    "tests/flow/test_wrong_clocks.py::test_two_edits_while_the_clock_runs_ahead_keep_their_order[postgresql",
    "tests/flow/test_world.py::test_the_archive_knows_in_the_end_what_happened_to_the_folder[postgresql",
    # wrong values are answered before a database is asked
    "tests/serve/test_fuzz.py::test_made_up_requests_are_answered_as_documented[postgresql",
    "tests/web/test_month.py::test_what_a_press_does_is_what_the_archive_tells[postgresql",
)
"""What takes ten seconds of processor time and more, where others of its kind run each time."""

FEW = 3
"""So many cases of a test are tried on PostgreSQL too, and traced for coverage.

The others try the same statements with other words: `large` on PostgreSQL, not traced on SQLite,
as tracing makes Python three times as slow. In a unit test, and below, each case may be a branch
of its own: coverage traces them all.
"""

EACH_ON_BOTH = (
    "tests/proof/test_attacks.py",
    "tests/proof/test_tampering.py::test_a_changed_value",
    "tests/proof/test_tampering.py::test_state",
    "tests/read/test_check.py",
    "tests/read/test_export.py",
    "tests/serve/test_pages.py",
)
"""Where each case asks the database something else."""

UNTRACED = (
    "tests/flow/test_any_order.py",
    "tests/flow/test_races.py",
    "tests/flow/test_record.py",
    "tests/flow/test_world.py",
    "tests/patterns/",
)
"""What runs for long what others run, too: coverage looks at those."""

TRACED_CHILDREN = (
    "tests/bad_inputs/test_bad_inputs.py",
    "tests/cli/",
    "tests/flow/test_embedded.py",
    "tests/flow/test_stack.py",
    "tests/page/test_page_reader.py",
    "tests/serve/test_server.py",
)
"""Whose processes coverage looks into: commands, services, the reader of pages, the page.

What others start runs the same; traced, a command costs twice as much.
"""

UNIT = (
    "storage/",
    "tests/diff/",
    "tests/docs/test_constants.py",
    "tests/docs/test_links.py",
    "tests/language/",
    "tests/page/",
    "tests/patterns/",
    "tests/proof/test_note.py",
    "tests/proof/test_tree.py",
    "tests/read/test_citation.py",
    "tests/read/test_revision.py",
    "tests/similarity/",
    "tests/sources/",
    "tests/text/",
    "tests/values/",
    "worker/",
)
"""Tests of what is pure, or reads files at most: `pytest -m unit` tells in a minute."""

LONGEST = (
    "tests/bad_inputs/",
    "tests/serve/test_fuzz.py",
    "tests/web/test_month.py",
    "tests/bench/",
    "tests/chaos/",
    "tests/alerts/test_running_services.py",
    "tests/flow/test_wrong_clocks.py",
    "tests/serve/test_server.py",
    "tests/flow/test_stack.py",
    "tests/serve/test_browser.py",
    "tests/serve/test_hostile.py",
    "tests/revisions/",
    "tests/flow/test_any_order.py",
    "tests/flow/test_world.py",
    "tests/proof/test_tampering.py",
    "tests/alerts/test_chaos.py",
    "tests/flow/test_record.py",
    "tests/flow/test_embedded.py",
    "tests/flow/test_races.py",
    "tests/flow/test_noise.py",
    "tests/page/test_page_reader.py",
    "tests/patterns/",
    "tests/web/test_pages.py",
    "tests/web/test_up.py",
    "tests/cli/test_streams.py",
)
"""Files that begin first, so that no process waits at the end for one that began last."""


def _turn(item: pytest.Item) -> int:
    found = (turn for turn, start in enumerate(LONGEST) if item.nodeid.startswith(start))
    return next(found, len(LONGEST))


FORBIDDEN_TO_UNITS = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "socket.connect",
        "sqlite3.connect",
        "subprocess.Popen",
    }
)
"""What a unit test may not do, by the names of Python's audit events."""

COVERAGE = "COVERAGE_PROCESS_CONFIG"
"""The variable by which coverage tells a child process that it is to be traced."""

IS_TRACED = pytest.StashKey[bool]()
"""Whether coverage traces a test."""

IS_FIRST_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
"""Whether coverage traces here what Python runs at an import: all processes import the same."""

# the tests start the program some hundred times: what Python compiled is kept, whatever a shell says
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= 8 << 30:
    # each archive waits for its disk at every transaction; here nothing is lost but time
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

settings.register_profile(
    "lesart",
    deadline=None,  # the machine is shared: a slow run is no bug
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[
        phase for phase in Phase if phase is not Phase.explain
    ],  # it may take minutes, and says little
    max_examples=40,
    derandomize=True,  # a run that passed passes again; `thorough` looks for news
)
settings.register_profile(
    "thorough",
    parent=settings.get_profile("lesart"),
    max_examples=1000,
    derandomize=False,
)
settings.load_profile(os.environ.get("LESART_TEST_PROFILE", "lesart"))


def pytest_xdist_auto_num_workers() -> int:
    """Let one more test run than there are processors: many wait for others."""
    return len(os.sched_getaffinity(0)) + 1


# a shell starts its background commands with SIGINT ignored, and so do their children
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Ignore that coverage cannot trace one of two threads that start at once (Python 3.11)."""
    report = sys.unraisablehook

    def hook(found: Any) -> None:
        if "Cannot install a trace function" not in str(found.exc_value):
            report(found)

    sys.unraisablehook = hook


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage among what is collected: it stays to the end."""
    gc.disable()
    try:
        with nullcontext() if IS_FIRST_PROCESS else _untraced():
            return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is a unit test, as slow what need not run on both databases each time, and order."""
    cases: Counter[str] = Counter()
    for item in items:
        is_postgres = "postgresql" in item.name
        test = item.nodeid.partition("[")[0] + "postgresql" * is_postgres
        cases[test] += 1
        item.stash[IS_TRACED] = not (
            is_postgres
            or item.nodeid.startswith(UNTRACED)
            or item.get_closest_marker("hypothesis")
            or (cases[test] > FEW and not item.nodeid.startswith((*EACH_ON_BOTH, *UNIT)))
        )
        if item.get_closest_marker("large"):
            continue
        if item.nodeid.startswith(LARGE):
            item.add_marker(pytest.mark.large)
        elif item.nodeid.startswith(SLOW) or (is_postgres and not item.nodeid.startswith(ON_BOTH)):
            is_one_of_few = cases[test] <= FEW or item.nodeid.startswith(EACH_ON_BOTH)
            item.add_marker(
                pytest.mark.slow if is_one_of_few or not is_postgres else pytest.mark.large
            )
        elif item.nodeid.startswith(UNIT) and not item.get_closest_marker("child"):
            item.add_marker(pytest.mark.unit)
    items.sort(key=_turn)


class SharedStatements(LRUCache[Any, Any]):
    """Compiled statements by all but their dialect: a hundred archives ask the same."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(key[1:], value)


STATEMENTS = {name: SharedStatements(2000) for name in DIALECTS}


@event.listens_for(Engine, "engine_connect")
def _share_statements(connection: Connection) -> None:
    """Compile a statement once for all archives of a run: a third of what a small test costs."""
    connection.execution_options(compiled_cache=STATEMENTS[connection.dialect.name])


_running_unit: list[str] = []


def _refuse_in_units(event: str, _arguments: tuple[object, ...]) -> None:
    if _running_unit and event in FORBIDDEN_TO_UNITS:
        raise AssertionError(f"{_running_unit[0]} is a unit test and did {event}")


sys.addaudithook(_refuse_in_units)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold a unit test to it that it starts no process and asks no database."""
    if item.get_closest_marker("unit"):
        _running_unit.append(item.nodeid)
    try:
        return (yield)
    finally:
        _running_unit.clear()


@contextmanager
def _untraced() -> Iterator[None]:
    """Let nobody trace: in a process of pytest-xdist two more coverages go on where one pauses."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(here)
        threading.settrace(in_threads)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace what coverage is to see: a few cases of a test, its processes where those count."""
    is_traced = item.stash[IS_TRACED]
    told = os.environ.get(COVERAGE)
    if told and not (is_traced and item.nodeid.startswith(TRACED_CHILDREN)):
        del os.environ[COVERAGE]
    try:
        with nullcontext() if is_traced else _untraced():
            return (yield)
    finally:
        if told:
            os.environ[COVERAGE] = told


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of whoever runs the tests; the page has one process unless a test says more."""
    for name in list(os.environ):
        if name.startswith("LESART_") and not name.startswith(("LESART_TEST_", "LESART_REAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LESART_WEB_WORKERS", "1")


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[services.PostgresDatabases]:
    """Give the PostgreSQL server of this run."""
    with services.postgres() as databases:
        yield databases


@pytest.fixture
def postgres_url(postgres_databases: services.PostgresDatabases) -> Iterator[str]:
    """Give the address of an empty PostgreSQL database."""
    with postgres_databases.database() as url:
        yield url


@pytest.fixture(scope="session")
def _postgres_template(postgres_databases: services.PostgresDatabases) -> Iterator[str]:
    with postgres_databases.database() as url:
        _migrate(url)
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "lesart.sqlite3"
    _migrate(str(path))
    return path


@pytest.fixture(scope="session")
def _small_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "lesart.sqlite3"
    make_archive(path)
    return path


@pytest.fixture
def small_archive(_small_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an archive of three articles at its default place in the folder that we stand in."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "lesart-data" / "lesart.sqlite3"
    path.parent.mkdir()
    shutil.copyfile(_small_template, path)
    return path


@pytest.fixture(params=DIALECTS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a place where no archive is yet, on either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'lesart.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of an archive in today's schema with nothing in it, on either database."""
    if request.param == "sqlite":
        path = tmp_path / "lesart.sqlite3"
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    databases = request.getfixturevalue("postgres_databases")
    with databases.emptied(request.getfixturevalue("_postgres_template")) as url:
        yield url


@pytest.fixture(scope="session")
def _broker() -> Iterator[str]:
    with services.broker() as url:
        yield url


@pytest.fixture
def redis_url(_broker: str) -> str:
    """Give the address of an empty Redis."""
    with redis.Redis.from_url(_broker) as client:
        client.flushall()
    return _broker


@pytest.fixture
def redis_server() -> Iterator[services.RedisServer]:
    """Give a Redis of its own that a test may kill and start again."""
    with services.own_redis() as server:
        yield server


@pytest.fixture
def postgres_server() -> Iterator[services.PostgresServer]:
    """Give a PostgreSQL of its own that a test may kill and start again."""
    with services.own_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Give the folder of real press texts, or skip."""
    place = os.environ.get("LESART_REAL_DATA", Path(__file__).resolve().parents[2] / "shared")
    folder = Path(place)
    if not (folder / "data").is_dir():
        pytest.skip(f"no real texts at {folder}: set LESART_REAL_DATA")
    return folder


def _migrate(locator: str) -> None:
    engine = writing_engine(parsed(locator))
    try:
        upgrade(engine)
    finally:
        engine.dispose()
