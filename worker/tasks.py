"""The only task: somebody was woken for a job; claim it in the database, work it, log it."""

import structlog
from celery import shared_task

from storage.engine import DatabaseError
from worker.app import workshop
from worker.work import work_next

LOG = structlog.get_logger()
LARGEST_ID = 2**63


@shared_task(name="lesart.wake", ignore_result=True)
def wake(job_id: int) -> None:
    """Work job `job_id` if it is still due; a message that is no job's number is dropped."""
    if type(job_id) is not int or not 0 < job_id < LARGEST_ID:
        LOG.warning("wake_invalid")
        return
    shop = workshop()
    try:
        worked = work_next(shop.archive, shop.settings, shop.reader, job_id=job_id)
    except DatabaseError as error:
        LOG.warning("database_failed", job=job_id, error=type(error).__name__)
        return
    LOG.info("woken", job=job_id, worked=worked)
