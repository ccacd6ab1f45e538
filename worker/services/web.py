"""The web server as a service: the reading application with its write requests."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from storage.capabilities import load_parts
from storage.settings import Settings
from storage.web.app import ReplaceableApp, Site, make_app
from storage.web.archives import ArchivePool, ServedArchive
from storage.web.guards import LOOPBACK, Guards
from storage.web.metrics import FOLDER
from storage.web.server import MultiprocessServer, ThreadedServer, bound, serve
from storage.write.archive import Archive
from worker.errors import PortTakenError
from worker.log import LOG
from worker.services import captures
from worker.services.captures import body_limit
from worker.services.orders import create_ingest_service, router
from worker.services.threads import ServiceThread

ENDS_SECONDS = 10.0
MOST_WORKERS = 4


def run_web(settings: Settings) -> None:
    """Serve the web pages in the foreground until stopped.

    Raises: PortTakenError.
    """
    host, port = host_and_port(settings.web_address)
    with _bind(host, port) as listening, _application_factory(settings) as make:
        make.check()
        LOG.info("web_started", address=f"http://{host}:{port}")
        serve(make, listening, worker_count(settings), settings.web_proxies)
    LOG.info("web_stopped")


class BackgroundWebServer:
    """Serves the web pages next to other work, at an address that is bound on creation.

    Create it in the main thread. Raises: PortTakenError.
    """

    def __init__(self, settings: Settings) -> None:
        self._address = f"http://{settings.web_address}"
        self._ends = ExitStack()
        self._bind = self._ends.enter_context(_bind(*host_and_port(settings.web_address)))
        self._make = self._ends.enter_context(_application_factory(settings))
        self._server: MultiprocessServer | ThreadedServer | None = None
        if worker_count(settings) > 1:
            self._server = MultiprocessServer(
                self._make, self._bind, worker_count(settings), settings.web_proxies
            )
        self._proxies = settings.web_proxies
        self._is_over = False
        self.thread = ServiceThread("page", self._run)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self._is_over = True
        if self._server is not None:
            self._server.stop()
        self.thread.join(timeout=ENDS_SECONDS)

    def _run(self) -> None:
        with self._ends:
            if self._server is None:
                self._server = ThreadedServer(self._make(), self._bind, self._proxies)
            if not self._is_over:  # `stop` could not tell a server that was not made yet
                LOG.info("web_started", address=self._address)
                self._server.run()


def worker_count(settings: Settings) -> int:
    """Return the number of server processes."""
    return settings.web_workers or min(MOST_WORKERS, len(os.sched_getaffinity(0)))


def host_and_port(address: str) -> tuple[str, int]:
    """Return host and port of an address in the settings.

    >>> host_and_port("127.0.0.1:8790"), host_and_port("[::1]:80")
    (('127.0.0.1', 8790), ('::1', 80))
    """
    parts = urlsplit(f"//{address}")
    return parts.hostname or "127.0.0.1", parts.port or 0


def _bind(host: str, port: int) -> socket.socket:
    try:
        return bound(host, port)
    except OSError as error:
        raise PortTakenError(f"{host}:{port}", error.strerror or str(error)) from error


@dataclass(frozen=True, slots=True)
class _ApplicationFactory:
    """Creates the application, with one URL of the archive for reads and another for writes.

    The processes of one server share files in the folder `shared`.
    """

    settings: Settings
    place: ServedArchive
    shared: Path

    def __call__(self) -> ASGIApp:
        return ReplaceableApp(self.place, self._create)

    def _create(self) -> Guards:
        archive = Archive.of_settings(self.settings)
        service = create_ingest_service(archive, self.settings, self.shared)
        hosts = (*LOOPBACK, *self.settings.web_hosts)
        state = {"ingest_service": service, "may_write": True}
        most_bytes = body_limit(self.settings)
        routers = (router, captures.router, *(part.ROUTER for part in load_parts("write_routes")))
        site = Site(hosts, routers, state, most_bytes, archive.close)
        return make_app(self.place, site)

    def check(self) -> None:
        """Open and close all resources that every process opens.

        Raises: DatabaseUrlError, ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError,
        SchemaNewerError.
        """
        Archive.of_settings(self.settings).close()
        ArchivePool(self.place).close()


def served_archive(settings: Settings) -> ServedArchive:
    """Return the archive that the web server reads, as the settings state it."""
    return ServedArchive(
        settings.reader_url or settings.database_url,
        settings.zone,
        settings.languages,
        settings.page_language,
        settings.captures,
        settings.reader_database_url,
        settings.sql_database_url,
    )


@contextmanager
def _application_factory(settings: Settings) -> Iterator[_ApplicationFactory]:
    """Yield the application factory; processes that start meanwhile share their metrics."""
    place = served_archive(settings)
    with TemporaryDirectory(prefix="lesart-web-") as folder:
        if worker_count(settings) > 1:
            os.environ[FOLDER] = folder
        try:
            yield _ApplicationFactory(
                replace(settings, origins={}), place, Path(folder)
            )  # origins are not sent anywhere
        finally:
            os.environ.pop(FOLDER, None)
