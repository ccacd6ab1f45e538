"""`lesart reclassify` applies the current rules to changes that older rules classified."""

import json

import pytest

from storage.diff import change, classes
from storage.diff.change import METHOD
from storage.history import steps
from storage.values.change_class import ChangeClass
from tests.flow.driver import Newsroom, page
from tests.flow.processes import lesart

TEXT = "Der Rat tagt am Montag in Osterwedel.\n\nDie Sitzung ist öffentlich.\n\nStand: 12.03 Uhr"
EDITED = TEXT.replace("Montag", "Dienstag")
LATER = EDITED.replace("12.03", "13.30")
URL = "https://lohebote.example/rat"


@pytest.fixture
def older(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """Give an archive whose changes were classified without dates and without noise."""
    with monkeypatch.context() as rules:
        for detectors in (classes.DETECTORS, classes._EDIT_DETECTORS):
            rules.delitem(detectors, ChangeClass.DATE)
        rules.setattr(change.CapturePair, "_rules", lambda pair, _: [None] * len(pair.places))
        rules.setattr(steps, "METHOD", METHOD - 1)
        for number, text in enumerate((TEXT, EDITED, LATER)):
            room.write("rat.md", page(text, url=URL))
            room.ingest("rat.md", at=number)
    return room


def test_changes_of_older_rules_are_classified_again_and_versions_stay(older):
    settings = {"database_url": older.url}

    def run(*words: str) -> tuple[str, str]:
        done = lesart(older.root, *words, **settings)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    def listed() -> list[tuple[int, list[str], int]]:
        rows = json.loads(run("changes", "--format", "json")[0])
        return [(row["version"], row["changes"], row["method"]) for row in reversed(rows)]

    versions = older.versions()
    assert listed() == [(2, ["wording"], METHOD - 1), (3, ["number"], METHOD - 1)]
    assert "2 changes were classified by older rules" in run("verify")[1]
    assert "1 change was classified again, 1 with other classes" in run("reclassify")[1]
    assert listed() == [(2, ["date"], METHOD), (3, ["number"], METHOD - 1)]
    assert older.versions() == versions
    assert "1 change was classified by older rules" in run("verify")[1]
    assert "0 changes were classified again" in run("reclassify", URL)[1]
