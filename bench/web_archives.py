"""Measure how pages out of a WARC file become archived articles, beside the same pages as files.

    python -m bench.web_archives                        # some minutes
    python -m bench.web_archives --pages 300 --pictures 2000

The file also holds a request for each page and, with `--pictures N`, as many pictures of a
megabyte, which are passed over: so it can be made larger than any memory. Then everything is
exported as a WARC file, which is ingested into another archive, and versions are compared. CPU
counts every process of a side; memory is the peak of the one that reads the file, with the
extractor beside it where that is larger.
"""

import argparse
import gzip
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.corpus import texts
from storage.export import warc_record

ROOT = Path(__file__).resolve().parents[1]
START = datetime(2024, 6, 18, 6, tzinfo=UTC)
PICTURE_BYTES = 1_000_000
MENU = "".join(f'<li><a href="/ressort/{n}">Ressort {n}</a></li>' for n in range(60))


@dataclass(frozen=True, slots=True)
class Spent:
    """What one command took: seconds of processors and of the clock, and its peak of memory."""

    name: str
    cpu: float
    wall: float
    peak_mb: float
    count: int


class BenchError(Exception):
    """A side did not do its work, so there is nothing to compare."""


def main() -> None:
    """Write the pages, let each side take them, and print a table."""
    given = _options()
    work = Path(tempfile.mkdtemp(prefix="lesart-bench-", dir=given.folder))
    try:
        write_pages(work, given.pages, given.pictures)
        sides = measure(work, given.pages)
        megabytes = (work / "pages.warc.gz").stat().st_size / 1e6
    finally:
        shutil.rmtree(work)
    _print(sides, megabytes)


def write_pages(work: Path, count: int, pictures: int) -> None:
    """Write each page as a file and as records of one WARC file, pictures among them."""
    folder = work / "pages"
    folder.mkdir()
    picture = random.Random(1).randbytes(PICTURE_BYTES)
    every = max(1, count // pictures) if pictures else 0
    with (work / "pages.warc.gz").open("wb") as warc:
        for number, (address, page) in enumerate(_pages(count)):
            (folder / f"{number:06}.html").write_bytes(page)
            for record in _records(number, address, page):
                warc.write(gzip.compress(record, 6))
            for each in range(-(-pictures // count) if every and number % every == 0 else 0):
                at = f"{address}/{each}.png"
                body = warc_record.answer(200, [("Content-Type", "image/png")], picture)
                warc.write(gzip.compress(_record("response", at, number, body), 1))


def measure(work: Path, pages: int) -> list[Spent]:
    """Let each side do its work, one after the other."""
    files = _lesart(work, "files", "ingest", str(work / "pages"), "--processes", "1")
    warc = _lesart(work, "warc", "ingest", str(work / "pages.warc.gz"), "--processes", "1")
    again = _lesart(work, "warc", "ingest", str(work / "pages.warc.gz"), "--processes", "1")
    out = _lesart(work, "warc", "export", "--format", "warc", "-o", str(work / "out.warc.gz"))
    back = _lesart(work, "back", "ingest", str(work / "out.warc.gz"), "--processes", "1")
    one, other = (_versions(work, home) for home in ("warc", "back"))
    if one != other or len(one) != pages:
        raise BenchError(f"{len(one)} versions went out and {len(other)} came back")
    return [
        Spent("pages as files", *files, pages),
        Spent("the same in a WARC file", *warc, pages),
        Spent("that file once more", *again, pages),
        Spent("export as WARC", *out, pages),
        Spent("the export ingested", *back, pages),
    ]


def _pages(count: int) -> Iterator[tuple[str, bytes]]:
    for number, each in enumerate(islice(texts(7), count)):
        head, _, body = each.content.partition("\n\n")
        title = head.split(maxsplit=2)[2]
        address = f"https://zeitung{number % 40}.example/artikel/{number}"
        paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in body.split("\n\n"))
        page = (
            f'<!DOCTYPE html><html lang="de"><head><meta charset="utf-8"><title>{title}</title>'
            f'<link rel="canonical" href="{address}"></head><body><nav><ul>{MENU}</ul></nav>'
            f"<article><h1>{title}</h1>{paragraphs}</article><footer><ul>{MENU}</ul></footer>"
            "</body></html>"
        )
        yield address, page.encode()


def _records(number: int, address: str, page: bytes) -> Iterator[bytes]:
    packed = gzip.compress(page, 6, mtime=0)
    lines = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(packed)}\r\n\r\n"
    )
    yield _record("response", address, number, lines.encode() + packed)
    headers = [["Host", address.split("/")[2]], ["Accept-Encoding", "gzip"]]
    sent = {"method": "GET", "target": f"/artikel/{number}", "headers": headers}
    yield _record("request", address, number, warc_record.request(sent))


def _record(kind: str, address: str, number: int, block: bytes) -> bytes:
    fields = [
        ("WARC-Target-URI", address),
        ("WARC-Date", warc_record.date(START + timedelta(seconds=number))),
        ("WARC-Record-ID", warc_record.record_id("bench", f"{kind} {address}")),
        ("Content-Type", f"application/http; msgtype={kind}"),
    ]
    return warc_record.record(kind, fields, block)


def _lesart(work: Path, home: str, *command: str) -> tuple[float, float, float]:
    """Run a command on the archive `home`; return its CPU, its seconds and its peak in MB."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("LESART_")}
    environ["LESART_HOME"] = str(work / home)
    began = time.perf_counter()
    with (work / "log").open("wb") as log:
        arguments = [sys.executable, "-m", "worker", *command]
        process = subprocess.Popen(arguments, cwd=ROOT, env=environ, stdout=log, stderr=log)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError((work / "log").read_text())
    wall = time.perf_counter() - began
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def _versions(work: Path, home: str) -> list[str]:
    environ = {**os.environ, "LESART_HOME": str(work / home)}
    query = "SELECT article, wording, changed_after, changed_by, last_seen FROM versions ORDER BY 1"
    command = [sys.executable, "-m", "worker", "sql", query, "--format", "jsonl"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True
    )
    if ended.returncode:
        raise BenchError(ended.stderr)
    return ended.stdout.splitlines()


def _print(sides: list[Spent], megabytes: float) -> None:
    table = Table(title=f"{sides[0].count} pages; the WARC file has {megabytes:,.0f} MB")
    for column in ("side", "CPU ms a page", "pages/s", "peak MB"):
        table.add_column(column, justify="left" if column == "side" else "right")
    for each in sides:
        per_page = f"{each.cpu / each.count * 1000:.1f}"
        table.add_row(each.name, per_page, f"{each.count / each.wall:.0f}", f"{each.peak_mb:.0f}")
    Console().print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--pictures", type=int, default=0, help="megabytes that are passed over")
    parser.add_argument("--folder", type=Path, default=None, help="where there is room")
    return parser.parse_args()


if __name__ == "__main__":
    main()
