"""The commands on the whole archive: SQL, export, figures, settings, schema."""

import gzip
import json
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import typer

from storage.cli.app import app, command_group, print_version
from storage.cli.exits import say
from storage.cli.options import (
    ArchiveOptions,
    ExportOutputOptions,
    FiguresOutputOptions,
    OutputOptions,
    command,
    output_path,
)
from storage.cli.output import binary_stream, read_argument, write_record, write_rows
from storage.cli.parquet_file import parquet_stream
from storage.cli.report import reading, report_list, report_written
from storage.read.filters import Filters
from storage.read.query.parameter import argument, flag, option
from storage.read.query.queries import ClockOptions, FilterOptions, PageOptions
from storage.read.render import moment as moments
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.values.program import program

if TYPE_CHECKING:
    from storage.database import engine as engines
    from storage.database import schema
    from storage.export import texts as text_export
    from storage.export import warc
    from storage.export.texts import Selection
    from storage.read import find
    from storage.read import sql as sql_queries
    from storage.read.archive import ReadOnlyArchive
    from storage.read.figures import edits as edit_spans
    from storage.read.figures import records
    from storage.read.figures.edits import EditSpan
else:
    records = LazyModule("storage.read.figures.records")
    engines = LazyModule("storage.database.engine")
    schema = LazyModule("storage.database.schema")
    text_export = LazyModule("storage.export.texts")
    warc = LazyModule("storage.export.warc")
    find = LazyModule("storage.read.find")
    sql_queries = LazyModule("storage.read.sql")
    edit_spans = LazyModule("storage.read.figures.edits")

db = command_group("db")


@command(
    app,
    "sql",
    example="lesart sql 'SELECT title FROM articles WHERE seq > :last' --param last=42",
)
def sql(
    *,
    query: str = argument("QUERY", "SELECT statement on the views; - reads standard input."),
    place: ArchiveOptions,
    output: OutputOptions,
    param: list[str] | None = option(
        "--param",
        "NAME=VALUE",
        "Value for :NAME in the query: a JSON number, string, true, false or null, otherwise "
        "text; repeatable.",
    ),
) -> None:
    """Run a read-only SQL query on the documented views."""
    parameters = dict(_parameter(each) for each in param or ())
    with reading(place, is_for_sql=True) as (settings, archive):
        limits = sql_queries.QueryLimits(views_role_only=settings.sql_database_url is not None)
        found = archive.sql(read_argument(query), parameters, limits)
        if found.note is not None:
            say(found.note)
        names = _distinct(found.columns)
        rows = (dict(zip(names, row, strict=True)) for row in found.rows)
        report_list(rows, output.target(), names, empty="the query returned no rows")


@command(app, "export", example="lesart export --all-versions -o alles.jsonl")
def export(
    place: ArchiveOptions,
    filtering: FilterOptions,
    then: ClockOptions,
    page: PageOptions,
    output: ExportOutputOptions,
    query: str | None = option(
        "--query", "QUERY", "Export only results of this full-text query (default: all articles)."
    ),
    *,
    all_versions: bool = flag(
        "--all-versions",
        "Export all versions (default: the latest version; a WARC file always has all).",
    ),
) -> None:
    """Export texts as rows, or captures as a WARC file."""
    target = output.target()
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings.zone)
        archive.require_named(filters)
        _say_restricted(archive)
        if output.is_warc:
            _export_warc(archive, filters, query, page, output)
            return
        selection = text_export.Selection(filters, query, all_versions, page.after, page.limit)
        if output.is_parquet:
            _export_parquet(archive, selection, output)
            return
        is_nested = target.format in {"json", "jsonl"}
        take = text_export.json_lines if is_nested else text_export.flat_rows
        written = write_rows(take(archive, selection), target, text_export.FLAT_COLUMNS)
        if not written.number:
            say("no articles match the query and the filters: the export is empty")
        elif target.path is not None:
            report_written(written.number, "version")


@command(app, "stats", example="lesart stats --format json")
def stats(
    place: ArchiveOptions,
    output: FiguresOutputOptions,
    *,
    coverage: bool = flag("--coverage", "Print the number of checks per source and hour."),
    edits: bool = flag("--edits", "Print statistics of edits, one row per source."),
    hourly: bool = flag("--hourly", "With --edits: print one row per source and hour."),
    source: str | None = option(
        "--source", "NAME", "With --coverage or --edits: only the source NAME (default: all)."
    ),
    since: str | None = option(
        "--since", "T", "With --coverage or --edits: only from time T on (default: all)."
    ),
    until: str | None = option(
        "--until", "T", "With --coverage or --edits: only until time T (default: all)."
    ),
) -> None:
    """Print figures of the archive, the coverage of its sources, or statistics of edits."""
    _refuse_parts_of_figures(coverage=coverage, edits=edits, hourly=hourly, output=output)
    with reading(place) as (settings, archive):
        first = None if since is None else moments.parse_moment(since, settings.zone, "first")
        last = None if until is None else moments.parse_moment(until, settings.zone, "last")
        if edits:
            span = edit_spans.EditSpan(source, first, last)
            _report_edits(archive, span, output, is_hourly=hourly)
            return
        if not coverage:
            write_record(archive.stats(), output.target())
            if (left := archive.pending_work().sentence()) is not None:
                say(f"{left}: run `lesart up --once`, or start `lesart worker`")
            return
        rows = archive.coverage(since=first, until=last, source=source)
        report_list((row.to_dict() for row in rows), output.target(), empty="no checks found")


@command(app, "config", example="lesart config --config /etc/lesart.toml")
def config(place: ArchiveOptions, output: OutputOptions) -> None:
    """List all settings with their values and sources; secrets are hidden."""
    write_rows(place.settings().lines(), output.target())


@command(app, "version", example="lesart version")
def show_version() -> None:
    """Print the versions of Lesart and Python."""
    print_version()


@command(db, "roles", example="lesart db roles")
def roles() -> None:
    """Print the SQL that creates the roles of an archive on PostgreSQL; psql runs it."""
    script = resources.files("storage.database").joinpath("roles.sql")
    typer.echo(script.read_text("utf-8"), nl=False)


@command(db, "upgrade", example="lesart db upgrade --archive lesart-data/lesart.sqlite3")
def upgrade(place: ArchiveOptions, output: OutputOptions) -> None:
    """Create the archive, or upgrade it to the schema of this program."""
    url = engines.database_url(place.settings().database_url)
    engine = engines.writing_engine(url)
    try:
        with engines.reachable(url):
            before, after = schema.upgrade(engine)
    finally:
        engine.dispose()
    row = {"archive": engines.place_of(url), "before": before, "after": after}
    write_rows([row], output.target())


def _say_restricted(archive: "ReadOnlyArchive") -> None:
    """Print the number of restricted articles, which an export omits."""
    with archive.connect() as connection:
        number = find.count_restricted(connection)
    if number:
        say(
            quantity("{n} article is restricted and|{n} articles are restricted and", number)
            + " not exported: see `lesart redact --list-restricted`"
        )


def _export_warc(
    archive: "ReadOnlyArchive",
    filters: Filters,
    query: str | None,
    page: PageOptions,
    output: ExportOutputOptions,
) -> None:
    """Write the captures of articles; `--limit` counts articles."""
    selection = warc.ExportSelection(filters, query, page.after, page.limit)
    export = warc.WarcExport(archive, selection, program())
    path, number = output_path(output.output), 0
    with binary_stream(path) as stream:
        for each in export.records():
            stream.write(gzip.compress(each, mtime=0) if output.is_packed else each)
            number += 1
    if path is not None:
        report_written(number, "record")
    if export.withheld:
        say(
            quantity("bytes of {n} other capture|bytes of {n} other captures", export.withheld)
            + " are not exported: texts of restricted articles are in them, or they cannot be "
            "unpacked"
        )
    if page.limit is not None and export.cursor is not None:
        say(f"there may be more articles: continue with --after {export.cursor}")


def _refuse_parts_of_figures(
    *, coverage: bool, edits: bool, hourly: bool, output: FiguresOutputOptions
) -> None:
    """Refuse options that do not fit together."""
    if coverage and edits:
        raise typer.BadParameter("use either --coverage or --edits", param_hint="--edits")
    if hourly and not edits:
        raise typer.BadParameter("--hourly requires --edits", param_hint="--hourly")
    if output.is_parquet and not edits:
        raise typer.BadParameter("Parquet is available only with --edits", param_hint="--format")


def _report_edits(
    archive: "ReadOnlyArchive", span: "EditSpan", output: FiguresOutputOptions, *, is_hourly: bool
) -> None:
    """Write statistics of edits, one row per source or per source and hour."""
    kind = records.EditHour if is_hourly else records.EditFigures
    rows = archive.edits_by_hour(span) if is_hourly else archive.edit_figures(span)
    if not output.is_parquet:
        report_list((row.to_dict() for row in rows), output.target(), empty="no edits found")
        return
    what = "edits of press texts by source" + (" and hour of the first snapshot" * is_hourly)
    with parquet_stream(output.output, "edits.parquet") as (parquet, stream):
        number = parquet.write_figures(kind, rows, stream, what, program())
    report_written(number, "row")


def _export_parquet(
    archive: "ReadOnlyArchive", selection: "Selection", output: ExportOutputOptions
) -> None:
    """Write versions as one Parquet file."""
    with parquet_stream(output.output, "versions.parquet") as (parquet, stream):
        number = parquet.write_parquet(archive, selection, stream, program())
    report_written(number, "version")


def _parameter(given: str) -> tuple[str, Any]:
    name, is_set, text = given.partition("=")
    if not (is_set and name.isascii() and name.isidentifier()):
        raise typer.BadParameter(f"{given!r} is not of the form NAME=VALUE", param_hint="--param")
    try:
        value = json.loads(text)
    except ValueError:
        return name, text
    is_plain = value is None or isinstance(value, (str, int, float))
    return name, value if is_plain else text


def _distinct(columns: Sequence[str]) -> list[str]:
    """Return the column names, with numbers appended to duplicates.

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
