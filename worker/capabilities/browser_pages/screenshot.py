"""The screenshot of a whole page, within bounds of height and bytes."""

import base64

from storage.values.digest import raw_digest
from storage.values.draft import Json
from storage.values.net.addresses import CheckedFile
from worker.capabilities.browser_pages.devtools import BrowserError, DevTools

MOST_HEIGHT = 12_000.0
"""Height of the page in its own pixels, below which nothing is shown."""
WIDTH = 800.0
"""Width of the screenshot in pixels, unless it would have too many bytes."""
MOST_BYTES = 300_000
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
        scale = min(1.0, WIDTH / width)
        for _ in range(ATTEMPTS):
            clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
            answer = tools.call(
                "Page.captureScreenshot", session, format="jpeg", quality=60, clip=clip,
                captureBeyondViewport=True, seconds=SECONDS,
            )  # fmt: skip
            raw = base64.b64decode(answer["data"])
            if len(raw) <= MOST_BYTES:
                size = round(width * scale), round(height * scale)
                shown = {"scale": round(scale, 3), "share": round(height / whole, 3)}
                file = CheckedFile("image/jpeg", *size, raw, raw_digest(raw))
                return file, {"screenshot": shown}
            scale *= SMALLER
    except (BrowserError, ArithmeticError, KeyError, ValueError):
        pass
    return None, {}
