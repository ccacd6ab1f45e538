"""The resources of pages that a browser read: they are stored with the HTML of the page."""

from collections.abc import Mapping

from storage.capabilities.browser_pages.tables import PAGE_RESOURCE
from storage.database.unit import Unit
from storage.values.net.addresses import CheckedExchange


def store_files(
    unit: Unit, checks: Mapping[int, CheckedExchange], captures: Mapping[bytes, int]
) -> None:
    """Store the resources of checks by their observations; their bytes are `captures`."""
    for number, check in checks.items():
        for each in check.resources:
            unit.add(PAGE_RESOURCE, {
                "id": unit.number(), "observation_id": number, "address": each.address,
                "media_type": each.media_type, "location": each.location, "status": each.status,
                "size": each.size,
                "capture_id": None if each.digest is None else captures[each.digest],
                "recorded_at": unit.now,
            })  # fmt: skip
