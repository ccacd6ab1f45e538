"""A scan that misses most files of its source is held back until it is certain, and reads nothing."""

import io
import json
import shutil
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from storage.database.tables import PRESENCE
from storage.values.dates import iso_utc
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from tests.flow.driver import SENTENCES, Newsroom, hour, lines, seed
from tests.flow.processes import lesart, rows, until

OTHER = "Der Pegel der Lohe fiel am Abend wieder um 12 Zentimeter."
NUMBER = 30


def fill(room: Newsroom, number: int = NUMBER) -> None:
    for n in range(number):
        room.write(f"pegel{n}.txt", seed(f"Pegel {n}", SENTENCES[0].replace("3,6", f"{n},6")))


def states(room: Newsroom) -> dict[str, int]:
    query = "SELECT state, count(*) AS n FROM articles GROUP BY state"
    return {row["state"]: row["n"] for row in room.rows(query)}


def minutes(room: Newsroom, number: float):
    """Scan after some minutes; return the counts."""
    room.now = hour(0) + timedelta(minutes=number)
    return room.scan()


def marked(room: Newsroom) -> int:
    return room.number("SELECT count(*) FROM presence WHERE missing_since IS NOT NULL")


def put_clone(room: Newsroom, files: int = 3) -> None:
    """Replace the folder by another clone: a few files, one with another text."""
    room.folder.rename(room.root / "first")
    room.folder.mkdir()
    for n in range(files):
        room.write(f"pegel{n}.txt", seed(f"Pegel {n}", OTHER))


def put_back(room: Newsroom) -> None:
    shutil.rmtree(room.folder)
    (room.root / "first").rename(room.folder)


def test_another_clone_at_the_same_place_makes_nothing_gone_and_no_version(room):
    fill(room)
    room.scan(0)
    put_clone(room)
    counts = minutes(room, 1)
    assert (counts.seen, counts.gone) == (0, 0)
    assert states(room) == {"present": NUMBER}
    assert marked(room) == NUMBER - 3
    minutes(room, 20)
    put_back(room)
    assert minutes(room, 25).unchanged == NUMBER
    assert (marked(room), room.number("SELECT count(*) FROM versions")) == (0, NUMBER)
    put_clone(room)
    minutes(room, 40)
    assert states(room) == {"present": NUMBER}, "the time counts from the last return"
    assert room.findings() == []
    told = room.rows("SELECT reason FROM jobs WHERE reason IS NOT NULL")
    assert {row["reason"] for row in told} == {"held back: 27 of 30 files are missing"}


def test_an_emptied_folder_is_gone_at_the_scan_that_confirms_it(room):
    fill(room)
    room.scan(0)
    for each in room.folder.iterdir():
        each.unlink()
    assert minutes(room, 1).gone == 0
    assert minutes(room, 30).gone == 0, "29 minutes later"
    assert {row["until"] for row in room.rows("SELECT until FROM observations")} == {None}
    assert minutes(room, 31).gone == NUMBER
    assert states(room) == {"gone": NUMBER}
    absences = room.rows("SELECT DISTINCT observed_at FROM observations WHERE outcome = 'gone'")
    assert [row["observed_at"] for row in absences] == [iso_utc(hour(0) + timedelta(minutes=31))]
    assert marked(room) == 0
    assert room.findings() == []


HELD: dict[str, tuple[int, int, bool]] = {
    "all of two": (2, 2, True),
    "the only file": (1, 1, False),
    "nine of ten": (10, 9, False),
    "all of nine": (9, 9, True),
    "ten of eleven": (11, 10, True),
    "half of twenty": (20, 10, False),
    "eleven of twenty": (20, 11, True),
    "one of thirty": (30, 1, False),
}


@pytest.mark.parametrize("case", HELD)
def test_a_scan_is_held_back_if_most_files_or_all_are_missing(case, room):
    number, removed, is_held = HELD[case]
    fill(room, number)
    room.scan(0)
    for n in range(removed):
        room.remove(f"pegel{n}.txt")
    assert minutes(room, 1).gone == (0 if is_held else removed)
    assert minutes(room, 32).gone == (removed if is_held else 0)
    assert states(room).get("gone", 0) == removed
    assert room.findings() == []


def test_files_that_vanish_later_have_a_time_of_their_own(room):
    fill(room, 40)
    room.scan(0)
    for n in range(25):
        room.remove(f"pegel{n}.txt")
    minutes(room, 1)
    for n in range(25, 38):
        room.remove(f"pegel{n}.txt")
    assert minutes(room, 20).gone == 0
    assert minutes(room, 32).gone == 38, "too few are missing for a shorter time"
    assert states(room) == {"gone": 38, "present": 2}


def test_a_glob_and_a_single_file_are_sources_too(room, tmp_path):
    for name in ("a.txt", "b.txt", "c.md"):
        room.write(name, seed(f"Pegel {name}", SENTENCES[0]))
    pattern = room.archive.ensure_source(
        "muster", "folder", f"{room.folder}/*.txt", standing=True, every_seconds=60.0
    )
    single = room.archive.ensure_source(
        "eine", "folder", f"{room.folder}/c.md", standing=True, every_seconds=60.0
    )
    for source in (pattern, single):
        room.scan(0, source)
    for name in ("a.txt", "b.txt", "c.md"):
        room.remove(name)
    assert room.scan(0.1, pattern).gone == 0
    counts = room.scan(0.1, single)
    assert (counts.gone, counts.refused) == (0, 1), "it is refused as unreadable"
    assert room.scan(0.7, pattern).gone == 2


def packed(kind: str, members: dict[str, str]) -> bytes:
    out = io.BytesIO()
    if kind == "tar":
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, text in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
    else:
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text)
    return out.getvalue()


WHOLE = {f"p{n}.txt": seed(f"Pegel {n}", SENTENCES[0].replace("3,6", f"{n},6")) for n in range(20)}
FEWER = dict([*WHOLE.items()][:2])
SHRUNK: dict[str, str | bytes] = {
    "a.tar": packed("tar", FEWER),
    "a.zip": packed("zip", FEWER),
    "a.jsonl": lines({f"k{n}": SENTENCES[0].replace("3,6", f"{n},6") for n in range(2)}),
}
DAMAGED: dict[str, tuple[str, bytes]] = {
    "a tar that was cut": ("a.tar", packed("tar", WHOLE)[:300]),
    "a zip that was cut": ("a.zip", packed("zip", WHOLE)[:300]),
    "an empty file for a tar": ("a.tar", b""),
    "an empty file for a zip": ("a.zip", b""),
    "an empty file for JSON lines": ("a.jsonl", b""),
}


def write_whole(room: Newsroom, name: str) -> None:
    room.write("bleibt.txt", seed("Bleibt", SENTENCES[2]))
    if name.endswith("jsonl"):
        room.write(name, lines({f"k{n}": SENTENCES[0].replace("3,6", f"{n},6") for n in range(20)}))
    else:
        room.write(name, packed(name.rpartition(".")[2], WHOLE))


@pytest.mark.parametrize("name", SHRUNK)
def test_a_file_states_its_members_itself_so_those_it_lacks_are_gone(name, room):
    write_whole(room, name)
    room.scan(0)
    room.write(name, SHRUNK[name])
    minutes(room, 1)
    assert states(room) == {"gone": 18, "present": 3}
    assert marked(room) == 0


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_states_nothing_about_its_members(case, room):
    name, content = DAMAGED[case]
    write_whole(room, name)
    room.scan(0)
    room.write(name, content)
    minutes(room, 1)
    minutes(room, 60)
    assert states(room) == {"present": 21}


def test_verify_finds_a_mark_that_no_scan_left(room):
    fill(room, 2)
    room.scan(0)
    with room.archive.engine.begin() as connection:
        connection.execute(update(PRESENCE).values(missing_since=hour(0)))
    assert {each["kind"] for each in room.findings()} == {"presence_wrong"}
    room.scan(1)


def test_redacted_addresses_are_no_missing_files(room):
    fill(room, 20)
    room.scan(0)
    articles = [row["id"] for row in room.rows("SELECT id FROM article ORDER BY id LIMIT 12")]
    targets = [RedactionTarget(each, None) for each in articles]
    reason = RedactionReason.GDPR_ERASURE
    redact_articles(room.archive, targets, reason, "a test", with_addresses=True)
    for minute in (1, 2):
        assert minutes(room, minute).unchanged == 8
    assert marked(room) == 0


# ---------------------------------------------------------------------------------- the commands


def write_seeds(folder: Path, number: int = 12) -> Path:
    seeds = folder / "seeds"
    seeds.mkdir()
    for n in range(number):
        (seeds / f"pegel{n}.txt").write_text(seed(f"Pegel {n}", f"Es sind {n} Zentimeter."))
    return seeds


@pytest.mark.slow
def test_commands_say_that_a_scan_was_held_back_and_a_person_confirms_it(database_url, tmp_path):
    settings = {"database_url": database_url}
    seeds = write_seeds(tmp_path)
    assert lesart(tmp_path, "up", "--once", **settings).returncode == 0
    for each in [*seeds.iterdir()][1:]:
        each.unlink()
    for words in (("up", "--once"), ("ingest", "seeds"), ("source", "run", "seeds")):
        ended = lesart(tmp_path, *words, "--format", "json", **settings)
        assert ended.returncode == 4, (words, ended.stderr)
        assert "11 files of seeds are missing" in ended.stderr
        assert "lesart confirm seeds" in ended.stderr
        (summary,) = json.loads(ended.stdout)
        assert (summary["held_back"], summary["gone"], summary["seen"]) == (11, 0, 0)
    (finding,) = [
        x for x in rows(tmp_path, "doctor", **settings)
        if x["check"] == "sources" and x["state"] == "warning"
    ]  # fmt: skip
    assert "11 files of seeds are missing since" in finding["message"]
    assert "lesart confirm seeds" in finding["mend"]
    ended = lesart(tmp_path, "confirm", "seeds", "--by", "eva", **settings)
    assert (ended.returncode, "`lesart confirm seeds` without --by" in ended.stderr) == (2, True)
    ended = lesart(tmp_path, "confirm", "seeds", "--format", "json", **settings)
    assert ended.returncode == 0, ended.stderr
    (summary,) = json.loads(ended.stdout)
    assert (summary["gone"], summary["unchanged"], summary["held_back"]) == (11, 1, 0)
    states = [row["state"] for row in rows(tmp_path, "list", **settings)]
    assert (states.count("gone"), states.count("present")) == (11, 1)
    assert lesart(tmp_path, "up", "--once", **settings).returncode == 0
    assert lesart(tmp_path, "verify", **settings).returncode == 0
    assert lesart(tmp_path, "confirm", "nirgends", **settings).returncode == 3


@pytest.mark.slow
def test_the_time_until_missing_files_count_is_a_setting(tmp_path):
    seeds = write_seeds(tmp_path)
    settings = {"confirm_after": "1s"}
    assert lesart(tmp_path, "up", "--once", **settings).returncode == 0
    for each in seeds.iterdir():
        each.unlink()
    assert lesart(tmp_path, "up", "--once", **settings).returncode == 4

    def ended() -> bool:
        return lesart(tmp_path, "up", "--once", **settings).returncode == 0

    until(ended, what="the scan that confirms it")
    assert {row["state"] for row in rows(tmp_path, "list")} == {"gone"}
