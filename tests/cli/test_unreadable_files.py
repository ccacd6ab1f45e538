"""A file that a command is given and cannot read: the exit code tells a wrong name from a failing disk."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer

from storage.cli.exits import run
from storage.settings import SETTINGS
from storage.values.settings.readers import read_file
from worker.cli.commands import app
from worker.cli.program import EXIT_CODES

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

FAULTS = {"missing": 2, "folder": 2, "loop": 2, "failing": 4, "forbidden": 2, "latin": 2}
"""What is wrong with the file, and the exit code for it."""
FAILING = "/proc/self/mem"
"""A file of which the first byte cannot be read: input/output error."""


@dataclass(frozen=True)
class Reader:
    """A command, its settings and its other exit codes; `{}` is the file."""

    words: str
    variables: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)


SERVER = "https://127.0.0.1:9/a"
OWN = {"LESART_ALLOW_HOSTS": "127.0.0.1:9"}
NO_ARCHIVE = {"missing": 3, "folder": 3, "loop": 3, "latin": 3, "forbidden": 4}
READERS = {
    "--config": Reader("list --config {}"),
    "a setting in a file": Reader("list", {"LESART_TIMEZONE_FILE": "{}"}),
    "proof_key": Reader("proof checkpoint", {"LESART_PROOF_KEY": "{}"}),
    "proof_witnesses": Reader("proof checkpoint", {"LESART_PROOF_WITNESSES": "{}"}),
    "proof_authorities": Reader("proof checkpoint", {"LESART_PROOF_AUTHORITIES": "{}"}),
    "certificates of an authority": Reader(
        "proof checkpoint", {"LESART_PROOF_AUTHORITIES": "authorities"}
    ),
    "ca_file": Reader(f"explain {SERVER} --robots robots.txt", {"LESART_CA_FILE": "{}", **OWN}),
    "--robots": Reader(f"explain {SERVER} --robots {{}}", OWN, {"latin": 0}),
    "--against": Reader("verify --against {}", codes={"latin": 1}),
    "--redactions": Reader("restore copy.sqlite3 --drill --no-verify --redactions {}"),
    "restore": Reader("restore {} --drill", codes={**NO_ARCHIVE, "folder": 2, "forbidden": 2}),
    "merge": Reader("merge {}", codes=NO_ARCHIVE),
    "--archive": Reader("list --archive {}", codes=NO_ARCHIVE),
    "a list of feeds": Reader(
        "source add {}", codes={"missing": 3, "folder": 0, "loop": 3, "latin": 0, "forbidden": 4}
    ),
    "a text": Reader(
        "ingest {}",
        codes={"missing": 3, "folder": 0, "loop": 1, "failing": 1, "forbidden": 1, "latin": 1},
    ),
}
"""What reads a file that a user names: settings, options and arguments."""


NOT_BY_NAME = {"restore", "merge", "--archive"}
"""Those whose message is of SQLite."""


@pytest.fixture
def folder(written) -> Path:
    """Give a folder with an archive, its key and its copy, and with a file for each fault."""
    assert run(app, ["proof", "keygen"]) == 0
    assert run(app, ["backup", "copy.sqlite3"]) == 0
    Path("robots.txt").touch()
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    Path("latin").write_bytes("Überschrift\n".encode("latin-1"))
    Path("forbidden").touch(0)
    return Path.cwd()


@pytest.mark.parametrize(
    "fault",
    [each if each == "failing" else pytest.param(each, marks=pytest.mark.slow) for each in FAULTS],
)
def test_the_machine_is_at_fault_only_if_the_disk_fails(fault, folder, capsys):
    if fault == "forbidden" and os.geteuid() == 0:
        pytest.skip("root reads every file")
    file = FAILING if fault == "failing" else fault
    Path("authorities").write_text(f"authority a https://a.example {file}\n")
    found, nameless = {}, set()
    for name, reader in READERS.items():
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in reader.variables.items():
                patch.setenv(variable, value.format(file))
            found[name] = run(app, reader.words.format(file).split(), exit_codes=EXIT_CODES)
        if file not in capsys.readouterr().err:
            nameless.add(name)
    assert found == {
        name: reader.codes.get(fault, FAULTS[fault]) for name, reader in READERS.items()
    }
    assert fault != "failing" or nameless == NOT_BY_NAME


def test_every_setting_and_option_that_names_a_file_is_in_the_table():
    settings = {name for name, each in SETTINGS.items() if each.read is read_file}
    assert settings | _files_of(typer.main.get_command(app)) <= set(READERS)


def _files_of(command: Any) -> set[str]:
    """Return the options of a command and its subcommands whose file must exist."""
    below = (_files_of(each) for each in getattr(command, "commands", {}).values())
    own = {each.opts[0] for each in command.params if getattr(each.type, "exists", False)}
    return own.union(*below)
