"""A filter names something that exists, and a search says what it looks for; else both are refused."""

import pytest

import lesart as library
from lesart import Filters, NoSuchError, SearchQueryError
from storage.cli.exits import run
from storage.read.named import NAMED
from tests.cli.test_help import COMMANDS
from tests.serve.conftest import served
from worker.cli.commands import EXIT_CODES, app

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


REFUSED = {
    "": "no word",
    '"': "open",
    'Damm "Pegel': "open",
    "…": "no word",
    "NOT Damm": "excluded words only",
    "-Damm": "excluded words only",
    "Damm OR": "A OR B",
    "OR Damm": "A OR B",
    "Damm NOT": "A OR B",
    "Damm AND": "A OR B",
    "Damm OR -Pegel": "A OR B",
    "Damm*": "wildcards",
    "(Damm OR Deich) Pegel": "parentheses",
    "Damm " * 65: "64 words",
    "D" * 2_001: "2,000 characters",
}


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:25])
def test_a_search_that_could_not_find_anything_is_refused_at_each_door(query, written, lesart):
    for command in (["search"], ["search", "--facets"], ["export", "--query"]):
        code, output, message = lesart(*command, "--", query) if "--query" not in command else (
            lesart("export", f"--query={query}")
        )  # fmt: skip
        assert (code, output) == (2, "")
        assert REFUSED[query] in message
    with (
        library.open_archive(written.path) as archive,
        pytest.raises(SearchQueryError, match=REFUSED[query]),
    ):
        list(archive.search(query))


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("Damm NOT Sandsäcke", 0), ("Damm AND Sandsäcke", 3), ("Damm NOT ferry", 3),
        ("Damm OR ferry", 4), ("Damm ferry", 0), ("ferry AND NOT Damm", 1), ('"Damm hält"', 3),
    ],
)  # fmt: skip
def test_operators_are_what_the_help_says(query, hits, written, lesart):
    code, output, _message = lesart("search", query, "--format", "jsonl")
    assert (code, len(output.splitlines())) == (0, hits)


def test_python_refuses_a_name_that_does_not_exist(written):
    with library.open_archive(written.path) as archive:
        filters = [Filters(**{name: WRONG[name][0]}) for name in NAMED.keys() - {"code"}]
        for each in filters:
            for rows in (
                archive.articles(each), archive.search("Damm", filters=each),
                archive.changes(filters=each), archive.relations(filters=each),
            ):  # fmt: skip
                with pytest.raises(NoSuchError):
                    list(rows)


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
        for query in ("NOT Damm", '"Damm', "Damm*"):
            answer = client.get("/api/search", params={"q": query})
            assert (answer.status_code, answer.json()["code"]) == (400, "query_invalid")
