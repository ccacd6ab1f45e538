"""The commands on the whole archive: SQL, exports, checks, figures, settings, schema."""

import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer

from storage.cli.app import app, db, program
from storage.cli.exits import say
from storage.cli.options import (
    ArchiveOptions,
    Filtering,
    OutputOptions,
    Page,
    ShownExport,
    ShownFigures,
    Then,
    argument,
    command,
    flag,
    option,
    path_of,
)
from storage.cli.output import OutputError, binary_stream, read_argument, write_record, write_rows
from storage.cli.report import reading
from storage.read.filters import Filters

if TYPE_CHECKING:
    from storage.export.texts import Selection
    from storage.read.archive import ReadOnlyArchive
    from storage.read.figures.edits import EditSpan
    from storage.values.answer import Answer


@command(
    app,
    "sql",
    example="lesart sql 'SELECT title FROM articles WHERE seq > :last' --param last=42",
)
def sql(
    *,
    query: str = argument("QUERY", "One SELECT over the views; - reads it."),
    place: ArchiveOptions,
    shown: OutputOptions,
    param: list[str] | None = option(
        "--param",
        "NAME=VALUE",
        "For :NAME in the query; a JSON number, true, false, null or text in quotes "
        "counts as such.",
    ),
) -> None:
    """Ask the documented views in SQL, reading only."""
    parameters = dict(_parameter(each) for each in param or ())
    with reading(place) as (_settings, archive):
        found = archive.sql(read_argument(query), parameters)
        names = _distinct(found.columns)
        write_rows(
            (dict(zip(names, row, strict=True)) for row in found.rows), shown.target(), names
        )


@command(app, "export", example="lesart export --all-versions -o alles.jsonl")
def export(
    place: ArchiveOptions,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: ShownExport,
    query: str | None = option("--query", "QUERY", "Only what `lesart search` would find."),
    *,
    all_versions: bool = flag(
        "--all-versions", "Every version, not the latest alone; a WARC has them always."
    ),
) -> None:
    """Write whole texts, or captures as a WARC file, of the archive or of a query."""
    from storage.export.texts import FLAT_COLUMNS, Selection, flat_rows, json_lines  # noqa: PLC0415

    target = shown.target()
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        _say_restricted(archive)
        if shown.is_warc:
            _export_warc(archive, filters, query, page, shown)
            return
        selection = Selection(filters, query, all_versions, page.after, page.limit)
        if shown.is_parquet:
            _export_parquet(archive, selection, shown)
            return
        take = json_lines if target.format in {"json", "jsonl"} else flat_rows
        write_rows(take(archive, selection), target, FLAT_COLUMNS)


@command(app, "stats", example="lesart stats --format json")
def stats(
    place: ArchiveOptions,
    shown: ShownFigures,
    *,
    coverage: bool = flag("--coverage", "How often each source was looked at, hour by hour."),
    edits: bool = flag("--edits", "How the texts of each source are edited, a row a source."),
    hourly: bool = flag("--hourly", "With --edits: a row a source and hour."),
    source: str | None = option("--source", "S", "With --coverage or --edits: this one alone."),
    since: str | None = option("--since", "T", "With --coverage or --edits: from then on."),
    until: str | None = option("--until", "T", "With --coverage or --edits: up to then."),
) -> None:
    """Report the figures of the archive, how well its sources are looked at, or how they edit."""
    from storage.read.figures.edits import EditSpan  # noqa: PLC0415  # only here
    from storage.read.render.moment import parse_moment  # noqa: PLC0415  # only here

    _refuse_parts_of_figures(coverage=coverage, edits=edits, hourly=hourly, shown=shown)
    with reading(place) as (settings, archive):
        first = None if since is None else parse_moment(since, settings.zone, "first")
        last = None if until is None else parse_moment(until, settings.zone, "last")
        if edits:
            _report_edits(archive, EditSpan(source, first, last), shown, is_hourly=hourly)
            return
        if not coverage:
            write_record(archive.stats(), shown.target())
            if (left := archive.work_left().sentence()) is not None:
                say(f"{left}: run `lesart up --once`, or start `lesart worker`")
            return
        rows = archive.coverage(since=first, until=last, source=source)
        write_rows((row.to_dict() for row in rows), shown.target())


@command(app, "config", example="lesart config --config /etc/lesart.toml")
def config(place: ArchiveOptions, shown: OutputOptions) -> None:
    """Report each setting and where its value came from; secrets are hidden."""
    write_rows(place.settings().lines(), shown.target())


@command(db, "upgrade", example="lesart db upgrade --archive lesart-data/lesart.sqlite3")
def upgrade(place: ArchiveOptions, shown: OutputOptions) -> None:
    """Make the archive's tables, or bring them to the schema of this program."""
    from storage.database import schema  # noqa: PLC0415  # only here
    from storage.database.engine import database_url, place_of, reachable, writing_engine  # noqa: PLC0415

    url = database_url(place.settings().database_url)
    engine = writing_engine(url)
    try:
        with reachable(url):
            before, after = schema.upgrade(engine)
    finally:
        engine.dispose()
    write_rows([{"archive": place_of(url), "before": before, "after": after}], shown.target())


def _say_restricted(archive: "ReadOnlyArchive") -> None:
    """Say of how many articles an export holds nothing, as they are restricted."""
    from storage.read.find import restricted_count  # noqa: PLC0415  # SQLAlchemy is slow to load

    with archive.connected() as connection:
        number = restricted_count(connection)
    if number:
        say(
            f"{number} articles of this archive are restricted: nothing of what they say is written"
        )


def _export_warc(
    archive: "ReadOnlyArchive", filters: Filters, query: str | None, page: Page, shown: ShownExport
) -> None:
    """Write the captures of articles; `--limit` counts articles."""
    from storage.export.warc import ExportSelection, WarcExport  # noqa: PLC0415

    export = WarcExport(archive, ExportSelection(filters, query, page.after, page.limit), program())
    with binary_stream(path_of(shown.output)) as stream:
        for each in export.records():
            stream.write(gzip.compress(each, mtime=0) if shown.is_packed else each)
    if page.limit is not None and export.cursor is not None:
        say(f"there may be more: go on with --after {export.cursor}")


def _refuse_parts_of_figures(
    *, coverage: bool, edits: bool, hourly: bool, shown: ShownFigures
) -> None:
    """Refuse options that mean nothing beside each other."""
    if coverage and edits:
        raise typer.BadParameter("either --coverage or --edits", param_hint="--edits")
    if hourly and not edits:
        raise typer.BadParameter("this goes with --edits", param_hint="--hourly")
    if shown.is_parquet and not edits:
        raise typer.BadParameter("Parquet goes with --edits", param_hint="--format")


def _report_edits(
    archive: "ReadOnlyArchive", span: "EditSpan", shown: ShownFigures, *, is_hourly: bool
) -> None:
    """Write how texts are edited: a row a source, or a row a source and hour."""
    from storage.read.answers import EditFigures, EditHour  # noqa: PLC0415  # only here

    kind: type[Answer] = EditHour if is_hourly else EditFigures
    rows: Iterator[Answer] = (
        archive.edits_by_hour(span) if is_hourly else archive.edit_figures(span)
    )
    if not shown.is_parquet:
        write_rows((row.to_dict() for row in rows), shown.target())
        return
    what = "edits of press texts by source" + (" and hour of the first snapshot" * is_hourly)
    with _parquet_stream(shown.output, "edits.parquet") as (parquet, stream):
        number = parquet.write_figures(kind, rows, stream, what, program())
    say(f"{number} rows written")


@contextmanager
def _parquet_stream(output: Path | None, name: str) -> Iterator[tuple[Any, IO[bytes]]]:
    """Give the module that writes Parquet, and where it goes."""
    try:
        from storage.export import parquet  # noqa: PLC0415  # loads pyarrow
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        hint = "this wants pyarrow: pip install 'lesart[parquet]', or pip install pyarrow"
        raise typer.BadParameter(hint, param_hint="--format parquet") from error
    path = path_of(output)
    if path is None and sys.stdout.isatty():
        raise OutputError("the terminal", f"Parquet is no text; try -o {name}")
    with binary_stream(path) as stream:
        yield parquet, stream


def _export_parquet(archive: "ReadOnlyArchive", selection: "Selection", shown: ShownExport) -> None:
    """Write versions as one Parquet file."""
    with _parquet_stream(shown.output, "versions.parquet") as (parquet, stream):
        number = parquet.write_parquet(archive, selection, stream, program())
    say(f"{number} versions written")


def _parameter(given: str) -> tuple[str, Any]:
    name, is_set, text = given.partition("=")
    if not (is_set and name.isascii() and name.isidentifier()):
        raise typer.BadParameter(f"{given!r} is not NAME=VALUE", param_hint="--param")
    try:
        value = json.loads(text)
    except ValueError:
        return name, text
    is_plain = value is None or isinstance(value, (str, int, float))
    return name, value if is_plain else text


def _distinct(columns: Sequence[str]) -> list[str]:
    """Return the names of columns, numbered where one comes twice.

    >>> _distinct(["a", "b", "a"])
    ['a', 'b', 'a_2']
    """
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names
