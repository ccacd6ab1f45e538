"""The command that cosigns the checkpoints of others."""

from dataclasses import MISSING
from pathlib import Path

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, command, option


@command(
    app,
    "witness",
    example="lesart witness --key witness.key --logs logs.policy --state witness-state",
)
def witness(
    *,
    place: ArchiveOptions,
    key: Path = option(
        "--key",
        "FILE",
        "Its key: `lesart proof keygen --witness FILE --origin NAME` makes one.",
        MISSING,
        exists=True,
        dir_okay=False,
    ),
    logs: Path = option(
        "--logs",
        "FILE",
        "A policy whose lines `log VKEY` name the logs that it cosigns.",
        MISSING,
        exists=True,
        dir_okay=False,
    ),
    state: Path = option("--state", "DIR", "Where it remembers what it cosigned.", MISSING),
    address: str = option("--address", "HOST:PORT", "Where it is asked.", "127.0.0.1:8791"),
) -> None:
    """Cosign the checkpoints of other archives, and refuse rollbacks and forks."""
    from storage.proof.checkpoints import read_key  # noqa: PLC0415
    from storage.proof.external.witnesses import read_policy  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.proof.note import COSIGNATURE, NoteError  # noqa: PLC0415
    from worker.log import log_events  # noqa: PLC0415  # what logs nothing need not load it
    from worker.services.witness import Cosigner, WitnessState, make_server  # noqa: PLC0415

    signer, policy = read_key(key), read_policy(logs)
    if signer is None or signer.verifier.kind != COSIGNATURE:
        raise NoteError(f"{key} is no key of a witness: `lesart proof keygen --witness FILE`")
    log_events("debug" if place.debug else "info")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter(f"{address!r} is not HOST:PORT", param_hint="--address")
    cosigner = Cosigner(signer, policy.logs if policy else (), WitnessState(state))
    with make_server(cosigner, host, int(port)) as server:
        say(f"cosigning for {len(cosigner.logs)} logs as {signer.verifier.vkey}; end with Ctrl-C")
        server.serve_forever()
