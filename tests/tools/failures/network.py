"""Servers on the loopback, in a process of their own, whose n-th answer is broken."""

import multiprocessing
import signal
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path

from tests.alerts.receivers import receiving
from tests.authority import authority, serving
from tests.capabilities.outside_copies.copy_archive import KEY, copying
from tests.flow.driver import SENTENCES
from tests.web.desk import HIGHER, PEGEL
from tests.web.site import Reply, Request, Web, page
from tests.web_archives.history_archive import Captured, HistoryArchive

ANSWERS = ("reset", "stall", "status 500")
"""Half of an answer and a reset; half of it and then silence; status 500."""
SITE = "http://zeitung.example"
PAGE = f"{SITE}/lokales/pegel"
FEED = f"{SITE}/feed.xml"
SITEMAP = f"{SITE}/sitemap.xml"
START = f"{SITE}/"
SILENCE = 60.0


class ClosingWeb(Web):
    """A web that closes each connection after one answer, so that each can be broken."""

    def _reply(self, request: Request) -> Reply:
        return replace(super()._reply(request), closes=True)


class Breaker:
    """TCP ports that forward to servers; one connection of all, counted from 1, is broken."""

    def __init__(self) -> None:
        self.count, self.broken, self.how = 0, 0, ""
        self._lock = threading.Lock()

    def expect(self, how: str, number: int) -> int:
        """Break the n-th connection from now on; return the number of connections before."""
        with self._lock:
            before, self.count = self.count, 0
            self.how, self.broken = how, number
        return before

    def port_to(self, port: int) -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(listening, port), daemon=True).start()
        found: int = listening.getsockname()[1]
        return found

    def _accept(self, listening: socket.socket, port: int) -> None:
        while True:
            near, _peer = listening.accept()
            with self._lock:
                self.count += 1
                how = self.how if self.count == self.broken else ""
            threading.Thread(target=self._carry, args=(near, port, how), daemon=True).start()

    def _carry(self, near: socket.socket, port: int, how: str) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as far:
            if how == "status 500":
                near.recv(65_536)
                near.sendall(
                    b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                return
            back = threading.Thread(target=_forward, args=(near, far), daemon=True)
            back.start()
            if not how:
                _forward(far, near)
                return
            answer = far.recv(65_536)
            near.sendall(answer[: len(answer) // 2])
            if how == "stall":
                back.join(SILENCE)  # until the client closes
            else:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Servers:
    """Sites, a web archive, a receiver of webhooks, an archive for copies, and an authority."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ours, self._theirs = multiprocessing.Pipe()

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The settings that lead to the servers, which start with the first command that asks."""
        self._folder.mkdir()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(
            target=_serve, args=(self._folder, self._theirs), daemon=True
        )
        self._process.start()
        found: Mapping[str, str] = self._ours.recv()
        return found

    def expect(self, how: str = "", number: int = 0) -> int:
        """Break the n-th answer from now on; return the number of answers before."""
        if "settings" not in vars(self):
            return 0
        self._ours.send((how, number))
        before: int = self._ours.recv()
        return before

    def close(self) -> None:
        if "settings" in vars(self):
            self._process.terminate()
            self._process.join()


def _serve(folder: Path, parent: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    breaker = Breaker()
    with ExitStack() as resources:
        web = resources.enter_context(closing(ClosingWeb(lambda: datetime.now(UTC), folder)))
        captures = [
            Captured(f"20240618{hour:02}0000", PAGE, page("Pegel der Lohe steigt", text))
            for hour, text in ((6, SENTENCES[:2]), (9, SENTENCES[1:]))
        ]
        past = HistoryArchive(web, "alt.example", captures)
        _put_pages(web.put)
        receiver = resources.enter_context(receiving())
        copies = resources.enter_context(copying(lambda: datetime.now(UTC)))
        stamps = resources.enter_context(serving(authority("eins")))
        at_web, at_hook, at_copies, at_stamps = (
            breaker.port_to(port)
            for port in (web.plain_port, receiver.port, copies.port, int(stamps.split(":")[2][:-4]))
        )
        copies.port = at_copies
        listed = folder / "authorities"
        listed.write_text(
            f"authority eins http://127.0.0.1:{at_stamps}/tsr {authority('eins').root}\n"
        )
        hosts = [f"{name}:80=127.0.0.1:{at_web}" for name in ("zeitung.example", past.host)]
        hosts += [f"127.0.0.1:{port}=127.0.0.1:{port}" for port in (at_hook, at_copies, at_stamps)]
        parent.send(
            {
                "LESART_ALLOW_HOSTS": ",".join(hosts),
                "LESART_WEB_ARCHIVES": f"{past.cdx_setting},{copies.setting('spn2')}",
                "LESART_WEB_ARCHIVE_KEYS": f"eins={KEY}",
                "LESART_PROOF_AUTHORITIES": str(listed),
                "LESART_PACE": "0.1s",
                "LESART_CONTACT": "https://leser.example/",
                "LESART_FETCH_SECONDS": "5s",
                "LESART_TEST_HOOK": f"http://127.0.0.1:{at_hook}/hook/geheim",
            }
        )
        with suppress(EOFError):
            while True:
                parent.send(breaker.expect(*parent.recv()))


def _put_pages(put: Callable[[str, Reply | bytes | str], None]) -> None:
    bridge = f"{SITE}/lokales/bruecke"
    put(PAGE, page("Pegel der Lohe steigt", PEGEL))
    put(bridge, page("Die Brücke ist zu", HIGHER))
    items = "".join(
        f"<item><title>Meldung</title><link>{link}</link><guid>{link}</guid></item>"
        for link in (PAGE, bridge)
    )
    rss = f"<rss version='2.0'><channel><title>Zeitung</title>{items}</channel></rss>"
    put(FEED, Reply(rss.encode(), type="application/rss+xml"))
    places = "".join(f"<url><loc>{link}</loc></url>" for link in (PAGE, bridge))
    names = "http://www.sitemaps.org/schemas/sitemap/0.9"
    put(SITEMAP, Reply(f'<urlset xmlns="{names}">{places}</urlset>'.encode(), type="text/xml"))
    teasers = "".join(
        f'<article><h2><a href="{link}">Meldung von {link[-5:]}</a></h2></article>'
        for link in (PAGE, bridge)
    )
    put(START, f"<html lang=de><body><main>{teasers}</main></body></html>")
