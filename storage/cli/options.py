"""The options that commands share, in groups that a command takes as one value each.

A group is a frozen dataclass whose fields are options; `command` lets Typer see them as options of
the command, and a value given before the command counts where none is given after it.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from datetime import datetime, tzinfo
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_type_hints

import typer

from storage.cli.output import AnswerTarget, Format, require_lasting_place
from storage.read.filters import Filters
from storage.read.render.moment import Edge, parse_moment
from storage.settings import Settings, load_settings
from storage.values.answer import LARGEST
from storage.values.change_class import ChangeClass
from storage.values.late import LateModule

if TYPE_CHECKING:
    from storage.database import capture_store
    from storage.read.lists import ChangeFilter
else:
    capture_store = LateModule("storage.database.capture_store")

VersionFormat = Literal["text", "table", "json", "jsonl", "csv", "tsv"]
DiffFormat = Literal["text", "html", "table", "json", "jsonl", "csv", "tsv"]
ExportFormat = Literal["table", "json", "jsonl", "csv", "tsv", "parquet", "warc"]
FiguresFormat = Literal["table", "json", "jsonl", "csv", "tsv", "parquet"]

CitationStyle = Literal["markdown", "bibtex", "csl-json", "w3c"]

_CONTEXT, _TOLD = "_context", "told"
_PATHS = ("config", "output")
"""Options before a command that name a file: there, Typer leaves them texts."""
_BY_SUFFIX: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
}


SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,7}")
"""The end of a file's name that may name a format; that of `backup-2024.11.28` is none."""


def option(names: str, metavar: str | None, tells: str, default: Any = None, **more: Any) -> Any:
    """Return the default of an option of a command or a group: its `names`, what its help `tells`.

    One whose default is `MISSING` has to be given.
    """
    told = typer.Option(*names.split(), metavar=metavar, help=tells, **more)
    return field(default=default, metadata={_TOLD: told})


def flag(name: str, tells: str, *, default: bool = False, **more: Any) -> Any:
    """Return the default of an option that is given or not."""
    return option(name, None, tells, default, **more)


def argument(metavar: str, tells: str, default: Any = MISSING, **more: Any) -> Any:
    """Return the default of an argument, which has to be given where there is none."""
    told = typer.Argument(metavar=metavar, help=tells, **more)
    return field(default=default, metadata={_TOLD: told})


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """Which archive, which settings."""

    archive: str | None = option("--archive", "PATH|URL", "Another archive than the settings name.")
    config: Path | None = option("--config", "FILE", "A TOML file of settings.")
    debug: bool = flag("--debug", "Print the whole trace of an error.")

    def settings(self) -> Settings:
        """Read the settings.

        Raises: SettingsError.
        """
        settings = load_settings(config=self.config, archive=self.archive)
        if settings.captures is not None:
            capture_store.use_captures(settings.captures)
        return settings


@dataclass(frozen=True, slots=True)
class _Shown:
    """How and where an answer is written; the ending of a file names the format if nothing does."""

    format: Any = None
    output: Path | None = option("--output -o", "FILE", "Write to FILE, whole or not at all.")
    spreadsheet_safe: bool = flag(
        "--spreadsheet-safe", "In CSV and TSV, put ' before what looks like a formula."
    )
    suffixes: ClassVar[tuple[str, ...]] = tuple(_BY_SUFFIX)

    def __post_init__(self) -> None:
        """Refuse a file whose suffix names a format that the command does not write.

        Raises: typer.BadParameter.
        """
        if self.format is not None or self.output is None:
            return
        suffix = self.output.suffix.lower()
        name = self.output.name.lower()
        if SUFFIX.fullmatch(suffix) is None or name.endswith(self.suffixes):
            return
        reason = (
            f"{self.output}: this command writes no {suffix} file. Name a file that ends in "
            f"{', '.join(sorted(self.suffixes))}, or choose the format with --format"
        )
        raise typer.BadParameter(reason, param_hint="--output")

    def target(self) -> AnswerTarget:
        """Return where it goes."""
        return self._as(self.format)

    def _as(self, rows: Format | None) -> AnswerTarget:
        chosen = rows or named_format(self.output)
        return AnswerTarget(chosen, path_of(self.output), self.spreadsheet_safe)

    def _is(self, format_: str, *endings: str) -> bool:
        """Return whether `format_` is asked for; the ending of a file may say so."""
        is_named = self.output is not None and self.output.name.lower().endswith(endings)
        return self.format == format_ or (self.format is None and is_named)


@dataclass(frozen=True, slots=True)
class OutputOptions(_Shown):
    """How and where rows are written."""

    format: Format | None = option(
        "--format", None, "How rows are written; else a table on a terminal, jsonl in a pipe."
    )


@dataclass(frozen=True, slots=True)
class LeadingOutputOptions(OutputOptions):
    """The output options that precede a command; the command decides which suffixes it writes."""

    suffixes: ClassVar[tuple[str, ...]] = ("",)


@dataclass(frozen=True, slots=True)
class ShownVersion(_Shown):
    """How and where one version is written: `text` is another word for `table`."""

    format: VersionFormat | None = option(
        "--format", None, "How it is written; else a text on a terminal, jsonl in a pipe."
    )
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".txt")

    def target(self) -> AnswerTarget:
        if self.format == "text" or self._is("text", ".txt"):
            return self._as("table")
        return self._as(self.format)


@dataclass(frozen=True, slots=True)
class ShownDiff(_Shown):
    """How and where a comparison is written: as text, if nothing else is said."""

    format: DiffFormat | None = option("--format", None, "How it is written; else as text.")
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".htm", ".html", ".txt", ".diff")

    def chosen(self) -> DiffFormat:
        """Return the format that is written."""
        is_page = self._is("html", ".html", ".htm")
        return self.format or ("html" if is_page else named_format(self.output) or "text")

    def target(self) -> AnswerTarget:
        chosen = self.chosen()
        return self._as("table" if chosen == "text" or chosen == "html" else chosen)  # noqa: PLR1714  # for mypy


@dataclass(frozen=True, slots=True)
class ShownFigures(_Shown):
    """How and where figures are written: as rows, or as a Parquet file."""

    format: FiguresFormat | None = option(
        "--format", None, "How rows are written; else a table on a terminal, jsonl in a pipe."
    )
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".parquet")

    @property
    def is_parquet(self) -> bool:
        return self._is("parquet", ".parquet")

    def target(self) -> AnswerTarget:
        return self._as(None if self.format == "parquet" else self.format)


@dataclass(frozen=True, slots=True)
class ShownExport(_Shown):
    """How and where an export is written: rows of texts, or captures as a WARC file."""

    format: ExportFormat | None = option(
        "--format", None, "How it is written; else as the file's name says, or jsonl."
    )
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".parquet", ".warc", ".warc.gz")

    @property
    def is_warc(self) -> bool:
        return self._is("warc", ".warc", ".warc.gz")

    @property
    def is_parquet(self) -> bool:
        return self._is("parquet", ".parquet")

    @property
    def is_packed(self) -> bool:
        """Return whether each record is to be gzipped."""
        return self.output is not None and self.output.suffix.lower() == ".gz"

    def target(self) -> AnswerTarget:
        rows = None if self.format == "warc" or self.format == "parquet" else self.format  # noqa: PLR1714  # for mypy
        return self._as(rows or named_format(self.output) or "jsonl")


@dataclass(frozen=True, slots=True)
class ShownCitation(_Shown):
    """In which style a reference is written, or in which format what it has to say."""

    format: Format | None = option("--format", None, "Instead of a reference, its facts as a row.")
    style: CitationStyle | None = option(
        "--style", None, "How the reference is written; else as Markdown."
    )
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".md", ".txt", ".bib")

    def chosen_style(self) -> CitationStyle | None:
        """Return the style of the reference, None where its facts are to be written as a row."""
        if self.format is not None or (self.style is None and named_format(self.output)):
            return None
        return self.style or ("bibtex" if self._is("", ".bib") else "markdown")

    def __post_init__(self) -> None:
        if self.style is None:
            _Shown.__post_init__(self)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a long answer."""

    limit: int | None = option("--limit", "N", "At most N rows.", min=1)
    after: str | None = option("--after", "CURSOR", "Go on after the row with this cursor.")


@dataclass(frozen=True, slots=True)
class Checked:
    """How much of an archive is verified, and against what."""

    since: str | None = option("--since", "T", "Only what was recorded at T or later.")
    sample: str | None = option(
        "--sample", "SHARE", "Only a share of the rows, such as 5% or 0.05."
    )
    against: list[Path] | None = option(
        "--against",
        "FILE",
        "A checkpoint that was kept elsewhere: the log must go on from it.",
        exists=True,
        dir_okay=False,
    )
    after: str | None = option("--after", "CHECK:NUMBER", "Go on where an earlier run ended.")

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

    language: str | None = option("--language", "L", "In this language, such as de.")
    source: str | None = option("--source", "S", "From the source of this name.")
    since: str | None = option("--since", "T", "First seen by us at T or later.")
    until: str | None = option("--until", "T", "First seen by us at T or earlier.")
    published_since: str | None = option("--published-since", "D", "Published on D or later.")
    published_until: str | None = option("--published-until", "D", "Published on D or earlier.")

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
class ChangeOptions:
    """Which changes."""

    article: str | None = argument(
        "ARTICLE", "An id or an address; else all.", None, show_default=False
    )
    classes: list[ChangeClass] | None = option(
        "--class", "C", "Only changes of this class; repeat it for any of several."
    )
    silent: bool = flag(
        "--silent", "Only silent changes: no update time or correction notice on the page."
    )
    contains: str | None = option(
        "--contains", "TEXT", "Only changes that add or remove a passage with TEXT."
    )

    def filter(self) -> "ChangeFilter":
        """Return what these options ask of a change, apart from its article."""
        from storage.read.lists import ChangeFilter  # noqa: PLC0415  # SQLAlchemy is slow to load

        classes = tuple(each.value for each in self.classes or ())
        return ChangeFilter(classes, self.silent or None, self.contains)


@dataclass(frozen=True, slots=True)
class Then:
    """As of when, and by what was known when; a day stands for its end."""

    as_of: str | None = option("--as-of", "T", "As it was readable at T, by all known today.")
    known_at: str | None = option("--known-at", "T", "By what the archive itself knew at T.")

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
        summary = " ".join((function.__doc__ or "").partition("\n\n")[0].split())
        add_to = app.command(name, short_help=summary, epilog=f"\b\nExample:\n  {example}")
        add_to(WithGroups(function))
        return function

    return add


class WithGroups:
    """A function as Typer wants it: each field of a group is a parameter of its own.

    Which these are is found out when it is asked: of all commands, one is called.
    """

    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function, assigned=("__module__", "__name__", "__doc__"), updated=())

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.__wrapped__, include_extras=True)

    @property
    def __signature__(self) -> inspect.Signature:
        parameters = [_parameter(_CONTEXT, typer.Context)]
        for name, each in inspect.signature(self.__wrapped__).parameters.items():
            hint = self._hints[name]
            if is_dataclass(hint):
                hints = get_type_hints(hint, include_extras=True)
                parameters += [_parameter(f.name, hints[f.name], f) for f in fields(hint)]
            else:
                parameters.append(_parameter(name, hint, each.default))
        return inspect.Signature(parameters)

    @property
    def __annotations__(self) -> dict[str, Any]:  # type: ignore[override]  # read alone
        return {name: each.annotation for name, each in self.__signature__.parameters.items()}

    def __call__(self, **given: Any) -> Any:
        ctx: typer.Context = given.pop(_CONTEXT)
        for name, value in given.items():
            if isinstance(value, int) and abs(value) > LARGEST:
                raise typer.BadParameter(f"{value} is larger than any number here", param_hint=name)
        for name, kind in self._hints.items():
            if isinstance(kind, type) and is_dataclass(kind):
                values = {each.name: given.pop(each.name) for each in fields(kind)}
                given[name] = kind(**{key: _inherited(ctx, key, values[key]) for key in values})
        return self.__wrapped__(**given)


def path_of(output: Path | None) -> Path | None:
    """Return the file to write, None for standard output, which `-` names too.

    Raises: OutputError.
    """
    if output is None or str(output) == "-":
        return None
    require_lasting_place(output)
    return output


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


def _parameter(name: str, hint: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    if isinstance(default, Field):
        if _TOLD in default.metadata:
            hint = Annotated[hint, default.metadata[_TOLD]]
        default = inspect.Parameter.empty if default.default is MISSING else default.default
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hint)


def _inherited(ctx: typer.Context, name: str, value: Any) -> Any:
    """Return `value`, or where it was not given what stands before the command."""
    parent: Any = ctx.parent
    while (value is None or value is False) and parent is not None:
        value, parent = parent.params.get(name, value), parent.parent
    return Path(value) if name in _PATHS and isinstance(value, str) else value
