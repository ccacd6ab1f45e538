"""The commands `lesart token …`: tokens for write requests over HTTP."""

from typing import TYPE_CHECKING, Annotated

import typer

from storage.cli.app import command_group
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.cli.report import report_list
from storage.read.query.parameter import option
from storage.values.draft import as_dict
from storage.values.lazy import LazyModule
from storage.values.net.token import SCOPES
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.write import tokens as kept
else:
    kept = LazyModule("storage.write.tokens")

tokens = command_group("token")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token, such as its owner.")]


@command(tokens, "add", example="lesart token add redaktion --scope ingest")
def add(
    name: Name,
    place: ArchiveOptions,
    output: OutputOptions,
    scope: str = option(
        "--scope",
        "SCOPE",
        "Allow only "
        + ", only ".join(f"{what} ({name})" for name, what in SCOPES.items() if name != "write")
        + f", or {SCOPES['write']} (write).",
        default="write",
    ),
) -> None:
    """Create a token and print it; it is shown only now."""
    settings = place.settings()
    with opened_archive(settings, create=settings.is_embedded) as archive:
        made = kept.add_token(archive, name, scope)
    write_rows([{"name": name, "scope": scope, "token": made}], output.target(), blocks=True)


@command(tokens, "list", example="lesart token list")
def list_tokens(*, place: ArchiveOptions, output: OutputOptions) -> None:
    """List tokens, including revoked ones."""
    with opened_archive(place.settings()) as archive:
        rows = [as_dict(each) for each in kept.tokens(archive)]
    names = ("name", "scope", "created_at", "revoked_at")
    report_list(rows, output.target(), names, empty="no tokens: create one with `lesart token add`")


@command(tokens, "revoke", example="lesart token revoke redaktion")
def revoke(*, name: Name, place: ArchiveOptions) -> None:
    """Revoke a token."""
    with opened_archive(place.settings()) as archive:
        kept.revoke_token(archive, name)
    say(f"revoked token {name}")
