"""Metrics in the Prometheus format: work, archive and response times."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities import parts_of
from storage.history.alerts import lists
from storage.read.figures.records import OutgoingFigures, Stats
from storage.read.figures.work_state import WorkState, outgoing_figures, task_ages
from storage.web.api.statistics import figures
from storage.web.archives import ArchivePool, archive_pool, utc_now
from storage.web.replicas import StateAge
from storage.web.schemas import plain

router = APIRouter(tags=["health"])
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Folder in which the processes of one server store their metrics; read at import."""
PULSE_SECONDS = 5.0
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)


class Meters:
    """Metrics of one server with all its processes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        folder = os.environ.get(FOLDER)
        if folder is not None:
            MultiProcessCollector(self.registry, folder)  # type: ignore[no-untyped-call]
        self._requests = Histogram(
            "lesart_request_seconds", "How long answers took to begin", ["route", "status"],
            buckets=SECONDS, registry=self.registry if folder is None else None,
        )  # fmt: skip

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Note how long an answer took."""
        self._requests.labels(route, f"{status // 100}xx").observe(seconds)


@router.get("/metrics", responses=plain("text/plain", "Metrics in the Prometheus format."))
def metrics(request: Request, pool: Annotated[ArchivePool, Depends(archive_pool)]) -> Response:
    """Report the figures of the archive and of this server, for Prometheus."""
    meters: Meters = request.app.state.meters
    archive = CollectorRegistry()
    archive.register(_ArchiveCollector(pool, request.app.state.state_age))
    body = generate_latest(meters.registry) + generate_latest(archive)
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})


class _ArchiveCollector(Collector):
    """Asks the archive when a monitor asks; big counts are half a minute old at most."""

    def __init__(self, pool: ArchivePool, age: StateAge | None) -> None:
        self._pool, self._age = pool, age

    def describe(self) -> Iterable[Any]:
        """Name nothing beforehand: that would ask the archive at the start."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        pool = self._pool
        yield from _work_metrics(
            pool.cached_value("pulse", PULSE_SECONDS, lambda: pool.today.work_state(utc_now()))
        )
        yield from _archive_metrics(figures(pool))
        if self._age is not None and self._age.seconds is not None:
            yield _one("lesart_state_age_seconds", "How far replicas are behind the primary",
                       self._age.seconds)  # fmt: skip
        yield from _alert_metrics(
            pool.cached_value("alerts", PULSE_SECONDS, lambda: _alert_figures(pool))
        )


def _work_metrics(work_state: WorkState) -> Iterator[Metric]:
    yield _one("lesart_jobs_due", "Jobs that are due and that nobody has taken", work_state.ready)
    yield _one("lesart_jobs_running", "Jobs that are worked", work_state.running)
    yield _one("lesart_queue_age_seconds", "How long the oldest due job has waited",
               work_state.oldest_ready_seconds)  # fmt: skip
    yield CounterMetricFamily(
        "lesart_lock_seconds", "How long writers held the lock, but for their commits",
        value=work_state.locked_seconds,
    )  # fmt: skip
    yield _many("lesart_behind_seconds", "Age of the oldest text still to be indexed, compared",
                "step", work_state.behind_seconds.items())  # fmt: skip
    yield _one("lesart_leases_lapsed", "Jobs whose worker was lost", work_state.lapsed_leases)
    yield _many("lesart_silent_seconds", "For how long a part has given no sign of life", "part",
                work_state.silent_seconds.items())  # fmt: skip
    for name, meaning in (
        ("addresses", "Addresses that are watched"),
        ("due", "Addresses that are to be asked now"),
        ("late", "Addresses that should have been asked a quarter of an hour ago"),
        ("failing", "Addresses that failed when they were asked last"),
    ):
        values = [(source, getattr(each, name)) for source, each in work_state.watched.items()]
        yield _many(f"lesart_watched_{name}", meaning, "source", values)


def _archive_metrics(stats: Stats) -> Iterator[GaugeMetricFamily]:
    for name, meaning in (
        ("articles", "Articles"),
        ("versions", "Versions"),
        ("observations", "Checks that came to something of their own"),
        ("captures", "Different bytes that are kept"),
        ("raw_bytes", "Bytes of captures"),
        ("stored_bytes", "Bytes of captures as they are stored"),
        ("database_bytes", "Bytes of the database"),
    ):
        yield _one(f"lesart_{name}", meaning, getattr(stats, name))
    waiting = [("read", stats.to_read), ("index", stats.to_index), ("relate", stats.to_relate)]
    yield _many("lesart_waiting", "What was kept and is still to be read, indexed, compared",
                "step", waiting)  # fmt: skip
    yield _many("lesart_refusals", "What was refused", "code", stats.refusals.items())
    yield _many("lesart_jobs", "Jobs by their state", "state", stats.jobs.items())
    for own, part in parts_of("figures"):
        if part.METRIC:
            name, meaning, label = part.METRIC
            yield _many(name, meaning, label, stats.capabilities[own.name].items())
    missing = [(each.source, each.missing_files) for each in stats.sources if each.kind == "folder"]
    yield _many(
        "lesart_missing_files", "Files that scans miss which are held back", "source", missing
    )
    looked = [(each.source, each.last_check or each.last_scan) for each in stats.sources]
    moments = [(name, at.timestamp()) for name, at in looked if at is not None]
    yield _many("lesart_source_last_look_seconds", "When a source was looked at last, since 1970",
                "source", moments)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _AlertFigures:
    """Deliveries by alert and state, overdue seconds by alert, ages of acts, outgoing messages."""

    deliveries: dict[str, dict[str, int]]
    overdue: dict[str, float]
    acts: dict[str, float]
    outgoing: tuple[OutgoingFigures, ...]


def _alert_figures(pool: ArchivePool) -> _AlertFigures:
    with pool.today.connect() as connection:
        acts = task_ages(connection)
        overdue = lists.overdue_seconds(connection, utc_now(), acts.get("alerts"))
        outgoing = outgoing_figures(connection)
        return _AlertFigures(lists.counts(connection), overdue, acts, outgoing)


def _alert_metrics(figures: _AlertFigures) -> Iterator[Metric]:
    """Report the deliveries of each alert, those that wait, and the acts of the scheduler."""
    family = GaugeMetricFamily(
        "lesart_alert_deliveries", "Messages of alerts, a step each", labels=["alert", "state"]
    )
    for name, states in figures.deliveries.items():
        for state, number in states.items():
            family.add_metric([name, state], number)
    yield family
    yield _many(
        "lesart_alert_overdue_seconds", "Age of the oldest delivery that is due and not sent",
        "alert", figures.overdue.items(),
    )  # fmt: skip
    yield _many("lesart_act_age_seconds", "Time since the scheduler last ended a periodic act",
                "act", figures.acts.items())  # fmt: skip
    family = GaugeMetricFamily(
        "lesart_outgoing", "Alerts, copies at other archives and stamps", labels=["kind", "state"]
    )
    for each in figures.outgoing:
        for part in OutgoingFigures.PARTS:
            family.add_metric([each.kind, part], getattr(each, part))
    yield family
    times = [(each.kind, each.next_at.timestamp()) for each in figures.outgoing if each.next_at]
    yield _many("lesart_outgoing_next_seconds", "Next attempt to send, in seconds since 1970",
                "kind", times)  # fmt: skip


def _one(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)


def _many(
    name: str, meaning: str, label: str, values: Iterable[tuple[str, float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family
