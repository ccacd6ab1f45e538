"""Blame and citations against archives of both kinds."""

import pytest

from storage.database.schema import upgrade
from storage.language.tokens import parse_query
from storage.read import blame
from storage.read.archive import NoSuchError, RevisionError, open_archive
from storage.read.search import wordings_query
from storage.values.draft import Paragraph
from storage.values.errors import AmbiguousPassageError
from tests.conftest import migrate
from tests.read.press import Press, draft, hour
from tests.statements import statements_of

PEGEL = "seed:seeds/pegel"


def told(rows):
    return [(r.sentence, r.paragraph, r.since_version, r.returned) for r in rows]


def holders(archive, rev, **asked):
    """Return each sentence with the last part of the origin of the article that had it first."""
    names = {line.article: line.origin.rpartition("/")[2] for line in archive.articles()}
    names[None] = None
    return {row.sentence: names[row.first_article] for row in archive.blame(rev, **asked)}


def test_a_sentence_that_came_back_is_reported(archive):
    assert told(archive.blame(PEGEL)) == [
        ("Der Pegel der Lohe steigt.", 0, 1, False),
        ("Er stieg um 3,6 Zentimeter.", 1, 3, True),
        ("Helfer füllten Säcke.", 2, 1, False),
    ]


def test_an_earlier_version_knows_nothing_of_later_ones(archive):
    assert told(archive.blame(f"{PEGEL}@2"))[1] == ("Er stieg um 36 Zentimeter.", 1, 2, False)
    assert told(archive.blame(f"{PEGEL}@1"))[1] == ("Er stieg um 3,6 Zentimeter.", 1, 1, False)


def test_it_reports_between_which_snapshots_a_sentence_came(archive):
    second = list(archive.blame(f"{PEGEL}@2"))[1]
    assert (second.changed_after, second.changed_by) == (hour(2), hour(3))
    first = next(archive.blame(f"{PEGEL}@2"))
    assert (first.changed_after, first.changed_by) == (None, hour(0))


def test_removed_states_since_when_a_sentence_is_gone(archive):
    (gone,) = archive.blame(PEGEL, removed=True)
    assert told([gone]) == [("Er stieg um 36 Zentimeter.", 1, 3, False)]
    assert (gone.version, gone.changed_by) == (2, hour(5))
    assert list(archive.blame(f"{PEGEL}@1", removed=True)) == []


def test_a_copy_names_the_article_that_had_its_sentences_first(archive):
    assert holders(archive, "seed:seeds/kopie") == {
        "Der Pegel der Lohe steigt.": "pegel",
        "Er stieg um 36 Zentimeter.": "pegel",
        "Helfer füllten Säcke.": "pegel",
    }


def test_the_article_that_had_it_first_names_no_other(archive):
    assert set(holders(archive, PEGEL).values()) == {None}
    assert set(holders(archive, PEGEL, removed=True).values()) == {None}


def test_sentences_with_a_text_name_their_place_and_where_they_are_now(archive):
    (found,) = archive.sentences(f"{PEGEL}@2", "er  STIEG um")
    names = {each.article: each.origin.rpartition("/")[2] for each in archive.articles()}
    assert (found.number, found.since_version, found.first_article) == (2, 2, None)
    assert [names[each] for each in found.current_in] == ["kopie"]
    assert archive.sentence(f"{PEGEL}@2", 2) == found
    first, *others = archive.sentences(PEGEL, "e")
    assert list(archive.sentences(PEGEL, "e", after=first.cursor)) == others != []
    assert list(archive.sentences(PEGEL, "nirgendwo")) == []
    with pytest.raises(NoSuchError):
        archive.sentence(PEGEL, 0)


def test_a_missing_revision_is_refused(archive):
    with pytest.raises(NoSuchError):
        archive.blame(f"{PEGEL}@9")
    with pytest.raises(RevisionError):
        archive.blame("")


def test_a_paragraph_is_counted_among_all_that_show_reports(database_url):
    press = Press(database_url)
    press.scan(0, text=draft("Damm", Paragraph("promo", "Lesen Sie auch."), "Es hält. Es hielt.",
                             Paragraph("caption", "Der Damm."), "Es wird halten."))  # fmt: skip
    press.close()
    with open_archive(database_url) as archive:
        rows = list(archive.blame("seed:seeds/text"))
        paragraphs = archive.version("seed:seeds/text").paragraphs
    assert [row.paragraph for row in rows] == [1, 1, 3]
    assert all(row.sentence in paragraphs[row.paragraph].text for row in rows)


LONG = " ".join(f"Wort{number}" for number in range(17_000))


@pytest.fixture(scope="module")
def exchange(empty_copy):
    """Articles that take sentences over from each other, in German and English."""
    press = Press(empty_copy)
    press.scan(0, agentur=draft("Meldung", "Der Deich an der Lohe brach am Montag. Es regnet."),
               flut=draft("Wetter", LONG, "Ganz am Ende steht ein Satz über Boote."))  # fmt: skip
    press.scan(1, blatt=draft("Bericht", "„Der Deich an der Lohe brach am Montag.“ Viele halfen.",
                              "Der Deich an der Lohe brach am Montag. Helfer kamen mit Booten."))  # fmt: skip
    press.scan(
        2,
        spaet=draft(
            "Nachlese",
            "Der Deich an der Lohe brach am Montag.",
            "Der Deich an der Lohe brach am Montag nicht.",
            "Helfer kamen mit Boot.",
            "Helfer kamen mit Booten.",
            "Ganz am Ende steht ein Satz über Boote.",
            "Nein.",
        ),
        english=draft("News", "The dykes were holding. It rained.", language="en"),
    )
    press.scan(3, wire=draft("Wire", "The dykes were holding. “It rained.”", language="en"),
               agentur=draft("Meldung", "Der Deich brach. Helfer kamen mit Booten."))  # fmt: skip
    press.scan(4, nein=draft("Nein", "Nein. Der Deich brach.", "Es regnet."))
    press.close()
    with open_archive(empty_copy) as archive:
        yield archive


def test_the_earliest_snapshot_counts_and_only_the_same_sentence(exchange):
    assert holders(exchange, "seed:seeds/spaet") == {
        "Der Deich an der Lohe brach am Montag.": "agentur",
        "Der Deich an der Lohe brach am Montag nicht.": None,
        "Helfer kamen mit Boot.": None,
        "Helfer kamen mit Booten.": "blatt",
        "Ganz am Ende steht ein Satz über Boote.": "flut",
        "Nein.": None,
    }


def test_what_very_many_have_is_asked_for_as_a_whole_and_says_the_same(exchange, monkeypatch):
    asked = [f"seed:seeds/{name}" for name in ("spaet", "blatt", "wire", "agentur", "nein")]
    expected = [holders(exchange, rev) for rev in asked]
    monkeypatch.setattr(blame, "MAX_CANDIDATES", -1)
    assert [holders(exchange, rev) for rev in asked] == expected


def test_a_sentence_is_found_without_reading_the_texts_with_its_words(database_url):
    press = Press(database_url)
    for number in range(3):
        press.scan(number, **{f"text{number}": draft("Damm", "Der Deich an der Lohe brach.")})
    _forget(press, "search_text")
    press.close()
    with open_archive(database_url) as archive:
        assert set(holders(archive, "seed:seeds/text2").values()) == {"text0"}


def test_an_older_archive_on_postgresql_gets_the_index_of_sentences(postgres_url):
    migrate(postgres_url)
    press = Press(postgres_url)
    for number in range(2):
        text = draft("Damm", f"Der Deich an der Lohe brach an {number + 2} Stellen.")
        press.scan(number, **{f"text{number}": text})
    with press.archive.engine.begin() as connection:
        before = connection.exec_driver_sql("SELECT * FROM sentence_text ORDER BY 1").all()
        connection.exec_driver_sql("DROP TABLE sentence_text")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0010'")
    upgrade(press.archive.engine)
    with press.archive.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT * FROM sentence_text ORDER BY 1").all() == before
    press.close()
    assert len(before) == 2


def _forget(press, index):
    """Empty an index, as it is before it knows of any text."""
    is_sqlite = press.archive.engine.dialect.name == "sqlite"
    empty = f"INSERT INTO {index} ({index}) VALUES ('delete-all')"
    with press.archive.engine.begin() as connection:
        connection.exec_driver_sql(empty if is_sqlite else f"DELETE FROM {index}")


def test_all_sentences_together_take_as_many_statements_as_one(exchange):
    with statements_of(exchange._engine) as few:
        assert len(list(exchange.blame("seed:seeds/english"))) == 2
    with statements_of(exchange._engine) as many:
        assert len(list(exchange.blame("seed:seeds/spaet"))) == 6
    assert len(many) <= len(few) + 3, many


def test_quotation_marks_around_a_sentence_make_another_one(exchange):
    found = holders(exchange, "seed:seeds/blatt")
    assert found["„Der Deich an der Lohe brach am Montag.“"] is None
    assert found["Der Deich an der Lohe brach am Montag."] == "agentur"


def test_english_is_found_and_its_quotation_marks_count(exchange):
    assert holders(exchange, "seed:seeds/wire") == {
        "The dykes were holding.": "english", "“It rained.”": None,
    }  # fmt: skip


def test_a_sentence_taken_over_later_names_whom_it_was_taken_from(exchange):
    assert holders(exchange, "seed:seeds/agentur") == {
        "Der Deich brach.": None, "Helfer kamen mit Booten.": "blatt",
    }  # fmt: skip
    assert holders(exchange, "seed:seeds/agentur", removed=True) == {
        "Der Deich an der Lohe brach am Montag.": None, "Es regnet.": None,
    }  # fmt: skip


def test_an_earlier_version_of_an_article_counts_but_a_single_word_does_not(exchange):
    assert holders(exchange, "seed:seeds/nein") == {
        "Nein.": None, "Der Deich brach.": "agentur", "Es regnet.": "agentur",
    }  # fmt: skip


@pytest.mark.parametrize("dialect_name", ["sqlite", "postgresql"])
def test_a_query_that_finds_nothing_is_not_asked(dialect_name):
    assert wordings_query(dialect_name, parse_query("-Damm", ["de"])) is None


def test_without_a_phrase_postgresql_is_asked_for_the_words_alone():
    _, values = wordings_query("postgresql", parse_query("Damm Deich", []))
    assert values == {"exact": "('damm') & ('deich')"}


def test_a_late_text_that_was_seen_earlier_is_named_as_the_source_from_then_on(database_url):
    press, other = Press(database_url), Press(database_url, "other")
    press.scan(5, spaet=draft("Nachlese", "Der Deich an der Lohe brach am Montag."))
    with open_archive(database_url) as archive:
        assert holders(archive, "seed:seeds/spaet") == {
            "Der Deich an der Lohe brach am Montag.": None
        }
        address, sentences = (
            "https://bote.example/frueh",
            "Es regnet. Der Deich an der Lohe brach am Montag.",
        )
        other.scan(6, frueh=draft("Eil", sentences, address=address, observed_at=hour(1)))
        assert holders(archive, "seed:seeds/spaet") == {
            "Der Deich an der Lohe brach am Montag.": "frueh"
        }
    press.close()
    other.close()


# -------------------------------------------------------------------------------- citations


def test_a_citation_names_the_wording_and_its_interval(archive):
    found = archive.cite(f"{PEGEL}@2")
    version = archive.version(f"{PEGEL}@2")
    assert found.revision == f"{version.article}@{version.wording[:35]}"
    assert (found.version, found.changed_after, found.changed_by) == (2, hour(2), hour(3))
    assert (found.start, found.end, found.exact) == (None, None, None)
    assert archive.version(found.revision) == version


def test_a_citation_of_a_passage_gives_its_range(archive):
    found = archive.cite(PEGEL, "stieg um 3,6  Zentimeter.\nHelfer")
    text = archive.version(PEGEL).text
    assert text[found.start : found.end] == found.exact == "stieg um 3,6 Zentimeter.\n\nHelfer"
    assert text == found.prefix + found.exact + found.suffix
    assert archive.version(found.revision).text == text


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [
        (
            "36 Zentimeter",
            "there is no passage in .*@3 that reads '36 Zentimeter': version 2 of the article contains it",
        ),
        ("e", "the passage 'e' occurs \\d+ times in the text: quote more of it, such as '"),
        (" ", "there is no passage"),
    ],
    ids=["missing", "ambiguous", "empty"],
)
def test_a_passage_that_names_no_place_is_refused(archive, passage, sentence):
    with pytest.raises((NoSuchError, AmbiguousPassageError), match=sentence):
        archive.cite(PEGEL, passage)


def test_a_wording_that_is_not_there_any_more_is_refused(archive):
    found = archive.cite(PEGEL)
    with pytest.raises(NoSuchError, match="no wording of the article begins with these digits"):
        archive.cite(f"{found.article}@w1:{'0' * 32}")
