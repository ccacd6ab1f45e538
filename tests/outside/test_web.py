"""Each route and each tool of the started web server answers, on both databases."""

import json
from contextlib import ExitStack

import httpx
import pytest

from storage.values.program import program_version
from tests import services
from tests.outside.examples import examples, prepare
from tests.outside.press import BRIDGE, DAMM, SITE
from tests.outside.requests import LINES, REQUESTS, TOOLS

pytestmark = pytest.mark.outside

METHODS = ("get", "post", "patch", "put", "delete")


@pytest.fixture(scope="module")
def archives(both):
    """Give archives in which each route has something to answer."""

    def fill(place):
        prepare(place)
        for line in (
            "up --once", "ingest press/seeds", f"ingest {BRIDGE}", f"ingest {DAMM}", f"ingest {DAMM}", f"ingest {SITE}/liveblog-sturmflut", f"ingest {SITE}/ --type front",
            "alert add pegel --query Pegel --mail ada@bote.example", "proof keygen", "proof checkpoint -o checkpoint.txt",
        ):  # fmt: skip
            assert place.lesart(line).code in {0, 1}, line
        place.values["token"] = json.loads(place.lesart("token add ada --scope write").output)[
            "token"
        ]

    both.each(fill)
    return both


def _served(archives, *, tools):
    """Yield a client for the server of each database."""
    with ExitStack() as resources:
        clients = {}
        for place in archives.places:
            address = f"127.0.0.1:{services.free_port()}"
            running = resources.enter_context(
                place.service(f"web --workers 1 --address {address}", "web", tools=tools)
            )
            client = resources.enter_context(
                httpx.Client(base_url=f"http://{address}", timeout=120)
            )

            def is_ready(client=client):
                try:
                    return client.get("/readyz").is_success
                except httpx.TransportError:
                    return False

            running.until(is_ready)
            client.headers["Authorization"] = f"Bearer {place.values['token']}"
            clients[place.name] = client
        yield clients


@pytest.fixture(scope="module")
def served(archives):
    yield from _served(archives, tools=False)


@pytest.fixture(scope="module")
def with_tools(archives):
    yield from _served(archives, tools=True)


def test_each_route_has_a_row_and_each_row_a_route(served):
    for client in served.values():
        document = client.get("/openapi.json").json()
        routes = {
            (method, path)
            for path, each in document["paths"].items()
            for method in each
            if method in METHODS
        }
        assert routes == {(each.method, each.route or each.path) for each in REQUESTS}
        assert (
            document["info"]["version"] == program_version()
            or program_version() == "(not installed)"
        )


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_a_route_answers(archives, served, request_):
    def ask(place):
        filled = json.loads(
            place.filled(json.dumps([request_.path, request_.asked, request_.body]))
        )
        path, asked, body = filled
        answer = served[place.name].request(request_.method, path, params=asked, json=body)
        return answer.status_code, request_.says in answer.text or answer.text[:1000]

    assert archives.each(ask) == dict.fromkeys(served, (request_.status, True))


@pytest.mark.parametrize("begin", LINES)
def test_an_example_with_curl_answers(archives, served, begin):
    (line,) = (each for each in examples() if each.startswith(begin))

    def run(place):
        (place.folder / "page.html").write_bytes((place.folder / "article.html").read_bytes())
        own = line.replace("http://127.0.0.1:8790", str(served[place.name].base_url).rstrip("/"))
        environment = place.environment("worker", TOKEN=place.values["token"])
        ended = place.run(["bash", "-euo", "pipefail", "-c", own], environment)
        return ended.code, LINES[begin] in ended.output or ended.told[:1000]

    assert archives.each(run) == dict.fromkeys(served, (0, True))


def _call(client, method, **given):
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
    answer = client.post(
        "/mcp", json=message, headers={"Accept": "application/json, text/event-stream"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_each_tool_has_a_row_and_the_server_states_its_version(with_tools):
    for client in with_tools.values():
        begun = _call(
            client,
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "probe", "version": "1"},
        )
        assert begun["serverInfo"]["name"] == "lesart"
        assert (
            begun["serverInfo"]["version"] == client.get("/openapi.json").json()["info"]["version"]
        )
        assert {each["name"] for each in _call(client, "tools/list")["tools"]} == {*TOOLS}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_answers(archives, with_tools, name):
    def ask(place):
        arguments, says = TOOLS[name]
        filled = {key: place.filled(each) for key, each in arguments.items()}
        answer = _call(with_tools[place.name], "tools/call", name=name, arguments=filled)
        (content,) = answer["content"]
        return answer["isError"], says in content["text"] or content["text"][:1000]

    assert archives.each(ask) == dict.fromkeys(with_tools, (False, True))


def test_without_the_extra_the_tools_say_what_to_install(served):
    for client in served.values():
        answer = client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert "pip install 'lesart[mcp]'" in answer.text
