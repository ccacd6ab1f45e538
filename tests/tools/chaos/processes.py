"""The processes of a run on this machine: `lesart up` on SQLite, or three services on PostgreSQL."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import AF_INET, AF_UNIX

import psutil
import redis

from tests import services
from tests.alerts.receivers import Receiver, receiving
from tests.flow.processes import LESART, Service, Supervisor, environment, lesart_process, until
from tests.tools.chaos.breakable import JUMPS, Link, WrongClock, previous_release, program_of
from tests.tools.chaos.stack import LONG_LIMITS, SETTINGS, Act, killing

SERVICES = {
    "sqlite": (("up",),),
    "postgresql": (("worker", "--concurrency", "2"), ("scheduler",), ("web",)),
}
KILLS = {
    "sqlite": ("up", "child of up", "ingest", "child of ingest"),
    "postgresql": ("worker", "child of worker", "scheduler", "ingest", "redis"),
}
BREAKS = {
    "sqlite": ("restart", "clock"),
    "postgresql": (
        "restart", "clock", "web", "child of web", "postgres", "flush", "reset", "stall",
    ),
}  # fmt: skip
"""What a run of minutes does, too."""
STOPS_SECONDS = 300.0


@dataclass
class Servers:
    """What the processes of a run work with, and the links to it that can be broken."""

    url: str
    """For the checker, which uses no link."""
    used: str
    postgres: services.PostgresServer | None = None
    broker: services.RedisServer | None = None
    links: list[Link] = field(default_factory=list)


class ProcessStack:
    """Processes under a supervisor that starts again what died."""

    parts = "parts"

    def __init__(
        self, folder: Path, servers: Servers, receiver: Receiver, *, is_long: bool
    ) -> None:
        self.folder, self.servers, self.receiver = folder, servers, receiver
        self.url, self.faults, self._is_long = servers.url, list[str](), is_long
        self._address = f"127.0.0.1:{services.free_port()}"
        self._program = program_of(previous_release(), folder / "program") if is_long else {}
        started = SERVICES[self._database] if is_long else SERVICES[self._database][:2]
        self._services = [Service(folder, *each, **self._settings()) for each in started]
        self._clocks = {
            each.name: WrongClock(folder / each.name) for each in self._services if is_long
        }
        for each in self._services:
            each.variables = self._variables(each)
        self._supervisor = Supervisor(*self._services)
        self._left_behind: list[psutil.Process] = []

    @property
    def _database(self) -> str:
        return "sqlite" if self.servers.broker is None else "postgresql"

    def _settings(self) -> dict[str, str]:
        given = {
            **SETTINGS, **(LONG_LIMITS if self._is_long else {}),
            "database_url": self.servers.used, "seeds": str(self.folder / "seeds"),
            "web_address": self._address, "allow_hosts": f"127.0.0.1:{self.receiver.port}",
        }  # fmt: skip
        if self.servers.broker is not None:
            broker, link = self.servers.broker, self.servers.links[0]
            given["broker_url"] = broker.url.replace(f":{broker.port}/", f":{link.port}/")
        return given

    def _variables(self, service: Service) -> dict[str, str]:
        clock = self._clocks.get(service.name)
        return self._program | (clock.variables() if clock else {})

    @property
    def kinds(self) -> tuple[str, ...]:
        return KILLS[self._database] + (BREAKS[self._database] if self._is_long else ())

    @property
    def page(self) -> str:
        return f"http://{self._address}"

    @property
    def is_previous(self) -> bool:
        return bool(self._program)

    # --------------------------------------------------------------------- begin and end

    def prepare(self) -> None:
        self.run("db", "upgrade")

    def start(self) -> None:
        self._supervisor.__enter__()

    def run(self, *words: str) -> None:
        ended = subprocess.run(
            [*LESART, *words], cwd=self.folder, env=environment(**self._settings()) | self._program,
            capture_output=True, encoding="utf-8", timeout=600, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr

    def ingesting(self, number: int) -> Service:
        words = ["ingest", f"parts/{number}"]
        if self.servers.broker is None:
            words += ["--processes", "2"]
        command = Service(self.folder, *words, **self._settings())
        command.log = self.folder / f"ingest-{number}.log"
        return command

    def upgrade(self, killed_after: float) -> None:
        with self._supervisor.lock:
            for each in self._services:
                self._stop_service(each)
            self._program = {}
            command = Service(self.folder, "db", "upgrade", **self._settings())
            command.start()
            time.sleep(killed_after)
            command.kill()
            self.run("db", "upgrade")
            for each in self._services:
                each.variables = self._variables(each)

    def set_clocks_right(self) -> None:
        for clock in self._clocks.values():
            clock.set("+0")

    def restarts(self) -> dict[str, int]:
        return dict(self._supervisor.restarts)

    def orphans(self) -> int:
        return sum(each.is_running() for each in self._left_behind)

    def end(self) -> None:
        with self._supervisor.lock:
            for each in self._services:
                self._stop_service(each)
            self._supervisor.services.clear()
        self._supervisor.__exit__()

    def verify(self) -> subprocess.CompletedProcess[str]:
        return lesart_process(self.folder, "verify", "--format", "json", **self._settings())

    def _stop_service(self, service: Service) -> None:
        if service.process is not None:
            self._left_behind += service.children()
            service.process.terminate()
            try:
                service.process.wait(STOPS_SECONDS)
            except subprocess.TimeoutExpired:
                self.faults.append(f"{service.name} did not end when it was asked to")
                service.kill()

    # -------------------------------------------------------------------------- faults

    def targets(self, pick: float) -> dict[str, list[Act]]:
        targets: dict[str, list[Act]] = {}
        for service in self._services:
            if service.is_alive:
                targets[service.name] = [lambda s=service: self._kill_service(s)]
                targets[f"child of {service.name}"] = [killing(c) for c in service.children()]
        targets["clock"] = [
            lambda c=clock: c.set(JUMPS[int(pick * 97) % len(JUMPS)])
            for clock in self._clocks.values()
        ]
        if self.servers.broker is not None:
            targets["redis"] = [lambda: _kill_server(self.servers.broker)]
        if self._is_long:
            targets["restart"] = [self._restart]
            targets["postgres"] = [lambda: _kill_server(self.servers.postgres)]
            targets["flush"] = [self._flush]
            targets["reset"] = [each.reset for each in self.servers.links]
            targets["stall"] = [
                lambda link=each: _stall(link, 10 * pick) for each in self.servers.links
            ]
            if self.servers.broker is None:
                del targets["postgres"], targets["flush"]
        return targets

    def _kill_service(self, service: Service) -> None:
        self._left_behind += service.children()
        with self._supervisor.lock:
            if service.is_alive:
                service.kill()

    def _restart(self) -> None:
        """Stop one service after the other, and wait for the next one in its place."""
        for each in self._services:
            with self._supervisor.lock:
                self._stop_service(each)
            until(lambda s=each: s.is_alive)

    def _flush(self) -> None:
        assert self.servers.broker is not None
        with redis.Redis.from_url(self.servers.broker.url) as client:
            client.flushall()


def _kill_server(server: services.Server | None) -> None:
    assert server is not None
    server.kill()
    time.sleep(0.3)
    for left in range(20, -1, -1):
        try:
            server.start()
        except services.ServiceMissingError:  # what it left behind has not ended yet
            if not left:
                raise
            time.sleep(1)
        else:
            return


def _stall(link: Link, seconds: float) -> None:
    link.stall(stalled=True)
    time.sleep(seconds)
    link.stall(stalled=False)


@contextmanager
def processes(
    database: str, folder: Path, script: Callable[[], str | None], *, is_long: bool
) -> Iterator[ProcessStack]:
    """Give the processes of a run, with the servers that they need."""
    with ExitStack() as resources:
        receiver = resources.enter_context(receiving(script))
        url = f"sqlite:///{folder / 'lesart.sqlite3'}"
        servers = Servers(url, url)
        if database == "postgresql":
            server = resources.enter_context(services.own_postgres())
            broker = resources.enter_context(services.own_redis())
            links = [
                Link(AF_INET, ("127.0.0.1", broker.port)),
                Link(AF_UNIX, f"{server.folder}/.s.PGSQL.5432"),
            ]
            for each in links:
                resources.callback(each.close)
            used = f"postgresql://postgres@127.0.0.1:{links[1].port}/postgres"
            servers = Servers(server.url("postgres"), used, server, broker, links)
        yield ProcessStack(folder, servers, receiver, is_long=is_long)
