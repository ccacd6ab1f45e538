"""Write observations, their verdicts and refusals: the only place that makes these rows."""

from collections.abc import Mapping
from datetime import datetime

from storage.database.tables import ObservationRow, RefusalRow, VerdictRow
from storage.database.unit import Unit
from storage.values.draft import Json
from storage.values.refusals import Refused


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
) -> int:
    """Write what was observed at a place, and return its number."""
    number = unit.number()
    unit.add(
        ObservationRow,
        {
            "id": number, "source_id": source_id, "scan_id": scan_id, "job_id": job_id,
            "locator_id": locator_id, "observed_at": observed_at, "recorded_at": unit.now,
            "outcome": outcome, "capture_id": capture_id, "hints": dict(hints or {}),
            "http_status": http_status, "note": note,
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
    """Write the one verdict on an observation."""
    unit.add(
        VerdictRow,
        {
            "id": unit.number(), "observation_id": observation_id, "job_id": job_id,
            "kind": kind, "derivation_id": derivation_id, "recorded_at": unit.now,
        },
    )  # fmt: skip


def add_refusal(
    unit: Unit,
    refused: Refused,
    locator: str,
    *,
    job_id: int | None,
    source_id: int | None,
    observation_id: int | None,
    capture_id: int | None,
) -> None:
    """Write why something was not taken."""
    unit.add(
        RefusalRow,
        {
            "id": unit.number(), "job_id": job_id, "source_id": source_id,
            "observation_id": observation_id, "locator": locator, "code": refused.code,
            "message": refused.message, "hint": refused.hint, "kept": capture_id is not None,
            "capture_id": capture_id, "at": unit.now,
        },
    )  # fmt: skip
