"""The `lesart` command, to which the modules add their commands."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperGroup

from storage.cli.exits import WELL
from storage.cli.options import ArchiveOptions, LeadingOutputOptions, WithGroups, command, flag

PANELS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "Start here": ("up", "ingest", "source", "web", "mcp", "open"),
        "Read": (
            "list", "search", "show", "history", "diff", "blame", "changes", "watch", "cite",
            "raw", "observations", "relations", "noise", "lineages", "undo",
        ),
        "Automate": ("alert", "token", "export", "sql", "explain"),
        "Prove": ("verify", "proof"),
        "Administer": (
            "jobs", "retry", "cancel", "refusals", "doctor", "top", "stats", "config", "backup",
            "restore", "merge", "rederive", "reclassify", "redact", "sweep", "db", "worker",
            "scheduler", "version",
        ),
    }
)  # fmt: skip
"""The commands by section of `lesart --help`, the most common ones first."""


class PanelGroup(TyperGroup):
    """A group whose help lists the commands by section."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        for title, names in PANELS.items():
            commands = [(name, self.commands[name]) for name in names if name in self.commands]
            if commands:
                with formatter.section(title):
                    rows = [(name, command.get_short_help_str()) for name, command in commands]
                    formatter.write_dl(rows)


app = typer.Typer(
    name="lesart",
    cls=PanelGroup,
    help="Archive press texts: record what was readable where and when, and how it changed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(help=app.info.help)
@WithGroups
def root(
    place: ArchiveOptions,  # each command reads them from its context (storage.cli.options)
    shown: LeadingOutputOptions,
    *,
    version: bool = flag(
        "--version",
        "Print the version and exit.",
        callback=lambda is_given: _print_version() if is_given else None,
        is_eager=True,
    ),
) -> None:
    """Accept the shared options before a command."""


def command_group(help: str, cls: type[TyperGroup] = TyperGroup) -> typer.Typer:  # noqa: A002  # Typer's word
    """Return a group of commands that accepts the shared options before its command, as `app` does.

    `lesart source --archive PATH list` is the same as `lesart source list --archive PATH`.
    """
    group = typer.Typer(
        cls=cls, help=help, short_help=help, no_args_is_help=True, rich_markup_mode=None
    )

    @group.callback(help=help)
    @WithGroups
    def accept_shared_options(place: ArchiveOptions, shown: LeadingOutputOptions) -> None:
        """Accept the shared options; the command reads them from its context."""

    return group


db = command_group("Manage the database schema.")
app.add_typer(db, name="db")


@command(app, "version", example="lesart version")
def show_version() -> None:
    """Print the versions of Lesart and Python."""
    _print_version()


def program() -> str:
    """Return the name and version of the program."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # slow to load

    try:
        return f"lesart {version('lesart')}"
    except PackageNotFoundError:  # a checkout without installation
        return "lesart (not installed)"


def _print_version() -> None:
    import platform  # noqa: PLC0415  # only here

    typer.echo(f"{program()}, Python {platform.python_version()}")
    raise typer.Exit(WELL)
