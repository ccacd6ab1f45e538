"""Rendered pages in other archives, and in workers that have a browser beside others that have none."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.capabilities.browser_pages.test_pages import SHELL, TEXT, shown
from tests.flow.processes import ROOT, Service, Supervisor, lesart, rows, until
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Reply, Web, simulated_web
from worker.capabilities.browser_pages.browser import PROGRAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]
OLD_SHELL = SHELL.replace(b"<head>", b"<head><meta charset=iso-8859-1>")


def settings(web: Web) -> dict[str, str]:
    return {"allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01"}


def texts(folder: Path, *words: str) -> list[str]:
    return [row["text"] for row in rows(folder, "export", "--all-versions", *words)]


def test_a_rendered_page_is_equal_in_a_web_archive_and_in_another_archive(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        ended = lesart(tmp_path, *words, **given)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended.stdout

    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        web.put(A, Reply(OLD_SHELL, type="text/html; charset=iso-8859-1"))
        given = settings(web)
        for paragraphs in (PEGEL, HIGHER):
            web.put(TEXT, shown(paragraphs))
            run("ingest", A, "--browser")
    mine = texts(tmp_path)
    assert len(mine) == 2
    assert "zählte die Feuerwehr" in mine[0]
    run("export", "--format", "warc", "--output", "page.warc.gz")
    second, third = "second.sqlite3", "third.sqlite3"
    run("ingest", "page.warc.gz", "--archive", second)
    assert texts(tmp_path, "--archive", second) == mine
    run("merge", second, "--archive", third)
    for archive in (second, third):
        assert texts(tmp_path, "--archive", archive) == mine
        run("verify", "--archive", archive)
        run("redact", A, "--reason", "mistake", "--yes", "--archive", archive)
        assert not any(texts(tmp_path, "--archive", archive))
        run("verify", "--archive", archive)
        assert b"Feuerwehr" not in (tmp_path / archive).read_bytes()


def test_a_worker_with_a_browser_reads_what_others_leave(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        web.put(A, Reply(SHELL))
        web.put(TEXT, shown(PEGEL))
        given = settings(web) | {"database_url": postgres_url, "broker_url": redis_url}
        lesart(tmp_path, "db", "upgrade", **given)
        worker = Service(tmp_path, "worker", "--concurrency", "1", **given)
        scheduler = Service(tmp_path, "scheduler", **given)
        (tmp_path / "browser").mkdir()
        other = Service(
            tmp_path / "browser", "worker", "--concurrency", "1", **given, browser=PROGRAM
        )
        with Supervisor(worker, scheduler):
            added = lesart(tmp_path, "source", "add", A, "--browser", "--every", "2s", **given)
            assert added.returncode == 0, added.stderr
            warning = "1 job waits for a worker with a browser"
            until(lambda: warning in lesart(tmp_path, "doctor", **given).stdout, 90)
            assert rows(tmp_path, "list", **given) == []
            with Supervisor(other):
                until(lambda: rows(tmp_path, "list", **given), 90)
                web.put(TEXT, shown(HIGHER))
                until(lambda: rows(tmp_path, "changes", **given), 90)
        assert "a browser starts" in lesart(tmp_path, "doctor", **given, browser=PROGRAM).stdout


def test_pages_are_read_at_the_socket_of_a_container(tmp_path: Path) -> None:
    place = tmp_path / "browser.sock"
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        web.put(A, Reply(SHELL))
        web.put(TEXT, shown(PEGEL))
        given = settings(web) | {"browser": str(place)}
        assert lesart(tmp_path, "ingest", A, "--browser", **given).returncode == 1
        (row,) = rows(tmp_path, "refusals")
        assert f"no browser answers at {place}" in row["message"]
        module = "worker.capabilities.browser_pages.serve_rooms"
        with subprocess.Popen([sys.executable, "-m", module, place], cwd=ROOT) as server:
            try:
                until(place.exists, 30)
                done = lesart(tmp_path, "ingest", A, "--browser", **given)
                assert done.returncode == 0, done.stderr
                until(lambda: not psutil.Process(server.pid).children(recursive=True), 20)
            finally:
                server.terminate()
    assert "3,6 Zentimeter" in texts(tmp_path)[0]
