"""Each command of the installed program answers in a process of its own, on both databases."""

import json
import signal
import subprocess
from contextlib import ExitStack

import pytest

from tests.outside import press
from tests.outside.commands import COMMANDS, FILLED, SERVICES, TOOLS
from tests.outside.installation import ROOT
from tests.outside.rows import Course, names

pytestmark = pytest.mark.outside

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
    both.each(lambda place: press.write_files(place.folder))
    return Course(both, COMMANDS)


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


def test_each_command_has_a_row_and_each_row_a_command(installed, tmp_path):
    told = installed.run(installed.programs / "python", "-P", "-c", LIST, cwd=tmp_path)
    lines = [*(row.line for row in COMMANDS), *SERVICES]
    named = {max((each for each in json.loads(told) if f"{line} ".startswith(f"{each} ")), default=line, key=len)
             for line in lines}  # fmt: skip
    assert named == set(json.loads(told))


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=names(COMMANDS))
def test_a_command_answers(course, number):
    faults = course.faults(number)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("line", SERVICES)
def test_a_service_begins_its_work_and_ends_as_documented(both, course, line):
    service = SERVICES[line]
    course.faults(FILLED)  # it has changes now

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

    assert both.each(run) == dict.fromkeys(("sqlite", "postgresql"), (service.code, False))


def test_the_tools_answer_a_client_on_standard_input(both, course):
    course.faults(FILLED)

    def ask(place):
        with subprocess.Popen(
            [place.installed.programs / "lesart", "mcp"], cwd=place.folder, encoding="utf-8",
            env=place.environment("worker", tools=True), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as server:  # fmt: skip
            server.stdin.write(TOOLS)
            server.stdin.flush()
            begun, listed = (json.loads(server.stdout.readline())["result"] for _ in range(2))
            server.stdin.close()
            code = server.wait(300)
        return (
            code,
            begun["serverInfo"]["name"],
            "quotes" in [each["name"] for each in listed["tools"]],
        )

    assert both.each(ask) == dict.fromkeys(("sqlite", "postgresql"), (0, "lesart", True))
