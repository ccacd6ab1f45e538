"""The reading commands of `lesart`; the worker's commands are added to the same `app`."""

import gzip
import json
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage import answers
from storage.doctor import Check, examine
from storage.exits import NO, WELL, say
from storage.filters import Filters
from storage.options import (
    Filtering,
    Page,
    Place,
    Shown,
    ShownCitation,
    ShownDiff,
    ShownExport,
    ShownVersion,
    Then,
    command,
    path_of,
    with_groups,
)
from storage.output import (
    OutputError,
    Target,
    binary_stream,
    json_text,
    read_argument,
    write_bytes,
    write_record,
    write_rows,
    write_text,
)
from storage.progress import ProgressLine
from storage.record import as_dict
from storage.settings import Settings
from storage.terminal import CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from storage.broken import Broken
    from storage.check import Progress
    from storage.reading import ReadOnlyArchive


class ChangeClass(StrEnum):
    """The classes of a change, as `--class` takes them."""

    FIRST = "first"
    HEADLINE = "headline"
    NUMBER = "number"
    NAME = "name"
    QUOTE = "quote"
    WORDING = "wording"
    PUNCTUATION = "punctuation"
    PARAGRAPH_ADDED = "paragraph_added"
    PARAGRAPH_REMOVED = "paragraph_removed"
    MOVED = "moved"
    METADATA = "metadata"
    NOTICE = "notice"
    REVERSION = "reversion"


REVISION_HELP = "ARTICLE, ARTICLE@3, @latest, @~1, @2024-06-18[T12:00], @w1:5f3a9c…"
PARAMETER = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
"""
>>> PARAMETER.fullmatch("last=42")["value"]
'42'
"""

app = typer.Typer(
    name="lesart",
    help="Keep press texts: what was readable where, when, in which wording, and how it changed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="Care for the database.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(db, name="db")

Revision = Annotated[str, typer.Argument(metavar="REV", help=REVISION_HELP, show_default=False)]
Article = Annotated[
    str, typer.Argument(metavar="ARTICLE", help="An id or an address.", show_default=False)
]
ArticleOrAll = Annotated[
    str | None,
    typer.Argument(metavar="ARTICLE", help="An id or an address; else all.", show_default=False),
]


@app.callback(help=app.info.help)
@with_groups
def root(
    place: Place,  # the commands look these up (storage.options)
    shown: Shown,
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda wanted: _tell_version() if wanted else None,
            is_eager=True,
            help="Tell the version and end.",
        ),
    ] = False,
) -> None:
    """Take the options that may stand before a command."""


# ------------------------------------------------------------------------------ articles, hits


@command(app, "list", example="lesart list --language de --since 2024-06 --format csv")
def list_articles(place: Place, filtering: Filtering, then: Then, page: Page, shown: Shown) -> None:
    """List the articles of the archive."""
    with reading(place, then) as (settings, archive):
        rows = archive.articles(filtering.filters(settings), page.after, page.limit)
        tell_rows(rows, shown.target(), answers.ArticleLine, _LIST, page)


@command(app, "search", example='lesart search "\\"Damm gebrochen\\" Pegel" --latest')
def search(
    query: Annotated[
        str,
        typer.Argument(metavar="QUERY", help='Words, all of them; "…" is a phrase; - reads it.'),
    ],
    place: Place,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: Shown,
    *,
    latest: Annotated[
        bool, typer.Option("--latest", help="Search the latest versions only.")
    ] = False,
) -> None:
    """Search every version of every article."""
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        rows = archive.search(read_argument(query), latest, filters, page.after, page.limit)
        tell_rows(rows, shown.target(), answers.Hit, _SEARCH, page)


@command(app, "show", example="lesart show 35xhehswnwa6vc12@2024-06-18")
def show(revision: Revision, place: Place, then: Then, shown: ShownVersion) -> None:
    """Show one version, whole; as a table it is a text to read."""
    with reading(place, then) as (_settings, archive):
        found = archive.version(revision)
    target = shown.target()
    if target.chosen == "table":
        from storage.show import article_text  # noqa: PLC0415  # only here

        lines = article_text(found, colour=target.has_colour, columns=_columns(target))
        write_text((line + "\n" for line in lines), target.path)
    else:
        write_record(found, target)


@command(app, "raw", example="lesart raw 35xhehswnwa6vc12@1 -o seite.html")
def raw(
    revision: Revision,
    place: Place,
    then: Then,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, whole or not at all."),
    ] = None,
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
def history(article: Article, place: Place, then: Then, page: Page, shown: Shown) -> None:
    """List the versions of an article."""
    with reading(place, then) as (_settings, archive):
        rows = archive.history(article, page.after, page.limit)
        tell_rows(rows, shown.target(), answers.VersionLine, _HISTORY, page)


@command(app, "changes", example='lesart changes --class number --contains "Prozent"')
def changes(
    place: Place,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: Shown,
    article: ArticleOrAll = None,
    *,
    classes: Annotated[
        list[ChangeClass] | None,
        typer.Option("--class", metavar="C", help="Steps of this class; more than one: any."),
    ] = None,
    silent: Annotated[
        bool, typer.Option("--silent", help="Steps that the page does not own up to.")
    ] = False,
    contains: Annotated[
        str | None,
        typer.Option("--contains", metavar="TEXT", help="Steps in which TEXT came or went."),
    ] = None,
) -> None:
    """List every step between two versions, newest first."""
    with reading(place, then) as (settings, archive):
        rows = archive.changes(
            article,
            tuple(each.value for each in classes or ()),
            silent or None,
            contains,
            filtering.filters(settings),
            page.after,
            page.limit,
        )
        tell_rows(rows, shown.target(), answers.Change, _CHANGES, page)


@command(app, "diff", example="lesart diff 35xhehswnwa6vc12@1..@3 --format html -o diff.html")
def diff(
    revision: Annotated[
        str,
        typer.Argument(metavar="REV", help=f"{REVISION_HELP}; or REV..REV", show_default=False),
    ],
    place: Place,
    then: Then,
    shown: ShownDiff,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="REV", help="Else the version before the first.", show_default=False
        ),
    ] = None,
) -> None:
    """Compare two versions word by word; exit 0 if they are the same, 1 if not."""
    from storage.delta import diff_html, diff_text  # noqa: PLC0415  # only here

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
    place: Place,
    then: Then,
    page: Page,
    shown: Shown,
    *,
    removed: Annotated[
        bool, typer.Option("--removed", help="The sentences that stand there no more.")
    ] = False,
) -> None:
    """Tell for each sentence since when it stands there, and which article had it first."""
    with reading(place, then) as (_settings, archive):
        rows = archive.blame(revision, removed, page.after, page.limit)
        tell_rows(rows, shown.target(), answers.Blame, _BLAME, page)


@command(app, "cite", example='lesart cite 35xhehswnwa6vc12@2 --passage "36 Zentimeter"')
def cite(
    revision: Revision,
    place: Place,
    then: Then,
    cited: ShownCitation,
    passage: Annotated[
        str | None,
        typer.Option(
            "--passage",
            metavar="TEXT",
            help="A passage of its text, as it stands there; - reads it.",
        ),
    ] = None,
) -> None:
    """Write a reference to a version, or to a passage of it, that keeps its meaning."""
    from storage import citation  # noqa: PLC0415  # only here

    if cited.style is not None and cited.format is not None:
        raise typer.BadParameter("a reference has a style or a format", param_hint="--style")
    with reading(place, then) as (_settings, archive):
        found = archive.cite(revision, None if passage is None else read_argument(passage))
    target = cited.target()
    if cited.format is not None:
        write_record(found, target)
        return
    match cited.style or "markdown":
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
def observations(article: Article, place: Place, then: Then, page: Page, shown: Shown) -> None:
    """List every check of an article with its outcome."""
    with reading(place, then) as (_settings, archive):
        rows = archive.observations(article, page.after, page.limit)
        tell_rows(rows, shown.target(), answers.Observation, _OBSERVATIONS, page)


@command(app, "relations", example="lesart relations 35xhehswnwa6vc12")
def relations(
    place: Place,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: Shown,
    article: ArticleOrAll = None,
    *,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Tell shared passages, what differs, and who had it first."),
    ] = False,
) -> None:
    """List the copies and follow-ups of an article, or all relations, with score and method."""
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        rows = archive.relations(article, filters, page.after, page.limit)
        target = shown.target()
        if not explain:
            tell_rows(rows, target, answers.Relation, _RELATIONS, page)
        elif target.chosen != "table":
            write_rows(archive.explained(rows), target, flat_columns(answers.ExplainedRelation))
        else:
            _tell_explained(archive.explained(rows), target)


@command(app, "noise", example="lesart noise https://zeitung.example/damm --format jsonl")
def noise(place: Place, page: Page, shown: Shown, article: ArticleOrAll = None) -> None:
    """List what differs between two looks and counts as noise, with the rule and the passages."""
    with reading(place) as (_settings, archive):
        rows = archive.noise(article, page.after, page.limit)
        tell_rows(rows, shown.target(), answers.NoiseStep, _NOISE, page)


@command(app, "refusals", example="lesart refusals --format csv --output abgelehnt.csv")
def refusals(
    place: Place,
    page: Page,
    shown: Shown,
    job: Annotated[
        int | None, typer.Option("--job", metavar="JOB", help="What this job refused.")
    ] = None,
) -> None:
    """List what was refused, why, and what to do."""
    with reading(place) as (_settings, archive):
        rows = archive.refusals(job, page.after, page.limit)
        tell_rows(rows, shown.target(), answers.Refusal, _REFUSALS, page)


@command(app, "jobs", example="lesart jobs 42")
def jobs(
    place: Place,
    page: Page,
    shown: Shown,
    job: Annotated[
        int | None,
        typer.Argument(metavar="JOB", help="One job and its parts; else all.", show_default=False),
    ] = None,
) -> None:
    """List the jobs with their state, counts and reason."""
    with reading(place) as (_settings, archive):
        rows = archive.jobs(job, page.after, page.limit)
        tell_rows(rows, shown.target(), answers.Job, _JOBS, page)


# ------------------------------------------------------------------------------ the whole archive


@command(
    app,
    "sql",
    example="lesart sql 'SELECT title FROM articles WHERE seq > :last' --param last=42",
)
def sql(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="One SELECT over the views; - reads it.")
    ],
    place: Place,
    shown: Shown,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME=VALUE",
            help="For :NAME in the query; a JSON number, true, false, null or text in quotes "
            "counts as such.",
        ),
    ] = None,
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
    place: Place,
    filtering: Filtering,
    then: Then,
    page: Page,
    shown: ShownExport,
    query: Annotated[
        str | None,
        typer.Option("--query", metavar="QUERY", help="Only what `lesart search` would find."),
    ] = None,
    *,
    all_versions: Annotated[
        bool,
        typer.Option(
            "--all-versions", help="Every version, not the latest alone; a WARC has them always."
        ),
    ] = False,
) -> None:
    """Write whole texts, or captures as a WARC file, of the archive or of a query."""
    from storage.export import FLAT_COLUMNS, Selection, flat_rows, json_lines  # noqa: PLC0415

    target = shown.target()
    with reading(place, then) as (settings, archive):
        filters = filtering.filters(settings)
        if shown.is_warc:
            _export_warc(archive, filters, query, page, shown)
            return
        selection = Selection(filters, query, all_versions, page.after, page.limit)
        take = json_lines if target.format in {"json", "jsonl"} else flat_rows
        write_rows(take(archive, selection), target, FLAT_COLUMNS)


@command(app, "verify", example="lesart verify --format jsonl")
def verify(place: Place, shown: Shown) -> None:
    """Compute every digest and invariant again; tell what is broken and end with 1."""
    tell_verification(place.settings(), shown)


@command(app, "stats", example="lesart stats --format json")
def stats(
    *,
    place: Place,
    shown: Shown,
    coverage: Annotated[
        bool,
        typer.Option("--coverage", help="How often each source was looked at, hour by hour."),
    ] = False,
    source: Annotated[
        str | None, typer.Option("--source", metavar="S", help="With --coverage: this one alone.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="With --coverage: from then on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="With --coverage: up to then.")
    ] = None,
) -> None:
    """Tell the figures of the archive, or how well its sources were looked at."""
    from storage.moment import parse_moment  # noqa: PLC0415  # only here

    with reading(place) as (settings, archive):
        if not coverage:
            write_record(archive.stats(), shown.target())
            return
        first = None if since is None else parse_moment(since, settings.zone, "first")
        last = None if until is None else parse_moment(until, settings.zone, "last")
        rows = archive.coverage(since=first, until=last, source=source)
        write_rows((row.to_dict() for row in rows), shown.target())


@command(app, "config", example="lesart config --config /etc/lesart.toml")
def config(place: Place, shown: Shown) -> None:
    """Tell each setting and where its value came from; secrets are hidden."""
    write_rows(place.settings().told(), shown.target())


@command(app, "doctor", example="lesart doctor")
def doctor(place: Place, shown: Shown) -> None:
    """Tell what is wrong with this installation and how to mend it."""
    tell_examination(place.settings(), shown)


@command(db, "upgrade", example="lesart db upgrade --archive lesart-data/lesart.sqlite3")
def upgrade(place: Place, shown: Shown) -> None:
    """Make the archive's tables, or bring them to the schema of this program."""
    from storage import schema  # noqa: PLC0415  # only here
    from storage.engine import (  # noqa: PLC0415
        database_url,
        place_of,
        reachable,
        writing_engine,
    )

    url = database_url(place.settings().database_url)
    engine = writing_engine(url)
    with reachable(url):
        before, after = schema.upgrade(engine)
    engine.dispose()
    write_rows([{"archive": place_of(url), "before": before, "after": after}], shown.target())


def _export_warc(
    archive: "ReadOnlyArchive", filters: Filters, query: str | None, page: Page, shown: ShownExport
) -> None:
    """Write the captures of articles; `--limit` counts articles."""
    from storage.warc_export import Chosen, WarcExport  # noqa: PLC0415

    export = WarcExport(archive, Chosen(filters, query, page.after, page.limit), _program())
    with binary_stream(path_of(shown.output)) as stream:
        for each in export.records():
            stream.write(gzip.compress(each, mtime=0) if shown.is_packed else each)
    if page.limit is not None and export.cursor is not None:
        say(f"there may be more: go on with --after {export.cursor}")


# ------------------------------------------------------------------- for the commands of others


@contextmanager
def reading(place: Place, then: Then | None = None) -> Iterator[tuple[Settings, "ReadOnlyArchive"]]:
    """Open the archive that `place` names for reading, as it was `then`.

    Raises: MomentError, SettingsError, ArchiveMissingError, ArchiveUnreachableError,
    SchemaOlderError, SchemaNewerError.
    """
    from storage.reading import open_archive  # noqa: PLC0415  # SQLAlchemy is slow to load

    settings = place.settings()
    with open_archive(
        settings.database_url, timezone=settings.zone, languages=settings.languages
    ) as archive:
        moments = (None, None) if then is None else then.moments(settings)
        yield settings, archive if moments == (None, None) else archive.at(*moments)


@contextmanager
def reading_only(settings: Settings) -> Iterator["Engine"]:
    """Give an engine that reads an archive in our schema, for checks of the whole.

    Raises: the same as `reading`.
    """
    from storage.engine import database_url, reachable, reading_engine  # noqa: PLC0415
    from storage.schema import require_current  # noqa: PLC0415

    url = database_url(settings.database_url)
    engine = reading_engine(url)
    try:
        with reachable(url):
            require_current(engine)
            yield engine
    finally:
        engine.dispose()


def _tell_explained(relations: Iterable[answers.ExplainedRelation], target: Target) -> None:
    from storage.show_relation import relation_text  # noqa: PLC0415

    write_text(
        (
            f"{line}\n"
            for relation in relations
            for line in relation_text(relation, colour=target.has_colour, columns=_columns(target))
        ),
        target.path,
    )


def tell_rows(
    rows: Iterable[Any],
    target: Target,
    kind: type[Any],
    shown: Sequence[str],
    page: Page | None = None,
) -> None:
    """Write records of one `kind`; a table shows the columns `shown` and says how it goes on."""
    written = write_rows(rows, target, flat_columns(kind), shown=shown)
    if target.chosen != "table":
        return
    if not written.number:
        say("there is nothing to tell")
    elif page is not None and page.limit == written.number:
        say(f"there may be more: go on with --after {written.last.cursor}")


def tell_examination(
    settings: Settings, shown: Shown, more: Iterable[tuple[str, Check]] = ()
) -> None:
    """Write what each check found and end with 1 where something is broken."""
    findings = list(examine(settings, more))
    write_rows(findings, shown.target())
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(NO)


def tell_verification(
    settings: Settings,
    shown: Shown,
    more: "Callable[[Engine, Progress], Iterator[Broken]] | None" = None,
) -> None:
    """Write what is broken as it is found, say what was looked at, end with 1 where it is.

    `more` goes on with checks of a caller, such as the derivation of texts from their bytes.
    """
    from storage.broken import Broken  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.check import Verification  # noqa: PLC0415

    with reading_only(settings) as engine, ProgressLine() as line:
        verification = Verification(engine)
        findings = verification.findings(line.tell)
        if more is not None:
            findings = chain(findings, more(engine, line.tell))
        written = write_rows(findings, shown.target(), flat_columns(Broken))
    looked = ", ".join(f"{number} {name}" for name, number in verification.looked.items())
    say(f"looked at {looked}; {verification.redacted} redacted; {written.number} broken")
    if written.number:
        raise typer.Exit(NO)


def flat_columns(kind: type[Any]) -> list[str]:
    """Return the columns of a record's flat form, so that an empty CSV has its heading too.

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


# ------------------------------------------------------------------------------------- private

_LIST = ("article", "title", "published", "language", "source", "versions", "state", "last_seen")
_SEARCH = ("article", "version", "current", "published", "title", "snippet")
_HISTORY = (
    "version", "changed_after", "changed_by", "last_seen", "words_added", "words_removed",
    "silent", "changes", "title",
)  # fmt: skip
_CHANGES = (
    "article", "version", "changed_by", "words_added", "words_removed", "silent", "changes",
    "removed", "added",
)  # fmt: skip
_BLAME = ("since_version", "changed_by", "returned", "first_article", "paragraph", "sentence")
_OBSERVATIONS = (
    "observed_at", "until", "checks", "outcome", "version", "foreign", "note", "origin",
)  # fmt: skip
_RELATIONS = ("id", "a", "b", "kind", "score", "earlier", "method", "decided_at", "undone_at")
_NOISE = ("id", "article", "version", "observed_at", "rules", "removed", "added", "undone_at")
_REFUSALS = ("job", "code", "locator", "message", "hint")
_JOBS = (
    "job", "source", "state", "created_at", "seen", "new_articles", "new_versions", "unchanged",
    "copies", "refused", "failed", "gone", "reason",
)  # fmt: skip
_OPERATION = ("op", "role", "a_text", "b_text", "a_start", "b_start")


def _program() -> str:
    try:
        return f"lesart {version('lesart')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "lesart (not installed)"


def _tell_version() -> None:
    typer.echo(f"{_program()}, Python {platform.python_version()}")
    raise typer.Exit(WELL)


def _columns(target: Target) -> int | None:
    return shutil.get_terminal_size().columns if target.is_terminal else None


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


def _parameter(given: str) -> tuple[str, Any]:
    match = PARAMETER.fullmatch(given)
    if match is None:
        raise typer.BadParameter(f"{given!r} is not NAME=VALUE", param_hint="--param")
    try:
        value = json.loads(match["value"])
    except ValueError:
        return match["name"], match["value"]
    is_plain = value is None or isinstance(value, (str, int, float))
    return match["name"], value if is_plain else match["value"]


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
