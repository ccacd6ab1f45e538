"""The installed program: each command, example, route and tool answers, on both databases.

All share one folder on each database, in the order of this file, so it runs in one process.
"""

import json
import signal
import subprocess
from contextlib import ExitStack

import httpx
import pytest

from storage.values.program import program_version
from tests import services
from tests.outside.commands import COMMANDS, MESSAGES, SERVICES
from tests.outside.examples import EXAMPLES, PAGES, examples, is_elsewhere, prepare
from tests.outside.installation import ROOT
from tests.outside.places import Both
from tests.outside.requests import LINES, REQUESTS, TOOLS
from tests.outside.rows import Course, names

pytestmark = pytest.mark.outside

ROWS = (*EXAMPLES, *COMMANDS)
METHODS = ("get", "post", "patch", "put", "delete")
LIST = """
import json, sys, typer
from worker.cli.commands import app
def walk(command, words):
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(words)
    for name, each in (inner or {}).items():
        yield from walk(each, (*words, name))
json.dump([*walk(typer.main.get_command(app), ())], sys.stdout)
"""


@pytest.fixture(scope="module")
def course(both) -> Course:
    """Give the rows, of which none has run."""
    both.each(prepare)
    return Course(both, ROWS)


@pytest.fixture(scope="module")
def filled(course) -> Both:
    """Give archives in which all has happened that the rows do, and a token."""
    course.faults(len(ROWS) - 1)

    def add_token(place):
        place.values["token"] = json.loads(place.lesart("token add eva --scope write").output)[
            "token"
        ]

    course.both.each(add_token)
    return course.both


def test_nothing_but_the_program_and_what_it_requires_is_installed(installed, tmp_path):
    python = installed.programs / "python"
    told = installed.run(python, "-P", "-c", "import lesart; print(lesart.__file__)", cwd=tmp_path)
    assert told.startswith(str(installed.packages))
    assert (installed.packages / "lesart" / "views.pyi").exists()
    for name in ("pytest", "mcp", "obstore", "pyarrow", "tests", "bench"):
        ended = subprocess.run(
            [python, "-P", "-c", f"import {name}"], cwd=tmp_path, capture_output=True
        )
        assert ended.returncode == 1, name
        assert b"ModuleNotFoundError" in ended.stderr
    assert str(ROOT) not in installed.run(
        python, "-P", "-c", "import sys; print(sys.path)", cwd=tmp_path
    )


def test_each_command_has_a_row(installed, tmp_path):
    told = installed.run(installed.programs / "python", "-P", "-c", LIST, cwd=tmp_path)
    lines = [each.removeprefix("lesart ") for each in (*(row.line for row in ROWS), *SERVICES)]
    assert [
        each
        for each in json.loads(told)
        if not any(f"{line} ".startswith(f"{each} ") for line in lines)
    ] == []


def test_each_example_has_a_row_and_each_row_an_example():
    assert len(PAGES) > 20
    found = {each for each in examples() if not is_elsewhere(each)}
    begun = [row.line for row in EXAMPLES]
    without = [
        each
        for each in found
        if sum(each.startswith(line) for line in begun if line == each or "\n" in each) != 1
    ]
    assert without == []
    assert [
        line for line in begun if not any(each == line or each.startswith(line) for each in found)
    ] == []


@pytest.mark.parametrize("number", range(len(ROWS)), ids=names(ROWS))
def test_a_command_answers(course, number):
    faults = course.faults(number)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("line", SERVICES)
def test_a_service_begins_its_work_and_ends_as_documented(filled, line):
    service = SERVICES[line]

    def run(place):
        settings = {
            name: value.format(broker=place.broker, address=service.address())
            for name, value in service.settings.items()
        }
        with ExitStack() as resources:
            if service.beside:
                resources.enter_context(place.service(service.beside, service.role, **settings))
            running = resources.enter_context(place.service(line, service.role, **settings))
            running.until(lambda: service.works(place, running, settings))
            if service.ended_by == signal.SIGINT:
                running.process.send_signal(signal.SIGINT)
                running.process.wait(300)
        told = running.log.read_text(errors="replace")
        return running.code, "Traceback" in told

    assert filled.each(run) == dict.fromkeys(("sqlite", "postgresql"), (service.code, False))


def test_the_tools_answer_a_client_on_standard_input(filled):

    def ask(place):
        with subprocess.Popen(
            [place.installed.programs / "lesart", "mcp"], cwd=place.folder, encoding="utf-8",
            env=place.environment("worker", tools=True), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as server:  # fmt: skip
            server.stdin.write(MESSAGES)
            server.stdin.flush()
            begun, listed = (json.loads(server.stdout.readline())["result"] for _ in range(2))
            server.stdin.close()
            code = server.wait(300)
        return (
            code,
            begun["serverInfo"]["name"],
            "quotes" in [each["name"] for each in listed["tools"]],
        )

    assert filled.each(ask) == dict.fromkeys(("sqlite", "postgresql"), (0, "lesart", True))


def _served(filled, *, tools):
    """Yield a client for the server of each database."""
    with ExitStack() as resources:
        clients = {}
        for place in filled.places:
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
def served(filled):
    yield from _served(filled, tools=False)


@pytest.fixture(scope="module")
def with_tools(filled):
    yield from _served(filled, tools=True)


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
def test_a_route_answers(filled, served, request_):
    def ask(place):
        filled = json.loads(
            place.filled(json.dumps([request_.path, request_.asked, request_.body]))
        )
        path, asked, body = filled
        answer = served[place.name].request(request_.method, path, params=asked, json=body)
        return answer.status_code, request_.says in answer.text or answer.text[:1000]

    assert filled.each(ask) == dict.fromkeys(served, (request_.status, True))


@pytest.mark.parametrize("begin", LINES)
def test_an_example_with_curl_answers(filled, served, begin):
    (line,) = (each for each in examples() if each.startswith(begin))

    def run(place):
        (place.folder / "page.html").write_bytes((place.folder / "article.html").read_bytes())
        own = line.replace("http://127.0.0.1:8790", str(served[place.name].base_url).rstrip("/"))
        environment = place.environment("worker", TOKEN=place.values["token"])
        ended = place.run(["bash", "-euo", "pipefail", "-c", own], environment)
        return ended.code, LINES[begin] in ended.output or ended.told[:1000]

    assert filled.each(run) == dict.fromkeys(served, (0, True))


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
def test_a_tool_answers(filled, with_tools, name):
    def ask(place):
        arguments, says = TOOLS[name]
        filled = {key: place.filled(each) for key, each in arguments.items()}
        answer = _call(with_tools[place.name], "tools/call", name=name, arguments=filled)
        (content,) = answer["content"]
        return answer["isError"], says in content["text"] or content["text"][:1000]

    assert filled.each(ask) == dict.fromkeys(with_tools, (False, True))


def test_without_the_extra_the_tools_say_what_to_install(served):
    for client in served.values():
        answer = client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert "pip install 'lesart[mcp]'" in answer.text
