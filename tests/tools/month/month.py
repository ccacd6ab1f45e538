"""A month of a press in accelerated time, archived by real workers that are killed on the way.

The clock of the observations is put forward to when something is due; in between, time goes as it
does, so that sockets, pace and leases are real. At the end the archive is compared with what the
sites served, request by request.
"""

import itertools
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from storage.schedule import progress as job_progress
from storage.settings import load_settings
from storage.write.archive import Archive
from tests import services
from tests.flow.driver import findings, plain
from tests.flow.processes import Service, Supervisor, environment
from tests.tools.month.world import OUTCOME, Article, World, made
from tests.web.clock import SharedClock
from tests.web.site import Request, Web, simulated_web
from worker.flow.order import order_due
from worker.flow.standing_sources import watch_address

START = datetime(2024, 6, 1, tzinfo=UTC)
TICK = timedelta(minutes=30)
PACE_SECONDS = 0.02
FEED_EVERY, SITEMAP_EVERY = 2 * 3600.0, 6 * 3600.0
WORKERS = 2
GIVE_UP_SECONDS = 300.0
CLOSE = timedelta(seconds=30)
"""So far apart, by the clock of the web, an answer and its observation may be."""
ANSWERED = frozenset({"content", "unchanged", "not_modified"})


@dataclass
class Month:
    """The parameters of a run, and its results."""

    articles: int = 200
    feeds: int = 20
    sitemaps: int = 2
    days: float = 30.0
    kills: int = 50
    database: str = "sqlite"
    seed: int = 1
    faults: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def told(self) -> str:
        """Return the summary that the command prints."""
        verdict = "well" if not self.faults else f"{len(self.faults)} FAULTS"
        head = (
            f"{self.days:g} days, {self.articles} articles, {self.feeds} feeds, {self.sitemaps} sitemaps, "
            f"{self.kills} kills, {self.database}, seed {self.seed}: {verdict}"
        )
        lines = [f"  {name:<22} {value}" for name, value in self.figures.items()]
        return "\n".join([head, *lines, *(f"  fault  {each}" for each in self.faults[:30])])


class _Worker(Service):
    """A worker that goes by the shared clock."""

    def __init__(self, folder: Path, number: int, clock: Path, **settings: str) -> None:
        super().__init__(folder, f"worker{number}", **settings)
        self.command = [sys.executable, "-m", "tests.tools.month.worker", str(clock)]

    def start(self) -> None:
        import signal
        import subprocess

        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=environment(**self.settings),
                preexec_fn=services.die_with_parent(signal.SIGTERM),  # noqa: PLW1509  # one system call
            )  # fmt: skip


def run(month: Month) -> Month:
    """Live through the month and fill in its results."""
    began = time.monotonic()
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-month-")))
        clock = SharedClock(folder / "clock", START)
        world = made(
            month.seed, articles=month.articles, feeds=month.feeds, sitemaps=month.sitemaps,
            days=month.days, start=START,
        )  # fmt: skip
        web = resources.enter_context(simulated_web(folder, clock))
        world.open_on(web)
        url = f"sqlite:///{folder / 'lesart.sqlite3'}"
        if month.database == "postgresql":
            url = resources.enter_context(services.own_postgres()).url("postgres")
        settings = {
            "database_url": url, "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file),
            "pace": f"{PACE_SECONDS}s", "fetch_seconds": "10s", "contact": "archiv@lesart.example",
            "document_seconds": "4s", "batch_seconds": "10s", "lease_seconds": "20s",
        }  # fmt: skip
        _Life(month, world, web, clock, url, folder, settings).live()
        _Verdict(month, world, web, url).judge()
    month.figures["in all"] = f"{time.monotonic() - began:.0f} s"
    return month


class _Life:
    """The month as it goes by."""

    def __init__(
        self, month: Month, world: World, web: Web, clock: SharedClock, url: str, folder: Path,
        settings: dict[str, str],
    ) -> None:  # fmt: skip
        self.month, self.world, self.web, self.clock = month, world, web, clock
        self.chance = Random(month.seed)
        self.settings = load_settings(
            environ={f"LESART_{k.upper()}": v for k, v in settings.items()}
        )
        self.archive = Archive.open(url, clock)
        self.workers = [_Worker(folder, n, clock.path, **settings) for n in range(WORKERS)]
        self.killed = 0
        self.ticks = 0

    def live(self) -> None:
        for address in self.world.lists():
            every = FEED_EVERY if address in self.world.feeds else SITEMAP_EVERY
            watch_address(self.archive, self.settings, address, every_seconds=every)
        end = START + timedelta(days=self.month.days)
        kill_at = sorted(self.chance.uniform(0.02, 0.98) for _ in range(self.month.kills))
        try:
            with Supervisor(*self.workers) as supervisor:
                while self.clock() < end:
                    self._tick(supervisor, kill_at, (self.clock() - START) / (end - START))
                self.month.figures["restarts"] = sum(supervisor.restarts.values())
        finally:
            self.archive.close()
        self.month.figures["ticks"] = self.ticks

    def _tick(self, supervisor: Supervisor, kill_at: list[float], share: float) -> None:
        self.ticks += 1
        jobs = order_due(self.archive, self.settings)
        while kill_at and kill_at[0] <= share and jobs:
            kill_at.pop(0)
            self._kill(supervisor)
        self._await_quiet()
        self.clock.jump(self._next())

    def _next(self) -> datetime:
        """Return the next round moment at which something is due."""
        with self.archive.read_connection() as connection:
            due = connection.execute(
                text("SELECT min(next_check) FROM watch WHERE active")
            ).scalar()
        moment = datetime.fromisoformat(due) if isinstance(due, str) else due
        moment = max(moment or self.clock(), self.clock())
        return START + TICK * -(-(moment - START) // TICK)

    def _await_quiet(self) -> None:
        end = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < end:
            with self.archive.read_connection() as connection:
                if not job_progress.open_jobs(connection):
                    return
            time.sleep(0.03)
        self.month.faults.append(f"jobs stayed open at {self.clock():%Y-%m-%d %H:%M}")

    def _kill(self, supervisor: Supervisor) -> None:
        time.sleep(self.chance.uniform(0.0, 0.15))
        worker = self.chance.choice(self.workers)
        with supervisor.lock:
            if worker.is_alive:
                worker.kill()
                self.killed += 1
        self.month.figures["kills"] = self.killed


class _Verdict:
    """Compares the archive with the responses of the sites."""

    def __init__(self, month: Month, world: World, web: Web, url: str) -> None:
        self.month, self.world, self.web, self.url = month, world, web, url
        self.by_path = {}
        for each in world.articles:
            self.by_path[each.host, each.path] = each
            if each.moved is not None:
                self.by_path[each.host, each.moved[1]] = each
        self.requests: dict[int, list[Request]] = defaultdict(list)
        for request in web.requests:
            article = self.by_path.get((request.host, request.path))
            if article is not None:
                self.requests[article.number].append(request)

    def judge(self) -> None:
        with _asking(self.url) as ask:
            told = self._observations(ask)
            self._versions(ask, told)
            self._absences(told)
            self._counts(ask, told)
        self._pace()
        self._bodies()
        broken = findings(self.url)
        self.month.figures["verify"] = "clean" if not broken else f"{len(broken)} broken"
        self.month.faults += [f"verify: {each}" for each in broken[:5]]

    # ------------------------------------------------------------------- what was observed

    def _observations(self, ask) -> dict[int, list[dict[str, Any]]]:
        """Return by article the addresses in the archive, in order of time."""
        found = defaultdict(list)
        rows = ask(
            "SELECT origin, observed_at, outcome, http_status, version FROM observations ORDER BY observed_at, seq"
        )
        for row in rows:
            host, _, path = row["origin"].partition("://")[2].partition("/")
            article = self.by_path.get((host, f"/{path}"))
            if article is not None:
                row["at"] = datetime.fromisoformat(row["observed_at"])
                found[article.number].append(row)
        for number, observations in found.items():
            self._are_founded(number, observations)
        return found

    def _are_founded(self, number: int, observations: list[dict[str, Any]]) -> None:
        """Check that each observation of an answer is an answer that was given, and given once."""
        served = list(self.requests[number])
        for row in observations:
            if row["http_status"] is None:
                continue
            match = next(
                (
                    r
                    for r in served
                    if r.status == row["http_status"] and timedelta(0) <= row["at"] - r.at < CLOSE
                ),
                None,
            )
            if match is None:
                self._fault(number, f"{row['outcome']} at {row['at']} was never served")
            else:
                served.remove(match)

    def _versions(self, ask, told: dict[int, list[dict[str, Any]]]) -> None:
        """Check that the versions are the editions that were seen, with the snapshots between them."""
        versions = defaultdict(list)
        for row in ask(
            "SELECT a.origins, v.title, v.text, v.changed_after, v.changed_by FROM versions v "
            "JOIN articles a ON a.article = v.article ORDER BY v.article, v.version"
        ):
            host, _, path = row["origins"][0].partition("://")[2].partition("/")
            article = self.by_path.get((host, f"/{path}"))
            if article is not None:
                versions[article.number].append(row)
        changes = seen = 0
        for article in self.world.articles:
            snapshots = [r for r in told.get(article.number, ()) if r["outcome"] in ANSWERED]
            expected = self._runs(article, snapshots)
            found = [
                (self._edition(article, row), row["changed_after"], row["changed_by"])
                for row in versions.get(article.number, ())
            ]
            if [each[0] for each in found] != [each[0] for each in expected]:
                self._fault(
                    article.number,
                    f"has editions {[e[0] for e in found]}, was seen as {[e[0] for e in expected]}",
                )
                continue
            for (edition, after, by), (_e, last, first) in zip(found, expected, strict=True):
                if (after and datetime.fromisoformat(after)) != last or datetime.fromisoformat(
                    by
                ) != first:
                    self._fault(
                        article.number,
                        f"edition {edition} is said to have come in ({after}, {by}], was seen in ({last}, {first}]",
                    )
            for moment, _old, new in article.changes():
                later = [r for r in snapshots if r["at"] >= moment]
                until = min(
                    (m for m, _o, _n in article.changes() if m > moment),
                    default=datetime.max.replace(tzinfo=UTC),
                )
                changes += 1
                if any(moment <= r["at"] < until for r in later):
                    seen += 1
                    if not any(
                        e == new
                        and (a is None or datetime.fromisoformat(a) < moment)
                        and moment <= datetime.fromisoformat(b)
                        for e, a, b in found
                    ):
                        self._fault(
                            article.number,
                            f"the change of {moment} is no version with the right interval",
                        )
        self.month.figures["scripted changes"] = f"{changes}, of which {seen} were seen by a check"
        self.month.figures["versions"] = sum(len(each) for each in versions.values())

    def _runs(
        self, article: Article, snapshots: list[dict[str, Any]]
    ) -> list[tuple[int, datetime | None, datetime]]:
        """Return the runs of editions that were served at the snapshots: edition, last of the one before, first."""
        runs: list[tuple[int, datetime | None, datetime]] = []
        last: datetime | None = None
        for row in snapshots:
            spell = article.at(row["at"])
            assert spell is not None
            if not runs or article.editions[runs[-1][0]] != article.editions[spell.edition]:
                runs.append((spell.edition, last, row["at"]))
            last = row["at"]
        return runs

    def _edition(self, article: Article, row: dict[str, Any]) -> int:
        for number, (title, paragraphs) in enumerate(article.editions):
            if row["title"] == title and row["text"] == "\n\n".join(paragraphs):
                return number
        return -1

    def _absences(self, told: dict[int, list[dict[str, Any]]]) -> None:
        """Check that exactly the checks of absent pages are reported as such."""
        met: Counter[str] = Counter()
        for article in self.world.articles:
            for row in told.get(article.number, ()):
                if row["outcome"] in {"redirected", "disallowed_by_robots"}:
                    continue
                spell = article.at(row["at"]) or article.at(row["at"] + CLOSE)
                is_before_move = (
                    article.moved
                    and row["origin"].endswith(article.moved[1])
                    and row["at"] < article.moved[0]
                )
                expected = (
                    ("gone",)
                    if spell is None or is_before_move
                    else tuple(ANSWERED)
                    if spell.what == "text"
                    else (OUTCOME[spell.what],)
                )
                if row["http_status"] is None:
                    expected = (*expected, "unreachable", "rate_limited")
                met[row["outcome"]] += 1
                if row["outcome"] not in expected:
                    self._fault(
                        article.number,
                        f"{row['outcome']} at {row['at']} while it was {spell and spell.what}",
                    )
        self.month.figures["outcomes"] = ", ".join(f"{k} {v}" for k, v in sorted(met.items()))
        scripted = sum(s.what != "text" for a in self.world.articles for s in a.spells)
        self.month.figures["scripted absences"] = scripted

    def _counts(self, ask, told: dict[int, list[dict[str, Any]]]) -> None:
        missed = [a.number for a in self.world.articles if a.number not in told]
        late = [
            n
            for n in missed
            if self.world.articles[n].published < START + timedelta(days=self.month.days - 1)
        ]
        if late:
            self.month.faults.append(f"never looked at: articles {late[:10]}")
        articles = ask("SELECT count(*) AS n FROM articles")[0]["n"]
        self.month.figures["articles kept"] = articles

    # ------------------------------------------------------------------- what was asked

    def _pace(self) -> None:
        """Check that no host was ever asked faster than its pace, by the clock of the machine."""
        by_host = defaultdict(list)
        for request in self.web.requests:
            by_host[request.host].append(request.moment)
        gaps = []
        for host, moments in by_host.items():
            moments.sort()
            for a, b in itertools.pairwise(moments):
                gaps.append(b - a)
            burst = self._burst(moments)
            if burst > 1.0:
                self.month.faults.append(
                    f"{host} was asked {burst:.2f} times as fast as its pace in some second"
                )
        figures = self.month.figures
        figures["requests"] = f"{len(self.web.requests)} to {len(by_host)} hosts"
        figures["smallest gap"] = (
            f"{min(gaps) * 1000:.1f} ms, the pace is {PACE_SECONDS * 1000:.0f} ms"
        )

    @staticmethod
    def _burst(moments: list[float]) -> float:
        """Return the busiest second as a share of the limit of the pace."""
        allowed = 1.0 / PACE_SECONDS + 1
        busiest = start = 0
        for end in range(len(moments)):
            while moments[end] - moments[start] > 1.0:
                start += 1
            busiest = max(busiest, end - start + 1)
        return busiest / allowed

    def _bodies(self) -> None:
        """Check that looking again at what did not change mostly costs no body."""
        free = paid = 0
        for article in self.world.articles:
            if not article.has_validators:
                continue
            last: int | None = None
            for request in self.requests[article.number]:
                spell = article.at(request.at)
                if request.status == 304:
                    free += 1
                elif request.status == 200 and spell is not None and spell.what == "text":
                    paid += last == spell.edition
                    last = spell.edition
        share = free / (free + paid) if free + paid else 1.0
        self.month.figures["rechecks of unchanged"] = f"{free + paid}, {share:.1%} without a body"
        if share < 0.6:
            self.month.faults.append(
                f"only {share:.1%} of rechecks of unchanged pages cost no body"
            )

    def _fault(self, number: int, what: str) -> None:
        self.month.faults.append(f"article {number}: {what}")


@contextmanager
def _asking(url: str) -> Iterator[Any]:
    archive = Archive.open(url, create=False)

    def ask(query: str) -> list[dict[str, Any]]:
        with archive.read_connection() as connection:
            found = connection.execute(text(query)).mappings()
            return [{name: plain(value) for name, value in row.items()} for row in found]

    try:
        yield ask
    finally:
        archive.close()
