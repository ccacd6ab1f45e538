"""Insert observations, verdicts and refusals: the only module that creates these rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.database.tables import OBSERVATION, REFUSAL, VERDICT
from storage.database.unit import Unit
from storage.values.draft import Json
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse

CLOCK_SUSPECT = "clock_suspect"
"""Prefix of the note of a check with an impossible time, and the flag of its text."""


def add_observation(
    unit: Unit,
    *,
    source_id: int,
    job_id: int,
    locator_id: int,
    observed_at: datetime,
    outcome: str,
    scan_id: int | None = None,
    capture_id: int | None = None,
    hints: Mapping[str, Json] | None = None,
    http_status: int | None = None,
    note: str | None = None,
    clock_at: datetime | None = None,
) -> int:
    """Insert an observation of a place, and return its number.

    `observed_at` is in the archive's time (`Unit.time_of`), or the time of an imported capture.
    `clock_at` is the clock of this machine: it is stored if it is far from that.
    """
    number = unit.number()
    if clock_at is not None and (clock_at := unit.doubted(clock_at, observed_at)) is not None:
        doubt = message_text("clock_doubted", moment=f"{clock_at:%Y-%m-%d %H:%M:%S}")
        note = doubt if note is None else message_text("joined", first=doubt, rest=note)
    unit.add(
        OBSERVATION,
        {
            "id": number, "source_id": source_id, "scan_id": scan_id, "job_id": job_id,
            "locator_id": locator_id, "observed_at": observed_at, "recorded_at": unit.now,
            "outcome": outcome, "capture_id": capture_id, "hints": dict(hints or {}),
            "http_status": http_status, "note": note, "clock_at": clock_at,
        },
    )  # fmt: skip
    return number


def add_verdict(
    unit: Unit,
    job_id: int,
    observation_id: int,
    kind: str = "refused",
    derivation_id: int | None = None,
) -> None:
    unit.add(
        VERDICT,
        {
            "id": unit.number(), "observation_id": observation_id, "job_id": job_id,
            "kind": kind, "derivation_id": derivation_id, "recorded_at": unit.now,
        },
    )  # fmt: skip


def add_refusal(
    unit: Unit,
    reason: RefusalReason,
    locator: str,
    *,
    job_id: int | None,
    source_id: int | None,
    observation_id: int | None,
    capture_id: int | None,
) -> None:
    """Insert a refusal with its reason."""
    unit.add(
        REFUSAL,
        {
            "id": unit.number(), "job_id": job_id, "source_id": source_id,
            "observation_id": observation_id, "locator": locator, "code": reason.code,
            "message": reason.message, "hint": reason.hint, "kept": capture_id is not None,
            "capture_id": capture_id, "at": unit.now,
        },
    )  # fmt: skip


def refuse_redacted(unit: Unit, job_id: int, place: Mapping[str, Any], left: str) -> None:
    """Record the refusal of a place of a job whose address was redacted, by its anonymised
    address.
    """
    add_refusal(
        unit, refuse("redacted"), left, job_id=job_id, source_id=place["source_id"],
        observation_id=None, capture_id=None,
    )  # fmt: skip
