"""The acts that running services repeat in addition to those of the scheduler itself.

Each one is a function of the services and is listed in `COMMON_ACTS`, in `PROOF_ACTS` of
`proof_acts`, or in `ACTS` of a capability.
"""

from storage.capabilities import load_parts
from storage.read.figures.edits import EDIT_SUMMARY, renewed_summary
from storage.write.redaction.redact_articles import drop_overdue_bytes
from worker.alerts import work as alerts
from worker.log import LOG
from worker.services.schedule.act import PeriodicAct, Services


def expire_captures(services: Services) -> None:
    """Delete the bytes of captures whose retention time is over."""
    for each in drop_overdue_bytes(services.archive, services.settings.retain_captures):
        if each["captures"]:
            LOG.info("captures_expired", **each)


def send_alerts(services: Services) -> None:
    """Match new changes against the alerts, and send the deliveries that are due."""
    alerts.work(services.archive, services.settings, is_over=services.is_over)


def update_figures(services: Services) -> None:
    """Store the counts of the record, and the edit figures of a large archive."""
    archive = services.archive
    archive.update_totals()
    summary = archive.read(renewed_summary, archive.clock())
    if summary is not None:
        archive.store_fact(EDIT_SUMMARY, summary)


OF_CAPABILITIES = tuple(act for part in load_parts("work") for act in part.ACTS)
COMMON_ACTS = (
    PeriodicAct("alerts", send_alerts, 1.0),
    *OF_CAPABILITIES,
    PeriodicAct("retention", expire_captures, 3600.0),
    PeriodicAct("figures", update_figures, 60.0),
)
