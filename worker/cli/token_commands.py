"""The commands `lesart token …`: who may order work over HTTP."""

from typing import Annotated

import typer

from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command, option
from storage.cli.output import write_rows
from storage.values.draft import as_dict

tokens = typer.Typer(
    help="Say who may order work over HTTP.", no_args_is_help=True, rich_markup_mode=None
)
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
    from storage.write.archive import Archive  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.write.tokens import add_token  # noqa: PLC0415  # the same

    settings = place.settings()
    with Archive.open(settings.database_url, create=settings.is_embedded) as archive:
        made = add_token(archive, name, scope)
    write_rows([{"name": name, "scope": scope, "token": made}], shown.target())


@command(tokens, "list", example="lesart token list")
def list_tokens(*, place: ArchiveOptions, shown: OutputOptions) -> None:
    """List the tokens, those that were taken back too."""
    from storage.write.archive import Archive  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.write.tokens import tokens as all_of_them  # noqa: PLC0415  # the same

    with Archive.open(place.settings().database_url, create=False) as archive:
        rows = [as_dict(each) for each in all_of_them(archive)]
    write_rows(rows, shown.target(), ("name", "scope", "created_at", "revoked_at"))


@command(tokens, "revoke", example="lesart token revoke redaktion")
def revoke(*, name: Name, place: ArchiveOptions) -> None:
    """Take a token back."""
    from storage.write.archive import Archive  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.write.tokens import revoke_token  # noqa: PLC0415  # the same

    with Archive.open(place.settings().database_url, create=False) as archive:
        revoke_token(archive, name)
    say(f"the token {name} allows nothing any more")
