"""Errors that end a command before it starts to work; fast to import."""

NO_WORKER_SECONDS = 30.0


class LocatorError(Exception):
    """A file, folder or address cannot be ingested."""

    def __init__(self, locator: str, reason: str) -> None:
        super().__init__(f"{locator}: {reason}")
        self.locator, self.reason = locator, reason


class LocatorMissingError(LocatorError):
    """A file or folder does not exist."""


class JobNotFoundError(LookupError):
    """No job has this number."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"there is no job {job_id}: `lesart jobs` lists the jobs")
        self.job_id = job_id


class NoWorkerError(Exception):
    """No worker accepted the job: no worker is running, or the broker is down."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"no worker accepted job {job_id} within {NO_WORKER_SECONDS:.0f} s; it stays in the "
            "queue: start `lesart worker` and `lesart scheduler`, or run `lesart doctor`"
        )
        self.job_id = job_id


class ThreadEndedError(Exception):
    """A thread ended by itself; without it the service does only a part of its work."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the {name} thread ended, so this service ends, too; start it again: its jobs are "
            "resumed"
        )


class ScheduleError(ValueError):
    """A schedule or another option of a source is invalid."""


class BrokerError(Exception):
    """The broker settings are unusable."""


class PortTakenError(Exception):
    """The web server cannot listen on its address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"cannot serve the page at {address}: {reason}; set LESART_WEB_ADDRESS to another "
            "address"
        )
        self.address, self.reason = address, reason
