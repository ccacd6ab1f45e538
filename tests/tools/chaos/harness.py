"""Kill processes at random while seeds come in, and see whether anything is lost or done twice.

Everything is real: PostgreSQL, a Redis without persistence, `lesart worker` and `lesart scheduler`
under a supervisor that starts again what died; or `lesart up` and commands next to it on SQLite.
Only processes that the harness started, and their children, are killed, each by its id.
"""

import json
import signal
import statistics
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

import psutil

from tests import services
from tests.flow.processes import Service, Supervisor, lesart_process
from tests.tools.chaos.checker import asking, faults
from tests.tools.chaos.corpus import Seed, corpus

PARTS = 8
"""So many folders a command is given for, unless a run says less."""
SETTINGS = {
    "every": "1s", "batch_items": "20", "document_seconds": "1s", "batch_seconds": "3s",
    "lease_seconds": "6s",
}  # fmt: skip
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.3, 2.5
PATIENT = 0.7
"""How often work has to have begun again before the next kill; else it hits the recovery too."""
MOST_COMMANDS = 2
GIVE_UP_SECONDS = 600.0


@dataclass
class Run:
    """The parameters of a run, and its results."""

    seeds: int
    kills: int
    database: str
    seed: int
    parts: int = PARTS
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
            f"{self.seeds} seeds, {self.kills} kills, {self.database}, seed {self.seed}: "
            + ("well" if not self.faults else f"{len(self.faults)} FAULTS"),
            f"  killed     {_list(self.killed)}",
            f"  restarts   {_list(self.restarts)}; orphans left: {self.orphans}",
            f"  verdicts   {_list(self.verdicts)}",
            f"  jobs       {_list(self.jobs)}",
            f"  recovery   of {len(waits)} in mid-work: median {middle:.1f} s, longest {slowest[1]:.1f} s after {slowest[0]}",
            f"  verify     {self.verified}",
            f"  in all     {self.seconds:.0f} s",
            *(f"  fault      {each}" for each in self.faults[:20]),
        ])  # fmt: skip


def run(seeds: int, kills: int, database: str, seed: int, parts: int = PARTS) -> Run:
    """Make one run and return its results."""
    made = Run(seeds, kills, database, seed, parts)
    chance = Random(seed)
    began = time.monotonic()
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-chaos-")))
        scene = resources.enter_context(_scene(made, folder))
        files = list(corpus(seeds, chance, parts))
        scene.bring(files, chance)
        made.restarts = dict(scene.supervisor.restarts)
        made.seconds = time.monotonic() - began
        made.orphans = sum(each.is_running() for each in scene.left_behind)
        scene.end()
        made.faults = [*scene.faults, *faults(scene.url, files)]
        made.verified = scene.verified()
        made.verdicts, made.jobs = scene.figures()
        if "0 broken" not in made.verified and not made.verified.startswith("clean"):
            made.faults.append(f"verify: {made.verified}")
    return made


class Scene:
    """The processes of one run with their archive and folders."""

    def __init__(
        self, made: Run, folder: Path, url: str, broker: services.RedisServer | None
    ) -> None:
        self.made, self.folder, self.url, self.broker = made, folder, url, broker
        self.settings = {**SETTINGS, "database_url": url, "seeds": str(folder / "seeds")}
        if broker is not None:
            self.settings["broker_url"] = broker.url
        for name in ("seeds", "parts"):
            (folder / name).mkdir()
        words = [["worker", "--concurrency", "2"], ["scheduler"]] if broker else [["up"]]
        self.services = [Service(folder, *each, **self.settings) for each in words]
        self.supervisor = Supervisor(*self.services)
        self.commands: dict[int, Service] = {}
        self.faults: list[str] = []
        self.left_behind: list[psutil.Process] = []
        self._stop = threading.Event()
        self._samples: list[tuple[float, int]] = []
        self._killed_at: list[tuple[str, float, int]] = []
        self._written: set[str] = set()
        self._started = 0
        self._threads: list[threading.Thread] = []

    # ------------------------------------------------------------------------- the run

    def start(self) -> None:
        command = ["source", "add", "parts", "--name", "parts", "--cron", "0 0 29 2 *"]
        created = lesart_process(self.folder, "db", "upgrade", **self.settings)
        assert created.returncode == 0, created.stderr
        added = lesart_process(self.folder, *command, **self.settings)
        assert added.returncode == 0, added.stderr
        self.supervisor.__enter__()
        self._thread(self._sample)

    def bring(self, files: list[Seed], chance: Random) -> None:
        """Write the files bit by bit and kill while they are worked; return when all is done."""
        watched = [each for each in files if each.path.startswith("seeds/")]
        parts = [
            [f for f in files if f.path.startswith(f"parts/{n}/")] for n in range(self.made.parts)
        ]
        for kill in range(self.made.kills):
            share = (kill + 1) / (self.made.kills + 1)
            self._write(watched[: int(share * len(watched))])
            if len(self.commands) < MOST_COMMANDS and self._started < share * self.made.parts:
                self._order(parts[self._started])
            self._tend_for(chance.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
            self._kill(chance)
            if chance.random() < PATIENT:
                before = self._read()
                self._await(lambda n=before: self._read() > n or not self._waiting(), 60.0)
        self._write(watched)
        for part in parts[self._started :]:
            self._await(lambda: len(self.commands) < MOST_COMMANDS)
            self._order(part)
        if not self._await(lambda: self._is_done(len(files))):
            self.faults.append(f"only {self._read()} of {len(files)} were read")
        self._measure()

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
        if self.broker is None:
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
            elif code == -signal.SIGKILL:
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

    # --------------------------------------------------------------------------- kills

    def _kill(self, chance: Random) -> None:
        targets = self._targets()
        what = chance.choice(sorted({name for name, _act in targets}))
        act = chance.choice([act for name, act in targets if name == what])
        self._killed_at.append((what, time.monotonic(), self._waiting()))
        self.made.killed[what] += 1
        act()

    def _targets(self) -> list[tuple[str, object]]:
        targets: list[tuple[str, object]] = []
        for service in self.services:
            if service.is_alive:
                targets.append((service.name, lambda s=service: self._kill_service(s)))
                targets += [(f"child of {service.name}", _killer(c)) for c in service.children()]
        for command in self.commands.values():
            if command.is_alive:
                targets.append(("ingest", command.kill))
                targets += [("child of ingest", _killer(c)) for c in command.children()]
        if self.broker is not None:
            targets.append(("redis", self._kill_redis))
        return targets

    def _kill_service(self, service: Service) -> None:
        self.left_behind += service.children()
        with self.supervisor.lock:
            if service.is_alive:
                service.kill()

    def _kill_redis(self) -> None:
        assert self.broker is not None
        self.broker.kill()
        time.sleep(0.3)
        self.broker.start()

    # ------------------------------------------------------------------------ measures

    def _thread(self, act) -> None:
        self._threads.append(threading.Thread(target=act, daemon=True))
        self._threads[-1].start()

    def _sample(self) -> None:
        with asking(self.url) as ask:
            while not self._stop.wait(0.05):
                number = ask.number("SELECT count(*) FROM verdict")
                self._samples.append((time.monotonic(), number))

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
        broker = None
        url = f"sqlite:///{folder / 'lesart.sqlite3'}"
        if made.database == "postgresql":
            url = resources.enter_context(services.own_postgres()).url("postgres")
            broker = resources.enter_context(services.own_redis())
        scene = Scene(made, folder, url, broker)
        scene.start()
        try:
            yield scene
        finally:
            scene.end()


def print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
