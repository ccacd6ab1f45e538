"""Finished tokens and queries: both engines find the same for any query."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.language.tokens import (
    MAX_BYTES,
    MAX_TOKENS,
    Alternatives,
    Negation,
    Phrase,
    Query,
    Term,
    Word,
    index_tokens,
    parse_query,
    to_fts5,
    to_tsquery,
    truncate,
)

TEXTS = {
    1: (
        ["Großbrand im Öllager", "Nach Angaben der Feuerwehr brannten 3,6 Prozent der Häuser."],
        "de",
    ),
    2: (
        ["Covid-19 in Köln", "Die 152-Millimeter-Munition kam am 18.06.2024 um 12:30 Uhr an."],
        "de",
    ),
    3: (["Runners were running", "They had run 36 miles, or 1,500,000 steps."], "en"),
    4: (["Straße gesperrt", "STRASSENSPERRUNG: Das rote Dach ist ab."], "de"),
    5: (["Qualm über Quito", "Ein Quäntchen Qual."], None),
    6: (["Ein rotes Auto", "Covid kam, 19 blieben. Es waren 15 Millionen."], "de"),
}


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(tokens, content='', tokenize='ascii')")
    for number, (texts, language) in TEXTS.items():
        tokens = " ".join(index_tokens(texts, language))
        connection.execute("INSERT INTO t (rowid, tokens) VALUES (?, ?)", (number, tokens))
    yield connection
    connection.close()


def found_by_fts5(connection: sqlite3.Connection, query: Query) -> set[int]:
    match = to_fts5(query)
    if match is None:
        return set()
    return {row[0] for row in connection.execute("SELECT rowid FROM t WHERE t MATCH ?", (match,))}


def found_by_definition(query: Query) -> set[int]:
    """The meaning of the terms by their docstrings, read literally."""

    def holds(tokens: Sequence[str], term: Term) -> bool:
        match term:
            case Word(alternatives):
                return any(token in tokens for token in alternatives)
            case Phrase(alternatives):
                joined = f" {' '.join(tokens)} "
                return any(f" {' '.join(form)} " in joined for form in alternatives)
            case Alternatives(terms):
                return any(holds(tokens, other) for other in terms)
            case Negation(other):
                return not holds(tokens, other)

    return {
        number
        for number, (texts, language) in TEXTS.items()
        if query.terms_required
        and all(holds(index_tokens(texts, language), term) for term in query.terms)
    }


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        pytest.param("Öllager", {1}, id="umlaut"),
        pytest.param("ÖLLAGERN", {1}, id="case and ending"),
        pytest.param("Ollager", {1}, id="the German stem has no umlaut"),
        pytest.param("haus", {1}, id="plural by singular"),
        pytest.param("3,6", {1}, id="decimal comma"),
        pytest.param("36", {3}, id="digits without the comma"),
        pytest.param("1,500,000", {3}, id="thousands"),
        pytest.param("12:30", {2}, id="time of day"),
        pytest.param("2024", {2}, id="year of a date"),
        pytest.param("18.06.2024", {2}, id="whole date"),
        pytest.param("Covid-19", {2}, id="compound is a phrase"),
        pytest.param("Covid 19", {2, 6}, id="words apart"),
        pytest.param("Millimeter", {2}, id="part of a compound"),
        pytest.param("152-Millimeter-Munition", {2}, id="whole compound"),
        pytest.param("strasse", {4}, id="ss for sharp s"),
        pytest.param("straße", {4}, id="sharp s"),
        pytest.param("run", {3}, id="English stem"),
        pytest.param("qual", {5}, id="the escape letter"),
        pytest.param("Quito -Qualm", set(), id="excluded"),
        pytest.param("rot -auto", {4}, id="excluded elsewhere"),
        pytest.param('"rote Dächer"', {4}, id="stemmed phrase"),
        pytest.param("„das rote Dach“", {4}, id="German quotation marks"),
        pytest.param('"Dach rote"', set(), id="order of a phrase"),
        pytest.param('"rote Dach', {4}, id="quote left open"),
        pytest.param("Öllager OR Quito", {1, 5}, id="either"),
        pytest.param("Ein Öllager OR Quito", {5}, id="either binds closer"),
        pytest.param("Ein Auto OR Quito OR Haus", {5, 6}, id="either of three"),
        pytest.param("Auto OR -Quito", {6}, id="either beside an exclusion"),
        pytest.param("OR Auto OR", {6}, id="either of nothing"),
        pytest.param("-Auto", set(), id="exclusions alone"),
        pytest.param('rotes -"rotes Auto"', {4}, id="excluded phrase"),
        pytest.param("brannten\u00adHäuser", set(), id="soft hyphen joins"),
        pytest.param("", set(), id="empty"),
        pytest.param(' - -- " "" \' ', set(), id="marks alone"),
    ],
)
def test_a_query_finds(table: sqlite3.Connection, text: str, hits: set[int]) -> None:
    query = parse_query(text, ["de", "en"])
    assert found_by_fts5(table, query) == hits
    assert found_by_definition(query) == hits


NASTY = [
    "'; DROP TABLE t; --",
    "%_",
    "NEAR(a b, 2)",
    "NEAR(",
    "a\0b",
    "(a+)+$",
    '"',
    '"""',
    "''",
    "\\' | !",
    "tokens:a",
    "a AND NOT OR",
    "^a*",
    "{a b}: c",
    "\ud800 \U0001f600",
    "a" * 1_000_000,
    "a OR " * 200_000,
    "-" * 10_000,
    '"' * 10_001,
    " ".join(str(n) for n in range(5_000)),
    "-a b " * 500,
    "½ ﷺ İ ŉ",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nothing_that_is_asked_breaks_the_engine(table: sqlite3.Connection, text: str) -> None:
    query = parse_query(text, ["de", "en"])
    assert found_by_fts5(table, query) == found_by_definition(query)
    assert len(query.terms) <= 64


ANY_QUERY = st.lists(
    st.sampled_from(
        [
            "OR",
            "-",
            '"',
            "(",
            ")",
            "*",
            ":",
            "'",
            "&",
            "|",
            "!",
            "\x00",
            "„",
            "AND",
            "NOT",
            "Öllager",
            "rote",
            "Dach",
            "Auto",
            "ein",
            "3,6",
            "Covid-19",
            "q",
            "ä",
        ]
    )
    | st.just(" ")
    | st.text(max_size=3),
    max_size=12,
).map("".join)


@given(ANY_QUERY)
def test_any_query_finds_what_its_terms_mean(table: sqlite3.Connection, text: str) -> None:
    query = parse_query(text, ["de"])
    assert found_by_fts5(table, query) == found_by_definition(query)


TSQUERY = re.compile(r"(?:'[0-9a-z]+'| <-> | [|&] |!|\(|\))+")


@given(ANY_QUERY)
def test_a_tsquery_holds_quoted_lexemes_and_operators_alone(text: str) -> None:
    query = parse_query(text, ["de", "en"])
    rendered = to_tsquery(query)
    assert (rendered is None) is (to_fts5(query) is None) is (not query.terms_required)
    assert rendered is None or (
        TSQUERY.fullmatch(rendered) and rendered.count("(") == rendered.count(")")
    )


@given(st.lists(st.text(), max_size=3), st.sampled_from(["de", "en", "de-AT", None, "xx"]))
def test_tokens_are_plain_ascii(texts: list[str], language: str | None) -> None:
    tokens = index_tokens(texts, language)
    assert all(re.fullmatch(r"[0-9a-z]{1,850}", token) for token in tokens)


@given(st.text("qz0aäáß4e,.1é", max_size=6), st.text("qz0aäáß4e,.1é", max_size=6))
def test_two_words_never_share_a_token(a: str, b: str) -> None:
    if a.casefold() != b.casefold() and "." not in a + b and "," not in a + b:
        assert not a or index_tokens([a], None) != index_tokens([b], None)


@pytest.mark.parametrize(
    ("text", "language", "tokens"),
    [
        pytest.param("Häuser", "de", ("haus",), id="German"),
        pytest.param("Häuser", "de-AT", ("haus",), id="Austrian"),
        pytest.param("running", "en", ("run",), id="English"),
        pytest.param("running", None, ("running",), id="no language"),
        pytest.param("Qi", None, ("qqi",), id="escape letter"),
        pytest.param("ä", None, ("qe4z",), id="escaped letter"),
        pytest.param("qe4z", None, ("qqe4z",), id="word like an escape"),
        pytest.param("Ⅳ ﬁn x²", None, ("iv", "fin", "x2"), id="compatibility"),
        pytest.param("Donau\u00addampfer", None, ("donaudampfer",), id="soft hyphen"),
        pytest.param("e\u0301", None, ("qe9z",), id="composed"),
        pytest.param("snake_case", None, ("snake", "case"), id="underscore"),
        pytest.param(
            "1.500,00 und 1,500.25", None, ("1q2ez500q2cz00", "und", "1q2cz500q2ez25"), id="sums"
        ),
        pytest.param("10.0.0.1", None, ("10", "0", "0", "1"), id="address"),
        pytest.param("3:0, 4.", None, ("3q3az0", "4"), id="score"),
        pytest.param("a" * 250, None, ("a" * 100, "a" * 100, "a" * 50), id="long word in pieces"),
        pytest.param("Киев", None, ("q43azq438zq435zq432z",), id="Cyrillic"),
    ],
)
def test_a_text_is_cut_into(text: str, language: str | None, tokens: tuple[str, ...]) -> None:
    assert index_tokens([text], language) == tokens


def test_threads_have_stemmers_of_their_own() -> None:
    texts = [["Die Häuser brannten in den Straßen der Städte. " * 50]] * 40
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda text: index_tokens(text, "de"), texts))
    assert found == {index_tokens(texts[0], "de")}


def test_a_long_text_is_cut_at_the_count_of_tokens() -> None:
    tokens = tuple(["a"] * (MAX_TOKENS + 1))
    assert truncate(tokens) == (tokens[:MAX_TOKENS], True)
    assert truncate(tokens[:MAX_TOKENS]) == (tokens[:MAX_TOKENS], False)


def test_a_long_text_is_cut_at_its_bytes() -> None:
    tokens = tuple("b" * 99 for _ in range(6_000))
    kept, cut = truncate(tokens)
    assert cut
    assert len(kept) == MAX_BYTES // 100
