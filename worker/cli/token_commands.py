"""The commands `lesart token …`: who may order work over HTTP."""

from typing import TYPE_CHECKING, Annotated

import typer

from storage.cli.app import command_group
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command, option
from storage.cli.output import write_rows
from storage.values.draft import as_dict
from storage.values.late import LateModule
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.write import tokens as kept
else:
    kept = LateModule("storage.write.tokens")

tokens = command_group("Say who may order work over HTTP.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose token it is.")]


def mount(app: typer.Typer) -> None:
    """Add `lesart token` to the command line."""
    app.add_typer(tokens, name="token")


@command(tokens, "add", example="lesart token add redaktion --scope ingest")
def add(
    name: Name,
    place: ArchiveOptions,
    shown: OutputOptions,
    scope: str = option("--scope", "S", "ingest, sources, or write for both.", default="write"),
) -> None:
    """Make a token and write it, once: the archive keeps only its digest."""
    settings = place.settings()
    with opened_archive(settings, create=settings.is_embedded) as archive:
        made = kept.add_token(archive, name, scope)
    write_rows([{"name": name, "scope": scope, "token": made}], shown.target(), blocks=True)


@command(tokens, "list", example="lesart token list")
def list_tokens(*, place: ArchiveOptions, shown: OutputOptions) -> None:
    """List the tokens, those that were taken back too."""
    with opened_archive(place.settings()) as archive:
        rows = [as_dict(each) for each in kept.tokens(archive)]
    write_rows(rows, shown.target(), ("name", "scope", "created_at", "revoked_at"))


@command(tokens, "revoke", example="lesart token revoke redaktion")
def revoke(*, name: Name, place: ArchiveOptions) -> None:
    """Take a token back."""
    with opened_archive(place.settings()) as archive:
        kept.revoke_token(archive, name)
    say(f"the token {name} allows nothing any more")
