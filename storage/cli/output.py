"""Write rows as table, json, jsonl, csv or tsv to a file, a pipe or a terminal."""

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from shutil import get_terminal_size
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Literal

from storage.cli.table import Screen, block_lines, table_lines
from storage.settings import IMAGE
from storage.values.failures import remedy_for
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import csv
    import tempfile

    from storage.database import part_folder as part_folders
else:
    csv = LazyModule("csv")
    tempfile = LazyModule("tempfile")
    part_folders = LazyModule("storage.database.part_folder")

Format = Literal["table", "json", "jsonl", "csv", "tsv"]
VANISHING = frozenset({"overlay", "ramfs", "tmpfs"})
"""File system types that are deleted with their container."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Characters with which a formula starts in a spreadsheet."""


NO_FILE: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOENT: "create the folder first, or choose another file",
        errno.EISDIR: "choose a file in this folder",
    }
)
"""Remedies if the path of an output file cannot be a file."""


class OutputError(Exception):
    """The output does not fit its destination, such as bytes on a terminal."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"cannot write to {place}: {reason}")
        self.place = place
        self.reason = reason


class UnwritableError(OutputError):
    """The operating system refused to write: missing folder, no permission, or full disk."""


class PipeClosedError(Exception):
    """The reader of standard output closed the pipe."""


@dataclass(frozen=True, slots=True)
class AnswerTarget:
    """Destination and format of the output.

    Without `format`, it is a table on a terminal and jsonl in a pipe or a file.
    """

    format: Format | None = None
    path: Path | None = None
    is_spreadsheet_safe: bool = False

    @property
    def is_terminal(self) -> bool:
        return self.path is None and sys.stdout.isatty()

    @property
    def chosen(self) -> Format:
        """Return the selected format."""
        return self.format or ("table" if self.is_terminal else "jsonl")

    @property
    def screen(self) -> Screen:
        """Return the screen for which tables are formatted."""
        wide = get_terminal_size().columns if self.is_terminal else None
        return Screen(wide, has_colour=self.has_colour)

    @property
    def has_colour(self) -> bool:
        return self.is_terminal and not os.environ.get("NO_COLOR")


@dataclass(slots=True)
class Written:
    """Number of rows written, and the last one."""

    number: int = 0
    last: Any = None


def write_rows(
    rows: Iterable[Any],
    target: AnswerTarget,
    columns: Sequence[str] | None = None,
    *,
    shown: Sequence[str] | None = None,
    least: int | None = None,
    short: Sequence[str] = (),
    blocks: bool = False,
) -> Written:
    """Write `rows` as they come; return how many there were.

    A row is a mapping, or a record with `to_dict` (and `to_flat` for tables, CSV and TSV).
    `columns` are those of a flat row in their order (default: those of the first row). A table has
    the columns `shown`, or on a narrow terminal as many of the first ones as fit, `least` of them
    (default: all); where these do not fit, or with `blocks`, each row is a block of lines. Texts in
    the columns `short` are cut to one line on a terminal.
    Raises: UnwritableError; PipeClosedError.
    """
    written = Written()
    with text_stream(target.path) as stream:
        counted = _count_rows(rows, written)
        if target.chosen == "table":
            lines = table_lines(
                map(_screen_fields, counted),
                shown or columns,
                target.screen,
                least=least,
                short=short,
                blocks=blocks,
            )
            stream.writelines(f"{line}\n" for line in lines)
        else:
            stream.writelines(_pieces(counted, target, columns))
    return written


def write_object(
    name: str,
    rows: Iterable[Any],
    totals: Callable[[], Mapping[str, Any]],
    target: AnswerTarget,
) -> Written:
    """Write a JSON object: the list `name` of `rows` as they come, then the fields of `totals`.

    `totals` is called after the last row. Raises: OutputError; PipeClosedError.
    """
    written = Written()
    with text_stream(target.path) as stream:
        stream.write(f'{{"{name}": ')
        for piece in _array(_count_rows(rows, written)):
            stream.write(piece)
        for field, value in totals().items():
            stream.write(f', "{field}": {json_text(value)}\n')
        stream.write("}\n")
    return written


def write_record(record: Any, target: AnswerTarget) -> None:
    """Write one record: in a table each of its fields is a line.

    Raises: UnwritableError; PipeClosedError.
    """
    if target.chosen == "json":
        write_json(_nest(record), target.path, indent=2)
    elif target.chosen == "table":
        lines = block_lines(row := _screen_fields(record), row, target.screen)
        write_text((f"{line}\n" for line in lines), target.path)
    else:
        write_rows([record], target)


def write_text(pieces: Iterable[str], path: Path | None) -> None:
    """Write text as it comes to `path` or standard output.

    Raises: UnwritableError; PipeClosedError.
    """
    with text_stream(path) as stream:
        for piece in pieces:
            stream.write(piece)


def write_bytes(data: bytes, path: Path | None) -> None:
    """Write `data`, bit for bit, to `path` or standard output.

    Raises: UnwritableError; PipeClosedError.
    """
    with binary_stream(path) as stream:
        stream.write(data)


def write_json(value: Any, path: Path | None, *, indent: int | None = None) -> None:
    """Write one value as JSON and a line feed."""
    write_text([json_text(value, indent=indent), "\n"], path)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as JSON; times become ISO 8601, bytes hexadecimal digits, no numbers texts."""
    try:
        return _encoder(indent).encode(value)
    except ValueError:  # JSON has no NaN and no infinity
        told = json.loads(json.dumps(value, default=_json_value), parse_constant=str)
        return json.dumps(told, ensure_ascii=False, indent=indent)


@cache
def _encoder(indent: int | None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, default=_json_value, indent=indent, allow_nan=False)


def read_argument(text: str) -> str:
    """Return `text`; for `-`, the content of standard input."""
    return sys.stdin.read() if text == "-" else text


def silence_output() -> None:
    """Redirect standard output to /dev/null, so that the final flush cannot fail."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def require_lasting_place(path: Path) -> None:
    """Refuse a file that would be lost with the container.

    Raises: OutputError.
    """
    is_device = path.exists() and not path.is_file()
    folder = next(each for each in path.absolute().parents if each.is_dir())
    if not is_device and is_lost_with_container(folder):
        reason = (
            "it would be lost with this container. Mount a folder and write there: docker compose "
            'run --rm --user "$(id -u):$(id -g)" -v "$PWD:/files" lesart … /files/FILE'
        )
        raise OutputError(str(path), reason)


def is_lost_with_container(folder: Path) -> bool:
    """Check whether `folder` is in a file system that is deleted with the container.

    Only the image sets LESART_IMAGE. A mounted folder of the host is not the root of its file
    system: proc_pid_mountinfo(5).
    """
    if IMAGE not in os.environ:
        return False
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        _id, _parent, mounted, root, *_more = line.split()
        if mounted == number and root == "/":
            return line.partition(" - ")[2].split()[0] in VANISHING
    return False


@contextmanager
def text_stream(path: Path | None) -> Iterator[IO[str]]:
    """Open `path` for UTF-8, whole or not at all, or standard output.

    Raises: UnwritableError; PipeClosedError.
    """
    if path is None:
        with _pipe():
            yield sys.stdout
            sys.stdout.flush()
        return
    with _replace_file(path, "w") as stream:
        yield stream


@contextmanager
def binary_stream(path: Path | None) -> Iterator[IO[bytes]]:
    """Open `path` for bytes, whole or not at all, or standard output.

    Raises: UnwritableError; PipeClosedError.
    """
    if path is None:
        with _pipe():
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    with _replace_file(path, "wb") as stream:
        yield stream


def _count_rows(rows: Iterable[Any], written: Written) -> Iterator[Any]:
    for row in rows:
        written.number += 1
        written.last = row
        yield row


def _pieces(
    rows: Iterable[Any], target: AnswerTarget, columns: Sequence[str] | None
) -> Iterator[str]:
    match target.chosen:
        case "jsonl":
            return (json_text(_nest(row)) + "\n" for row in rows)
        case "json":
            return _array(rows)
        case "csv":
            return _format_separated(rows, columns, ",", is_guarded=target.is_spreadsheet_safe)
        case _:
            return _format_separated(rows, columns, "\t", is_guarded=target.is_spreadsheet_safe)


def _array(rows: Iterable[Any]) -> Iterator[str]:
    before = "[\n"
    for row in rows:
        yield before + json_text(_nest(row))
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _format_separated(
    rows: Iterable[Any], columns: Sequence[str] | None, separator: str, *, is_guarded: bool
) -> Iterator[str]:
    """Yield the lines of a CSV (RFC 4180) or TSV; with `columns`, the heading needs no rows."""
    line = _Line()
    writer = csv.writer(
        line, delimiter=separator, lineterminator="\r\n" if separator == "," else "\n"
    )
    names = columns
    if names is not None:
        writer.writerow(names)
        yield line.text
    for row in map(_flat, rows):
        if names is None:
            names = list(row)
            writer.writerow(names)
            yield line.text
        cells = [_cell(row.get(name)) for name in names]
        writer.writerow([_guard_formula(each) for each in cells] if is_guarded else cells)
        yield line.text


class _Line:
    """File object that stores the last line written by the csv module."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def _nest(row: Any) -> Any:
    return row.to_dict() if hasattr(row, "to_dict") else row


def _flat(row: Any) -> Mapping[str, Any]:
    if hasattr(row, "to_flat"):
        flat: Mapping[str, Any] = row.to_flat()
        return flat
    nested: Mapping[str, Any] = _nest(row)
    return nested


def _screen_fields(row: Any) -> Mapping[str, Any]:
    shown: Mapping[str, Any] = row.to_shown() if hasattr(row, "to_shown") else _flat(row)
    return shown


def _cell(value: Any) -> str:
    """Return the cell for `value`: lists and objects as JSON, an empty cell for None.

    >>> [_cell(each) for each in (None, True, ["a"], 0.5, "=1+1")]
    ['', 'true', '["a"]', '0.5', '=1+1']
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, list, tuple, dict)):
        return json_text(value)
    return str(_json_value(value)) if isinstance(value, (date, bytes)) else str(value)


def _guard_formula(text: str) -> str:
    """Return `text` with an apostrophe if a spreadsheet would treat it as a formula.

    >>> _guard_formula("=cmd()")
    "'=cmd()"
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _json_value(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return str(value)


@contextmanager
def _pipe() -> Iterator[None]:
    """Convert errors of standard output.

    Raises: PipeClosedError; UnwritableError.
    """
    try:
        yield
    except BrokenPipeError as error:
        silence_output()
        raise PipeClosedError from error
    except OSError as error:
        if error.filename is not None or remedy_for(error) is None:
            raise  # it comes from the input
        silence_output()
        raise _unwritten("standard output", error) from error


def _unwritten(place: str, error: OSError) -> UnwritableError:
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
    remedy = NO_FILE.get(error.errno or 0) or remedy_for(error)
    message = f"{reason}: {remedy}" if remedy is not None else reason
    return UnwritableError(place, message)


@contextmanager
def _replace_file(path: Path, mode: Literal["w", "wb"]) -> Iterator[IO[Any]]:
    """Write to a temporary file and rename it; a failure leaves an existing file unchanged.

    A new file is private to its owner, as the archive and the key are; an existing one keeps its
    permissions.
    """
    if path.exists() and not path.is_file():
        with _plain_file(path, mode) as stream:
            yield stream
        return
    try:
        with part_folders.part_folder(path) as folder:
            begun = folder / "part"
            handle = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with _open_handle(handle, mode) as stream:
                yield stream
                stream.flush()
                with suppress(FileNotFoundError):
                    os.fchmod(handle, path.stat().st_mode & 0o777)
                os.fsync(handle)
            begun.replace(path)
    except OSError as error:
        raise _unwritten(str(path), error) from error


@contextmanager
def _plain_file(path: Path, mode: Literal["w", "wb"]) -> Iterator[IO[Any]]:
    """Open a device or a named pipe without a temporary file."""
    try:
        handle = os.open(path, os.O_WRONLY)
    except OSError as error:
        raise _unwritten(str(path), error) from error
    try:
        with _open_handle(handle, mode) as stream:
            yield stream
    except BrokenPipeError as error:
        raise PipeClosedError from error
    except OSError as error:
        raise _unwritten(str(path), error) from error


def _open_handle(handle: int, mode: Literal["w", "wb"]) -> IO[Any]:
    if mode == "wb":
        return os.fdopen(handle, mode)
    return os.fdopen(handle, mode, encoding="utf-8", errors="backslashreplace", newline="")
