"""The shape of answers for OpenAPI, derived from the records that reading gives."""

from dataclasses import fields, is_dataclass
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from storage.web import problems

LINES = "application/jsonl"


class ProblemShape(BaseModel):
    """A problem by RFC 9457."""

    model_config = ConfigDict(title="Problem", extra="allow")
    type: str
    title: str
    status: int
    detail: str
    code: str = Field(json_schema_extra={"enum": [*problems.TITLES]})


@cache
def model_of(kind: type[Any], *more: tuple[str, Any]) -> type[BaseModel]:
    """Return a model with the fields of `to_dict` of a record, and additional ones."""
    hints = get_type_hints(kind)
    columns = {f.name: hints[f.name] for f in fields(kind) if not f.metadata.get("beside")}
    shapes = {name: _shape(hint) for name, hint in columns.items()}
    return record(kind.__name__, **(shapes | dict(more)))


def _shape(hint: Any) -> Any:
    """Return the type of a field with the models of its records, so that each is one class."""
    if is_dataclass(hint):
        return model_of(hint)  # type: ignore[arg-type]  # classes are hashable
    parts = tuple(map(_shape, get_args(hint)))
    if parts == get_args(hint):
        return hint
    return reduce(or_, parts) if isinstance(hint, UnionType) else get_origin(hint)[parts]


def record(name: str, /, **hints: Any) -> type[BaseModel]:
    """Return a model with these fields, all of them always there."""
    columns: dict[str, Any] = {}
    for field, hint in hints.items():
        if hasattr(BaseModel, field):
            columns[f"{field}_"] = (hint, Field(alias=field))
        else:
            columns[field] = (hint, ...)
    return create_model(name, **columns)


@cache
def page_of(row: type[BaseModel]) -> type[BaseModel]:
    """Return the model of a part of a list: rows, and the cursor from which it goes on."""
    return record(f"{row.__name__}Page", items=list[row], next=str | None)  # type: ignore[valid-type]  # made at run time


def troubles(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI descriptions of problem responses with these statuses."""
    titles = dict(problems.TITLES.values())
    answer = {
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    return {status: {"description": titles[status], **answer} for status in statuses}


USUAL = (400, 404, 421, 500, 503)


def one(kind: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a request for one thing."""
    return {200: {"model": kind}, **troubles(*USUAL, *statuses)}


def many(row: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a request for a list: a part of it, or all of it line by line."""
    lines = {LINES: {"schema": {"type": "string", "description": "A row a line, all of them."}}}
    page = {"model": page_of(row), "content": lines}
    return {200: page, **troubles(*USUAL, *statuses)}


def plain(media_type: str, what: str, kind: str = "string") -> dict[int | str, dict[str, Any]]:
    """Return the answers of a request for something that is no JSON."""
    answer = {"description": what, "content": {media_type: {"schema": {"type": kind}}}}
    return {200: answer, **troubles(*USUAL)}
