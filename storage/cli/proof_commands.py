"""The commands of the log: keys, checkpoints, tiles, proofs that others check."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer
from typer.core import TyperGroup

from storage.cli.app import app, command_group, program
from storage.cli.exits import say
from storage.cli.options import (
    ArchiveOptions,
    OutputOptions,
    argument,
    command,
    flag,
    option,
    path_of,
)
from storage.cli.output import (
    binary_stream,
    require_lasting_place,
    write_rows,
    write_text,
)
from storage.cli.report import reading, whole_archive
from storage.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.proof.checkpoints import Signed


class _Group(TyperGroup):
    """A group in which anything that is no command is a revision: `lesart proof REV`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read options that precede the revision as those of `bundle`: they may be its own."""
        is_option_first = bool(args) and args[0].startswith("-") and args[0] != "--help"
        if is_option_first and not self.commands.keys() & {*args}:
            args = ["bundle", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["bundle", *args]
        return super().resolve_command(ctx, args)


proof = command_group("Prove what is in the archive, with programs that others wrote.", _Group)
app.add_typer(proof, name="proof")


@command(proof, "keygen", example="lesart proof keygen --origin zeitung.example/archiv")
def keygen(
    place: ArchiveOptions,
    shown: OutputOptions,
    origin: str | None = option("--origin", "NAME", "What the log is called; else by its id."),
    *,
    rotate: bool = flag("--rotate", "Replace the key; the old one endorses the new one."),
    witness: Path | None = option(
        "--witness", "FILE", "Instead make the key of a witness, which --origin names, into FILE."
    ),
) -> None:
    """Make the key that signs checkpoints; keep a copy of it, and tell others its public half."""
    from storage.database.unit import utc_now  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.proof import checkpoints  # noqa: PLC0415
    from storage.proof.note import COSIGNATURE, Signer  # noqa: PLC0415

    settings = place.settings()
    path = settings.proof_key_file if witness is None else witness
    require_lasting_place(path)
    if witness is not None:
        signer = Signer.generate(origin or "", COSIGNATURE)
        checkpoints.write_key(path, signer)
    else:
        with whole_archive(settings, adds=True) as engine:
            if rotate:
                signer, kept = checkpoints.rotate(engine, utc_now, path)
                say(f"the old key is kept as {kept}")
            else:
                with engine.connect() as connection:
                    signer = Signer.generate(origin or checkpoints.default_origin(connection))
                checkpoints.write_key(path, signer)
    say(f"the key is {path}: copy it to a safe place, and publish the line vkey")
    row = {"origin": signer.verifier.name, "vkey": signer.verifier.vkey, "key": str(path)}
    write_rows([row], shown.target(), blocks=True)


@command(proof, "checkpoint", example="lesart proof checkpoint -o checkpoint-2026-11-25.txt")
def checkpoint(
    *,
    place: ArchiveOptions,
    output: Path | None = option("--output -o", "FILE", "Write to FILE, whole or not at all."),
) -> None:
    """Sign what the log holds by now, and write the checkpoint: keep it where others cannot write.

    `lesart verify --against FILE` tells later whether the archive still holds what it held then.
    """
    path = path_of(output)
    with whole_archive(place.settings(), adds=True) as engine:
        found = _cosigned(place.settings(), engine)
    write_text([found.with_cosignatures], path)
    say(f"{found.size} entries, signed {found.made_at.isoformat(timespec='seconds')}")


@command(proof, "bundle", example="lesart proof 0zfme61hjyre0a76@3 -o nachweis.zip")
def bundle(
    *,
    rev: str = argument("REV", "A version, or REV..REV with all between."),
    place: ArchiveOptions,
    output: Path | None = option("--output -o", "FILE", "Write to FILE, whole or not at all."),
    passage: str | None = option("--passage", "TEXT", "Report in which versions this stands."),
    wacz: bool = flag("--wacz", "As a signed WACZ, which players of web archives open."),
    language: Literal["de", "en"] | None = option(
        "--report", None, "The language of the report; else the first of yours."
    ),
) -> None:
    """Write a zip that proves what was readable: `lesart proof REV` says the same.

    Whoever has it unpacks it and runs `python3 -I verify.py`; nothing else is needed.
    """
    from storage.database.unit import utc_now  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.export.bundle import Bundle, BundleRequest  # noqa: PLC0415
    from storage.proof.checkpoints import read_key  # noqa: PLC0415
    from storage.proof.stamp import read_authorities  # noqa: PLC0415
    from storage.read.find import Finder, refuse_restricted  # noqa: PLC0415

    if path_of(output) is None:
        raise typer.BadParameter("a bundle is a zip: name a file", param_hint="--output")
    settings = place.settings()
    with whole_archive(settings, adds=True) as engine:
        signed, signer = made(settings, engine), read_key(settings.proof_key_file)
        assert signer is not None
        with reading(place) as (_settings, archive), archive.connected() as connection:
            found = Finder(connection, settings.zone).versions(rev)
            refuse_restricted(connection, *found)
            chosen: Literal["de", "en"] = language or (
                "de" if settings.languages[0] == "de" else "en"
            )
            request = BundleRequest(
                found, passage, chosen, program(), utc_now(),
                read_authorities(settings.proof_authorities),
            )  # fmt: skip
            with binary_stream(path_of(output)) as stream:
                made_of = Bundle(connection, request, signed)
                write = made_of.write_wacz if wacz else made_of.write
                number = write(stream, signer)
    unpacked = "its lesart/bundle.zip" if wacz else "it"
    say(f"{output}: {number} files; unpack {unpacked} and run `python3 -I verify.py` there")


@command(proof, "stamps", example="lesart proof stamps --format json")
def stamps(*, place: ArchiveOptions, shown: OutputOptions) -> None:
    """Report what each time-stamping authority stamped last, and when it is asked again.

    The service asks each about every new checkpoint; `lesart proof checkpoint` asks at once.
    """
    from storage.proof.external.authorities import states  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.proof.external.calendars import calendar_states  # noqa: PLC0415
    from storage.proof.stamp import read_authorities  # noqa: PLC0415

    settings = place.settings()
    authorities = read_authorities(settings.proof_authorities)
    if not authorities:
        say("no authority is asked: LESART_PROOF_AUTHORITIES names a list of them")
    with whole_archive(settings) as engine, engine.connect() as connection:
        rows = chain(states(connection, authorities), calendar_states(connection, authorities))
        write_rows(rows, shown.target())


@command(proof, "tiles", example="lesart proof tiles /srv/www/log")
def tiles(
    *,
    folder: Path = argument("DIR", "A folder, made if need be."),
    place: ArchiveOptions,
    shown: OutputOptions,
) -> None:
    """Write the log as files for any web server; later runs add what is new."""
    from storage.proof.files import write_tiles  # noqa: PLC0415  # SQLAlchemy is slow to load

    require_lasting_place(folder / "checkpoint")
    with whole_archive(place.settings(), adds=True) as engine:
        newest = made(place.settings(), engine)
        with engine.connect() as connection:
            written = write_tiles(connection, folder, newest)
    write_rows([{"folder": str(folder), "files": written.files, "entries": written.size}],
               shown.target())  # fmt: skip


def _cosigned(settings: Settings, engine: "Engine") -> "Signed":
    """Return a new checkpoint with the lines of the witnesses that could be asked.

    Time-stamping authorities are asked as well.
    """
    from storage.database.unit import utc_now  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.proof.checkpoints import latest  # noqa: PLC0415
    from storage.proof.external.authorities import request_stamps  # noqa: PLC0415
    from storage.proof.external.calendars import request_calendar_stamps  # noqa: PLC0415
    from storage.proof.external.witnesses import read_policy, request_cosignatures  # noqa: PLC0415
    from storage.proof.stamp import read_authorities  # noqa: PLC0415

    authorities = read_authorities(settings.proof_authorities)
    policy = read_policy(settings.proof_witnesses)
    found = made(settings, engine)
    for each in request_cosignatures(engine, utc_now, policy) if policy is not None else ():
        say(f"{each.witness} {'cosigned' if each.line else f'did not cosign: {each.reason}'}")
    for stamp in request_stamps(engine, utc_now, authorities, at_once=True):
        answer = f"stamped at {stamp.at.isoformat()}" if stamp.at else f"no stamp: {stamp.reason}"
        say(f"{stamp.authority}: {answer}")
    for stamp in request_calendar_stamps(engine, utc_now, authorities, at_once=True):
        say(f"{stamp.authority}: {stamp.reason or 'it pending_promise, or kept its promise'}")
    with engine.connect() as connection:
        return latest(connection) or found


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
