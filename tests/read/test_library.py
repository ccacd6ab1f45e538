"""The library for Python programs: what `lesart` exports, and the classes of the views."""

import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, SQLModel, select

import lesart
from lesart import views
from storage.database.engine import database_url
from storage.database.tables.metadata import METADATA
from storage.database.views import VIEWS
from storage.read.filters import Clocks
from storage.values.answer import Answer
from storage.values.dates import iso_utc
from tests.read import user_program

ROOT = Path(__file__).resolve().parents[2]
CLASSES = {each.__tablename__: each for each in views.View.__subclasses__()}


def plain(value):
    return iso_utc(value) if hasattr(value, "tzinfo") else value


def test_each_view_has_a_class_with_its_columns_and_key():
    assert [*CLASSES] == [*VIEWS]
    for name, kind in CLASSES.items():
        table = kind.__table__
        assert [column.name for column in table.columns] == [*VIEWS[name].columns]
        assert {column.name for column in table.primary_key} >= {*VIEWS[name].key} - {"article"}
        assert table.metadata not in (METADATA, SQLModel.metadata)
    assert all(hasattr(lesart, name) for name in lesart.__all__)


def alias_of(module: str) -> str:
    """Return the name of a module in the stub: for the views of a capability, that of its folder."""
    return module.removesuffix(".view_sql").rpartition(".")[2]


def test_type_checkers_know_the_class_of_each_view():
    stub = (ROOT / "lesart/views.pyi").read_text("utf-8")
    named = re.findall(r"class (\w+)\(View, (\w+)\.(\w+)\)", stub)
    rows = [view.row for view in VIEWS.values()]
    modules = [(each.__name__, alias_of(each.__module__)) for each in rows]
    assert {*named} ^ {(name, module, name) for name, module in modules} == set()


def test_a_program_of_a_user_passes_the_type_checker_and_runs(archive):
    """mypy reads it with the product: `files` in pyproject.toml."""
    assert user_program.run(archive) == 2 * len(list(archive.changes()))


def yielded_classes(annotation) -> set[type]:
    parts = get_args(annotation)
    return {c for part in parts for c in yielded_classes(part)} if parts else {annotation}


def test_a_name_of_the_library_is_the_class_that_an_archive_returns(archive):
    methods = [each for name, each in inspect.getmembers(lesart.Archive) if callable(each)]
    returned = {
        kind
        for method in methods
        for kind in yielded_classes(inspect.get_annotations(method).get("return"))
        if isinstance(kind, type) and issubclass(kind, Answer)
    }
    assert len(returned) > 20
    assert {kind for kind in returned if getattr(lesart, kind.__name__, kind) is not kind} == set()
    change = next(archive.changes())
    assert isinstance(change, lesart.Change)
    assert isinstance(change.method, int)
    with archive.session() as session:
        assert isinstance(session.exec(select(views.Change.method)).first(), int)


NAIVE = datetime.fromisoformat("2024-06-18")
WRONG = {
    "a text that is no time": lambda archive: archive.with_clocks(as_of="gestern"),
    "a time without a zone": lambda archive: archive.with_clocks(as_of=NAIVE),
    "knowledge without a zone": lambda archive: archive.with_clocks(known_at=NAIVE),
    "clocks without a zone": lambda _: Clocks(NAIVE),
    "a span without a zone": lambda _: lesart.Filters(since=NAIVE),
    "a span of texts": lambda _: lesart.Filters(published_until="2024"),
    "an unknown class": lambda archive: archive.changes(classes=["numbr"]),
    "one class among others": lambda archive: archive.changes(classes=["number", "numbr"]),
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_argument_is_refused_where_it_is_given(archive, given):
    with pytest.raises(ValueError, match=r"gestern|with a zone|did you mean 'number'"):
        given(archive)


def test_a_text_may_name_the_moment_of_a_clock(archive):
    then = archive.with_clocks(as_of="2024-06")
    assert then.clocks.as_of == datetime(2024, 6, 30, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("name", VIEWS)
def test_a_session_reads_what_sql_reads(archive, name):
    kind = CLASSES[name]
    found = archive.sql(f"SELECT * FROM {name} ORDER BY seq")
    with archive.session() as session:
        rows = session.exec(select(kind).order_by(kind.seq)).all()
    told = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    assert len(rows) == len(told)
    for row, expected in zip(rows, told, strict=True):
        for column, value in expected.items():
            read = plain(getattr(row, column))
            assert read == value or read == json.loads(value), (column, read, value)


def test_a_session_of_the_user_reads_the_classes_and_the_database_refuses_changes(shared_url):
    engine = create_engine(database_url(shared_url))
    with Session(engine) as session:
        versions = session.exec(
            select(lesart.Version).where(lesart.Version.seq < 2**60, lesart.Version.version == 1)
        ).all()
        assert all(each.changed_by.tzinfo is not None for each in versions)
        article, versions[0].title = versions[0].article, "Anders"
        with pytest.raises(DatabaseError):
            session.commit()
    engine.dispose()
    with lesart.open_archive(shared_url) as archive:
        assert archive[f"{article}@1"].title != "Anders"


def test_an_archive_has_a_length_a_name_and_its_articles_and_versions(archive):
    articles = list(archive)
    assert len(archive) == len(articles) == 3
    assert archive[articles[0].article] == archive.version(articles[0].article)
    assert repr(archive) == f"<Archive {archive.place}>"
    assert "password" not in repr(archive)
    with pytest.raises(lesart.NoSuchError):
        archive["no-such-article"]
    with pytest.raises(TypeError, match="0 is no revision"):
        archive[0]
    there = [articles[0].article, f"{articles[0].article}@1", articles[0]]
    assert [each in archive for each in there] == [True] * 3
    absent = ["no-such-article", f"{articles[0].article}@99", "a@@b", 0, None]
    assert [each in archive for each in absent] == [False] * 5


def test_an_iterator_ends_with_its_archive(shared_url):
    with lesart.open_archive(shared_url) as archive:
        begun, unread, earlier = archive.articles(), archive.changes(), archive.with_clocks()
        next(begun)
    for after in (
        lambda: next(begun), lambda: list(unread), lambda: len(archive), lambda: len(earlier),
        lambda: archive.sql("SELECT 1"), lambda: archive.version("a"), lambda: archive.session().__enter__(),
    ):  # fmt: skip
        with pytest.raises(lesart.ArchiveClosedError, match="open it again"):
            after()


def test_the_packages_declare_their_types():
    assert all((ROOT / package / "py.typed").exists() for package in ("lesart", "storage"))
