"""Open the archive of a command, and write its results."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import typer

from storage.cli.app import app
from storage.cli.exits import NO, say
from storage.cli.options import ArchiveOptions, FiguresOutputOptions, OutputOptions, command
from storage.cli.output import (
    AnswerTarget,
    Written,
    read_argument,
    write_rows,
    write_text,
)
from storage.cli.parquet_file import parquet_stream
from storage.cli.table import CHUNK_ROWS
from storage.read.filters import TODAY
from storage.read.query.list_door import ListDoor
from storage.read.query.queries import ClockOptions, ListQuery, RelationsQuery, SearchQuery
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.values.program import program

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.cli.show import relation as relation_display
    from storage.database import engine as engines
    from storage.database import schema_version
    from storage.read import answers
    from storage.read import archive as reading_archive
    from storage.read.archive import ReadOnlyArchive
    from storage.verify import doctor
else:
    relation_display = LazyModule("storage.cli.show.relation")
    engines = LazyModule("storage.database.engine")
    schema_version = LazyModule("storage.database.schema_version")
    answers = LazyModule("storage.read.answers")
    reading_archive = LazyModule("storage.read.archive")
    doctor = LazyModule("storage.verify.doctor")


@contextmanager
def reading(
    place: ArchiveOptions,
    then: ClockOptions | None = None,
    *,
    is_current: bool = False,
    is_for_sql: bool = False,
) -> Iterator[tuple[Settings, "ReadOnlyArchive"]]:
    """Open the archive at `place` for reading, in the state selected by `then`.

    With `is_current`, replicas are not read: for what a command writes, or has just written.
    With `is_for_sql`, it is opened with the role for SQL, if the settings name one.
    Raises: MomentError, SettingsError, ArchiveMissingError, ArchiveUnreachableError,
    SchemaOlderError, SchemaNewerError.
    """
    settings = place.settings()
    with reading_archive.open_with_settings(
        settings, by_driver=True, may_be_behind=not is_current, is_for_sql=is_for_sql
    ) as archive:
        clocks = TODAY if then is None else then.clocks(settings.zone)
        at_clocks = (
            archive.with_clocks(clocks.as_of, clocks.known_at) if clocks.are_set else archive
        )
        yield settings, at_clocks


@contextmanager
def whole_archive(settings: Settings, *, adds: bool = False) -> Iterator["Engine"]:
    """Provide an engine on an archive with the current schema; with `adds`, one that writes.

    Raises: the same as `reading`.
    """
    url = engines.database_url(settings.database_url)
    engine = engines.reading_engine(url, captures=settings.captures)
    if adds:
        engine.dispose()  # opened for reading first, because that creates no file
        engine = engines.writing_engine(url, captures=settings.captures)
    try:
        with engines.reachable(url):
            schema_version.require_current(engine)
            yield engine
    finally:
        engine.dispose()


def report_explained(query: RelationsQuery, place: ArchiveOptions, target: AnswerTarget) -> None:
    """Write relations with shared passages, differences and the earlier article."""
    with reading(place, query) as (_settings, archive):
        rows: Iterator[Any] = query.rows(archive, (query.after, query.limit))
        if target.chosen != "table":
            write_rows(rows, target, flat_columns(answers.ExplainedRelation))
            return
        display = partial(
            relation_display.relation_text, colour=target.has_colour, columns=columns_of(target)
        )
        write_text((f"{line}\n" for row in rows for line in display(row)), target.path)


def report_query(
    query: ListQuery,
    place: ArchiveOptions,
    output: OutputOptions | FiguresOutputOptions,
    door: ListDoor,
    empty: str | None = None,
) -> None:
    """Write the records of a query; a table has the columns that its declaration shows.

    Below a table, a message states how to continue after `--limit`, or is `empty` without rows
    (default: that of the declaration).
    """
    target = output.target()
    with reading(place, query if isinstance(query, ClockOptions) else None) as (_settings, archive):
        if isinstance(query, SearchQuery):
            query.q = read_argument(query.q)
        rows: Iterator[Any] = query.rows(archive, (query.after, query.limit))
        if target.chosen == "table" and not {*door.shown}.issubset(query.record().names()):
            rows = name_articles(rows, archive.names)
        written = report_list(
            rows,
            target,
            flat_columns(query.record()),
            shown=door.shown,
            short=door.short,
            empty=empty or door.empty,
            least=door.least,
        )
    if target.chosen == "table" and written.number and query.limit == written.number:
        say(f"there may be more rows: continue with --after {written.last.cursor}")


@dataclass(frozen=True, slots=True)
class _NamedRow:
    """A row of a table with the titles and outlets of the articles that it refers to."""

    record: Any
    names: "Mapping[str, answers.ArticleName]"

    @property
    def cursor(self) -> str:
        """Return the cursor of the row."""
        return str(self.record.cursor)

    def to_shown(self) -> dict[str, Any]:
        """Return the columns of the row; its own title, that of a version, comes first."""
        shown: dict[str, Any] = self.record.to_shown()
        found = dict[str, Any]()
        for column, prefix in ARTICLE_COLUMNS.items():
            if (name := self.names.get(shown.get(column, ""))) is not None:
                found |= {f"{prefix}title": name.title, f"{prefix}outlet": name.outlet}
        return found | shown


STATES = ("broken", "warning", "ok")
"""The states of findings in the order of a list."""
ARTICLE_COLUMNS = {"article": "", "a": "a_", "b": "b_"}
"""Columns with an article id, and the prefixes of the columns with its title and outlet."""


def name_articles(
    rows: Iterable[Any], find: "Callable[[Iterable[str | None]], dict[str, answers.ArticleName]]"
) -> Iterator[_NamedRow]:
    """Yield rows with the names of their articles, which `find` returns by article id."""
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK_ROWS)):
        names = find(getattr(row, column, None) for row in chunk for column in ARTICLE_COLUMNS)
        yield from (_NamedRow(row, names) for row in chunk)


def add_list(door: ListDoor) -> None:
    """Add the command of a list, which can write a Parquet file, too."""

    def run(place: ArchiveOptions, query: ListQuery, output: FiguresOutputOptions) -> None:
        if output.is_parquet:
            _write_parquet(query, place, output, door)
        else:
            report_query(query, place, output, door)

    kind = door.query()
    run.__doc__ = kind.__doc__
    run.__annotations__["query"] = kind
    command(app, door.name, example=door.example)(run)


def _write_parquet(
    query: ListQuery, place: ArchiveOptions, output: FiguresOutputOptions, door: ListDoor
) -> None:
    """Write the records of a query as one Parquet file."""
    clocks = query if isinstance(query, ClockOptions) else None
    with (
        reading(place, clocks) as (_settings, archive),
        parquet_stream(output.output, f"{door.name}.parquet") as (parquet, stream),
    ):
        rows = query.rows(archive, (query.after, query.limit))
        number = parquet.write_figures(query.record(), rows, stream, door.summary, program())
    report_written(number, "row")


def report_list(
    rows: Iterable[Any],
    target: AnswerTarget,
    columns: Sequence[str] | None = None,
    *,
    empty: str,
    **layout: Any,
) -> Written:
    """Write rows like `write_rows`; if a table has none, print the message `empty`.

    A message states the number of rows in a file.
    """
    written = write_rows(rows, target, columns, **layout)
    if target.chosen == "table" and not written.number:
        say(empty)
    elif target.path is not None:
        report_written(written.number, "row")
    return written


def report_written(number: int, unit: str) -> None:
    """State how many rows, or other units, a file has."""
    say(quantity("wrote {n} {unit}|wrote {n} {unit}s", number, unit=unit))


def report_examination(
    settings: Settings,
    output: OutputOptions,
    more: Iterable[tuple[str, "doctor.Check"]] = (),
    *,
    every: bool = False,
) -> None:
    """Write the findings of the checks, problems first; exit with 1 if something is broken.

    A table has the problems only, unless `every` finding is requested; a message counts the others.
    """
    findings = sorted(doctor.examine(settings, more), key=lambda each: STATES.index(each.state))
    target = output.target()
    is_short = target.chosen == "table" and not every
    listed = [each for each in findings if each.state != "ok"] if is_short else findings
    write_rows(listed, target)
    if is_short:
        number = len(findings) - len(listed)
        say(quantity("{n} check|{n} checks", number) + " ok; `lesart doctor --all` lists each")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(NO)


def flat_columns(kind: type[Any]) -> list[str]:
    """Return the columns of a record in a table, CSV or TSV; an empty CSV has them as heading.

    >>> flat_columns(answers.ArticleLine)[5:9]
    ['published', 'published_precision', 'published_from', 'published_to']
    """
    columns: list[str] = []
    for each in fields(kind):
        if each.name == "published":
            columns += [f"published{end}" for end in ("", "_precision", "_from", "_to")]
        elif each.name not in columns:
            columns.append(each.name)
    return columns


def columns_of(target: AnswerTarget) -> int | None:
    """Return the width of the terminal; None if the target is not a terminal."""
    return shutil.get_terminal_size().columns if target.is_terminal else None
