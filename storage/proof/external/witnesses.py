"""Request cosignatures of witnesses on a checkpoint, and store them."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from storage.database.engine import read_connection
from storage.database.unit import Clock, writing
from storage.proof import checkpoints, log
from storage.proof.checkpoints import SignedCheckpoint
from storage.proof.external.exchange import ExchangeError, exchange
from storage.proof.note import Note, NoteError, number_of
from storage.proof.policy import Policy, PolicyError, Witness
from storage.proof.tree import consistency

ATTEMPTS = 3
"""Requests to a witness whose last size another process changes meanwhile."""


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """The answer of a witness: the `line` of a cosignature, or the `reason` of a refusal."""

    witness: str
    line: str | None
    reason: str | None


class _WitnessRefusal(Exception):  # noqa: N818  # it is an answer
    """A witness did not cosign."""


def read_policy(path: Path | None) -> Policy | None:
    """Return the policy in a file.

    Raises: PolicyError.
    """
    if path is None:
        return None
    try:
        return Policy.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(0, f"{path} cannot be read: {error}") from error


def request_cosignatures(engine: Engine, clock: Clock, policy: Policy) -> list[WitnessAnswer]:
    """Request each missing cosignature on the newest checkpoint.

    No transaction is open during a request.
    """
    with read_connection(engine) as connection:
        newest = checkpoints.latest(connection)
    if newest is None:
        return []
    found = [_request_witness(engine, newest, each) for each in _missing(engine, newest, policy)]
    lines = [(policy.witnesses[each.witness].verifier, each.line) for each in found
             if each.line is not None]  # fmt: skip
    if lines:
        with writing(engine, clock) as unit:
            checkpoints.store_cosignatures(unit, newest, lines)
    return found


def _missing(engine: Engine, newest: SignedCheckpoint, policy: Policy) -> list[Witness]:
    with read_connection(engine) as connection:
        known = checkpoints.latest_lines(connection, newest.id)
    found = policy.witnesses.values()
    return [each for each in found if each.url and each.verifier.vkey not in known]


def _request_witness(engine: Engine, newest: SignedCheckpoint, witness: Witness) -> WitnessAnswer:
    try:
        with read_connection(engine) as connection:
            old = _last_size(connection, witness)
        line = _line(engine, newest, witness, old)
    except (ExchangeError, NoteError, _WitnessRefusal) as error:
        return WitnessAnswer(witness.name, None, str(error))
    return WitnessAnswer(witness.name, line, None)


def _line(engine: Engine, newest: SignedCheckpoint, witness: Witness, old: int) -> str:
    """Return the cosignature line of a witness; repeat the request if it knows another size."""
    for _attempt in range(ATTEMPTS):
        status, body = _post(witness, _request(engine, newest, old))
        if status != 409:
            break
        old = number_of(body.strip())
        if old > newest.size:
            raise _WitnessRefusal(_explain_newer(engine, old))
    if status != 200:
        raise _WitnessRefusal(f"it answered {status}: {body.strip()[:200]}")
    for line in _cosignature_lines(body, witness):
        if Note.parse(newest.note + line).line_of(witness.verifier) is not None:
            return line
    raise _WitnessRefusal("it answered with the signature of another key")


def _explain_newer(engine: Engine, known: int) -> str:
    """Say why a witness has seen more entries than a checkpoint has."""
    with read_connection(engine) as connection:
        newest = checkpoints.latest(connection)
    if newest is not None and newest.size >= known:
        return f"another process had it sign {known} entries meanwhile"
    return f"it saw {known} entries already: this log was rolled back"


def _cosignature_lines(body: str, witness: Witness) -> Iterator[str]:
    for line in body.split("\n"):
        if line.startswith(f"— {witness.verifier.name} "):
            yield f"{line}\n"


def _request(engine: Engine, newest: SignedCheckpoint, old: int) -> bytes:
    with read_connection(engine) as connection:
        path = consistency(log.node_of(connection), old, newest.size)
    return request_body(old, path, newest.note)


def request_body(old_size: int, path: Iterable[bytes], note: str) -> bytes:
    """Return a checkpoint with the proof that it continues an earlier one (C2SP tlog-witness)."""
    lines = [f"old {old_size}", *(b64encode(node).decode() for node in path)]
    return ("".join(f"{line}\n" for line in lines) + f"\n{note}").encode()


def _post(witness: Witness, request: bytes) -> tuple[int, str]:
    url = f"{str(witness.url).rstrip('/')}/add-checkpoint"
    status, body = exchange(url, request)
    return status, body.decode("utf-8", "replace")


def _last_size(connection: Connection, witness: Witness) -> int:
    query = text(
        "SELECT max(c.size) FROM log_cosignature s JOIN log_checkpoint c "
        "ON c.id = s.checkpoint_id WHERE s.vkey = :vkey"
    )
    found: int | None = connection.execute(query, {"vkey": witness.verifier.vkey}).scalar()
    return found or 0
