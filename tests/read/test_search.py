import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from storage.database.view_queries.sql_words import BLOCK_BITS
from storage.read.archive import Filters, open_archive
from storage.values.errors import SearchQueryError
from tests.read.press import Press, draft, hour

pytestmark = pytest.mark.postgresql("fast")


def found(archive, query, **asked):
    return {(hit.origin.rpartition("/")[2], hit.version) for hit in archive.search(query, **asked)}


PEGEL_1, PEGEL_2, PEGEL_3 = ("pegel", 1), ("pegel", 2), ("pegel", 3)
KOPIE, FERRY = ("kopie", 1), ("ferry", 1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Zentimeter", {PEGEL_1, PEGEL_2, PEGEL_3, KOPIE}),
        ("zentimetern", {PEGEL_1, PEGEL_2, PEGEL_3, KOPIE}),
        ("36", {PEGEL_2, KOPIE}),
        ("3,6", {PEGEL_1, PEGEL_3}),
        ('"36 Zentimeter"', {PEGEL_2, KOPIE}),
        ('"Zentimeter 36"', set()),
        ("„36 Zentimeter“", {PEGEL_2, KOPIE}),
        ("Damm ferry", set()),
        ("36 OR ferry", {PEGEL_2, KOPIE, FERRY}),
        ("Zentimeter -36", {PEGEL_1, PEGEL_3}),
        ("Zentimeter NOT 36", {PEGEL_1, PEGEL_3}),
        ("Zentimeter AND 36", {PEGEL_2, KOPIE}),
        ("ferry AND NOT Damm", {FERRY}),
        ('Zentimeter -"36 Zentimeter"', {PEGEL_1, PEGEL_3}),
        ("waves", {FERRY}),
        ("wave", {FERRY}),
        ("säcke", {PEGEL_1, PEGEL_2, PEGEL_3, KOPIE}),
        ("Socke", set()),
    ],
)
def test_both_databases_find_the_same(archive, query, expected):
    assert found(archive, query) == expected


def test_the_latest_alone_leaves_out_what_articles_said_before(archive):
    assert found(archive, "36", latest=True) == {KOPIE}
    assert found(archive, "3,6", latest=True) == {PEGEL_3}


def test_a_hit_states_whether_it_is_the_current_version(archive):
    told = {(h.origin, h.version): h.current for h in archive.search("Zentimeter")}
    assert told == {
        ("seed:seeds/pegel", 1): False,
        ("seed:seeds/pegel", 2): False,
        ("seed:seeds/pegel", 3): True,
        ("seed:seeds/kopie", 1): True,
    }


def test_a_snippet_shows_where_the_words_are(archive):
    hit = next(archive.search("säcke", latest=True))
    assert "«Säcke»" in hit.snippet


def test_equal_scores_come_newest_first(archive):
    hits = list(archive.search("Zentimeter"))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [(h.origin[-5:], h.version) for h in hits] == [
        ("pegel", 3), ("kopie", 1), ("pegel", 2), ("pegel", 1),
    ]  # fmt: skip


def test_a_text_that_says_it_more_often_comes_first(database_url):
    press = Press(database_url)
    press.scan(
        0,
        often=draft("Sturm", "Sturm, Sturm und wieder Sturm an der Küste."),
        once=draft("Wetter", "Ein Sturm zog über die Küste hinweg und weiter nach Osten."),
        never=draft("Sonne", "Kein Wind an der Küste."),
    )
    press.close()
    with open_archive(database_url) as archive:
        assert [hit.origin[-5:] for hit in archive.search("Sturm")] == ["often", "/once"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(language="en"), set()),
        (Filters(source="seeds"), {PEGEL_2, KOPIE}),
        (Filters(since=hour(1)), {KOPIE}),
        (Filters(until=hour(1)), {PEGEL_2}),
    ],
    ids=["language", "source", "since", "until"],
)
def test_filters_choose_hits(archive, filters, expected):
    assert found(archive, "36", filters=filters) == expected


ODD = [
    "", " ", '"', '""', "-", "--", "OR", "OR OR", "- OR -x", "(", ")", "NEAR(a b)", "a*", "a:b",
    "{a} : b", "^a", "'", "\\", "%", "_", ";", "a & b | !c", "<->", "\0", "\ud800", "💥", "-Damm",
    '"Damm', 'Damm" -"', "x" * 5_000, " ".join("abcdefghij") * 300, "AND NOT", "§ 129", "q", "qq",
]  # fmt: skip


@pytest.mark.parametrize("query", ODD, ids=ascii)
def test_odd_queries_find_something_or_nothing_or_are_refused(archive, query):
    with suppress(SearchQueryError):
        list(archive.search(query))


@given(query=st.text(max_size=40))
def test_no_query_fails(archive, query):
    with suppress(SearchQueryError):
        list(archive.search(query, limit=3))


FILLER = " ".join(f"Wort{number}" for number in range(17_000))
MANY = " ".join("Deich hoch" for _ in range(300))


@pytest.fixture(scope="module")
def long_texts(empty_copy):
    """Texts with phrases where an index of PostgreSQL knows no positions any more."""
    press = Press(empty_copy)
    press.scan(
        0,
        spaet=draft("Lang", FILLER, "Am Ende steht die rote Laterne."),
        oft=draft("Oft", MANY, "Der Deich bricht."),
        hell=draft("Hell", "Die helle Laterne."),
    )
    press.close()
    with open_archive(empty_copy) as archive:
        yield archive


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"rote Laterne"', {("spaet", 1)}),
        ('"Laterne rote"', set()),
        ("Laterne rote", {("spaet", 1)}),
        ('Laterne -"rote Laterne"', {("hell", 1)}),
        ('"Deich bricht"', {("oft", 1)}),
        ('Deich -"Deich bricht"', set()),
        ('"rote Laterne" OR "Deich bricht"', {("spaet", 1), ("oft", 1)}),
    ],
)
def test_phrases_are_found_beyond_the_positions_that_an_index_knows(long_texts, query, expected):
    assert found(long_texts, query) == expected
    assert found(long_texts, query, limit=1) <= expected


def storm(times):
    return draft("Wetter", " ".join([*["Sturm"] * times, *["Ruhe"] * (40 - times)]))


@pytest.fixture(params=[0, 7 << BLOCK_BITS], ids=["in one block", "in many blocks"])
def stormy(database_url, monkeypatch, request):
    """Give an archive of five texts with a word, of which two are ranked at a time.

    Their numbers lie in one block of PostgreSQL's index, or apart in as many as five ranges.
    """
    monkeypatch.setattr("storage.read.facets.MAX_RANKED", 2)  # loads the next with its own bound
    monkeypatch.setattr("storage.read.search.MAX_RANKED", 2)
    press = Press(database_url)
    for number, times in enumerate((9, 1, 2, 8, 3)):
        press.scan(number, **{f"s{number}": storm(times)})
        with press.archive.engine.begin() as connection:
            connection.execute(
                text("UPDATE counter SET value = value + :gap"), {"gap": request.param}
            )
    with open_archive(database_url) as archive:
        yield press, archive
    press.close()


def names(hits):
    return [hit.origin[-2:] for hit in hits]


@pytest.mark.slow
def test_of_many_texts_the_newest_come_first_and_of_those_the_best(stormy):
    _press, archive = stormy
    assert names(archive.search("Sturm")) == ["s3", "s4", "s2", "s1", "s0"]
    assert names(archive.search("Sturm", filters=Filters(until=hour(2)))) == ["s2", "s1", "s0"]


def test_a_frequent_word_is_searched_in_the_newest_texts_alone(stormy, request):
    press, archive = stormy
    if press.archive.engine.dialect.name == "sqlite":
        return  # its index is read from the newest text on
    plans = []

    def explain(connection, _cursor, statement, given, _context, _many):
        if "jsonb_to_recordset" in statement:
            raw = connection.connection.driver_connection
            found = raw.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", given)
            plans.append(json.dumps(found.fetchone()[0]))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        assert names(archive.search("Sturm", limit=1)) == ["s3"]
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    read = re.findall(r'"jsonb_to_recordset"[^}]*?"Actual Rows": (\d+)', plans[0])
    assert [*map(int, read)] == [3 if "many" in request.node.name else 1]  # of four ranges


@pytest.mark.slow
def test_a_search_continues_at_its_cursor_after_new_texts_arrived(stormy):
    press, archive = stormy
    found, after = [], None
    while part := list(archive.search("Sturm", after=after, limit=1)):
        found += part
        after = part[-1].cursor
        press.scan(10 + len(found), **{f"n{len(found)}": storm(len(found) + 20)})
    assert names(found) == ["s3", "s4", "s2", "s1", "s0"]
    assert names(archive.search("Sturm", limit=1)) == ["n5"]


def test_what_hits_have_in_common_is_counted_of_the_newest_and_said_so(stormy):
    _press, archive = stormy
    assert (archive.facets("Sturm").hits, archive.facets("Sturm").is_cut) == (3, True)
    few = archive.facets("Sturm", filters=Filters(until=hour(1)))
    assert (few.hits, few.is_cut, few.counts["source"]) == (2, False, (("seeds", 2),))


@pytest.mark.slow
def test_a_current_version_is_found_after_better_versions_that_are_not_current(database_url):
    press = Press(database_url)
    for number, times in enumerate((9, 8, 7, 6, 5, 1)):
        press.scan(number, artikel=storm(times))
    press.archive.close()
    with open_archive(database_url) as archive:
        (hit,) = archive.search("Sturm", latest=True, limit=1)
        assert hit.version == 6
        assert [each.version for each in archive.search("Sturm", limit=3)] == [1, 2, 3]


def test_facets_count_years_and_months_of_publication(database_url):
    press = Press(database_url)
    dates = {"a": "2024", "b": "2024-06", "c": "2024-06-18", "d": "2023-12-31"}
    press.scan(0, **{name: draft(name, f"Sturm {name}.", published=dates[name]) for name in dates})
    press.archive.close()
    with open_archive(database_url) as archive:
        counts = archive.facets("Sturm").counts
        assert counts["year"] == (("2024", 3), ("2023", 1))
        assert counts["month"] == (("2024-06", 2), ("2023-12", 1))
