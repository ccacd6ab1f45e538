"""SingleFile saves a page behind a log-in in Chromium, and `lesart up` shows what was edited.

Needs chromium and npm, which gets `single-file-cli` by its version.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.flow.driver import findings
from tests.flow.processes import Service, lesart, rows, until
from tests.services import free_port
from tests.web.desk import HIGHER, PEGEL
from tests.web.site import Reply, Request, page, simulated_web

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SINGLE_FILE = "single-file-cli@2.0.83"
URL = "http://zeitung.example/plus/pegel"
COOKIE = "abo=7ab3"
CLICKS = 5
WALL = (
    "<html lang=de><title>Anmelden</title><form>Passwort <input type=password name=p></form></html>"
)
SEND = """
import { readFile } from "node:fs/promises";
const [file, url, api, token] = process.argv.slice(2);
const form = new FormData();
const page = new Blob([await readFile(file)], { type: "text/html" });
form.append("file", page, "Pegel der Lohe (28.11.2026 18:27).html");
form.append("url", url);
const headers = new Map([["Authorization", `Bearer ${token}`], ["Accept", "application/json"]]);
const answer = await fetch(api, { method: "POST", body: form, headers });
process.stdout.write(await answer.text());
process.exit([200, 201].includes(answer.status) ? 0 : 1);
"""
"""What the extension does with a saved page: a form of a file and its address, sent by `fetch`."""


@pytest.fixture(scope="module")
def single_file(tmp_path_factory) -> Path:
    """Give the program of SingleFile."""
    for name in ("npm", "node", "chromium"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < 20:
        pytest.skip(f"{SINGLE_FILE} needs Node 20, this is {version.stdout.strip()}")
    folder = tmp_path_factory.mktemp("single-file")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run([*install, "--prefix", str(folder), SINGLE_FILE], check=True, timeout=300)
    return folder / "node_modules" / "single-file-cli" / "single-file-node.js"


class Reader:
    """A subscriber who is logged in, with a browser that has SingleFile."""

    def __init__(self, folder: Path, single_file: Path, port: int) -> None:
        self._folder, self._single_file, self._port = folder, single_file, port

    def save(self, url: str) -> Path:
        """Save the page that the browser displays, as a click on SingleFile does.

        On a busy machine SingleFile sometimes ends without a file: then click again.
        """
        saved = self._folder / f"{time.monotonic_ns()}.html"
        for _ in range(CLICKS):
            self._click(url, saved)
            if saved.exists():
                return saved
        raise AssertionError("SingleFile wrote no file")

    def _click(self, url: str, saved: Path) -> None:
        cookie = COOKIE.replace("=", ",") + ",zeitung.example,/"
        subprocess.run(
            [
                "node", self._single_file, url, saved,
                "--browser-executable-path", shutil.which("chromium"),
                "--browser-arg=--no-sandbox", "--browser-arg=--disable-background-networking",
                f"--browser-arg=--user-data-dir={self._folder / 'profile'}",
                f"--browser-arg=--host-resolver-rules=MAP zeitung.example 127.0.0.1:{self._port}",
                f"--browser-cookie={cookie}", "--browser-wait-until=load",
                "--browser-wait-until-delay=0", "--load-deferred-images=false",
            ],
            check=True, timeout=240, env={**os.environ, "HOME": str(self._folder)},
        )  # fmt: skip

    def send(self, saved: Path, url: str, api: str, token: str) -> dict:
        """Send a saved page as the extension does."""
        program = self._folder / "send.mjs"
        program.write_text(SEND)
        sent = subprocess.run(
            ["node", program, saved, url, api, token], capture_output=True, text=True, check=True
        )
        return json.loads(sent.stdout)


def test_from_the_click_to_the_diff(single_file, tmp_path):
    shown = [PEGEL]

    def subscribers_only(request: Request) -> Reply:
        is_known = COOKIE in request.headers.get("cookie", "")
        return Reply(page("Pegel der Lohe steigt", shown[0]) if is_known else WALL.encode())

    port = free_port()
    settings = {
        "home": str(tmp_path / "home"), "seeds": str(tmp_path / "seeds"), "every": "1d",
        "web_address": f"127.0.0.1:{port}", "web_workers": "1",
    }  # fmt: skip
    (tmp_path / "seeds").mkdir()
    made = lesart(
        tmp_path, "token", "add", "ada", "--scope", "capture", "--format", "json", **settings
    )
    token = json.loads(made.stdout)[0]["token"]
    api = f"http://127.0.0.1:{port}/api/captures"
    with (
        simulated_web(tmp_path, lambda: datetime.now(UTC)) as web,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        web.put(URL, subscribers_only)
        site = f"http://127.0.0.1:{web.plain_port}/plus/pegel"
        assert httpx.get(site, headers={"Host": "zeitung.example"}).text == WALL
        reader = Reader(tmp_path, single_file, web.plain_port)
        up = Service(tmp_path, "up", **settings)
        up.start()
        try:
            until(lambda: is_ready(client))

            def submit() -> str:
                saved = reader.save(URL)
                requests = len(web.requests)
                sent = reader.send(saved, URL, api, token)
                until(lambda: state_of(client, sent["job"]) == "done")
                assert len(web.requests) == requests  # the archive itself requested nothing
                return sent["article"]

            article = submit()
            shown[0] = HIGHER
            clicked = time.monotonic()
            assert submit() == article
            diff = lesart(tmp_path, "diff", article, "--format", "text", **settings)
            seconds = time.monotonic() - clicked
        finally:
            up.end()
    assert (diff.returncode, "[-3,6-]{+36+}" in diff.stdout) == (1, True), diff.stdout
    sys.stderr.write(f"from the click to the diff: {seconds:.1f} s\n")
    (version,) = rows(tmp_path, "show", article, **settings)
    assert (version["origin"], version["version"]) == (URL, 2)
    assert "submitted" in version["flags"]
    checks = rows(tmp_path, "observations", article, **settings)
    found = [(each["foreign"], each["outcome"], each["note"]) for each in checks]
    assert found == [(True, "content", "submitted by ada")] * 2
    assert findings(f"sqlite:///{tmp_path}/home/lesart.sqlite3") == []


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def state_of(client: httpx.Client, job: int) -> str:
    (found,) = client.get("/api/jobs", params={"job": job}).json()["items"]
    return found["state"]
