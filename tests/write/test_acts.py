"""A copy that a program keeps by `seq` is the archive, whatever anybody does to it."""

from collections.abc import Iterable

import pytest

from storage.database.table_facts import EMPTIED
from storage.database.tables.metadata import METADATA
from storage.database.views import VIEWS
from storage.read.archive import open_archive
from tests.flow.driver import Newsroom, hour
from tests.write.acts import ACTS, Act, Scene
from tests.write.follower import FeedReader, Follower

FEW = 3
"""The number of acts in the default tier."""


def follow(scene: Scene, act: Act) -> list[str]:
    """Let readers follow an act, of which one begins at each of its steps; return their faults."""
    readers, feed = [Follower(scene.room.url, None)], FeedReader()
    readers[0].poll()
    with open_archive(scene.room.url) as archive:
        feed.poll(archive)
    for _step in act(scene):
        with open_archive(scene.room.url) as archive:
            feed.poll(archive)
        readers.append(Follower(scene.room.url, 3))
        for each in readers:
            while each.poll():
                pass
    found = [f"{n}: {fault}" for n, each in enumerate(readers) for fault in each.losses()]
    for each in readers:
        each.engine.dispose()
    with open_archive(scene.room.url) as archive:
        feed.poll(archive)
        return [*found, *feed.losses(archive)]


def left_over(room: Newsroom) -> list[str]:
    """Return the tables with rows of articles that are gone, but for what readers were told."""
    told = {"alert_delivery", "change_event"}
    named = [n for n, t in METADATA.tables.items() if "article_id" in t.c and n not in told]
    query = "SELECT count(*) FROM {} WHERE article_id NOT IN (SELECT id FROM article)"
    return [
        f"{name} names articles that are gone" for name in named if room.number(query.format(name))
    ]


def follow_each(room: Newsroom, names: Iterable[str]) -> dict[str, list[str]]:
    """Return the faults of the readers of each act on one archive with rows in every view."""
    scene = Scene(room)
    scene.fill()
    empty = [name for name in VIEWS if not room.rows(f"SELECT seq FROM {name}")]
    assert empty == [], "give the scene a row of this view"
    room.now = hour(24)
    found = {name: [*follow(scene, ACTS[name]), *left_over(room)] for name in names}
    return {name: faults for name, faults in found.items() if faults}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_copy_by_seq_is_the_archive_after_some_acts(room):
    assert follow_each(room, list(ACTS)[:FEW]) == {}


@pytest.mark.slow
@pytest.mark.postgresql("large")
def test_a_copy_by_seq_is_the_archive_after_all_acts(room):
    assert follow_each(room, ACTS) == {}
    emptied = room.rows("SELECT DISTINCT table_name FROM redaction")
    assert {row["table_name"] for row in emptied} == {*EMPTIED}, "no act empties the others"
