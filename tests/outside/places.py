"""Archives on both databases, in folders of their own, and a small web, for the installed program."""

import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests import services
from tests.alerts.receivers import receiving
from tests.capabilities.outside_copies.copy_archive import KEY, copying
from tests.compose.roles import make_roles
from tests.outside import press
from tests.outside.installation import Installation, clean_environment
from tests.web.site import Web
from tests.web_archives.history_archive import HistoryArchive

SECONDS = 300
ROLES = {
    "owner": "lesart",
    "worker": "lesart_worker",
    "page": "lesart_page",
    "reader": "lesart_reader",
}
"""The roles of the stack: the owner for `migrate` and `restore`, the worker for `lesart`, `worker` and
`scheduler`, the worker and the page for `web`, the reader for SQL."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    words: Sequence[str]
    code: int
    output: str
    messages: str

    @property
    def told(self) -> str:
        return self.output + self.messages


@dataclass
class Place:
    """A folder with an archive on one of the databases; `settings` are those of each role."""

    name: str
    folder: Path
    installed: Installation
    settings: Mapping[str, Mapping[str, str]]
    web: Web
    broker: str
    values: dict[str, str] = field(default_factory=dict)
    """What a `{word}` in a command stands for."""

    def environment(self, role: str, *, tools: bool = False, **more: str) -> dict[str, str]:
        extras = {"PYTHONPATH": str(self.installed.extras)} if tools else {}
        own = {"HOME": str(self.folder)} | self.settings[role] | extras | more
        return clean_environment(self.installed, **own)

    def filled(self, text: str) -> str:
        """Put values for the words in braces; what the archive has is looked up once."""
        for name in re.findall(r"\{(\w+)\}", text):
            if name not in self.values:
                words = ["lesart", "sql", press.QUERIES[name], "--format", "csv"]
                ended = self.run(words, self.environment("worker"))
                assert ended.code == 0, ended.messages
                self.values[name] = ended.output.split()[1]
            text = text.replace(f"{{{name}}}", self.values[name])
        return text

    def lesart(self, line: str, role: str = "worker", given: str = "", **more: str) -> Ended:
        """Run a command in a process of its own."""
        words = ["lesart", *shlex.split(self.filled(line))]
        return self.run(words, self.environment(role, **more), given)

    def run(self, words: Sequence[str], environment: Mapping[str, str], given: str = "") -> Ended:
        program = environment["PATH"].partition(":")[0]
        first = Path(program, words[0])
        ended = subprocess.run(
            [str(first) if first.exists() else words[0], *words[1:]], cwd=self.folder, env=environment, input=given,
            capture_output=True, encoding="utf-8", errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
        return Ended(words, ended.returncode, ended.stdout, ended.stderr)

    @contextmanager
    def service(
        self, line: str, role: str = "worker", *, tools: bool = False, **more: str
    ) -> Iterator["Running"]:
        """Give a command that goes on until it is stopped."""
        log = self.folder / f"{line.partition(' ')[0]}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [str(self.installed.programs / "lesart"), *shlex.split(line)], cwd=self.folder,
                env=self.environment(role, tools=tools, **more), stdin=subprocess.DEVNULL,
                stdout=stream, stderr=stream,
                preexec_fn=services.die_with_parent(signal.SIGTERM),  # noqa: PLW1509 one system call
            )  # fmt: skip
        running = Running(process, log)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                running.code = process.wait(SECONDS)
            finally:
                process.kill()


@dataclass
class Running:
    """A command that goes on; `code` is how it ended."""

    process: "subprocess.Popen[bytes]"
    log: Path
    code: int | None = None

    def until(self, is_true: Callable[[], Any]) -> None:
        """Wait for a state of the command, which must go on."""
        end = time.monotonic() + SECONDS
        while not is_true():
            told = self.log.read_text(errors="replace")
            assert self.process.poll() is None, f"it ended: {told}"
            assert time.monotonic() < end, f"it is not there: {told}"
            time.sleep(0.1)


class Both:
    """The two databases: what is done with one is done with the other at the same time."""

    def __init__(self, *places: Place) -> None:
        self.places = places
        self._threads = ThreadPoolExecutor(len(places))

    def each(self, act: Callable[[Place], Any]) -> dict[str, Any]:
        """Return what an act returned on each database."""
        found = self._threads.map(act, self.places)
        return dict(zip((each.name for each in self.places), found, strict=True))


@contextmanager
def both_databases(installed: Installation, folder: Path) -> Iterator[Both]:
    """Give an empty folder for each database, and PostgreSQL with the roles of the stack."""
    with ExitStack() as resources:
        server = resources.enter_context(services.own_postgres())
        broker = resources.enter_context(services.own_redis())
        superuser = server.url("postgres")
        server.run("createuser", "--host", server.folder, "-U", "postgres", "--superuser", "lesart")
        for database in ("lesart", "fresh"):
            server.run(
                "createdb", "--host", server.folder, "-U", "postgres", "--owner", "lesart", database
            )
        url = make_url(superuser).set(database="lesart")
        make_roles(url.set(username="lesart").render_as_string())
        fresh = url.set(username="lesart", database="fresh")
        urls = {role: url.set(username=name).render_as_string() for role, name in ROLES.items()}
        as_worker = {
            "LESART_DATABASE_URL": urls["worker"],
            "LESART_SQL_DATABASE_URL": urls["reader"],
        }
        settings = {
            "sqlite": {role: {} for role in (*ROLES, "web")}
            | {"fresh": {"LESART_DATABASE_URL": "fresh.sqlite3"}},
            "postgresql": {role: {"LESART_DATABASE_URL": each} for role, each in urls.items()}
            | {
                "worker": as_worker,
                "web": as_worker | {"LESART_READER_URL": urls["page"]},
                "fresh": {"LESART_DATABASE_URL": fresh.render_as_string()},
            },
        }
        places = []
        for number, (name, roles) in enumerate(settings.items()):
            own = folder / name
            own.mkdir()
            common, web, hook = _world(resources, folder / f"{name}-web")
            given = {role: common | each for role, each in roles.items()}
            brokers = f"{broker.url.rpartition('/')[0]}/{number}"
            places.append(Place(name, own, installed, given, web, brokers, {"hook": hook}))
        yield Both(*places)


def _world(resources: ExitStack, folder: Path) -> tuple[dict[str, str], Web, str]:
    """Return settings that lead to servers on the loopback, the web, and the address of a webhook."""
    folder.mkdir()

    def now() -> datetime:
        return datetime.now(UTC)

    web = resources.enter_context(closing(Web(now, folder)))
    past = HistoryArchive(web, "internet-archive.example", press.CAPTURES)
    press.put_pages(web)
    copies = resources.enter_context(copying(now))
    hook = resources.enter_context(receiving())
    hosts = ("www.hafenkurier.example", "zeitung.example", past.host)
    own = [f"127.0.0.1:{port}=127.0.0.1:{port}" for port in (copies.port, hook.port)]
    settings = {
        "LESART_ALLOW_HOSTS": ",".join([web.allow_hosts(*hosts), *own]),
        "LESART_CA_FILE": str(web.ca_file),
        "LESART_WEB_ARCHIVES": f"{past.cdx_setting},{copies.setting('spn2', 'internet-archive')}",
        "LESART_WEB_ARCHIVE_KEYS": f"internet-archive={KEY}",
        "LESART_PACE": "0.1s",
        "LESART_CONTACT": "https://leser.example/",
    }
    return settings, web, hook.url


def free_address() -> str:
    return f"127.0.0.1:{services.free_port()}"
