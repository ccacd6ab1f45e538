"""What shows only with a name server, TLS or HTTP/2: it leaves a browser, and not the room."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.capabilities.browser_pages import count_packets
from tests.capabilities.browser_pages.open_network import HEADERS, PAGE, WAYS
from tests.capabilities.browser_pages.test_closed_room import VECTORS
from tests.capabilities.browser_pages.test_consent import rendered
from tests.flow.processes import ROOT
from tests.web.desk import A
from tests.web.site import Reply, simulated_web
from worker.capabilities.browser_pages import page
from worker.capabilities.browser_pages.browser import PROGRAM, OpenBrowser, open_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
    pytest.mark.skipif(os.getuid() != 0, reason="only root enters the namespace of a browser"),
    pytest.mark.skipif(not shutil.which("ip"), reason="there is no program ip (iproute2)"),
]
counts: list[tuple[int, int]] = []


def test_each_way_shows_without_a_room() -> None:
    command = ["unshare", "--net", "--mount", sys.executable, "-m"]
    done = subprocess.run(
        [*command, "tests.capabilities.browser_pages.open_network"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    assert {*json.loads(done.stdout)} >= {*WAYS}, done.stdout


def rooms() -> list[psutil.Process]:
    return [
        each for each in psutil.Process().children(recursive=True)
        if each.status() != psutil.STATUS_ZOMBIE
        and each.name() != "unshare"
        and each.cmdline()[-1].endswith("room.py")
    ]  # fmt: skip


@contextmanager
def counted(*values: object) -> Iterator[OpenBrowser]:
    """Open a browser, and count the packets in its namespace."""
    with open_browser(*values) as opened:  # type: ignore[arg-type]
        (room,) = rooms()
        port = str(opened.listening.getsockname()[1])
        with subprocess.Popen(
            ["nsenter", "-t", str(room.pid), "-n", sys.executable, count_packets.__file__, port],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as counter:  # fmt: skip
            assert counter.stdout is not None
            assert counter.stdout.readline() == "ready\n"
            yield opened
            relay, others = counter.communicate()[0].split()
        counts.append((int(relay), int(others)))


def test_no_packet_leaves_a_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot = page.take_screenshot
    counts.clear()
    monkeypatch.setattr(page, "open_browser", counted)
    monkeypatch.setattr(
        page, "take_screenshot",
        lambda tools, session: (tools.call("Page.getAppManifest", session), shot(tools, session))[1],
    )  # fmt: skip
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        answer = Reply((PAGE + "".join(VECTORS.values()).replace(":@", ":9")).encode())
        for name, value in HEADERS.items():
            answer = answer if name == "content-type" else answer.with_header(name, value)
        web.put(A, answer)
        found = rendered(web, None)
    assert found.html is not None, found.refused
    (numbers,) = counts
    assert numbers[0] > 50
    assert numbers[1] == 0


def test_a_packet_in_a_room_is_counted() -> None:
    counts.clear()
    with counted(None, "", "x", time.monotonic() + 20.0) as opened:
        opened.tools.call("Browser.getVersion")
        (room,) = rooms()
        send = (
            "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))"
        )
        inside = ["nsenter", "-t", str(room.pid), "-n", sys.executable, "-c", send]
        subprocess.run(inside, check=True)
    assert counts[0][1] > 0
