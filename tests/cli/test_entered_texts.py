"""Every text that a command or a request takes is refused alike if it cannot be stored or shown."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from pydantic import TypeAdapter, ValidationError

from storage.cli.options import WithGroups
from storage.web.parameters import QueryParameters
from tests.flow.processes import lesart
from worker.capabilities.reviews import write_routes as review_routes
from worker.cli.commands import app
from worker.services import captures, orders

BAD = ("a\0b", "\0", "a" * 200_000)
BAD_IN_LINES = ("a\x1bb", "a\x7fb", "a\x85b", "a\ud800b")
FREE = {"SubmittedPage.html"}
"""A field that is a document: its bytes are stored before anything reads them."""


def commands(group: typer.Typer) -> Iterator[WithGroups]:
    """Yield the functions of all commands of a program."""
    for each in group.registered_commands:
        if isinstance(each.callback, WithGroups):
            yield each.callback
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance)


def accepts(command: WithGroups, name: str, text: str) -> bool:
    try:
        command.refuse_texts({name: text})
        command.refuse_texts({name: [text]})
    except typer.BadParameter:
        return False
    return True


def test_each_option_and_argument_of_each_command_refuses_such_a_text():
    found = list(commands(app))
    assert len(found) > 60
    free = {
        (command.__name__, name)
        for command in found
        for name, _hint, _declared in command._declarations()
        if name not in {"place", "output"}
        for text in BAD
        if accepts(command, name, text)
    }
    assert free == set()
    places = {
        name
        for command in found
        for name, _hint, _declared in command._declarations()
        for text in BAD_IN_LINES
        if accepts(command, name, text)
    }
    assert places == {"archive", "locator", "locators", "other"}, "names of files"


def models(kind: type[Any] = QueryParameters) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from models(each)


def test_each_field_of_each_request_refuses_such_a_text():
    assert {orders.NewSource, captures.SubmittedPage, review_routes.NewReview} <= {*models()}
    free = set()
    for model in models():
        for name, field in model.model_fields.items():
            adapter = TypeAdapter(field.rebuild_annotation())
            for text in (*BAD, *BAD_IN_LINES):
                for value in (text, [text]):
                    try:
                        adapter.validate_python(value)
                    except (ValidationError, UnicodeEncodeError):
                        continue
                    free.add(f"{model.__name__}.{name}")
    assert free <= FREE, "fields without `Bounds` in their type"


@pytest.mark.parametrize("words", [
    ("review", "abc@2", "--label", "x", "--note", "a\0b"),
    ("source", "add", "https://zeitung.example/", "--name", "a\x1b"),
    ("source", "pause", "n" * 301),
    ("redact", "abc", "--reason", "mistake", "--by", "\ud800"),
    ("redact", "abc", "--reason", "mistake", "--passage", "a\0"),
    ("token", "add", "a\0", "--scope", "review"),
    ("search", "a\0"),
])  # fmt: skip
def test_a_command_says_which_text_it_refuses(tmp_path, database_url, words):
    ended = lesart(tmp_path, *words, database_url=database_url)
    assert ended.returncode == 2, ended.stderr
    assert any(each in ended.stderr for each in ("control character", "half of", "more than"))
