"""A page that a browser read, exported as WARC and replayed by pywb in a network with the loopback alone."""

import hashlib
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.capabilities.browser_pages.test_pages import TEXT, shown
from tests.capabilities.browser_pages.test_resources import CODE, CSS, MOVED, SCRIPT, put_page
from tests.flow.processes import lesart, rows
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import simulated_web
from worker.capabilities.browser_pages.browser import PROGRAM

PYWB = shutil.which("pywb")
OWN_NETWORK = ("unshare", "--user", "--map-root-user", "--net", sys.executable, "-c")
LOOPBACK = """
import fcntl, socket, struct, subprocess, sys, time, urllib.error, urllib.request
with socket.socket() as plain:
    fcntl.ioctl(plain, 0x8914, struct.pack("16sh", b"lo", 0x41))
"""
REPLAY = f"""{LOOPBACK}
pywb, *addresses = sys.argv[1:]
log = open("pywb.log", "wb")
server = subprocess.Popen([pywb, "-b", "127.0.0.1", "-p", "8080"], stdout=log, stderr=log)
try:
    for number, address in enumerate(addresses):
        end, answer = time.monotonic() + 60, None
        while answer is None and time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:8080/press/{{address}}") as answer:
                    open(str(number), "wb").write(answer.read())
            except urllib.error.HTTPError as error:
                sys.exit(f"{{address}}: {{error}}")
            except OSError:
                time.sleep(0.1)
finally:
    server.kill()
"""
"""Starts pywb in the folder and writes each answer of it to a file; anything else ends it with a reason."""


def has_own_network() -> bool:
    return (
        subprocess.run([*OWN_NETWORK, LOOPBACK], capture_output=True, check=False).returncode == 0
    )


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PYWB is None, reason="pywb is installed by .ci/run"),
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
    pytest.mark.skipif(not has_own_network(), reason="this user may not make a network"),
]


def test_a_web_archive_of_pages_and_screenshots_is_replayed_without_network(tmp_path: Path) -> None:
    assert PYWB is not None
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        put_page(web)
        given = {"allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01"}
        for paragraphs in (PEGEL, HIGHER):
            web.put(TEXT, shown(paragraphs))
            done = lesart(tmp_path, "ingest", A, "--browser", **given)
            assert done.returncode == 0, done.stderr
    done = lesart(tmp_path, "export", "--format", "warc", "-o", "press.warc.gz")
    assert done.returncode == 0, done.stderr
    manager = Path(PYWB).resolve().parent / "wb-manager"
    for words in (("init", "press"), ("add", "press", "press.warc.gz")):
        subprocess.run([manager, *words], cwd=tmp_path, check=True, capture_output=True)
    times = [re.sub(r"\D", "", row["first_seen"])[:14] for row in rows(tmp_path, "history", A)]
    wanted = [*(f"{at}mp_/{A}" for at in times), f"{times[1]}id_/urn:view:{A}"]
    wanted += [f"{times[1]}cs_/{MOVED}", *(f"{times[1]}id_/{each}" for each in (SCRIPT, TEXT))]
    replayed = subprocess.run(
        [*OWN_NETWORK, REPLAY, PYWB, *wanted],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert replayed.returncode == 0, replayed.stderr
    answers = ((tmp_path / str(number)).read_bytes() for number in range(len(wanted)))
    first, second, screenshot, style, script, inner = answers
    assert (style.strip(), script) == (CSS, CODE)
    assert "um 36 Zentimeter" in inner.decode()
    for address in ("cs_/https://zeitung.example/alt.css", "js_/https://zeitung.example/zahl.js"):
        assert f"/press/{times[1]}{address}" in second.decode()
    assert "um 3,6 Zentimeter" in first.decode()
    assert "um 36 Zentimeter" in second.decode()
    shots = [row for row in rows(tmp_path, "pictures", A) if row["event"] == "screenshot"]
    assert len(shots) == 2
    assert hashlib.sha256(screenshot).hexdigest() == shots[-1]["digest"]
