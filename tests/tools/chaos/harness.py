"""Kill processes at random while seeds come in, and see whether anything is lost or done twice.

Everything is real: PostgreSQL, a Redis without persistence, `lesart worker`, `lesart scheduler` and
`lesart web` under a supervisor that starts again what died; or `lesart up` and commands next to it
on SQLite. Only processes that the harness started, and their children, are killed, each by its id.

A run of minutes begins with the previous release, which is upgraded, edits texts that an alert
reports, and breaks more than processes. The seed decides what comes, and in which order.
"""

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from socket import AF_INET, AF_UNIX

import httpx
import psutil
import psycopg
import redis

from tests import services
from tests.alerts.receivers import Receiver, receiving
from tests.flow.processes import LESART, Service, Supervisor, environment, lesart_process
from tests.tools.chaos.breakable import JUMPS, Link, WrongClock, previous_release, program_of
from tests.tools.chaos.checker import asking, faults
from tests.tools.chaos.corpus import Seed, corpus, edits

PARTS = 8
"""So many folders a command is given for, unless a run says less."""
SETTINGS = {
    "every": "1s", "batch_items": "20", "document_seconds": "1s", "batch_seconds": "3s",
    "lease_seconds": "6s",
}  # fmt: skip
LONG_LIMITS = {"document_seconds": "10s", "batch_seconds": "30s", "lease_seconds": "60s"}
"""The limits of a run of minutes, in which a busy machine kills no worker for being slow."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.3, 2.5
PATIENT = 0.7
"""How often work has to have begun again before the next kill; else it hits the recovery too."""
MOST_COMMANDS = 2
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
UNCHECKED = 4
STOPS_SECONDS = 300.0
UPGRADED_AFTER = 0.2
SEEDS_OF_A_MINUTE = 60
RECOVERED_SECONDS = 30.0
GIVE_UP_SECONDS = 600.0
EDITS = "SELECT count(*) FROM verdict WHERE kind = 'new_version'"
MESSAGES = "SELECT count(*) FROM alert_delivery"


@dataclass
class Run:
    """The parameters of a run, and its results."""

    seeds: int
    kills: int
    database: str
    seed: int
    parts: int = PARTS
    minutes: float = 0.0
    upgraded: str = "not tried"
    alerts: str = "not tried"
    killed: Counter[str] = field(default_factory=Counter)
    recoveries: list[tuple[str, float]] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    orphans: int = 0
    seconds: float = 0.0
    verdicts: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    verified: str = ""

    def told(self) -> str:
        """Return the summary that the command prints."""
        waits = sorted(seconds for _what, seconds in self.recoveries)
        slowest = max(self.recoveries, key=lambda each: each[1], default=("nothing", 0.0))
        middle = statistics.median(waits) if waits else 0.0
        return "\n".join([
            f"{self.seeds} seeds, {self.killed.total()} faults, {self.database}, seed {self.seed}: "
            + ("well" if not self.faults else f"{len(self.faults)} FAULTS"),
            f"  upgraded   {self.upgraded}",
            f"  faults     {_list(self.killed)}",
            f"  restarts   {_list(self.restarts)}; orphans left: {self.orphans}",
            f"  verdicts   {_list(self.verdicts)}",
            f"  jobs       {_list(self.jobs)}",
            f"  recovery   of {len(waits)} in mid-work: median {middle:.1f} s, longest {slowest[1]:.1f} s after {slowest[0]}, "
            f"{sum(each > RECOVERED_SECONDS for each in waits)} above {RECOVERED_SECONDS:.0f} s",
            f"  alerts     {self.alerts}",
            f"  verify     {self.verified}",
            f"  in all     {self.seconds:.0f} s",
            *(f"  fault      {each}" for each in self.faults[:20]),
        ])  # fmt: skip


def run(
    seeds: int, kills: int, database: str, seed: int, parts: int = PARTS, *, minutes: float = 0.0
) -> Run:
    """Make one run, of a number of kills or of minutes, and return its results."""
    made = Run(seeds, kills, database, seed, parts, minutes)
    chance = Random(seed)
    began = time.monotonic()
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-chaos-")))
        scene = resources.enter_context(_scene(made, folder))
        files = list(corpus(seeds, chance, parts))
        if minutes:
            files += list(edits(files))
        scene.bring(files, chance)
        made.restarts = dict(scene.supervisor.restarts)
        made.seconds = time.monotonic() - began
        made.orphans = sum(each.is_running() for each in scene.left_behind)
        scene.end()
        made.faults = [*scene.faults, *faults(scene.url, files), *scene.untold()]
        made.verified = scene.verified()
        made.verdicts, made.jobs = scene.figures()
        if "0 broken" not in made.verified and not made.verified.startswith("clean"):
            made.faults.append(f"verify: {made.verified}")
    return made


@dataclass
class Servers:
    """What the processes of a run work with, and the links to it that can be broken."""

    url: str
    """For the checker, which uses no link."""
    used: str
    receiver: Receiver
    postgres: services.PostgresServer | None = None
    broker: services.RedisServer | None = None
    links: list[Link] = field(default_factory=list)


class Scene:
    """The processes of one run with their archive and folders."""

    def __init__(self, made: Run, folder: Path, servers: Servers) -> None:
        self.made, self.folder, self.servers, self.url = made, folder, servers, servers.url
        self.address = f"127.0.0.1:{services.free_port()}"
        self.settings = {
            **SETTINGS, **(LONG_LIMITS if made.minutes else {}), "database_url": servers.used, "seeds": str(folder / "seeds"),
            "web_address": self.address, "allow_hosts": f"127.0.0.1:{servers.receiver.port}",
        }  # fmt: skip
        if servers.broker is not None:
            broker, link = servers.broker, servers.links[0]
            self.settings["broker_url"] = broker.url.replace(f":{broker.port}/", f":{link.port}/")
        for name in ("seeds", "parts"):
            (folder / name).mkdir()
        self.program: dict[str, str] = {}
        self.services = [
            Service(folder, *each, **self.settings) for each in SERVICES[made.database]
        ]
        if not made.minutes:
            self.services = self.services[:2]
        self.clocks: dict[str, WrongClock] = {}
        if made.minutes:
            self.program = program_of(previous_release(), folder / "program")
            self.clocks = {each.name: WrongClock(folder / each.name) for each in self.services}
        for each in self.services:
            each.variables = self._variables(each)
        self.supervisor = Supervisor(*self.services)
        self.commands: dict[int, Service] = {}
        self.faults: list[str] = []
        self.left_behind: list[psutil.Process] = []
        self._edits: list[Seed] = []
        self._stop = threading.Event()
        self._samples: list[tuple[float, int]] = []
        self._killed_at: list[tuple[str, float, int]] = []
        self._written: set[str] = set()
        self._started = 0
        self._threads: list[threading.Thread] = []

    def _variables(self, service: Service) -> dict[str, str]:
        clock = self.clocks.get(service.name)
        return self.program | (clock.variables if clock else {})

    # ------------------------------------------------------------------------- the run

    def start(self) -> None:
        self._run("db", "upgrade")
        self._run("source", "add", "parts", "--name", "parts", "--cron", "0 0 29 2 *")
        if self.made.minutes:
            self._run(
                "source", "pause", "parts"
            )  # a clock that is put back has all sources checked
            self._run("alert", "add", "edits", "--webhook", self.servers.receiver.url)
        self.supervisor.__enter__()
        self._thread(self._sample)

    def bring(self, files: list[Seed], chance: Random) -> None:
        """Write the files bit by bit and kill while they are worked; return when all is done."""
        first = list({each.path: each for each in reversed(files)}.values())[::-1]
        watched = [each for each in first if each.path.startswith("seeds/")]
        parts = [
            [f for f in files if f.path.startswith(f"parts/{n}/")] for n in range(self.made.parts)
        ]
        self._edits = files[len(first) :]
        killed_after = chance.uniform(0.5, 4.0)
        for share in self._shares():
            if self.program and self._read() and share > UPGRADED_AFTER:
                self._upgrade(killed_after)
            self._write(watched[: int(share * len(watched))])
            self._edit()
            if (
                len(self.commands) < MOST_COMMANDS
                and self._started < share * self.made.parts
                and not self.program
            ):
                self._order(parts[self._started])
            self._tend_for(chance.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
            self._break(chance)
            if chance.random() < PATIENT:
                before = self._read()
                self._await(lambda n=before: self._read() > n or not self._waiting(), 60.0)
        if self.program:  # a machine so busy that there was no time for it
            self._upgrade(killed_after)
        for clock in self.clocks.values():
            clock.set("+0")
        self._write(watched)
        for part in parts[self._started :]:
            self._await(lambda: len(self.commands) < MOST_COMMANDS)
            self._order(part)
        if not self._await(lambda: self._edit() and self._is_done(len(files))):
            self.faults.append(f"only {self._read()} of {len(files)} were read")
        self._measure()
        if self.made.minutes:
            self._see_through()

    def _shares(self) -> Iterator[float]:
        """Yield before each fault how much of the run is over."""
        if not self.made.minutes:
            yield from ((kill + 1) / (self.made.kills + 1) for kill in range(self.made.kills))
            return
        began, seconds = time.monotonic(), self.made.minutes * 60
        while (share := (time.monotonic() - began) / seconds) < 1:
            yield share

    def _see_through(self) -> None:
        """Wait until all edits are reported, all messages are sent and the page answers."""
        open_messages = "SELECT count(*) FROM alert_delivery WHERE state IN ('waiting', 'failed')"
        with asking(self.url) as ask:
            self._await(lambda: ask.number(MESSAGES) == ask.number(EDITS))  # else `untold` says so
            if not self._await(lambda: ask.number(open_messages) == 0):
                self.faults.append(f"{ask.number(open_messages)} messages are still open")
        if not self._await(self._page_answers):
            self.faults.append("the page does not answer")

    def _page_answers(self) -> bool:
        try:
            return httpx.get(f"http://{self.address}/readyz", timeout=30).status_code == 200
        except httpx.HTTPError:
            return False

    def _edit(self) -> bool:
        """Write each edit whose first version is stored; return whether all are written."""
        if self._edits:
            with asking(self.url) as ask:
                query = "SELECT r.origin FROM article a JOIN origin r ON r.id = a.origin_id"
                read = {origin for (origin,) in ask.rows(query)}
            for each in [each for each in self._edits if each.origin in read]:
                each.write(self.folder)
                self._edits.remove(each)
        return not self._edits

    def _upgrade(self, killed_after: float) -> None:
        """Replace the previous release by this one; the upgrade of the archive is killed, too."""
        self.made.upgraded = f"with {self._read()} texts"
        with self.supervisor.lock:
            for each in self.services:
                self._stop_service(each)
            self.program = {}
            command = Service(self.folder, "db", "upgrade", **self.settings)
            command.start()
            time.sleep(killed_after)
            command.kill()
            self._run("db", "upgrade")
            for each in self.services:
                each.variables = self._variables(each)

    def _stop_service(self, service: Service) -> None:
        if service.process is not None:
            self.left_behind += service.children()
            service.process.terminate()
            try:
                service.process.wait(STOPS_SECONDS)
            except subprocess.TimeoutExpired:
                self.faults.append(f"{service.name} did not end when it was asked to")
                service.kill()

    def _run(self, *words: str) -> None:
        """Run a command of the program of the moment."""
        ended = subprocess.run(
            [*LESART, *words], cwd=self.folder, env=environment(**self.settings) | self.program,
            capture_output=True, encoding="utf-8", timeout=600, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr

    def _write(self, files: Sequence[Seed]) -> None:
        """Write those of the files that are not there yet."""
        for each in files:
            if each.path not in self._written:
                self._written.add(each.path)
                each.write(self.folder)

    def _waiting(self) -> int:
        """Return how many files were written and not yet read."""
        return len(self._written) - self._read()

    def _tend_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tend_commands()
            time.sleep(0.02)

    def _await(self, true: Callable[[], bool], seconds: float = GIVE_UP_SECONDS) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tend_commands()
            if true():
                return True
            time.sleep(0.2)
        return False

    def _is_done(self, number: int) -> bool:
        """Return whether so many seeds are read, and no part of the work is left."""
        with asking(self.url) as ask:
            left = ask.number(
                "SELECT count(*) FROM job WHERE state IN ('ready', 'running') AND kind = 'read'"
            )
            due = ask.number("SELECT count(*) FROM search_due")
        return self._read() >= number and not left and not due and not self.commands

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        with self.supervisor.lock:
            for each in self.services:
                self._stop_service(each)
            self.supervisor.services.clear()
        self.supervisor.__exit__()
        for command in self.commands.values():
            command.end()
        self.commands.clear()

    # ------------------------------------------------------------------------ commands

    def _order(self, files: Sequence[Seed]) -> None:
        """Write the next folder and start the command that ingests it."""
        number, self._started = self._started, self._started + 1
        self._write(files)
        words = ["ingest", f"parts/{number}"]
        if self.servers.broker is None:
            words += ["--processes", "2"]
        command = Service(self.folder, *words, **self.settings)
        command.log = self.folder / f"ingest-{number}.log"
        command.start()
        self.commands[number] = command

    def _tend_commands(self) -> None:
        """Give a command again that was killed before it wrote its job; written, it is worked."""
        for number, command in list(self.commands.items()):
            if command.is_alive:
                continue
            code = command.process.returncode if command.process else None
            if self._is_ordered(number):
                if code in {0, 1} or not self._is_open(number):
                    del self.commands[number]
            elif code == -signal.SIGKILL or (code == UNCHECKED and self.servers.links):
                command.start()
            else:
                self.faults.append(
                    f"ingest of part {number} ended with {code}: {command.told()[-300:]}"
                )
                del self.commands[number]

    def _is_ordered(self, number: int) -> bool:
        with asking(self.url) as ask:
            return bool(ask.number(f"SELECT count(*) FROM ({_jobs_of(number)}) mine"))

    def _is_open(self, number: int) -> bool:
        mine = _jobs_of(number)
        with asking(self.url) as ask:
            return bool(ask.number(
                "SELECT count(*) FROM job WHERE state IN ('ready', 'running') "
                f"AND (id IN ({mine}) OR parent_id IN ({mine}))"
            ))  # fmt: skip

    # -------------------------------------------------------------------------- faults

    def _break(self, chance: Random) -> None:
        kinds = KILLS[self.made.database]
        if self.made.minutes:
            kinds += BREAKS[self.made.database]
        what, pick = chance.choice(kinds), chance.random()
        targets = self._targets(pick)
        if what not in targets:
            what = sorted(targets)[int(pick * len(targets))]
        acts, waiting = targets[what], self._waiting()
        acts[int(pick * len(acts))]()
        self._killed_at.append((what, time.monotonic(), waiting))
        self.made.killed[what] += 1

    def _targets(self, pick: float) -> dict[str, list[Callable[[], object]]]:
        """Return the acts that are possible at the moment, by what they hit."""
        targets: dict[str, list[Callable[[], object]]] = {}
        for service in self.services:
            if service.is_alive:
                targets[service.name] = [lambda s=service: self._kill_service(s)]
                targets[f"child of {service.name}"] = [_killer(c) for c in service.children()]
        alive = [each for each in self.commands.values() if each.is_alive]
        targets["ingest"] = [each.kill for each in alive]
        targets["child of ingest"] = [_killer(c) for each in alive for c in each.children()]
        targets["clock"] = [
            lambda c=clock: c.set(JUMPS[int(pick * 97) % len(JUMPS)])
            for clock in self.clocks.values()
        ]
        if self.servers.broker is not None:
            targets["redis"] = [lambda: self._kill_server(self.servers.broker)]
        if self.made.minutes:
            targets["restart"] = [self._restart]
            targets["postgres"] = [lambda: self._kill_server(self.servers.postgres)]
            targets["flush"] = [self._flush]
            targets["reset"] = [each.reset for each in self.servers.links]
            targets["stall"] = [
                lambda link=each: self._stall(link, 10 * pick) for each in self.servers.links
            ]
            if self.servers.broker is None:
                del targets["postgres"], targets["flush"]
        return {name: acts for name, acts in targets.items() if acts}

    def _kill_service(self, service: Service) -> None:
        self.left_behind += service.children()
        with self.supervisor.lock:
            if service.is_alive:
                service.kill()

    def _kill_server(self, server: services.Server | None) -> None:
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

    def _restart(self) -> None:
        """Stop one service after the other, and wait for the next one in its place."""
        for each in self.services:
            with self.supervisor.lock:
                self._stop_service(each)
            self._await(lambda s=each: s.is_alive)

    def _flush(self) -> None:
        assert self.servers.broker is not None
        with redis.Redis.from_url(self.servers.broker.url) as client:
            client.flushall()

    def _stall(self, link: Link, seconds: float) -> None:
        link.stall(stalled=True)
        self._tend_for(seconds)
        link.stall(stalled=False)

    # ------------------------------------------------------------------------ measures

    def _thread(self, act) -> None:
        self._threads.append(threading.Thread(target=act, daemon=True))
        self._threads[-1].start()

    def _sample(self) -> None:
        while not self._stop.wait(0.05):
            try:
                with asking(self.url) as ask:
                    while not self._stop.wait(0.05):
                        number = ask.number("SELECT count(*) FROM verdict")
                        self._samples.append((time.monotonic(), number))
            except psycopg.OperationalError:  # it was killed, too
                continue

    def _read(self) -> int:
        return self._samples[-1][1] if self._samples else 0

    def _measure(self) -> None:
        """Tell for each kill in mid-work how long it took until the next verdict was given."""
        samples = list(self._samples)
        for what, at, waiting in self._killed_at:
            if not waiting:
                continue
            before = max((number for moment, number in samples if moment <= at), default=0)
            after = [moment for moment, number in samples if moment > at and number > before]
            if after:
                self.made.recoveries.append((what, after[0] - at))

    # ------------------------------------------------------------------------- the end

    def verified(self) -> str:
        ended = lesart_process(self.folder, "verify", "--format", "json", **self.settings)
        if ended.returncode == 0:
            return f"clean: {_looked(ended.stderr + ended.stdout)}"
        return f"exit {ended.returncode}: {(ended.stdout + ended.stderr)[-600:]}"

    def untold(self) -> Iterator[str]:
        """Yield what is wrong with the alerts: each edit is reported, and recorded as reported."""
        if not self.made.minutes:
            return
        with asking(self.url) as ask:
            log = dict(ask.rows("SELECT id, state FROM alert_delivery"))
            edited = ask.number(EDITS)
        got = {int(each.rpartition("_")[2]) for each in self.servers.receiver.accepted}
        self.made.alerts = (
            f"{len(log)} of {edited} changes, {len(self.servers.receiver.accepted)} received, "
            f"{self.servers.receiver.failures} failures of the receiver"
        )
        if len(log) != edited:
            yield f"{edited} changes have {len(log)} messages"
        for number, state in log.items():
            if state != "sent" or number not in got:
                yield f"message {number} is {state}, received: {number in got}"

    def figures(self) -> tuple[dict[str, int], dict[str, int]]:
        with asking(self.url) as ask:
            verdicts = dict(ask.rows("SELECT kind, count(*) FROM verdict GROUP BY kind"))
            jobs = dict(ask.rows("SELECT kind, count(*) FROM job GROUP BY kind"))
            jobs["split"] = ask.number("SELECT count(*) FROM job WHERE reason LIKE 'split%'")
            jobs["single"] = ask.number("SELECT count(*) FROM job WHERE single = TRUE")
            jobs["tried again"] = ask.number("SELECT count(*) FROM job WHERE attempts > 1")
        return verdicts, jobs


def _jobs_of(number: int) -> str:
    place = f'%/parts/{number}"%'
    return f"SELECT id FROM job WHERE kind = 'ingest' AND CAST(arguments AS text) LIKE '{place}'"


def _killer(process: psutil.Process):
    def kill() -> None:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return

    return kill


def _looked(told: str) -> str:
    try:
        return json.dumps(json.loads(told))[:300]
    except ValueError:
        return " ".join(told.split())[-300:]


def _list(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(found.items())) or "none"


@contextmanager
def _scene(made: Run, folder: Path) -> Iterator[Scene]:
    with ExitStack() as resources:
        receiver = resources.enter_context(receiving(_failing(Random(made.seed))))
        url = f"sqlite:///{folder / 'lesart.sqlite3'}"
        servers = Servers(url, url, receiver)
        if made.database == "postgresql":
            database = resources.enter_context(services.own_postgres())
            broker = resources.enter_context(services.own_redis())
            links = [
                Link(AF_INET, ("127.0.0.1", broker.port)),
                Link(AF_UNIX, f"{database.folder}/.s.PGSQL.5432"),
            ]
            for each in links:
                resources.callback(each.close)
            used = f"postgresql://postgres@127.0.0.1:{links[1].port}/postgres"
            servers = Servers(database.url("postgres"), used, receiver, database, broker, links)
        scene = Scene(made, folder, servers)
        scene.start()
        try:
            yield scene
        finally:
            scene.end()


def _failing(chance: Random) -> Callable[[], str | None]:
    """Let one in six requests to the receiver fail."""
    return lambda: chance.choice(["500", "reset", "lost"]) if chance.random() < 1 / 6 else None


def print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
