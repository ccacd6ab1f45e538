"""`lesart blame` and `lesart cite` against a small archive."""

import json

import pytest

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

CITED = {
    "markdown": "](<", "bibtex": "@misc{", "csl-json": '"article-newspaper"',
    "w3c": '"SpecificResource"',
}  # fmt: skip
PASSAGE = "um 36 Zentimeter, sagte"


def objects(told: str) -> list[dict]:
    return [json.loads(line) for line in told.splitlines()]


def test_the_results_of_a_search_are_counted_by_facet(written, lesart):
    rows = objects(lesart("search", "Pegel", "--facets")[1])
    counts = {(each["facet"], each["value"]): each["hits"] for each in rows}
    assert counts["source", "seeds"] == len(objects(lesart("search", "Pegel")[1]))
    assert counts["month", "2024-06"] == counts["year", "2024"] == counts["source", "seeds"]
    (hit,) = objects(lesart("search", "Pegel", "--class", "number")[1])
    assert hit["version"] == 2
    assert objects(lesart("search", "Pegel", "--publisher", "niemand")[1]) == []
    assert lesart("search", "Pegel", "--facets", "--limit", "1")[0] == 2


@pytest.mark.parametrize("style", CITED)
def test_cite_writes_each_style_whole(style, written, lesart, tmp_path):
    words = ("cite", written.article, "--passage", PASSAGE, "--style", style)
    code, told, message = lesart(*words)
    assert (code, message) == (0, "")
    assert "@w1:" in told
    assert PASSAGE in told
    if style != "markdown":  # a place that is no web address is no link
        assert CITED[style] in told
    assert lesart(*words, "-o", "zitat")[0] == 0
    assert (tmp_path / "zitat").read_text("utf-8") == told


def test_cite_is_markdown_by_default(written, lesart):
    bare = lesart("cite", written.article)
    assert bare == lesart("cite", written.article, "--style", "markdown")
    assert bare[1].startswith("Ada Lohe, Bo Wiek: Der Damm hält")


def test_a_style_and_a_format_exclude_each_other(written, lesart):
    words = ("cite", written.article, "--style", "bibtex", "--format", "json")
    assert lesart(*words)[0] == 2


def test_terminal_commands_of_a_title_are_not_passed_on(written, lesart):
    for style in CITED:
        assert "\x1b" not in lesart("cite", "seed:seeds/ferry.txt", "--style", style)[1]
