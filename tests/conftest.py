"""What any test may ask for: databases of both kinds, a broker, and the folder of real texts."""

import gc
import os
import shutil
import signal
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
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

FEW = 3
"""The number of cases of a `few_cases` test that run in the default tier; others are `slow`."""

FEW_ON_POSTGRESQL = 4
"""The number of tests of a file that run on PostgreSQL with their first case; others are `large`."""

QUICK_TESTS = 1
"""Number of tests of a file that are `quick`, where they use an archive."""

NOT_QUICK = (
    "browser", "chaos", "child", "compose", "large", "outside", "real", "slow", "stack",
    "starts_first",
)  # fmt: skip
SERVERS = frozenset(
    {"postgres_databases", "postgres_server", "postgres_url", "redis_server", "redis_url"}
)
"""Fixtures that start a server."""

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

# the tests start the program some hundred times: what Python compiled is kept, whatever a shell says
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= 8 << 30:
    # each archive waits for its disk at every transaction; here nothing is lost but time
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# one file of the language model for all tests, and none in the home of who runs them
os.environ["XDG_CACHE_HOME"] = str(Path(__file__).parents[1] / ".pytest_cache" / "xdg")

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run take a quarter of the tests, by the checksums of their names."""
    parser.addoption("--quarter", type=int, choices=range(4), help="run a quarter of the tests")


def pytest_xdist_auto_num_workers() -> int:
    """Let one more test run than there are processors: many wait for others."""
    return len(os.sched_getaffinity(0)) + 1


# a shell starts its background commands with SIGINT ignored, and so do their children
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Exclude the collected items from garbage collection: they stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put each test into its tier, by its markers, its database and its number among the cases.

    All cases of a test are in one quarter of `--quarter`, since they share what is made for them.
    """
    cases: Counter[str] = Counter()
    quick: Counter[Path] = Counter()
    on_postgres: Counter[Path] = Counter()
    for item in items:
        is_postgres = "postgresql" in item.name
        test = item.nodeid.partition("[")[0] + "postgresql" * is_postgres
        cases[test] += 1
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.unit)
        if is_postgres and not (_has(item, "large") or _has(item, "unit")):
            _mark_postgres_case(item, cases[test], on_postgres)
        elif _has(item, "few_cases") and cases[test] > FEW:
            item.add_marker("slow")
        _mark_quick(item, cases[test], quick)
    items.sort(key=lambda item: not _has(item, "starts_first"))
    quarter = config.getoption("--quarter")
    if quarter is not None:
        left_out = [item for item in items if _quarter(item) != quarter]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _quarter(item) == quarter]


def _quarter(item: pytest.Item) -> int:
    return zlib.crc32(item.nodeid.partition("[")[0].encode()) % 4


def _has(item: pytest.Item, marker: str) -> bool:
    return item.get_closest_marker(marker) is not None


def _mark_postgres_case(item: pytest.Item, case: int, tests: Counter[Path]) -> None:
    """Mark the first cases of the first tests of a file as slow, and the others as large."""
    marker = item.get_closest_marker("postgresql")
    tier = marker.args[0] if marker else "slow"
    if tier == "slow" and not _has(item, "each_case"):
        tests[item.path] += case == 1
        if case > 1 or (marker is None and tests[item.path] > FEW_ON_POSTGRESQL):
            tier = "large"
    if tier != "fast":
        item.add_marker(tier)


def _mark_quick(item: pytest.Item, case: int, quick: Counter[Path]) -> None:
    """Mark the first cases of unit tests, and the first tests of a file that use an archive."""
    fixtures = set(getattr(item, "fixturenames", ()))
    needs_more = any(_has(item, name) for name in NOT_QUICK) or fixtures & SERVERS
    if needs_more or "postgresql" in item.name:
        return
    if _has(item, "unit"):
        if case <= FEW:
            item.add_marker("quick")
    elif case == 1 and quick[item.path] < QUICK_TESTS:
        quick[item.path] += 1
        item.add_marker("quick")


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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure the coverage of child processes only where a marker says so: others start the same ones."""
    config = None if _has(item, "traced_children") else os.environ.pop(COVERAGE, None)
    try:
        return (yield)
    finally:
        if config:
            os.environ[COVERAGE] = config


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of the user who runs the tests; the page has one process by default."""
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
        migrate(url)
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "lesart.sqlite3"
    migrate(str(path))
    return path


@pytest.fixture(scope="session")
def _small_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "lesart.sqlite3"
    make_archive(path)
    return path


@pytest.fixture
def small_archive(_small_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an archive of three articles at its default place in the current folder."""
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


@pytest.fixture
def room(database_url: str, tmp_path: Path) -> Iterator[Any]:
    """Give a newsroom whose archive must be without a flaw at the end."""
    from tests.flow.driver import newsroom_at

    with newsroom_at(database_url, tmp_path) as newsroom:
        yield newsroom


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


def migrate(locator: str) -> None:
    engine = writing_engine(parsed(locator))
    try:
        upgrade(engine)
    finally:
        engine.dispose()
