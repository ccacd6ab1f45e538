"""The periodic acts that the leading scheduler repeats.

Each one is a function of the services and is listed in `COMMON_ACTS`, in `PROOF_ACTS`, or in `ACTS`
of a capability.
"""

from dataclasses import dataclass

from storage.capabilities import load_parts
from storage.proof import checkpoints
from storage.proof import log as proof_log
from storage.proof.external.authorities import request_stamps
from storage.proof.external.calendars import request_calendar_stamps
from storage.proof.external.witnesses import read_policy, request_cosignatures
from storage.proof.files import keep_copy, update_tiles
from storage.proof.note import NoteError
from storage.proof.policy import PolicyError
from storage.proof.stamp import read_authorities
from storage.read.figures.edits import EDIT_SUMMARY, renewed_summary
from storage.settings import Settings
from storage.write.archive import Archive
from storage.write.idle_jobs import remove_idle_jobs
from storage.write.orphans import sweep_orphans
from storage.write.redaction.redact_articles import drop_overdue_bytes
from worker.log import LOG
from worker.services.schedule.act import PeriodicAct, Services


def expire_captures(services: Services) -> None:
    """Delete the bytes of captures whose retention time is over."""
    for each in drop_overdue_bytes(services.archive, services.settings.retain_captures):
        if each["captures"]:
            LOG.info("captures_expired", **each)


def sweep_objects(services: Services) -> None:
    """Delete the objects of captures that killed or failed writes left without a row."""
    swept = sweep_orphans(services.archive.engine, services.archive.clock)
    if swept.deleted:
        LOG.info("objects_swept", deleted=swept.deleted)


def remove_idle(services: Services) -> None:
    """Remove the jobs that did nothing and whose retention time is over."""
    if removed := remove_idle_jobs(services.archive, services.settings.retain_jobs):
        LOG.info("idle_jobs_removed", jobs=removed)


def update_figures(services: Services) -> None:
    """Store the counts of the record, and the edit figures of a large archive."""
    archive = services.archive
    archive.update_totals()
    summary = archive.read(renewed_summary, archive.clock())
    if summary is not None:
        archive.store_fact(EDIT_SUMMARY, summary)


OF_CAPABILITIES = tuple(act for part in load_parts("work") for act in part.ACTS)
COMMON_ACTS = (
    *OF_CAPABILITIES,
    PeriodicAct("retention", expire_captures, 3600.0),
    PeriodicAct("objects", sweep_objects, 3600.0),
    PeriodicAct("jobs", remove_idle, 3600.0),
    PeriodicAct("figures", update_figures, 60.0),
)


PROOF_ERRORS = (checkpoints.ProofKeyError, NoteError, PolicyError)
"""Errors in the keys and policies of the log; the other work continues."""


def extend_log(services: Services) -> None:
    """Append committed rows to the log, and sign a checkpoint when one is due."""
    archive, settings = services.archive, services.settings
    proof_log.append(archive.engine, archive.clock)
    signer = checkpoints.read_key(settings.proof_key_file)
    if signer is not None and checkpoints.is_due(
        archive.engine, archive.now(), settings.proof_every
    ):
        checkpoint = checkpoints.make(archive.engine, archive.clock, signer)
        archive.read(keep_copy, settings.proof_key_file, checkpoint)
        LOG.info("checkpoint_signed", entries=checkpoint.size)


def write_tiles(services: Services) -> None:
    """Write the tiles of the log up to the newest checkpoint into their folder."""
    folder = services.settings.proof_tiles
    if folder is not None:
        written = services.archive.read(update_tiles, folder)
        if written is not None:
            LOG.info("tiles_written", folder=str(folder), entries=written.size)


def request_witnesses(services: Services) -> None:
    """Ask the witnesses to cosign the newest checkpoint."""
    archive, policy = services.archive, read_policy(services.settings.proof_witnesses)
    if policy is not None:
        for each in request_cosignatures(archive.engine, archive.clock, policy):
            LOG.info("cosignature_requested", witness=each.witness, refused=each.reason)


def request_timestamps(services: Services) -> None:
    """Ask time-stamping authorities and calendars to stamp the newest checkpoint."""
    archive, authorities = services.archive, read_authorities(services.settings.proof_authorities)
    stamps = request_stamps(archive.engine, archive.clock, authorities)
    more = request_calendar_stamps(archive.engine, archive.clock, authorities)
    for each in (*stamps, *more):
        LOG.info("timestamp_requested", authority=each.authority, refused=each.reason)


PROOF_ACTS = (
    PeriodicAct("log", extend_log, 0.5),
    PeriodicAct("tiles", write_tiles, 1.0),
    PeriodicAct("witnesses", request_witnesses, 30.0),
    PeriodicAct("authorities", request_timestamps, 30.0),
)


@dataclass(frozen=True, slots=True)
class _Once:
    """The services for an act that runs once, to its end."""

    archive: Archive
    settings: Settings

    def is_over(self) -> bool:
        return False


def send_all(archive: Archive, settings: Settings) -> None:
    """Run the acts of capabilities: send alerts and others."""
    for act in OF_CAPABILITIES:
        act.function(_Once(archive, settings))
