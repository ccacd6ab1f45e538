"""Kill processes at random while seeds come in, and see whether anything is lost or done twice.

Everything is real: PostgreSQL, a Redis without persistence, `lesart worker`, `lesart scheduler` and
`lesart web` under a supervisor that starts again what died; or `lesart up` and commands next to it
on SQLite; or the stack of docker-compose.yml. Only processes and containers that the harness
started, and their children, are killed, each by its id.

A run of minutes begins with the previous release, which is upgraded, edits texts that an alert
reports, and breaks more than processes. The seed decides what comes, and in which order.
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
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg

from tests.tools.chaos.checker import asking, faults
from tests.tools.chaos.containers import containers
from tests.tools.chaos.corpus import Seed, corpus, edits
from tests.tools.chaos.processes import processes
from tests.tools.chaos.stack import Act, Command, Stack, killing

PARTS = 8
"""So many folders a command is given for, unless a run says less."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.3, 2.5
PATIENT = 0.7
"""How often work has to have begun again before the next kill; else it hits the recovery too."""
MOST_COMMANDS = 2
UNCHECKED = 4
KILLED = frozenset({-signal.SIGKILL, 128 + signal.SIGKILL})
"""Codes of a command that was killed: in a process, and in a container."""
UPGRADED_AFTER = 0.2
SEEDS_OF_A_MINUTE = 60
RECOVERED_SECONDS = 30.0
GIVE_UP_SECONDS = 600.0
ANSWERS_SECONDS = 120.0
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
    place: str = "processes"
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
        middle = statistics.median(waits) if waits else 0.0
        return "\n".join([
            f"{self.seeds} seeds, {self.killed.total()} faults, {self.database} in {self.place}, seed {self.seed}: "
            + ("well" if not self.faults else f"{len(self.faults)} FAULTS"),
            f"  upgraded   {self.upgraded}",
            f"  faults     {_list(self.killed)}",
            f"  restarts   {_list(self.restarts)}; orphans left: {self.orphans}",
            f"  verdicts   {_list(self.verdicts)}",
            f"  jobs       {_list(self.jobs)}",
            f"  recovery   of {len(waits)} in mid-work: median {middle:.1f} s, longest {max(waits, default=0.0):.1f} s, "
            f"{sum(each > RECOVERED_SECONDS for each in waits)} above {RECOVERED_SECONDS:.0f} s",
            *(f"  slow       {seconds:.1f} s after {what}" for what, seconds in self.recoveries if seconds > RECOVERED_SECONDS),
            f"  alerts     {self.alerts}",
            f"  verify     {self.verified}",
            f"  in all     {self.seconds:.0f} s",
            *(f"  fault      {each}" for each in self.faults[:20]),
        ])  # fmt: skip


def run(
    seeds: int,
    kills: int,
    database: str,
    seed: int,
    parts: int = PARTS,
    *,
    minutes: float = 0.0,
    place: str = "processes",
) -> Run:
    """Make one run, of a number of kills or of minutes, and return its results."""
    made = Run(seeds, kills, database, seed, parts, minutes, place)
    chance = Random(seed)
    began = time.monotonic()
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-chaos-")))
        stack = resources.enter_context(_stack(made, folder))
        scene = Scene(made, stack)
        resources.callback(scene.end_work)
        scene.start()
        files = list(corpus(seeds, chance, parts))
        if minutes:
            files += list(edits(files))
        scene.bring(files, chance)
        made.restarts = stack.restarts()
        made.seconds = time.monotonic() - began
        made.orphans = stack.orphans()
        scene.end_work()
        made.faults = [*scene.faults, *stack.faults, *faults(stack.url, files), *scene.untold()]
        made.verified = scene.verified()
        made.verdicts, made.jobs = scene.figures()
        if "0 broken" not in made.verified and not made.verified.startswith("clean"):
            made.faults.append(f"verify: {made.verified}")
    return made


def _stack(made: Run, folder: Path) -> AbstractContextManager[Stack]:
    for name in ("seeds", "parts"):
        (folder / name).mkdir()
    script = _failing(Random(made.seed))
    if made.place == "compose":
        return containers(folder, script)
    return processes(made.database, folder, script, is_long=bool(made.minutes))


class Scene:
    """What is done with the archive of one run, and what is seen of it."""

    def __init__(self, made: Run, stack: Stack) -> None:
        self.made, self.stack, self.receiver = made, stack, stack.receiver
        self.commands: dict[int, Command] = {}
        self.faults: list[str] = []
        self._edits: list[Seed] = []
        self._stop = threading.Event()
        self._samples: list[tuple[float, int]] = []
        self._killed_at: list[tuple[str, float, int]] = []
        self._written: set[Seed] = set()
        self._started = 0
        self._threads: list[threading.Thread] = []

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database, which may just have been killed."""
        end = time.monotonic() + ANSWERS_SECONDS
        while True:
            try:
                with asking(self.stack.url) as ask:
                    return ask.rows(query)
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def _number(self, query: str) -> int:
        return int(self._rows(query)[0][0] or 0)

    # ------------------------------------------------------------------------- the run

    def start(self) -> None:
        self.stack.prepare()
        self.stack.run("source", "add", self.stack.parts, "--name", "parts", "--cron", "0 0 29 2 *")
        if self.made.minutes:
            # a clock that is put back has all sources checked
            self.stack.run("source", "pause", "parts")
            self.stack.run("alert", "add", "edits", "--webhook", self.receiver.url)
        self.stack.start()
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
            if self.stack.is_previous and self._read() and share > UPGRADED_AFTER:
                self._upgrade(killed_after)
            self._write(watched[: int(share * len(watched))])
            self._edit()
            if (
                len(self.commands) < MOST_COMMANDS
                and self._started < share * self.made.parts
                and not self.stack.is_previous
            ):
                self._order(parts[self._started])
            self._tend_for(chance.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
            self._break(chance)
            if chance.random() < PATIENT:
                before = self._read()
                self._await(lambda n=before: self._read() > n or not self._waiting(), 60.0)
        if self.stack.is_previous:  # a machine so busy that there was no time for it
            self._upgrade(killed_after)
        self.stack.set_clocks_right()
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
        # else `untold` says so
        self._await(lambda: self._number(MESSAGES) == self._number(EDITS))
        if not self._await(lambda: self._number(open_messages) == 0):
            self.faults.append(f"{self._number(open_messages)} messages are still open")
        if not self._await(self._page_answers):
            self.faults.append("the page does not answer")

    def _page_answers(self) -> bool:
        try:
            return httpx.get(f"{self.stack.page}/readyz", timeout=30).status_code == 200
        except httpx.HTTPError:
            return False

    def _edit(self) -> bool:
        """Write each edit whose first version is stored; return whether all are written."""
        if self._edits:
            query = "SELECT r.origin FROM article a JOIN origin r ON r.id = a.origin_id"
            read = {origin for (origin,) in self._rows(query)}
            self._write([each for each in self._edits if each.origin in read])
            self._edits = [each for each in self._edits if each not in self._written]
        return not self._edits

    def _upgrade(self, killed_after: float) -> None:
        """Replace the previous release by this one; the upgrade of the archive is killed, too."""
        self.made.upgraded = f"with {self._read()} texts"
        self.stack.upgrade(killed_after)

    def _write(self, files: Sequence[Seed]) -> None:
        """Write those of the files that were not written yet."""
        for each in [each for each in files if each not in self._written]:
            each.write(self.stack.folder)
            self._written.add(each)

    def _waiting(self) -> int:
        """Return how many files, and edits of files, were written and not yet read."""
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
        left = self._number(
            "SELECT count(*) FROM job WHERE state IN ('ready', 'running') AND kind = 'read'"
        )
        due = self._number("SELECT count(*) FROM search_due")
        return self._read() >= number and not left and not due and not self.commands

    def end_work(self) -> None:
        """Stop watching, and end the services and the commands; the archive stays."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.stack.end()
        for command in self.commands.values():
            command.end()
        self.commands.clear()

    # ------------------------------------------------------------------------ commands

    def _order(self, files: Sequence[Seed]) -> None:
        """Write the next folder and start the command that ingests it."""
        number, self._started = self._started, self._started + 1
        self._write(files)
        command = self.stack.ingesting(number)
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
            elif code in KILLED or (code == UNCHECKED and self.made.database == "postgresql"):
                command.start()
            else:
                self.faults.append(
                    f"ingest of part {number} ended with {code}: {command.told()[-300:]}"
                )
                del self.commands[number]

    def _is_ordered(self, number: int) -> bool:
        return bool(self._number(f"SELECT count(*) FROM ({_jobs_of(number)}) mine"))

    def _is_open(self, number: int) -> bool:
        mine = _jobs_of(number)
        return bool(self._number(
            "SELECT count(*) FROM job WHERE state IN ('ready', 'running') "
            f"AND (id IN ({mine}) OR parent_id IN ({mine}))"
        ))  # fmt: skip

    # -------------------------------------------------------------------------- faults

    def _break(self, chance: Random) -> None:
        what, pick = chance.choice(self.stack.kinds), chance.random()
        targets = self._targets(pick)
        if what not in targets:
            what = sorted(targets)[int(pick * len(targets))]
        acts, waiting = targets[what], self._waiting()
        acts[int(pick * len(acts))]()
        self._killed_at.append((what, time.monotonic(), waiting))
        self.made.killed[what] += 1

    def _targets(self, pick: float) -> dict[str, list[Act]]:
        """Return the acts that are possible at the moment, by what they hit."""
        alive = [each for each in self.commands.values() if each.is_alive]
        targets = {
            **self.stack.targets(pick),
            "ingest": [each.kill for each in alive],
            "child of ingest": [killing(c) for each in alive for c in each.children()],
        }
        return {name: acts for name, acts in targets.items() if acts}

    # ------------------------------------------------------------------------ measures

    def _thread(self, act) -> None:
        self._threads.append(threading.Thread(target=act, daemon=True))
        self._threads[-1].start()

    def _sample(self) -> None:
        while not self._stop.wait(0.05):
            try:
                with asking(self.stack.url) as ask:
                    while not self._stop.wait(0.05):
                        number = ask.number("SELECT count(*) FROM verdict")
                        self._samples.append((time.monotonic(), number))
            except psycopg.OperationalError:  # it was killed, too
                continue

    def _read(self) -> int:
        return self._samples[-1][1] if self._samples else 0

    def _measure(self) -> None:
        """Tell for each kill in mid-work how long it took until the next verdict was given, and
        what else was broken meanwhile.
        """
        samples = list(self._samples)
        for index, (what, at, waiting) in enumerate(self._killed_at):
            if waiting <= 0:
                continue
            before = max((number for moment, number in samples if moment <= at), default=0)
            after = [moment for moment, number in samples if moment > at and number > before]
            if after:
                more = [
                    each for each, next_at, _ in self._killed_at[index + 1 :] if next_at < after[0]
                ]
                told = f"{what}, then {', '.join(more)}" if more else what
                self.made.recoveries.append((told, after[0] - at))

    # ------------------------------------------------------------------------- the end

    def verified(self) -> str:
        ended = self.stack.verify()
        if ended.returncode == 0:
            return f"clean: {_looked(ended.stderr + ended.stdout)}"
        return f"exit {ended.returncode}: {(ended.stdout + ended.stderr)[-600:]}"

    def untold(self) -> Iterator[str]:
        """Yield what is wrong with the alerts: each edit is reported, and recorded as reported."""
        if not self.made.minutes:
            return
        log = dict(self._rows("SELECT id, state FROM alert_delivery"))
        edited = self._number(EDITS)
        got = {int(each.rpartition("_")[2]) for each in self.receiver.accepted}
        self.made.alerts = (
            f"{len(log)} of {edited} changes, {len(self.receiver.accepted)} received, "
            f"{self.receiver.failures} failures of the receiver"
        )
        if len(log) != edited:
            yield f"{edited} changes have {len(log)} messages"
        for number, state in log.items():
            if state != "sent" or number not in got:
                yield f"message {number} is {state}, received: {number in got}"

    def figures(self) -> tuple[dict[str, int], dict[str, int]]:
        verdicts = dict(self._rows("SELECT kind, count(*) FROM verdict GROUP BY kind"))
        jobs = dict(self._rows("SELECT kind, count(*) FROM job GROUP BY kind"))
        jobs["split"] = self._number("SELECT count(*) FROM job WHERE reason LIKE 'split%'")
        jobs["single"] = self._number("SELECT count(*) FROM job WHERE single = TRUE")
        jobs["tried again"] = self._number("SELECT count(*) FROM job WHERE attempts > 1")
        return verdicts, jobs


def _jobs_of(number: int) -> str:
    place = f'%/parts/{number}"%'
    return f"SELECT id FROM job WHERE kind = 'ingest' AND CAST(arguments AS text) LIKE '{place}'"


def _looked(told: str) -> str:
    try:
        return json.dumps(json.loads(told))[:300]
    except ValueError:
        return " ".join(told.split())[-300:]


def _list(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(found.items())) or "none"


def _failing(chance: Random) -> Callable[[], str | None]:
    """Let one in six requests to the receiver fail."""
    return lambda: chance.choice(["500", "reset", "lost"]) if chance.random() < 1 / 6 else None


def print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
