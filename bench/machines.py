"""Kill the primary of a cluster in mid-ingestion, and count what is lost and how long it takes.

    python -m bench.machines                 # twenty kills
    python -m bench.machines --kills 2       # the short version

On one machine run etcd, three nodes of PostgreSQL under Patroni (a primary and two synchronous
replicas), Redis, PgBouncer, a scheduler, two workers, the web server, which reads the
replicas, and a witness that signs only a log that grew. Texts arrive in a watched folder, and pages
by HTTP. Then the primary is killed (-9) again and again, every third time together with its
Patroni, as if its machine were gone. Needs the packages patroni, etcd-server, pgbouncer and
sigsum-go, and `pip install -e '.[bench,test]'`.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from storage.proof.note import Note, Verifier
from tests import services
from tests.flow.processes import Service, Supervisor, lesart_process
from tests.proof.sigsum import sigsum_witness

PROGRAMS = ("patroni", "etcd", "pgbouncer", "sigsum-witness")
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin"
NODES = ("a", "b", "c")
WAIT_SECONDS = 240.0
HTML = "<!doctype html><html><title>{0}</title><article><h1>{0}</h1><p>{1}</p></article></html>"
SENTENCE = "Der Pegel der Lohe stieg in der Nacht um {} Zentimeter auf einen neuen Stand. "


def missing_programs() -> list[str]:
    """Return the programs that are not installed."""
    return [each for each in PROGRAMS if shutil.which(each, path=SEARCHED) is None]


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def until(true: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> float:
    """Wait for a state, and return how long that took."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"{what} did not come about within {seconds:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began


class PatientService(Service):
    """A service that has more time to end: the machine is full."""

    def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = 120.0) -> float:
        return super().end(how, seconds)


class Etcd(services.Server):
    """The store in which the nodes agree on their primary."""

    def __init__(self, folder: Path, user: int | None) -> None:
        super().__init__(folder, user)
        self.port, self.peer_port = services.free_port(), services.free_port()

    def command(self) -> list[str]:
        here, peers = (f"http://127.0.0.1:{each}" for each in (self.port, self.peer_port))
        return [
            "etcd", "--data-dir", str(self.folder / "etcd"), "--listen-client-urls", here,
            "--advertise-client-urls", here, "--listen-peer-urls", peers,
            "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}",
            "--unsafe-no-fsync", "--log-level", "error",
        ]  # fmt: skip

    def answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}/health").status_code == 200
        return False


class Node(services.Server):
    """PostgreSQL under Patroni."""

    def __init__(self, name: str, folder: Path, user: int | None, binaries: Path) -> None:
        super().__init__(folder / name, user)
        self.name, self.binaries = name, binaries
        self.port, self.control_port = services.free_port(), services.free_port()

    def prepare(self, etcd: Etcd) -> None:
        """Write its settings: both replicas confirm each commit while they are there."""
        self.folder.mkdir()
        trust = ["local all all trust", "host all all 127.0.0.1/32 trust",
                 "host replication all 127.0.0.1/32 trust"]  # fmt: skip
        known = {"username": "postgres", "password": "postgres"}
        parameters = {
            "synchronous_commit": "on", "max_connections": 100, "shared_buffers": "64MB",
            "wal_log_hints": "on", "wal_keep_size": "256MB",
        }  # fmt: skip
        told = {
            "scope": "lesart", "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.control_port}",
                        "connect_address": f"127.0.0.1:{self.control_port}"},
            "etcd3": {"host": f"127.0.0.1:{etcd.port}"},
            "bootstrap": {
                "dcs": {
                    "ttl": 20, "loop_wait": 1, "retry_timeout": 5, "primary_start_timeout": 0,
                    "synchronous_mode": True, "synchronous_node_count": 2,
                    "postgresql": {"use_pg_rewind": True, "parameters": parameters},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale-provider": "builtin"},
                           {"locale": "C.UTF-8"}, {"auth": "trust"}],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}", "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self.folder / "data"), "bin_dir": str(self.binaries),
                "pgpass": str(self.folder / "pgpass"), "pg_hba": trust,
                "parameters": {"unix_socket_directories": str(self.folder)},
                "authentication": {"superuser": known, "replication": known},
            },
        }  # fmt: skip
        (self.folder / "patroni.yml").write_text(json.dumps(told))
        if self.user is not None:
            os.chown(self.folder, self.user, -1)
            self.folder.chmod(0o700)

    def command(self) -> list[str]:
        return ["patroni", str(self.folder / "patroni.yml")]

    def answers(self) -> bool:
        with suppress(httpx.TransportError):
            return bool(httpx.get(f"http://127.0.0.1:{self.control_port}/liveness"))
        return False

    @property
    def role(self) -> str | None:
        """Say whether it is the primary, or a replica that follows one."""
        with suppress(httpx.TransportError, ValueError):
            told = httpx.get(f"http://127.0.0.1:{self.control_port}/patroni", timeout=5).json()
            if told.get("state") == "running" and told.get("role") in {"primary", "master"}:
                return "primary"
            if told.get("replication_state") == "streaming":
                return "replica"
        return None

    def kill_database(self) -> None:
        """Kill -9 the main process of the database."""
        os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), 9)


@dataclass
class Cluster:
    """The nodes, and the addresses of the archive on them."""

    nodes: list[Node]

    @property
    def hosts(self) -> str:
        return ",".join(f"127.0.0.1:{each.port}" for each in self.nodes)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@{self.hosts}/postgres"

    def primary(self) -> Node | None:
        return next((each for each in self.nodes if each.role == "primary"), None)

    def is_whole(self) -> bool:
        """Check whether both replicas confirm commits: a primary that ends before is not replaced.

        Patroni knows then of no node that has all commits, and waits for the old primary.
        """
        roles = sorted(str(each.role) for each in self.nodes)
        with suppress(psycopg.Error):
            confirming = self.ask(
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
            )
            return roles == ["primary", "replica", "replica"] and confirming[0][0] == 2
        return False

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the primary. Raises: psycopg.Error if there is none."""
        address = f"{self.url}?target_session_attrs=primary&connect_timeout=2"
        with psycopg.connect(address, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def captured(self) -> int | None:
        """Return how many articles the primary has, None without a primary."""
        with suppress(psycopg.Error):
            return int(self.ask("SELECT count(*) FROM capture")[0][0])
        return None


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """Give three nodes of PostgreSQL, a primary with two replicas that follow it."""
    user = services._other_user()  # noqa: SLF001  # as the servers of the tests do
    with services._folder("lesart-machines-", user) as folder, ExitStack() as stack:  # noqa: SLF001
        binaries = services._runnable(services._postgres_binaries(), user, folder)  # noqa: SLF001
        etcd = Etcd(folder, user)
        etcd.start()
        stack.callback(etcd.stop)
        cluster = Cluster([Node(each, folder, user, binaries) for each in NODES])
        for each in cluster.nodes:
            each.prepare(etcd)
            each.start()
            stack.callback(each.stop)
            until(cluster.primary, "a primary")
        until(cluster.is_whole, "a primary with two replicas")
        yield cluster


@dataclass
class Traffic:
    """What arrives, what is read, and what was answered meanwhile."""

    folder: Path
    page: str
    token: str
    cluster: Cluster
    sign: Callable[[], subprocess.CompletedProcess[str]]
    witness: Verifier
    files: int = 0
    confirmed: set[str] = field(default_factory=set)
    answers: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seen: set[tuple[int, str]] = field(default_factory=set)
    shown: dict[str, str] = field(default_factory=dict)
    cosigned: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    last_seq: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=each, daemon=True)
            for each in (self._write_files, self._submit, self._read, self._follow, self._cosign)
        ]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self._over.set()
            for each in threads:
                each.join()

    def _write_files(self) -> None:
        while not self._over.wait(0.2):
            name = f"datei{self.files}"
            part = self.folder / f".{name}"
            part.write_text(f" date 2024-06-18 {name}\n{SENTENCE.format(self.files) * 5}\n")
            part.rename(self.folder / f"{name}.txt")
            self.files += 1

    def _submit(self) -> None:
        number = 0
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.page, timeout=60) as client:
            while not self._over.wait(1.2):  # a token allows sixty a minute
                number += 1
                url = f"https://zeitung.example/seite{number}"
                html = HTML.format(f"Seite {number}", SENTENCE.format(number) * 9)
                with suppress(httpx.TransportError):
                    answer = client.post(
                        "/api/captures", json={"url": url, "html": html}, headers=headers
                    )
                    if answer.status_code == 201:
                        self.confirmed.add(answer.json()["origin"])

    def _read(self) -> None:
        """Follow the articles by their order on the page, which asks the replicas."""
        last: dict[str, str] = {}
        with httpx.Client(base_url=self.page, timeout=60) as client:
            while not self._over.wait(0.2):
                began = time.monotonic()
                try:
                    answer = client.get("/api/articles", params={"limit": "100"} | last)
                    if answer.status_code != 200:
                        self.failures.append(f"{answer.status_code} {answer.text[:200]}")
                    else:
                        for each in answer.json()["items"]:
                            self.shown.setdefault(each["article"], each["first_seen"])
                            last = {"after": each["cursor"]}
                except httpx.TransportError as error:
                    self.failures.append(repr(error))
                self.answers.append(time.monotonic() - began)

    def _follow(self) -> None:
        """Follow the articles by `seq`, as a reader does who wants each once."""
        while not self._over.wait(0.3):
            with suppress(psycopg.Error):
                rows = self.cluster.ask(
                    f"SELECT seq, article FROM versions WHERE seq > {self.last_seq} ORDER BY seq"
                )
                self.seen |= {(seq, article) for seq, article in rows}
                self.last_seq = max([self.last_seq, *(seq for seq, _ in rows)])

    def _cosign(self) -> None:
        """Sign the log again and again, and have the witness sign it."""
        while not self._over.wait(1.0):
            ended = self.sign()
            if ended.returncode == 0 and Note.parse(ended.stdout).line_of(self.witness):
                self.cosigned.add(ended.stdout)
            self.refusals += [
                x
                for x in ended.stderr.splitlines()
                if "did not cosign" in x and "another process" not in x
            ]


@contextmanager
def own_witness(folder: Path, done: Callable[..., str]) -> Iterator[Verifier]:
    """Create the key of the log, and run a witness that the file `policy` names."""
    made = json.loads(done("proof", "keygen", "--sigsum", "--format", "jsonl"))
    place = folder / "witness"
    place.mkdir()
    with sigsum_witness(place, Verifier.parse(made["vkey"])) as (url, witness):
        (folder / "policy").write_text(f"witness w {witness.vkey} {url}\nquorum w\n")
        yield witness


def run(folder: Path, kills: int, within: float) -> tuple[dict[str, Any], list[str]]:
    """Run everything; return the figures and what was wrong."""
    with own_cluster() as cluster, services.own_redis() as redis, ExitStack() as stack:
        seeds = folder / "seeds"
        seeds.mkdir()
        settings = {
            "database_url": cluster.url, "reader_database_url": cluster.url,
            "broker_url": redis.url, "home": str(folder / "home"), "seeds": str(seeds),
            "web_address": f"127.0.0.1:{services.free_port()}", "web_workers": "2",
            "proof_every": "20s",
        }  # fmt: skip

        def command(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
            return lesart_process(folder, *words, **settings | more)

        def done(*words: str, **more: str) -> str:
            ended = command(*words, **more)
            if ended.returncode != 0:
                raise SystemExit(f"lesart {' '.join(words)}: {ended.stderr}")
            return ended.stdout

        done("db", "upgrade")
        witness = stack.enter_context(own_witness(folder, done))
        settings["proof_witnesses"] = str(folder / "policy")
        done("source", "add", str(seeds), "--every", "1s")
        made = json.loads(done("token", "add", "ada", "--scope", "capture", "--format", "json"))
        say("ingest through PgBouncer")
        figures: dict[str, Any] = through_bouncer(cluster, folder, done)
        running = [
            PatientService(folder, each, **settings) for each in ("scheduler", "worker", "web")
        ]
        second = PatientService(folder, "worker", **settings | {"home": str(folder / "home2")})
        second.log = folder / "worker-2.log"
        page = f"http://{settings['web_address']}"
        with Supervisor(*running, second):
            until(lambda: answers(page), "the page")
            say("texts arrive")
            sign = partial(command, "proof", "checkpoint")
            traffic = Traffic(seeds, page, made[0]["token"], cluster, sign, witness)
            with traffic.running():
                until(lambda: (cluster.captured() or 0) > 0, "the first text")
                pauses = [kill_primary(cluster, number) for number in range(kills)]
                until(cluster.is_whole, "a whole cluster")
            say("read what is left")
            until(lambda: is_read(cluster, traffic), "the last text", 600)
        figures |= {
            "kills": kills,
            "seconds until the next text": pauses,
            "median": statistics.median(pauses),
            "longest": max(pauses),
            "cosignatures": cluster.ask("SELECT count(*) FROM log_cosignature")[0][0],
        }
        complaints = compare(cluster, traffic) + examine(folder, command, traffic)
        late = [each for each in pauses if each > within]
        complaints += [f"{len(late)} kills took longer than {within:.0f} s"] if late else []
        return figures | traffic_figures(traffic), complaints


def examine(folder: Path, command: Callable[..., Any], traffic: Traffic) -> list[str]:
    """Return what `lesart verify`, also against each cosigned checkpoint, and `doctor` find."""
    against = []
    for number, note in enumerate(sorted(traffic.cosigned)):
        file = folder / f"cosigned-{number}"
        file.write_text(note)
        against += ["--against", str(file)]
    say(f"verify against {len(traffic.cosigned)} checkpoints")
    ended = command("verify", "--format", "jsonl", *against)
    complaints = [] if ended.returncode == 0 else [ended.stdout[-2000:] + ended.stderr[-500:]]
    if "level: cosigned" not in command("verify", "--format", "jsonl").stderr:
        complaints.append("the newest checkpoint is not cosigned")
    found = map(json.loads, command("doctor", "--format", "jsonl").stdout.splitlines())
    return complaints + [
        each["message"]
        for each in found
        if each["check"] in {"log", "replicas", "pooler"} and each["state"] != "ok"
    ]


def through_bouncer(cluster: Cluster, folder: Path, done: Callable[..., str]) -> dict[str, float]:
    """Ingest the same number of texts directly and through PgBouncer in session mode."""
    primary = cluster.primary()
    assert primary is not None
    figures, count = {}, 200
    with services.own_bouncer(f"host=127.0.0.1 port={primary.port}", "session") as bouncer:
        for name, url in (("directly", cluster.url), ("bouncer", bouncer.url("postgres"))):
            texts = folder / name
            texts.mkdir()
            for number in range(count):
                text = SENTENCE.format(f"{name} {number}") * 5
                (texts / f"{number}.txt").write_text(f" date 2024-06-18 {name}{number}\n{text}\n")
            began = time.monotonic()
            done("ingest", str(texts), database_url=url, broker_url="memory://")
            figures[f"texts a second, {name}"] = round(count / (time.monotonic() - began), 1)
    return figures


def kill_primary(cluster: Cluster, number: int) -> float:
    """Kill the primary; return how many seconds passed until the next text was stored."""
    until(cluster.is_whole, "a whole cluster")
    before = cluster.captured() or 0
    until(lambda: (cluster.captured() or 0) > before, "a text before the next kill")
    node = cluster.primary()
    assert node is not None
    is_machine = number % 3 == 2
    if is_machine:
        node.kill()
    node.kill_database()
    began = time.monotonic()
    until(lambda: cluster.primary() not in {None, node} or cluster.primary(), "a new primary")
    known = None
    while known is None:
        known = cluster.captured()
    until(lambda: (cluster.captured() or 0) > known, "a text after the kill")
    seconds = time.monotonic() - began
    if is_machine:
        node.start()
    say(f"kill {number + 1}: {seconds:.1f} s")
    return round(seconds, 1)


def answers(page: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{page}/readyz").status_code == 200
    return False


def is_read(cluster: Cluster, traffic: Traffic) -> bool:
    """Check whether each file, and each confirmed page, is an article."""
    with suppress(psycopg.Error):
        origins = {row[0] for row in cluster.ask("SELECT origin FROM articles")}
        files = sum("seeds/datei" in each for each in origins)
        return files >= traffic.files and traffic.confirmed <= origins
    return False


def compare(cluster: Cluster, traffic: Traffic) -> list[str]:
    """Return what was lost, stored twice, or numbered out of order."""
    stored = dict(
        cluster.ask(
            "SELECT origin, count(*) FROM observations WHERE outcome = 'content' GROUP BY origin"
        )
    )
    files = {f: n for f, n in stored.items() if "seeds/datei" in f}
    complaints = []
    if len(files) != traffic.files:
        complaints.append(f"{traffic.files} files, {len(files)} stored")
    lost = [each for each in traffic.confirmed if each not in stored]
    if lost:
        complaints.append(f"{len(lost)} confirmed pages are lost, such as {lost[0]}")
    twice = [each for each in (*files, *traffic.confirmed) if stored.get(each, 1) != 1]
    if twice:
        complaints.append(f"{len(twice)} are stored twice, such as {twice[0]}")
    several = cluster.ask(
        "SELECT article, count(*) FROM versions GROUP BY article HAVING count(*) > 1"
    )
    if several:
        complaints.append(f"{len(several)} articles have two versions, such as {several[0]}")
    there = set(cluster.ask(f"SELECT seq, article FROM versions WHERE seq <= {traffic.last_seq}"))
    missed = there - traffic.seen
    if missed:
        complaints.append(f"{len(missed)} rows appeared below a number that was read: {missed}")
    first_seen = dict(cluster.ask("SELECT article, first_seen FROM articles"))
    vanished = [
        each
        for each, at in traffic.shown.items()
        if first_seen.get(each) != datetime.fromisoformat(at)
    ]
    if vanished:
        complaints.append(f"{len(vanished)} articles that the page showed were lost: {vanished}")
    if traffic.failures:
        complaints.append(f"{len(traffic.failures)} requests failed: {traffic.failures[:3]}")
    if traffic.refusals:
        complaints.append(f"the witness refused {len(traffic.refusals)} times: {traffic.refusals}")
    if not traffic.cosigned:
        complaints.append("the witness signed nothing")
    return complaints


def traffic_figures(traffic: Traffic) -> dict[str, Any]:
    answers_ = sorted(traffic.answers)
    return {
        "files": traffic.files,
        "confirmed pages": len(traffic.confirmed),
        "answers of the page": len(answers_),
        "failed answers": len(traffic.failures),
        "answer, median ms": round(1000 * statistics.median(answers_)),
        "answer, slowest s": round(answers_[-1], 1),
        "cosigned checkpoints to verify against": len(traffic.cosigned),
    }


def main() -> None:
    """Run, print the figures, and end with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="number of kills (default: 20)")
    parser.add_argument(
        "--within", type=float, default=30.0,
        help="seconds after a kill until which the next text must be stored (default: 30)",
    )  # fmt: skip
    given = parser.parse_args()
    missing = missing_programs()
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with services._folder("lesart-bench-", None) as folder:  # noqa: SLF001
        figures, complaints = run(folder, given.kills, given.within)
        table = Table("figure", "value", title="a primary killed in mid-ingestion")
        for name, value in figures.items():
            table.add_row(name, str(value))
        table.add_row("wrong", str(len(complaints)))
        Console().print(table)
        for each in complaints:
            print(each)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
