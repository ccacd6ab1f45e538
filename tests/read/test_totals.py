"""Stored counts and edit figures of a large archive: equal to computed ones, and never outdated."""

import json
import re
from datetime import UTC, datetime

import pytest

from storage.cli.exits import run
from storage.history import totals
from storage.history.totals import TOTALS, stored_totals
from storage.read.archive import open_archive
from storage.read.figures import edits
from storage.write.copies import copy
from tests.read.press import draft, usual_press_at
from tests.serve.conftest import served
from tests.verify.test_check import broken
from worker.cli.commands import app
from worker.services.schedule import acts


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    monkeypatch.setattr(totals, "NEW_OBSERVATIONS", 3)
    monkeypatch.setattr(edits, "SUMMARY_VERSIONS", 3)


@pytest.fixture
def stats(capsys):
    """Run `lesart stats` on an archive; return the figures that do not depend on the time."""

    def print_stats(url):
        assert run(app, ["stats", "--format", "json", "--archive", url]) == 0
        figures = json.loads(capsys.readouterr().out)
        return {k: v for k, v in figures.items() if k not in {"database_bytes", "is_stalled"}}

    return print_stats


def update_figures(press):
    """Call the act of the scheduler without its services."""
    acts.update_figures(type("Services", (), {"archive": press.archive})())


def test_stored_counts_change_no_figure(press_url, stats, tmp_path):
    press = usual_press_at(press_url)
    before = stats(press_url)
    update_figures(press)
    assert stats(press_url) == before
    press.scan(7, neu=draft("Neu", "Ein Satz."))
    grown = stats(press_url)
    assert (grown["observations"], grown["captures"]) == (
        before["observations"] + 1, before["captures"] + 1,
    )  # fmt: skip
    backup = f"sqlite:///{tmp_path / 'backup.sqlite3'}"
    copy(press_url, backup, lambda *_: None)
    assert stats(backup) == grown
    assert press.archive.read(stored_totals).captures == before["captures"]
    assert broken(press_url) == []
    press.archive.store_fact(TOTALS, press.archive.read(stored_totals).to_json().replace("6", "7"))
    assert ("archive", "totals_wrong") in broken(press_url)
    press.close()


def test_a_redaction_makes_stored_counts_and_edit_figures_invalid(
    press_url, stats, monkeypatch, capsys
):
    press = usual_press_at(press_url)
    update_figures(press)
    with open_archive(press_url) as archive:
        article = next(iter(archive.articles())).article
        assert archive.edit_summary(datetime.now(UTC)).computed_at is not None
        monkeypatch.setenv("LESART_DATABASE_URL", press_url)
        why = ("--with-copies", "--reason", "mistake", "--by", "ada")
        assert run(app, ["redact", article, *why]) == 0, capsys.readouterr().err
        capsys.readouterr()
        assert press.archive.read(stored_totals) is None
        assert archive.edit_summary(datetime.now(UTC)).computed_at is None
    counted = stats(press_url)
    update_figures(press)
    assert press.archive.read(stored_totals).stored_bytes == counted["stored_bytes"]
    assert stats(press_url) == counted
    press.close()


def test_the_page_of_edits_shows_stored_figures_with_their_time(press_url):
    press = usual_press_at(press_url)
    with served(press_url) as client:
        small = client.get("/statistics?lang=en").text
    update_figures(press)
    with served(press_url) as client:
        large = client.get("/statistics?lang=en").text
    assert "Computed:" not in small
    assert "Computed: <time" in large
    first_row = re.compile(r'<tr><th scope="row".*')
    assert first_row.search(large)[0] == first_row.search(small)[0]
    press.close()
