"""The screenshot of a whole page and its thumbnail, within bounds of height and bytes."""

import base64
from dataclasses import replace

from storage.values.digest import raw_digest
from storage.values.draft import Json
from storage.values.net.addresses import CheckedFile
from worker.capabilities.browser_pages.devtools import BrowserError, DevTools

MOST_HEIGHT = 12_000.0
"""Height of the page in its own pixels, below which nothing is shown."""
WIDTH = 800.0
"""Width of the screenshot in pixels, unless it would have too many bytes."""
MOST_BYTES = 300_000
THUMBNAIL_WIDTH, THUMBNAIL_BYTES = 240.0, 15_000
"""Width of the thumbnail in pixels, of the upper part of the page, and its maximum size."""
SHAPE = 1.25
"""Maximum height of the part in the thumbnail, in widths of the page."""
SMALLER, ATTEMPTS = 0.7, 5
SECONDS = 5.0


def take_screenshot(tools: DevTools, session: str) -> tuple[CheckedFile | None, dict[str, Json]]:
    """Return the screenshot of a page and facts: its scale, and the shown part of its height.

    None if the browser makes none within the bounds: a page needs none.
    """
    try:
        found = tools.call("Page.getLayoutMetrics", session, seconds=SECONDS)["cssContentSize"]
        width, whole = float(found["width"]), float(found["height"])
        height = min(whole, MOST_HEIGHT)
        part = width, min(height, SHAPE * width)
        small = _take(tools, session, part, THUMBNAIL_WIDTH, THUMBNAIL_BYTES, format="webp")
        taken = _take(tools, session, (width, height), WIDTH, MOST_BYTES, format="jpeg")
    except (BrowserError, ArithmeticError, KeyError, ValueError):
        return None, {}
    if taken is None:
        return None, {}
    shown = {"scale": round(taken.width / width, 3), "share": round(height / whole, 3)}
    return replace(taken, thumbnail=small), {"screenshot": shown}


def _take(
    tools: DevTools, session: str, part: tuple[float, float], most_width: float, most_bytes: int,
    **form: str,
) -> CheckedFile | None:  # fmt: skip
    """Return a picture of the upper part of a page, scaled until it has few enough bytes."""
    width, height = part
    scale = min(1.0, most_width / width)
    for _ in range(ATTEMPTS):
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        answer = tools.call(
            "Page.captureScreenshot", session, quality=60, clip=clip, captureBeyondViewport=True,
            seconds=SECONDS, **form,
        )  # fmt: skip
        raw = base64.b64decode(answer["data"])
        if len(raw) <= most_bytes:
            size = round(width * scale), round(height * scale)
            return CheckedFile(f"image/{form['format']}", *size, raw, raw_digest(raw))
        scale *= SMALLER
    return None
