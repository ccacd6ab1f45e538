"""The screenshots of pages that a browser read: they are stored with the HTML of the page."""

from collections.abc import Mapping

from storage.capabilities.pictures.tables import ARTICLE_PICTURE
from storage.database.unit import Unit
from storage.values.net.addresses import CheckedExchange

POSITION = -1
"""The position of a screenshot: it is before the pictures of the page."""


def store_screenshots(
    unit: Unit, checks: Mapping[int, CheckedExchange], captures: Mapping[bytes, int]
) -> None:
    """Store the screenshots of checks by their observations; their bytes are `captures`."""
    for number, check in checks.items():
        shot = check.screenshot
        if shot is None:
            continue
        unit.add(ARTICLE_PICTURE, {
            "id": unit.number(), "observation_id": number, "position": POSITION,
            "address": check.origin, "caption": None, "credit": None,
            "capture_id": captures[shot.digest], "media_type": shot.media_type,
            "width": shot.width, "height": shot.height, "pdq": None, "event": "screenshot",
            "before_id": None, "refused": None, "recorded_at": unit.now,
        })  # fmt: skip
