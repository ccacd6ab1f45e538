"""The command `lesart proof REV`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, command, output_path
from storage.cli.output import binary_stream
from storage.cli.proof_commands import made, proof
from storage.cli.report import reading, whole_archive
from storage.read.query.parameter import argument, flag, option
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.values.program import program

if TYPE_CHECKING:
    from storage.capabilities.bundles import bundle as bundles
    from storage.database import unit as units
    from storage.proof import checkpoints
    from storage.proof import stamp as time_stamps
    from storage.read import find as finding
else:
    bundles = LazyModule("storage.capabilities.bundles.bundle")
    units = LazyModule("storage.database.unit")
    checkpoints = LazyModule("storage.proof.checkpoints")
    time_stamps = LazyModule("storage.proof.stamp")
    finding = LazyModule("storage.read.find")


@command(proof, "bundle", example="lesart proof 0zfme61hjyre0a76@3 -o nachweis.zip")
def bundle(
    *,
    rev: str = argument("REV", "Version to prove, or a range REV..REV of versions."),
    place: ArchiveOptions,
    output: Path | None = option(
        "--output -o", "FILE", "Write the zip file to FILE, all or nothing (required)."
    ),
    passage: str | None = option(
        "--passage", "TEXT", "Add a report on which versions contain TEXT."
    ),
    wacz: bool = flag("--wacz", "Write a signed WACZ file, which web archive players open."),
    language: Literal["de", "en"] | None = option(
        "--report", None, "Language of the report (default: that of the environment, LANG)."
    ),
) -> None:
    """Write a zip file that proves a version; `lesart proof REV` is the short form.

    The recipient unpacks it and runs `python3 -I verify.py`; no other program is needed.
    """
    if output_path(output) is None:
        raise typer.BadParameter(
            "a zip file cannot go to standard output: add -o FILE", param_hint="--output"
        )
    settings = place.settings()
    with whole_archive(settings, adds=True) as engine:
        signed, signer = made(settings, engine), checkpoints.read_key(settings.proof_key_file)
        assert signer is not None
        with (
            reading(place, is_current=True) as (_settings, archive),
            archive.connect() as connection,
        ):
            found = finding.Finder(connection, settings.zone).versions(rev)
            finding.refuse_restricted(connection, *found)
            chosen: Literal["de", "en"] = language or _language(settings)
            request = bundles.BundleRequest(
                found, passage, chosen, program(), units.utc_now(),
                time_stamps.read_authorities(settings.proof_authorities),
            )  # fmt: skip
            with binary_stream(output_path(output)) as stream:
                made_of = bundles.Bundle(connection, request, signed)
                write = made_of.write_wacz if wacz else made_of.write
                number = write(stream, signer)
    unpacked = "its lesart/bundle.zip" if wacz else "it"
    say(
        f"{output}: {quantity('{n} file|{n} files', number)}; unpack {unpacked} and run "
        "`python3 -I verify.py` there"
    )


def _language(settings: Settings) -> Literal["de", "en"]:
    """Return the language of the environment; without one, the first of the texts."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    named = next(filter(None, names), "C").partition(".")[0].partition("_")[0]
    if named in {"C", "POSIX"}:
        named = settings.languages[0]
    return "de" if named == "de" else "en"
