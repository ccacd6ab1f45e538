"""Each list gives the same rows at every door: command, route, Python, MCP; and has a page."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from storage.read.archive import open_archive
from storage.read.filters import Filters
from tests.api.test_mcp import within
from tests.flow.processes import run_here

pytestmark = pytest.mark.postgresql("fast")

PEGEL = "seed:seeds/pegel.txt"
POSITIONAL = frozenset({
    ("search", "q"), ("history", "article"), ("observations", "article"), ("blame", "rev"),
    ("sentences", "rev"), ("sentences", "contains"), ("changes", "article"),
})  # fmt: skip
"""Parameters of a route that its command takes without an option."""

ROUTES = {"list": "articles"}
TOOLS = frozenset({"search", "list", "blame", "changes", "relations"})
OLD, NEW = datetime(2024, 6, 18, tzinfo=UTC), datetime(2024, 6, 17, 23, 59, 59, 999999, UTC)


@dataclass(frozen=True)
class Query:
    """A list with its filters, the number of rows that it has, and where a page shows it."""

    name: str
    ask: Callable[[Any], Any]
    rows: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    page: str | None = None

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{key}={each}" for key, each in self.parameters.items())])

    def words(self) -> list[str]:
        """Return the command that asks for the list."""
        found = [self.name]
        for name, value in self.parameters.items():
            option = f"--{name.replace('_', '-')}"
            if (self.name, name) in POSITIONAL:
                found.append(str(value))
            elif value is True:
                found.append(option)
            else:
                values = value if isinstance(value, list) else [value]
                found += [part for each in values for part in (option, str(each))]
        return found


QUERIES = (
    Query("list", lambda a: a.articles(), 3, page="/"),
    Query("list", lambda a: a.articles(Filters(language="en")), 1, {"language": "en"}),
    Query("list", lambda a: a.articles(Filters(source="seeds")), 3, {"source": "seeds"}),
    Query("list", lambda a: a.articles(Filters(since=OLD)), 3, {"since": "2024-06-18"}),
    Query("list", lambda a: a.articles(Filters(until=NEW)), 0, {"until": "2024-06-17"}),
    Query("search", lambda a: a.search("Pegel"), 3, {"q": "Pegel"}, "/search?q=Pegel"),
    Query("search", lambda a: a.search("Pegel", latest=True), 2, {"q": "Pegel", "latest": True}),
    Query("search", lambda a: a.search("Fähre"), 0, {"q": "Fähre"}, "/search?q=Fähre"),
    Query("history", lambda a: a.history(PEGEL), 2, {"article": PEGEL}),
    Query("changes", lambda a: a.changes(), 1, page="/"),
    Query("changes", lambda a: a.changes(article=PEGEL), 1, {"article": PEGEL}),
    Query("changes", lambda a: a.changes(classes=["number", "name"]), 1, {"class": ["number", "name"]}),
    Query("changes", lambda a: a.changes(classes=["headline"]), 0, {"class": ["headline"]}),
    Query("changes", lambda a: a.changes(contains="3,6"), 1, {"contains": "3,6"}),
    Query("changes", lambda a: a.changes(contains="Fähre"), 0, {"contains": "Fähre"}),
    Query("changes", lambda a: a.changes(silent=True), 0, {"silent": True}),
    Query("observations", lambda a: a.observations(PEGEL), 2, {"article": PEGEL}),
    Query("relations", lambda a: a.relations(), 1, page="/relations"),
    Query("blame", lambda a: a.blame(PEGEL), 2, {"rev": PEGEL}),
    Query("sentences", lambda a: a.sentences(PEGEL, "36"), 1, {"rev": PEGEL, "contains": "36"}),
    Query("refusals", lambda a: a.refusals(), 1, page="/refusals"),
    Query("jobs", lambda a: a.jobs(), 3, page="/jobs"),
)  # fmt: skip


def assert_rows(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Check that a door gives the rows of the library; it may add fields, such as explanations."""
    assert [
        {name: row[name] for name in wanted} for row, wanted in zip(rows, expected, strict=True)
    ] == expected


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_list_has_the_same_rows_at_each_door(query, client, archive_url, tmp_path):
    with open_archive(archive_url) as archive:
        expected = [row.to_dict() for row in query.ask(archive)]
    assert len(expected) == query.rows

    answer = client.get(f"/api/{ROUTES.get(query.name, query.name)}", params=query.parameters)
    assert answer.status_code == 200, answer.text
    assert_rows(answer.json()["items"], expected)

    variables = {"LESART_DATABASE_URL": archive_url}
    ended = run_here(tmp_path, [*query.words(), "--format", "jsonl"], variables)
    assert ended.returncode == 0, ended.stderr
    assert_rows([json.loads(line) for line in ended.stdout.splitlines()], expected)

    if query.name in TOOLS:
        is_error, told = within(archive_url, query.name, **query.parameters)
        assert not is_error, told
        assert_rows(told["answer"]["items"], expected)
    if query.page is not None:
        assert client.get(query.page, follow_redirects=True).status_code == 200
