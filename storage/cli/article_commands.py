"""The commands that read articles, versions, checks and jobs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage.cli.app import app
from storage.cli.exits import NO, say
from storage.cli.options import (
    OUTPUT_HELP,
    ArchiveOptions,
    AsOfOptions,
    ChangeOptions,
    CitationOutputOptions,
    DiffOutputOptions,
    FilterOptions,
    OutputOptions,
    PageOptions,
    VersionOutputOptions,
    argument,
    command,
    flag,
    option,
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
from storage.cli.report import columns_of, flat_columns, reading, report_explained, report_rows
from storage.read.render.moment import parse_moment
from storage.read.render.visible import CONTROL
from storage.values.draft import as_dict
from storage.values.late import LateModule
from storage.values.refusals import REFUSALS

if TYPE_CHECKING:
    from storage.cli.show import article as article_pages
    from storage.cli.show import diff as diff_pages
    from storage.read import answers
    from storage.read.figures import lineages as lineage_rows
    from storage.read.render import change_svg, citation
else:
    answers = LateModule("storage.read.answers")
    article_pages = LateModule("storage.cli.show.article")
    diff_pages = LateModule("storage.cli.show.diff")
    lineage_rows = LateModule("storage.read.figures.lineages")
    change_svg = LateModule("storage.read.render.change_svg")
    citation = LateModule("storage.read.render.citation")

REVISION_HELP = (
    "Version of an article: ARTICLE (latest version), or ARTICLE followed by @3 (number), "
    "@~1 (one before the latest), @2024-06-18[T12:00] (time) or @w1:5f3a9c… (wording)"
)
ARTICLE_HELP = "Article by id or address."
ALL_HELP = "Article by id or address (default: all articles)."

Revision = Annotated[
    str, typer.Argument(metavar="REV", help=f"{REVISION_HELP}.", show_default=False)
]
Article = Annotated[str, typer.Argument(metavar="ARTICLE", help=ARTICLE_HELP, show_default=False)]
ArticleOrAll = Annotated[
    str | None,
    typer.Argument(metavar="ARTICLE", help=ALL_HELP, show_default=False),
]


# ------------------------------------------------------------------------------ articles, hits


@command(app, "list", example="lesart list --language de --since 2024-06 --format csv")
def list_articles(
    place: ArchiveOptions,
    filtering: FilterOptions,
    then: AsOfOptions,
    page: PageOptions,
    output: OutputOptions,
) -> None:
    """List articles."""
    with reading(place, then) as (settings, archive):
        rows = archive.articles(filtering.filters(settings), page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            answers.ArticleLine,
            _LIST,
            page,
            empty="no articles found: archive some with `lesart ingest`, or change the filters",
            least=5,
        )


@command(app, "search", example='lesart search "\\"Damm gebrochen\\" Pegel" --latest')
def search(
    *,
    query: str = argument(
        "QUERY", 'Words that all must occur; "…" is a phrase; - reads standard input.'
    ),
    place: ArchiveOptions,
    filtering: FilterOptions,
    then: AsOfOptions,
    page: PageOptions,
    output: OutputOptions,
    latest: bool = flag(
        "--latest", "Search only the latest version of each article (default: all versions)."
    ),
) -> None:
    """Search the full text of all versions."""
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        rows = archive.search(read_argument(query), latest, filters, page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            answers.Hit,
            _SEARCH,
            page,
            empty="no version matches the query and the filters",
        )


@command(app, "show", example="lesart show 35xhehswnwa6vc12@2024-06-18")
def show(
    revision: Revision, place: ArchiveOptions, then: AsOfOptions, output: VersionOutputOptions
) -> None:
    """Show one version with its text and metadata."""
    with reading(place, then) as (_settings, archive):
        found = archive.version(revision)
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
    revision: Revision,
    place: ArchiveOptions,
    then: AsOfOptions,
    output: Path | None = option("--output -o", "FILE", OUTPUT_HELP),
) -> None:
    """Write the captured bytes of a version, unchanged."""
    with reading(place, then) as (_settings, archive):
        found = archive.raw(revision)
    path = output_path(output)
    if path is None and sys.stdout.isatty() and not _is_harmless(found.data):
        raise OutputError("the terminal", f"the capture is not plain text; add -o {found.name}")
    write_bytes(found.data, path)
    if path is not None:
        say(f"wrote {len(found.data)} bytes to {path}, SHA-256 {found.digest}")


# ---------------------------------------------------------------------------- versions, changes


@command(app, "history", example="lesart history https://zeitung.example/damm")
def history(
    article: Article,
    place: ArchiveOptions,
    then: AsOfOptions,
    page: PageOptions,
    output: OutputOptions,
) -> None:
    """List the versions of an article."""
    with reading(place, then) as (_settings, archive):
        rows = archive.history(article, page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            answers.VersionLine,
            _HISTORY,
            page,
            empty="no versions found",
            least=4,
        )


@command(app, "changes", example='lesart changes --class number --contains "Prozent"')
def changes(
    *,
    place: ArchiveOptions,
    options: ChangeOptions,
    filtering: FilterOptions,
    then: AsOfOptions,
    page: PageOptions,
    output: OutputOptions,
) -> None:
    """List changes from version to version, newest first."""
    with reading(place, then) as (settings, archive):
        asked = options.filter()
        rows = archive.changes(
            options.article,
            asked.classes,
            asked.silent,
            asked.contains,
            filtering.filters(settings),
            page.after,
            page.limit,
        )
        report_rows(rows, output.target(), answers.Change, _CHANGES, page, empty="no changes found")


@command(app, "diff", example="lesart diff 35xhehswnwa6vc12@1..@3 --format html -o diff.html")
def diff(
    *,
    revision: str = argument("REV", f"{REVISION_HELP}, or a range REV..REV."),
    place: ArchiveOptions,
    then: AsOfOptions,
    output: DiffOutputOptions,
    other: str | None = argument(
        "REV", "Version to compare with (default: the version before the first one).", None
    ),
) -> None:
    """Compare two versions word by word; the exit code is 1 if they differ."""
    with reading(place, then) as (_settings, archive):
        found = archive.diff(revision, other)
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
def blame(
    revision: Revision,
    place: ArchiveOptions,
    then: AsOfOptions,
    page: PageOptions,
    output: OutputOptions,
    *,
    removed: bool = flag(
        "--removed", "List removed sentences (default: the sentences of the version)."
    ),
) -> None:
    """List for each sentence the version that added it and the article that had it first."""
    with reading(place, then) as (_settings, archive):
        rows = archive.blame(revision, removed, page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            answers.Blame,
            _BLAME,
            page,
            empty="no removed sentences" if removed else "no sentences found",
            least=4,
        )


@command(app, "cite", example='lesart cite 35xhehswnwa6vc12@2 --passage "36 Zentimeter"')
def cite(
    revision: Revision,
    place: ArchiveOptions,
    then: AsOfOptions,
    cited: CitationOutputOptions,
    passage: str | None = option(
        "--passage",
        "TEXT",
        "Cite this passage, quoted exactly; - reads standard input (default: whole version).",
    ),
) -> None:
    """Write a citation of a version, or of a passage in it."""
    if cited.style is not None and cited.format is not None:
        raise typer.BadParameter("use either --style or --format", param_hint="--style")
    with reading(place, then) as (_settings, archive):
        found = archive.cite(revision, None if passage is None else read_argument(passage))
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


@command(app, "observations", example="lesart observations 35xhehswnwa6vc12 --format jsonl")
def observations(
    article: Article,
    place: ArchiveOptions,
    then: AsOfOptions,
    page: PageOptions,
    output: OutputOptions,
) -> None:
    """List all checks of an article with their outcomes."""
    with reading(place, then) as (_settings, archive):
        rows = archive.observations(article, page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            answers.Observation,
            _OBSERVATIONS,
            page,
            empty="no checks found",
            least=5,
        )


@command(app, "relations", example="lesart relations 35xhehswnwa6vc12")
def relations(
    place: ArchiveOptions,
    filtering: FilterOptions,
    then: AsOfOptions,
    page: PageOptions,
    output: OutputOptions,
    article: ArticleOrAll = None,
    *,
    explain: bool = flag(
        "--explain", "Add the shared passages, the differences, and the earlier article."
    ),
) -> None:
    """List copies, contained texts and follow-ups, with score and method."""
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        rows = archive.relations(article, filters, page.after, page.limit)
        target = output.target()
        if not explain:
            report_rows(
                rows,
                target,
                answers.Relation,
                _RELATIONS,
                page,
                empty="no relations found",
                least=6,
            )
        elif target.chosen != "table":
            write_rows(
                archive.explain_relations(rows), target, flat_columns(answers.ExplainedRelation)
            )
        else:
            report_explained(archive.explain_relations(rows), target)


@command(app, "noise", example="lesart noise https://zeitung.example/damm --format jsonl")
def noise(
    place: ArchiveOptions, page: PageOptions, output: OutputOptions, article: ArticleOrAll = None
) -> None:
    """List differences that count as noise, with the rule and the passages."""
    with reading(place) as (_settings, archive):
        rows = archive.noise(article, page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            answers.NoiseStep,
            _NOISE,
            page,
            empty="no differences count as noise",
        )


@command(app, "lineages", example="lesart lineages https://zeitung.example/damm")
def lineages(
    place: ArchiveOptions, page: PageOptions, output: OutputOptions, article: ArticleOrAll = None
) -> None:
    """List addresses that were joined to one article; `lesart undo ID` separates them."""
    with reading(place) as (_settings, archive):
        rows = archive.lineages(article, page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            lineage_rows.LineageDecision,
            _LINEAGES,
            page,
            empty="no addresses were joined",
        )


@command(app, "refusals", example="lesart refusals --format csv --output abgelehnt.csv")
def refusals(
    *,
    place: ArchiveOptions,
    page: PageOptions,
    output: OutputOptions,
    job: int | None = option("--job", "JOB", "Only refusals of this job (default: all jobs)."),
    code: list[str] | None = option(
        "--code", "CODE", "Only refusals with this error code; repeatable (default: all)."
    ),
    source: str | None = option(
        "--source", "NAME", "Only refusals from the source NAME (default: all sources)."
    ),
    since: str | None = option("--since", "T", "Only refusals at time T or later (default: all)."),
) -> None:
    """List refused documents with reason, remedy, and number of refusals."""
    unknown = sorted(set(code or ()) - REFUSALS.keys())
    if unknown:
        reason = f"there is no error code {unknown[0]!r}: docs/codes.md lists the codes"
        raise typer.BadParameter(reason, param_hint="--code")
    with reading(place) as (settings, archive):
        moment = None if since is None else parse_moment(since, settings.zone, "first")
        rows = archive.refusals(
            job, page.after, page.limit, codes=code or (), source=source, since=moment
        )
        report_rows(rows, output.target(), answers.Refusal, _REFUSALS, page, empty="no refusals")


@command(app, "jobs", example="lesart jobs 42")
def jobs(
    *,
    place: ArchiveOptions,
    page: PageOptions,
    output: OutputOptions,
    job: int | None = argument(
        "JOB", "Only the job with this number and its parts (default: all jobs).", None
    ),
) -> None:
    """List jobs with state, counts and reason."""
    with reading(place) as (_settings, archive):
        rows = archive.jobs(job, page.after, page.limit)
        report_rows(
            rows,
            output.target(),
            answers.Job,
            _JOBS,
            page,
            empty="no jobs found: `lesart ingest` and `lesart up` create them",
        )


# ------------------------------------------------------------------------------------- private

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
_OBSERVATIONS = (
    "observed_at", "checks", "outcome", "version", "note", "until", "foreign", "origin",
)  # fmt: skip
_RELATIONS = ("id", "a", "b", "kind", "score", "earlier", "method", "decided_at", "undone_at")
_NOISE = ("id", "article", "version", "observed_at", "rules", "removed", "added", "undone_at")
_LINEAGES = ("id", "article", "kind", "origin", "to_origin", "decided_at", "undone_at")
_REFUSALS = ("job", "code", "locator", "times", "first_at", "at", "message", "hint")
_JOBS = ("job", "source", "state", "created_at", "result", "reason")
_OPERATION = ("op", "role", "a_text", "b_text", "a_start", "b_start")


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
