"""Follows the view of refusals by `seq` until it is killed: python dying_reader.py URL FILE.

Each number that is new goes into FILE; its last whole line is the cursor. It loads a driver and
nothing else, so that it is at work soon after each start.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

NEXT = "SELECT seq FROM refusals WHERE seq > {} ORDER BY seq LIMIT 500"


def asking(url: str) -> Callable[[int], list[int]]:
    """Return what asks for the numbers above one."""
    if url.startswith("postgresql"):
        import psycopg  # SQLite needs none of it

        server = psycopg.connect(url, autocommit=True)
        return lambda last: [row[0] for row in server.execute(NEXT.format("%s"), [last])]
    file = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)
    return lambda last: [row[0] for row in file.execute(NEXT.format("?"), [last])]


def read_on(url: str, path: Path) -> None:
    """Append new rows, without an end."""
    ask = asking(url)
    with path.open("rb+") as file:
        whole = file.read().rpartition(b"\n")[0]
        file.truncate(len(whole) + bool(whole))
        file.seek(0, os.SEEK_END)
        last = int(whole.rpartition(b"\n")[2] or 0)
        sys.stdout.write("\n")
        sys.stdout.flush()
        while True:
            found = ask(last)
            file.write(b"".join(b"%d\n" % seq for seq in found))
            file.flush()
            last = found[-1] if found else last


if __name__ == "__main__":
    read_on(sys.argv[1], Path(sys.argv[2]))
