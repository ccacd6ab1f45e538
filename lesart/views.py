"""The documented views as SQLModel classes, for any SQLAlchemy session.

They are built from the declarations beside the queries (`storage.database.view_queries`); for type
checkers, `views.pyi` names them. `docs/sql.md` describes their columns. Times are in UTC, and JSON
values are lists, dicts or text.
"""

from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from storage.database import view_facts, views
from storage.database.columns import JSON_TYPE, UtcTime

_TYPES = MappingProxyType(
    {int: BigInteger, datetime: UtcTime, list: JSON_TYPE, dict: JSON_TYPE, Any: JSON_TYPE}
)


class View(SQLModel, registry=registry()):
    """Base class of the views; it shares no tables with other SQLModel classes."""

    __tablename__: ClassVar[str]


def _column(view: view_facts.View, name: str, declared: Any) -> Any:
    """Return the annotation of a column; an object without a key would have no identity."""
    is_key = name in view.key and declared == view_facts.plain_type(declared)
    options: dict[str, Any] = {"primary_key": True} if is_key else {}
    if (sql_type := _TYPES.get(view_facts.plain_type(declared))) is not None:
        options["sa_type"] = sql_type
    return Annotated[declared, Field(**options)]


for _view in views.VIEWS.values():
    _body = {
        "__module__": __name__,
        "__doc__": _view.row.__doc__,
        "__tablename__": _view.name,
        "__annotations__": {
            name: _column(_view, name, declared) for name, declared in _view.columns.items()
        },
    }
    globals()[_view.row.__name__] = type(View)(_view.row.__name__, (View,), _body, table=True)
