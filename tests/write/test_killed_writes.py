"""A killed or failed write leaves no text behind: redactions and sweeps delete what no row names."""

import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import create_engine, text

from storage.database import capture_store as stores
from storage.record import captures
from storage.write import orphans, store_captures
from storage.write.redaction.redact_articles import drop_overdue_bytes, finish_redactions
from tests.flow.driver import SENTENCES, Newsroom, newsroom_at, seed
from tests.flow.processes import Service, environment, lesart, rows, until
from tests.write.test_capture_store import (
    bucket,
    objects,
    place,
    room,
    settings_of,
    store_of,
    write_some,
)

__all__ = ["bucket", "place", "room"]  # fixtures
LEASES = {"lease_seconds": "3", "batch_seconds": "2.5"}
SECRET = "Ada Kern verließ am Abend die Schleuse ohne ein Wort."

FAULTY = """
import errno, os, pathlib, signal, sys
how, step = sys.argv[1:3]

def fail(*_given, **_named):
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

def before(owner, name, prepare=lambda *given: None):
    def failing(*given, **named):
        prepare(*given)
        fail()
    setattr(owner, name, failing)

def after(owner, name):
    real = getattr(owner, name)
    before(owner, name, lambda *given: real(*given))

from storage.database import capture_store as stores
from storage.record import captures
from storage.write import store_captures
store = stores.BucketStore if os.environ["LESART_CAPTURES_URL"][:2] == "s3" else stores.FolderStore
real_folder, real_put = store.__dict__.get("_make"), store.put
if step == "the folder":
    store._make = lambda self, folder: (real_folder(self, folder), fail())
elif step == "a part of the bytes":
    real_open = pathlib.Path.open

    class Half:
        def __init__(self, file): self.file = file
        def __enter__(self): return self
        def __exit__(self, *_told): self.file.close()
        def write(self, data):
            self.file.write(data[:len(data) // 2])
            self.file.flush()
            fail()

    pathlib.Path.open = lambda path, mode="r", *more, **named: (
        Half(real_open(path, mode)) if mode == "wb" else real_open(path, mode, *more, **named)
    )
elif step == "the bytes without a name":
    before(os, "rename")
elif step == "the name":
    after(os, "rename")
elif step == "one object":
    store.put = lambda self, *given: (real_put(self, *given), fail())
elif step == "all objects":
    after(captures, "put_all")
elif step == "the rows":
    after(store_captures, "store_captures")
elif step == "the unit":
    from sqlalchemy import Engine, event

    real_last = store_captures.record_presence
    store_captures.record_presence = lambda *given: (
        real_last(*given), event.listen(Engine, "commit", fail)
    )[0]
from worker.cli.program import main
sys.argv = ["lesart", "ingest", "seeds"]
main()
"""
FOLDER_STEPS = ("the folder", "a part of the bytes", "the bytes without a name", "the name")
STEPS = ("one object", "all objects", "the rows", "the unit")


def ingest_and_fail(folder: Path, how: str, step: str, settings: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FAULTY, how, step], cwd=folder, env=environment(**settings),
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert ended.returncode == (-9 if how == "killed" else 4), ended.stderr


def write_seeds(folder: Path, *more: str) -> None:
    (folder / "seeds").mkdir(exist_ok=True)
    for number, sentence in enumerate(SENTENCES[:3]):
        path = folder / "seeds" / f"{number}.txt"
        path.write_text(seed(f"Pegel {number}", sentence, SECRET, *more), "utf-8")
        os.utime(path, (1_700_000_000 + len(more), 1_700_000_000))


def files_with(root: Path, text: str) -> Iterator[Path]:
    """Yield every file below a folder, whatever its name, that contains a text."""
    for path in root.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            if raw.startswith(zstandard.FRAME_HEADER):
                raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
            if text.encode() in raw:
                yield path


@pytest.fixture
def root(place, request) -> Path:
    """Give the folder in which the store has its files, those of a bucket as well."""
    if place.folder is not None:
        return place.folder
    return request.getfixturevalue("bucket").folder / place.bucket / place.prefix


@pytest.mark.slow
@pytest.mark.few_cases
@pytest.mark.postgresql("slow")
@pytest.mark.parametrize("how", ["killed", "full"])
@pytest.mark.parametrize("step", [*FOLDER_STEPS, *STEPS])
def test_no_object_of_a_failed_write_outlasts_a_redaction(
    tmp_path, database_url, place, root, how, step
):
    """The killed text is edited before the next scan, so that no row ever names its digest."""
    if place.folder is None and step in FOLDER_STEPS:
        pytest.skip("a bucket has no such step")
    settings = {"database_url": database_url, **LEASES, **settings_of(place)}
    write_seeds(tmp_path)
    ingest_and_fail(tmp_path, how, step, settings)
    write_seeds(tmp_path, "Am Morgen kam sie zurück.")
    (tmp_path / "seeds" / "other.txt").write_text(seed("Die Fähre", SENTENCES[3]), "utf-8")
    rows(tmp_path, "ingest", "seeds", **settings)
    articles = rows(tmp_path, "list", **settings)
    assert len(articles) == 4
    assert len(list(files_with(root, SECRET))) >= 3
    for each in articles:
        if each["title"].startswith("Pegel"):
            redact = ("redact", each["article"], "--reason", "court_order", "--with-copies")
            assert lesart(tmp_path, *redact, **settings).returncode in {0, 3}
    assert list(files_with(root, SECRET)) == []
    ended = lesart(tmp_path, "verify", **settings)
    assert (ended.returncode, "no row refers" in ended.stderr) == (0, False), ended.stderr
    assert len(list(files_with(root, SENTENCES[3]))) == 1


@pytest.mark.slow
def test_the_service_deletes_what_a_killed_write_left_and_verify_names_it_before(tmp_path):
    """Nothing is captured again and nothing redacted."""
    store = tmp_path / "captures"
    settings = {"captures_url": store.as_uri(), **LEASES}
    write_seeds(tmp_path)
    ingest_and_fail(tmp_path, "killed", "all objects", settings)
    left = {path.relative_to(store).as_posix() for path in files_with(store, SECRET)}
    ended = lesart(tmp_path, "verify", "--format", "json", **settings)
    assert (ended.returncode, len(left)) == (0, 3)
    assert all(f'"{name}"' in ended.stdout for name in left)
    assert all(name in ended.stderr for name in left)
    for path in (tmp_path / "seeds").iterdir():
        path.unlink()
    service = Service(tmp_path, "up", "--no-web", **settings)
    service.start()
    try:
        until(lambda: not list(files_with(store, SECRET)), what="the sweep")
    finally:
        service.end()


def test_an_object_whose_bytes_were_deleted_is_a_finding(place, room):
    write_some(room)
    room.scan(0)
    row = room.rows("SELECT digest FROM capture ORDER BY id")[0]
    folder = objects(room)[0].partition("/")[0]
    room.now += timedelta(days=2)
    drop_overdue_bytes(room.archive, 3600.0, by_clock=True)
    assert objects(room) == []
    another = stores.new_name(folder, bytes(32))
    store_of(room).put(another, b"x")
    assert room.findings() == []
    store_of(room).put(stores.new_name(folder, bytes(row["digest"])), b"x")
    assert [each["kind"] for each in room.findings()] == ["object_left"]
    finish_redactions(room.archive)
    assert objects(room) == [another], "a copy of the database may have put it"
    orphans.sweep_orphans(room.archive.engine, room.archive.clock, with_others=True)
    assert objects(room) == []


def test_archives_that_share_a_folder_sweep_no_object_of_the_other(place, room, tmp_path):
    """Another program copied the database, so that both have the same facts."""
    write_some(room)
    room.scan(0)
    room.archive.engine.dispose()  # PostgreSQL copies no database with sessions
    with (
        copied_database(room.url, tmp_path) as url,
        newsroom_at(url, tmp_path / "other", **settings_of(place)) as other,
    ):
        for number, each in enumerate((room, other)):
            each.write("neu.txt", seed(f"Neu {number}", SENTENCES[number]))
            each.scan(1)
        for each in (room, other, room, other):
            orphans.sweep_orphans(each.archive.engine, each.archive.clock)
        assert room.findings() == []
        assert other.findings() == []
    killed = stores.new_name(objects(room)[0].partition("/")[0], bytes(32), own_round(room))
    store_of(room).put(killed, b"x")
    orphans.sweep_orphans(room.archive.engine, room.archive.clock)
    assert killed not in objects(room)


def own_round(room: Newsroom) -> str:
    with room.archive.read_connection() as connection:
        return captures.sweep_rounds(connection)[0]


@contextmanager
def copied_database(url: str, folder: Path) -> Iterator[str]:
    """Copy a database without Lesart."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("VACUUM INTO ?", [str(folder / "clone.sqlite3")])
        yield f"sqlite:///{folder}/clone.sqlite3"
        return
    name, clone = url.partition("?")[0].rpartition("/")[2], f"clone_{secrets.token_hex(4)}"
    engine = create_engine(url.replace(f"/{name}", "/postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {clone} TEMPLATE {name} STRATEGY file_copy"))
    try:
        yield url.replace(f"/{name}", f"/{clone}")
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {clone} WITH (FORCE)"))
        engine.dispose()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_sweep_during_a_write_costs_no_bytes(place, room, monkeypatch, moment):
    """Between the objects and their rows, or before the objects, another process sweeps."""
    real, swept = store_captures.put_packed, []

    def put_and_sweep(*given):
        if moment == "before" and not swept:
            swept.append(orphans.sweep_orphans(room.archive.engine, room.archive.clock))
        packed = real(*given)
        if moment == "after" and not swept:
            swept.append(orphans.sweep_orphans(room.archive.engine, room.archive.clock))
        return packed

    monkeypatch.setattr(store_captures, "put_packed", put_and_sweep)
    write_some(room)
    assert room.scan(0).new_articles == len(SENTENCES)
    assert len(swept) == 1
    assert room.findings() == []
    orphans.sweep_orphans(room.archive.engine, room.archive.clock)
    assert len(objects(room)) == len(SENTENCES)


def test_a_restore_that_fails_deletes_its_objects(place, room, root, tmp_path):
    """The list of redactions is that of another archive, so the new file does not appear."""
    write_some(room)
    room.scan(0)
    settings = {"database_url": room.url, **settings_of(place)}
    backup, listed = tmp_path / "backup.sqlite3", tmp_path / "acts.jsonl"
    assert lesart(tmp_path, "backup", str(backup), **settings).returncode == 0
    listed.write_text('{"archive": "another"}')
    target = ("--archive", str(tmp_path / "new.sqlite3"))
    words = ("restore", str(backup), "--redactions", str(listed), "--no-verify", *target)
    before = len(list(files_with(root, SENTENCES[0])))
    assert lesart(tmp_path, *words, **settings).returncode != 0
    assert len(list(files_with(root, SENTENCES[0]))) == before > 0
