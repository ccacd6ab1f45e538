"""Write versions as Parquet, in parts, with a data sheet inside the file."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, get_type_hints

import pyarrow as pa
from pyarrow import parquet

from storage.database.view_facts import plain_type
from storage.database.views import VIEWS
from storage.export.texts import FLAT_COLUMNS, Selection, rows_with_types
from storage.read.archive import ReadOnlyArchive
from storage.values.answer import Answer
from storage.values.draft import PartialDate, as_dict

PART_ROWS = 1_000
"""Rows of a row group, which is held in memory."""
SHEET = b"lesart"
"""The key of the file's metadata that holds the data sheet, as JSON."""

_COLUMNS = VIEWS["articles"].columns | VIEWS["versions"].columns


def write_parquet(
    archive: ReadOnlyArchive, selection: Selection, stream: IO[bytes], program: str
) -> int:
    """Write a selection as one Parquet file and return the number of its rows.

    Times are UTC in microseconds, lists are JSON, all other values are text or numbers.
    """
    schema = pa.schema([(name, _type_of(_COLUMNS.get(name, str))) for name in FLAT_COLUMNS])
    sheet = _sheet(archive, selection, program)
    return _write(rows_with_types(archive, selection), schema, sheet, stream)


def write_figures(
    kind: type[Answer], rows: Iterable[Answer], stream: IO[bytes], contents: str, program: str
) -> int:
    """Write records of one kind as one Parquet file; return the number of its rows."""
    hints = get_type_hints(kind)
    columns = [(each.name, _type_of(hints[each.name])) for each in fields(kind)]  # type: ignore[arg-type]  # a dataclass
    sheet = {**_origin_facts(program), "what": contents}
    records = ({name: getattr(row, name) for name, _type in columns} for row in rows)
    return _write(records, pa.schema(columns), sheet, stream)


def _write(
    rows: Iterator[Mapping[str, Any]], schema: pa.Schema, sheet: Mapping[str, Any],
    stream: IO[bytes],
) -> int:  # fmt: skip
    schema = schema.with_metadata({SHEET: json.dumps(sheet)})
    number = 0
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while part := list(islice(rows, PART_ROWS)):
            columns = [[_value(row[name]) for row in part] for name in schema.names]
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            number += len(part)
    return number


def _type_of(hint: Any) -> pa.DataType:
    """Return the type of a column for values of this type or None.

    >>> _type_of(float | None), _type_of(dict[str, float]), _type_of(list[int])
    (DataType(double), DataType(string), DataType(string))
    """
    kinds = {
        datetime: pa.timestamp("us", tz="UTC"), bool: pa.bool_(), int: pa.int64(),
        float: pa.float64(),
    }  # fmt: skip
    return kinds.get(plain_type(hint), pa.string())


def _origin_facts(program: str) -> dict[str, str]:
    return {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "made_by": program}


_SCALARS = (str, int, float, bool, type(None), datetime)


def _value(value: Any) -> Any:
    """Return a value for a column; characters that UTF-8 cannot encode are replaced."""
    if isinstance(value, PartialDate):
        return value.value
    if not isinstance(value, _SCALARS):
        value = json.dumps(as_dict(value), ensure_ascii=False)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value


def _sheet(archive: ReadOnlyArchive, selection: Selection, program: str) -> Mapping[str, Any]:
    """Return the data sheet for readers of the file: contents, period, and known gaps."""
    clocks = archive.clocks
    return {
        "what": "versions of press texts, a row each, as an archive of Lesart holds them",
        **_origin_facts(program),
        "every_version": selection.every_version,
        "query": selection.query,
        "filters": {
            name: str(value)
            for name in selection.filters.__dataclass_fields__
            if (value := getattr(selection.filters, name)) is not None
        },
        "as_of": None if clocks.as_of is None else clocks.as_of.isoformat(),
        "known_at": None if clocks.known_at is None else clocks.known_at.isoformat(),
        "gaps": "a text is known at its snapshots alone: it changed after `changed_after` and by "
        "`changed_by`; `lesart observations` tells the checks that failed, `lesart stats "
        "--coverage` the hours in which nobody looked",
    }
