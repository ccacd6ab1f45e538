"""Running services do every periodic act and send alerts: `lesart up`, and the stack's processes."""

import inspect
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from storage.capabilities import load_parts
from tests import services
from tests.alerts.receivers import Receiver, receiving
from tests.flow.driver import SENTENCES, findings, seed
from tests.flow.processes import Service, lesart, rows, until
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Web, page, simulated_web
from worker.services.schedule import acts
from worker.services.schedule.scheduler import ACTS, Scheduler, late_acts

pytestmark = pytest.mark.starts_first

INTERVALS = {
    "sweep": 0.5, "sources": 2.0, "alerts": 1.0, "copies": 2.0, "pictures": 2.0, "log": 0.5, "tiles": 1.0, "witnesses": 30.0,
    "authorities": 30.0, "retention": 3600.0, "figures": 60.0, "progress": 5.0,
    "jobs": 3600.0, "objects": 3600.0,
}  # fmt: skip


@dataclass
class Installation:
    """Running services with a watched folder, a watched page and a receiver of webhooks."""

    folder: Path
    settings: dict[str, str]
    running: list[Service]
    web: Web
    receiver: Receiver
    page_port: int
    waits_seconds: float  # for another end of the acts with no longer interval
    started: float = field(default_factory=time.time)

    def command(self, *words: str) -> None:
        done = lesart(self.folder, *words, **self.settings)
        assert done.returncode == 0, done.stderr

    def rows(self, *words: str) -> list[dict]:
        return rows(self.folder, *words, **self.settings)

    def write_seed(self, text: str) -> None:
        (self.folder / "seeds" / "pegel.txt").write_text(seed("Pegel steigt", text), "utf-8")

    def titles_sent(self) -> set[str]:
        return {body["data"]["title"] for body in self.receiver.bodies}

    def checks(self, name: str) -> list[dict]:
        """Return the findings of `lesart doctor` by one check."""
        return [row for row in self.rows("doctor") if row["check"] == name]

    def figures(self, name: str) -> dict[str, float]:
        """Return a figure of `/metrics` by its label; nothing while the page starts."""
        try:
            with urlopen(f"http://127.0.0.1:{self.page_port}/metrics", timeout=60) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        return {
            next(iter(sample.labels.values())): sample.value
            for each in text_string_to_metric_families(text)
            for sample in each.samples
            if sample.name == name
        }

    def ends(self) -> dict[str, float]:
        """Return when each act last ended since the services started."""
        now = time.time()
        ages = self.figures("lesart_act_age_seconds")
        return {name: now - age for name, age in ages.items() if now - age > self.started}


@contextmanager
def installation(folder: Path, **stores: str) -> Iterator[Installation]:
    (folder / "seeds").mkdir()
    port = services.free_port()
    with receiving() as receiver, simulated_web(folder, lambda: datetime.now(UTC)) as web:
        web.sites["zeitung.example"] = {}
        web.put(A, page("Pegel am Hafen", PEGEL))
        settings = {
            "home": str(folder / "home"), "seeds": str(folder / "seeds"), "every": "1s",
            "allow_hosts": f"{web.allow_hosts()},127.0.0.1:{receiver.port}",
            "ca_file": str(web.ca_file), "pace": "0.05s", "web_address": f"127.0.0.1:{port}",
            **stores,
        }  # fmt: skip
        words = (
            [("worker", "--concurrency", "2"), ("scheduler",), ("web",)] if stores else [("up",)]
        )
        running = [Service(folder, *each, **settings) for each in words]
        waits_seconds = 60.0 if stores else 5.0
        made = Installation(folder, settings, running, web, receiver, port, waits_seconds)
        made.write_seed(SENTENCES[0])
        for each in running:
            each.start()
        try:
            yield made
        finally:
            for each in running:
                each.end(seconds=120.0)
                sys.stdout.write(each.told()[-3000:])
        broken = findings(stores.get("database_url", f"sqlite:///{folder}/home/lesart.sqlite3"))
        assert broken == [], broken


@pytest.fixture(params=["up", "services"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        stores = {}
        if request.param == "services":
            databases = request.getfixturevalue("postgres_databases")
            template = request.getfixturevalue("_postgres_template")
            stores["database_url"] = stack.enter_context(databases.database(template))
            stores["broker_url"] = stack.enter_context(services.own_redis()).url
        yield stack.enter_context(installation(tmp_path, **stores))


def test_the_table_names_every_act_and_its_interval():
    assert {act.name: act.seconds for act in ACTS} == INTERVALS


def test_no_act_is_outside_of_the_table():
    public = {
        function
        for owner in (Scheduler, acts)
        for name, function in inspect.getmembers(owner, inspect.isfunction)
        if not name.startswith("_")
        and getattr(owner, "__name__", "")
        in {function.__module__, function.__qualname__.partition(".")[0]}
    } | {act.function for part in load_parts("work") for act in part.ACTS}
    assert public - {Scheduler.run, Scheduler.is_over, acts.send_all} == {
        act.function for act in ACTS
    }


def test_an_act_that_never_ended_or_ended_long_ago_is_late():
    ages = dict.fromkeys(INTERVALS, 1.0)
    assert late_acts(ages) == {}
    del ages["log"]
    assert late_acts(ages | {"alerts": 3600.0}) == {"alerts": 3600.0, "log": None}


@pytest.mark.slow
@pytest.mark.stack
def test_changes_reach_a_webhook_and_every_act_runs_within_its_interval(installed):
    until(lambda: len(installed.rows("list")) == 1, what="the seed")
    installed.command("source", "add", A, "--recheck", "1s")
    until(lambda: len(installed.rows("list")) == 2, what="the page of the site")
    installed.command("alert", "add", "alles", "--webhook", installed.receiver.url)

    began = time.monotonic()
    installed.write_seed(SENTENCES[1])
    installed.web.put(A, page("Pegel am Hafen", HIGHER))
    until(
        lambda: installed.titles_sent() == {"Pegel steigt", "Pegel am Hafen"}, what="the webhooks"
    )
    sys.stdout.write(f"the webhooks arrived {time.monotonic() - began:.1f} s after the changes\n")
    until(lambda: {row["state"] for row in installed.rows("alert", "log")} == {"sent"})

    until(lambda: installed.ends().keys() == INTERVALS.keys(), what="the end of each act")
    first = installed.ends()
    frequent = [name for name, seconds in INTERVALS.items() if seconds <= installed.waits_seconds]
    again = lambda: all(installed.ends().get(name, 0.0) > first[name] + 1.0 for name in frequent)  # noqa: E731
    until(again, what="another end of each frequent act")
    until(lambda: [row["state"] for row in installed.checks("scheduler")] == ["ok"])
    until(lambda: [row["state"] for row in installed.checks("alerts")] == ["ok"])
