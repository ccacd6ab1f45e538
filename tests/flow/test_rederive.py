"""Stored bytes are read again: to prove the stored text, and to compare another extractor."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from storage.database.engine import database_url as parsed
from storage.database.engine import reading_engine
from storage.read.filters import Filters
from storage.values.draft import Field
from storage.values.verdict import Counts
from storage.verify.finding import Scope
from tests.flow.driver import SENTENCES, Newsroom, lines, seed
from tests.flow.test_upgrade import PagesHere, deaf, louder, take_bytes_away, upgrade
from tests.warcs import answer, page, response
from worker.cli.checks import rederive as rederiving
from worker.cli.checks.rederive import RederiveSelection, Rereading, TextDifferences
from worker.cli.checks.verify_texts import Rederivation
from worker.flow.read import Reader
from worker.text.hints import EXTRACTOR, TextSettings
from worker.text.page.read_page import page_extractor

A, B, C, D = SENTENCES
MORE = (C, "Die Leiterin des Deichamts rechnet bis zum Abend mit sinkendem Wasser.")
URL = "https://zeitung.example/" + "pegel-" * 40
__all__ = ["upgrade"]


@pytest.fixture(autouse=True)
def _pages_in_this_process(monkeypatch):
    """Read pages where a test has put another extractor."""

    class Here(Reader):
        def __init__(self, settings):
            super().__init__(settings)
            self._isolated = PagesHere(self.text)

    monkeypatch.setattr(rederiving, "Reader", Here)


def reread(
    room: Newsroom, wanted: RederiveSelection | None = None
) -> tuple[list[TextDifferences], Rereading]:
    found = Rereading(room.archive, room.settings, 2)
    return list(
        found.differences(wanted or RederiveSelection(), lambda _what, _number: None)
    ), found


def a_press(room: Newsroom) -> None:
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.write("b.jsonl", lines({"eins": B, "zwei": D}))
    page_seen = response(URL, "2024-06-18T05:00:00Z", answer(page("Pegel steigt", A, *MORE)))
    room.write("c.warc", page_seen)
    room.scan(1)
    room.write("a.txt", seed("Pegel steigt", B, *MORE))
    room.scan(2)


def test_with_the_extractors_that_read_it_there_is_nothing_to_report(room):
    a_press(room)
    found, pass_ = reread(room)
    assert found == []
    assert "nothing to compare" in pass_.summary()


def test_texts_that_come_out_the_same_are_counted_and_no_version_is_made(room, upgrade):
    a_press(room)
    before = (room.versions_of_all(), room.number("SELECT count(*) FROM derivation"))
    upgrade()
    found, pass_ = reread(room)
    assert (pass_.totals.texts, pass_.totals.same, pass_.totals.derived) == (5, 5, 5)
    assert not any(each.is_any for each in found)
    assert room.versions_of_all() == before[0]
    assert room.number("SELECT count(*) FROM derivation") == before[1] + 5
    assert room.scan(3) == Counts(unchanged=4)


def test_differences_of_another_extractor_are_reported_by_article_and_field(room, upgrade):
    a_press(room)
    before = room.versions_of_all()

    def other(draft):
        fields = dict(draft.fields)
        fields["authors"] = replace(fields["language"], value=["Ada Lohe"])
        return replace(louder(draft), fields=fields)

    upgrade(other)
    found, pass_ = reread(room)
    (a,) = [each for each in found if each.origin.endswith("a.txt")]
    assert (a.texts, a.differ, a.same, a.derived) == (2, 2, 0, 2)
    assert a.fields == ["authors"]
    assert pass_.totals.differ == 3
    assert room.versions_of_all() == before


def test_a_second_pass_reads_nothing_and_reports_the_same(room, upgrade):
    a_press(room)
    upgrade(louder)
    first, _ = reread(room)
    second, again = reread(room)
    assert again.totals.derived == 0
    assert [replace(each, derived=0) for each in first] == second


def test_a_pass_that_was_ended_early_goes_on_where_it_was(room, upgrade, monkeypatch):
    room.write("b.jsonl", lines({f"k{n}": f"{A} Nummer {n}." for n in range(7)}))
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.scan(1)
    room.settings = replace(room.settings, languages=("de", "en", "fr"))
    monkeypatch.setattr(rederiving, "ARTICLES_AT_A_TIME", 3)
    ended = Rereading(room.archive, room.settings, 1)
    some = ended.differences(RederiveSelection(), lambda _what, _number: None)
    for _ in range(4):
        next(some)
    some.close()
    assert 0 < ended.totals.derived < 8
    found, rest = reread(room)
    assert rest.totals.texts == 8
    assert rest.totals.derived < 8
    cursor = found[2].cursor
    later, _ = reread(room, RederiveSelection(after=cursor))
    assert [each.article for each in later] == [each.article for each in found[3:]]
    limited, _ = reread(room, RederiveSelection(limit=2))
    assert limited == [replace(each, derived=0) for each in found[:2]]


def test_articles_are_chosen_by_name_and_by_filter(room, upgrade):
    a_press(room)
    upgrade(louder)
    row = room.number("SELECT id FROM article ORDER BY id LIMIT 1")
    one, _ = reread(room, RederiveSelection(articles=[row]))
    assert len(one) == 1
    english, _ = reread(room, RederiveSelection(filters=Filters(language="en")))
    assert [each.origin for each in english] == ["seed:presse/b.jsonl#zwei"]


def test_a_capture_that_cannot_be_read_again_is_reported(room, upgrade):
    room.write("a.txt", seed("Pegel steigt", A, *MORE))
    room.write("b.txt", seed("Ferry stays", D))
    room.scan(1)
    take_bytes_away(room)
    upgrade(deaf)
    found, pass_ = reread(room)
    assert (pass_.totals.refused, pass_.totals.gone) == (1, 1)
    assert all(each.is_any for each in found)


def test_after_a_pass_the_next_check_reads_nothing_again(room, upgrade):
    a_press(room)
    upgrade(louder)
    reread(room)
    before = room.number("SELECT count(*) FROM derivation")
    room.write("a.txt", seed("Pegel steigt", B, *MORE) + "\n")
    assert room.scan(3) == Counts(unchanged=4)
    assert room.number("SELECT count(*) FROM derivation") == before + 1


@pytest.mark.slow
def test_the_command_reads_again_after_a_setting_changed_and_reports_it(room):
    a_press(room)
    command = [sys.executable, "-m", "worker", "rederive", "--archive", room.url]
    environ = {**os.environ, "LESART_LANGUAGES": "de,en,fr"}
    told = subprocess.run(
        [*command, "--all", "--format", "jsonl"], env=environ, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert sum(row["derived"] for row in rows) == sum(row["same"] for row in rows) == 5
    assert "5 come out the same" in told.stderr
    assert "no version was made" in told.stderr
    one = subprocess.run([*command, URL], env=environ, capture_output=True, text=True)
    assert (one.returncode, one.stdout) == (0, "")
    assert "1 come out the same" in one.stderr
    none = subprocess.run([*command, "niemand"], env=environ, capture_output=True, text=True)
    assert none.returncode == 3


# ------------------------------------------------------------------------------------- verify


def rederived(room: Newsroom) -> tuple[list[str], int, int]:
    again = Rederivation(room.settings)
    engine = reading_engine(parsed(room.url))
    try:
        found = [each.kind for each in again.findings(engine, Scope(), lambda _what, _number: None)]
    finally:
        engine.dispose()
    return found, again.derived, again.not_rederivable_here


def test_each_text_comes_out_of_its_bytes_again_pages_by_their_whole_address(room):
    a_press(room)
    assert rederived(room) == ([], 5, 0)


def test_texts_of_another_extractor_are_counted_and_not_judged(room, upgrade, monkeypatch):
    a_press(room)
    monkeypatch.setattr("worker.cli.checks.verify_texts.Reader", rederiving.Reader)
    upgrade(louder)
    room.write("a.txt", seed("Pegel steigt", B, *MORE) + "\n")
    room.scan(3)
    found, derived, elsewhere = rederived(room)
    assert found == []
    assert (derived, elsewhere) == (2, 5)


def test_a_text_that_does_not_come_out_again_is_named(room, upgrade, monkeypatch):
    a_press(room)
    monkeypatch.setattr("worker.cli.checks.verify_texts.Reader", rederiving.Reader)
    upgrade(louder, version=None)
    found, derived, _ = rederived(room)
    assert found == ["not_rederived"] * 3
    assert derived == 5


def test_a_field_that_does_not_come_out_again_is_named(room, upgrade, monkeypatch):
    a_press(room)
    monkeypatch.setattr("worker.cli.checks.verify_texts.Reader", rederiving.Reader)

    def without_language(draft):
        fields = {name: each for name, each in draft.fields.items() if name != "language"}
        return replace(draft, fields={**fields, "dateline": Field("Lohe", "json: dateline")})

    upgrade(without_language, version=None)
    engine = reading_engine(parsed(room.url))
    found = list(Rederivation(room.settings).findings(engine, Scope(), lambda *_: None))
    engine.dispose()
    assert {each.kind for each in found} == {"not_rederived"}
    assert {each.message for each in found} == {
        f"{who.name} {who.version} extracts another value of dateline, language from the same bytes"
        for who in (EXTRACTOR, page_extractor(TextSettings()))
    }
