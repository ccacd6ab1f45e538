"""Attacks and damages by a writer of the database, and their finding by `verify` or by a checkpoint."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text, update

from storage.database.engine import insert_tuples
from storage.database.table_facts import RECORD
from storage.database.tables.metadata import METADATA
from storage.database.unit import Unit
from storage.proof import checkpoints, log, rows
from storage.proof.leaf import SHAPES, TABLES, commitment
from storage.proof.log_entries import RUN_COLUMNS, Entry, runs_of, unpack_entries
from storage.proof.note import COSIGNATURE, Checkpoint, Note, Signer
from storage.proof.tree import root
from storage.similarity.index_keys import DAY, PASSAGE, TITLE
from storage.values.digest import origin_id, raw_digest, wording_digest
from storage.verify.finding import Scope
from storage.verify.verify import Verification
from storage.write.index import forget_words
from tests.flow.driver import hour
from tests.flow.whole_record import KEY, WITNESS
from tests.proof.grown import cosign

T = METADATA.tables
Attack = Callable[["Scene"], Any]


@dataclass
class Scene:
    """An archive with two checkpoints and without guards, and the acts of an attacker."""

    connection: Connection
    outside: str

    def run(self, statement: str, **values: Any) -> Any:
        return self.connection.execute(text(statement), values)

    def one(self, query: str, **values: Any) -> Any:
        return self.run(query, **values).scalar_one()

    def findings(self, *, against: bool = False) -> set[str]:
        scope = Scope(against=(self.outside,) if against else ())
        found = Verification(self.connection.engine, scope).findings_on(self.connection)
        return {f"{each.object} {each.kind}" for each in found if each.kind != "guard_missing"}

    def number(self) -> int:
        return self.one("UPDATE counter SET value = value + 1 WHERE name = 'seq' RETURNING value")

    def recommit(self, *, sign_by: Signer | None = None) -> None:
        """Make the whole log again over the present rows, as the owner of the machine could."""
        connection = self.connection
        kept = list(checkpoints.checkpoints(connection))
        connection.execute(T["log_run"].delete())
        connection.execute(T["log_tile"].delete())
        self.run("DELETE FROM counter WHERE name = 'log'")
        if sign_by is not None:
            self.run("DELETE FROM log_cosignature")
            self.run("DELETE FROM log_stamp")
        log.append_within(Unit(connection, hour(99), 0))
        if sign_by is None:
            return
        for signed in kept:
            size = sum(each[0] < signed.id for each in entries_of(connection))
            made = Checkpoint(KEY.verifier.name, size, root(log.node_of(connection), size))
            self.run("UPDATE log_checkpoint SET note = :note, size = :size WHERE id = :id",
                     note=made.signed(sign_by), size=size, id=signed.id)  # fmt: skip
            recommit_row(connection, "log_checkpoint", signed.id)


def recommit_row(connection: Connection, table: str, number: int) -> None:
    salt = os.urandom(16)
    held = commitment(table, rows.row(connection, table, number), salt)
    rewrite_log(
        connection, lambda seq, kind, *old: (seq, kind, *((salt, held) if seq == number else old))
    )


def entries_of(connection: Connection) -> list[Entry]:
    runs = connection.execute(select(T["log_run"]).order_by(T["log_run"].c.seq)).all()
    return [
        (each.seq, each.kind, each.opening, each.commitment)
        for run in runs
        for each in unpack_entries(run.start, run.entries, run.openings)
    ]


def rewrite_log(connection: Connection, change: Callable[..., Entry | None]) -> None:
    """Put other entries into the log, or none in their place, and leave tiles as they are."""
    old = entries_of(connection)
    new = [found for each in old if (found := change(*each)) is not None]
    assert new != old
    connection.execute(T["log_run"].delete())
    insert_tuples(connection, T["log_run"], RUN_COLUMNS, list(runs_of(new, 0)))


def cut_off(connection: Connection, last: int) -> None:
    """Take all entries of the log away from a number on."""
    rewrite_log(connection, lambda seq, *held: None if seq >= last else (seq, *held))


@pytest.fixture
def scene(record_connection) -> Scene:
    first = next(iter(checkpoints.checkpoints(record_connection)))
    return Scene(record_connection, first.note)


# ------------------------------------------------------------- what `verify` finds by itself


def flip(table: str, column: str) -> Attack:
    def attack(scene: Scene) -> None:
        key = next(iter(T[table].columns))
        row = scene.connection.execute(
            select(key, T[table].c[column]).where(T[table].c[column].is_not(None)).order_by(key)
        ).first()
        values = {column: flipped(bytes(row[1]))}
        scene.connection.execute(update(T[table]).where(key == row[0]).values(values))

    return attack


def forge(part: str) -> Attack:
    """Change one entry of a wording, and what lies next to it not at all."""
    other = {"kind": lambda kind: 17, "opening": flipped, "commitment": flipped}[part]
    at = ("seq", "kind", "opening", "commitment").index(part)

    def attack(scene: Scene) -> None:
        number = scene.one("SELECT min(id) FROM wording")
        rewrite_log(scene.connection, lambda *each: tuple(
            other(value) if each[0] == number and place == at else value
            for place, value in enumerate(each)
        ))  # fmt: skip

    return attack


def flipped(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def reorder(scene: Scene) -> None:
    """Swap two neighbours in the log, each with its number."""
    run = scene.run("SELECT * FROM log_run ORDER BY seq LIMIT 1").one()
    (first, second), rest = (run.entries[:41], run.entries[41:82]), run.entries[82:]
    scene.connection.execute(
        update(T["log_run"]).where(T["log_run"].c.seq == run.seq)
        .values(entries=second + first + rest)
    )  # fmt: skip


def double_run(scene: Scene) -> None:
    last = scene.run("SELECT * FROM log_run ORDER BY seq DESC LIMIT 1").one()
    scene.connection.execute(insert(T["log_run"]).values({**last._mapping, "seq": last.seq + 1}))


def statement(*queries: str, **values: Any) -> Attack:
    def attack(scene: Scene) -> None:
        for each in queries:
            found = scene.run(each, **{k: v for k, v in values.items() if f":{k}" in each})
            assert found.rowcount, each

    return attack


def rewrite_wording(scene: Scene) -> None:
    """Change a text with all copies of its digest."""
    row = scene.run("SELECT id, title, text FROM wording ORDER BY id LIMIT 1").one()
    other = row.text.replace("Pegel", "Kegel")
    assert other != row.text
    digest = wording_digest(row.title, other.split("\n\n"))
    scene.connection.execute(
        update(T["wording"]).where(T["wording"].c.id == row.id).values(text=other, digest=digest)
    )


def rewrite_capture(scene: Scene) -> None:
    row = scene.run("SELECT min(id) AS id FROM capture").one()
    data = b"Etwas anderes."
    scene.connection.execute(
        update(T["capture"]).where(T["capture"].c.id == row.id)
        .values(data=data, digest=raw_digest(data), size=len(data), encoding="raw")
    )  # fmt: skip


def rename_origin(scene: Scene) -> None:
    place = "https://anderswo.example/a"
    row = scene.one("SELECT min(id) FROM origin")
    scene.run("UPDATE origin SET origin = :place, public_id = :id WHERE id = :row",
              place=place, id=origin_id(place), row=row)  # fmt: skip


def swap(table: str, *columns: str) -> Attack:
    def attack(scene: Scene) -> None:
        first, last = scene.connection.execute(
            select(T[table]).where(T[table].c.id.in_([
                scene.one(f"SELECT min(id) FROM {table}"), scene.one(f"SELECT max(id) FROM {table}")
            ])).order_by(T[table].c.id)
        ).all()  # fmt: skip
        for row, other in ((first, last), (last, first)):
            values = {name: getattr(other, name) for name in columns}
            assert any(getattr(row, name) != values[name] for name in columns)
            scene.connection.execute(update(T[table]).where(T[table].c.id == row.id).values(values))

    return attack


def double(table: str, **other: Any) -> Attack:
    """Put in a copy of a row under a number that was left out."""

    def attack(scene: Scene) -> None:
        taken = {n for name in SHAPES if name in T and "id" in T[name].c
                 for n in scene.connection.execute(select(T[name].c.id)).scalars()}  # fmt: skip
        gap = next(n for n in range(9, 100_000) if n not in taken)
        row = scene.connection.execute(select(T[table]).order_by(T[table].c.id)).first()
        scene.connection.execute(insert(T[table]).values({**row._mapping, "id": gap, **other}))

    return attack


def drop_with_entry(table: str) -> Attack:
    """Delete the newest row of a table, and its entry in the log."""

    def attack(scene: Scene) -> None:
        number = scene.one(f"SELECT max(id) FROM {table}")
        scene.run(f"DELETE FROM {table} WHERE id = :id", id=number)
        rewrite_log(scene.connection, lambda seq, *held: None if seq == number else (seq, *held))

    return attack


def forge_entry(scene: Scene) -> None:
    """Change a row and its commitment."""
    scene.run("UPDATE observation SET note = 'nichts' WHERE id = (SELECT min(id) FROM observation)")
    number = scene.one("SELECT min(id) FROM observation")
    recommit_row(scene.connection, "observation", number)


def forge_log(scene: Scene) -> None:
    """Change a row and make the whole log again, without the key."""
    scene.run("UPDATE refusal SET code = 'empty', message = 'leer'")
    scene.recommit()


def backdate(scene: Scene) -> None:
    """Add a row the proper way, that says it was written last week."""
    number = scene.number()
    scene.connection.execute(
        insert(T["refusal"]).values(
            id=number, locator="/presse/x.txt", code="empty", message="m", hint="h", kept=False,
            at=hour(-100),
        )
    )  # fmt: skip
    log.append_within(Unit(scene.connection, hour(99), 0))


def clock_back(scene: Scene) -> None:
    """Sign a checkpoint by a clock that was set back."""
    newest = checkpoints.latest(scene.connection)
    scene.connection.execute(
        insert(T["log_checkpoint"]).values(
            id=scene.number(), size=newest.size, note=newest.note,
            made_at=newest.made_at - timedelta(days=3),
        )
    )  # fmt: skip
    log.append_within(Unit(scene.connection, hour(99), 0))


def correct_a_right_clock(scene: Scene) -> None:
    """State that the clock ran ahead, so that rows of last week may follow the checkpoints."""
    newest = checkpoints.latest(scene.connection)
    at = newest.made_at - timedelta(days=7)
    scene.connection.execute(
        insert(T["clock_correction"]).values(
            id=scene.number(), at=at, since=at - timedelta(days=1), was=newest.made_at,
            recorded_at=at,
        )
    )  # fmt: skip
    log.append_within(Unit(scene.connection, hour(99), 0))


def truncate(scene: Scene) -> None:
    """Take the newest part of the log away, and all rows that it is about."""
    last = scene.one("SELECT min(id) FROM log_checkpoint")
    for table in RECORD:
        if table in SHAPES:
            scene.run(f"DELETE FROM {table} WHERE {SHAPES[table].key} >= :last", last=last - 50)
    cut_off(scene.connection, last - 50)
    scene.run("DELETE FROM log_tile WHERE last_seq >= :last", last=last - 50)


def unkey(scene: Scene) -> None:
    """Put another key into the archive, and sign everything with it."""
    other = Signer.generate(KEY.verifier.name)
    for signed in list(checkpoints.checkpoints(scene.connection)):
        text_of = Note.parse(signed.note).text
        scene.run("UPDATE log_checkpoint SET note = :note WHERE id = :id",
                  note=f"{text_of}\n{other.sign(text_of)}", id=signed.id)  # fmt: skip
    scene.run("UPDATE log_key SET vkey = :vkey", vkey=other.verifier.vkey)


def second_key(scene: Scene) -> None:
    """Add a key of the same log without an endorsement."""
    other = Signer.generate(KEY.verifier.name)
    scene.connection.execute(
        insert(T["log_key"]).values(
            id=scene.number(), vkey=other.verifier.vkey, size=1, made_at=hour(31)
        )
    )
    log.append_within(Unit(scene.connection, hour(99), 0))


def false_witness(scene: Scene) -> None:
    """Add a cosignature by someone else in the name of the witness."""
    signed = checkpoints.latest(scene.connection)
    other = Signer.generate(WITNESS.verifier.name, COSIGNATURE)
    line = cosign(other, Note.parse(signed.note).text, 1_700_000_000)
    scene.connection.execute(
        insert(T["log_cosignature"]).values(
            id=scene.number(), checkpoint_id=signed.id, vkey=WITNESS.verifier.vkey, line=line,
            received_at=hour(31),
        )
    )  # fmt: skip
    log.append_within(Unit(scene.connection, hour(99), 0))


def empty_in_silence(scene: Scene) -> None:
    number = scene.one("SELECT min(id) FROM wording")
    scene.run("UPDATE wording SET title = NULL, text = NULL WHERE id = :id", id=number)


def change_under_a_redaction(scene: Scene) -> None:
    """Redact a text properly, then change the rest of its row."""
    number = scene.one("SELECT min(id) FROM wording")
    unit = Unit(scene.connection, hour(31), scene.one("SELECT value FROM counter WHERE name='seq'"))
    scene.connection.execute(
        insert(T["redaction"]).values(
            id=unit.number(), table_name="wording", row_id=number, reason="mistake", at=hour(31)
        )
    )
    log.seal(unit, "wording", number, ("title", "text"))
    unit.close()
    forget_words(scene.connection, [number])
    empty_in_silence(scene)
    scene.run("DELETE FROM index_key WHERE wording_id = :id", id=number)
    log.append_within(unit)
    assert scene.findings() == set(), "the redaction itself is sound"
    scene.run("UPDATE wording SET recorded_at = :at WHERE id = :id", id=number,
              at="2020-01-01T00:00:00.000000+00:00")  # fmt: skip


def forget_texts(scene: Scene) -> None:
    """Empty the index of the search."""
    scene.run("DELETE FROM search_text" if scene.connection.dialect.name == "postgresql" else
              "INSERT INTO search_text (search_text) VALUES ('delete-all')")  # fmt: skip


def forget_sentences(scene: Scene) -> None:
    """Let the index of sentences know no sentence of any text."""
    scene.run("UPDATE sentence_text SET keys = '{}'" if scene.connection.dialect.name == "postgresql"
              else "INSERT INTO sentence_text (sentence_text) VALUES ('delete-all')")  # fmt: skip


def point_beyond(scene: Scene) -> None:
    """Let each layout name a paragraph that its wording does not have."""
    beyond = {
        "sqlite": "json_set(detail, '$.paragraphs[0]', json(:entry))",
        "postgresql": "jsonb_set(detail, '{paragraphs,0}', CAST(:entry AS jsonb))",
    }
    changed = f"UPDATE derivation SET detail = {beyond[scene.connection.dialect.name]}"
    scene.run(changed, entry='{"role": "text", "w": 9}')


def reword_layout(scene: Scene) -> None:
    """Change the text of a paragraph whose spaces the wording does not have."""
    kind = "jsonb" if scene.connection.dialect.name == "postgresql" else "text"
    other = f"CAST(replace(CAST(detail AS text), 'Lohe  stieg', 'Lohe  fiel') AS {kind})"
    scene.run(f"UPDATE derivation SET detail = {other}")


MOMENT = "2020-02-02T02:02:02.000000+00:00"
FOUND_ALONE: dict[str, tuple[Attack, str]] = {
    "flip a byte of a capture": (flip("capture", "data"), "bytes_damaged"),
    "flip a byte of a digest": (flip("capture", "digest"), "row_changed"),
    "flip a byte of a certificate": (flip("certificate", "chain"), "row_changed"),
    "flip a byte of a leaf": (forge("commitment"), "row_changed"),
    "flip a byte of a salt": (forge("opening"), "row_changed"),
    "flip a byte of the entries as they lie": (flip("log_run", "entries"), "not_logged"),
    "flip a byte of the salts as they lie": (flip("log_run", "openings"), "run_wrong"),
    "say that entries come later": (statement("UPDATE log_run SET start = start + 1"), "run_wrong"),
    "double a run of entries": (double_run, "run_wrong"),
    "flip a byte of a tile": (flip("log_tile", "digest"), "tile_wrong"),
    "change a text with its digest": (rewrite_wording, "row_changed"),
    "change bytes with digest and size": (rewrite_capture, "row_changed"),
    "change an address with its id": (rename_origin, "row_changed"),
    "change a no-break space into a blank": (
        statement("UPDATE wording SET text = replace(text, ' ', '\u00a0')"), "row_changed"),
    "change a step of a derivation": (
        statement("UPDATE derivation SET extractor_version = '9' WHERE id = (SELECT max(id) FROM derivation)"), "row_changed"),
    "change what a page said of its date": (
        statement("UPDATE derivation SET published = '1999'"), "row_changed"),
    "change the publisher": (statement("UPDATE derivation SET publisher = 'Lohebote'"), "row_changed"),
    "drop a refusal": (statement("DELETE FROM refusal"), "row_missing"),
    "drop a refusal with its entry": (drop_with_entry("refusal"), "tile_wrong"),
    "drop an observation": (
        statement("DELETE FROM observation WHERE id = (SELECT max(id) FROM observation)"), "row_missing"),
    "drop an observation with its entry": (drop_with_entry("observation"), "history_changed"),
    "drop a capture with its entry": (drop_with_entry("capture"), "history_changed"),
    "drop all that tells of redactions": (statement("DELETE FROM redaction"), "row_missing"),
    "undo an undo": (statement("DELETE FROM relation_undone"), "row_missing"),
    "undo the undoing of a lineage": (statement("DELETE FROM lineage_undone"), "row_missing"),
    "undo the undoing of a noise decision": (statement("DELETE FROM noise_step_undone"), "row_missing"),
    "double a refusal": (double("refusal"), "not_logged"),
    "double an observation": (double("observation"), "not_logged"),
    "double a relation as another kind": (double("relation", kind="contains"), "not_logged"),
    "put in an undoing": (double("relation_undone", relation_id=3), "not_logged"),
    "swap two texts": (swap("wording", "title", "text"), "row_changed"),
    "swap the captures of two observations": (swap("observation", "capture_id"), "row_changed"),
    "swap the times of two observations": (swap("observation", "observed_at"), "row_changed"),
    "give an entry to another table": (forge("kind"), "row_missing"),
    "reorder two entries": (reorder, "run_wrong"),
    "another recorded_at": (statement("UPDATE observation SET recorded_at = :at", at=MOMENT), "row_changed"),
    "another observed_at": (statement("UPDATE observation SET observed_at = :at", at=MOMENT), "row_changed"),
    "another status of a server": (statement("UPDATE observation SET http_status = 404"), "row_changed"),
    "another peer": (statement("UPDATE transfer SET peer = '192.0.2.1:443'"), "row_changed"),
    "a foreign capture as our own": (
        statement("UPDATE transfer SET is_foreign = NOT is_foreign"), "row_changed"),
    "a scan that was complete": (
        statement("UPDATE scan SET complete = NOT complete"), "row_changed"),
    "change a row and its commitment": (forge_entry, "tile_wrong"),
    "change a row and make the log anew without the key": (forge_log, "history_changed"),
    "truncate the log with its rows": (truncate, "reference_broken"),
    "truncate the entries alone": (
        lambda scene: cut_off(scene.connection, scene.one("SELECT min(id) FROM log_checkpoint") + 1), "not_logged"),
    "drop a tile": (statement("DELETE FROM log_tile"), "tile_wrong"),
    "say that the log goes further": (
        statement("UPDATE counter SET value = value + 9000 WHERE name = 'log'"), "position_wrong"),
    "forget that there is a log": (statement("DELETE FROM counter WHERE name = 'log'"), "position_missing"),
    "forget all checkpoints": (
        statement("DELETE FROM log_cosignature", "DELETE FROM log_checkpoint"), "row_missing"),
    "another key signs everything": (unkey, "row_changed"),
    "another key that nobody endorsed": (second_key, "key_not_endorsed"),
    "a witness that did not sign": (false_witness, "cosignature_wrong"),
    "a checkpoint by a clock set back": (clock_back, "clock_back"),
    "a row of today that says last week": (backdate, "backdated"),
    "a correction of a clock that was right": (correct_a_right_clock, "correction_wrong"),
    "take a text away in silence": (empty_in_silence, "emptied"),
    "change what a redaction left": (change_under_a_redaction, "row_changed"),
    "another archive's id": (statement("UPDATE archive SET value = 'x' WHERE key = 'id'"), "archive row_changed"),
    # the same in a table that the record computes: state
    "other words of a step": (statement("UPDATE version SET words_added = words_added + 1 WHERE number = 2"), "step_wrong"),
    "a change that its feed never reported": (statement("DELETE FROM change_event"), "events_wrong"),
    "a change that its feed withdrew": (statement("UPDATE change_event SET kind = 'withdrawn'"), "events_wrong"),
    "a silent step": (statement("UPDATE version SET silent = TRUE WHERE number = 2"), "step_wrong"),
    "other removed words": (statement("UPDATE version SET removed = '[\"x\"]' WHERE number = 2"), "step_wrong"),
    "other added words": (statement("UPDATE version SET added = '[\"etwas\"]' WHERE number = 2"), "step_wrong"),
    "another class of a step": (statement("UPDATE version SET changes = '[\"punctuation\"]' WHERE number = 2"), "step_wrong"),
    "other notices of a step": (statement("UPDATE version SET notices = '[]' WHERE number = 2"), "step_wrong"),
    "other noise of a step": (
        statement("UPDATE version SET noise = '[{\"rule\": \"box\", \"removed\": [], \"added\": [\"x\"]}]' WHERE number = 2"), "step_wrong"),
    "another version before a step": (statement("UPDATE version SET before_id = after_id WHERE number = 2"), "step_wrong"),
    "another method of a step": (statement("UPDATE version SET method = method + 1 WHERE number = 2"), "step_wrong"),
    "a member of a cluster less": (
        statement("DELETE FROM cluster_member WHERE article_id = (SELECT min(article_id) FROM cluster_member)"), "cluster_wrong"),
    "no members of clusters": (statement("DELETE FROM cluster_member"), "cluster_missing"),
    "another size of a cluster": (statement("UPDATE cluster SET size = size + 1"), "cluster size_wrong"),
    "a key of another wording": (
        statement("UPDATE index_key SET wording_id = (SELECT max(id) FROM wording) WHERE key = (SELECT min(key) FROM index_key)"), "index_key_wrong"),
    **{
        f"another key of kind {kind}": (
            statement(f"UPDATE index_key SET key = key + 1 WHERE key = (SELECT min(key) FROM index_key WHERE key / {1 << 45} = {kind})"), "index_key_wrong")
        for kind in (PASSAGE, TITLE, DAY)
    },
    "a key of no wording": (
        statement("UPDATE index_key SET wording_id = -1 WHERE key = (SELECT min(key) FROM index_key)"), "reference_broken"),
    "a version less": (statement("DELETE FROM version WHERE number = 2"), "article versions_wrong"),
    "a version at another time": (statement("UPDATE version SET changed_by = :at WHERE number = 2", at=MOMENT), "article version_wrong"),
    "a version that was seen for longer": (statement("UPDATE version SET last_seen = :at WHERE number = 2", at=MOMENT), "article version_wrong"),
    "a snapshot of another version": (statement("UPDATE snapshot SET version = 1 WHERE version = 2"), "article snapshot_wrong"),
    "a snapshot with another outcome": (statement("UPDATE snapshot SET outcome = 'unchanged' WHERE version = 2"), "article outcome_wrong"),
    "another state of an article": (statement("UPDATE article SET state = 'blocked'"), "article article_wrong"),
    "another number of versions": (statement("UPDATE article SET versions = 7"), "article article_wrong"),
    "another id of an article": (
        statement("UPDATE article SET public_id = 'abcdefgh' WHERE id = (SELECT min(id) FROM article)"), "article origin_wrong"),
    "another count of a job": (
        statement("UPDATE job SET unchanged = unchanged + 1 WHERE id = (SELECT min(id) FROM job WHERE kind = 'read')"), "job counts_wrong"),
    "a counter": (statement("UPDATE counter SET value = 1 WHERE name = 'seq'"), "wording counter_behind"),
    "texts that no search finds": (forget_texts, "wording not_searchable"),
    "texts whose sentences no look-up finds": (forget_sentences, "wording index_wrong"),
    # what contradicts the rest of the record
    "other bytes": (
        statement("UPDATE capture SET data = :bytes, encoding = 'raw' WHERE id = (SELECT min(id) FROM capture)", bytes=b"other"), "capture digest_wrong"),
    "bytes that cannot be unpacked": (
        statement("UPDATE capture SET data = :bytes, encoding = 'zstd' WHERE id = (SELECT min(id) FROM capture)", bytes=b"other"), "capture bytes_damaged"),
    "another size of a capture": (
        statement("UPDATE capture SET size = size + 1 WHERE id = (SELECT min(id) FROM capture)"), "capture size_wrong"),
    "bytes taken away in silence": (
        statement("UPDATE capture SET data = NULL WHERE id = (SELECT min(id) FROM capture)"), "capture emptied"),
    "another word of a text": (
        statement("UPDATE wording SET text = replace(text, 'Pegel', 'Kegel') WHERE id = (SELECT min(id) FROM wording)"), "wording digest_wrong"),
    "another title": (
        statement("UPDATE wording SET title = 'Der Damm bricht' WHERE id = (SELECT min(id) FROM wording)"), "wording digest_wrong"),
    "an address without its id": (
        statement("UPDATE origin SET origin = 'seed:presse/anders' WHERE origin = 'seed:presse/a.txt'"), "origin id_wrong"),
    "a derivation of another wording": (
        statement("UPDATE derivation SET wording_id = (SELECT max(id) FROM wording) WHERE id = (SELECT min(id) FROM derivation)"), "snapshot wording_wrong"),
    "a layout beyond its wording": (point_beyond, "derivation layout_wrong"),
    "a text that a layout holds itself": (reword_layout, "derivation wording_wrong"),
    "a verdict on nothing": (
        statement("UPDATE verdict SET observation_id = (SELECT id FROM observation WHERE outcome = 'gone') WHERE id = (SELECT min(id) FROM verdict)"),
        "observation verdict_unfounded"),
    "a verdict that is missing": (
        statement("DELETE FROM verdict WHERE id = (SELECT min(id) FROM verdict)"), "observation verdict_missing"),
    "a relation to nowhere": (statement("UPDATE relation SET b_origin_id = 999999 WHERE id = (SELECT min(id) FROM relation)"), "relation reference_broken"),
    "another time at which the archive was made": (
        statement("UPDATE archive SET value = '17' WHERE key = 'created_at'"), "archive row_changed"),
    "an archive without an id": (statement("DELETE FROM archive WHERE key = 'id'"), "archive row_changed"),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize(("attack", "kind"), FOUND_ALONE.values(), ids=FOUND_ALONE)
def test_verify_finds_it_alone(scene, attack, kind):
    attack(scene)
    assert any(each.endswith(f" {kind}") or each == kind for each in scene.findings())


SECOND = (
    "a version at another time", "a snapshot with another outcome", "another size of a cluster",
    "other bytes", "a text that a layout holds itself", "a verdict on nothing",
    "texts whose sentences no look-up finds",
)  # fmt: skip
THIRD = ("a version that was seen for longer", "another size of a capture")
FIRST = tuple(
    name for name, (_attack, kind) in FOUND_ALONE.items()
    if " " in kind and name not in {*SECOND, *THIRD, "bytes that cannot be unpacked"}
)  # fmt: skip
"""Damages of rows that do not hide each other: one verification finds all of them."""


@pytest.mark.parametrize("names", [FIRST, SECOND, THIRD], ids=["first", "second", "third"])
def test_verify_finds_all_damages_at_once(scene, names):
    for name in names:
        FOUND_ALONE[name][0](scene)
    assert {FOUND_ALONE[name][1] for name in names} - scene.findings() == set()


# ------------------------------------------------- what needs a checkpoint from outside


def stolen_key(change: Attack) -> Attack:
    """Change the record, make the log again and sign it with the stolen key."""

    def attack(scene: Scene) -> None:
        change(scene)
        scene.recommit(sign_by=KEY)

    return attack


def yesterday(scene: Scene) -> None:
    """Restore the whole state from before the checkpoint that a third party keeps."""
    first = Checkpoint.parse(Note.parse(scene.outside).text).size
    assert first > 100
    scene.run("DELETE FROM log_cosignature")
    scene.run("DELETE FROM log_stamp")
    scene.run("DELETE FROM log_checkpoint")
    scene.run("DELETE FROM log_key")
    last = entries_of(scene.connection)[first - 30][0]
    for table in SHAPES:
        if table in T and table != "archive":
            scene.run(f"DELETE FROM {table} WHERE {SHAPES[table].key} >= :last", last=last)
    cut_off(scene.connection, last)
    scene.run("DELETE FROM log_tile WHERE last_seq >= :last", last=last)
    key = T["log_key"]
    scene.connection.execute(
        insert(key).values(id=scene.number(), vkey=KEY.verifier.vkey, size=0, made_at=hour(0))
    )


NEEDS_OUTSIDE: dict[str, tuple[Attack, str]] = {
    "another refusal, re-signed": (
        stolen_key(statement("UPDATE refusal SET message = 'nie gesehen'")), "history_changed"),
    "another time seen, re-signed": (
        stolen_key(statement("UPDATE scan SET files = files + 1")), "history_changed"),
    "another hint, re-signed": (
        stolen_key(statement("UPDATE observation SET note = 'x'")), "history_changed"),
    "another method of a relation, re-signed": (
        stolen_key(statement("UPDATE relation SET method = 'hand'")), "history_changed"),
    "another peer, re-signed": (
        stolen_key(statement("UPDATE transfer SET peer = '192.0.2.1:443'")), "history_changed"),
    "the database of yesterday": (yesterday, "log_shorter"),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize(("attack", "kind"), NEEDS_OUTSIDE.values(), ids=NEEDS_OUTSIDE)
def test_only_a_checkpoint_from_outside_finds_it(scene, attack, kind):
    assert scene.findings(against=True) == set(), "an honest archive goes on from its checkpoint"
    attack(scene)
    alone = scene.findings()
    found = scene.findings(against=True)
    assert any(each.endswith(f" {kind}") for each in found)
    assert not any(each.endswith(f" {kind}") for each in alone)


def test_two_histories_for_two_people_are_distinguished(scene):
    """Each alone is sound; the checkpoint of one does not belong to the other."""
    scene.run("UPDATE observation SET note = 'nur für dich'")
    scene.recommit(sign_by=KEY)
    other = checkpoints.latest(scene.connection)
    assert scene.findings() == set()
    scene.outside, mine = other.note, scene.outside
    assert scene.findings(against=True) == set()
    scene.outside = mine
    assert {each.partition(" ")[2] for each in scene.findings(against=True)} == {"history_changed"}


def test_texts_that_wait_for_the_index_are_not_called_unsearchable(scene):
    forget_texts(scene)
    scene.run("INSERT INTO search_due (wording_id) SELECT id FROM wording")
    assert scene.findings() == set()


def test_each_table_of_the_log_has_a_row_in_the_record():
    assert set(TABLES.values()) >= set(SHAPES)
