"""`lesart blame` and `lesart cite` against a small archive."""

import io
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


def test_blame_tells_each_sentence_with_the_fields_of_the_contract(written, lesart):
    code, told, _ = lesart("blame", written.article)
    assert code == 0
    first, second = objects(told)
    contract = ("sentence", "paragraph", "since_version", "changed_after", "changed_by",
                "returned", "first_article")  # fmt: skip
    assert tuple(first)[: len(contract)] == contract
    assert (first["since_version"], second["since_version"]) == (2, 1)
    assert "36 Zentimeter" in first["sentence"]


def test_blame_tells_what_stands_no_more(written, lesart):
    (row,) = objects(lesart("blame", written.article, "--removed")[1])
    assert "3,6 Zentimeter" in row["sentence"]
    assert (row["since_version"], row["version"]) == (2, 1)


def test_a_copy_names_the_article_it_stood_in_first(written, lesart):
    original = objects(lesart("list")[1])
    (name,) = (each["article"] for each in original if each["origin"].endswith("pegel.txt"))
    rows = objects(lesart("blame", "seed:seeds/kopie.txt")[1])
    assert [row["first_article"] for row in rows] == [name, name]


def test_a_sentence_is_found_by_a_part_with_the_articles_that_have_it_now(written, lesart):
    names = {each["origin"]: each["article"] for each in objects(lesart("list")[1])}
    (row,) = objects(lesart("sentences", written.article, "UM 36")[1])
    assert (row["number"], row["since_version"], row["is_cut"]) == (1, 2, False)
    assert row["current_in"] == [names["seed:seeds/kopie.txt"]]
    assert objects(lesart("sentences", written.article, "nirgendwo")[1]) == []


def test_the_results_of_a_search_are_counted_by_facet(written, lesart):
    rows = objects(lesart("search", "Pegel", "--facets")[1])
    counts = {(each["facet"], each["value"]): each["hits"] for each in rows}
    assert counts["source", "seeds"] == len(objects(lesart("search", "Pegel")[1]))
    assert counts["month", "2024-06"] == counts["year", "2024"] == counts["source", "seeds"]
    (hit,) = objects(lesart("search", "Pegel", "--class", "number")[1])
    assert hit["version"] == 2
    assert objects(lesart("search", "Pegel", "--publisher", "niemand")[1]) == []
    assert lesart("search", "Pegel", "--facets", "--limit", "1")[0] == 2


def test_blame_of_nothing_says_so(written, lesart):
    code, told, message = lesart("blame", f"{written.article}@1", "--removed", "--format", "table")
    assert (code, told, message) == (0, "", "lesart: no removed sentences\n")
    assert lesart("blame", "nobody")[0] == 3


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


def test_cite_is_markdown_if_nothing_else_is_said(written, lesart):
    bare = lesart("cite", written.article)
    assert bare == lesart("cite", written.article, "--style", "markdown")
    assert bare[1].startswith("Ada Lohe, Bo Wiek: Der Damm hält")


def test_what_is_cited_is_found_again(written, lesart):
    (fact,) = objects(lesart("cite", written.article, "--passage", PASSAGE, "--format", "jsonl")[1])
    (shown,) = objects(lesart("show", fact["revision"])[1])
    assert shown["text"][fact["start"] : fact["end"]] == fact["exact"] == PASSAGE
    assert shown["digests"]["wording"] == fact["wording"]


def test_a_passage_is_read_from_standard_input(written, lesart, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSAGE}\n"))
    (fact,) = objects(lesart("cite", written.article, "--passage", "-", "--format", "jsonl")[1])
    assert fact["exact"] == PASSAGE


@pytest.mark.parametrize("name", ["table", "json", "csv", "tsv"])
def test_the_facts_of_a_citation_are_told_in_every_format(name, written, lesart):
    code, told, _ = lesart("cite", written.article, "--passage", PASSAGE, "--format", name)
    assert code == 0
    assert PASSAGE in told
    assert "2024-06" in told


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        ("37 Zentimeter", "all letters and punctuation marks must be the same"),
        ("3,6 Zentimeter", "version 1 of the article contains it"),
        ("e", "quote more of it"),
    ],
    ids=["missing", "in another version", "ambiguous"],
)
def test_a_passage_that_names_no_place_ends_with_3(passage, sentence, written, lesart):
    code, told, message = lesart("cite", written.article, "--passage", passage)
    assert (code, told) == (3, "")
    assert sentence in message


def test_a_style_and_a_format_exclude_each_other(written, lesart):
    words = ("cite", written.article, "--style", "bibtex", "--format", "json")
    assert lesart(*words)[0] == 2


def test_terminal_commands_of_a_title_are_not_passed_on(written, lesart):
    for style in CITED:
        assert "\x1b" not in lesart("cite", "seed:seeds/ferry.txt", "--style", style)[1]
