"""The library for Python programs: what `lesart` exports, and the classes of the views."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, SQLModel, select

import lesart
from lesart import views
from storage.database.engine import database_url
from storage.database.rows import iso_utc
from storage.database.tables import METADATA
from storage.database.views import COLUMNS
from tests.read.test_views import KEYS

ROOT = Path(__file__).resolve().parents[2]
CLASSES = {each.__tablename__: each for each in views.View.__subclasses__()}


def plain(value):
    return iso_utc(value) if hasattr(value, "tzinfo") else value


def test_each_view_has_a_class_with_its_columns_and_key():
    assert [*CLASSES] == [*COLUMNS]
    for name, kind in CLASSES.items():
        table = kind.__table__
        assert [column.name for column in table.columns] == [*COLUMNS[name]]
        assert {column.name for column in table.primary_key} >= set(KEYS[name]) - {"article"}
        assert table.metadata not in (METADATA, SQLModel.metadata)
        assert getattr(lesart, kind.__name__) is kind
    assert all(hasattr(lesart, name) for name in lesart.__all__)


@pytest.mark.parametrize("name", COLUMNS)
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
