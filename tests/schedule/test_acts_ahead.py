"""What people did while the clock ran ahead: its correction holds for their acts, too."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from storage.capabilities.quotations.store import lift_redaction, person_digest, redact_person
from storage.capabilities.reviews.store import add_review, find_change, withdraw_reviews
from storage.capabilities.unconfirmed.store import find_reading, settle, undo_decision
from storage.cli.exits import run
from storage.database.columns import UtcTime
from storage.database.table_facts import RECORD_TABLES, STATE_TABLES
from storage.database.tables.metadata import METADATA
from storage.database.views import VIEWS
from storage.write.redaction.restrict import lift, restrict
from storage.write.tokens import add_token, revoke_token
from storage.write.undo import undo
from tests.flow.driver import Newsroom, hour, seed
from tests.warcs import page as web_page
from tests.write.acts import ACTS, DAM, HIGHER, RESTRICTION, TITLE, Scene
from tests.write.follower import Follower
from worker.cli.commands import app

AHEAD, RIGHT = hour(24 + 72), hour(30)
"""The clock that was three days ahead, and the right one afterwards."""
CORRECTED, RECORDED, STATED = "corrected", "recorded", "stated"
RULES = {
    "observation.observed_at": CORRECTED, "scan.started_at": CORRECTED,
    **{
        f"{name}.recorded_at": RECORDED
        for name in (
            "origin", "capture", "scan", "observation", "clock_correction", "wording", "derivation",
            "verdict", "certificate", "transfer", "foreign_record", "teaser", "front",
            "outside_copy", "review", "review_withdrawn", "person_parted", "doubt_settled",
            "doubt_settled_undone", "article_picture", "page_resource",
        )
    },
    **dict.fromkeys(("refusal.at", "doubt.decided_at", "transfer.started_at"), RECORDED),
    **dict.fromkeys(("log_key.made_at", "log_checkpoint.made_at", "log_cosignature.received_at",
                     "log_stamp.received_at"), RECORDED),
    **dict.fromkeys(("log_stamp.stamped_at", "derivation.published_from", "derivation.published_to",
                     "observation.clock_at", "scan.clock_at", "outside_copy.captured_at"), STATED),
    **dict.fromkeys(("clock_correction.at", "clock_correction.since", "clock_correction.was"), STATED),
}  # fmt: skip
"""The rule of each other time of the record.

`corrected`: a time of an act or a check, shown as corrections state it. `recorded`: the archive's time
when the row was written, which is used with its number. `stated`: the time of a document, of
another server or of a wrong clock, which no correction changes.
"""


BY_ITS_CLOCK = {"jobs.created_at", "jobs.started_at", "jobs.finished_at", "refusals.at"}
"""The times of work, which state the clock by which it ran."""


def test_each_time_of_the_record_follows_a_rule():
    times = {
        f"{table.name}.{column.name}"
        for table in RECORD_TABLES
        for column in METADATA.tables[table.name].columns
        if isinstance(column.type, UtcTime)
    }
    acts = {f"{table.name}.{name}" for table in RECORD_TABLES for name in table.acts}
    assert times == acts | {*RULES}, "a time of an act is in `acts` of its table, others in RULES"
    assert not acts & {*RULES}


def work_on_files(room: Newsroom) -> None:
    """Make decisions of the archive: a copy, and two texts that differ by noise."""
    body = (
        "Der Kanal wurde am Morgen gesperrt, weil ein Baum quer im Wasser lag und niemand ihn zog."
    )
    for name in ("baum", "baum-kopie"):
        room.write(f"{name}.txt", seed("Baum im Kanal", body))
    room.scan((AHEAD - hour(0)).total_seconds() / 3600)


def act_ahead(scene: Scene) -> None:
    """Do all that has a time of its own."""
    room = scene.room
    archive = room.archive
    work_on_files(room)
    for name in ("withdraw a label", "leave out a name", "part a name", "undo a relation",
                 "undo noise", "restrict a file and lift it", "join and part addresses"):  # fmt: skip
        for _step in ACTS[name](scene):
            pass
    with archive.unit() as unit:
        add_review(unit, find_change(unit.connection, scene.name(DAM), 2), "context", None, "ada")
        reading = find_reading(unit.connection, scene.article(DAM), None)
        settle(unit, reading, "dismissed", "ada")
    with archive.unit() as unit:
        undo_decision(unit, reading, "ada")
        settle(unit, reading, "dismissed", "ada")
    parted = ("\n".join(HIGHER[:2]), *HIGHER[2:])
    scene.crawl(DAM, web_page(TITLE, *parted, more="<meta name=parted>"), 3.05)
    add_token(archive, "leser", "review")
    revoke_token(archive, "leser")
    archive.ensure_source("neu", "folder", str(room.root / "neu"))
    archive.change_source("neu", removed_at=archive.now(), standing=False)
    scene.redact("seed:presse/nennt.md")


def later_than(room: Newsroom, moment: datetime) -> set[str]:
    """Return the columns of acts, by table, that have a later time in the database."""
    found = set()
    with room.archive.read_connection() as connection:
        for facts in (*RECORD_TABLES, *STATE_TABLES):
            table = METADATA.tables[facts.name]
            for name in getattr(facts, "acts", ()) or getattr(facts, "moments", ()):
                late = select(table.c[name]).where(table.c[name] > moment).limit(1)
                if connection.execute(late).first() is not None:
                    found.add(f"{facts.name}.{name}")
    return found


@pytest.mark.slow
@pytest.mark.postgresql("slow")
def test_no_view_or_list_has_an_act_of_the_future_once_the_clock_is_right(room, capsys):
    scene = Scene(room)
    scene.fill()
    room.scan(24)
    follower = Follower(room.url, None)
    act_ahead(scene)
    acts = {f"{table.name}.{name}" for table in RECORD_TABLES for name in table.acts}
    assert acts - later_than(room, RIGHT) == set(), "let `act_ahead` do this, too"
    follower.poll()
    room.now = RIGHT
    room.archive.follow_clock()
    assert room.number("SELECT count(*) FROM clock_correction") == 1
    moments = {f"{table.name}.{name}" for table in STATE_TABLES for name in table.moments}
    assert moments & later_than(room, RIGHT) == set()
    late = [
        f"{view}.{name}"
        for view in VIEWS
        for row in room.rows(f"SELECT * FROM {view}")
        for name, value in row.items()
        if is_late(value) and (name != "recorded_at" or view == "reviews")
    ]
    assert {*late} <= BY_ITS_CLOCK
    assert follower.losses() == []
    follower.engine.dispose()
    for words in (("redact", "--list"), ("redact", "--list-restricted"), ("token", "list"),
                  ("identities", "Ole Brandt"), ("reviews",)):  # fmt: skip
        capsys.readouterr()
        assert run(app, [*words, "--format", "jsonl", "--archive", room.url]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert rows, words
        assert not any(is_late(value) for row in rows for value in row.values()), words
    assert room.findings() == []


def is_late(value: Any) -> bool:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return False
    return isinstance(moment, datetime) and moment.tzinfo is not None and moment > RIGHT


def review(scene: Scene, act: Callable[..., Any], *words: Any) -> None:
    with scene.room.archive.unit() as unit:
        act(unit, find_change(unit.connection, scene.name(DAM), 2), "context", *words)


def remove_source(scene: Scene) -> None:
    archive = scene.room.archive
    archive.change_source("neu", removed_at=archive.now(), standing=False)


OLE = person_digest("Ole Brandt")
PAIRS: dict[str, tuple[Callable[[Scene], Any], Callable[[Scene], Any], str]] = {
    "review": (
        lambda scene: review(scene, add_review, None, "ada"),
        lambda scene: review(scene, withdraw_reviews, "ada"),
        "SELECT reviewed_at, withdrawn_at FROM reviews WHERE label = 'context'",
    ),
    "restriction": (
        lambda scene: scene.room.archive.transact(
            restrict, [scene.article(DAM)], RESTRICTION, "ada"
        ),
        lambda scene: scene.room.archive.transact(lift, [scene.article(DAM)], "ada"),
        "redact --list-restricted",
    ),
    "person": (
        lambda scene: redact_person(scene.room.archive, OLE, RESTRICTION, "ada"),
        lambda scene: lift_redaction(scene.room.archive, OLE, "ada"),
        "redact --list",
    ),
    "relation": (
        lambda scene: work_on_files(scene.room),
        lambda scene: scene.room.archive.transact(
            undo, scene.room.number("SELECT max(id) FROM relations"), "Irrtum"
        ),
        "SELECT decided_at, undone_at FROM relations WHERE undone_at IS NOT NULL",
    ),
    "token": (
        lambda scene: add_token(scene.room.archive, "leser", "review"),
        lambda scene: revoke_token(scene.room.archive, "leser"),
        "SELECT created_at, revoked_at FROM access_token",
    ),
    "source": (
        lambda scene: scene.room.archive.ensure_source("neu", "folder", str(scene.room.root)),
        remove_source,
        "SELECT created_at, removed_at FROM source WHERE name = 'neu'",
    ),
}
"""What was done while the clock was ahead and undone after its correction, and where both times are."""


@pytest.mark.slow
@pytest.mark.postgresql("slow")
def test_what_was_done_ahead_of_time_was_not_undone_before_it_was_done(room, capsys):
    scene = Scene(room)
    scene.fill()
    room.scan(24)
    room.scan((AHEAD - hour(0)).total_seconds() / 3600)
    for do, _undo, _where in PAIRS.values():
        do(scene)
    room.now = RIGHT
    room.archive.follow_clock()
    assert room.number("SELECT count(*) FROM clock_correction") == 1
    for _do, undo_it, _where in PAIRS.values():
        undo_it(scene)
    for name, (_do, _undo, where) in PAIRS.items():
        capsys.readouterr()
        times = [*room.rows(where)[-1].values()] if where.startswith("SELECT") else []
        if not times:
            assert run(app, [*where.split(), "--format", "jsonl", "--archive", room.url]) == 0
            rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
            times = [each["at"] for each in rows if each.get("kind", "").startswith(name)]
            times = times or [rows[-1]["at"], rows[-1]["lifted_at"]]
        made, undone = (parse(each) for each in times)
        assert hour(24) <= made <= RIGHT <= undone < hour(31), (name, made, undone)
    assert room.findings() == []


def parse(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
