"""Archives that all tests of `verify` share: the usual press, and one with every table of the record."""

import gzip
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from storage.database.engine import database_url, writing_engine
from storage.proof import checkpoints, log
from tests.flow.driver import Newsroom, lines, page, seed
from tests.flow.whole_record import KEY, A, fill_record, log_record
from tests.read.conftest import (  # noqa: F401 -- fixtures
    _press_template,
    copied,
    dialect,
    press_url,
)


def fill(room: Newsroom) -> None:
    """Put a row into every table that is covered, with something in every column; sign it twice."""
    fill_record(room)
    room.write("b.txt", seed("Pegel steigt", f"{A} Das Wasser steht bei 3,6 Metern."))
    address = "https://presse.example/zweimal"
    bridge = "Die Brücke ist gesperrt. Sie bleibt es bis Montag."
    room.write("zweimal.md", page(bridge, url=address))
    room.write("liste.jsonl", lines({"eins": "Der erste Satz.", "zwei": "Der zweite Satz."}))
    table = f'title,text\nPegel,"{A}"\nOhne Text,\n'
    room.write("tabelle.csv.gz", gzip.compress(table.encode()))
    room.write("doppelt.txt", seed("Pegel steigt", A.replace(" stieg", "  stieg")))
    log_record(room)
    room.remove("viele/39.txt")
    room.write("spaet.txt", seed("Spät", f"{A} Am Abend."))
    room.scan(30)
    checkpoints.make(room.archive.engine, room.archive.clock, KEY)
    log.append(room.archive.engine, room.archive.clock)
    assert room.findings() == []


@pytest.fixture(scope="session")
def whole_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of an SQLite archive with every table of the record, without free pages."""
    root = tmp_path_factory.mktemp("whole")
    room = Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root)
    fill(room)
    room.close()
    with closing(sqlite3.connect(root / "lesart.sqlite3")) as connection:
        connection.execute("VACUUM")
    return root / "lesart.sqlite3"


@pytest.fixture(scope="session")
def _record_template(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    dialect: str,  # noqa: F811
) -> Iterator[str]:
    if dialect == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('whole_file')}"
        return
    with copied(request, dialect, None) as url:
        room = Newsroom(url, tmp_path_factory.mktemp("record"))
        fill(room)
        room.close()
        yield url


@pytest.fixture(scope="module")
def unguarded(
    request: pytest.FixtureRequest,
    dialect: str,  # noqa: F811
    _record_template: str,
) -> Iterator[Connection]:
    """Give a connection to a copy of the record whose guards are down; nothing of it is kept."""
    with copied(request, dialect, _record_template) as url:
        engine = writing_engine(database_url(url))
        with engine.connect() as connection, connection.begin() as transaction:
            drop_guards(connection)
            yield connection
            transaction.rollback()
        engine.dispose()


@pytest.fixture
def record_connection(unguarded: Connection) -> Iterator[Connection]:
    """Give the connection of `unguarded` for one test: its changes are rolled back."""
    with unguarded.begin_nested() as savepoint:
        yield unguarded
        savepoint.rollback()


@pytest.fixture
def path(whole_file: Path, tmp_path: Path) -> Path:
    """Give a copy of `whole_file`."""
    return Path(shutil.copy(whole_file, tmp_path))


def drop_guards(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP FUNCTION lesart_guard() CASCADE"))
        return
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard_%'"
    for name in connection.execute(text(query)).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}"))
