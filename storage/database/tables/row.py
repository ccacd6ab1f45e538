"""The base class of tables and constructors of their columns."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, Table, Text, event
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel
from sqlmodel.main import SQLModelMetaclass

from storage.database.columns import JSON_TYPE, UtcTime

BIG = BigInteger


def key_column(**options: Any) -> Any:
    return Field(sa_column=Column(BIG, primary_key=True, autoincrement=False), **options)


def big_column(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(BIG, nullable=nullable, index=index))


def time_column(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcTime(), nullable=nullable))


def json_column(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(JSON_TYPE, nullable=nullable))


def text_column(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=nullable))


def bytes_column(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable))


def partial_index(name: str, *columns: str, where: str) -> Index:
    """Return an index of the rows for which `where` is true."""
    return Index(name, *columns, info={"where": sql(where)})


@event.listens_for(SQLModel.metadata, "before_create")
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


class _Tables(SQLModelMetaclass):
    """Builds the table of a class, but no mapper: rows are written and read as mappings.

    The mappers would take as much time at each start as the classes themselves.
    """

    def __init__(
        self, name: str, bases: tuple[type, ...], content: dict[str, Any], **options: Any
    ) -> None:
        type.__init__(self, name, bases, content)
        if not options.get("table"):
            return
        columns = {key: self.__dict__[key] for key in self.__dict__["__pydantic_fields__"]}
        for key, column in columns.items():
            column.key = column.name = key
        words = (f"_{each.lower()}" if each.isupper() else each for each in name[:-3])
        self.__tablename__ = "".join(words)[1:]
        *parts, last = content.get("__table_args__", ({},))
        parts, further = (parts, last) if isinstance(last, dict) else ([*parts, last], {})
        self.__table__ = Table(
            self.__tablename__, self.metadata, *columns.values(), *parts, **further
        )


class Row(SQLModel, metaclass=_Tables):
    """The base class of tables; validators are built at first use.

    The table name is the class name in lower case: `LogTileRow` is `log_tile`.
    """

    model_config = {"defer_build": True}
