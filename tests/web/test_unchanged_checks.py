"""What a check that finds nothing new adds to the archive, as the documentation states it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.database.tables.metadata import METADATA
from tests.capabilities.front_pages.test_changing_queries import CHANGING, address
from tests.capabilities.front_pages.test_front_pages import FRONT, front, teaser
from tests.collect.test_lists import rss
from tests.flow.driver import SENTENCES, seed
from tests.web.desk import PEGEL, A, Desk
from tests.web.site import page
from worker.capabilities.browser_pages.browser import PROGRAM

ROOT = Path(__file__).resolve().parents[2]
FEED = "https://zeitung.example/feed.xml"
COUNTED_APART = frozenset({"counter", "archive", "host"})
"""Tables whose rows do not grow with checks."""


@dataclass(frozen=True)
class Kind:
    """A kind of checks: `publish` puts what check number n finds, `watch` makes the source."""

    publish: Callable[[Desk, int], None]
    watch: Callable[[Desk], Any]


def _put_front(desk: Desk, check: int, query: Callable[[int, int], str], token: str) -> None:
    links = [
        teaser(address(n, query(n, check)), f"Bericht vom Kanal Nummer {n} von heute").replace(
            "?utm_source=start", ""
        )
        for n in range(30)
    ]
    desk.web.put(FRONT, front(*links, token=token))


KINDS = {
    "a folder": Kind(
        lambda desk, _check: (
            desk.write("a.txt", seed("Pegel", SENTENCES[0]))
            if not (desk.folder / "a.txt").exists()
            else None
        ),
        lambda desk: desk.source,
    ),
    "a page": Kind(
        lambda desk, _check: desk.web.put(A, page("Pegel steigt", PEGEL)),
        lambda desk: desk.watch_page(A),
    ),
    "a page read by a browser": Kind(
        lambda desk, check: desk.web.put(
            A, page("Pegel steigt", PEGEL, head=f"<script>document.title = {check}</script>")
        ),
        lambda desk: desk.watch_page(A, options={"browser": "always"}),
    ),
    "a feed and one of its pages": Kind(
        lambda desk, _check: (
            desk.web.put(FEED, rss(("Pegel steigt", A))),
            desk.web.put(A, page("Pegel", PEGEL)),
        ),
        lambda desk: desk.watch_page(FEED, kind="feed"),
    ),
    "a front page, same bytes": Kind(
        lambda desk, _check: _put_front(desk, 0, lambda _n, _check: "", ""),
        lambda desk: desk.watch_page(FRONT, kind="front"),
    ),
    "a front page, other bytes, same teasers": Kind(
        lambda desk, check: _put_front(desk, check, lambda _n, _check: "", str(check)),
        lambda desk: desk.watch_page(FRONT, kind="front"),
    ),
    "a front page, 30 links with another session": Kind(
        lambda desk, check: _put_front(desk, check, CHANGING["session"], ""),
        lambda desk: desk.watch_page(FRONT, kind="front"),
    ),
}


def stated() -> dict[str, tuple[dict[str, int], int, int]]:
    """Return the rows by table and the bytes on both databases that the documentation states."""
    lines = (ROOT / "docs" / "performance.md").read_text().splitlines()
    found = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in KINDS:
            rows = {name: int(n) for n, name in re.findall(r"(\d+) `(\w+)`", cells[1])}
            found[cells[0]] = (rows, *(int(cell.replace(",", "")) for cell in cells[2:4]))
    return found


def sizes(desk: Desk) -> tuple[dict[str, int], int]:
    """Return the number of rows by table, and the bytes of all rows (SQLite: with indexes)."""
    is_postgres = desk.archive.engine.dialect.name == "postgresql"
    rows, size = {}, 0
    with desk.archive.engine.connect() as connection:
        for name in METADATA.tables:
            rows[name] = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            if is_postgres:
                query = f"SELECT coalesce(sum(pg_column_size(t.*)), 0) FROM {name} t"
                size += int(connection.execute(text(query)).scalar_one())
        if not is_postgres:
            size = connection.execute(text("SELECT sum(payload) FROM dbstat")).scalar_one()
    return rows, size


BY_BROWSER = (
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=BY_BROWSER if "browser" in each else ()) for each in KINDS]
)
def test_a_check_that_finds_nothing_new_adds_what_is_stated(desk, name):
    kind = KINDS[name]
    kind.publish(desk, 0)
    source = kind.watch(desk)
    for check in range(1, 3):  # the first finds the text, the second what a check has beside it
        desk.look(source, at=check)
        kind.publish(desk, check)
    before, size = sizes(desk)
    desk.look(source, at=3)
    after, grown = sizes(desk)
    added = {
        table: after[table] - before[table]
        for table in after
        if after[table] != before[table] and table not in COUNTED_APART
    }
    rows, on_sqlite, on_postgres = stated()[name]
    assert added == rows
    is_sqlite = desk.archive.engine.dialect.name == "sqlite"
    assert grown - size == pytest.approx(on_sqlite if is_sqlite else on_postgres, rel=0.15, abs=60)
