"""Real processes follow a site with walls, errors and edits: each edit is reported once, no other.

`lesart up` on SQLite, and a worker and a scheduler on PostgreSQL and Redis, as compose runs them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import services
from tests.alerts.receivers import Receiver, receiving
from tests.capabilities.unconfirmed.pages import (
    CONSENT,
    DAMM,
    EXPIRED,
    HIGHER,
    LOG_IN,
    NIGHT,
    REWRITTEN,
    article,
)
from tests.flow.driver import findings
from tests.flow.processes import Service, Supervisor, lesart_process, rows, until
from tests.web.site import Web, simulated_web

pytestmark = [pytest.mark.slow, pytest.mark.stack, pytest.mark.starts_first]

DAM, COUNCIL, HARBOUR = (
    "https://zeitung.example/damm",
    "https://zeitung.example/rat",
    "https://bote.example/hafen",
)
RAT = (
    "Der Rat der Stadt hat am Montag 14 Stellen im Bauamt gestrichen, um Geld zu sparen.",
    "Die Leiterin des Amtes warnte, dass Anträge künftig länger liegen bleiben als heute.",
)
HAFEN = (
    "Im Hafen liegen seit Dienstag 3 alte Fähren, die im Winter verschrottet werden sollen.",
    "Ein Verein möchte eine davon retten und als Museum am alten Kai herrichten lassen.",
)
CHANGES = "SELECT origin, version FROM changes JOIN articles USING (article)"
FEWER = (RAT[0].replace("14", "41"), RAT[1])


@dataclass
class Archive:
    """A site, the processes that follow it, and who receives their messages."""

    folder: Path
    settings: dict[str, str]
    web: Web
    receiver: Receiver

    def rows(self, *words: str) -> list[dict]:
        return rows(self.folder, *words, **self.settings)

    def command(self, *words: str) -> None:
        ended = lesart_process(self.folder, *words, **self.settings)
        assert ended.returncode == 0, ended.stderr

    def show(self, **pages: str) -> None:
        """Let addresses, by their last part, show pages, and wait until each is checked."""
        before = {}
        for name, page in pages.items():
            address = next(each for each in (DAM, COUNCIL, HARBOUR) if each.endswith(name))
            self.web.put(address, page)
            before[f"/{name}"] = len(self.web.asked(f"/{name}"))
        for path, number in before.items():  # the first answer may be one from before
            until(
                lambda p=path, n=number: len(self.web.asked(p)) >= n + 2, what=f"checks of {path}"
            )

    def versions(self) -> dict[str, int]:
        return {row["origin"]: row["versions"] for row in self.rows("list")}

    def held(self) -> list[str]:
        """Return the addresses with an open reading."""
        return sorted(row["origin"] for row in self.rows("unconfirmed", "--open"))


@contextmanager
def _up(folder: Path, settings: dict[str, str]) -> Iterator[None]:
    up = Service(folder, "up", "--no-web", **settings)
    up.start()
    try:
        yield
    finally:
        up.end()
        sys.stdout.write(up.told()[-3000:])


@contextmanager
def _services(folder: Path, settings: dict[str, str]) -> Iterator[None]:
    worker = Service(folder, "worker", "--concurrency", "2", **settings)
    scheduler = Service(folder, "scheduler", **settings)
    with Supervisor(worker, scheduler):
        yield
    sys.stdout.write(worker.told()[-3000:] + scheduler.told()[-3000:])


@pytest.fixture(params=["up", "services"])
def archive(request, tmp_path) -> Iterator[Archive]:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web, receiving() as receiver:
        for host in ("zeitung.example", "bote.example"):
            web.sites[host] = {}
        settings = {
            "home": str(tmp_path / "home"), "seeds": str(tmp_path / "none"), "pace": "0.01s",
            "allow_hosts": f"{web.allow_hosts()},127.0.0.1:{receiver.port}",
            "ca_file": str(web.ca_file), "confirm_after": "2s",
        }  # fmt: skip
        run: Callable = _up
        if request.param == "services":
            broker = request.getfixturevalue("own_broker")
            settings |= {
                "database_url": request.getfixturevalue("postgresql_archive"), "broker_url": broker.url
            }  # fmt: skip
            run = _services
        made = Archive(tmp_path, settings, web, receiver)
        with run(tmp_path, settings):
            yield made
        url = settings.get("database_url", f"sqlite:///{tmp_path}/home/lesart.sqlite3")
        assert findings(url) == []


@pytest.fixture
def own_broker() -> Iterator[services.RedisServer]:
    with services.own_redis() as broker:
        yield broker


@pytest.fixture
def postgresql_archive(postgres_databases, _postgres_template) -> Iterator[str]:
    with postgres_databases.database(_postgres_template) as url:
        yield url


def test_each_edit_is_reported_once_and_no_wall(archive):
    ours = {
        DAM: article("Damm wird höher", DAMM), COUNCIL: article("Rat kürzt im Bauamt", RAT),
        HARBOUR: article("Fähren im Hafen", HAFEN),
    }  # fmt: skip
    for address, page in ours.items():
        archive.web.put(address, page)
        archive.command("source", "add", address, "--every", "1s", "--recheck", "1s")
    until(lambda: archive.versions() == dict.fromkeys(ours, 1), what="the first versions")
    archive.command("alert", "add", "alle", "--webhook", archive.receiver.url)
    back = {"damm": ours[DAM], "rat": ours[COUNCIL]}
    for wall in (CONSENT, NIGHT):
        archive.show(damm=wall, rat=wall)
        until(lambda: archive.held() == [DAM, COUNCIL], what="the held readings")
        archive.show(**back)
        until(lambda: archive.held() == [], what="the articles again")
    archive.show(rat=LOG_IN)
    archive.show(rat=ours[COUNCIL])
    archive.show(rat=LOG_IN)
    assert archive.versions() == dict.fromkeys(ours, 1)
    edited = article("Rat kürzt im Bauamt", FEWER)
    archive.show(damm=article("Damm wird höher", HIGHER), rat=edited, hafen=EXPIRED)
    until(lambda: archive.versions() == {DAM: 2, COUNCIL: 2, HARBOUR: 1}, what="the edits")
    archive.show(damm=REWRITTEN)
    until(lambda: archive.versions() == {DAM: 3, COUNCIL: 2, HARBOUR: 1}, what="the withdrawal")
    until(lambda: len(archive.receiver.bodies) >= 3, what="the messages")
    archive.show(hafen=EXPIRED)
    assert archive.held() == [HARBOUR]
    sent = [(body["data"]["origin"], body["data"]["version"]) for body in archive.receiver.bodies]
    assert sorted(sent) == [(DAM, 2), (DAM, 3), (COUNCIL, 2)]
    changes = archive.rows("sql", CHANGES)
    assert sorted((row["origin"], row["version"]) for row in changes) == sorted(sent)
    states = archive.rows("sql", "SELECT DISTINCT state FROM articles")
    assert states == [{"state": "present"}]
