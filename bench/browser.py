"""Measure pages that a browser reads: speed beside single-file-cli, text beside the fetched one.

    python -m bench.browser --single-file node_modules/single-file-cli/single-file-node.js

Saved pages of LESART_REAL_DATA (`html_fundus`), the first by the digest of their address, come
from the loopback with all their resources: a picture, style sheet or script is an empty one. No
address outside of the loopback is resolved. CPU and memory are those of all processes, by samples.
F1 is that of groups of four words, as in `bench.judge`.
"""

import argparse
import gzip
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from bench.judge.pages import f1
from storage.settings import load_settings
from storage.values.draft import Draft
from storage.values.net.addresses import RENDERED
from tests.web.site import Reply, Request, Web, simulated_web
from worker.address import Address, parse_address
from worker.capabilities.browser_pages.page import RenderedPage, render_page
from worker.flow.read import Reader
from worker.text.hints import Hints
from worker.web.connection import Network
from worker.web.exchange import PersistentConnection, ServerAnswer, send_request
from worker.web.headers import create_network

PAGES, TIMED = 59, 20
SAMPLE_SECONDS = 0.1
SAME = 0.99
HOST = re.compile(rb"//([a-z0-9.-]+\.[a-z]{2,})", re.IGNORECASE)
PICTURE = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
KINDS = {
    "script": (b"", "text/javascript"), "style": (b"", "text/css"), "image": (PICTURE, "image/gif"),
}  # fmt: skip
FILES = {"/robots.txt", "/.well-known/tdmrep.json"}


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.browser", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("LESART_REAL_DATA"))
    parser.add_argument("--single-file", type=Path, help="program of single-file-cli")
    given = parser.parse_args()
    pages = _load(given.data / "data" / "html_fundus")
    work = Path(tempfile.mkdtemp(prefix="lesart-bench-"))
    socket.getaddrinfo = partial(_resolve, socket.getaddrinfo)
    try:
        with simulated_web(work, lambda: datetime.now(UTC)) as web:
            for raw in pages.values():
                for host in HOST.findall(raw):
                    web.sites[host.decode().lower()] = _Resources()
            for url in pages:
                web.sites[urlsplit(url).hostname or ""] = _Resources()
            for url, raw in pages.items():
                web.put(url, Reply(raw, type="text/html"))
            network = create_network(tuple(web.allow_hosts().split(",")), web.ca_file)
            timed = dict(list(pages.items())[:TIMED])
            for tabs in (1, 2, 3):
                render = partial(_render, network)
                _print_speed(f"{tabs} at a time", partial(_map, render, timed, tabs), len(timed))
            if given.single_file is not None:
                save = partial(_save, given.single_file, web, work)
                _print_speed("single-file-cli", partial(_map, save, timed, 1), len(timed))
            _print_texts(pages, _map(partial(_render, network), pages, 2))
    finally:
        shutil.rmtree(work)


class _Resources(dict[str, Any]):
    """The scripts of a site, which has all resources."""

    def get(self, path: str, default: Any = None) -> Any:
        return super().get(path) or (_answer if path.partition("?")[0] not in FILES else default)


def _answer(request: Request) -> Reply:
    body, kind = KINDS.get(request.headers.get("sec-fetch-dest", ""), (b"", "text/plain"))
    return Reply(body, type=kind).with_header("Access-Control-Allow-Origin", "*")


def _load(folder: Path) -> dict[str, bytes]:
    rows = [json.loads(line) for line in (folder / "gold.jsonl").open()]
    rows.sort(key=lambda row: sha256(row["url"].encode()).digest())
    files = {row["url"]: folder.parent / row["file"] for row in rows[:PAGES]}
    return {url: gzip.decompress(path.read_bytes()) for url, path in files.items()}


def _resolve(real: Any, host: Any, *values: Any, **named: Any) -> Any:
    if host not in {"127.0.0.1", "localhost"}:
        raise socket.gaierror(socket.EAI_NONAME, "only the loopback is resolved")
    return real(host, *values, **named)


def _map(work: Any, pages: dict[str, bytes], tabs: int) -> list[Any]:
    with ThreadPoolExecutor(tabs) as threads:
        return list(threads.map(work, pages))


def _render(network: Network, url: str) -> tuple[ServerAnswer, RenderedPage]:
    address, kept = parse_address(url, network.is_own), PersistentConnection(network)
    assert isinstance(address, Address)
    document = send_request(kept, address, [], seconds=30, max_bytes=10**8)
    kept.close()
    return document, render_page(document, network, "Lesart/0", max_bytes=10**8)


def _save(program: Path, web: Web, work: Path, url: str) -> bool:
    saved = work / "saved.html"
    saved.unlink(missing_ok=True)
    words = [
        "node", str(program), url, str(saved),
        "--browser-executable-path", "/usr/lib/chromium/chromium",
        "--browser-arg=--no-sandbox", "--browser-arg=--disable-background-networking",
        f"--browser-arg=--user-data-dir={work / 'profile'}",
        f"--browser-arg=--host-resolver-rules=MAP *:443 127.0.0.1:{web.tls_port},"
        f"MAP *:80 127.0.0.1:{web.plain_port}",
        "--browser-arg=--ignore-certificate-errors", "--browser-wait-until=networkIdle",
    ]  # fmt: skip
    subprocess.run(words, capture_output=True, timeout=240, check=False,
                   env={**os.environ, "HOME": str(work)})  # fmt: skip
    return saved.exists()


def _print_speed(name: str, work: Any, number: int) -> None:
    used = _Used()
    began, own = time.monotonic(), time.process_time()
    with used.sampled():
        found = work()
    minutes = (time.monotonic() - began) / 60
    seconds = used.cpu_seconds + time.process_time() - own
    good = sum(each if isinstance(each, bool) else each[1].html is not None for each in found)
    sys.stdout.write(
        f"{name}: {number / minutes:.0f} pages a minute, {seconds / number:.2f} s of CPU a page, "
        f"at most {used.peak_bytes / 1e6:.0f} MB (PSS), {good} of {number} pages\n"
    )
    sys.stdout.flush()


class _Used:
    """The processor time and memory of all processes that this one starts, by samples.

    A browser ends by a signal with its namespaces, and its times do not reach its parent.
    """

    def __init__(self) -> None:
        self._cpu: dict[psutil.Process, float] = {}
        self.peak_bytes = 0

    @property
    def cpu_seconds(self) -> float:
        return sum(self._cpu.values())

    @contextmanager
    def sampled(self) -> Iterator[None]:
        is_over = threading.Event()
        thread = threading.Thread(target=self._sample, args=(is_over,))
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _sample(self, is_over: threading.Event) -> None:
        number = 0
        while not is_over.wait(SAMPLE_SECONDS):
            children, total, number = psutil.Process().children(recursive=True), 0, number + 1
            for each in children:
                with suppress(psutil.Error):
                    times = each.cpu_times()
                    self._cpu[each] = times.user + times.system
                    if number % 5 == 0:
                        total += each.memory_full_info().pss
            self.peak_bytes = max(self.peak_bytes, total)


def _print_texts(pages: dict[str, bytes], found: list[tuple[ServerAnswer, RenderedPage]]) -> None:
    """Print how equal the texts of the fetched and the rendered pages are."""
    reader, scores, failed = Reader(load_settings(environ={})), [], 0
    for (url, raw), (_document, page) in zip(pages.items(), found, strict=True):
        fetched = _text(reader, url, raw, "html")
        if fetched is None:
            continue
        rendered = None if page.html is None else _text(reader, url, page.html, RENDERED)
        failed += rendered is None
        scores.append(f1(rendered or "", fetched))
        if scores[-1] < SAME:
            sys.stdout.write(
                f"  {scores[-1]:.3f} {url} {page.refused and page.refused.code} {page.facts}\n"
            )
    reader.close()
    same = sum(each >= SAME for each in scores)
    sys.stdout.write(
        f"F1 of rendered against fetched text: mean {statistics.mean(scores):.3f}, "
        f"at least {SAME} on {same} of {len(scores)} pages with a fetched text; "
        f"{failed} without a rendered text\n"
    )


def _text(reader: Reader, url: str, raw: bytes, kind: str) -> str | None:
    hints = Hints(type=kind, name=url, charset="utf-8", url=url, observed_at=datetime.now(UTC),
                  has_capture_time=True)  # fmt: skip
    found = reader.outcome(raw, hints)
    return "\n".join(found.text_paragraphs()) if isinstance(found, Draft) else None


if __name__ == "__main__":
    main()
