"""The `lesart` command itself, which the commands are added to."""

import typer
from typer.core import TyperGroup

from storage.cli.exits import WELL
from storage.cli.options import ArchiveOptions, LeadingOutputOptions, WithGroups, command, flag

app = typer.Typer(
    name="lesart",
    help="Keep press texts: what was readable where, when, in which wording, and how it changed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(help=app.info.help)
@WithGroups
def root(
    place: ArchiveOptions,  # the commands look these up (storage.cli.options)
    shown: LeadingOutputOptions,
    *,
    version: bool = flag(
        "--version",
        "Print the version and end.",
        callback=lambda wanted: _print_version() if wanted else None,
        is_eager=True,
    ),
) -> None:
    """Take the options that may stand before a command."""


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
        """Accept the options; the command looks them up (storage.cli.options)."""

    return group


db = command_group("Care for the database.")
app.add_typer(db, name="db")


@command(app, "version", example="lesart version")
def show_version() -> None:
    """Print the version of Lesart and of Python."""
    _print_version()


def program() -> str:
    """Return the name and version of this program."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # slow to load

    try:
        return f"lesart {version('lesart')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "lesart (not installed)"


def _print_version() -> None:
    import platform  # noqa: PLC0415  # only here

    typer.echo(f"{program()}, Python {platform.python_version()}")
    raise typer.Exit(WELL)
