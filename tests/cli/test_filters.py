"""A filter names an existing thing and a search has words; others are refused."""

import pytest

from lesart import Filters
from storage.cli.exits import run
from storage.read.named import NAMED
from tests.cli.test_help import COMMANDS
from tests.serve.conftest import served
from worker.cli.commands import app
from worker.cli.program import EXIT_CODES

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

WRONG = {
    "source": ("sedes", "did you mean 'seeds'?"),
    "publisher": ("Hafenkurjer", "publishers of texts"),
    "language": ("nope", "de or en"),
    "code": ("emty", "did you mean 'empty'?"),
    "job": ("4711", "lesart jobs"),
    "alert": ("nope", "lesart alert list"),
}
"""Filters that name something: a name that does not exist, and what the refusal says."""
FREE = frozenset({"since", "until", "published_since", "published_until"})
ASKING = frozenset({"/search", "/api/search", "/api/facets"})
CREATING = frozenset({"ingest --source"})
"""Options that create what they name."""
ARGUMENTS = {
    "search": ["Damm"],
    "stats": ["--edits"],
    "worker": ["--drain"],
    "alert add": ["neu", "--mail", "ada@bote.example"],
    "alert edit": ["pegel"],
    "export": ["--format", "jsonl"],
}
OPTIONS = [
    pytest.param(f"{name} --{option}", marks=() if option == "source" else pytest.mark.slow)
    for name, command in COMMANDS.items()
    for option in WRONG
    if f"{name} --{option}" not in CREATING
    and any(f"--{option}" in each.opts for each in command.params)
]


@pytest.mark.parametrize("words", [*OPTIONS, "alert log", "alert test", "jobs", "retry", "cancel"])
def test_a_command_refuses_a_name_that_does_not_exist(words, written, lesart, capsys):
    lesart("alert", "add", "pegel", "--mail", "ada@bote.example")
    command, dashes, what = words.partition(" --")
    name, hint = WRONG[what or ("alert" if "alert" in command else "job")]
    given = [*ARGUMENTS.get(command, []), *([f"--{what}"] if dashes else []), name]
    capsys.readouterr()
    code = run(app, [*command.split(), *given], exit_codes=EXIT_CODES)
    output, message = capsys.readouterr()
    assert (code, output) == (2 if what == "code" else 3, ""), message
    assert hint in message or what == "code"


def test_each_filter_has_an_answer_to_a_wrong_name():
    assert {*Filters.__dataclass_fields__} - FREE <= NAMED.keys() < WRONG.keys()


def test_a_name_without_rows_is_an_empty_list(written, lesart):
    assert lesart("list", "--language", "fr", "--format", "jsonl") == (0, "", "")
    assert lesart("list", "--source", "seeds", "--since", "2099", "--format", "jsonl")[0] == 0
    assert lesart("list", "--source", "", "--format", "jsonl")[0] == 3


@pytest.mark.parametrize("words", ["search --facets Damm*", "export --query Damm*"])
def test_a_wrong_search_is_refused_by_each_command_that_searches(words, written, lesart):
    code, output, message = lesart(*words.split())
    assert (code, output, "wildcards" in message) == (2, "", True)


def test_http_refuses_a_name_that_does_not_exist(written):
    with served(f"sqlite:///{written.path}") as client:
        specification = client.get("/openapi.json").json()
        tried = [
            (path, each["name"])
            for path, methods in specification["paths"].items()
            for each in methods.get("get", {}).get("parameters", ())
            if each["name"] in WRONG and each["in"] == "query"
        ]
        assert len(tried) > 15
        pages = [(path, what) for path in ("/search", "/") for what in ("source", "publisher")]
        for path, what in [*tried, *pages]:
            query = {what: WRONG[what][0]} | ({"q": "Damm"} if path in ASKING else {})
            answer = client.get(path, params=query)
            assert answer.status_code == 404, (path, what, answer.text)
            assert WRONG[what][1] in answer.json()["detail"]
        answer = client.get("/api/facets", params={"q": "Damm*"})
        assert (answer.status_code, answer.json()["code"]) == (400, "query_invalid")
