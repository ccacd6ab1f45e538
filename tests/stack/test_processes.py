"""Each process opens the archive as the settings say: where its captures are, its zone, its languages.

The tables name every place of the program that opens an archive and everything that a module keeps
for the whole process. A new one fails here until it has an answer.
"""

import ast
import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
import sqlalchemy
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from lesart import NoSuchError, open_archive
from storage.database.engine import database_url, reading_engine
from tests import services
from tests.flow.driver import Newsroom, page, seed, touch
from tests.flow.processes import LESART, Service, environment, lesart, rows, until
from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("docker", "lesart", "storage", "worker")

# ------------------------------------------------------------------------ the tables of the code

OPENERS = frozenset({
    "Archive.of_settings", "Archive.open", "SqliteReader", "cls.open", "open_archive",
    "open_with_settings", "opened_archive", "reading_engine", "writing_engine",
})  # fmt: skip
SETTINGS = frozenset({"settings", "place.settings()", "from_settings"})
"""How settings are called where they are passed."""
BARE = {
    "worker/cli/copy_commands.py:_repeat_from": "reads orders alone, by the settings of the copy",
    "storage/cli/archive_commands.py:upgrade": "creates and upgrades the schema",
    "storage/read/archive/connection.py:open": "passes on the place of captures",
    "storage/verify/doctor.py:check_archive": "looks at the schema and the guards",
    "storage/verify/servers.py:_connect": "looks at each server of the settings",
    "storage/web/archives.py:_open": "passes on the settings of the server",
    "storage/write/archive.py:of_settings": "passes on the settings",
    "storage/write/archive.py:open": "passes on the place of captures",
    "storage/write/copies.py:_fill": "the copy, whose store is given to it",
    "storage/write/copies.py:_into_server": "reads and deletes a fact about the copy",
    "storage/write/copies.py:_vacuum": "counts the rows of a copy without a store",
    "storage/write/copies.py:copy": "passes on the place of captures",
    "storage/write/copies.py:update": "passes on the place of captures",
    "storage/cli/report.py:whole_archive": "passes on the place of captures",
    "storage/capabilities/assistants/sql_process.py:_open": "reads no captures; gets the addresses from the server",
}  # fmt: skip
"""Functions that open an archive by its address; all others pass the settings."""

GLOBALS = {
    "worker/services/app.py:_SETTINGS": "settings of a worker, before the fork of Celery's children",
    "worker/services/app.py:_CLOCK": "the clock of a worker, the same",
    "worker/services/app.py:_MOST_FETCHING": "the limit of a worker, the same",
    "worker/services/app.py:_CONTEXT": "the archive that a worker opened with them",
    "worker/services/web.py:os.environ": "the folder of metrics, for the processes of one server",
}
"""What a module changes for the whole process."""


THREADS = {
    "storage/web/replicas.py": "the age of a replica, which counts as older while nobody measures it",
    "storage/web/server.py": "the server for tests, and the end of a process with its parent",
    "worker/cli/checks/explain.py": "a part of one command",
    "worker/capabilities/browser_pages/proxy.py": "the requests of one page, whose time is bounded",
    "worker/flow/abandoned.py": "beats for one job, which is resumed without them",
    "storage/child_process.py": "the end of a process with its parent",
    "worker/services/processes.py": "guarded: the worker and the fetchers of `up`",
    "worker/services/web.py": "guarded: the page of `up`",
    "worker/web/threads.py": "one request each, which is given up if it hangs",
}
"""The modules that start threads, with what guards them or why nothing has to."""

STARTERS = frozenset({"subprocess.Popen", "subprocess.run", "Process", "os.fork", "os.posix_spawn"})
PROCESSES = {
    "storage/web/server.py": "_processes_without_interrupt",  # those that serve the page
    "worker/capabilities/alert_sending/by_apprise.py": "process_group=0",  # a message on its way is sent
    "worker/capabilities/browser_pages/browser.py": "process_group=0",  # ends with its socket
    "worker/capabilities/browser_pages/room.py": "POLLRDHUP",  # in the group of the room
    "worker/cli/ingest/helpers.py": "killpg",  # groups of their own, which end with the command
    "storage/child_process.py": "no_interrupt",  # a request is answered to its end
}
"""The modules that start processes, with the words that decide what Ctrl-C does to them."""

CHANGES = frozenset({"add", "append", "clear", "extend", "pop", "setdefault", "update"})
"""Methods that change a list, a set or a dictionary."""


def modules(*words: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules of the product, or those with one of `words`."""
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            if "migrations" not in path.parts and (not words or any(map(text.__contains__, words))):
                yield str(path.relative_to(ROOT)), ast.parse(text)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for each in ast.walk(tree):
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield each


def test_each_caller_that_opens_an_archive_passes_the_settings():
    bare = set()
    for module, tree in modules(*(f"{each}(" for each in OPENERS)):
        for function in functions(tree):
            for call in (each for each in ast.walk(function) if isinstance(each, ast.Call)):
                opener = ast.unparse(call.func)
                ends = {opener, ".".join(opener.split(".")[-2:]), opener.rpartition(".")[2]}
                given = ast.unparse(call.args[0]).removeprefix("self.") if call.args else ""
                if ends & OPENERS and given not in SETTINGS:
                    bare.add(f"{module}:{function.name}")
    assert bare == set(BARE)


def test_a_command_that_writes_reads_the_primary():
    """It could find less on a replica than it is about to change, or has just written."""
    for module, tree in modules("reading("):
        for function in functions(tree):
            calls = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
            names = {ast.unparse(each.func) for each in calls}
            for call in calls:
                if ast.unparse(call.func) in {"reading", "report.reading"}:
                    writes = module.startswith("worker/") or "whole_archive" in names
                    current = any(each.arg == "is_current" for each in call.keywords)
                    assert current == writes, f"{module}:{function.name}"


def test_each_module_that_starts_a_thread_has_an_answer_to_its_end():
    starting = {
        module
        for module, tree in modules("Thread(")
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("Thread")
    }
    assert starting == {*THREADS}


def test_each_module_that_starts_a_process_decides_what_ctrl_c_does_to_it():
    starting = {
        module: ast.unparse(tree)
        for module, tree in modules("subprocess", "multiprocess", "os.fork", "os.posix_spawn")
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and ast.unparse(each.func) in STARTERS
    }
    assert starting.keys() == PROCESSES.keys()
    assert [module for module, words in PROCESSES.items() if words not in starting[module]] == []


@pytest.mark.slow
def test_only_the_settings_in_the_table_apply_to_a_whole_process():
    changed = set()
    for module, tree in modules():
        kept = {"os.environ"}
        for each in tree.body:
            value = getattr(each, "value", None)
            if isinstance(value, (ast.List, ast.Dict, ast.Set)):
                kept |= {
                    ast.unparse(target)
                    for target in getattr(each, "targets", [getattr(each, "target", None)])
                }
        found = {name for function in functions(tree) for name in changed_in(function)}
        changed |= {f"{module}:{name}" for name in found & kept}
        changed |= {
            f"{module}:{name}"
            for each in ast.walk(tree)
            if isinstance(each, ast.Global)
            for name in each.names
        }
    assert changed == set(GLOBALS)


def changed_in(function: ast.AST) -> Iterator[str]:
    """Yield the names whose items a function assigns or that it changes by a method."""
    for each in ast.walk(function):
        for target in [*getattr(each, "targets", ()), getattr(each, "target", None)]:
            if isinstance(target, ast.Subscript):
                yield ast.unparse(target.value)
        if (
            isinstance(each, ast.Call)
            and isinstance(each.func, ast.Attribute)
            and each.func.attr in CHANGES
        ):
            yield ast.unparse(each.func.value)


# -------------------------------------------------------------------- the processes of a program

ADDRESS = "https://zeitung.example/pegel"
DAY = "2024-06-18"
NOON = datetime(2024, 6, 18, 12, tzinfo=UTC)
ZONE = "Pacific/Kiritimati"
"""Fourteen hours ahead of UTC: what was captured at noon in UTC was not there on that day."""
BODY = "Der Pegel der Lohe stieg in der Nacht um 36 Zentimeter."
HTML = f"<!doctype html><html><title>B</title><article><h1>B</h1><p>{BODY * 9}</p></article></html>"
OTHER_FORM = "Zentimetern"
"""Found by the rules of German alone, which the settings leave out."""


@dataclass(frozen=True)
class Home:
    """A folder in which every process reads the same settings."""

    folder: Path
    settings: dict[str, str]

    @property
    def page(self) -> str:
        return f"http://{self.settings['web_address']}"

    @property
    def captures(self) -> list[Path]:
        return [each for each in (self.folder / "captures").rglob("*") if each.is_file()]

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        touch(path)

    def run(self, *words: str) -> str:
        ended = lesart(self.folder, *words, **self.settings)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def articles(self) -> int:
        return len(rows(self.folder, "list", **self.settings))

    def bytes_in_database(self) -> int:
        engine = reading_engine(database_url(self.settings["database_url"]))
        try:
            with engine.connect() as connection:
                query = "SELECT count(*) FROM capture WHERE length(data) > 150"
                return connection.execute(sqlalchemy.text(query)).scalar_one()
        finally:
            engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def home(request, tmp_path_factory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    (folder / "seeds").mkdir()
    settings = {
        "database_url": f"sqlite:///{folder}/lesart.sqlite3", "seeds": str(folder / "seeds"),
        "every": "1s", "captures_url": (folder / "captures").as_uri(), "timezone": ZONE,
        "languages": "en", "web_address": f"127.0.0.1:{free_port()}", "web_workers": "2",
    }  # fmt: skip
    if request.param == "sqlite":
        yield Home(folder, settings)
        return
    databases = request.getfixturevalue("postgres_databases")
    template = request.getfixturevalue("_postgres_template")
    with databases.database(template) as url, services.own_redis() as broker:
        yield Home(folder, settings | {"database_url": url, "broker_url": broker.url})


@pytest.fixture(scope="module")
def running(home) -> Iterator[Home]:
    """Run all services of the archive: in one process, or as many as on the stack."""
    commands = ["up"] if "broker_url" not in home.settings else ["scheduler", "worker", "web"]
    if commands != ["up"]:
        home.run("source", "add", str(home.folder / "seeds"))
    running = [Service(home.folder, each, **home.settings) for each in commands]
    try:
        for each in running:
            each.start()
        until(lambda: is_served(home), what="the page")
        yield home
    finally:
        for each in running:
            sys.stdout.write(each.told()[-2000:])
            each.end()


def is_served(home: Home) -> bool:
    try:
        return httpx.get(f"{home.page}/api/articles").status_code == 200
    except httpx.TransportError:
        return False


def write_by_command(home: Home) -> None:
    text = page(BODY, url=ADDRESS, observed_at=NOON)
    home.write("own/pegel.md", text)
    home.run("ingest", "own")


def write_by_helpers(home: Home) -> None:
    for number in range(4):
        home.write(f"many/{number}.txt", seed(f"Meldung {number}", f"{BODY} {number}"))
    home.run("ingest", "many", "--processes", "2")


def write_by_scheduler(home: Home) -> None:
    before = home.articles()
    home.write("seeds/neu.txt", seed("Neu", f"{BODY} Neu."))
    until(lambda: home.articles() > before, what="the text of the watched folder")


def write_by_http(home: Home) -> None:
    token = json.loads(home.run("token", "add", "ada", "--scope", "capture", "--format", "json"))
    given = {
        "url": "https://zeitung.example/b",
        "html": HTML,
    }
    for number in range(6):  # each worker of the server answers some
        answer = httpx.post(
            f"{home.page}/api/captures", json=given | {"url": f"{given['url']}{number}"},
            headers={"Authorization": f"Bearer {token[0]['token']}"},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text


def read_by_command(home: Home) -> tuple[str, bool, int]:
    raw = home.run("raw", ADDRESS, "--output", "-")
    ended = lesart(home.folder, "show", f"{ADDRESS}@{DAY}", **home.settings)
    return raw, ended.returncode == 0, len(rows(home.folder, "search", OTHER_FORM, **home.settings))


def read_by_page(home: Home) -> tuple[str, bool, int]:
    with httpx.Client(base_url=f"{home.page}/api", timeout=60) as client:
        raws = {client.get("raw", params={"rev": ADDRESS}).text for _ in range(6)}
        shown = client.get("version", params={"rev": f"{ADDRESS}@{DAY}"}).status_code == 200
        hits = client.get("search", params={"q": OTHER_FORM}).json()["items"]
    (raw,) = raws
    return raw, shown, len(hits)


def read_by_assistant(home: Home) -> tuple[str | None, bool, int]:
    parameters = StdioServerParameters(
        command=LESART[0], args=[*LESART[1:], "mcp"], env=environment(**home.settings), cwd=home.folder,
    )  # fmt: skip

    async def ask() -> tuple[None, bool, int]:
        async with Client(stdio_client(parameters)) as client:
            shown = await client.call_tool("show", {"rev": f"{ADDRESS}@{DAY}"})
            found = await client.call_tool("search", {"q": OTHER_FORM})
            return (
                None,
                not shown.is_error,
                len(json.loads(found.content[0].text)["answer"]["items"]),
            )

    return asyncio.run(ask())


def read_by_library(home: Home) -> tuple[str, bool, int]:
    settings = home.settings
    zone = timezone(timedelta(hours=14))
    with open_archive(
        settings["database_url"], timezone=zone, languages=["en"], captures=settings["captures_url"]
    ) as archive:
        try:
            shown = bool(archive.version(f"{ADDRESS}@{DAY}"))
        except NoSuchError:
            shown = False
        return archive.raw(ADDRESS).data.decode(), shown, len(list(archive.search(OTHER_FORM)))


WRITERS: tuple[Callable[[Home], None], ...] = (
    write_by_command, write_by_helpers, write_by_scheduler, write_by_http,
)  # fmt: skip
READERS: tuple[Callable[[Home], tuple[str | None, bool, int]], ...] = (
    read_by_command, read_by_page, read_by_assistant, read_by_library,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.stack
def test_every_process_writes_and_reads_by_the_settings(running):
    for write in WRITERS:
        before = len(running.captures)
        write(running)
        assert len(running.captures) > before, write.__name__
        assert running.bytes_in_database() == 0, write.__name__
    for read in READERS:
        raw, is_there_that_day, hits = read(running)
        assert raw is None or BODY in raw, read.__name__
        assert (is_there_that_day, hits) == (False, 0), read.__name__


@pytest.mark.slow
@pytest.mark.stack
def test_a_process_without_the_place_of_captures_stores_nothing_elsewhere(running):
    for write in () if running.captures else WRITERS:
        write(running)
    forgetful = Home(
        running.folder, {k: v for k, v in running.settings.items() if k != "captures_url"}
    )
    forgetful.write("later/spaet.txt", seed("Spät", f"{BODY} Spät."))
    if "broker_url" not in forgetful.settings:
        ended = lesart(forgetful.folder, "ingest", "later", **forgetful.settings)
        assert (ended.returncode, "captures_url" in ended.stderr) == (4, True), ended.stderr
    address = f"127.0.0.1:{free_port()}"
    blind = Home(forgetful.folder, forgetful.settings | {"web_address": address})
    server = Service(blind.folder, "web", **blind.settings)
    server.start()
    try:
        until(lambda: is_served(blind), what="the page")
        made = json.loads(
            blind.run("token", "add", "eva", "--scope", "capture", "--format", "json")
        )
        answers = [
            httpx.get(f"{blind.page}/api/raw", params={"rev": ADDRESS}),
            httpx.post(
                f"{blind.page}/api/captures",
                json={"url": f"{ADDRESS}/c", "html": HTML},
                headers={"Authorization": f"Bearer {made[0]['token']}"},
            ),
        ]  # fmt: skip
    finally:
        server.end()
    assert [each.status_code for each in answers] == [503, 503]
    assert running.bytes_in_database() == 0


@pytest.mark.slow
def test_two_archives_of_one_process_keep_their_captures_apart(tmp_path):
    rooms = [
        Newsroom(f"sqlite:///{tmp_path}/{name}.sqlite3", tmp_path / name, **settings)
        for name, settings in (
            ("a", {"captures_url": (tmp_path / "a" / "captures").as_uri()}),
            ("b", {}),
            ("c", {"captures_url": (tmp_path / "c" / "captures").as_uri()}),
        )
    ]  # fmt: skip
    for room in rooms:
        room.write("pegel.txt", seed("Pegel", f"{BODY} {room.root.name}"))
    for room in rooms:
        room.scan(0)
    for room in rooms:
        away = room.settings.captures_url is not None
        assert any((room.root / "captures").rglob("*-*")) == away
        with open_archive(room.url, captures=room.settings.captures_url) as archive:
            assert room.root.name.encode() in archive.raw(next(archive.articles()).article).data
        assert room.findings() == []
        room.close()
