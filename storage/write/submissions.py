"""Store captures that clients submit: pages that Lesart did not fetch."""

from dataclasses import dataclass

from sqlalchemy import Connection

from storage.record.captures import pack_all, store_captures
from storage.record.observations import add_observation, ensure_origins, store_transfers
from storage.record.sources import ensure_source
from storage.record.suppression import SuppressionLookup
from storage.schedule import queue
from storage.values.digest import origin_id, raw_digest
from storage.values.net.token import submission_note
from storage.values.net.transfer import Transfer
from storage.write.archive import Archive
from storage.write.store_captures import putting_again, store_bytes

KIND = "submitted"
"""Kind of the sources of submitted captures."""


class SubmissionRedactedError(Exception):
    """The address or the bytes of a submission were redacted; nothing was stored."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A page that a client captured, and the name of the token that submitted it.

    `address` is the submitted address, `origin` the same as an origin. `charset` is the encoding of
    the bytes if it is certain.
    """

    address: str
    origin: str
    raw: bytes
    submitter: str
    charset: str | None = None


def source_name(submitter: str) -> str:
    """Return the name of the source of a submitter.

    >>> source_name("redaktion")
    'submitted:redaktion'
    """
    return f"{KIND}:{submitter}"


@putting_again
def store_submission(archive: Archive, submission: Submission) -> int:
    """Store the bytes and an observation of a submission; return the job that reads it.

    The time of the observation is the archive's time, not a time that the client states.

    Raises: SubmissionRedactedError.
    """
    digest = raw_digest(submission.raw)
    with archive.read_connection() as connection:
        _refuse_redacted(connection, digest, submission.origin)
    packed = store_bytes(archive, pack_all([(digest, submission.raw)]))
    origin_id(submission.origin)  # cached: nothing is hashed under the lock
    with archive.unit() as unit:
        _refuse_redacted(unit.connection, digest, submission.origin)  # redacted meanwhile
        source = ensure_source(unit, source_name(submission.submitter), KIND, "")
        locator = ensure_origins(unit, [submission.origin])[submission.origin]
        capture = store_captures(unit, packed)[digest]
        job = unit.number()
        hints = {
            "type": "html", "charset": submission.charset, "url": submission.origin,
            "origin": submission.origin, "observed_at": unit.now.isoformat(),
            "submitted_by": submission.submitter,
        }  # fmt: skip
        number = add_observation(
            unit, source_id=source.id, job_id=job, locator_id=locator, observed_at=unit.now,
            clock_at=unit.reading, outcome="captured", capture_id=capture,
            note=submission_note(submission.submitter),
            hints={name: value for name, value in hints.items() if value is not None},
        )  # fmt: skip
        transfer = Transfer(submission.address, unit.now, is_foreign=True)
        store_transfers(unit, {number: transfer}, {})
        queue.add_job(
            unit, "read", "api", number=job, source_id=source.id, arguments={"items": [number]}
        )
    return job


def _refuse_redacted(connection: Connection, digest: bytes, origin: str) -> None:
    redacted = SuppressionLookup(connection)
    if redacted.raw([digest]) or redacted.addresses([origin]):
        raise SubmissionRedactedError
