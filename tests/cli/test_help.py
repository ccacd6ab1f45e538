"""The help of each command is complete and fits a terminal of 80 columns."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from storage.cli.app import DAILY, PANELS
from storage.cli.exits import run
from worker.cli.commands import app

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

ROOT = typer.main.get_command(app)
VERBS = frozenset(
    [
        "add",
        "archive",
        "cancel",
        "change",
        "check",
        "classify",
        "confirm",
        "compare",
        "copy",
        "create",
        "delete",
        "dismiss",
        "export",
        "extract",
        "import",
        "list",
        "manage",
        "open",
        "pause",
        "print",
        "prove",
        "recompute",
        "remove",
        "resume",
        "retry",
        "revoke",
        "run",
        "search",
        "send",
        "show",
        "sign",
        "undo",
        "upgrade",
        "write",
    ]
)
"""The first words of the commands' help."""
VAGUE = re.compile(r"\b(else|told|tell|stands?|kept|looked|anew|beside)\b", re.IGNORECASE)
STATES_DEFAULT = re.compile(r"default|\(required\)|^Only |repeatable|such as|: http|or off\.")
OPTIONAL = frozenset({"passage", "redactions", "style", "format", "after", "cron"})
"""Options that have no default: without them, the command does nothing further."""


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


COMMANDS = {" ".join(path) or "lesart": command for path, command in walk(ROOT)}


def lines_of(command: Any, name: str, *words: str) -> list[str]:
    context = typer.Context(command, info_name=name, terminal_width=80)
    context.meta["--all"] = "--all" in words
    return command.get_help(context).splitlines()


def test_the_sections_of_the_help_hold_each_command_once():
    names = [name for section in PANELS.values() for name in section]
    assert {*names} ^ {*ROOT.commands} == set()
    assert len(names) == len(ROOT.commands)
    summaries = {name: text for section in PANELS.values() for name, text in section.items()}
    assert summaries == {name: command.short_help for name, command in ROOT.commands.items()}
    text = lines_of(ROOT, "lesart", "--all")
    places = [text.index(f"{title}:") for title in PANELS]
    assert places == sorted(places)
    assert [next(iter(PANELS[title])) for title in PANELS] == [
        text[at + 1].split()[0] for at in places
    ]


@pytest.mark.parametrize("words", [["--help"], ["-h", "--all"], ["--all"], ["--all", "--help"]])
def test_the_help_lists_the_commands_of_daily_work_and_with_an_option_all(words, capsys):
    assert run(app, words) == 0
    text = capsys.readouterr().out
    listed = re.findall(r"^  ([a-z][a-z-]*)  ", text, re.MULTILINE)
    is_whole = "--all" in words
    assert {*listed} == ({*ROOT.commands} if is_whole else DAILY)
    assert is_whole or len(listed) == 15 < len(ROOT.commands)
    assert ("`lesart --help --all` lists all" in text) == (not is_whole)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_80_columns_begins_with_a_verb_and_ends_with_an_example(name):
    command, lines = COMMANDS[name], lines_of(COMMANDS[name], name)
    assert [line for line in lines if len(line) > 80] == []
    assert command.help.split()[0].lower() in VERBS
    assert VAGUE.search(command.help) is None
    if hasattr(command, "commands"):
        return
    assert "Example:" in map(str.strip, lines)
    assert lines[-1].strip().startswith(f"lesart {name.removesuffix(' bundle')}")
    names = {parameter.name for parameter in command.params}
    assert name in {"version", "db roles"} or {"archive", "config"} <= names


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_a_complete_help_with_its_default(name):
    for option in COMMANDS[name].params:
        assert option.help, option.name
        assert option.help[0].isupper(), option.help
        assert option.help.endswith(".") or "completion" in option.name, option.help
        assert VAGUE.search(option.help) is None, option.help
        is_valued = option.param_type_name == "option" and not option.is_flag
        if is_valued and option.default is None and option.name not in OPTIONAL:
            assert STATES_DEFAULT.search(option.help), option.help
