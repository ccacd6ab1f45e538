"""The log follows the record: everything once, in the order of commit, and never an entry twice."""

import threading

import pytest
import sqlalchemy
from sqlalchemy import text

from storage.capabilities.bundles.bundle_log import root_of
from storage.database.columns import JSON_TYPE
from storage.database.engine import DatabaseError
from storage.database.table_facts import ERASABLE, LOGGED
from storage.database.tables.metadata import METADATA
from storage.proof import checkpoints, log, rows
from storage.proof.checkpoints import ProofKeyError
from storage.proof.files import TilesError, copy_of_checkpoint, keep_copy, write_tiles
from storage.proof.leaf import ARCHIVE, SHAPES, commitment, open_row
from storage.proof.note import Checkpoint, Note, Signer
from storage.proof.tiles import tree_of_tiles
from storage.proof.tree import inclusion, leaf_hash, root
from tests.proof.grown import Tree, entries_in, hashes_in
from tests.read.press import Press, draft, hour

KEY = Signer.generate("archiv.example/log", seed=bytes(range(32)))


@pytest.fixture
def press(old_press):
    return old_press


def appended(press: Press) -> int:
    return log.append(press.archive.engine, press.archive.clock)


def logged(connection) -> list[log.LogPosition]:
    number = log.size_of(connection)
    return [each for tile in range(-(-number // 256)) for each in log.entries(connection, tile)]


def numbers_of_record(connection) -> list[tuple[str, int]]:
    found = [
        (number, table)
        for table in LOGGED
        for number in connection.execute(text(f"SELECT {SHAPES[table].key} FROM {table}")).scalars()
    ]
    return [(ARCHIVE, 0), *((table, number) for number, table in sorted(found))]


def is_whole(press: Press) -> bool:
    with press.archive.read_connection() as connection:
        entries = logged(connection)
        named = [(each.table, each.seq) for each in entries]
        grown = Tree(leaf_hash(each.entry) for each in entries)
        size = log.size_of(connection)
        return (
            named == numbers_of_record(connection)
            and size == len(entries)
            and root(log.node_of(connection), size) == grown.root()
        )


def test_every_column_of_every_table_of_the_record_is_committed_to():
    assert {ARCHIVE, *LOGGED} == set(SHAPES)
    assert len({shape.kind for shape in SHAPES.values()}) == len(SHAPES)
    for table in LOGGED:
        shape, columns = SHAPES[table], {each.name for each in METADATA.tables[table].columns}
        assert {*shape.salted, *shape.covered, shape.key} <= columns
        assert list(shape.salted) == sorted(shape.salted)
        assert {*shape.salted, *shape.covered} >= set(ERASABLE.get(table, ()))
        loose = {
            each.name
            for each in METADATA.tables[table].columns
            if isinstance(each.type, sqlalchemy.LargeBinary) or each.type is JSON_TYPE
        }
        assert loose <= {*shape.salted, *shape.covered}, "JSON and bytes are no plain columns"
    assert {name for shape in SHAPES.values() for name in shape.covered} == {"data"}


def test_a_commitment_has_a_fixed_form():
    values = {"id": 7, "public_id": b"0zfme61hjyre0a76", "origin": "https://a.example/ü".encode(),
              "recorded_at": "2024-06-18T06:00:00.000000+00:00"}  # fmt: skip
    assert commitment("origin", values, bytes(16)).hex() == GOLDEN
    assert open_row("origin", values, bytes(16)).commitment.hex() == GOLDEN
    more = {**values, "a_column_of_later": None}
    assert commitment("origin", more, bytes(16)).hex() == GOLDEN


@pytest.mark.unit
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("table", LOGGED)
def test_each_value_has_one_form_whatever_the_database_returns(table, dialect):
    how = rows.reader(table, dialect)
    types = [METADATA.tables[table].columns[name].type for name in how.names]
    forms = [
        ('{"b": 1, "a": "ü"}', '{"a":"ü","b":1}'.encode()) if each is JSON_TYPE
        else (memoryview(b"x"), b"x") if isinstance(each, sqlalchemy.LargeBinary)
        else (1, True) if isinstance(each, sqlalchemy.Boolean)
        else ("as it is", "as it is")
        for each in types
    ]  # fmt: skip
    found = how.values([returned for returned, _form in forms])
    assert found == dict(zip(how.names, (form for _returned, form in forms), strict=True))
    assert [type(each) for each in found.values()] == [type(form) for _returned, form in forms]
    assert not any(how.values([None] * len(forms)).values())


GOLDEN = "0fd0a9da3317c7d9f62e05e4ad5bf561b7848e6c6fb6e44630219080fbd6f8fe"


def test_everything_is_in_the_log_once_in_the_order_of_commit(press):
    assert appended(press) > 40
    assert is_whole(press)
    assert appended(press) == 0
    press.scan(9, neu=draft("Neu", "Ein Satz."))
    assert appended(press) > 5
    assert is_whole(press)
    with press.archive.read_connection() as connection:
        for place in logged(connection):
            values = rows.row(connection, place.table, place.seq)
            assert commitment(place.table, values, place.opening) == place.commitment
            assert log.place_of(connection, place.table, place.seq) == place
        assert log.place_of(connection, "wording", 1) is None


def test_small_windows_and_many_tiles_make_the_same_log(database_url, monkeypatch):
    press = Press(database_url)
    monkeypatch.setattr(log, "WINDOW_ROWS", 7)
    for at in range(5):
        texts = {f"t{at}_{n}": draft(f"T {at} {n}", f"Der Pegel steht bei {at} {n}.")
                 for n in range(1, 4 + 45 * (at % 2))}  # fmt: skip
        press.scan(at, **texts)
        if at != 2:
            appended(press)
    assert is_whole(press)
    with press.archive.read_connection() as connection:
        size = log.size_of(connection)
        assert size > 512
        node, entries = log.node_of(connection), logged(connection)
        for index in (0, 255, 256, size - 1):
            path = inclusion(node, index, size)
            assert root_of(entries[index].entry, index, size, path) == root(node, size)
    press.close()


def test_a_tile_above_the_leaves_ends_where_the_next_one_begins(press):
    with press.archive.engine.connect() as connection:
        connection.execute(
            text("INSERT INTO log_tile (level, number, digest, last_seq) VALUES (2, :n, :d, :n)"),
            [{"n": number, "d": number.to_bytes(32)} for number in range(2 * 256 + 7)],
        )
        numbers = [
            [int.from_bytes(each) for each in log.tile(connection, 2, number)]
            for number in range(4)
        ]
    assert numbers == [[*range(256)], [*range(256, 512)], [*range(512, 519)], []]


def test_two_that_append_at_once_add_nothing_twice(press):
    for at in range(7, 10):
        texts = {f"x{at}{n}": draft(f"X{n}", f"Satz {at} {n}.") for n in range(4)}
        threads = [threading.Thread(target=appended, args=[press]) for _ in range(3)]
        for each in threads:
            each.start()
        press.scan(at, **texts)
        for each in threads:
            each.join()
    appended(press)
    assert is_whole(press)


def test_an_append_that_dies_is_made_up_for(press, monkeypatch):
    monkeypatch.setattr(log, "_store_position", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        appended(press)
    monkeypatch.undo()
    appended(press)
    assert is_whole(press)


def test_the_log_cannot_be_changed(press):
    appended(press)
    for change in ("UPDATE log_run SET entries = entries", "DELETE FROM log_run",
                   "UPDATE log_run SET openings = openings", "DELETE FROM log_key",
                   "UPDATE log_run SET seq = seq + 100000000"):  # fmt: skip
        if "log_key" in change:
            checkpoints.make(press.archive.engine, press.archive.clock, KEY)
        with pytest.raises(DatabaseError, match="only added to"), press.archive.unit() as unit:
            unit.connection.execute(text(change))


def test_a_redaction_leaves_an_entry_that_opens_the_remaining_columns(press):
    appended(press)
    with press.archive.unit() as unit:
        row = unit.connection.execute(text("SELECT min(id) FROM wording")).scalar_one()
        redaction = METADATA.tables["redaction"]
        unit.connection.execute(
            sqlalchemy.insert(redaction).values(
                id=unit.number(), table_name="wording", row_id=row, reason="mistake", at=hour(9)
            )
        )
        log.seal(unit, "wording", row, ("title", "text"))
        unit.connection.execute(
            text("UPDATE wording SET title = NULL, text = NULL WHERE id = :row"), {"row": row}
        )
    with press.archive.read_connection() as connection:
        place = log.place_of(connection, "wording", row)
        left = open_row("wording", rows.row(connection, "wording", row), place.opening)
        assert left.commitment == place.commitment
        assert isinstance(left.contents["text"], bytes), "its salt is gone"
        other = {**rows.row(connection, "wording", row), "digest": bytes(32)}
        assert open_row("wording", other, place.opening).commitment != place.commitment


def test_a_checkpoint_covers_all_rows_committed_before_it(press):
    engine, clock = press.archive.engine, press.archive.clock
    made = checkpoints.make(engine, clock, KEY)
    found = Checkpoint.parse(Note.parse(made.note).text)
    assert Note.parse(made.note).require([KEY.verifier]) == KEY.verifier
    assert (found.origin, found.size) == ("archiv.example/log", made.size)
    assert checkpoints.make(engine, clock, KEY).id == made.id, "nothing is new: no other one"
    press.scan(9, neu=draft("Neu", "Ein Satz."))
    assert not checkpoints.is_due(engine, press.now, 3600.0 * 24 * 365)
    press.now = hour(24 * 400)
    appended(press)
    assert checkpoints.is_due(engine, press.now, 3600.0 * 24 * 365)
    later = checkpoints.make(engine, clock, KEY)
    assert later.size > made.size
    with press.archive.read_connection() as connection:
        assert root(log.node_of(connection), found.size) == found.root


def test_a_key_that_no_one_endorsed_signs_nothing(press):
    engine, clock = press.archive.engine, press.archive.clock
    checkpoints.make(engine, clock, KEY)
    press.scan(9, neu=draft("Neu", "Ein Satz."))
    with pytest.raises(ProofKeyError, match="--rotate"):
        checkpoints.make(engine, clock, Signer.generate("archiv.example/log"))


def test_a_rotated_key_is_endorsed_and_the_old_one_signs_no_longer(press, tmp_path):
    engine, clock = press.archive.engine, press.archive.clock
    path = tmp_path / "proof.key"
    checkpoints.write_key(path, KEY)
    with pytest.raises(ProofKeyError, match="there is a key"):
        checkpoints.write_key(path, KEY)
    first = checkpoints.make(engine, clock, KEY)
    signer, kept = checkpoints.rotate(engine, clock, path)
    assert checkpoints.read_key(kept) == KEY
    assert checkpoints.read_key(path) == signer
    assert path.stat().st_mode & 0o077 == 0
    made = checkpoints.make(engine, clock, signer)
    assert Note.parse(made.note).require([signer.verifier]) == signer.verifier
    press.scan(9, neu=draft("Neu", "Ein Satz."))
    with pytest.raises(ProofKeyError, match="was replaced"):
        checkpoints.make(engine, clock, KEY)
    with press.archive.read_connection() as connection:
        _, newer = checkpoints.keys(connection)
    assert newer.previous == first.note
    assert Note.parse(newer.endorsement).require([KEY.verifier]) == KEY.verifier


def test_a_rotation_that_was_killed_goes_on_with_the_key_that_the_archive_knows(press, tmp_path):
    engine, clock = press.archive.engine, press.archive.clock
    path = tmp_path / "proof.key"
    checkpoints.write_key(path, KEY)
    signer, kept = checkpoints.rotate(engine, clock, path)
    path.rename(tmp_path / "proof.key.new")
    kept.rename(path)  # as it was killed before it moved the files
    assert checkpoints.rotate(engine, clock, path) == (signer, kept)
    assert checkpoints.read_key(path) == signer
    assert checkpoints.read_key(kept) == KEY
    assert checkpoints.make(engine, clock, signer).size > 0
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".new"] == []


def test_files_hold_the_tree_and_grow_with_it(press, tmp_path):
    engine, clock = press.archive.engine, press.archive.clock
    for at in range(8, 11):
        texts = {f"f{at}{n}": draft(f"F{n}", f"Satz {at} {n}.") for n in range(25)}
        press.scan(at, **texts)
        made = checkpoints.make(engine, clock, KEY)
        with press.archive.read_connection() as connection:
            write_tiles(connection, tmp_path / "out", made)
    found = Checkpoint.parse(Note.parse((tmp_path / "out/checkpoint").read_bytes()).text)

    def read(level: int, number: int) -> list[bytes]:
        folder = tmp_path / "out" / "tile" / str(level)
        whole = folder / f"{number:03}"
        parts = [*folder.glob(f"{number:03}.p/*")]
        path = whole if whole.exists() else max(parts, key=lambda each: int(each.name))
        return hashes_in(path.read_bytes())

    assert root(tree_of_tiles(read), found.size) == found.root
    first = entries_in((tmp_path / "out/tile/entries/000").read_bytes())
    assert [leaf_hash(each) for each in first] == read(0, 0)
    (tmp_path / "out/checkpoint").write_text(Checkpoint(found.origin, 20, bytes(32)).signed(KEY))
    with (
        pytest.raises(TilesError, match="another history"),
        press.archive.read_connection() as connection,
    ):
        write_tiles(connection, tmp_path / "out", made)


def test_a_copy_of_a_checkpoint_is_replaced_only_by_a_later_one_of_the_same_log(press, tmp_path):
    key = tmp_path / "proof.key"
    copy = copy_of_checkpoint(key)
    for at in range(8, 10):
        press.scan(at, neu=draft("Neu", f"Satz {at}."))
        made = checkpoints.make(press.archive.engine, press.archive.clock, KEY)
        press.archive.read(keep_copy, key, made)
        assert copy.read_bytes() == made.note.encode()
    found = Checkpoint.parse(Note.parse(copy.read_bytes()).text)
    other = Checkpoint(found.origin, found.size, bytes(32)).signed(KEY).encode()
    copy.write_bytes(other)
    press.archive.read(keep_copy, key, made)
    assert copy.read_bytes() == other
