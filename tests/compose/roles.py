"""The roles of the stack, as storage/database/roles.sql makes them."""

import re
from pathlib import Path

import psycopg

SCRIPT = Path(__file__).resolve().parents[2] / "storage/database/roles.sql"


def make_roles(url: str) -> None:
    """Run the statements that psql would send; passwords come from files that are not here."""
    lines = [each for each in SCRIPT.read_text().splitlines() if not each.startswith(("--", "\\"))]
    script = re.sub(r":'(\w+)'", r"'\1'", "\n".join(lines))
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in filter(None, map(str.strip, script.split(";"))):
            connection.execute(statement)
