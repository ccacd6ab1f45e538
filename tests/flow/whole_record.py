"""An archive with a row in every table of the record."""

from importlib import import_module
from typing import Any

from sqlalchemy import Connection, insert, text

from storage.capabilities import CAPABILITIES
from storage.database.tables.metadata import METADATA
from storage.proof import checkpoints, log
from storage.proof.external.requests import store_stamp
from storage.proof.note import COSIGNATURE, Note, Signer
from storage.proof.stamp import read_stamp_time
from storage.write.undo import undo
from tests.authority import authority
from tests.capabilities.unconfirmed.pages import LOG_IN
from tests.flow.driver import SENTENCES, START, Newsroom, page, seed
from tests.proof.grown import cosign
from tests.warcs import answer, request, response
from tests.warcs import page as saved_page

A, B, *_ = SENTENCES
KEY = Signer.generate("archiv.example/log", seed=bytes(range(32)))
WITNESS = Signer.generate("zeuge.example/w", COSIGNATURE, seed=bytes(range(1, 33)))


def fill_record(room: Newsroom) -> None:
    """Put a row into every table of the record but the log."""
    room.write("a.txt", seed("Pegel steigt", A))
    room.write("b.txt", seed("Pegel steigt", A))
    room.write("leer.txt", "")
    room.write("auch-leer.txt", "")
    room.write("d.md", page(B))
    address, seen_at = "https://presse.example/b", "2024-06-17T06:00:00Z"
    capture = response(address, seen_at, answer(saved_page("Pegel fällt", A, B)))
    wall = response("https://presse.example/konto", seen_at, answer(LOG_IN.encode()))
    room.write("e.warc", capture + request(address, seen_at) + wall)
    room.scan(0)
    relation = room.rows("SELECT id FROM relations ORDER BY decided_at DESC, id DESC")[0]["id"]
    room.archive.transact(undo, relation, "Zufall")
    with room.archive.engine.begin() as connection:
        add_row(
            connection, "redaction", table_name="origin", row_id=0, at=START, reason="nur zum Test"
        )
        of_files = "WHERE id NOT IN (SELECT observation_id FROM transfer)"
        _add_web(connection, *room.rows(f"SELECT id, locator_id FROM observation {of_files}")[:2])
        seen = room.rows("SELECT * FROM snapshot WHERE wording_id IS NOT NULL ORDER BY seq")[0]
        noise = add_row(
            connection, "noise_step", rules=["email"], method="noise/1",
            origin_id=seen["origin_id"], observation_id=seen["observation_id"],
            **{f"{side}_{part}_id": seen[f"{part}_id"] for side in "ab" for part in ("derivation", "wording")},
        )  # fmt: skip
        add_row(connection, "noise_step_undone", noise_step_id=noise, reason="Irrtum")
        origin = room.number("SELECT min(id) FROM origin")
        restriction = add_row(
            connection, "restriction", origin_id=origin, reason="mistake", actor="ada", at=START
        )
        add_row(connection, "restriction_lifted", restriction_id=restriction, actor="ada", at=START)
        add_row(connection, "clock_correction", at=START, since=START, was=START)
        of_files = "SELECT max(observation_id) AS id FROM snapshot WHERE observation_id NOT IN (SELECT observation_id FROM transfer)"
        of_a_file = room.number(of_files)
        for each in CAPABILITIES:
            filling = import_module(f"tests.capabilities.{each.name}.fill")
            filling.fill(connection, of_a_file, add_row)


def log_record(kept: Newsroom, signer: Signer = KEY) -> None:
    """Log all that is there: entries, a full tile, a cosigned checkpoint."""
    for number in range(40):
        kept.write(f"viele/{number}.txt", seed(f"Pegel {number}", f"{A} Das ist Satz {number}."))
    kept.scan(1)
    engine, clock = kept.archive.engine, kept.archive.clock
    made = checkpoints.make(engine, clock, signer)
    line = cosign(WITNESS, Note.parse(made.note).text, int(kept.now.timestamp()))
    with kept.archive.unit() as unit:
        assert checkpoints.store_cosignatures(unit, made, [(WITNESS.verifier, line)]) == [line]
        stamp = authority("one").stamp_of(made.note.encode())
        store_stamp(unit, made, "one", stamp, read_stamp_time(stamp, made.note, None))
    log.append(engine, clock)


def _add_web(connection: Connection, one: Any, other: Any) -> None:
    """Add the rows of web sources: certificates, transfers, joined addresses."""
    certificate = add_row(connection, "certificate", digest=b"c" * 32, chain=b"PEM")
    add_row(
        connection, "transfer", observation_id=one["id"], address="https://presse.example/a",
        hops=[], certificate_id=certificate, is_foreign=False,
    )  # fmt: skip
    lineage = add_row(
        connection, "lineage", kind="redirect", origin_id=one["locator_id"],
        to_origin_id=other["locator_id"],
    )  # fmt: skip
    add_row(connection, "lineage_undone", lineage_id=lineage, reason="Irrtum")


def add_row(connection: Connection, table: str, **values: Any) -> int:
    columns = METADATA.tables[table].columns
    number = connection.execute(
        text("UPDATE counter SET value = value + 1 WHERE name = 'seq' RETURNING value")
    ).scalar()
    fitting = {name: value for name, value in values.items() if name in columns}
    missing = {
        column.name: 0 if column.name.endswith("_id") else START if "at" in column.name else "x"
        for column in columns
        if not column.nullable and column.name not in {*fitting, "id"}
    }
    connection.execute(insert(METADATA.tables[table]).values(id=number, **fitting, **missing))
    return int(number)
