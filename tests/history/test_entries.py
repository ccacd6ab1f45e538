"""A live blog in the archive: new entries are no edit, edited and removed ones are listed as such."""

from itertools import permutations

import pytest

from storage.history.alerts.rule import AlertRule, AlertStep, StepTexts, fires
from storage.read.archive import open_archive
from storage.read.filters import Clocks
from tests.flow.driver import Newsroom, hour, iso_utc, newsroom_at
from tests.page.test_entries import EDITED, blog, entry, sentence
from tests.write.test_redaction import redact, target

ORIGIN = "seed:presse/blog.html"
STATES = (
    (entry(2), entry(1)),
    (entry(3), entry(2), entry(1)),
    (entry(3), entry(2, EDITED), entry(1)),
    (entry(5), entry(4), entry(3)),
    (entry(5), entry(3)),
)
"""What the page shows at each hour: a new entry, an edit, a moved window, a removed entry."""


def watched(room: Newsroom) -> None:
    for number, state in enumerate(STATES):
        room.write("blog.html", blog(*state))
        room.scan(number)


def test_each_entry_has_its_versions_and_only_edits_are_changes(room):
    watched(room)
    with open_archive(room.url) as archive:
        edits = [each.changes for each in archive.changes(ORIGIN)]
        assert edits == [("entry_removed",), ("number", "wording", "entry_edited")]
        added = [each.version for each in archive.changes(ORIGIN, ["entry_added"])]
        assert added == [4, 2]
        assert [each.version for each in archive.history(ORIGIN)] == [1, 2, 3, 4, 5]
        found = list(archive.entries(ORIGIN, oldest_first=True))
        assert [(each.headline, each.state, each.versions) for each in found] == [
            ("Wehr 1", "not_shown", 1), ("Wehr 2", "not_shown", 2), ("Wehr 3", "shown", 1),
            ("Wehr 4", "removed", 1), ("Wehr 5", "shown", 1),
        ]  # fmt: skip
        edited = found[1]
        assert [each.text for each in edited.history] == [sentence(2), EDITED]
        assert (edited.changed_after, edited.changed_by) == (hour(1), hour(2))
        assert (found[3].ended_after, found[3].ended_by) == (hour(3), hour(4))
        newest = list(archive.entries(ORIGIN, limit=2))
        assert [each.entry for each in newest] == ["liveblog-entry-5", "liveblog-entry-4"]
        rest = archive.entries(ORIGIN, newest[-1].cursor)
        assert [each.headline for each in rest] == ["Wehr 3", "Wehr 2", "Wehr 1"]
    with open_archive(room.url, clocks=Clocks(as_of=hour(1.5))) as archive:
        past = list(archive.entries(ORIGIN))
        assert [(each.headline, each.state) for each in past] == [
            ("Wehr 3", "shown"), ("Wehr 2", "shown"), ("Wehr 1", "shown"),
        ]  # fmt: skip
        assert past[1].text == sentence(2)
    rows = room.rows("SELECT version, event, entry, text, changed_by FROM entries ORDER BY seq")
    assert [(each["version"], each["event"], each["entry"][-1]) for each in rows] == [
        (1, "added", "1"), (1, "added", "2"), (2, "added", "3"), (3, "edited", "2"),
        (4, "hidden", "1"), (4, "hidden", "2"), (4, "added", "4"), (4, "added", "5"),
        (5, "removed", "4"),
    ]  # fmt: skip
    assert (rows[3]["text"], rows[3]["changed_by"]) == (EDITED, iso_utc(hour(2)))


@pytest.mark.slow
def test_the_entries_are_the_same_in_any_order_of_import(database_url, tmp_path):
    """A late capture between two others gives the history of the right order."""
    found = set()
    for number, order in enumerate([*permutations(range(3))]):
        url = database_url if number == 0 else f"sqlite:///{tmp_path}/{number}.sqlite3"
        with newsroom_at(url, tmp_path / str(number)) as room:
            for at, state in enumerate(order):
                head = f'<head><meta name="observed_at" content="{iso_utc(hour(state))}"><link rel="canonical" href="https://bote.example/blog">'
                raw = blog(*STATES[state]).replace(b"<head>", head.encode())
                room.write(f"{state}.html", raw)
                room.scan(at + 5)
            rows = room.rows(
                "SELECT version, event, entry, text FROM entries ORDER BY version, seq"
            )
            found.add(tuple(tuple(each.values()) for each in rows))
    assert len(found) == 1
    assert len(next(iter(found))) == 4


def test_a_redacted_version_leaves_nothing_of_its_entries(room):
    watched(room)
    redact(room, [target(room, ORIGIN, 3)])
    for table in ("entries", "version", "wording", "derivation"):
        assert EDITED not in str(room.rows(f"SELECT * FROM {table}"))
    with open_archive(room.url) as archive:
        states = {each.headline: each.state for each in archive.entries(ORIGIN)}
    assert states["Wehr 4"] == "removed"
    assert room.findings() == []


def test_a_wrong_entry_is_found_by_verify(database_url, tmp_path):
    room = Newsroom(database_url, tmp_path)
    watched(room)
    with room.archive.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE version SET entries = NULL WHERE number = 1")
    assert [each["kind"] for each in room.findings()] == ["step_wrong"]
    room.close()


NEW = AlertStep(1, 1, "a", 2, 2, 1, 1, 9, None, "de", ("entry_added",), None)
TEXTS = StepTexts(("Sturm", "Der Damm hält."), ("Sturm", "Der Damm hält.", "Der Pegel steigt."))


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (AlertRule(), None),
        (AlertRule(silent=True), None),
        (AlertRule(classes=("entry_edited", "entry_removed")), None),
        (AlertRule(classes=("entry_added",)), ("class entry_added",)),
        (AlertRule(query="Pegel"), ("a new entry contains 'Pegel'",)),
        (AlertRule(query="Damm"), None),
        (AlertRule(passage="Pegel steigt"), ("the passage is in the text",)),
    ],
    ids=[
        "any change",
        "silent",
        "edits of entries",
        "new entries",
        "words",
        "old words",
        "passage",
    ],
)
def test_an_alert_reports_new_entries_only_if_it_asks_for_them(rule, why):
    assert fires(rule, NEW, TEXTS) == why
