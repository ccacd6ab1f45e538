"""The act that requests the pictures of new pages; nothing is loaded while it is turned off."""

from typing import TYPE_CHECKING

from storage.values.lazy import LazyModule
from worker.services.schedule.act import PeriodicAct, Services

if TYPE_CHECKING:
    from worker.capabilities.pictures import requests
else:
    requests = LazyModule("worker.capabilities.pictures.requests")


def fetch_pictures(services: Services) -> None:
    """Request the pictures of new pages, if LESART_PICTURES turns them on."""
    if services.settings.pictures:
        requests.work(services.archive, services.settings, is_over=services.is_over)


ACTS = (PeriodicAct("pictures", fetch_pictures, 2.0),)
