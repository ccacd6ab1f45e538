"""How texts are edited: each figure is the one that its definition names, on both databases."""

from datetime import timedelta

import duckdb
import pytest

from storage.cli.exits import run
from storage.read.archive import open_archive
from storage.read.figures.edits import EditSpan
from storage.values.errors import NoSuchError
from tests.read.press import START, Press, draft, hour
from worker.cli.commands import app


def text(title, words, **more):
    return draft(title, f"Der Pegel der Lohe steigt {words}.", published="2024-06-18", **more)


@pytest.fixture(scope="module")
def edited(empty_copy):
    """An article edited at hours 2 and 5, one edited at hour 5, one never, one published long ago.

    A scan is made each hour; none at hour 4.
    """
    press = Press(empty_copy)
    stands = {
        "deich": text("Deich hält", "langsam"),
        "ruhig": text("Ruhe", "kaum"),
        "wetter": text("Wetter", "heute"),
        "alt": draft("Alt", "Es war einmal ein Pegel.", published="2024-06-01"),
    }
    changes = {
        2: {"deich": text("Deich bricht", "langsam")},
        5: {"deich": text("Deich hält", "langsam"), "wetter": text("Wetter", "morgen")},
        6: {"alt": draft("Alt", "Es war einmal ein Damm.", published="2024-06-01")},
    }
    for now in (0, 1, 2, 3, 5, 6, 7):
        stands |= changes.get(now, {})
        press.scan(now, **stands)
    press.close()
    return empty_copy


@pytest.fixture(scope="module")
def figures(edited):
    with open_archive(edited) as archive:
        (only,) = archive.edit_figures(EditSpan())
    return only


def test_edits_are_reported_by_the_hour_of_their_first_snapshot(edited):
    with open_archive(edited) as archive:
        rows = list(archive.edits_by_hour(EditSpan()))
        assert [(row.hour, row.edits) for row in rows] == [(hour(2), 1), (hour(5), 2), (hour(6), 1)]
        late = archive.edits_by_hour(EditSpan(since=hour(3), until=hour(5), source="seeds"))
        assert [row.edits for row in late] == [2]
        with pytest.raises(NoSuchError):
            list(archive.edits_by_hour(EditSpan(source="nirgends")))


def test_an_edit_whose_snapshot_before_lies_in_an_earlier_hour_is_not_certainly_of_this_one(edited):
    with open_archive(edited) as archive:
        assert [row.certain for row in archive.edits_by_hour(EditSpan())] == [0, 0, 0]
    assert hour(2) - timedelta(hours=1) >= START


def test_articles_and_edits_are_counted(figures):
    assert (figures.articles, figures.edited, figures.edits) == (4, 3, 4)
    assert (figures.silence_known, figures.silent_share) == (0, None)


def test_a_headline_that_came_back_is_a_flip(figures):
    assert (figures.headlines, figures.flips) == (2, 1)


def test_the_first_edit_counts_only_where_the_article_was_seen_near_its_publication(figures):
    assert (figures.fresh, figures.first_edits) == (3, 2)
    hours = 3600
    assert (figures.first_edit_least, figures.first_edit_most) == (1 * hours, 2 * hours)


def test_the_half_life_counts_current_wordings_for_as_long_as_they_were_seen(figures):
    """Four edited wordings: one was replaced after 1 to 3 hours, three stand for 1 or 2 by now."""
    assert figures.half_life_least is None
    assert figures.half_life_most == pytest.approx(3 * 3600)


def test_the_command_writes_rows_and_a_typed_parquet_file(edited, tmp_path, capsys):
    def told(*arguments):
        code = run(app, ["stats", *arguments, "--archive", edited])
        return code, *capsys.readouterr()

    assert told("--edits", "--format", "csv")[1].startswith("source,articles,edited,edits,")
    file = tmp_path / "hours.parquet"
    assert told("--edits", "--hourly", "-o", str(file))[0] == 0
    rows = duckdb.sql(f"SELECT hour, edits FROM '{file}' ORDER BY hour").fetchall()
    assert rows == [(hour(2), 1), (hour(5), 2), (hour(6), 1)]
    code, _, complained = told("--hourly")
    assert (code, "requires --edits" in complained) == (2, True)
