"""Rows of a command as a Parquet file, which needs an extra."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import typer

from storage.cli.options import output_path
from storage.cli.output import OutputError, binary_stream


@contextmanager
def parquet_stream(output: Path | None, name: str) -> Iterator[tuple[Any, IO[bytes]]]:
    """Provide the Parquet module and the output stream."""
    try:
        from storage.export import parquet  # noqa: PLC0415  # an extra that may be missing
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        hint = "Parquet needs pyarrow: run pip install 'lesart[parquet]'"
        raise typer.BadParameter(hint, param_hint="--format parquet") from error
    path = output_path(output)
    if path is None and sys.stdout.isatty():
        raise OutputError("the terminal", f"Parquet is a binary format; add -o {name}")
    with binary_stream(path) as stream:
        yield parquet, stream
