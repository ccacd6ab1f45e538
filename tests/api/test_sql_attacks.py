"""No query reads or does more than the views allow, at any door, on either database."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from storage.capabilities.assistants.tools import ArchiveTools
from storage.read.archive import QueryError, open_archive
from storage.web.app import make_app
from storage.web.archives import ServedArchive
from tests.api.sql_attacks import ATTACKS, HARMLESS, NAMED_LIKE_A_VIEW, TABLES
from tests.flow.processes import run_here
from tests.services import reader_address

pytestmark = pytest.mark.postgresql("fast")


def by_python(archive_url, folder, queries):
    """Yield the rows of each query, or the sentence that refuses it."""
    with open_archive(reader_address(archive_url)) as archive:
        for query in queries:
            try:
                yield [list(row) for row in archive.sql(query).rows]
            except QueryError as error:
                yield str(error)


def by_command(archive_url, folder, queries):
    for query in queries:
        words = ["sql", "--format", "jsonl", "--", query]
        ended = run_here(folder, words, {"LESART_DATABASE_URL": reader_address(archive_url)})
        if ended.returncode == 0:
            yield [[*json.loads(line).values()] for line in ended.stdout.splitlines()]
        else:
            assert (ended.returncode, ended.stdout) == (2, ""), ended
            yield ended.stderr.splitlines()[0]  # before the name of the help, if any


def by_tool(archive_url, folder, queries):
    place = ServedArchive(archive_url, sql_url=reader_address(archive_url))
    app = make_app(place)
    tools = ArchiveTools(app.app, place)

    async def ask_all():
        return [await tools.call("sql", {"query": query}) for query in queries]

    for result in asyncio.run(ask_all()):
        told = json.loads(result.content[0].text)
        assert "error" not in told or told["error"]["status"] < 500, told
        yield told["error"]["detail"] if "error" in told else told["answer"]["items"]
    tools.close()
    app.close()


DOORS = [by_python, by_tool, pytest.param(by_command, marks=pytest.mark.slow)]


@pytest.mark.postgresql("slow")
@pytest.mark.each_case
@pytest.mark.parametrize(
    "ask",
    [by_python, *(pytest.param(each, marks=pytest.mark.slow) for each in (by_tool, by_command))],
)
def test_each_attack_is_refused_with_one_sentence_at_each_door(ask, archive_url, tmp_path):
    asked = ATTACKS[archive_url.partition(":")[0].partition("+")[0]]
    answers = dict(zip(asked, ask(archive_url, tmp_path, asked), strict=True))
    assert {query: told for query, told in answers.items() if not isinstance(told, str)} == {}
    assert {query: told for query, told in answers.items() if not told or "\n" in told} == {}
    assert [*tmp_path.glob("x*")] == []


@pytest.mark.parametrize("ask", DOORS)
def test_a_name_of_a_query_means_what_the_query_says(ask, archive_url, tmp_path):
    queries, expected = zip(*HARMLESS, strict=True)
    answers = ask(archive_url, tmp_path, queries)
    assert [[value for (value,) in rows] for rows in answers] == [*expected]


@pytest.mark.slow
@pytest.mark.parametrize("archive_url", ["sqlite"], indirect=True)
def test_an_earlier_time_opens_no_other_table(archive_url):
    with open_archive(archive_url) as opened:
        archive = opened.with_clocks("2100", "2100")
        assert len([*archive.articles()]) == 3  # and so its temporary views are there
        tables = "past_affected", "temp.article", "temp.past_version", "snapshot"
        for query in (*ATTACKS["sqlite"], *(f"SELECT * FROM {table}" for table in tables)):
            with pytest.raises(QueryError):
                list(archive.sql(query).rows)


@pytest.mark.parametrize("archive_url", ["sqlite"], indirect=True)
def test_the_attacks_would_succeed_on_the_file_itself(archive_url):
    """So none is refused for a slip in it."""
    with closing(sqlite3.connect(archive_url.removeprefix("sqlite:///"))) as database:
        for query in (*NAMED_LIKE_A_VIEW, *TABLES):
            database.execute(f"EXPLAIN {query}")
