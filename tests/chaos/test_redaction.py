"""A redaction that was killed at any place is finished by the same command, run again."""

import os
import signal
import subprocess
import sys

import pytest

from storage.cli.exits import run
from tests.flow.driver import Newsroom, page
from tests.write.searched import found_in, places_of_bytes
from worker.cli import commands as cli

pytestmark = pytest.mark.starts_first

DIES = """
import os, signal, sys
from storage.proof import log
from storage.write.redaction import empty_rows
from worker.cli import program

empty_rows.ROWS_AT_A_TIME, left, seal = 3, [int(sys.argv[1])], log.seal

def dies(*given):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    seal(*given)

log.seal = dies
program.main.__globals__["sys"].argv = ["lesart", *sys.argv[2:]]
program.main()
"""


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize(
    ("after", "more"),
    [(4, ()), *((after, ("--addresses",)) for after in (0, 4, 8))],
    ids=["texts, at 4", *(f"and addresses, at {after}" for after in (0, 4, 8))],
)
def test_a_redaction_that_was_killed_is_finished_by_the_same_command(
    database_url, tmp_path, capsys, after, more
):
    room = Newsroom(database_url, tmp_path)
    names = [f"ada-zwoelfkern-{letter}" for letter in "abc"]
    for name in names:
        room.write(f"{name}.md", page(f"Ada Zwölfkern sah {name}.", title=f"Zwölfkern {name}"))
    room.scan(0)
    asked = ["redact", *(f"seed:presse/{name}.md" for name in names), *more]
    asked += ["--reason", "mistake", "--archive", database_url]
    environment = {name: text for name, text in os.environ.items() if name[:7] != "LESART_"}
    command = [sys.executable, "-c", DIES, str(after), *asked]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert {each["kind"] for each in room.findings()} == {"redaction_unfinished"}
    assert run(cli.app, asked) == 0, capsys.readouterr().err
    assert room.findings() == []
    gone = ["Zwölfkern".encode()]
    if more:
        gone += [each.encode() for each in names]
    assert found_in(places_of_bytes(room, tmp_path), gone) == []
    room.close()
