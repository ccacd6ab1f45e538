"""The commands that read articles, versions and what was done; those on the whole archive and
the worker's commands are added to the same `app`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import storage.cli.archive_commands
import storage.cli.open_page
import storage.cli.proof_commands
import storage.cli.top
import storage.cli.watch  # noqa: F401  # the commands of all five are commands of `app`
from storage.cli.app import app
from storage.cli.exits import NO, say
from storage.cli.options import (
    ArchiveOptions,
    ChangeOptions,
    Filtering,
    OutputOptions,
    Page,
    ShownCitation,
    ShownDiff,
    ShownVersion,
    Then,
    argument,
    command,
    flag,
    option,
    path_of,
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
    from storage.read import answers
else:
    answers = LateModule("storage.read.answers")

REVISION_HELP = "ARTICLE, ARTICLE@3, @latest, @~1, @2024-06-18[T12:00], @w1:5f3a9c…"

Revision = Annotated[str, typer.Argument(metavar="REV", help=REVISION_HELP, show_default=False)]
Article = Annotated[
    str, typer.Argument(metavar="ARTICLE", help="An id or an address.", show_default=False)
]
ArticleOrAll = Annotated[
    str | None,
    typer.Argument(metavar="ARTICLE", help="An id or an address; else all.", show_default=False),
]


# ------------------------------------------------------------------------------ articles, hits


@command(app, "list", example="lesart list --language de --since 2024-06 --format csv")
def list_articles(
    place: ArchiveOptions, filtering: Filtering, then: Then, page: Page, shown: OutputOptions
) -> None:
    """List the articles of the archive."""
    with reading(place, then) as (settings, archive):
        rows = archive.articles(filtering.filters(settings), page.after, page.limit)
        report_rows(rows, shown.target(), answers.ArticleLine, _LIST, page, least=5)


@command(app, "search", example='lesart search "\\"Damm gebrochen\\" Pegel" --latest')
def search(
    *,
    query: str = argument("QUERY", 'Words, all of them; "…" is a phrase; - reads it.'),
    place: ArchiveOptions,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: OutputOptions,
    latest: bool = flag("--latest", "Search the latest versions only."),
) -> None:
    """Search every version of every article."""
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        rows = archive.search(read_argument(query), latest, filters, page.after, page.limit)
        report_rows(rows, shown.target(), answers.Hit, _SEARCH, page)


@command(app, "show", example="lesart show 35xhehswnwa6vc12@2024-06-18")
def show(revision: Revision, place: ArchiveOptions, then: Then, shown: ShownVersion) -> None:
    """Show one version, whole; as a table it is a text to read."""
    with reading(place, then) as (_settings, archive):
        found = archive.version(revision)
    target = shown.target()
    if target.chosen == "table":
        from storage.cli.show.article import article_text  # noqa: PLC0415  # only here

        lines = article_text(found, colour=target.has_colour, columns=columns_of(target))
        write_text((line + "\n" for line in lines), target.path)
    else:
        write_record(found, target)
    if "redacted" in found.flags:
        say("its text was redacted; `lesart redact --list` says when and why")
        raise typer.Exit(NO)
    if "restricted" in found.flags:
        say("it is restricted: kept, and shown to nobody for now")
        raise typer.Exit(NO)


@command(app, "raw", example="lesart raw 35xhehswnwa6vc12@1 -o seite.html")
def raw(
    revision: Revision,
    place: ArchiveOptions,
    then: Then,
    output: Path | None = option("--output -o", "FILE", "Write to FILE, whole or not at all."),
) -> None:
    """Write the captured bytes of a version, bit for bit."""
    with reading(place, then) as (_settings, archive):
        found = archive.raw(revision)
    path = path_of(output)
    if path is None and sys.stdout.isatty() and not _is_harmless(found.data):
        raise OutputError("the terminal", f"these bytes are no plain text; try -o {found.name}")
    write_bytes(found.data, path)
    if path is not None:
        say(f"{len(found.data)} bytes in {path}, SHA-256 {found.digest}")


# ---------------------------------------------------------------------------- versions, changes


@command(app, "history", example="lesart history https://zeitung.example/damm")
def history(
    article: Article, place: ArchiveOptions, then: Then, page: Page, shown: OutputOptions
) -> None:
    """List the versions of an article."""
    with reading(place, then) as (_settings, archive):
        rows = archive.history(article, page.after, page.limit)
        report_rows(rows, shown.target(), answers.VersionLine, _HISTORY, page, least=4)


@command(app, "changes", example='lesart changes --class number --contains "Prozent"')
def changes(
    *,
    place: ArchiveOptions,
    wanted: ChangeOptions,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: OutputOptions,
) -> None:
    """List every step between two versions, newest first."""
    with reading(place, then) as (settings, archive):
        asked = wanted.filter()
        rows = archive.changes(
            wanted.article,
            asked.classes,
            asked.silent,
            asked.contains,
            filtering.filters(settings),
            page.after,
            page.limit,
        )
        report_rows(rows, shown.target(), answers.Change, _CHANGES, page)


@command(app, "diff", example="lesart diff 35xhehswnwa6vc12@1..@3 --format html -o diff.html")
def diff(
    *,
    revision: str = argument("REV", f"{REVISION_HELP}; or REV..REV", show_default=False),
    place: ArchiveOptions,
    then: Then,
    shown: ShownDiff,
    other: str | None = argument(
        "REV", "Else the version before the first.", None, show_default=False
    ),
) -> None:
    """Compare two versions word by word; exit 0 if they are the same, 1 if not."""
    from storage.cli.show.diff import diff_html, diff_text  # noqa: PLC0415  # only here

    with reading(place, then) as (_settings, archive):
        found = archive.diff(revision, other)
    target = shown.target()
    match shown.chosen():
        case "json" | "jsonl":
            write_text([json_text(found.to_dict()), "\n"], target.path)
        case "html":
            write_text(diff_html(found), target.path)
        case "csv" | "tsv":
            write_rows(map(as_dict, found.operations), target, _OPERATION)
        case "text" | "table":
            lines = diff_text(found, colour=target.has_colour)
            write_text((line + "\n" for line in lines), target.path)
    if not found.is_same:
        raise typer.Exit(NO)


@command(app, "blame", example="lesart blame 35xhehswnwa6vc12 --format csv")
def blame(
    revision: Revision,
    place: ArchiveOptions,
    then: Then,
    page: Page,
    shown: OutputOptions,
    *,
    removed: bool = flag("--removed", "The sentences that stand there no more."),
) -> None:
    """Report for each sentence since when it stands there, and which article had it first."""
    with reading(place, then) as (_settings, archive):
        rows = archive.blame(revision, removed, page.after, page.limit)
        report_rows(rows, shown.target(), answers.Blame, _BLAME, page, least=4)


@command(app, "cite", example='lesart cite 35xhehswnwa6vc12@2 --passage "36 Zentimeter"')
def cite(
    revision: Revision,
    place: ArchiveOptions,
    then: Then,
    cited: ShownCitation,
    passage: str | None = option(
        "--passage", "TEXT", "A passage of its text, as it stands there; - reads it."
    ),
) -> None:
    """Write a reference to a version, or to a passage of it, that keeps its meaning."""
    from storage.read.render import citation  # noqa: PLC0415  # only here

    if cited.style is not None and cited.format is not None:
        raise typer.BadParameter("a reference has a style or a format", param_hint="--style")
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


# -------------------------------------------------------------------------- what was seen, done


@command(app, "observations", example="lesart observations 35xhehswnwa6vc12 --format jsonl")
def observations(
    article: Article, place: ArchiveOptions, then: Then, page: Page, shown: OutputOptions
) -> None:
    """List every check of an article with its outcome."""
    with reading(place, then) as (_settings, archive):
        rows = archive.observations(article, page.after, page.limit)
        report_rows(rows, shown.target(), answers.Observation, _OBSERVATIONS, page, least=5)


@command(app, "relations", example="lesart relations 35xhehswnwa6vc12")
def relations(
    place: ArchiveOptions,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: OutputOptions,
    article: ArticleOrAll = None,
    *,
    explain: bool = flag(
        "--explain", "Report shared passages, what differs, and who had it first."
    ),
) -> None:
    """List the copies and follow-ups of an article, or all relations, with score and method."""
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        rows = archive.relations(article, filters, page.after, page.limit)
        target = shown.target()
        if not explain:
            report_rows(rows, target, answers.Relation, _RELATIONS, page, least=6)
        elif target.chosen != "table":
            write_rows(archive.explained(rows), target, flat_columns(answers.ExplainedRelation))
        else:
            report_explained(archive.explained(rows), target)


@command(app, "noise", example="lesart noise https://zeitung.example/damm --format jsonl")
def noise(
    place: ArchiveOptions, page: Page, shown: OutputOptions, article: ArticleOrAll = None
) -> None:
    """List what differs between two looks and counts as noise, with the rule and the passages."""
    with reading(place) as (_settings, archive):
        rows = archive.noise(article, page.after, page.limit)
        report_rows(rows, shown.target(), answers.NoiseStep, _NOISE, page)


@command(app, "lineages", example="lesart lineages https://zeitung.example/damm")
def lineages(
    place: ArchiveOptions, page: Page, shown: OutputOptions, article: ArticleOrAll = None
) -> None:
    """List which addresses were joined to one article, and why; `lesart undo ID` parts them."""
    from storage.read.figures.lineages import LineageDecision  # noqa: PLC0415  # SQLAlchemy is slow

    with reading(place) as (_settings, archive):
        rows = archive.lineages(article, page.after, page.limit)
        report_rows(rows, shown.target(), LineageDecision, _LINEAGES, page)


@command(app, "refusals", example="lesart refusals --format csv --output abgelehnt.csv")
def refusals(
    *,
    place: ArchiveOptions,
    page: Page,
    shown: OutputOptions,
    job: int | None = option("--job", "JOB", "What this job refused."),
    code: list[str] | None = option("--code", "CODE", "Under this code; repeat it."),
    source: str | None = option("--source", "S", "From the source of this name."),
    since: str | None = option("--since", "T", "Refused at T or later."),
) -> None:
    """List what was refused, why, what to do, and how often the same was refused since when."""
    unknown = sorted(set(code or ()) - REFUSALS.keys())
    if unknown:
        named = f"{unknown[0]!r} is no code: `docs/codes.md` lists them"
        raise typer.BadParameter(named, param_hint="--code")
    with reading(place) as (settings, archive):
        moment = None if since is None else parse_moment(since, settings.zone, "first")
        rows = archive.refusals(
            job, page.after, page.limit, codes=code or (), source=source, since=moment
        )
        report_rows(rows, shown.target(), answers.Refusal, _REFUSALS, page)


@command(app, "jobs", example="lesart jobs 42")
def jobs(
    *,
    place: ArchiveOptions,
    page: Page,
    shown: OutputOptions,
    job: int | None = argument("JOB", "One job and its parts; else all.", None, show_default=False),
) -> None:
    """List the jobs with their state, counts and reason."""
    with reading(place) as (_settings, archive):
        rows = archive.jobs(job, page.after, page.limit)
        report_rows(rows, shown.target(), answers.Job, _JOBS, page)


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
    r"""Return whether `data` is UTF-8 that does nothing to a terminal.

    >>> [_is_harmless(each) for each in (b"Damm\r\n", b"\x1b[2J", b"PK\x03\x04")]
    [True, False, False]
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return CONTROL.search(text.replace("\r\n", "\n")) is None
