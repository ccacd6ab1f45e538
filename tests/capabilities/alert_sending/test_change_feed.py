"""A reader of the change feed gets each change once, as the receiver of an alert does."""

import json
from datetime import timedelta

import pytest

from storage.read.archive import open_archive
from storage.values.redaction import RedactionReason
from storage.write.redaction import restrict as restricting
from tests.capabilities.alert_sending.conftest import Watched
from tests.flow.driver import Newsroom, hour, page, seed
from tests.flow.processes import lesart
from tests.serve.conftest import served
from tests.write.follower import FeedReader

A = "Der Pegel der Lohe stieg in der Nacht um 3 Zentimeter, sagte die Feuerwehr."
B, C, D = (A.replace("3", number) for number in ("36", "37", "38"))
ADDRESS = "https://bote.example/pegel"


def read(room: Newsroom, reader: FeedReader) -> list[tuple[str, int | None, list[str]]]:
    """Return kind, version and names of the rows that are new for a reader."""
    with open_archive(room.url) as archive:
        rows = reader.poll(archive)
        assert reader.losses(archive) == []
    return [(row["kind"], row["version"], row["update"]) for row in rows]


@pytest.mark.slow
def test_an_hour_of_checks_gives_each_change_once_to_a_reader_and_to_an_alert(room):
    alerts = Watched.__new__(Watched)
    alerts.archive = room.archive
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.write("kanal.txt", seed("Pegel im Kanal steigt", A))
    room.scan(0)
    alerts.alert(classes=("number",))
    reader, told = FeedReader(), []
    edits = {12: ("pegel.txt", B), 30: ("pegel.txt", C), 31: ("kanal.txt", B), 47: ("pegel.txt", D)}
    for minute in range(1, 61):
        if minute in edits:
            name, text = edits[minute]
            title = "Pegel steigt" if name == "pegel.txt" else "Pegel im Kanal steigt"
            room.write(name, seed(title, text))
        room.now = hour(0) + timedelta(minutes=minute)
        room.scan()
        alerts.match()
        told += read(room, reader)
    assert told == [
        ("change", 2, []), ("change", 3, []), ("change", 2, []), ("change", 4, []),
    ]  # fmt: skip
    sent = room.rows("SELECT article_id, wording_id, occurrence FROM alert_delivery ORDER BY id")
    events = room.rows("SELECT article_id, wording_id, occurrence FROM change_event ORDER BY id")
    assert sent == events
    query = {"after": "0", "limit": "3"}
    with served(room.url) as client:
        first = client.get("/api/changes", params=query).json()
        rest = client.get("/api/changes", params=query | {"after": first["next"]}).json()
        over = client.get("/api/changes", params=query | {"after": rest["next"]}).json()
    assert [row["version"] for row in (*first["items"], *rest["items"])] == [2, 3, 2, 4]
    assert over == {"items": [], "next": rest["next"]}


def test_a_late_version_is_a_change_and_updates_the_next_one(room):
    room.write("pegel.md", page(A, url=ADDRESS))
    room.scan(0)
    room.write("pegel.md", page(C, url=ADDRESS))
    room.scan(2)
    room.write("pegel.md", page(A, url=ADDRESS))
    room.scan(3)
    reader = FeedReader()
    assert read(room, reader) == [("change", 2, []), ("change", 3, [])]
    room.write("spaet.md", page(B, url=ADDRESS, observed_at=hour(1)))
    room.scan(4)
    found = read(room, reader)
    assert sorted(found) == [("change", 2, []), ("update", 3, ["label", "interval"])]
    assert len(reader.held) == 3, "the last change has another number, and no row"


def test_a_change_that_turns_out_not_to_exist_is_withdrawn(room):
    room.write("pegel.md", page(A, url=ADDRESS))
    room.scan(1)
    room.write("pegel.md", page(B, url=ADDRESS))
    room.scan(2)
    reader = FeedReader()
    ((_kind, _version, _names),) = read(room, reader)
    first = reader.rows[0]
    room.write("spaet.md", page(B, url=ADDRESS, observed_at=hour(0)))
    room.scan(3)
    found = read(room, reader)
    assert [kind for kind, *_ in found] == ["withdrawn", "change", "change"]
    gone = reader.rows[1]
    assert (gone["change"], gone["article"], gone["wording"]) == (
        first["change"], first["article"], first["wording"],
    )  # fmt: skip
    assert (gone["version"], gone["changes"], gone["removed"]) == (None, [], [])
    late = FeedReader()
    assert [kind for kind, *_ in read(room, late)] == ["withdrawn", "change", "change"]


def test_a_restriction_and_its_end_update_the_change(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.write("pegel.txt", seed("Pegel steigt", B))
    room.scan(1)
    reader = FeedReader()
    read(room, reader)
    article = [room.number("SELECT id FROM article")]
    reason = RedactionReason.GDPR_RESTRICTION
    room.archive.transact(restricting.restrict, article, reason, "a test")
    assert read(room, reader) == [("update", 2, ["restriction"])]
    assert reader.rows[-1]["removed"] == []
    room.archive.transact(restricting.lift, article, "a test")
    assert read(room, reader) == [("update", 2, ["restriction"])]
    assert reader.rows[-1]["added"] == ["36"]


def test_watch_prints_the_rows_of_the_feed(room, tmp_path):
    room.write("pegel.md", page(A, url=ADDRESS))
    room.scan(1)
    room.write("pegel.md", page(B, url=ADDRESS))
    for number in range(2, 8):
        room.scan(number)
    room.write("spaet.md", page(B, url=ADDRESS, observed_at=hour(0)))
    room.scan(8)
    words = ("watch", "--after", "0", "--limit", "3")
    ended = lesart(tmp_path, *words, database_url=room.url)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [row["kind"] for row in rows] == ["withdrawn", "change", "change"]
    assert [row["cursor"] for row in rows] == sorted(row["cursor"] for row in rows)
    table = lesart(tmp_path, *words, "--format", "table", database_url=room.url).stdout
    assert "withdrawn" in table.splitlines()[0]
    cursor = rows[0]["cursor"]
    rest = lesart(tmp_path, "watch", "--after", cursor, "--limit", "2", database_url=room.url)
    assert [json.loads(line) for line in rest.stdout.splitlines()] == rows[1:]
