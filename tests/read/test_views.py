import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import get_args, get_origin, get_type_hints

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pydantic import TypeAdapter, ValidationError
from sqlmodel import select

from lesart import views
from storage.capabilities import CAPABILITIES
from storage.database import schema
from storage.database.engine import database_url as parsed
from storage.database.engine import writing_engine
from storage.database.rows import fetch
from storage.database.schema_version import HEAD
from storage.database.tables import TRANSFER, VERSION
from storage.database.tables.metadata import METADATA
from storage.database.views import VIEWS
from storage.read import lists
from storage.read.archive import ReadOnlyArchive, open_archive
from storage.read.query.records import RecordList
from tests.flow.driver import Newsroom, seed
from tests.flow.whole_record import fill_record
from tests.read.press import LEAD, Press, draft
from tests.verify.conftest import drop_guards

pytestmark = pytest.mark.postgresql("fast")

GOLDEN = {
    "articles": "seq article id origin origins source title published published_precision "
    "published_from published_to language publisher versions state first_seen last_seen cluster "
    "changed_after changed_by",
    "versions": "seq article version wording title text language authors publisher section tags "
    "published published_precision published_from published_to modified modified_precision "
    "word_count flags changed_after changed_by first_seen last_seen raw_digest rows_after",
    "fields": "seq article version name value found_in confidence candidates",
    "changes": "seq article version wording occurrence changed_after changed_by first_seen last_seen title "
    "changes silent words_added words_removed removed added noise notices method",
    "entries": "seq article version entry event entry_before time headline text changed_after "
    "changed_by",
    "observations": "seq article origin observed_at recorded_at foreign outcome http_status "
    "version wording raw_digest note checks until id",
    "relations": "seq id a b kind score method threshold earlier agency decided_at undone_at",
    "noise": "seq id article rules wording_before wording_after observed_at method decided_at "
    "undone_at",
    "addresses": "seq article origin first_seen last_seen redirected_since redirected_until joined_by "
    "joined_to joined_at lineage undone_at id",
    "transfers": "seq article origin observed_at foreign address http_status hops request "
    "response_headers peer tls_version certificate duration_ms wire_bytes body_encoding rights id",
    "refusals": "seq job locator code message hint kept raw_digest at source id",
    "jobs": "seq job kind source state trigger attempts created_at started_at finished_at reason "
    "seen new_articles new_versions unchanged noise copies refused failed gone passed_over seconds parent unconfirmed",
}


DECLARATION = {"name": "robots", "value": "noai", "protocol": "robots", "machine_readable": True}
ENTRY = {
    "id": "e1", "op": "changed", "was": "e0", "time": "12:00", "headline": "Damm", "text": "Hält."
}  # fmt: skip
for _each in CAPABILITIES:
    GOLDEN |= import_module(f"tests.capabilities.{_each.name}.fill").VIEWS

OF_THE_WEB = {"transfers", "teasers", "fronts", "entries"} | {
    name for each in CAPABILITIES for name in each.views
}
"""Views without rows here: nothing came over a wire, and nothing is a live blog."""


def rows_of(archive, query: str, **parameters: object) -> list[dict[str, object]]:
    found = archive.sql(query, parameters)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def is_common(name: str | None, kind: str, _parents: object) -> bool:
    """Return whether a table or an index is there on both databases."""
    return (
        name != "index_key_by_key"
        if kind == "index"
        else kind != "table" or name in METADATA.tables
    )


def test_a_new_archive_has_exactly_the_tables_of_the_table_classes(database_url):
    engine = writing_engine(parsed(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": is_common}
        )
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_upgrading_again_changes_nothing(database_url):
    engine = writing_engine(parsed(database_url))
    assert schema.upgrade(engine) == (HEAD, HEAD)
    engine.dispose()


def test_views_that_were_dropped_come_back_by_an_upgrade(press_url):
    engine = writing_engine(parsed(press_url))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP VIEW changes"))
    schema.upgrade(engine)
    engine.dispose()
    with open_archive(press_url) as archive:
        assert len(rows_of(archive, "SELECT * FROM changes")) == 2


def test_the_contract_names_every_view():
    assert tuple(GOLDEN) == tuple(VIEWS)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_same_columns_on_both_databases(archive, view):
    found = archive.sql(f"SELECT * FROM {view}")
    assert " ".join(found.columns) == GOLDEN[view]
    assert list(found.rows) or view in OF_THE_WEB


@pytest.fixture(scope="module")
def whole(empty_copy, tmp_path_factory) -> Iterator[ReadOnlyArchive]:
    """Give an archive with rows in all views."""
    room = Newsroom(empty_copy, tmp_path_factory.mktemp("whole"))
    fill_record(room)
    room.write("a.txt", seed("Pegel sinkt", "Ein neuer Satz."))
    room.scan(1)
    with room.archive.engine.begin() as connection:
        drop_guards(connection)
        connection.execute(TRANSFER.update().values(rights={"declared": {"page": [DECLARATION]}}))
        connection.execute(VERSION.update().values(entries=[ENTRY]))
    room.close()
    with open_archive(empty_copy) as archive:
        yield archive


@pytest.mark.parametrize("column", ["article", "version", "changed_by"])
def test_no_row_is_found_by_an_empty_list(whole, column):
    """Of each type of columns: PostgreSQL compares no text and no time with a number."""
    with whole.connect() as connection:
        query = f"SELECT * FROM versions WHERE {column} IN :wanted"
        assert fetch(connection, query, {"wanted": []}) == []


@pytest.mark.parametrize("view", VIEWS)
def test_each_value_of_a_view_has_the_declared_type(whole, view):
    """Reads each view as the program does, and as `lesart.views` does."""
    with whole.connect() as connection:
        found = fetch(connection, f"SELECT * FROM {view}", {}, view)
    with whole.session() as session:
        mapped = session.exec(select(getattr(views, VIEWS[view].row.__name__))).all()
    assert found, "an empty view shows no types"
    assert len(mapped) == len(found)
    wrong = {
        f"{name}: {declared} is {value!r}"
        for row in (*found, *(vars(each) for each in mapped))
        for name, declared in VIEWS[view].columns.items()
        if not is_of(declared, value := row[name])
    }
    assert wrong == set()


RECORD_LISTS = [each for each in vars(lists).values() if isinstance(each, RecordList) and each.view]
LEFT_OUT = {
    "ArticleLine": {"id", "published", "published_precision"},
    "VersionLine": {"removed", "added", "noise", "notices", "method", "occurrence"},
    "Observation": {"id"},
    "Refusal": {"id"},
    "RightsDeclaration": {"id"},
}
"""Columns of the view that a record has in another form, or that another record has."""
COMPUTED = {"NoiseStep": {"version"}, "Refusal": {"times", "first_at"}}
"""Fields that a query adds to the columns of its view."""


@pytest.mark.parametrize("listed", RECORD_LISTS, ids=lambda each: each.kind.__name__)
def test_a_record_has_the_columns_of_its_view_with_their_types(listed):
    kind, columns = listed.kind.__name__, VIEWS[listed.view].columns
    hints = get_type_hints(listed.kind)
    fields = {
        name: list[get_args(hint)[0]] if get_origin(hint) is tuple else hint
        for name, hint in hints.items()
        if name in listed.kind.names() and name not in {"cursor", *listed.computed}
    }
    assert set(fields) - set(columns) == COMPUTED.get(kind, set())
    assert set(columns) - set(fields) - {"seq"} == LEFT_OUT.get(kind, set())
    of_view = {name: columns[name] for name in columns if name in fields}
    assert {name: fields[name] for name in of_view} == of_view


def is_of(declared: object, value: object) -> bool:
    try:
        TypeAdapter(declared).validate_python(value, strict=True)
    except ValidationError:
        return False
    return not isinstance(value, datetime) or value.tzinfo is UTC


@pytest.mark.parametrize("view", VIEWS)
def test_every_row_of_a_view_has_a_number_of_its_own(archive, view):
    numbers = [row["seq"] for row in rows_of(archive, f"SELECT seq FROM {view}")]
    assert all(isinstance(number, int) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_both_databases_show_the_same_values(archive):
    version = rows_of(archive, "SELECT * FROM versions WHERE version = 2")[0]
    assert version["wording"].startswith("w1:73ffc9355d")
    assert json.loads(version["authors"]) == ["Ada Lohe"]
    assert json.loads(version["tags"]) == ["Hochwasser"]
    assert json.loads(version["flags"]) == []
    assert version["section"] == "Region"
    assert version["published"] == "2024-06"
    assert version["published_from"] == "2024-06-01T00:00:00.000000+00:00"
    assert version["published_to"] == "2024-06-30T23:59:59.000000+00:00"
    assert version["changed_after"] == "2024-06-18T02:00:00.000000+00:00"
    assert version["last_seen"] == "2024-06-18T04:00:00.000000+00:00"
    assert len(version["raw_digest"]) == 64


def test_fields_report_each_value_as_json_with_where_it_was_found(archive):
    query = "SELECT name, value, found_in, candidates FROM fields WHERE version = 2"
    found = {row["name"]: row for row in rows_of(archive, query)}
    assert set(found) == {"language", "published", "authors", "tags", "section", "publisher"}
    assert json.loads(found["authors"]["value"]) == ["Ada Lohe"]
    assert json.loads(found["section"]["value"]) == "Region"
    assert json.loads(found["published"]["value"])["precision"] == "month"
    assert found["section"]["found_in"] == "front matter"
    assert json.loads(found["section"]["candidates"]) == []


def test_a_refused_file_is_an_observation_of_no_article(archive):
    query = "SELECT article, outcome, version FROM observations WHERE origin = :origin"
    found = rows_of(archive, query, origin="seed:seeds/leer")
    assert found[0] == {"article": None, "outcome": "refused", "version": None}


def test_an_umlaut_in_a_passage_is_found_by_like(database_url):
    press = Press(database_url)
    press.scan(0, a=draft("A", "Die Böen waren stark."))
    press.scan(1, a=draft("A", "Die Wellen waren stark."))
    press.close()
    with open_archive(database_url) as archive:
        query = "SELECT article FROM changes WHERE CAST(removed AS text) LIKE :like"
        assert len(rows_of(archive, query, like="%Böen%")) == 1


def test_unread_captures_are_not_reported_as_observations_yet(database_url):
    press = Press(database_url)
    job = press.capture_only(0, a=draft("A", "Ein Satz."))
    with open_archive(database_url) as archive:
        assert rows_of(archive, "SELECT * FROM observations") == []
        assert archive.stats().to_read == 1
        press.read(job)
        assert [row["outcome"] for row in rows_of(archive, "SELECT * FROM observations")] == [
            "content"
        ]
    press.close()


def test_a_job_is_running_while_its_parts_are_not_done(database_url):
    press = Press(database_url)
    job = press.capture_only(0, a=draft("A", "Ein Satz."))
    with open_archive(database_url) as archive:
        (before,) = rows_of(archive, "SELECT * FROM jobs WHERE job = :job", job=job)
        press.read(job)
        (after,) = rows_of(archive, "SELECT * FROM jobs WHERE job = :job", job=job)
    press.close()
    assert (before["state"], before["finished_at"], before["seen"]) == ("running", None, 0)
    assert (after["state"], after["seen"], after["new_articles"]) == ("done", 1, 1)
    assert after["finished_at"] is not None
    assert after["seq"] > before["seq"]


@pytest.mark.slow
def test_reading_rows_above_the_last_number_keeps_a_copy_in_step(database_url):
    """After each scan only the rows above the last number are read; the copy stays whole."""
    a, b = (draft("Damm", LEAD, text) for text in ("Er hält.", "Er bricht."))
    late = draft("Damm", LEAD, "Er wankt.")
    copies: dict[str, dict[tuple[object, ...], dict[str, object]]] = {view: {} for view in VIEWS}
    last = dict.fromkeys(VIEWS, 0)
    press = Press(database_url)
    steps = (
        {"one": a, "two": draft("Fähre", "Sie liegt fest.")},
        {},
        {},
        {"one": b},
        {"three": b},
        {"two": None},
        {"one": a},
        {"one": late, "two": draft("Fähre", "Sie fährt.")},
        {},
    )
    with open_archive(database_url) as archive:
        for at, step in enumerate(steps):
            press.scan(at, **step)
            for view in VIEWS:
                fresh = rows_of(archive, f"SELECT * FROM {view} WHERE seq > :last", last=last[view])
                for row in fresh:
                    copies[view][tuple(row[name] for name in VIEWS[view].key)] = row
                last[view] = max([last[view], *(row["seq"] for row in fresh)])
        for view in VIEWS:
            whole = rows_of(archive, f"SELECT * FROM {view}")
            expected = {tuple(row[name] for name in VIEWS[view].key): row for row in whole}
            assert copies[view] == expected, view
    press.close()


def test_a_scan_without_change_returns_only_the_confirmed_rows(database_url):
    press = Press(database_url)
    press.scan(0, one=draft("A", "Ein Satz."), two=draft("B", "Noch einer."))
    press.scan(1, two=None)
    with open_archive(database_url) as archive:
        last = max(row["seq"] for row in rows_of(archive, "SELECT seq FROM articles"))
        assert rows_of(archive, "SELECT * FROM articles WHERE seq > :last", last=last) == []
        press.scan(2)
        query = "SELECT origin, last_seen FROM articles WHERE seq > :last"
        assert rows_of(archive, query, last=last) == [
            {"origin": "seed:seeds/one", "last_seen": "2024-06-18T02:00:00.000000+00:00"}
        ]
        press.scan(3, complete=False)
        assert rows_of(archive, query, last=last)[0]["last_seen"].startswith("2024-06-18T02")
    press.close()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_the_reader_of_a_postgres_archive_sees_only_views(shared_url):
    engine = writing_engine(parsed(shared_url))
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SET ROLE lesart_reader"))
        for view in VIEWS:
            number = connection.execute(sqlalchemy.text(f"SELECT count(*) FROM {view}")).scalar()
            assert number or view in OF_THE_WEB
        for table in METADATA.tables:
            with pytest.raises(sqlalchemy.exc.ProgrammingError), connection.begin_nested():
                connection.execute(sqlalchemy.text(f'SELECT * FROM "{table}"'))
    engine.dispose()
