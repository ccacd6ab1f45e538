"""The page as a service: the reading application of storage with what may be ordered over it."""

import socket
import threading
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from storage.settings import Settings
from storage.web.app import Site, make_app
from storage.web.archives import ServedArchive
from storage.web.guards import LOOPBACK
from storage.web.server import Served, bound, serve
from storage.write.archive import Archive
from worker.errors import PortTakenError
from worker.log import LOG
from worker.services.orders import desk_for, router

ENDS_SECONDS = 10.0


def run_web(settings: Settings) -> None:
    """Serve the page in the foreground until it is stopped.

    Raises: PortTakenError.
    """
    host, port = address_of(settings.web_address)
    with _listening(host, port) as listening:
        app = _app(settings)
        LOG.info("web_started", address=f"http://{host}:{port}")
        serve(app, listening)
    LOG.info("web_stopped")


class PageBeside:
    """Serves the page beside other work, at an address that is taken when it is made.

    Raises: PortTakenError.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listening = _listening(*address_of(settings.web_address))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(timeout=ENDS_SECONDS)

    def _run(self) -> None:
        with self._listening, Served(_app(self._settings), self._listening):
            LOG.info("web_started", address=f"http://{self._settings.web_address}")
            self._over.wait()


def address_of(given: str) -> tuple[str, int]:
    """Return host and port of an address that the settings took.

    >>> address_of("127.0.0.1:8790"), address_of("[::1]:80")
    (('127.0.0.1', 8790), ('::1', 80))
    """
    parts = urlsplit(f"//{given}")
    return parts.hostname or "127.0.0.1", parts.port or 0


def _listening(host: str, port: int) -> socket.socket:
    try:
        return bound(host, port)
    except OSError as error:
        raise PortTakenError(f"{host}:{port}", error.strerror or str(error)) from error


def _app(settings: Settings) -> ASGIApp:
    """Return the application: it reads by the one address, and takes orders by the other."""
    place = ServedArchive(
        settings.reader_url or settings.database_url, settings.zone, settings.languages
    )
    archive = Archive.open(settings.database_url, create=False)
    desk = desk_for(archive, settings)
    hosts = (*LOOPBACK, *settings.web_hosts)
    state = {"desk": desk, "may_write": True}
    return make_app(place, Site(hosts, (router,), state, archive.close))
