"""The base class of tables and constructors of their columns."""

from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary, Text
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

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


class Row(SQLModel):
    """The base class of tables; validators are built at first use.

    The table name is the class name in lower case: `LogTileRow` is `log_tile`.
    """

    model_config = {"defer_build": True}

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # SQLAlchemy passes the class
        words = (f"_{each.lower()}" if each.isupper() else each for each in cls.__name__[:-3])
        return "".join(words)[1:]
