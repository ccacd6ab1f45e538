"""The services of the stack follow a site with walls, errors and edits: `pytest -m compose`."""

import json
import shutil
import urllib.request
from collections.abc import Iterator

import pytest

from tests.capabilities.unconfirmed.pages import (
    CONSENT,
    DAMM,
    EXPIRED,
    HIGHER,
    LOG_IN,
    NIGHT,
    REWRITTEN,
    article,
)
from tests.compose.stack import QUICK, Stack, removed_at_end, wait_for

pytestmark = [pytest.mark.compose, pytest.mark.postgresql("fast")]

SITE = """
import http.server

pages, asked = {}, {}

class Handler(http.server.BaseHTTPRequestHandler):
    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_PUT(self):
        pages[self.path] = self._body()
        self._answer(200, str(asked.get(self.path, 0)).encode())

    def do_GET(self):
        if self.path.startswith("/asked/"):
            return self._answer(200, str(asked.get(self.path[6:], 0)).encode())
        asked[self.path] = asked.get(self.path, 0) + 1
        self._answer(200 if self.path in pages else 404, pages.get(self.path, b""))

    def do_POST(self):
        print(self._body().decode(), flush=True)
        self._answer(200)

    def log_message(self, *_words):
        pass

http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
"""A site whose pages are put by the test, and a receiver that prints the body of each message."""
ADDRESS = "http://zeitung.example:8080/damm"


class Site:
    """The site, by the address of its container."""

    def __init__(self, stack: Stack) -> None:
        ways = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        self.stack, self.address = stack, stack.inspect("site", ways)

    def ask(self, path: str, body: str | None = None) -> str:
        sent = None if body is None else body.encode()
        url = f"http://{self.address}:8080{path}"
        asked = urllib.request.Request(url, data=sent, method="PUT" if sent else "GET")
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return str(answer.read().decode())

    def show(self, page: str) -> None:
        """Show a page, and wait until two checks have asked for it: the first may be one before."""
        before = int(self.ask("/damm", page))
        wait_for(lambda: int(self.ask("/asked/damm")) >= before + 2)

    def messages(self) -> list[dict]:
        return [json.loads(line)["data"] for line in self.stack.logs("site")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if shutil.which("docker") is None:
        pytest.fail("there is no `docker` here: install Docker with its compose plugin")
    stack = Stack("lesart-compose-site", tmp_path_factory.mktemp("stack"))
    with removed_at_end(stack):
        stack.compose("up", "--build", "--wait")
        yield stack


def test_each_edit_of_a_site_is_reported_once_and_no_wall(stack: Stack) -> None:
    service = {
        "image": stack.image, "entrypoint": ["python", "-c", SITE], "networks": ["outside"],
        "init": True,
    }  # fmt: skip
    stack.configure(QUICK, {"site": service})
    stack.compose("up", "--no-deps", "--detach", "site")
    site = Site(stack)
    allowed = {
        "LESART_ALLOW_HOSTS": f"zeitung.example:8080={site.address}", "LESART_PACE": "0.1s",
        "LESART_CONFIRM_AFTER": "2s",
    }  # fmt: skip
    stack.configure({**QUICK, **allowed}, {"site": service})
    stack.up()
    site.ask("/damm", article("Damm wird höher", DAMM))
    stack.lesart("source", "add", ADDRESS, "--every", "1s", "--recheck", "1s")
    wait_for(lambda: stack.number("SELECT count(*) FROM versions") == 1)
    stack.lesart("alert", "add", "alle", "--webhook", "http://zeitung.example:8080/hook")
    for wall in (CONSENT, NIGHT, LOG_IN, EXPIRED):
        site.show(wall)
        wait_for(lambda: len(stack.lesart("unconfirmed", "--open")) == 1)
        site.show(article("Damm wird höher", DAMM))
        wait_for(lambda: stack.lesart("unconfirmed", "--open") == [])
    assert stack.number("SELECT count(*) FROM versions") == 1
    site.show(article("Damm wird höher", HIGHER))
    site.show(REWRITTEN)
    wait_for(lambda: stack.number("SELECT count(*) FROM versions") == 3)
    wait_for(lambda: len(site.messages()) >= 2)
    site.show(CONSENT)
    assert [each["version"] for each in site.messages()] == [2, 3]
    assert stack.number("SELECT count(*) FROM changes") == 2
    assert stack.number("SELECT count(*) FROM articles WHERE state = 'present'") == 1
    stack.compose("run", "--rm", "-T", "lesart", "verify")
