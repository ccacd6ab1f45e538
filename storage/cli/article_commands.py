"""The commands that read articles, versions, checks and jobs."""

import sys
from collections.abc import Sequence
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
    columns_of,
    reading,
    report_explained,
    report_list,
    report_query,
)
from storage.read.query.parameter import flag, option
from storage.read.query.queries import (
    ArticlesQuery,
    BlameQuery,
    ChangesQuery,
    CiteQuery,
    DiffQuery,
    EntriesQuery,
    FrontQuery,
    FrontsQuery,
    JobsQuery,
    LineagesQuery,
    ListQuery,
    NoiseQuery,
    ObservationsQuery,
    RefusalsQuery,
    RelationsQuery,
    RightsQuery,
    SearchQuery,
    SentencesQuery,
    VersionQuery,
    VersionsQuery,
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

_LIST = ("article", "title", "published", "versions", "state", "language", "source", "last_seen")
_SEARCH = ("article", "version", "current", "published", "title", "snippet")
_HISTORY = (
    "version", "changed_after", "changed_by", "changes", "last_seen", "words_added",
    "words_removed", "silent", "title",
)  # fmt: skip
_CHANGES = (
    "article", "version", "changed_by", "words_added", "words_removed", "silent", "changes",
    "removed", "added",
)  # fmt: skip
_BLAME = ("since_version", "changed_by", "first_article", "sentence", "returned", "paragraph")
_SENTENCES = ("number", "since_version", "changed_by", "first_article", "current_in", "sentence")
_FACETS = ("facet", "value", "hits")
_OBSERVATIONS = (
    "observed_at", "checks", "outcome", "version", "note", "until", "foreign", "origin",
)  # fmt: skip
_ENTRIES = ("time", "headline", "state", "versions", "text", "first_seen", "ended_by", "entry")
_RIGHTS = (
    "found_in", "protocol", "name", "value", "machine_readable", "changed_after", "first_seen",
    "last_seen", "ended_by", "article",
)  # fmt: skip
_TEASER = ("position", "heading_level", "picture", "kicker", "headline", "origin", "observed_at")
_STAY = (
    "headline", "position", "headline_test", "first_seen", "last_seen", "ended_by", "checks",
    "front", "origin", "article",
)  # fmt: skip
_RELATIONS = ("id", "a", "b", "kind", "score", "earlier", "method", "decided_at", "undone_at")
_NOISE = ("id", "article", "version", "observed_at", "rules", "removed", "added", "undone_at")
_LINEAGES = ("id", "article", "kind", "origin", "to_origin", "decided_at", "undone_at")
_REFUSALS = ("job", "code", "locator", "times", "first_at", "at", "message", "hint")
_JOBS = ("job", "source", "state", "created_at", "result", "reason")
_OPERATION = ("op", "role", "a_text", "b_text", "a_start", "b_start")


def add_list(
    name: str,
    kind: type[ListQuery],
    shown: Sequence[str],
    *,
    empty: str,
    example: str,
    least: int | None = None,
) -> None:
    """Add a command that lists the records of a query; a table has the columns `shown`."""

    def run(place: ArchiveOptions, query: ListQuery, output: OutputOptions) -> None:
        report_query(query, place, output, shown, empty=empty, least=least)

    run.__doc__ = kind.__doc__
    run.__annotations__["query"] = kind
    command(app, name, example=example)(run)


# ------------------------------------------------------------------------------ articles, hits


add_list(
    "list",
    ArticlesQuery,
    _LIST,
    empty="no articles found: archive some with `lesart ingest`, or change the filters",
    least=5,
    example="lesart list --language de --since 2024-06 --format csv",
)


@command(app, "search", example='lesart search "\\"Damm gebrochen\\" Pegel" --latest')
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
        empty = "no version matches the query and the filters"
        report_query(query, place, output, _SEARCH, empty=empty)
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


add_list(
    "history",
    VersionsQuery,
    _HISTORY,
    empty="no versions found",
    least=4,
    example="lesart history https://zeitung.example/damm",
)
add_list(
    "changes",
    ChangesQuery,
    _CHANGES,
    empty="no changes found",
    example='lesart changes --class number --contains "Prozent"',
)


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


@command(app, "blame", example="lesart blame 35xhehswnwa6vc12 --format csv")
def blame(place: ArchiveOptions, query: BlameQuery, output: OutputOptions) -> None:
    """List for each sentence the version that added it and the article that had it first."""
    empty = "no removed sentences" if query.removed else "no sentences found"
    report_query(query, place, output, _BLAME, empty=empty, least=4)


add_list(
    "sentences",
    SentencesQuery,
    _SENTENCES,
    empty="no sentence contains this text",
    example='lesart sentences 35xhehswnwa6vc12 "36 Zentimeter"',
)


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


add_list(
    "observations",
    ObservationsQuery,
    _OBSERVATIONS,
    empty="no checks found",
    least=5,
    example="lesart observations 35xhehswnwa6vc12 --format jsonl",
)


add_list(
    "entries",
    EntriesQuery,
    _ENTRIES,
    empty="no entries found",
    least=4,
    example="lesart entries https://zeitung.example/liveblog",
)
add_list(
    "rights",
    RightsQuery,
    _RIGHTS,
    empty="no declarations found",
    least=5,
    example="lesart rights https://zeitung.example/damm --current",
)


add_list(
    "front",
    FrontQuery,
    _TEASER,
    empty="no teasers at that time",
    least=3,
    example="lesart front https://zeitung.example/ --as-of 2026-03-01T12:00",
)
add_list(
    "fronts",
    FrontsQuery,
    _STAY,
    empty="no headlines on front pages",
    least=5,
    example="lesart fronts --article https://zeitung.example/damm",
)


@command(app, "relations", example="lesart relations 35xhehswnwa6vc12")
def relations(place: ArchiveOptions, query: RelationsQuery, output: OutputOptions) -> None:
    """List copies, contained texts and follow-ups, with score and method."""
    if query.explain:
        report_explained(query, place, output.target())
    else:
        report_query(query, place, output, _RELATIONS, empty="no relations found", least=6)


add_list(
    "noise",
    NoiseQuery,
    _NOISE,
    empty="no differences count as noise",
    example="lesart noise https://zeitung.example/damm --format jsonl",
)
add_list(
    "lineages",
    LineagesQuery,
    _LINEAGES,
    empty="no addresses were joined",
    example="lesart lineages https://zeitung.example/damm",
)


@command(app, "refusals", example="lesart refusals --format csv --output abgelehnt.csv")
def refusals(place: ArchiveOptions, query: RefusalsQuery, output: OutputOptions) -> None:
    """List refused documents with reason, remedy, and number of refusals."""
    unknown = sorted(set(query.code or ()) - REFUSALS.keys())
    if unknown:
        reason = f"there is no error code {unknown[0]!r}: docs/codes.md lists the codes"
        raise typer.BadParameter(reason, param_hint="--code")
    report_query(query, place, output, _REFUSALS, empty="no refusals")


add_list(
    "jobs",
    JobsQuery,
    _JOBS,
    empty="no jobs found: `lesart ingest` and `lesart up` create them",
    example="lesart jobs 42",
)


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
