"""Requests above the limits get short answers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from storage.write.archive import Archive
from storage.write.tokens import add_token
from tests.cli.small_archive import make_archive
from tests.serve.test_slow_clients import HEAD, LATEST, opened, page, until
from worker.services.orders import INVALID_TOKENS_PER_MINUTE

pytestmark = pytest.mark.child

MOST_ANSWER_BYTES = 20_000
MANY = {f"p{each}": "1" for each in range(5_000)}
MANY_LONG = {f"p{each}" + "x" * 30_000: "1" for each in range(30)}
DEEP = b"[" * 200_000


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, str, Path]]:
    """Give the address of a page, a token for it, and its log."""
    folder = tmp_path_factory.mktemp("bounds")
    path = folder / "lesart.sqlite3"
    make_archive(path)
    with Archive.open(str(path)) as archive:
        token = add_token(archive, "redaktion", "write")
    with page(path, "web", web_workers="2") as (host, port):
        yield f"http://{host}:{port}", token, folder / "web.log"


@pytest.mark.parametrize(
    "path", ["/api/articles", "/api/changes", "/search", "/", "/feed.json", "/api/sources", "/find"]
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_thousands_of_parameters_give_a_short_answer(served, path, accept):
    query = "&".join(MANY)
    answer = httpx.get(f"{served[0]}{path}?{query}", headers={"Accept": accept}, timeout=LATEST)
    assert answer.status_code in {200, 400}
    assert len(answer.content) < MOST_ANSWER_BYTES, answer.text[:300]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"locator": "https://bote.example/", **MANY}),
        json.dumps({"locator": "https://bote.example/", **MANY_LONG}),
        json.dumps({"locators": [1] * 300_000}),
        json.dumps({"locators": ["x"] * 200_000}),
        json.dumps({"locators": [[1]] * 99}),
        json.dumps([1] * 300_000),
        DEEP,
        b'{"a":' * 100_000,
        b"\xff" * 500_000,
    ],
    ids=range(9),
)
@pytest.mark.parametrize("path", ["/api/sources", "/api/ingest"])
def test_a_large_order_gives_a_short_answer(served, path, body):
    url, token, _log = served
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = httpx.post(f"{url}{path}", content=body, headers=headers, timeout=LATEST)
    assert answer.status_code == 400
    assert len(answer.content) < MOST_ANSWER_BYTES


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (MANY, 400),
        ({f"p{each}": "1" for each in range(21)}, 400),
        ({"locator": "https://bote.example/", "token": "wrong"}, 401),
        ({"locator": "x" * 1_100_000}, 413),
    ],
)
def test_a_form_with_too_many_fields_is_refused(served, form, status):
    url, _token, log = served
    answer = httpx.post(f"{url}/sources", data=form, timeout=LATEST)
    assert answer.status_code == status
    assert len(answer.content) < MOST_ANSWER_BYTES
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
def test_a_client_that_leaves_in_the_middle_of_its_form_leaves_no_trace(served):
    url, _token, log = served
    host, port = url.removeprefix("http://").split(":")
    head = HEAD.replace(b"GET /", b"POST /sources") + b"Content-Length: 500\r\n\r\nlocator="
    for _ in range(10):
        with ExitStack() as held:
            opened(held, (host, int(port)), "127.0.0.1", head)
        assert httpx.get(f"{url}/healthz", timeout=LATEST).status_code == 200
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
def test_while_a_client_is_limited_not_even_a_right_token_is_compared(small_archive):
    with Archive.open(str(small_archive)) as archive:
        token = add_token(archive, "redaktion", "write")

    def ordered(token: str, client: str, peer: str = "127.0.0.1") -> int:
        headers = {"Authorization": f"Bearer {token}".strip(), "X-Forwarded-For": client}
        transport = httpx.HTTPTransport(local_address=peer)
        with httpx.Client(base_url=url, transport=transport, timeout=LATEST) as asks:
            return asks.patch("/api/sources", json={"name": "no"}, headers=headers).status_code

    with page(small_archive, "web", web_workers="2", web_proxies="127.0.0.1") as (host, port):
        url = f"http://{host}:{port}"
        assert {ordered("", "1.2.3.4") for _ in range(2 * INVALID_TOKENS_PER_MINUTE)} == {401}
        with ThreadPoolExecutor(16) as threads:
            wrong = list(threads.map(lambda _: ordered("wrong", "1.2.3.4"), range(60)))
            assert set(wrong) == {401, 429}
            until(lambda: {ordered("wrong", "1.2.3.4"), ordered(token, "1.2.3.4")} == {429})
        assert ordered(token, "1.2.3.5") == 400, "another client of the same proxy"
        with ThreadPoolExecutor(16) as threads:
            lies = threads.map(lambda n: ordered("wrong", f"1.2.4.{n}", "127.0.0.2"), range(60))
            assert 429 in lies, "who is no named proxy cannot name another client"
