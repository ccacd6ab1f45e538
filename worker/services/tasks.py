"""The only task: somebody was woken for a job; claim it in the database, work it, log it."""

import time

from celery import shared_task

from storage.database.engine import DatabaseError
from storage.settings import Settings
from worker.flow.work import log_trouble, work_next
from worker.log import LOG
from worker.services.app import hard_limit_seconds, work_context
from worker.services.heartbeat import Heartbeat

LARGEST_ID = 2**63
MARGIN_SECONDS = 5.0


@shared_task(name="lesart.wake", ignore_result=True)
def wake(job_id: int) -> None:
    """Work job `job_id` if it is still due, and what else is to be read, as long as time allows.

    A worker that is at it need not be woken for each batch. The hard limit that Celery sets on
    a wake-up counts for all of them, so the last begins early enough to end within it. A
    message that is no job's number is dropped.
    """
    if type(job_id) is not int or not 0 < job_id < LARGEST_ID:
        LOG.warning("wake_invalid")
        return
    shop = work_context()
    heartbeat = Heartbeat(shop.settings.home, "worker")
    try:
        heartbeat.asked()
        worked = kind = work_next(
            shop.archive, shop.settings, shop.reader, job_id=job_id,
            most_fetching=shop.most_fetching, answered=heartbeat.answered,
        )  # fmt: skip
        end = time.monotonic() + _spare_seconds(shop.settings)
        while kind == "read" and time.monotonic() < end:
            kind = work_next(
                shop.archive, shop.settings, shop.reader, kind="read", answered=heartbeat.answered
            )
    except (DatabaseError, OSError) as error:
        log_trouble(error)
        return
    LOG.debug("woken", job=job_id, worked=worked is not None)


def _spare_seconds(settings: Settings) -> float:
    """Return how long a wake-up may go on to begin batches that end within its hard limit."""
    return hard_limit_seconds(settings) - settings.batch_seconds - MARGIN_SECONDS
