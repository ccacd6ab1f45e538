"""The commands `lesart proof …`: keys, checkpoints, tiles, stamps."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

from storage.cli.app import command_group
from storage.cli.exits import say
from storage.cli.options import OUTPUT_HELP, ArchiveOptions, OutputOptions, command, output_path
from storage.cli.output import (
    require_lasting_place,
    write_rows,
    write_text,
)
from storage.cli.report import whole_archive
from storage.read.query.parameter import argument, flag, option
from storage.settings import Settings
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.database import unit as units
    from storage.proof import checkpoints, files, note
    from storage.proof import stamp as time_stamps
    from storage.proof.checkpoints import SignedCheckpoint
    from storage.proof.external import authorities as stamping
    from storage.proof.external import calendars, witnesses
    from storage.read import find as finding
else:
    units = LazyModule("storage.database.unit")
    checkpoints = LazyModule("storage.proof.checkpoints")
    files = LazyModule("storage.proof.files")
    note = LazyModule("storage.proof.note")
    time_stamps = LazyModule("storage.proof.stamp")
    stamping = LazyModule("storage.proof.external.authorities")
    calendars = LazyModule("storage.proof.external.calendars")
    witnesses = LazyModule("storage.proof.external.witnesses")
    finding = LazyModule("storage.read.find")


class _Group(TyperGroup):
    """A group that treats a word which is not a command as a revision: `lesart proof REV`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Treat options before a revision as options of `bundle`."""
        is_option_first = bool(args) and args[0].startswith("-") and args[0] != "--help"
        if is_option_first and not self.commands.keys() & {*args}:
            args = ["bundle", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["bundle", *args]
        return super().resolve_command(ctx, args)


proof = command_group("proof", _Group)


@command(proof, "keygen", example="lesart proof keygen --origin zeitung.example/archiv")
def keygen(
    place: ArchiveOptions,
    output: OutputOptions,
    origin: str | None = option(
        "--origin", "NAME", "Name of the log (default: derived from the id of the archive)."
    ),
    *,
    sigsum: bool = flag("--sigsum", "Name the log after its key, as Sigsum witnesses require."),
    rotate: bool = flag("--rotate", "Replace the key; the old key signs the new one."),
) -> None:
    """Create the key that signs checkpoints.

    Copy the key to a safe place and publish its public half, the line `vkey`.
    """
    settings = place.settings()
    path = settings.proof_key_file
    require_lasting_place(path)
    with whole_archive(settings, adds=True) as engine:
        if rotate:
            signer, kept = checkpoints.rotate(engine, units.utc_now, path)
            say(f"stored the old key as {kept}")
        else:
            with engine.connect() as connection:
                signer = note.Signer.generate(origin or checkpoints.default_origin(connection))
            signer = signer.renamed_for_sigsum if sigsum else signer
            checkpoints.write_key(path, signer)
    say(f"stored the key in {path}: copy it to a safe place, and publish the line vkey")
    row = {"origin": signer.verifier.name, "vkey": signer.verifier.vkey, "key": str(path)}
    write_rows([row], output.target(), blocks=True)


@command(proof, "checkpoint", example="lesart proof checkpoint -o checkpoint-2026-11-25.txt")
def checkpoint(
    *,
    place: ArchiveOptions,
    output: Path | None = option("--output -o", "FILE", OUTPUT_HELP),
) -> None:
    """Sign the current state of the log and write the checkpoint.

    Store the checkpoint outside this machine. `lesart verify --against FILE` checks later that the
    archive still contains everything it contained at the checkpoint.
    """
    path = output_path(output)
    with whole_archive(place.settings(), adds=True) as engine:
        found = _make_cosigned(place.settings(), engine)
    write_text([found.with_cosignatures], path)
    say(f"signed {found.size} entries at {found.made_at.isoformat(timespec='seconds')}")


@command(proof, "stamps", example="lesart proof stamps --format json")
def stamps(*, place: ArchiveOptions, output: OutputOptions) -> None:
    """List the latest stamp and refusal of each time-stamping authority.

    The scheduler requests a stamp for every new checkpoint; `lesart proof checkpoint` requests
    one immediately.
    """
    settings = place.settings()
    authorities = time_stamps.read_authorities(settings.proof_authorities)
    if not authorities:
        say("no time-stamping authority is configured: set LESART_PROOF_AUTHORITIES")
    with whole_archive(settings) as engine, engine.connect() as connection:
        rows = chain(
            stamping.states(connection, authorities),
            calendars.calendar_states(connection, authorities),
        )
        write_rows(rows, output.target())


@command(proof, "tiles", example="lesart proof tiles /srv/www/log")
def tiles(
    *,
    folder: Path = argument("DIR", "Folder for the files; it is created if missing."),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Write the log as files for any web server; later runs add new entries."""
    require_lasting_place(folder / "checkpoint")
    with whole_archive(place.settings(), adds=True) as engine:
        newest = made(place.settings(), engine)
        with engine.connect() as connection:
            written = files.write_tiles(connection, folder, newest)
    write_rows([{"folder": str(folder), "files": written.files, "entries": written.size}],
               output.target())  # fmt: skip


def _make_cosigned(settings: Settings, engine: "Engine") -> "SignedCheckpoint":
    """Return a new checkpoint with the signatures of the reachable witnesses.

    It also requests stamps from the time-stamping authorities.
    """
    authorities = time_stamps.read_authorities(settings.proof_authorities)
    policy = witnesses.read_policy(settings.proof_witnesses)
    found = made(settings, engine)
    for each in (
        witnesses.request_cosignatures(engine, units.utc_now, policy) if policy is not None else ()
    ):
        say(f"{each.witness} {'cosigned' if each.line else f'did not cosign: {each.reason}'}")
    for stamp in stamping.request_stamps(engine, units.utc_now, authorities, at_once=True):
        answer = f"stamped at {stamp.at.isoformat()}" if stamp.at else f"no stamp: {stamp.reason}"
        say(f"{stamp.authority}: {answer}")
    for stamp in calendars.request_calendar_stamps(
        engine, units.utc_now, authorities, at_once=True
    ):
        say(f"{stamp.authority}: {stamp.reason or 'accepted the checkpoint or confirmed it'}")
    with engine.connect() as connection:
        return checkpoints.latest(connection) or found


def made(settings: Settings, engine: "Engine") -> "SignedCheckpoint":
    """Return a checkpoint of everything committed so far.

    Raises: ProofKeyError if there is no key.
    """
    signer = checkpoints.read_key(settings.proof_key_file)
    if signer is None:
        raise checkpoints.ProofKeyError(
            f"there is no key at {settings.proof_key_file}: create one with `lesart proof keygen`"
        )
    found = checkpoints.make(engine, units.utc_now, signer)
    with engine.connect() as connection:
        files.keep_copy(connection, settings.proof_key_file, found)
    return found
