"""The base class of tables and constructors of their columns."""

from collections.abc import Sequence
from types import UnionType
from typing import Any, ClassVar, get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
)
from sqlalchemy import text as sql

from storage.database.columns import JSON_TYPE, UtcTime

METADATA = MetaData()
_KINDS = {bool: Boolean, int: Integer, float: Float}
"""The types of columns that have no more than an annotation."""


def column(kind: Any, *, nullable: bool = False, **options: Any) -> Any:
    return Column(kind, nullable=nullable, **options)


def key_column() -> Any:
    return column(BigInteger, primary_key=True, autoincrement=False)


def big_column(**options: Any) -> Any:
    return column(BigInteger, **options)


def digest_column(**options: Any) -> Any:
    return column(LargeBinary(32), **options)


def string_column(length: int, **options: Any) -> Any:
    return column(String(length), **options)


def time_column(*, nullable: bool = False) -> Any:
    return column(UtcTime(), nullable=nullable)


def json_column(*, nullable: bool = True) -> Any:
    return column(JSON_TYPE, nullable=nullable)


def text_column(*, nullable: bool = True, **options: Any) -> Any:
    return column(Text, nullable=nullable, **options)


def bytes_column(*, nullable: bool = True) -> Any:
    return column(LargeBinary, nullable=nullable)


def partial_index(name: str, *columns: str, where: str) -> Index:
    """Return an index of the rows for which `where` is true."""
    return Index(name, *columns, info={"where": sql(where)})


@event.listens_for(METADATA, "before_create")
def set_index_options(
    _metadata: object, connection: Connection, *, tables: Sequence[Table], **_options: object
) -> None:
    """Give the indexes their options for the database.

    SQLAlchemy would load both dialects for `sqlite_where` and `postgresql_where` of a definition.
    """
    dialect = connection.dialect.name
    for table in tables:
        for index in table.indexes:
            options = {f"{dialect}_where": index.info["where"]} if "where" in index.info else {}
            if dialect == "postgresql" and "using" in index.info:
                options["postgresql_using"] = index.info["using"]
            index.dialect_kwargs.update(options)


class Row:
    """The base class of tables: the annotations of a class are the columns of its table.

    A column of numbers or truth values needs no more than its annotation and its default. The
    table name is the class name in lower case: `LogTileRow` is `log_tile`. Rows are written and
    read as mappings, so the classes are no models: see decision record 0030.
    """

    metadata: ClassVar = METADATA
    __tablename__: ClassVar[str]
    __table__: ClassVar[Table]

    def __init_subclass__(cls) -> None:
        columns = []
        for name, declared in cls.__annotations__.items():
            given = cls.__dict__.get(name)
            if not isinstance(given, Column):
                kinds = get_args(declared) if isinstance(declared, UnionType) else (declared,)
                given = column(_KINDS[kinds[0]], nullable=len(kinds) > 1, default=given)
            given.key = given.name = name
            columns.append(given)
        words = (f"_{each.lower()}" if each.isupper() else each for each in cls.__name__[:-3])
        cls.__tablename__ = "".join(words)[1:]
        *parts, last = cls.__dict__.get("__table_args__", ({},))
        parts, further = (parts, last) if isinstance(last, dict) else ([*parts, last], {})
        cls.__table__ = Table(cls.__tablename__, METADATA, *columns, *parts, **further)
