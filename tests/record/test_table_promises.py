"""What each table of the record states about its rows is true: a marker word shows where they get.

A marker is put into each salted column of each row of an archive with rows in all tables. Then
everything is redacted, restricted, exported and merged.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, LargeBinary, select, update

from storage.cli.exits import run
from storage.database.columns import JSON_TYPE
from storage.database.table_facts import RECORD_TABLES
from storage.database.tables.metadata import METADATA
from storage.database.views import VIEWS
from storage.values.fields import FIELDS, FieldForm
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from storage.write.redaction.restrict import restrict
from tests.flow.driver import Newsroom
from tests.verify.conftest import drop_guards
from worker.cli.commands import app

WHY = RedactionReason.GDPR_RESTRICTION
UNMARKED = {"digest", "public_id", "payload_digest", "chain", "hops", "teasers", "origin"}
"""Columns with a fixed form: digests, addresses, and lists from which others are computed."""
WITHOUT_EVIDENCE = {
    "certificate", "front", "lineage", "noise_step", "teaser",
    "redaction", "restriction", "restriction_lifted",
}  # fmt: skip
"""Tables whose rows `fill_record` invents; `tests/export` sends real ones to another archive, and
`tests/write/test_repeated_orders.py` orders."""
WITHOUT_ARTICLE = {"observation", "refusal"}
"""Tables with rows that belong to no article, such as refused files; nobody can restrict them."""


def marked_columns() -> Iterator[tuple[str, str, str]]:
    """Yield table, column and marker of each salted column that can contain a word."""
    for table in RECORD_TABLES:
        for name in table.log.salted if table.log else ():
            if name not in UNMARKED and not table.name.startswith("log_"):
                yield table.name, name, f"Marke-{table.name}-{name}-Wort"


def marked_fields(marker: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each field with the marker as its value, in the form of the field."""
    for field in FIELDS:
        value: Any = [marker] if field.form in {FieldForm.LIST, FieldForm.PEOPLE} else marker
        if field.form is FieldForm.DATE:
            value = {"value": marker, "precision": marker, "zone": None, "found_in": "json"}
        yield field.name, {"value": value, "found_in": "json"}


def mark(connection: Connection) -> None:
    drop_guards(connection)
    for table, name, marker in marked_columns():
        rows = METADATA.tables[table]
        for number, value in connection.execute(select(rows.c.id, rows.c[name])).all():
            marked: Any = marker
            if rows.c[name].type is JSON_TYPE:
                is_list = isinstance(value, list)
                marked = [*value, marker] if is_list else {**(value or {}), "mark": marker}
                if (table, name) == ("derivation", "detail"):
                    marked["fields"] = dict(marked_fields(marker))
            elif isinstance(rows.c[name].type, LargeBinary):
                marked = marker.encode()
            connection.execute(update(rows).where(rows.c.id == number).values({name: marked}))


@pytest.fixture
def marked(filled_url, tmp_path) -> Iterator[Newsroom]:
    newsroom = Newsroom(filled_url, tmp_path)
    with newsroom.archive.engine.begin() as connection:
        mark(connection)
    yield newsroom
    newsroom.close()


def markers_in(room: Newsroom, query: str) -> set[tuple[str, str]]:
    content = "\n".join(str(row) for row in room.rows(query))
    return {(table, name) for table, name, marker in marked_columns() if marker in content}


def test_a_redaction_leaves_only_the_columns_that_the_tables_state(marked):
    targets = [
        *(RedactionTarget(row["id"]) for row in marked.rows("SELECT id FROM article")),
        *(RedactionTarget(None, None, row["id"]) for row in marked.rows("SELECT id FROM origin")),
    ]
    redact_articles(marked.archive, targets, WHY, "ada", with_copies=True, with_addresses=True)
    tables = [table for table in RECORD_TABLES if table.log is not None]
    left = {
        place for table in tables for place in markers_in(marked, f"SELECT * FROM {table.name}")
    }
    markable = {(table, name) for table, name, _marker in marked_columns()}
    assert left == {(table.name, name) for table in tables for name in table.kept} & markable
    everywhere = {name for name in METADATA.tables if name not in {table.name for table in tables}}
    assert [
        (name, found)
        for name in everywhere
        if (found := markers_in(marked, f"SELECT * FROM {name}"))
    ] == []


def rows_by_key(room: Newsroom, view: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = room.rows(f"SELECT * FROM {view}")
    return {tuple(row[name] for name in VIEWS[view].key): dict(row) for row in rows}


def test_rows_of_views_that_a_redaction_changes_get_a_later_seq(marked):
    """`renewal_seq` in the query of a view reports what a redaction emptied in its table."""
    before = {view: rows_by_key(marked, view) for view in VIEWS}
    targets = [RedactionTarget(row["id"]) for row in marked.rows("SELECT id FROM article")]
    redact_articles(marked.archive, targets, WHY, "ada", with_copies=True)
    changed = [
        (view, row["seq"] > before[view][key]["seq"])
        for view in VIEWS
        for key, row in rows_by_key(marked, view).items()
        if row != before[view][key]
    ]
    assert ("versions", True) in changed
    assert [view for view, is_later in changed if not is_later] == []


def test_a_restriction_hides_the_columns_that_a_redaction_would_empty(marked):
    """Iterates over all views: a new view of a new table is tried too."""
    articles = [row["id"] for row in marked.rows("SELECT id FROM article")]
    marked.archive.transact(restrict, articles, WHY, "ada")
    kept = {(table.name, name) for table in RECORD_TABLES for name in table.kept}
    for view in VIEWS:
        shown = markers_in(marked, f"SELECT * FROM {view}") - kept
        assert {place for place in shown if place[0] not in WITHOUT_ARTICLE} == set(), view
    of_articles = "SELECT * FROM observations WHERE article IS NOT NULL"
    assert markers_in(marked, of_articles) == set()


def test_rows_get_into_another_archive_as_the_tables_state(kept, tmp_path, monkeypatch):
    monkeypatch.setenv("LESART_HOME", str(tmp_path / "home"))
    target = f"sqlite:///{tmp_path / 'target.sqlite3'}"
    other = Newsroom(target, tmp_path / "target")
    own = {t.name: other.number(f"SELECT count(*) FROM {t.name}") for t in RECORD_TABLES}
    assert run(app, ["merge", kept.url, "--archive", target]) in {0, 1}, "it names what was refused"
    came = {
        table.name: other.number(f"SELECT count(*) FROM {table.name}") > own[table.name]
        for table in RECORD_TABLES
        if table.log is not None and table.name not in WITHOUT_EVIDENCE
    }
    other.close()
    assert came == {
        table.name: table.transfer != "none" for table in RECORD_TABLES if table.name in came
    }
