"""Send what is due without running services."""

from dataclasses import dataclass

from storage.settings import Settings
from storage.write.archive import Archive
from worker.services.schedule.common_acts import OF_CAPABILITIES, send_alerts


@dataclass(frozen=True, slots=True)
class _Once:
    """What an act needs that runs once, to its end."""

    archive: Archive
    settings: Settings

    def is_over(self) -> bool:
        return False


def send_all(archive: Archive, settings: Settings) -> None:
    """Send alerts, and run the acts of capabilities."""
    for send in (send_alerts, *(act.function for act in OF_CAPABILITIES)):
        send(_Once(archive, settings))
