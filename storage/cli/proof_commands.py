"""The commands of the log: keys, checkpoints, tiles, proofs that others check."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import Output, Place, Shown, command, path_of
from storage.cli.output import write_rows, write_text
from storage.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.proof.checkpoints import Signed

proof = typer.Typer(
    help="Prove what is in the archive, with programs that others wrote.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(proof, name="proof")


@command(proof, "keygen", example="lesart proof keygen --origin zeitung.example/archiv")
def keygen(
    *,
    place: Place,
    shown: Shown,
    origin: Annotated[
        str | None,
        typer.Option("--origin", metavar="NAME", help="What the log is called; else by its id."),
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Replace the key; the old one endorses the new one.")
    ] = False,
    witness: Annotated[
        Path | None,
        typer.Option(
            "--witness", metavar="FILE",
            help="Instead make the key of a witness, which --origin names, into FILE.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Make the key that signs checkpoints; keep a copy of it, and tell others its public half."""
    from storage.database.unit import utc_now  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.proof import checkpoints  # noqa: PLC0415
    from storage.proof.note import COSIGNATURE, Signer  # noqa: PLC0415

    settings = place.settings()
    path = settings.proof_key_file if witness is None else witness
    if witness is not None:
        signer = Signer.generate(origin or "", COSIGNATURE)
        checkpoints.write_key(path, signer)
    else:
        with writing_to(settings) as engine:
            if rotate:
                signer, kept = checkpoints.rotate(engine, utc_now, path)
                say(f"the old key is kept as {kept}")
            else:
                with engine.connect() as connection:
                    signer = Signer.generate(origin or checkpoints.default_origin(connection))
                checkpoints.write_key(path, signer)
    say(f"the key is {path}: copy it to a safe place, and publish the line vkey")
    row = {"origin": signer.verifier.name, "vkey": signer.verifier.vkey, "key": str(path)}
    write_rows([row], shown.target())


@command(proof, "checkpoint", example="lesart proof checkpoint -o checkpoint-2026-11-25.txt")
def checkpoint(*, place: Place, output: Output = None) -> None:
    """Sign what the log holds by now, and write the checkpoint: keep it where others cannot write.

    `lesart verify --against FILE` tells later whether the archive still holds what it held then.
    """
    with writing_to(place.settings()) as engine:
        found = made(place.settings(), engine)
    write_text([found.cosigned], path_of(output))
    say(f"{found.size} entries, signed {found.made_at.isoformat(timespec='seconds')}")


@command(proof, "tiles", example="lesart proof tiles /srv/www/log")
def tiles(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder, made if need be.")],
    place: Place,
    shown: Shown,
) -> None:
    """Write the log as files for any web server; later runs add what is new."""
    from storage.proof.files import write_tiles  # noqa: PLC0415  # SQLAlchemy is slow to load

    with writing_to(place.settings()) as engine:
        newest = made(place.settings(), engine)
        with engine.connect() as connection:
            written = write_tiles(connection, folder, newest)
    write_rows([{"folder": str(folder), "files": written.files, "entries": written.size}],
               shown.target())  # fmt: skip


def made(settings: Settings, engine: "Engine") -> "Signed":
    """Return a checkpoint of everything that is committed by now.

    Raises: ProofKeyError where there is no key.
    """
    from storage.database.unit import utc_now  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.proof import checkpoints  # noqa: PLC0415

    signer = checkpoints.read_key(settings.proof_key_file)
    if signer is None:
        raise checkpoints.ProofKeyError(
            f"there is no key at {settings.proof_key_file}: make one with `lesart proof keygen`"
        )
    return checkpoints.make(engine, utc_now, signer)


@contextmanager
def writing_to(settings: Settings) -> Iterator["Engine"]:
    """Give an engine that may add to the log of an archive in our schema.

    Raises: ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError, SchemaNewerError.
    """
    from storage.database.engine import (  # noqa: PLC0415  # SQLAlchemy is slow to load
        database_url,
        reachable,
        reading_engine,
        writing_engine,
    )
    from storage.database.schema_version import require_current  # noqa: PLC0415

    url = database_url(settings.database_url)
    reading_engine(url).dispose()  # a file that is not there is not made
    engine = writing_engine(url)
    try:
        with reachable(url):
            require_current(engine)
            yield engine
    finally:
        engine.dispose()
