"""The screenshots of pages that a browser read: they are stored with the HTML of the page."""

from collections.abc import Mapping

from sqlalchemy import select

from storage.capabilities.pictures.tables import ARTICLE_PICTURE
from storage.database.tables import OBSERVATION
from storage.database.unit import Unit
from storage.values.net.addresses import CheckedExchange

POSITION, THUMBNAIL = -1, -2
"""The positions of a screenshot and its thumbnail: they are before the pictures of the page."""


def store_files(
    unit: Unit, checks: Mapping[int, CheckedExchange], captures: Mapping[bytes, int]
) -> None:
    """Store the screenshots of checks by their observations; their bytes are `captures`.

    Of consecutive pages without a text, such as walls, the first has one; and none if the
    screenshot before was redacted, as it may show what that one did.
    """
    for number, check in checks.items():
        shot = check.screenshot
        if shot is None or (check.raw is None and not _is_new(unit, number)):
            continue
        for position, file in ((POSITION, shot), (THUMBNAIL, shot.thumbnail)):
            if file is not None:
                unit.add(ARTICLE_PICTURE, {
                    "id": unit.number(), "observation_id": number, "position": position,
                    "address": check.origin, "caption": None, "credit": None,
                    "capture_id": captures[file.digest], "media_type": file.media_type,
                    "width": file.width, "height": file.height, "pdq": None, "event": "screenshot",
                    "before_id": None, "refused": None, "recorded_at": unit.now,
                })  # fmt: skip


def _is_new(unit: Unit, observation: int) -> bool:
    """Check whether the screenshot before at the same address is that of a text."""
    unit.flush()
    own = select(OBSERVATION.c.locator_id).where(OBSERVATION.c.id == observation).scalar_subquery()
    query = (
        select(ARTICLE_PICTURE.c.address, OBSERVATION.c.capture_id)
        .join(OBSERVATION, OBSERVATION.c.id == ARTICLE_PICTURE.c.observation_id)
        .where(OBSERVATION.c.locator_id == own, ARTICLE_PICTURE.c.position == POSITION)
        .order_by(OBSERVATION.c.id.desc())
        .limit(1)
    )
    return None not in (unit.connection.execute(query).first() or ())
