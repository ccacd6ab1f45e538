"""The command `lesart witness`."""

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
        "Key of the witness, created by `lesart proof keygen --witness FILE` (required).",
        MISSING,
        exists=True,
        dir_okay=False,
    ),
    logs: Path = option(
        "--logs",
        "FILE",
        "Policy file with a line `log VKEY` for each log to cosign (required).",
        MISSING,
        exists=True,
        dir_okay=False,
    ),
    state: Path = option(
        "--state", "DIR", "Folder for the latest cosigned checkpoints (required).", MISSING
    ),
    address: str = option("--address", "HOST:PORT", "Address to listen on.", "127.0.0.1:8791"),
) -> None:
    """Run a witness that cosigns checkpoints of other archives.

    It refuses rollbacks and forks.
    """
    from storage.proof.checkpoints import read_key  # noqa: PLC0415
    from storage.proof.external.witnesses import read_policy  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.proof.note import COSIGNATURE, NoteError  # noqa: PLC0415
    from worker.log import log_events  # noqa: PLC0415  # most commands do not log
    from worker.services.witness import Cosigner, WitnessState, make_server  # noqa: PLC0415

    signer, policy = read_key(key), read_policy(logs)
    if signer is None or signer.verifier.kind != COSIGNATURE:
        raise NoteError(
            f"{key} is not the key of a witness: create one with `lesart proof keygen --witness "
            "FILE --origin NAME`"
        )
    log_events("debug" if place.debug else "info")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        reason = f"{address!r} is not of the form HOST:PORT, such as 127.0.0.1:8791"
        raise typer.BadParameter(reason, param_hint="--address")
    cosigner = Cosigner(signer, policy.logs if policy else (), WitnessState(state))
    with make_server(cosigner, host, int(port)) as server:
        say(
            f"cosigning checkpoints of {len(cosigner.logs)} logs as {signer.verifier.vkey}; press "
            "Ctrl-C to stop"
        )
        server.serve_forever()
