"""What can go wrong before any work begins; light to import, as each command needs them."""

NO_WORKER_SECONDS = 30.0


class LocatorError(Exception):
    """What was named cannot be ingested."""

    def __init__(self, locator: str, reason: str) -> None:
        super().__init__(f"{locator}: {reason}")
        self.locator, self.reason = locator, reason


class LocatorMissingError(LocatorError):
    """What was named is not there."""


class JobNotFoundError(LookupError):
    """There is no job of that number."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"there is no job {job_id}: see `lesart jobs`")
        self.job_id = job_id


class NoWorkerError(Exception):
    """Nobody took up the job: the stack has no worker, or the broker is down."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"no worker took up job {job_id} within {NO_WORKER_SECONDS:.0f} s; it stays in the "
            "queue: start `lesart worker` and `lesart scheduler`, see `lesart doctor`"
        )
        self.job_id = job_id


class ScheduleError(ValueError):
    """A schedule that was named makes no sense."""


class BrokerError(Exception):
    """The broker cannot be used as it is set up."""


class PortTakenError(Exception):
    """The page cannot be served at its address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"the page cannot be served at {address}: {reason}; LESART_WEB_ADDRESS names another"
        )
        self.address, self.reason = address, reason
