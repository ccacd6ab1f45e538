"""The only task: a message wakes a worker, which claims a job in the database and runs it."""

import time

from celery import shared_task

from storage.database.engine import DatabaseError
from storage.settings import Settings
from worker.flow.run_jobs import log_storage_failure, run_next_job
from worker.log import LOG
from worker.services.app import hard_limit_seconds, work_context
from worker.services.heartbeat import Heartbeat

LARGEST_ID = 2**63
MARGIN_SECONDS = 5.0


@shared_task(name="lesart.wake", ignore_result=True)
def wake(job_id: int) -> None:
    """Run job `job_id` if it is still due, then other due read jobs while time allows.

    This way an active worker needs no wake-up for each batch. Celery's hard limit covers the whole
    wake-up, so the last job starts early enough to end within it. A message that is not a job id is
    ignored.
    """
    if type(job_id) is not int or not 0 < job_id < LARGEST_ID:
        LOG.warning("wake_up_invalid")
        return
    shop = work_context()
    heartbeat = Heartbeat(shop.settings.home, "worker")
    try:
        shop.record_clock_rarely()
        heartbeat.record_claim()
        worked = kind = run_next_job(
            shop.archive, shop.settings, shop.reader, job_id=job_id,
            most_fetching=shop.most_fetching, on_claim_answer=heartbeat.record_answer,
        )  # fmt: skip
        end = time.monotonic() + _spare_seconds(shop.settings)
        while kind == "read" and time.monotonic() < end:
            kind = run_next_job(
                shop.archive,
                shop.settings,
                shop.reader,
                kind="read",
                on_claim_answer=heartbeat.record_answer,
            )
    except (DatabaseError, OSError, ImportError) as error:
        log_storage_failure(error)
        return
    LOG.debug("wake_up_processed", job=job_id, job_run=worked is not None)


def _spare_seconds(settings: Settings) -> float:
    """Return for how many seconds a wake-up may start batches that end within its hard limit."""
    return hard_limit_seconds(settings) - settings.batch_seconds - MARGIN_SECONDS
