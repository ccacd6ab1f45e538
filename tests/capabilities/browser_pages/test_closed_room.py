"""What a hostile page reaches: everything without the room, and nothing in it."""

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from storage.values.net.private_hosts import hosts_by_port
from tests.flow.processes import ROOT, until
from worker.address import Address, parse_address
from worker.capabilities.browser_pages.browser import PROGRAM
from worker.capabilities.browser_pages.page import render_page
from worker.web.connection import Network
from worker.web.exchange import PersistentConnection, send_request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]
B = "http://127.0.0.1:@/v/"


def script(text: str) -> str:
    return f"<script>try{{{text}}}catch(e){{}}</script>"


def blob(text: str) -> str:
    return f'URL.createObjectURL(new Blob(["{text}"],{{type:"text/javascript"}}))'


VECTORS = {
    "img": f"<img src='{B}img'>",
    "srcset": f"<img srcset='{B}srcset 1x'>",
    "css-link": f"<link rel=stylesheet href='{B}css-link'>",
    "css-import": f"<style>@import url('{B}css-import');</style>",
    "css-background": f"<style>p{{background:url('{B}css-background')}}</style><p>x",
    "css-font": f"<style>@font-face{{font-family:f;src:url('{B}css-font')}}b{{font-family:f}}"
    "</style><b>x</b>",
    "script": f"<script src='{B}script'></script>",
    "module": f"<script type=module>import '{B}module'</script>",
    "fetch": script(f"fetch('{B}fetch')"),
    "keepalive": script(f"fetch('{B}keepalive',{{keepalive:true,method:'POST',body:'x'}})"),
    "preflight": script(f"fetch('{B}preflight',{{headers:{{'x-a':'1'}},method:'PUT'}})"),
    "xhr": script(f"x=new XMLHttpRequest;x.open('GET','{B}xhr');x.send()"),
    "beacon": script(f"navigator.sendBeacon('{B}beacon','x')"),
    "eventsource": script(f"new EventSource('{B}eventsource')"),
    "preload": f"<link rel=preload as=image href='{B}preload'>",
    "modulepreload": f"<link rel=modulepreload href='{B}modulepreload'>",
    "prefetch": f"<link rel=prefetch href='{B}prefetch'>",
    "iframe": f"<iframe src='{B}iframe'></iframe>",
    "srcdoc": f"<iframe srcdoc=\"<img src='{B}srcdoc'>\"></iframe>",
    "sandbox": f"<iframe sandbox=allow-scripts srcdoc=\"<script>fetch('{B}sandbox')</script>\">"
    "</iframe>",
    "worker": script(f"new Worker({blob(f'''fetch('{B}worker')''')})"),
    "sharedworker": script(f"new SharedWorker({blob(f'''fetch('{B}sharedworker')''')})"),
    "audioworklet": script(
        f"new OfflineAudioContext(1,1,8000).audioWorklet.addModule('{B}audioworklet')"
    ),
    "websocket": script("new WebSocket('ws://127.0.0.1:@/v/websocket')"),
    "websocket-worker": script(
        f"new Worker({blob('''new WebSocket('ws://127.0.0.1:@/v/websocket-worker')''')})"
    ),
    "video": f"<video src='{B}video' autoplay muted></video>",
    "object": f"<object data='{B}object'></object>",
    "svg": f"<svg><image href='{B}svg'/></svg>",
    "redirect-img": "<img src='/r?redirect-img'>",
    "redirect-fetch": script("fetch('/r?redirect-fetch',{mode:'no-cors'})"),
    "redirect-frame": "<iframe src='/r?redirect-frame'></iframe>",
    "redirect-css": "<link rel=stylesheet href='/r?redirect-css'>",
    "speculation": '<script type=speculationrules>{"prefetch":[{"urls":["'
    f'{B}speculation"],"eagerness":"immediate"}}]}}</script>',
    "stun": script(
        "p=new RTCPeerConnection({iceServers:[{urls:'stun:127.0.0.1:@udp'}]});"
        "p.createDataChannel('x');p.createOffer().then(o=>p.setLocalDescription(o))"
    ),
}
SPELLINGS = (
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "localhost",
    "[::ffff:127.0.0.1]",
)
VECTORS |= {
    f"spelled-{each}": f"<img src='http://{each}:@/v/spelled-{each}'>" for each in SPELLINGS
}
"""Ways to a server that a page has; `@` is the port of one that must not be reached."""


class Listeners:
    """A hostile site, and the server that must stay silent: each request to it is a hit."""

    def __init__(self) -> None:
        self.hits: set[str] = set()
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()
        self.silent, self.site = self._server(self._hit), self._server(self._page)

    def _server(self, answer) -> http.server.ThreadingHTTPServer:
        class Handler(http.server.BaseHTTPRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

            def do_GET(self) -> None:
                status, headers, body = answer(self.path)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_OPTIONS = do_PUT = do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_values) -> None:
                pass

        made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        return made

    def _listen(self) -> None:
        with suppress(OSError):
            while self.datagrams.recv(2048):
                self.hits.add("stun")

    def _hit(self, path: str):
        self.hits.add(path.rpartition("/")[2])
        return 200, [("Access-Control-Allow-Origin", "*")], b""

    def _page(self, path: str):
        silent = f"127.0.0.1:{self.silent.server_port}"
        if path.startswith("/r?"):
            return 302, [("Location", f"http://{silent}/v/{path[3:]}")], b""
        html = "".join(VECTORS.values()).replace(
            "@udp", str(self.datagrams.getsockname()[1])
        ).replace(":@", f":{self.silent.server_port}")  # fmt: skip
        return 200, [("Content-Type", "text/html")], b"<!doctype html><body>" + html.encode()

    def close(self) -> None:
        for each in (self.silent, self.site):
            each.shutdown()
            each.server_close()
        self.datagrams.close()


@contextmanager
def listening() -> Iterator[Listeners]:
    found = Listeners()
    try:
        yield found
    finally:
        found.close()


def test_no_way_of_a_page_leaves_the_room(tmp_path: Path) -> None:
    with listening() as control:
        plain = subprocess.Popen(
            [PROGRAM, "--headless=new", "--no-sandbox", f"--user-data-dir={tmp_path}",
             "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebRTC,"
             "LocalNetworkAccessChecksWebSockets", "--remote-debugging-port=0",
             f"http://localhost:{control.site.server_port}/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until(lambda: control.hits >= VECTORS.keys(), 60, f"{VECTORS.keys() - control.hits}")
        finally:
            plain.terminate()
            plain.wait()
    with listening() as found:
        port = found.site.server_port
        network = Network(hosts_by_port((f"zeitung.example:80=127.0.0.1:{port}",)))
        address = parse_address("http://zeitung.example/", network.is_own)
        assert isinstance(address, Address)
        document = send_request(
            PersistentConnection(network), address, [], seconds=10, max_bytes=10**6
        )
        rendered = render_page(document, network, "Lesart/0", max_bytes=10**7)
        assert rendered.html is not None, rendered.refused
        assert rendered.facts["failed"] >= 20
        assert found.hits == set()


def test_nothing_is_left_of_a_worker_that_is_killed() -> None:
    words = (
        "import time\n"
        "from worker.capabilities.browser_pages.browser import open_browser\n"
        "with open_browser(None, '', 'x', time.monotonic() + 60) as opened:\n"
        "    opened.tools.call('Browser.getVersion')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", words], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}
    )
    assert worker.stdout is not None
    with worker.stdout:
        assert worker.stdout.readline() == b"ready\n"
    started = psutil.Process(worker.pid).children(recursive=True)
    assert len(started) > 3
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until(lambda: not any(each.is_running() for each in started), 20)
