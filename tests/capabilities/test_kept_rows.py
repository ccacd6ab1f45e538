"""The rows of a deleted capability: the program that is left keeps the promises about them."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.capabilities import CAPABILITIES
from storage.proof import log
from tests.flow.driver import SENTENCES, seed
from tests.flow.whole_record import add_row
from tests.tools.without import copy_program, delete

MARKER = "Flussmeisterin"
RESTORED = "--archive restored.sqlite3"


class Rest:
    """The program without a capability, in a scratch copy."""

    def __init__(self, name: str, folder: Path, archive: str) -> None:
        self.copy, self.archive = folder / "copy", archive
        self.copy.mkdir()
        copy_program(self.copy)
        delete(name, self.copy)

    def run(self, words: str, status: int = 0) -> str:
        """Run a command; return what it printed."""
        place = "" if RESTORED in words else f"--archive {self.archive}"
        own = {key: value for key, value in os.environ.items() if not key.startswith("LESART_")}
        ended = subprocess.run(
            [sys.executable, "-m", "worker", *words.split(), *place.split()], cwd=self.copy,
            env=own | {"PYTHONPATH": str(self.copy)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == status, f"{words}: {ended.stdout[-900:]}{ended.stderr[-900:]}"
        return ended.stdout if "jsonl" in words else ended.stdout + ended.stderr


def fill(room, facts) -> None:
    """Put rows of a capability with the marker into each column that a redaction empties."""
    emptied = {t.name: (*t.emptied, *t.emptied_address) for t in facts.record_tables}

    def add_marked(connection, table, **values):
        return add_row(connection, table, **values | dict.fromkeys(emptied.get(table, ()), MARKER))

    filling = import_module(f"tests.capabilities.{facts.name}.fill")
    with room.archive.engine.begin() as connection:
        filling.fill(connection, room.number("SELECT max(id) FROM observation"), add_marked)
        for table in (each for each in facts.state_tables if each.holds_text):
            if "wording" in table.references.values():
                connection.execute(text(f"UPDATE {table.name} SET words = '{MARKER}'"))
    log.append(room.archive.engine, room.archive.clock)


def markers(room, facts) -> int:
    """Return the number of rows of a capability with the marker."""
    tables = [table.name for table in (*facts.record_tables, *facts.state_tables)]
    return sum(MARKER in str(row) for each in tables for row in room.rows(f"SELECT * FROM {each}"))


@pytest.mark.slow
@pytest.mark.parametrize("facts", [
    pytest.param(each, id=each.name) for each in CAPABILITIES
    if any(table.emptied for table in each.record_tables) or each.name == "quotations"
])  # fmt: skip
def test_rows_of_a_deleted_capability_are_checked_redacted_and_copied(facts, room, tmp_path):
    room.write("a.txt", seed("Pegel steigt", SENTENCES[0]))
    for number in range(60):  # their entries fill a tile of the log
        room.write(f"{number}.txt", seed(f"Pegel {number}", f"{SENTENCES[1]} Satz {number}."))
    room.scan(0)
    fill(room, facts)
    assert markers(room, facts) > 0
    rest = Rest(facts.name, tmp_path, room.url)
    rest.run("verify")
    rest.run("db upgrade")
    rest.run("backup early.sqlite3")
    query = "SELECT article FROM observations ORDER BY id DESC LIMIT 1"
    name = room.rows(query)[0]["article"]
    rest.run(f"redact {name} --addresses --reason court_order --by ada")
    assert markers(room, facts) == 0
    for words in ("verify", "export --format jsonl", "backup b.sqlite3", "db upgrade", "verify"):
        assert MARKER not in rest.run(words)
    (rest.copy / "orders.jsonl").write_text(rest.run("redact --list --format jsonl"), "utf-8")
    for words in ("b.sqlite3", "early.sqlite3 --redactions orders.jsonl"):
        rest.run(f"restore {words} {RESTORED}")
        rest.run(f"verify {RESTORED}")
        assert MARKER.encode() not in (rest.copy / "restored.sqlite3").read_bytes()
        (rest.copy / "restored.sqlite3").unlink()
    tamper(room, facts)
    assert "row_changed" in rest.run("verify", 1)
    tamper(room, facts, back=True)


def tamper(room, facts, *, back: bool = False) -> None:
    """Change a plain value of a row, which the guards would refuse; `back` undoes that."""
    table, change = facts.record_tables[0].name, "- 1" if back else "+ 1"
    guard = f"guard_{table}_update"
    with room.archive.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {guard}"))
            column = "recorded_at = recorded_at " + change.replace("1", "interval '1 hour'")
            connection.execute(text(f"UPDATE {table} SET {column}"))
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {guard}"))
            return
        query = text("SELECT sql FROM sqlite_master WHERE name = :name")
        made = connection.execute(query, {"name": guard}).scalar_one()
        connection.execute(text(f"DROP TRIGGER {guard}"))
        years = ("2024", "2025") if not back else ("2025", "2024")
        column = f"recorded_at = replace(recorded_at, '{years[0]}', '{years[1]}')"
        connection.execute(text(f"UPDATE {table} SET {column}"))
        connection.exec_driver_sql(made)
