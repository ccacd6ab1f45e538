"""Each query has the same answer at every door: Python, route, command, MCP; and has a page.

A list, a record and a refusal are one row each of the tables below. What a query answers is tested
in tests/read; what only one door does, such as formats and pages, in the folder of that door.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer
from pyarrow import parquet

from storage.capabilities import load_parts
from storage.capabilities.assistants.tools import ROUTES as TOOLS
from storage.cli.report import ARTICLE_COLUMNS, flat_columns
from storage.database.rows import CursorError
from storage.read.archive import NoSuchError, ReadOnlyArchive, RevisionError, open_archive
from storage.read.filters import Filters
from storage.read.lists import ChangeFilter
from storage.read.query.doors import DOORS
from storage.values.errors import AmbiguousPassageError, SearchQueryError
from storage.web.api import ROUTERS
from storage.web.pages import ROUTERS as PAGE_ROUTERS
from storage.web.problems import TITLES
from tests.api.tool_calls import within
from tests.flow.processes import run_here
from worker.cli.commands import app

pytestmark = pytest.mark.postgresql("fast")

PEGEL, KOPIE, FERRY = (f"seed:seeds/{name}.txt" for name in ("pegel", "kopie", "ferry"))
CHIEF = "DIE Leiterin des Deichamts"
PASSAGE = "um 36 Zentimeter, sagte"
COMMANDS = typer.main.get_command(app).commands
ROUTES = {"show": "version"} | {name: door.path.removeprefix("/") for name, door in DOORS.items()}
"""The routes that are named otherwise than their commands, and those of the lists."""

_ROUTERS = (*PAGE_ROUTERS, *(part.ROUTER for part in load_parts("pages")))
PAGES = {each.path for router in _ROUTERS for each in router.routes}
PYTHON_PAGE = (Path(__file__).parents[2] / "docs/python.md").read_text("utf-8")
OF_CAPABILITIES = {door.name for part in load_parts("doors") for door in part.DOORS}
"""Lists of capabilities, which have no method of the archive; each folder tests its own."""
ELSEWHERE = {"front"} | OF_CAPABILITIES
"""Lists that have no rows in this archive, with a test of their own."""
OF_ONE = {"front", "identities", "person"}
"""Lists that need an argument, with a test of their own."""

OLD, NEW = datetime(2024, 6, 18, tzinfo=UTC), datetime(2024, 6, 17, 23, 59, 59, 999999, UTC)
PAST, FUTURE = datetime(2023, 12, 31, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)
MAY, JUNE = datetime(2024, 5, 31, tzinfo=UTC), datetime(2024, 6, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Query:
    """A query of a command, with what each door is given; `ask` asks an opened archive."""

    name: str
    ask: Callable[[Any], Any]
    rows: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        given = (f"{key}={str(each)[:25]}" for key, each in self.parameters.items())
        return ascii(" ".join([self.name, *given])).strip("'")

    def words(self, parameters: Mapping[str, Any]) -> list[str]:
        """Return the command that asks for the same."""
        arguments = {
            each.name for each in COMMANDS[self.name].params if each.param_type_name == "argument"
        }
        found = [self.name]
        for name, value in parameters.items():
            option = "--class" if name == "change" else f"--{name.replace('_', '-')}"
            if value is True:
                found.append(option)
            elif name not in arguments:
                values = value if isinstance(value, list) else [value]
                found += [f"{option}={each}" for each in values]
        return [*found, "--", *(str(parameters[name]) for name in parameters if name in arguments)]


LISTS = (
    Query("list", lambda a: a.articles(), 3),
    Query("list", lambda a: a.articles(Filters(language="en")), 1, {"language": "en"}),
    Query("list", lambda a: a.articles(Filters(source="seeds")), 3, {"source": "seeds"}),
    Query("list", lambda a: a.articles(Filters(since=OLD)), 3, {"since": "2024-06-18"}),
    Query("list", lambda a: a.articles(Filters(until=NEW)), 0, {"until": "2024-06-17"}),
    Query("list", lambda a: a.articles(Filters(published_since=JUNE)), 3, {"published_since": "2024-06-30"}),
    Query("list", lambda a: a.articles(Filters(published_until=MAY)), 0, {"published_until": "2024-05"}),
    Query("list", lambda a: a.with_clocks(as_of=PAST).articles(), 0, {"as_of": "2023"}),
    Query("list", lambda a: a.with_clocks(known_at=PAST).articles(), 0, {"known_at": "2023"}),
    Query("list", lambda a: a.with_clocks(FUTURE, FUTURE).articles(), 3, {"as_of": "2100", "known_at": "2100"}),
    Query("search", lambda a: a.search("Pegel"), 3, {"q": "Pegel"}),
    Query("search", lambda a: a.search("Pegel", latest=True), 2, {"q": "Pegel", "latest": True}),
    Query("search", lambda a: a.search('"um 3,6 Zentimeter"'), 1, {"q": '"um 3,6 Zentimeter"'}),
    Query("search", lambda a: a.search('"um 3,6 Zentimeter"', latest=True), 0, {"q": '"um 3,6 Zentimeter"', "latest": True}),
    Query("search", lambda a: a.search("Pegel", steps=ChangeFilter(classes=("number",))), 1, {"q": "Pegel", "change": ["number"]}),
    Query("search", lambda a: a.search("Pegel", steps=ChangeFilter(classes=("first",))), 2, {"q": "Pegel", "change": ["first"]}),
    Query("search", lambda a: a.search("Fähre"), 0, {"q": "Fähre"}),
    Query("search", lambda a: a.search("Damm OR ferry"), 4, {"q": "Damm OR ferry"}),
    Query("search", lambda a: a.search("ferry AND NOT Damm"), 1, {"q": "ferry AND NOT Damm"}),
    Query("search", lambda a: a.rows("search", q="Pegel", speaker=CHIEF), 3, {"q": "Pegel", "speaker": [CHIEF]}),
    Query("search", lambda a: a.rows("search", q="Pegel", speaker=["Lind"]), 0, {"q": "Pegel", "speaker": ["Lind"]}),
    Query("history", lambda a: a.history(PEGEL), 2, {"article": PEGEL}),
    Query("changes", lambda a: a.changes(), 1),
    Query("changes", lambda a: a.changes(article=PEGEL), 1, {"article": PEGEL}),
    Query("changes", lambda a: a.changes(classes=["number", "name"]), 1, {"class": ["number", "name"]}),
    Query("changes", lambda a: a.changes(classes=["headline"]), 0, {"class": ["headline"]}),
    Query("changes", lambda a: a.changes(contains="3,6"), 1, {"contains": "3,6"}),
    Query("changes", lambda a: a.changes(contains="Fähre"), 0, {"contains": "Fähre"}),
    Query("changes", lambda a: a.changes(silent=True), 0, {"silent": True}),
    Query("changes", lambda a: a.rows("changes", speaker=["Lind", CHIEF]), 1, {"speaker": ["Lind", CHIEF]}),
    Query("changes", lambda a: a.rows("changes", speaker="Lind"), 0, {"speaker": ["Lind"]}),
    Query("changes", lambda a: a.rows("changes", label=["important"]), 0, {"label": ["important"]}),
    Query("observations", lambda a: a.observations(PEGEL), 2, {"article": PEGEL}),
    Query("entries", lambda a: a.entries(PEGEL), 0, {"article": PEGEL}),
    Query("rights", lambda a: a.rights(PEGEL), 0, {"article": PEGEL}),
    Query("fronts", lambda a: a.fronts(PEGEL), 0, {"article": PEGEL}),
    Query("noise", lambda a: a.noise(), 0),
    Query("lineages", lambda a: a.lineages(), 0),
    Query("relations", lambda a: a.relations(), 1),
    Query("relations", lambda a: a.relations(FERRY), 0, {"article": FERRY}),
    Query("blame", lambda a: a.blame(PEGEL), 2, {"rev": PEGEL}),
    Query("blame", lambda a: a.blame(PEGEL, removed=True), 1, {"rev": PEGEL, "removed": True}),
    Query("blame", lambda a: a.blame(KOPIE), 2, {"rev": KOPIE}),
    Query("sentences", lambda a: a.sentences(PEGEL, "UM 36"), 1, {"rev": PEGEL, "contains": "UM 36"}),
    Query("sentences", lambda a: a.sentences(PEGEL, "no"), 0, {"rev": PEGEL, "contains": "no"}),
    *(
        Query(name, lambda a, name=name, asked=asked: a.rows(name, **asked), rows, asked)
        for name, asked, rows in (
            ("quotes", {}, 3), ("quotes", {"speaker": CHIEF, "since": "2024"}, 3),
            ("quotes", {"about": "Pegel 36"}, 2), ("quotes", {"article": KOPIE}, 1),
            ("quotes", {"kind": "direct"}, 0), ("quotes", {"changed": True}, 0),
            ("quotes", {"changed": True, "about": "Zentimeter"}, 1),
            ("statements", {}, 1), ("statements", {"speaker": "Lind"}, 0),
            ("persons", {}, 0), ("person", {"name": CHIEF}, 1), ("identities", {"name": "Ada Kern"}, 0),
        )
    ),
    Query("refusals", lambda a: a.refusals(), 1),
    Query("refusals", lambda a: a.refusals(codes=["empty"]), 1, {"code": ["empty"]}),
    Query("jobs", lambda a: a.jobs(), 3),
)  # fmt: skip

METHODS = {"list": "articles"}
"""The methods that are named otherwise than their commands."""

FIRST = {query.name: query for query in reversed(LISTS)}

RECORDS = (
    Query("show", lambda a: a.version(PEGEL), 0, {"rev": PEGEL}),
    Query("show", lambda a: a.version(f"{PEGEL}@1"), 0, {"rev": f"{PEGEL}@1"}),
    Query("show", lambda a: a.version(f"{PEGEL}@~1"), 0, {"rev": f"{PEGEL}@~1"}),
    Query("diff", lambda a: a.diff(PEGEL), 1, {"rev": PEGEL}),
    Query("diff", lambda a: a.diff(f"{PEGEL}@1..@2"), 1, {"rev": f"{PEGEL}@1..@2"}),
    Query("diff", lambda a: a.diff(f"{PEGEL}@1", f"{PEGEL}@2"), 1, {"rev": f"{PEGEL}@1", "to": f"{PEGEL}@2"}),
    Query("diff", lambda a: a.diff(f"{PEGEL}@2", KOPIE), 0, {"rev": f"{PEGEL}@2", "to": KOPIE}),
    Query("cite", lambda a: a.cite(PEGEL), 0, {"rev": PEGEL}),
    Query("cite", lambda a: a.cite(PEGEL, PASSAGE), 0, {"rev": PEGEL, "passage": PASSAGE}),
    Query("stats", lambda a: a.stats()),
)  # fmt: skip
"""Queries with one answer; `rows` is the exit code of the command."""


@dataclass(frozen=True)
class Refusal:
    """A wrong query: its error in Python, the exit code of its command, the code over HTTP."""

    query: Query
    error: type[Exception] | None
    exit_code: int
    code: str
    reason: str = ""

    def __str__(self) -> str:
        return str(self.query)


def missing(name: str, ask: Callable[[Any], Any], **parameters: str) -> Refusal:
    return Refusal(Query(name, ask, 0, parameters), NoSuchError, 3, "no_such")


def wrong(name: str, code: str, **parameters: Any) -> Refusal:
    """Return a query whose parameters are read by the door alone."""
    return Refusal(Query(name, list, 0, parameters), None, 2, code)


def unsearchable(query: str, reason: str) -> Refusal:
    asked = Query("search", lambda a: a.search(query), 0, {"q": query})
    return Refusal(asked, SearchQueryError, 2, "query_invalid", reason)


REFUSALS = (
    missing("show", lambda a: a.version("nowhere"), rev="nowhere"),
    missing("show", lambda a: a.version(f"{PEGEL}@9"), rev=f"{PEGEL}@9"),
    missing("diff", lambda a: a.diff(FERRY), rev=FERRY),
    missing("raw", lambda a: a.raw("nowhere"), rev="nowhere"),
    missing("history", lambda a: a.history("nowhere"), article="nowhere"),
    missing("relations", lambda a: a.relations("nowhere"), article="nowhere"),
    missing("observations", lambda a: a.observations("nowhere"), article="nowhere"),
    missing("changes", lambda a: a.changes("nowhere"), article="nowhere"),
    missing("blame", lambda a: a.blame("nowhere"), rev="nowhere"),
    missing("blame", lambda a: a.blame(f"{PEGEL}@9"), rev=f"{PEGEL}@9"),
    missing("jobs", lambda a: a.jobs(999_999), job="999999"),
    missing("cite", lambda a: a.cite(PEGEL, "37 Zentimeter"), rev=PEGEL, passage="37 Zentimeter"),
    missing("cite", lambda a: a.cite(PEGEL, "3,6 Zentimeter"), rev=PEGEL, passage="3,6 Zentimeter"),
    *(
        missing(name, ask, **given, source="sedes")
        for name, ask, given in (
            ("list", lambda a: a.articles(Filters(source="sedes")), {}),
            ("search", lambda a: a.search("Damm", filters=Filters(source="sedes")), {"q": "Damm"}),
            ("changes", lambda a: a.changes(filters=Filters(source="sedes")), {}),
            ("relations", lambda a: a.relations(filters=Filters(source="sedes")), {}),
        )
    ),
    Refusal(Query("cite", lambda a: a.cite(PEGEL, "e"), 0, {"rev": PEGEL, "passage": "e"}),
            AmbiguousPassageError, 3, "ambiguous", "quote more of it"),
    *(
        Refusal(Query("show", lambda a, rev=rev: a.version(rev), 0, {"rev": rev}),
                RevisionError, 2, "revision_invalid")
        for rev in (f"{PEGEL}@0", f"{PEGEL}@w1:1")
    ),
    *(
        Refusal(Query(each.name, lambda a, each=each: each.ask(a), 0, {**each.parameters, "after": "@@@"}),
                None, 2, "cursor_invalid")
        for each in LISTS if each.rows and set(each.parameters) <= {"q", "rev", "article", "contains"}
    ),
    Refusal(Query("show", lambda a: a.version(f"{PEGEL}@gestern"), 0, {"rev": f"{PEGEL}@gestern"}),
            RevisionError, 2, "revision_invalid", "@gestern is neither a version"),
    Refusal(Query("list", lambda a: a.articles(after="zzz"), 0, {"after": "zzz"}), CursorError, 2, "cursor_invalid"),
    wrong("list", "time_invalid", since="yesterday"),
    wrong("search", "time_invalid", q="Damm", as_of="yesterday"),
    wrong("list", "parameter_invalid", limit=0),
    wrong("changes", "parameter_invalid", **{"class": "mood"}),
    wrong("search", "parameter_invalid", q="Pegel", change="mood"),
    unsearchable("", "no word"),
    unsearchable('"', "open"),
    unsearchable('Damm "Pegel', "open"),
    unsearchable("…", "no word"),
    unsearchable("NOT Damm", "excluded words only"),
    unsearchable("-Damm", "excluded words only"),
    *(unsearchable(query, "A OR B") for query in
      ("Damm OR", "OR Damm", "Damm NOT", "Damm AND", "Damm OR -Pegel")),
    unsearchable("Damm*", "wildcards"),
    unsearchable("(Damm OR Deich) Pegel", "parentheses"),
    unsearchable("Damm " * 65, "64 words"),
)  # fmt: skip


def assert_rows(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Check that a door gives the rows of the library; it may add fields, such as explanations."""
    assert [
        {name: row[name] for name in wanted} for row, wanted in zip(rows, expected, strict=True)
    ] == expected


def command(query: Query, archive_url, folder, **parameters: Any):
    return run_here(folder, query.words(parameters), {"LESART_DATABASE_URL": archive_url})


def route(query: Query, client, parameters: Mapping[str, Any]):
    return client.get(f"/api/{ROUTES.get(query.name, query.name)}", params=parameters)


def rows_at_each_door(query: Query, client, archive_url, folder, **part: Any):
    """Yield the rows of a list by route, command and tool."""
    parameters = {**query.parameters, **part}
    answer = route(query, client, parameters)
    assert answer.status_code == 200, answer.text
    yield answer.json()["items"]
    ended = command(query, archive_url, folder, **parameters, format="jsonl")
    assert ended.returncode == 0, ended.stderr
    yield [json.loads(line) for line in ended.stdout.splitlines()]
    if query.name in TOOLS:
        is_error, told = within(archive_url, query.name, **parameters)
        assert not is_error, told
        yield told["answer"]["items"]


@pytest.mark.postgresql("slow")
@pytest.mark.each_case
@pytest.mark.parametrize("query", LISTS, ids=str)
def test_a_list_has_the_same_rows_at_each_door(query, client, archive_url, tmp_path):
    with open_archive(archive_url) as archive:
        expected = [row.to_dict() for row in query.ask(archive)]
    assert len(expected) == query.rows
    for rows in rows_at_each_door(query, client, archive_url, tmp_path):
        assert_rows(rows, expected)
    if len(expected) > 1 and query == FIRST[query.name]:
        for rows in rows_at_each_door(query, client, archive_url, tmp_path, limit=1):
            assert_rows(rows, expected[:1])
            rest = {"after": rows[0]["cursor"]} if "cursor" in rows[0] else {}
            for others in rows_at_each_door(query, client, archive_url, tmp_path, **rest):
                assert_rows(others, expected[1:] if rest else expected)


@pytest.mark.parametrize(
    "query", [query for query in FIRST.values() if DOORS[query.name].makes_command], ids=str
)
@pytest.mark.parametrize("archive_url", ["sqlite"], indirect=True)
def test_a_list_is_written_as_parquet(query, archive_url, tmp_path):
    with open_archive(archive_url) as archive:
        expected = [*query.ask(archive)]
    path = tmp_path / "rows.parquet"
    ended = command(query, archive_url, tmp_path, **query.parameters, output=str(path))
    assert ended.returncode == 0, ended.stderr
    written = parquet.read_table(path)
    assert written.column_names == [
        each.name for each in fields(DOORS[query.name].query().record())
    ]
    values = [str(getattr(row, written.column_names[0])) for row in expected]
    assert [str(row) for row in written.column(0).to_pylist()] == values


@pytest.fixture(scope="module")
def schema(client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def test_a_generated_client_has_one_type_for_the_success_of_each_route(schema):
    titles = [each["title"] for each in schema["components"]["schemas"].values()]
    assert sorted(titles) == sorted({*titles}), "two classes of one name"
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            (success,) = [status for status in answers if status[0] in "23"]
            json = answers[success]["content"].get("application/json")
            assert json is None or json["schema"], path
            problems = [answers[status]["content"] for status in answers if status != success]
            assert all([*each] == ["application/problem+json"] for each in problems), path


def described_fields(schema: dict[str, Any], path: str) -> set[str]:
    """Return the fields of a row of a list, as the OpenAPI document describes them."""
    answer = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    parts = schema["components"]["schemas"]
    page = parts[answer["schema"]["$ref"].rpartition("/")[2]]
    row = parts[page["properties"]["items"]["items"]["$ref"].rpartition("/")[2]]
    return {*row["properties"]}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_list_is_at_each_door_of_its_declaration(door, client, schema, archive_url):
    asked = FIRST.get(door.name)
    assert asked or door.name in ELSEWHERE, "LISTS has a row for each list"
    assert door.name in COMMANDS
    record, method = door.query().record(), METHODS.get(door.name, door.name)
    assert set(record._json_names()) - described_fields(schema, f"/api{door.path}") == set()
    columns = {*flat_columns(record)}
    prefixes = [each for column, each in ARTICLE_COLUMNS.items() if column in columns]
    columns |= {f"{each}{name}" for each in prefixes for name in ("title", "outlet")}
    assert set(door.shown) - {"result"} - columns == set()
    if door.name not in OF_CAPABILITIES:
        assert callable(getattr(ReadOnlyArchive, method))
        assert any(f"{each}{method}(" in PYTHON_PAGE for each in "`."), "docs/python.md names it"
    if asked is None or not asked.parameters:
        with open_archive(archive_url) as archive:
            expected = [*asked.ask(archive)] if asked else []
            assert door.name in OF_ONE or [*archive.rows(door.name)] == expected
    if door.page is None:
        return
    assert door.page in PAGES
    with open_archive(archive_url) as archive:
        page = door.page.format(article=archive.version(PEGEL).article)
    words = {"q": asked.parameters["q"]} if asked and "q" in asked.parameters else {}
    assert client.get(page, params=words, follow_redirects=True).status_code == 200


def test_a_list_by_its_name_takes_the_options_of_its_command(archive_url):
    with open_archive(archive_url) as archive:
        relations = [*archive.relations(PEGEL)]
        assert [*archive.rows("relations", article=PEGEL)] == relations
        assert [*archive.rows("relations", article=PEGEL, limit=1)] == relations[:1]
        with pytest.raises(ValueError, match="is not one of the lists: list, search"):
            archive.rows("artikel")
        for option in ("farbe", "as_of"):
            with pytest.raises(TypeError, match=option):
                archive.rows("relations", **{option: "2024"})


@pytest.mark.parametrize("query", RECORDS, ids=str)
def test_a_record_is_the_same_at_each_door(query, client, archive_url, tmp_path):
    with open_archive(archive_url) as archive:
        expected = query.ask(archive).to_dict()
    answer = route(query, client, query.parameters)
    assert answer.status_code == 200, answer.text
    assert_rows([answer.json()], [expected])
    ended = command(query, archive_url, tmp_path, **query.parameters, format="json")
    assert ended.returncode == query.rows, ended.stderr
    told = json.loads(ended.stdout)
    assert_rows(told if isinstance(told, list) else [told], [expected])
    if query.name in TOOLS:
        is_error, told = within(archive_url, query.name, **query.parameters)
        assert not is_error, told
        assert_rows([told["answer"]], [expected])


@pytest.mark.postgresql("slow")
@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_wrong_query_is_refused_at_each_door(refusal, client, archive_url, tmp_path):
    query, code = refusal.query, refusal.code
    if refusal.error is not None:
        with open_archive(archive_url) as archive, pytest.raises(refusal.error) as caught:
            list(query.ask(archive))
        assert refusal.reason in str(caught.value)
    answer = route(query, client, query.parameters)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], answer.status_code) == (code, TITLES[code][0]), problem
    assert problem["status"] == answer.status_code
    assert refusal.reason in problem["detail"]
    ended = command(query, archive_url, tmp_path, **query.parameters)
    assert (ended.returncode, ended.stdout) == (refusal.exit_code, ""), ended.stderr
    assert refusal.reason in ended.stderr
    if query.name in TOOLS:
        is_error, told = within(archive_url, query.name, **query.parameters)
        assert (is_error, told["error"]["code"]) == (True, code)


def test_each_list_of_the_api_is_in_the_table_and_has_the_parameters_of_its_command():
    routes = {
        each.path.removeprefix("/api/"): {*get_type_hints(each.endpoint)["query"].model_fields}
        for router in ROUTERS
        for each in router.routes
        if each.methods == {"GET"} and "query" in get_type_hints(each.endpoint)
    }
    lists = {name for name, parameters in routes.items() if "after" in parameters}
    others = {"alerts/deliveries", "facets"}  # no command has their rows
    assert {ROUTES[name] for name in DOORS} == lists - others
    shared = {
        "archive",
        "config",
        "debug",
        "format",
        "output",
        "spreadsheet_safe",
        "help",
        "facets",
    }
    for each in {query.name for query in (*LISTS, *RECORDS)} - {"stats"}:
        of_command = {parameter.name for parameter in COMMANDS[each].params}
        assert of_command - shared == routes[ROUTES.get(each, each)] - {"query"}, each
    of_export = {parameter.name for parameter in COMMANDS["export"].params}
    of_list_alone = {"state", "classes", "newest_first"}
    assert {each.name for each in COMMANDS["list"].params} - of_list_alone <= of_export
