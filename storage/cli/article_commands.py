"""The commands that read articles, versions, checks and jobs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import NO, say
from storage.cli.options import (
    OUTPUT_HELP,
    ArchiveOptions,
    CitationOutputOptions,
    DiffOutputOptions,
    OutputOptions,
    VersionOutputOptions,
    command,
    output_path,
)
from storage.cli.output import (
    OutputError,
    json_text,
    read_argument,
    write_bytes,
    write_record,
    write_rows,
    write_text,
)
from storage.cli.report import (
    add_list,
    columns_of,
    reading,
    report_explained,
    report_list,
    report_query,
)
from storage.read.query.doors import DOORS
from storage.read.query.parameter import flag, option
from storage.read.query.queries import (
    BlameQuery,
    CiteQuery,
    DiffQuery,
    JobsQuery,
    RefusalsQuery,
    RelationsQuery,
    SearchQuery,
    VersionQuery,
)
from storage.read.render.visible import CONTROL
from storage.values.draft import as_dict
from storage.values.lazy import LazyModule
from storage.values.refusals import REFUSALS

if TYPE_CHECKING:
    from storage.cli.show import article as article_pages
    from storage.cli.show import diff as diff_pages
    from storage.read.render import change_svg, citation
else:
    article_pages = LazyModule("storage.cli.show.article")
    diff_pages = LazyModule("storage.cli.show.diff")
    change_svg = LazyModule("storage.read.render.change_svg")
    citation = LazyModule("storage.read.render.citation")

_FACETS = ("facet", "value", "hits")
_OPERATION = ("op", "role", "a_text", "b_text", "a_start", "b_start")
_SEARCH, _BLAME, _RELATIONS, _REFUSALS, _JOBS = (
    DOORS[name] for name in ("search", "blame", "relations", "refusals", "jobs")
)

for _door in DOORS.values():
    if _door.makes_command:
        add_list(_door)


@command(app, "search", example=_SEARCH.example)
def search(
    *,
    place: ArchiveOptions,
    query: SearchQuery,
    output: OutputOptions,
    facets: bool = flag(
        "--facets", "Count the results by source, publisher, month and others (default: list them)."
    ),
) -> None:
    """Search the full text of all versions."""
    if not facets:
        report_query(query, place, output, _SEARCH)
        return
    if query.after is not None or query.limit is not None:
        raise typer.BadParameter("--facets takes neither --after nor --limit")
    with reading(place, query) as (_settings, archive):
        filters, words = query.filters(archive.timezone), read_argument(query.q)
        found = archive.facets(words, query.latest, filters, query.steps())
    report_list(found.rows(), output.target(), _FACETS, empty="no results to count")
    if found.is_cut:
        say("the numbers cover the newest results only")


@command(app, "show", example="lesart show 35xhehswnwa6vc12@2024-06-18")
def show(query: VersionQuery, place: ArchiveOptions, output: VersionOutputOptions) -> None:
    """Show one version with its text and metadata."""
    with reading(place, query) as (_settings, archive):
        found = archive.version(query.rev)
    target = output.target()
    if target.chosen == "table":
        lines = article_pages.article_text(
            found, colour=target.has_colour, columns=columns_of(target)
        )
        write_text((line + "\n" for line in lines), target.path)
    else:
        write_record(found, target)
    if "redacted" in found.flags:
        say("the text was redacted; `lesart redact --list` shows when and why")
        raise typer.Exit(NO)
    if "restricted" in found.flags:
        say("the article is restricted: it is stored but not shown")
        raise typer.Exit(NO)


@command(app, "raw", example="lesart raw 35xhehswnwa6vc12@1 -o seite.html")
def raw(
    query: VersionQuery,
    place: ArchiveOptions,
    output: Path | None = option("--output -o", "FILE", OUTPUT_HELP),
) -> None:
    """Write the captured bytes of a version, unchanged."""
    with reading(place, query) as (_settings, archive):
        found = archive.raw(query.rev)
    path = output_path(output)
    if path is None and sys.stdout.isatty() and not _is_harmless(found.data):
        raise OutputError("the terminal", f"the capture is not plain text; add -o {found.name}")
    write_bytes(found.data, path)
    if path is not None:
        say(f"wrote {len(found.data)} bytes to {path}, SHA-256 {found.digest}")


# ---------------------------------------------------------------------------- versions, changes


@command(app, "diff", example="lesart diff 35xhehswnwa6vc12@1..@3 --format html -o diff.html")
def diff(query: DiffQuery, place: ArchiveOptions, output: DiffOutputOptions) -> None:
    """Compare two versions word by word; the exit code is 1 if they differ."""
    with reading(place, query) as (_settings, archive):
        found = archive.diff(query.rev, query.to)
        if (chosen := output.chosen()) == "svg":
            versions = archive.version(found.a), archive.version(found.b)
    target = output.target()
    match chosen:
        case "json" | "jsonl":
            write_text([json_text(found.to_dict()), "\n"], target.path)
        case "html":
            write_text(diff_pages.diff_html(found), target.path)
        case "svg":
            write_text([change_svg.share_picture(found, *versions)], target.path)
        case "csv" | "tsv":
            write_rows((as_dict(op) for op in found.operations if op.is_edit), target, _OPERATION)
        case "text" | "table":
            lines = diff_pages.diff_text(found, colour=target.has_colour)
            write_text((line + "\n" for line in lines), target.path)
    if not found.is_same:
        raise typer.Exit(NO)


@command(app, "blame", example=_BLAME.example)
def blame(place: ArchiveOptions, query: BlameQuery, output: OutputOptions) -> None:
    """List for each sentence the version that added it and the article that had it first."""
    empty = "no removed sentences" if query.removed else None
    report_query(query, place, output, _BLAME, empty)


@command(app, "cite", example='lesart cite 35xhehswnwa6vc12@2 --passage "36 Zentimeter"')
def cite(query: CiteQuery, place: ArchiveOptions, cited: CitationOutputOptions) -> None:
    """Write a citation of a version, or of a passage in it."""
    if cited.style is not None and cited.format is not None:
        raise typer.BadParameter("use either --style or --format", param_hint="--style")
    passage = None if query.passage is None else read_argument(query.passage)
    with reading(place, query) as (_settings, archive):
        found = archive.cite(query.rev, passage)
    target = cited.target()
    match cited.chosen_style():
        case None:
            write_record(found, target)
            return
        case "markdown":
            text = citation.markdown(found)
        case "bibtex":
            text = citation.bibtex(found)
        case "csl-json":
            text = citation.csl_json(found)
        case "w3c":
            text = citation.w3c(found)
    write_text([text], target.path)


# ------------------------------------------------------------------------------ checks and jobs


@command(app, "relations", example=_RELATIONS.example)
def relations(place: ArchiveOptions, query: RelationsQuery, output: OutputOptions) -> None:
    """List copies, contained texts and follow-ups, with score and method."""
    if query.explain:
        report_explained(query, place, output.target())
    else:
        report_query(query, place, output, _RELATIONS)


@command(app, "refusals", example=_REFUSALS.example)
def refusals(place: ArchiveOptions, query: RefusalsQuery, output: OutputOptions) -> None:
    """List refused documents with reason, remedy, and number of refusals."""
    unknown = sorted(set(query.code or ()) - REFUSALS.keys())
    if unknown:
        reason = f"there is no error code {unknown[0]!r}: docs/codes.md lists the codes"
        raise typer.BadParameter(reason, param_hint="--code")
    report_query(query, place, output, _REFUSALS)


@command(app, "jobs", example=_JOBS.example)
def jobs(query: JobsQuery, place: ArchiveOptions, output: OutputOptions) -> None:
    """List jobs with state, counts and reason.

    It also reports alerts, copies at other archives and stamps that are still to be sent.
    """
    report_query(query, place, output, _JOBS)
    if query.job is not None:
        return
    with reading(place) as (_settings, archive):
        for each in archive.outgoing():
            if (sentence := each.sentence()) is not None:
                say(f"{sentence}: `lesart top` shows more")


# ------------------------------------------------------------------------------------- private


def _is_harmless(data: bytes) -> bool:
    r"""Check whether `data` is UTF-8 without terminal control characters.

    >>> [_is_harmless(each) for each in (b"Damm\r\n", b"\x1b[2J", b"PK\x03\x04")]
    [True, False, False]
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return CONTROL.search(text.replace("\r\n", "\n")) is None
