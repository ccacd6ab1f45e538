"""A page within its bounds, and a machine without a browser: always an end, never a text."""

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.capabilities.browser_pages.test_pages import SHELL, TEXT, shown
from tests.flow.processes import LESART, environment, lesart, rows
from tests.web.desk import PEGEL, A
from tests.web.site import Reply, Request, Web, page, redirect, simulated_web
from worker.address import Address, parse_address
from worker.capabilities.browser_pages import page as loading
from worker.capabilities.browser_pages.browser import (
    MEMORY_MB,
    PROGRAM,
    NoRoomError,
    OpenBrowser,
    open_browser,
)
from worker.capabilities.browser_pages.certificates import own_certificates
from worker.capabilities.browser_pages.page import PAGE_SECONDS, RenderedPage, render_page
from worker.capabilities.browser_pages.proxy import AT_A_TIME, MOST_BYTES, RESOURCE_BYTES
from worker.web import connection
from worker.web.exchange import PersistentConnection, send_request
from worker.web.headers import create_network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]
SITE = "https://zeitung.example"
MEBIBYTE = 1024 * 1024
USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
WITHOUT_NAMESPACES = (
    *USER, "--keep-caps", "sh", "-c",
    "echo 0 > /proc/sys/user/max_user_namespaces && "
    'exec setpriv --ambient-caps=-all --inh-caps=-all "$@"', "-",
)  # fmt: skip
PRIVATE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "localhost", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::127.0.0.1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1",
    "169.254.169.254", "192.0.0.8", "224.0.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[fec0::1]", "[fe80::1]", "[fd00::1]", "127.255.255.254", "0177.0.0.1", "localhost.", "192.0.0.1",
    "192.0.2.1", "198.18.0.1", "203.0.113.1", "240.0.0.1", "255.255.255.255", "[ff02::1]",
    "[::ffff:10.0.0.1]", "[64:ff9b:1::a00:1]", "[2001::1]",
)  # fmt: skip
connected: list[str] = []


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as found:
        found.put(A, Reply(SHELL))
        found.put(TEXT, shown(PEGEL))
        yield found


def settings(web: Web) -> dict[str, str]:
    return {"allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01"}


def rendered(web: Web, body: str) -> RenderedPage:
    """Return a page with some more in its body, and check that no process is left."""
    found = load(web, A, body)
    assert browsers() == []
    return found


def load(web: Web, url: str, body: str, consent: Path | None = None) -> RenderedPage:
    raw = page("Pegel steigt", PEGEL)
    web.put(url, raw.replace(b"</body>", body.encode() + b"</body>"))
    network = create_network(tuple(web.allow_hosts().split(",")), web.ca_file)
    address = parse_address(url, network.is_own)
    assert isinstance(address, Address)
    kept = PersistentConnection(network)
    document = send_request(kept, address, [], seconds=10, max_bytes=10**7)
    kept.close()
    return render_page(document, network, "Lesart/0", max_bytes=10**7, consent=consent)


@pytest.mark.parametrize(
    ("way", "program", "reason"),
    [
        (WITHOUT_NAMESPACES, "", "the machine refuses namespaces"),
        (("setpriv", "--bounding-set=-all", "--inh-caps=-all"), "", "refuses namespaces"),
        ((), "/bin/true", "/bin/true ended at once"),
    ],
    ids=["user", "root without rights", "program"],
)
def test_a_machine_without_a_browser_refuses_the_page(
    web: Web, tmp_path: Path, way: tuple[str, ...], program: str, reason: str
) -> None:
    given = settings(web) | ({"browser": program} if program else {})
    words = [*way, *LESART, "ingest", A, "--browser"]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment(**given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert reason in done.stderr
    assert "allow namespaces" in done.stderr
    assert [row["code"] for row in rows(tmp_path, "refusals")] == ["browser_missing"]
    assert rows(tmp_path, "list") == []
    assert [row for row in rows(tmp_path, "jobs") if row["state"] in {"queued", "running"}] == []
    examined = subprocess.run(
        [*way, *LESART, "doctor"], cwd=tmp_path, env=environment(**given), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert reason in examined.stdout
    lesart(tmp_path, "ingest", A, "--browser", **settings(web))
    assert len(rows(tmp_path, "list")) == 1


def test_a_user_without_rights_reads_pages(web: Web, tmp_path: Path) -> None:
    subprocess.run(
        [*USER, sys.executable, "-m", "worker", "ingest", A, "--browser"],
        cwd=tmp_path, env=environment(**settings(web)), check=True, capture_output=True,
    )  # fmt: skip
    assert len(rows(tmp_path, "list")) == 1


def test_resources_end_at_their_bounds(web: Web) -> None:
    web.put(f"{SITE}/large", Reply(b"x" * 20_000_000, type="image/png"))
    many = "<img src=/large>" + "".join(f"<img src='/i/{each}'>" for each in range(300))
    nuisance = "<script>window.open('/w');alert(1);confirm(2);location='/load'</script>"
    web.put(f"{SITE}/load", Reply(b"x").with_header("Content-Disposition", "attachment"))
    found = rendered(web, many + nuisance)
    assert found.html is not None, found.refused
    assert "3,6 Zentimeter" in found.html.decode()
    assert found.facts["requests"] == 200
    assert {"requests", "resource_bytes"} <= set(found.facts["reached"])


def test_the_bytes_of_a_page_end_at_its_budget(web: Web) -> None:
    sizes = [9_000_000] * 9
    for number, size in enumerate(sizes):
        web.put(f"{SITE}/b/{number}", Reply(b"x" * size, type="image/png"))
    found = rendered(web, "".join(f"<img src='/b/{each}'>" for each in range(len(sizes))))
    assert found.html is not None, found.refused
    assert found.facts["reached"] == ["bytes"]
    assert found.facts["bytes"] < MOST_BYTES + AT_A_TIME * RESOURCE_BYTES


@pytest.mark.parametrize(
    "script",
    ["for(;;);", "setTimeout(()=>{for(;;)alert(1)},9)"],
    ids=["endless", "alerts"],
)  # fmt: skip
def test_a_script_without_end_is_ended(web: Web, script: str) -> None:
    began = datetime.now(UTC)
    found = rendered(web, f"<script>{script}</script>")
    assert found.html is None
    assert found.refused is not None
    assert found.refused.code == "browser_failed"
    assert (datetime.now(UTC) - began).total_seconds() < 2 * PAGE_SECONDS


@pytest.mark.parametrize(
    "script",
    ["x = new Uint8Array(3e9).fill(1)",
     "a = []; setInterval(() => a.push(new Uint8Array(9e7).fill(1)), 9)",
     "m = new WebAssembly.Memory({initial: 1, maximum: 65536});"
     "setInterval(() => {m.grow(1600); new Uint8Array(m.buffer).fill(1)}, 5)"],
    ids=["three gigabytes", "many times", "WebAssembly"],
)  # fmt: skip
def test_no_process_of_a_page_has_more_memory_than_its_bound(web: Web, script: str) -> None:
    bodies = {A: f"<script>{script}</script>", f"{SITE}/other": ""}
    with ThreadPoolExecutor(2) as threads:
        loads = [threads.submit(load, web, url, body) for url, body in bodies.items()]
        most = 0
        while not all(each.done() for each in loads):
            for each in browsers():
                with suppress(psutil.Error):
                    most = max(most, each.memory_full_info().uss)
    for each in loads:
        html = each.result().html
        assert html is not None, each.result().refused
        assert "3,6 Zentimeter" in html.decode()
    assert 10 * MEBIBYTE < most < MEMORY_MB * MEBIBYTE * 2 // 3
    assert browsers() == []


FLOODS = {
    "console": "<script>for (let i = 0; i < 3e6; i++) console.log('Pegel'.repeat(20), i)</script>",
    "console without end": "<script>setInterval(() => { for (let i = 0; i < 1e5; i++) "
    "console.log({i}) }, 1)</script>",
    "shadow roots": "<script>for (let i = 0; i < 1e4; i++) { const host = document.body"
    ".appendChild(document.createElement('div')); host.attachShadow({mode: 'closed'}).innerHTML = "
    "'<p><b>Boot</b></p>'.repeat(3) }</script>",
}


def survive(web: Web, name: str, consent: Path | None) -> RenderedPage:
    """Return what became of a flood, and check its time and how much more memory this process had."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = load(web, A, FLOODS[name], consent)
    assert time.monotonic() - began < 2 * PAGE_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kilobytes
    assert browsers() == []
    return found


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_messages_or_nodes_takes_bounded_time_and_memory(web: Web, name: str) -> None:
    found = survive(web, name, None)
    if found.html is None:
        assert found.refused is not None
        assert found.refused.code == "browser_failed"
    else:
        assert "3,6 Zentimeter" in found.html.decode()


def browsers() -> list[psutil.Process]:
    found = []
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found += [each] * (each.name() == "chromium")
    return found


def test_a_browser_opens_no_page_of_its_own() -> None:
    """A list below its address bar, which nobody sees, took half of the time of a page."""
    with open_browser(None, own_certificates().digest, "Lesart/0", time.monotonic() + 60) as opened:
        opened.tools.call("Target.createTarget", url="about:blank")
        found = opened.tools.call("Target.getTargets", filter=[{}])["targetInfos"]
        kinds = {(each["type"], each["url"]) for each in found}
        processes = [each for each in browsers() if "--type=renderer" in each.cmdline()]
    assert kinds == {("page", "about:blank"), ("tab", "about:blank")}
    assert len(processes) == 2


def test_a_browser_that_is_killed_is_started_again(web: Web) -> None:
    killed: list[int] = []

    def kill(_request: Request) -> Reply:
        for each in browsers() if not killed else ():
            killed.append(each.pid)
            with suppress(psutil.NoSuchProcess):
                each.kill()
        return Reply(b"x", type="image/png")

    web.put(f"{SITE}/late", kill)
    found = rendered(web, "<img src=/late>")
    assert len(killed) > 1
    assert found.html is not None, found.refused
    assert "3,6 Zentimeter" in found.html.decode()


def test_a_browser_that_did_not_start_is_started_again(web: Web, monkeypatch) -> None:
    """A browser that is killed while it starts looks like one that the machine refuses."""
    refused = []

    def open_later(*values: Any) -> AbstractContextManager[OpenBrowser]:
        if not refused:
            refused.append(NoRoomError("killed"))
            raise refused[0]
        return open_browser(*values)

    monkeypatch.setattr(loading, "open_browser", open_later)
    found = rendered(web, "")
    assert found.html is not None, found.refused


def _audit(event: str, values: tuple[object, ...]) -> None:
    if event == "socket.connect":
        connected.append(str(values[1]))


def test_private_addresses_and_unknown_certificates_are_refused(web: Web) -> None:
    import trustme

    web.certify("fremd.example", trustme.CA().issue_cert("fremd.example"))
    web.put("https://fremd.example/x", Reply(b"x"))
    urls = [f"{scheme}://{each}/x" for each in PRIVATE for scheme in ("http", "https")]
    for number, url in enumerate(urls):
        web.put(f"{SITE}/r/{number}", redirect(url))
    web.put(f"{SITE}/known", Reply(b"x", type="image/png"))
    frames = [*urls, *(f"/r/{each}" for each in range(len(urls)))]
    images = "".join(f"<img src='{each}'>" for each in ["https://fremd.example/x", *frames])
    links = "".join(
        f"<link rel={each} href='http://127.0.0.1:{web.plain_port}/{each}'>"
        for each in ("icon", "manifest", "preconnect", "dns-prefetch")
    )
    sys.addaudithook(_audit)
    connected.clear()
    found = rendered(web, f"<img src=/known>{links}{images}")
    assert found.html is not None, found.refused
    ports = {str(("127.0.0.1", web.plain_port)), str(("127.0.0.1", web.tls_port))}
    assert {each for each in connected if each not in ports} == set()
    asked = [(each.host, each.path) for each in web.requests]
    assert ("zeitung.example", "/known") in asked
    assert len([path for _host, path in asked if path.startswith("/r/")]) == len(urls)
    assert {host for host, _path in asked} == {"zeitung.example"}
    assert web.refused_handshakes == ["fremd.example"]


@pytest.mark.parametrize("is_checked", [True, False], ids=["checked", "control"])
def test_a_name_that_becomes_private_is_never_connected_to(
    web: Web, monkeypatch: pytest.MonkeyPatch, is_checked: bool
) -> None:
    public, private = "93.184.215.14", "127.0.0.1"
    answers = {
        "gewechselt.example": [(public,), (private,), (private,)],
        "zweifach.example": [(public, private)] * 3,
        "intern.example": [(private,)] * 3,
    }
    reached: list[tuple[str, int]] = []
    connect = connection.MeteredSocket.connect

    def note(self: socket.socket, place: tuple[str, int]) -> None:
        if place[1] in {web.plain_port, web.tls_port}:
            return connect(self, place)
        reached.append(place)
        raise OSError("nothing answers here")

    monkeypatch.setattr(connection.MeteredSocket, "connect", note, raising=False)
    monkeypatch.setattr(connection, "look_up", lambda host, _port: answers[host].pop(0))
    if not is_checked:
        monkeypatch.setattr(connection, "non_public_reason", lambda _place: None)
    images = "".join(f"<img src='https://{host}/{n}'>" for host in answers for n in range(2))
    found = rendered(web, images)
    assert found.html is not None, found.refused
    assert ((public, 443) in reached) is True
    assert ((private, 443) in reached) is not is_checked
