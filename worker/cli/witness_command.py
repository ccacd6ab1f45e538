"""The command that cosigns the checkpoints of others."""

from pathlib import Path
from typing import Annotated

import typer

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, command


@command(
    app,
    "witness",
    example="lesart witness --key witness.key --logs logs.policy --state witness-state",
)
def witness(
    *,
    place: ArchiveOptions,
    key: Annotated[
        Path,
        typer.Option(
            "--key", metavar="FILE", exists=True, dir_okay=False,
            help="Its key: `lesart proof keygen --witness FILE --origin NAME` makes one.",
        ),
    ],
    logs: Annotated[
        Path,
        typer.Option(
            "--logs", metavar="FILE", exists=True, dir_okay=False,
            help="A policy whose lines `log VKEY` name the logs that it cosigns.",
        ),
    ],
    state: Annotated[
        Path,
        typer.Option("--state", metavar="DIR", help="Where it remembers what it cosigned."),
    ],
    address: Annotated[
        str, typer.Option("--address", metavar="HOST:PORT", help="Where it is asked.")
    ] = "127.0.0.1:8791",
) -> None:  # fmt: skip
    """Cosign the checkpoints of other archives, and refuse rollbacks and forks."""
    from storage.proof.checkpoints import read_key  # noqa: PLC0415
    from storage.proof.note import COSIGNATURE, NoteError  # noqa: PLC0415
    from storage.proof.others.witnesses import read_policy  # noqa: PLC0415  # SQLAlchemy is slow to load
    from worker.log import log_events  # noqa: PLC0415  # what logs nothing need not load it
    from worker.services.witness import Cosigner, State, make_server  # noqa: PLC0415

    signer, policy = read_key(key), read_policy(logs)
    if signer is None or signer.verifier.kind != COSIGNATURE:
        raise NoteError(f"{key} is no key of a witness: `lesart proof keygen --witness FILE`")
    log_events("debug" if place.debug else "info")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter(f"{address!r} is not HOST:PORT", param_hint="--address")
    cosigner = Cosigner(signer, policy.logs if policy else (), State(state))
    with make_server(cosigner, host, int(port)) as server:
        say(f"cosigning for {len(cosigner.logs)} logs as {signer.verifier.vkey}; end with Ctrl-C")
        server.serve_forever()
