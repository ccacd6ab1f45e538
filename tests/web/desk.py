"""A newsroom that watches the simulated web: one archive, several sites, one clock for both."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.schedule import progress as job_progress
from storage.values.arrivals.source import Source
from storage.values.verdict import Counts
from tests.flow.driver import Newsroom, hour
from tests.web.site import Web, simulated_web
from worker.flow.order import order, order_due, target_at, target_of
from worker.flow.run_jobs import run_next_job
from worker.flow.standing_sources import watch_address

HOSTS = ("zeitung.example", "bote.example", "kurier.example")
A = "https://zeitung.example/lokales/pegel"
PEGEL = (
    "Der Pegel der Lohe ist in der Nacht um 3,6 Zentimeter gestiegen, teilte das Wasseramt mit.",
    "Am Morgen zählte die Feuerwehr vierzig nasse Keller in der Altstadt und am Hafen.",
    "Die Fähre nach Lohsand bleibt bis zum Abend im Hafen, weil die Wellen zu hoch sind.",
    "Die Stadt hat am Rathaus Sandsäcke bereitgelegt, die sich Anwohner selbst abholen können.",
)
HIGHER = (PEGEL[0].replace("3,6", "36"), *PEGEL[1:])


class Desk(Newsroom):
    """The newsroom with a web to watch."""

    web: Web

    def fetch(self, *addresses: str, at: float | None = None, **options: Any) -> Counts:
        """Check addresses now, as `lesart ingest` does, and read the captures."""
        if at is not None:
            self.now = hour(at)
        places = [target_at(self.archive, self.settings, each, **options) for each in addresses]
        return self.done(order(self.archive, places, "command"))

    def watch_page(self, address: str, **options: Any) -> Source:
        return watch_address(self.archive, self.settings, address, **options)

    def due(self, at: float | None = None) -> Counts:
        """Advance to an hour, check all due addresses, and return the outcomes."""
        if at is not None:
            self.now = hour(at)
        jobs = order_due(self.archive, self.settings)
        return sum((self.done(job) for job in jobs), Counts())

    def look(self, source: Source, at: float | None = None) -> Counts:
        """Take a source as due now, as `lesart source run` does."""
        if at is not None:
            self.now = hour(at)
        return self.done(order(self.archive, [target_of(source)], "command"))

    def done(self, job: int | None) -> Counts:
        """Work a job to its end, pauses between requests included."""
        assert job is not None
        end = time.monotonic() + 60
        while time.monotonic() < end:
            while run_next_job(self.archive, self.settings, self.reader, families=job):
                pass
            with self.archive.read_connection() as connection:
                if not job_progress.open_jobs(connection, job):
                    return self.counts(job)
            time.sleep(0.02)
        raise AssertionError(f"job {job} did not end")

    def outcomes(self, origin: str | None = None) -> list[str]:
        """Return the outcomes of the checks of an address, or of all, in order, without robots.txt."""
        found = self.observations(origin)
        return [each["outcome"] for each in found if not each["origin"].endswith("/robots.txt")]

    def watch(self, *names: Any) -> Any:
        return super().watch(*names)

    def watched(self, address: str) -> dict[str, Any]:
        return self.one(
            "SELECT w.* FROM watch w JOIN origin o ON o.id = w.origin_id WHERE o.origin = :origin",
            origin=address,
        )

    def codes(self) -> list[str]:
        return [row["code"] for row in self.rows("SELECT code FROM refusals ORDER BY seq")]


@contextmanager
def desk_at(url: str, root: Path, **settings: str) -> Iterator[Desk]:
    """Give a desk and check, at its end, that nothing is wrong with its archive."""
    clock: list[Desk] = []
    with simulated_web(root, lambda: clock[0].now) as web:
        for host in HOSTS:
            web.sites[host] = {}
        given = {
            "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01",
            "fetch_seconds": "5s", "contact": "redaktion@archiv.example", **settings,
        }  # fmt: skip
        desk = Desk(url, root, **given)
        desk.web = web
        clock.append(desk)
        try:
            yield desk
            found = desk.findings()
            assert found == [], found
        finally:
            desk.close()
