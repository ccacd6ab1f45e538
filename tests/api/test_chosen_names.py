"""A name that a client chooses opens nothing: paths, headers, tools, parameters, host names."""

import json

import httpx
import pytest

from storage.web.problems import TITLES
from storage.write.archive import Archive
from storage.write.tokens import add_token
from tests.api.tool_calls import within
from tests.cli.small_archive import make_archive
from tests.serve.test_slow_clients import LATEST, page
from worker.services.orders import INVALID_TOKENS_PER_MINUTE

SECRETS = ("root:", "def make_app", "PREFIX =", "[project]")
"""Words of files beside those that are served."""

PATHS = (
    "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fsettings.py", "/static/%2e%2e%2fapp.py",
    "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/style.css/../../app.py", "/static/style.css%00",
    "/static/templates/base.html", "/static/..%5capp.py", "/templates/base.html", "/api/../settings.py",
    "/api/%2e%2e/mcp", "/api/articles/..%2f..%2fsettings.py", "/api/clusters/..%2f..", "/a/..%2f..%2fpyproject.toml",
    "/api/version?rev=file:///etc/passwd", "/api/version?rev=../../pyproject.toml", "/api/raw?rev=/etc/passwd",
    "/api/sql?query=SELECT%201", "/api/__class__", "/mcp/sql", "/api/tables/access_token",
    "/tile/../../etc/passwd", "/checkpoint/../log.key", "/metrics/../app.py",
)  # fmt: skip
PARAMETERS = (
    "sort=digest", "columns=digest", "order_by=(SELECT digest FROM access_token)", "view=access_token",
    "format=__import__", "fields=__class__", "template=../base.html", "__class__=a", "limits=1", "source[$ne]=a",
    "table=access_token", "class=digest", "class=__class__", "limit=(SELECT 1)", "after=access_token",
    "as_of=(SELECT digest FROM access_token)",
)  # fmt: skip
TOOLS = (
    "__class__",
    "mcp",
    "SQL",
    "sql ",
    "Sql",
    "raw",
    "stats",
    "ingest",
    "/api/raw",
    "show/../../raw",
    "_sql",
    "",
)
HEADERS = (
    {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Prefix": "/evil"},
    {"Forwarded": "host=evil.example;proto=https"}, {"X-Original-URL": "/api/sources"}, {"X-Host": "evil.example"},
    {"X-Rewrite-URL": "/api/sources"}, {"X-HTTP-Method-Override": "DELETE"}, {"X-Forwarded-Server": "evil.example"},
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Give the address of a server that knows no proxy, and a token of the scope `capture`."""
    path = tmp_path_factory.mktemp("names") / "lesart.sqlite3"
    make_archive(path)
    with Archive.open(str(path)) as archive:
        token = add_token(archive, "browser", "capture")
    with page(path, "web", web_workers="1") as (host, port):
        yield f"http://{host}:{port}", token


def get(address, path, **headers):
    """Send a path as it is: clients would shorten it."""
    with httpx.Client(base_url=address, timeout=LATEST) as client:
        request = client.build_request("GET", "/", headers=headers)
        request.url = request.url.copy_with(raw_path=path.encode())
        return client.send(request)


@pytest.mark.slow
@pytest.mark.child
def test_no_path_leads_to_another_file(server):
    answers = {path: get(server[0], path) for path in PATHS}
    assert {
        path: each.status_code
        for path, each in answers.items()
        if each.status_code not in {400, 404, 405}
    } == {}
    assert not [
        path for path, each in answers.items() if any(word in each.text for word in SECRETS)
    ]


@pytest.mark.child
@pytest.mark.parametrize("path", ["/api/articles", "/api/changes", "/api/search?q=a"])
def test_no_parameter_names_a_column_a_table_or_a_template(server, path):
    for each in PARAMETERS:
        answer = get(server[0], f"{path}{'&' if '?' in path else '?'}{each.replace(' ', '+')}")
        assert answer.status_code == 400, each
        assert answer.json()["code"] in TITLES


@pytest.mark.child
def test_no_header_of_a_stranger_is_believed(server):
    expected = {path: get(server[0], path) for path in ("/feed.json", "/api/articles", "/")}
    for headers in HEADERS:
        for path, usual in expected.items():
            answer = get(server[0], path, **headers)
            assert (answer.status_code, answer.text) == (200, usual.text), headers


@pytest.mark.child
def test_a_token_has_its_scope_whatever_a_request_is_called(server):
    address, token = server
    for method, path in (("POST", "/api/ingest"), ("POST", "/api/sources"), ("DELETE", "/api/sources?name=a"),
                         ("POST", "/api//ingest"), ("POST", "/api/ingest/"), ("POST", "/api/captures/../ingest"),
                         ("POST", "/API/INGEST"), ("PATCH", "/api/sources")):  # fmt: skip
        for scheme in ("Bearer", "bearer", "BEARER "):
            headers = {"Authorization": f"{scheme} {token}", "X-HTTP-Method-Override": "GET"}
            answer = httpx.request(
                method, f"{address}{path}", headers=headers, json={}, timeout=LATEST
            )
            assert answer.status_code in {307, 400, 403, 404, 405}, (method, path)


@pytest.mark.child
def test_without_a_proxy_a_client_cannot_choose_its_address(server):
    statuses = [
        httpx.post(
            f"{server[0]}/api/ingest", json={}, timeout=LATEST,
            headers={"Authorization": "Bearer wrong", "X-Forwarded-For": f"10.0.0.{each}"},
        ).status_code
        for each in range(INVALID_TOKENS_PER_MINUTE + 5)
    ]  # fmt: skip
    assert statuses[-1] == 429


def test_no_other_tool_answers(small_archive):
    for name in TOOLS:
        is_error, told = within(str(small_archive), name, rev="x", query="SELECT 1")
        assert (is_error, told["error"]["code"]) == (True, "no_such"), name


@pytest.mark.slow
@pytest.mark.child
def test_there_are_no_resources_or_prompts(server):
    for method, given in (
        ("resources/read", {"uri": "file:///etc/passwd"}), ("resources/list", {}), ("prompts/get", {"name": "x"}),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "file:///"}, "argument": {"name": "a", "value": "b"}}),
        ("logging/setLevel", {"level": "debug"}), ("tools/__class__", {}),
    ):  # fmt: skip
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
        wanted = {"Accept": "application/json, text/event-stream"}
        answer = httpx.post(f"{server[0]}/mcp", json=body, headers=wanted, timeout=LATEST)
        assert "error" in json.loads(answer.text), (method, answer.text)
