"""The options that commands share, in groups that a command takes as one value each.

A group is a frozen dataclass whose fields are Typer options; `command` lets Typer see them as
options of the command, and a value given before the command counts where none is given after it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, tzinfo
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from storage.cli.output import AnswerTarget, Format
from storage.read.filters import Filters
from storage.read.render.moment import Edge, parse_moment
from storage.settings import Settings, load_settings
from storage.values.late import LateModule

if TYPE_CHECKING:
    from storage.database import capture_store
else:
    capture_store = LateModule("storage.database.capture_store")

VersionFormat = Literal["text", "table", "json", "jsonl", "csv", "tsv"]
DiffFormat = Literal["text", "html", "table", "json", "jsonl", "csv", "tsv"]
ExportFormat = Literal["table", "json", "jsonl", "csv", "tsv", "parquet", "warc"]
FiguresFormat = Literal["table", "json", "jsonl", "csv", "tsv", "parquet"]

CitationStyle = Literal["markdown", "bibtex", "csl-json", "w3c"]

_CONTEXT = "_context"
_BY_SUFFIX: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
}


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """Which archive, which settings."""

    archive: Annotated[
        str | None,
        typer.Option(
            "--archive", metavar="PATH|URL", help="Another archive than the settings name."
        ),
    ] = None
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="A TOML file of settings."),
    ] = None
    debug: Annotated[bool, typer.Option("--debug", help="Print the whole trace of an error.")] = (
        False
    )

    def settings(self) -> Settings:
        """Read the settings.

        Raises: SettingsError.
        """
        settings = load_settings(config=self.config, archive=self.archive)
        if settings.captures is not None:
            capture_store.use_captures(settings.captures)
        return settings


Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, whole or not at all."),
]
SpreadsheetSafe = Annotated[
    bool,
    typer.Option(
        "--spreadsheet-safe", help="In CSV and TSV, put ' before what looks like a formula."
    ),
]


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How and where rows are written."""

    format: Annotated[
        Format | None,
        typer.Option(
            "--format", help="How rows are written; else a table on a terminal, jsonl in a pipe."
        ),
    ] = None
    output: Output = None
    spreadsheet_safe: SpreadsheetSafe = False

    def target(self) -> AnswerTarget:
        """Return where rows go; the ending of a file names the format if nothing else does."""
        return _target(self.format, self.output, is_spreadsheet_safe=self.spreadsheet_safe)


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """How and where one version is written: `text` is another word for `table`."""

    format: Annotated[
        VersionFormat | None,
        typer.Option(
            "--format", help="How it is written; else a text on a terminal, jsonl in a pipe."
        ),
    ] = None
    output: Output = None
    spreadsheet_safe: SpreadsheetSafe = False

    def target(self) -> AnswerTarget:
        """Return where the version goes."""
        chosen: Format | None = "table" if self.format == "text" else self.format
        return _target(chosen, self.output, is_spreadsheet_safe=self.spreadsheet_safe)


@dataclass(frozen=True, slots=True)
class ShownDiff:
    """How and where a comparison is written: as text, if nothing else is said."""

    format: Annotated[
        DiffFormat | None,
        typer.Option("--format", help="How it is written; else as text."),
    ] = None
    output: Output = None
    spreadsheet_safe: SpreadsheetSafe = False

    def chosen(self) -> DiffFormat:
        """Return the format that is written."""
        is_page = self.output is not None and self.output.suffix.lower() in {".html", ".htm"}
        return self.format or ("html" if is_page else named_format(self.output) or "text")

    def target(self) -> AnswerTarget:
        """Return where the comparison goes."""
        chosen = self.chosen()
        rows: Format = "table" if chosen in {"text", "html"} else chosen  # type: ignore[assignment]
        return _target(rows, self.output, is_spreadsheet_safe=self.spreadsheet_safe)


@dataclass(frozen=True, slots=True)
class ShownExport:
    """How and where an export is written: rows of texts, or captures as a WARC file."""

    format: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="How it is written; else as the file's name says, or jsonl."),
    ] = None
    output: Output = None
    spreadsheet_safe: SpreadsheetSafe = False

    @property
    def is_warc(self) -> bool:
        """Return whether captures are written; the ending of a file may say so."""
        is_named = self.format is None and _ends(self.output, ".warc", ".warc.gz")
        return self.format == "warc" or is_named

    @property
    def is_parquet(self) -> bool:
        """Return whether one Parquet file is written; the ending of a file may say so."""
        return self.format == "parquet" or (self.format is None and _ends(self.output, ".parquet"))

    @property
    def is_packed(self) -> bool:
        """Return whether each record is to be gzipped."""
        return self.output is not None and self.output.suffix.lower() == ".gz"

    def target(self) -> AnswerTarget:
        """Return where rows go."""
        rows: Format | None = (
            None if self.format == "warc" or self.format == "parquet" else self.format  # noqa: PLR1714  # for mypy
        )
        return _target(rows or named_format(self.output) or "jsonl", self.output,
                       is_spreadsheet_safe=self.spreadsheet_safe)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownFigures:
    """How and where figures are written: as rows, or as a Parquet file."""

    format: Annotated[
        FiguresFormat | None,
        typer.Option(
            "--format", help="How rows are written; else a table on a terminal, jsonl in a pipe."
        ),
    ] = None
    output: Output = None
    spreadsheet_safe: SpreadsheetSafe = False

    @property
    def is_parquet(self) -> bool:
        """Return whether one Parquet file is written; the ending of a file may say so."""
        return self.format == "parquet" or (self.format is None and _ends(self.output, ".parquet"))

    def target(self) -> AnswerTarget:
        """Return where rows go."""
        rows: Format | None = None if self.format == "parquet" else self.format
        return _target(rows, self.output, is_spreadsheet_safe=self.spreadsheet_safe)


def _ends(output: Path | None, *endings: str) -> bool:
    return output is not None and output.name.lower().endswith(endings)


@dataclass(frozen=True, slots=True)
class ShownCitation:
    """In which style a reference is written, or in which format what it has to say."""

    style: Annotated[
        CitationStyle | None,
        typer.Option("--style", help="How the reference is written; else as Markdown."),
    ] = None
    format: Annotated[
        Format | None,
        typer.Option("--format", help="Instead of a reference, its facts as a row."),
    ] = None
    output: Output = None
    spreadsheet_safe: SpreadsheetSafe = False

    def target(self) -> AnswerTarget:
        """Return where the reference goes."""
        return _target(self.format, self.output, is_spreadsheet_safe=self.spreadsheet_safe)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a long answer."""

    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most N rows.")
    ] = None
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="CURSOR", help="Go on after the row with this cursor."),
    ] = None


@dataclass(frozen=True, slots=True)
class Checked:
    """How much of an archive is verified, and against what."""

    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="Only what was recorded at T or later."),
    ] = None
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample", metavar="SHARE", help="Only a share of the rows, such as 5% or 0.05."
        ),
    ] = None
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="A checkpoint that was kept elsewhere: the log must go on from it.",
        ),
    ] = None
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="CHECK:NUMBER", help="Go on where an earlier run ended."),
    ] = None

    def permille(self) -> int:
        """Return how many of a thousand rows are looked at.

        Raises: typer.BadParameter.
        """
        given = self.sample or "100%"
        try:
            share = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            raise typer.BadParameter(f"{given!r} is no share: 5% or 0.05", param_hint="--sample")
        return max(1, round(share * 1000))


@dataclass(frozen=True, slots=True)
class Filtering:
    """Which articles; times without a zone are in the time zone of the settings."""

    language: Annotated[
        str | None, typer.Option("--language", metavar="L", help="In this language, such as de.")
    ] = None
    source: Annotated[
        str | None, typer.Option("--source", metavar="S", help="From the source of this name.")
    ] = None
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="First seen by us at T or later.")
    ] = None
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="First seen by us at T or earlier.")
    ] = None
    published_since: Annotated[
        str | None,
        typer.Option("--published-since", metavar="D", help="Published on D or later."),
    ] = None
    published_until: Annotated[
        str | None,
        typer.Option("--published-until", metavar="D", help="Published on D or earlier."),
    ] = None

    def filters(self, settings: Settings) -> Filters:
        """Return the filters with every time as a moment: the first of a span, or its last.

        Raises: MomentError.
        """

        def moment(given: str | None, edge: Edge) -> Any:
            return None if given is None else parse_moment(given, settings.zone, edge)

        return Filters(
            language=self.language,
            source=self.source,
            since=moment(self.since, "first"),
            until=moment(self.until, "last"),
            published_since=moment(self.published_since, "first"),
            published_until=moment(self.published_until, "last"),
        )


@dataclass(frozen=True, slots=True)
class Then:
    """As of when, and by what was known when; a day stands for its end."""

    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="As it was readable at T, by all known today."),
    ] = None
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="T", help="By what the archive itself knew at T."),
    ] = None

    def moments(self, settings: Settings) -> tuple[datetime | None, datetime | None]:
        """Return both times; a day, month or year ends at its last moment.

        Raises: MomentError.
        """
        as_of, known_at = (_then(given, settings.zone) for given in (self.as_of, self.known_at))
        return as_of, known_at


def command(
    app: typer.Typer, name: str, *, example: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a command to `app` whose parameters may be groups; `example` ends its help."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        app.command(name, epilog=f"\b\nExample:\n  {example}")(with_groups(function))
        return function

    return add


def with_groups(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` as Typer wants it: each field of a group is a parameter of its own."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters = [
        flat
        for parameter in inspect.signature(function).parameters.values()
        for flat in _flat(parameter, hints[parameter.name])
    ]
    own = next((name for name, kind in hints.items() if kind is typer.Context), None)
    if own is None:
        parameters.append(_parameter(_CONTEXT, typer.Context))

    @wraps(function)
    def wrapper(**given: Any) -> Any:
        ctx: typer.Context = given.pop(_CONTEXT) if own is None else given[own]
        for name, kind in groups.items():
            values = {each.name: given.pop(each.name) for each in fields(kind)}
            given[name] = kind(**{key: _inherited(ctx, key, values[key]) for key in values})
        return function(**given)

    described: Any = wrapper
    described.__signature__ = inspect.Signature(parameters)
    described.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper


def path_of(output: Path | None) -> Path | None:
    """Return the file to write, None for standard output, which `-` names too."""
    return None if output is None or str(output) == "-" else output


def named_format(output: Path | None) -> Format | None:
    """Return the format that the ending of `output` names.

    >>> named_format(Path("artikel.csv"))
    'csv'
    """
    return None if output is None else _BY_SUFFIX.get(output.suffix.lower())


def _then(given: str | None, zone: tzinfo) -> datetime | None:
    """Return a time as a revision reads it: a time of day is that moment, not its minute."""
    if given is None:
        return None
    edge: Edge = "first" if ":" in given else "last"
    return parse_moment(given, zone, edge)


def _target(
    format_: Format | None, output: Path | None, *, is_spreadsheet_safe: bool
) -> AnswerTarget:
    return AnswerTarget(format_ or named_format(output), path_of(output), is_spreadsheet_safe)


def _flat(parameter: inspect.Parameter, hint: Any) -> list[inspect.Parameter]:
    if not is_dataclass(hint):
        return [_parameter(parameter.name, hint, default=parameter.default)]
    hints = get_type_hints(hint, include_extras=True)
    return [_parameter(each.name, hints[each.name], default=each.default) for each in fields(hint)]


def _parameter(
    name: str, annotation: Any, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def _inherited(ctx: typer.Context, name: str, value: Any) -> Any:
    """Return `value`, or where it was not given what stands before the command."""
    parent: Any = ctx.parent
    while (value is None or value is False) and parent is not None:
        value, parent = parent.params.get(name, value), parent.parent
    return value
