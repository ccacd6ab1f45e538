"""Measure what fetching costs: pages from the loopback beside the same pages from files.

    python -m bench.web                     # 2,079 pages, three rounds
    python -m bench.web --copies 1 --rounds 1

Both sides read, store and make searchable the same bytes with as many processes, turn by turn. The
pages are served by a process of its own, whose CPU counts for nobody, under a hundred names, so
that no pace holds anybody up. They come from `--data` or LESART_REAL_DATA, as in `bench.pages`.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.pages import ROOT, Side, options, write_pages

HOSTS = 100
PACE = "0.05s"


def main() -> None:
    """Measure and print a table."""
    given = options(__doc__, copies=9)
    if given.serve is not None:
        bodies = {path.name.encode(): path.read_bytes() for path in given.serve.iterdir()}
        asyncio.run(_serve(bodies))
        return
    work = Path(tempfile.mkdtemp(prefix="lesart-bench-"))
    try:
        pages = write_pages(given.data / "data", work / "pages", given.copies)
        sides = measure(work, pages, given.rounds, given.processes)
    finally:
        shutil.rmtree(work)
    _print(sides, pages)


def measure(work: Path, pages: int, rounds: int, processes: int) -> list[Side]:
    """Let both sides take the pages `rounds` times, turn by turn."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("LESART_")}
    common = ["--processes", str(processes), "--format", "jsonl"]
    ours = [sys.executable, "-m", "worker", "ingest"]
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.web", "--serve", str(work / "pages")], cwd=ROOT,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        names = [f"seite{n}.example" for n in range(HOSTS)]
        listed = work / "addresses.txt"
        files = sorted((work / "pages").iterdir())
        listed.write_text(
            "".join(f"http://{names[n % HOSTS]}/{f.name}\n" for n, f in enumerate(files))
        )
        os.utime(listed, (1, 1))
        web = {
            **plain,
            "LESART_ALLOW_HOSTS": ",".join(f"{name}:80=127.0.0.1:{port}" for name in names),
            "LESART_PACE": PACE,
        }
        sides = [
            Side("from files", [*ours, str(work / "pages"), *common], dict(plain)),
            Side("from the loopback", [*ours, str(listed), *common], web),
        ]
        for number in range(rounds):
            for side in sides if number % 2 == 0 else reversed(sides):
                place = f"{work}/{number}-{side.name.split()[-1]}.sqlite3"
                side.environment["LESART_DATABASE_URL"] = f"sqlite:///{place}"
                side.environment["LESART_HOME"] = str(work / "home")
                side.take(pages, work / "log")
                print(f"{side.name}: {1 / side.seconds[-1]:.1f} pages/s", file=sys.stderr)
    finally:
        server.kill()
        server.wait()
    return sides


async def _serve(bodies: Mapping[bytes, bytes]) -> None:
    """Serve bodies by their names over connections that stay open; print the port first."""
    head = b"HTTP/1.1 %d OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                body = bodies.get(request.split(b" ", 2)[1][1:])
                writer.write(head % (404 if body is None else 200, len(body or b"")))
                writer.write(body or b"")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def _print(sides: list[Side], pages: int) -> None:
    table = Table(title=f"{pages} pages, whole way; medians of {len(sides[0].seconds)} rounds")
    for column in ("side", "pages/s", "× files", "CPU ms a page", "× files"):
        table.add_column(column, justify="left" if column == "side" else "right")
    files = statistics.median(sides[0].seconds), statistics.median(sides[0].cpu_seconds)
    for side in sides:
        wall, cpu = statistics.median(side.seconds), statistics.median(side.cpu_seconds)
        row = (f"{1 / wall:.1f}", f"{files[0] / wall:.2f}", f"{cpu * 1000:.1f}")
        table.add_row(side.name, *row, f"{cpu / files[1]:.2f}")
    Console(width=max(Console().width, 100)).print(table)


if __name__ == "__main__":
    main()
