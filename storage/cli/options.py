"""The shared options of the commands, in groups.

A group is a frozen dataclass whose fields are options. `command` declares each field to Typer as
an option of the command. Options before a command apply unless they are repeated after it.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_type_hints

import typer

from storage.cli.output import AnswerTarget, Format, require_lasting_place
from storage.cli.shown_time import use_zone
from storage.read.query.parameter import PARAMETER, Parameter, flag, option
from storage.settings import Settings, load_settings
from storage.values.lazy import LazyModule
from storage.values.settings.entered_text import LINE, RULES

if TYPE_CHECKING:
    from storage.values import answer
else:
    answer = LazyModule("storage.values.answer")

VersionFormat = Literal["text", "table", "json", "jsonl", "csv", "tsv"]
DiffFormat = Literal["text", "html", "svg", "table", "json", "jsonl", "csv", "tsv"]
_DIFF_SUFFIXES: dict[DiffFormat, tuple[str, ...]] = {"html": (".html", ".htm"), "svg": (".svg",)}
ExportFormat = Literal["table", "json", "jsonl", "csv", "tsv", "parquet", "warc"]
FiguresFormat = Literal["table", "json", "jsonl", "csv", "tsv", "parquet"]

CitationStyle = Literal["markdown", "bibtex", "csl-json", "w3c"]

VERBOSE_HELP = "State the limits of the level of proof, and the tables that no check covers."
OUTPUT_HELP = "Write to FILE, all or nothing (default: standard output)."
ROWS_FORMAT_HELP = "Output format (default: table on a terminal, jsonl in a pipe)."

_CONTEXT = "_context"
_PATHS = ("config", "output")
"""Path options; Typer passes them as `str` if they precede the command."""
_BY_SUFFIX: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
}


SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,7}")
"""File name suffix that may select a format; the `.28` of `backup-2024.11.28` is none."""


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """Options that select the archive and the settings."""

    archive: str | None = option(
        "--archive", "PATH|URL", "Archive to use (default: LESART_DATABASE_URL)."
    )
    config: Path | None = option(
        "--config", "FILE", "TOML file with settings (default: lesart.toml, if it exists)."
    )
    debug: bool = flag("--debug", "Print debug messages and the traceback of an error.")

    def settings(self) -> Settings:
        """Read the settings; times are displayed in their zone.

        Raises: SettingsError.
        """
        settings = load_settings(config=self.config, archive=self.archive)
        use_zone(settings.zone)
        return settings


@dataclass(frozen=True, slots=True)
class _OutputBase:
    """Base of the output options; without `--format`, the suffix of the file selects the format."""

    format: Any = None
    output: Path | None = option("--output -o", "FILE", OUTPUT_HELP)
    spreadsheet_safe: bool = flag(
        "--spreadsheet-safe", "In CSV and TSV, prefix values that look like formulas with '."
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
            f"{self.output}: this command cannot write {suffix} files. Use a file name that ends "
            f"in {', '.join(sorted(self.suffixes))}, or choose the format with --format"
        )
        raise typer.BadParameter(reason, param_hint="--output")

    def target(self) -> AnswerTarget:
        """Return the destination and format of the output."""
        return self._target_as(self.format)

    def _target_as(self, rows: Format | None) -> AnswerTarget:
        chosen = rows or format_of_suffix(self.output)
        return AnswerTarget(chosen, output_path(self.output), self.spreadsheet_safe)

    def _is(self, format_: str, *endings: str) -> bool:
        """Check whether `format_` is selected by `--format` or by the suffix of the file."""
        is_named = self.output is not None and self.output.name.lower().endswith(endings)
        return self.format == format_ or (self.format is None and is_named)


@dataclass(frozen=True, slots=True)
class OutputOptions(_OutputBase):
    """Output options of a command that writes rows."""

    format: Format | None = option("--format", None, ROWS_FORMAT_HELP)


@dataclass(frozen=True, slots=True)
class LeadingOutputOptions(OutputOptions):
    """Output options before a command; the command itself checks the suffix of the file."""

    suffixes: ClassVar[tuple[str, ...]] = ("",)


@dataclass(frozen=True, slots=True)
class VersionOutputOptions(_OutputBase):
    """Output options of a command that writes one version; `text` is an alias of `table`."""

    format: VersionFormat | None = option(
        "--format", None, "Output format (default: text on a terminal, jsonl in a pipe)."
    )
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".txt")

    def target(self) -> AnswerTarget:
        if self.format == "text" or self._is("text", ".txt"):
            return self._target_as("table")
        return self._target_as(self.format)


@dataclass(frozen=True, slots=True)
class DiffOutputOptions(_OutputBase):
    """Output options of a comparison."""

    format: DiffFormat | None = option("--format", None, "Output format (default: text).")
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".htm", ".html", ".svg", ".txt", ".diff")

    def chosen(self) -> DiffFormat:
        """Return the selected format."""
        for chosen, endings in _DIFF_SUFFIXES.items():
            if self._is(chosen, *endings):
                return chosen
        return self.format or format_of_suffix(self.output) or "text"

    def target(self) -> AnswerTarget:
        match chosen := self.chosen():
            case "text" | "html" | "svg":
                return self._target_as("table")
            case _:
                return self._target_as(chosen)


@dataclass(frozen=True, slots=True)
class FiguresOutputOptions(_OutputBase):
    """Output options of a command that writes figures as rows or as a Parquet file."""

    format: FiguresFormat | None = option("--format", None, ROWS_FORMAT_HELP)
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".parquet")

    @property
    def is_parquet(self) -> bool:
        return self._is("parquet", ".parquet")

    def target(self) -> AnswerTarget:
        return self._target_as(None if self.format == "parquet" else self.format)


@dataclass(frozen=True, slots=True)
class ExportOutputOptions(_OutputBase):
    """Output options of an export: texts as rows, or captures as a WARC file."""

    format: ExportFormat | None = option(
        "--format", None, "Output format (default: by the suffix of --output, or jsonl)."
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
        """Check whether each record is compressed with gzip."""
        return self.output is not None and self.output.suffix.lower() == ".gz"

    def target(self) -> AnswerTarget:
        rows = None if self.format == "warc" or self.format == "parquet" else self.format  # noqa: PLR1714  # for mypy
        return self._target_as(rows or format_of_suffix(self.output) or "jsonl")


@dataclass(frozen=True, slots=True)
class CitationOutputOptions(_OutputBase):
    """Output options of a citation: a style, or its fields as a row."""

    format: Format | None = option(
        "--format", None, "Write the fields of the citation in this format instead of a style."
    )
    style: CitationStyle | None = option(
        "--style", None, "Citation style (default: bibtex for *.bib files, otherwise markdown)."
    )
    suffixes: ClassVar[tuple[str, ...]] = (*_BY_SUFFIX, ".md", ".txt", ".bib")

    def chosen_style(self) -> CitationStyle | None:
        """Return the citation style; None if the fields are written as a row."""
        if self.format is not None or (self.style is None and format_of_suffix(self.output)):
            return None
        return self.style or ("bibtex" if self._is("", ".bib") else "markdown")

    def __post_init__(self) -> None:
        if self.style is None:
            _OutputBase.__post_init__(self)


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """Options that select the part of the archive to verify."""

    since: str | None = option(
        "--since", "T", "Verify only rows recorded at time T or later (default: all)."
    )
    sample: str | None = option(
        "--sample", "SHARE", "Verify only a sample, such as 5% or 0.05 (default: all rows)."
    )
    against: list[Path] | None = option(
        "--against",
        "FILE",
        "Check that the log extends the checkpoint in FILE, stored elsewhere; repeatable.",
        exists=True,
        dir_okay=False,
    )
    after: str | None = option(
        "--after", "CHECK:NUMBER", "Continue an interrupted run at the place it printed."
    )
    verbose: bool = flag("--verbose", VERBOSE_HELP)

    def permille(self) -> int:
        """Return the number of rows per thousand to verify.

        Raises: typer.BadParameter.
        """
        given = self.sample or "100%"
        try:
            share = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            reason = f"{given!r} is not a share between 0 and 1: write 5% or 0.05"
            raise typer.BadParameter(reason, param_hint="--sample")
        return max(1, round(share * 1000))


def command(
    app: typer.Typer, name: str, *, example: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a command to `app` whose parameters may be groups; its help ends with `example`."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        summary = " ".join((function.__doc__ or "").partition("\n\n")[0].split())
        add_to = app.command(name, short_help=summary, epilog=f"\b\nExample:\n  {example}")
        add_to(WithGroups(function))
        return function

    return add


class WithGroups:
    """Callable that replaces each group parameter of a function by one parameter per option.

    The signature is computed on access, because only one command of all runs.
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
        return inspect.Signature(
            [*parameters, *(_parameter(*each) for each in self._declarations())]
        )

    def _declarations(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield name, type and declaration of each parameter of the command."""
        for name, each in inspect.signature(self.__wrapped__).parameters.items():
            hint = self._hints[name]
            if is_dataclass(hint):
                hints = get_type_hints(hint)
                yield from ((f.name, hints[f.name], f) for f in fields(hint))
            else:
                yield name, hint, each.default

    def refuse_texts(self, given: Mapping[str, Any]) -> None:
        """Refuse texts that a field may not have, such as control characters.

        Raises: typer.BadParameter.
        """
        for name, hint, declared in self._declarations():
            rule = RULES.get(_metavar(hint, declared), LINE)
            value = given.get(name)
            for each in value if isinstance(value, (list, tuple)) else (value,):
                fault = rule.fault(each) if isinstance(each, str) else None
                if fault is not None:
                    raise typer.BadParameter(fault, param_hint=name)

    @property
    def __annotations__(self) -> dict[str, Any]:  # type: ignore[override]  # read alone
        return {name: each.annotation for name, each in self.__signature__.parameters.items()}

    def __call__(self, **given: Any) -> Any:
        ctx: typer.Context = given.pop(_CONTEXT)
        for name, value in given.items():
            if type(value) is int and abs(value) > answer.LARGEST:
                reason = f"{value} is too large: the largest number is {answer.LARGEST}"
                raise typer.BadParameter(reason, param_hint=name)
        self.refuse_texts(given)
        for name, kind in self._hints.items():
            if isinstance(kind, type) and is_dataclass(kind):
                values = {each.name: given.pop(each.name) for each in fields(kind)}
                given[name] = kind(**{key: _inherit_value(ctx, key, values[key]) for key in values})
        return self.__wrapped__(**given)


def output_path(output: Path | None) -> Path | None:
    """Return the file to write; None for standard output, also for `-`.

    Raises: OutputError.
    """
    if output is None or str(output) == "-":
        return None
    require_lasting_place(output)
    return output


def format_of_suffix(output: Path | None) -> Format | None:
    """Return the format that the suffix of `output` selects.

    >>> format_of_suffix(Path("artikel.csv"))
    'csv'
    """
    return None if output is None else _BY_SUFFIX.get(output.suffix.lower())


def _parameter(name: str, hint: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    if isinstance(default, Field):
        if PARAMETER in default.metadata:
            hint = Annotated[hint, _declaration(default.metadata[PARAMETER])]
        default = inspect.Parameter.empty if default.default is MISSING else default.default
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hint)


def _declaration(declared: Parameter) -> Any:
    more = {"metavar": declared.metavar, "help": declared.help, **declared.more}
    return typer.Option(*declared.names, **more) if declared.names else typer.Argument(**more)


def _metavar(hint: Any, declared: Any) -> str:
    """Return the word that the help shows for the value of a parameter."""
    known = [declared.metadata.get(PARAMETER)] if isinstance(declared, Field) else []
    told = (getattr(each, "metavar", None) for each in (*known, *getattr(hint, "__metadata__", ())))
    return next(filter(None, told), "")


def _inherit_value(ctx: typer.Context, name: str, value: Any) -> Any:
    """Return `value`; if the option was not given, the value given before the command."""
    parent: Any = ctx.parent
    while (value is None or value is False) and parent is not None:
        value, parent = parent.params.get(name, value), parent.parent
    return Path(value) if name in _PATHS and isinstance(value, str) else value
