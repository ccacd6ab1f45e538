"""How migrations write a table: a line of text for what would be a line of code a column."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.database.columns import JSON_TYPE, UtcTime

_KINDS: dict[str, Any] = {
    "big": sa.BigInteger, "int": sa.Integer, "small": sa.SmallInteger, "float": sa.Float,
    "bool": sa.Boolean, "text": sa.Text, "str": sa.String, "bytes": sa.LargeBinary,
    "time": UtcTime, "json": lambda: JSON_TYPE,
}  # fmt: skip


def create(table: str, columns: str, *unique: str, **options: Any) -> None:
    """Create a table of `columns`, and of columns that are `unique` together.

    A column is a name and a kind: `title text?` may be null, `name str64` has 64 letters at most,
    `part small=0` is 0 in rows that are there. `key` behind it: it is of the primary key.
    """
    told = [each.split() for each in columns.split(",")]
    key = [name for name, _kind, *more in told if "key" in more]
    alone = [name for name, _kind, *more in told if "unique" in more]
    op.create_table(
        table,
        *(_column(name, kind, is_key=name in key) for name, kind, *_more in told),
        sa.PrimaryKeyConstraint(*key),
        *(sa.UniqueConstraint(*names.split()) for names in (*alone, *unique)),
        **options,
    )


def _column(name: str, told: str, *, is_key: bool) -> sa.Column[Any]:
    told, _, default = told.partition("=")
    kind = told.rstrip("?0123456789")
    size = told.removeprefix(kind).rstrip("?")
    return sa.Column(
        name,
        _KINDS[kind](*[int(size)] if size else []),
        nullable=told.endswith("?"),
        server_default=default or None,
        autoincrement=False if is_key else "auto",
    )
