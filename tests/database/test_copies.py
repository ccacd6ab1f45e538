"""A backup is an archive of its own, whole or not there, and comes back equal on either database."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Connection, Table, text

from storage.cli.exits import run
from storage.database.columns import UtcTime
from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.table_facts import STATE_TABLES
from storage.database.tables.metadata import METADATA
from storage.proof.log import append
from storage.read.archive import open_archive
from storage.values.redaction import PENDING
from storage.verify.verify import CHECKS
from storage.write import copies
from storage.write.changed_rows import find_changed_rows, hashed_type
from storage.write.copies import (
    NotAnEarlierCopyError,
    PlaceTakenError,
    PlaceUnwritableError,
    copy,
    update,
)
from tests.flow.driver import SENTENCES, Newsroom, findings, page, seed
from worker.cli.checks.report_verification import CHECKED
from worker.cli.commands import app

ADDRESS = "https://www.lohebote.example/pegel"


def silent(_what: str, _number: int) -> None:
    """Show no progress."""


@pytest.fixture
def filled(room: Newsroom) -> Newsroom:
    """Give an archive with two versions, a copy, a refusal, a file that is gone."""
    room.write("pegel.md", page(SENTENCES[0], url=ADDRESS))
    room.write("boot.txt", seed("Fähre bleibt im Hafen", SENTENCES[3]))
    room.write("nach.txt", seed("Fähre bleibt im Hafen", SENTENCES[3]))
    room.write("leer.txt", "")
    room.scan(0)
    room.write("pegel.md", page(SENTENCES[1], url=ADDRESS))
    room.remove("boot.txt")
    room.scan(1)
    return room


def shown(url: str) -> dict[str, list[dict]]:
    """Return the rows of an archive by list, without the cursors."""
    with open_archive(url) as archive:
        articles = list(archive.articles())
        lists = {
            "articles": articles,
            "changes": archive.changes(),
            "relations": archive.relations(),
            "refusals": archive.refusals(),
            "versions": [archive.version(each.article) for each in articles],
            "observations": [
                row for each in articles for row in archive.observations(each.article)
            ],
            "hits": sorted(archive.search("Pegel"), key=lambda hit: (hit.article, hit.version)),
        }
        return {name: [row.to_dict() for row in rows] for name, rows in lists.items()}


def without_scores(told: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """Omit the figures that the two databases count differently."""
    hits = [{k: v for k, v in hit.items() if k not in {"score", "cursor"}} for hit in told["hits"]]
    return told | {"hits": hits}


def test_a_backup_is_an_archive_with_the_same_rows_that_verifies(filled, tmp_path):
    target = tmp_path / "copy" / "backup.sqlite3"
    assert copy(filled.url, str(target), silent) > 0
    assert without_scores(shown(str(target))) == without_scores(shown(filled.url))
    assert findings(str(target)) == []
    assert [each.name for each in target.parent.iterdir()] == [target.name]


def test_a_backup_is_restored_to_either_database(filled, postgres_url, tmp_path):
    before = without_scores(shown(filled.url))
    backup = tmp_path / "backup.sqlite3"
    copy(filled.url, str(backup), silent)
    for target in (str(tmp_path / "new.sqlite3"), postgres_url):
        copy(str(backup), target, silent)
        assert without_scores(shown(target)) == before
        assert findings(target) == []


def test_work_goes_on_in_a_restored_archive(filled, tmp_path):
    backup, new = tmp_path / "backup.sqlite3", tmp_path / "new.sqlite3"
    copy(filled.url, str(backup), silent)
    copy(str(backup), str(new), silent)
    restored = Newsroom(f"sqlite:///{new}", filled.root)
    try:
        restored.write("pegel.md", page(SENTENCES[2], url=ADDRESS))
        counts = restored.scan(2)
        assert (counts.new_versions, counts.unchanged) == (1, 1)
        assert findings(str(new)) == []
    finally:
        restored.close()


def test_nothing_is_written_over(filled, postgres_url, tmp_path):
    backup = tmp_path / "backup.sqlite3"
    backup.write_bytes(b"mine")
    with pytest.raises(PlaceTakenError):
        copy(filled.url, str(backup), silent)
    assert backup.read_bytes() == b"mine"
    copy(filled.url, str(tmp_path / "first.sqlite3"), silent)
    copy(str(tmp_path / "first.sqlite3"), postgres_url, silent)
    with pytest.raises(PlaceTakenError):
        copy(str(tmp_path / "first.sqlite3"), postgres_url, silent)


def test_a_backup_that_ends_early_leaves_nothing(filled, tmp_path, monkeypatch):
    def fails(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies.os, "fsync", fails)
    folder = tmp_path / "copy"
    with pytest.raises(PlaceUnwritableError, match="No space"):
        copy(filled.url, str(folder / "backup.sqlite3"), silent)
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_backup_is_one_moment_of_an_archive_that_is_written_to(filled, tmp_path):
    def write(stop: threading.Event) -> None:
        engine = writing_engine(parsed(filled.url))
        number = 0
        while not stop.is_set():
            number += 1
            with engine.begin() as connection:  # two rows that only ever rise together
                for key in ("one", "two"):
                    connection.execute(text("DELETE FROM archive WHERE key = :key"), {"key": key})
                    connection.execute(
                        text("INSERT INTO archive (key, value) VALUES (:key, :value)"),
                        {"key": key, "value": str(number)},
                    )
        engine.dispose()

    stop = threading.Event()
    writer = threading.Thread(target=write, args=(stop,))
    writer.start()
    try:
        for number in range(3):
            target = tmp_path / f"backup{number}.sqlite3"
            copy(filled.url, str(target), silent)
            assert len(values_of(target)) <= 1
    finally:
        stop.set()
        writer.join()
    assert findings(str(target)) == []


def values_of(path: Path) -> set[str]:
    engine = writing_engine(parsed(str(path)))
    try:
        with engine.connect() as connection:
            query = text("SELECT value FROM archive WHERE key IN ('one', 'two')")
            return set(connection.execute(query).scalars())
    finally:
        engine.dispose()


def test_the_commands_report_their_results_and_obstacles(filled, tmp_path, capsys):
    folder = tmp_path / "kopien"
    folder.mkdir()
    assert run(app, ["backup", str(folder), "--archive", filled.url]) == 0
    (file,) = folder.iterdir()
    assert str(file) in capsys.readouterr().err
    new = str(tmp_path / "new.sqlite3")
    assert run(app, ["restore", str(file), "--archive", new]) == 0
    assert "0 broken" in capsys.readouterr().err
    assert run(app, ["restore", str(file), "--archive", new]) == 2
    assert "already exists: choose another path" in capsys.readouterr().err
    assert run(app, ["backup", str(file), "--archive", filled.url]) == 2


@pytest.mark.slow
def test_an_earlier_copy_is_brought_up_to_date_and_is_the_same_as_a_new_one(filled, tmp_path):
    target, new = tmp_path / "backup.sqlite3", tmp_path / "new.sqlite3"
    copy(filled.url, str(target), silent)
    append(filled.archive.engine, filled.archive.clock)
    filled.write("pegel.md", page(SENTENCES[2], url=ADDRESS))
    filled.write("neu.txt", seed("Pegel an der Schleuse", SENTENCES[0]))
    filled.scan(2)
    append(filled.archive.engine, filled.archive.clock)
    assert update(filled.url, str(target), silent) > 0
    assert findings(str(target)) == []
    assert without_scores(shown(str(target))) == without_scores(shown(filled.url))
    copied = update(filled.url, str(target), silent)
    copy(filled.url, str(new), silent)
    rows = rows_of(str(new))
    assert rows_of(str(target)) == rows
    assert copied == sum(len(rows[name]) for name in COPIED_WHOLE), "nothing else is copied again"


def rows_of(url: str) -> dict[str, list]:
    engine = writing_engine(parsed(url))
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(table.select())))
                for table in METADATA.sorted_tables
            }
    finally:
        engine.dispose()


def test_a_file_that_is_no_earlier_copy_is_refused_and_left_unchanged(filled, tmp_path):
    append(filled.archive.engine, filled.archive.clock)
    target = tmp_path / "backup.sqlite3"
    copy(filled.url, str(target), silent)
    before = rows_of(str(target))
    filled.scan(2)
    pending = METADATA.tables["archive"].insert().values(key=PENDING, value="1")
    with filled.archive.unit() as unit:
        unit.connection.execute(pending)
    copy(filled.url, str(tmp_path / "begun.sqlite3"), silent)
    with filled.archive.unit() as unit:
        unit.connection.execute(
            METADATA.tables["archive"].delete().where(text("key = :key")), {"key": PENDING}
        )
    with pytest.raises(NotAnEarlierCopyError, match="redacted since"):
        update(filled.url, str(tmp_path / "begun.sqlite3"), silent)
    with filled.archive.unit() as unit:
        number = unit.number()
        unit.connection.execute(
            METADATA.tables["redaction"]
            .insert()
            .values(id=number, table_name="origin", row_id=0, reason="mistake", at=filled.now)
        )
    with pytest.raises(NotAnEarlierCopyError, match="redacted since"):
        update(filled.url, str(target), silent)
    with Newsroom(f"sqlite:///{tmp_path / 'o.sqlite3'}", tmp_path / "o").archive as other:
        with pytest.raises(NotAnEarlierCopyError, match="another archive"):
            update(str(tmp_path / "o.sqlite3"), str(target), silent)
        del other
    newer = tmp_path / "newer.sqlite3"
    copy(filled.url, str(newer), silent)
    with pytest.raises(NotAnEarlierCopyError, match="contains more"):
        update(str(target), str(newer), silent)
    assert rows_of(str(target)) == before


def test_a_drill_verifies_a_backup_and_leaves_nothing_behind(filled, tmp_path, monkeypatch, capsys):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    target = tmp_path / "backup.sqlite3"
    copy(filled.url, str(target), silent)
    asked = ["restore", str(target), "--drill", "--archive", str(tmp_path / "none.sqlite3")]
    assert run(app, asked) == 0
    told = capsys.readouterr().err
    assert "0 broken" in told
    assert not re.findall(r"[a-z]+_[a-z]+", told)  # names of tables and checks
    assert {*CHECKED} == {name for name, _check in CHECKS}
    engine = writing_engine(parsed(str(target)))
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER guard_wording_update"))
        connection.execute(
            text("UPDATE wording SET title = 'x' WHERE id = (SELECT min(id) FROM wording)")
        )
    engine.dispose()
    assert run(app, asked) == 1
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "none.sqlite3").exists()


COPIED_WHOLE = {
    "alert", "alert_channel", "alert_delivery", "archive", "change_event", "counter", "host", "job",
    "relation_due", "rights_file", "source", "stamp_request", "suppression", "watch",
}  # fmt: skip
"""The tables that every update of a backup copies: small ones, and those that change daily."""

TIMES = datetime(2024, 6, 18, tzinfo=UTC), datetime(2024, 6, 18, 0, 0, 0, 1, tzinfo=UTC)
EXAMPLES: dict[type | None, tuple[Any, Any]] = {
    int: (3, 7), bool: (False, True), float: (0.5, 0.25), str: ("ä%\x7f'", "ä%"),
    bytes: (b"\x80\x00", b"\x80"),
}  # fmt: skip
"""Two values of each type that is compared."""


@pytest.fixture
def before_and_after(database_url, tmp_path) -> Iterator[tuple[Connection, Connection]]:
    """Give connections to an empty archive and to its copy."""
    copy(database_url, str(tmp_path / "copy.sqlite3"), silent)
    engines = [
        writing_engine(parsed(url)) for url in (database_url, str(tmp_path / "copy.sqlite3"))
    ]
    with engines[0].connect() as old, engines[1].connect() as new:
        yield old, new
        old.rollback()
    for engine in engines:
        engine.dispose()


def example(column: Column[Any]) -> Any:
    if hashed_type(column) is None:
        return {"ä": [1, None]}
    return 2**62 + 11 if isinstance(column.type, BigInteger) else two_values(column)[0]


def two_values(column: Column[Any]) -> tuple[Any, Any]:
    return TIMES if isinstance(column.type, UtcTime) else EXAMPLES[hashed_type(column)]


@pytest.mark.slow
def test_each_change_of_a_row_of_the_state_is_found_between_either_databases(before_and_after):
    old, new = before_and_after
    for facts in STATE_TABLES:
        table = METADATA.tables[facts.name]
        for connection in before_and_after:
            connection.execute(table.delete())
            connection.execute(table.insert(), {each.name: example(each) for each in table.columns})
        same = find_changed_rows(old, new, table, silent)
        assert (same is None) == (facts.name not in COPIED_WHOLE), facts.name
        if same is None:
            columns = [table.c["seq"]] if facts.is_numbered else [*table.columns]
            empty = {each.name: None for each in table.columns if each.nullable}
            for connection in before_and_after if empty else ():
                connection.execute(table.update().values(empty))
            assert find_changed_rows(old, new, table, silent) is None, facts.name
            assert [
                each for each in changes_of(columns) if not is_found(before_and_after, *each)
            ] == []


def changes_of(columns: list[Column[Any]]) -> Iterator[tuple[Column[Any], Any]]:
    return ((each, two_values(each)[1]) for each in columns)


def is_found(both: tuple[Connection, Connection], column: Column[Any], value: Any) -> bool:
    """Change a row of an archive, and return whether its form in the copy is found, too."""
    old, new = both
    table: Table = column.table
    with old.begin_nested() as trial:
        old.execute(table.update().values({column.name: value}))
        found = find_changed_rows(old, new, table, silent)
        trial.rollback()
    return found is not None and len(new.execute(table.select().where(found)).all()) == 1
