"""Pictures of every page for the documents, from the sample texts: `python -m tests.serve.pictures`.

Needs chromium and chromedriver. Each picture has a palette of 128 colours, which makes it small.
"""

import base64
import os
import shutil
import struct
import tempfile
import zlib
from pathlib import Path

from selenium import webdriver

from storage.settings import load_settings
from storage.write.archive import Archive
from tests.serve.test_browser import SEEDS, open_browser, page_of, pages
from worker.cli import control

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
PICTURES = {
    "page": "front", "search": "search", "copies": "relations", "cluster": "cluster",
    "sources": "sources", "alerts": "watch", "statistics": "statistics", "jobs": "jobs",
    "refusals": "refusals", "fronts": "fronts", "comparison": "compare", "article/text": "article",
    "article/sentence": "sentence", "article/side": "compare-side", "article/metadata":
    "compare-fields", "article/history": "since", "article/checks": "checks", "article/rights":
    "rights", "article/cite": "cite", "article/proof": "proof",
}  # fmt: skip
"""Names of pictures, with the names of their pages."""
WIDTH, MOST_HEIGHT = 1120, 900
PALETTE = """
const done = arguments[1], image = new Image();
image.onload = () => {
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data, counts = new Map();
  const key = at => (pixels[at] >> 2) << 12 | (pixels[at + 1] >> 2) << 6 | pixels[at + 2] >> 2;
  for (let at = 0; at < pixels.length; at += 4) {
    const found = counts.get(key(at));
    if (found) found[3] += 1; else counts.set(key(at), [...pixels.slice(at, at + 3), 1]);
  }
  const colours = [...counts.values()].sort((a, b) => b[3] - a[3]).slice(0, 128);
  const nearest = new Map([...counts].map(([name, c]) => [name, colours.reduce((best, d, index) => {
    const far = (c[0] - d[0]) ** 2 + (c[1] - d[1]) ** 2 + (c[2] - d[2]) ** 2;
    return far < best[0] ? [far, index] : best;
  }, [1e9, 0])[1]]));
  let rows = "";
  for (let at = 0; at < pixels.length; at += 4) rows += String.fromCharCode(nearest.get(key(at)));
  done([image.width, colours.map(c => c.slice(0, 3)), btoa(rows)]);
};
image.src = "data:image/png;base64," + arguments[0];
"""


def write_picture(browser: webdriver.Chrome, path: Path) -> None:
    """Write the current page as a PNG with a palette."""
    high = browser.execute_script(
        "return document.querySelector('.foot').getBoundingClientRect().top"
    )
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(high, MOST_HEIGHT), "scale": 1}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
    )
    browser.get("about:blank")
    width, colours, rows = browser.execute_async_script(PALETTE, shot["data"])
    indexes = base64.b64decode(rows)
    lines = b"".join(b"\0" + indexes[at : at + width] for at in range(0, len(indexes), width))
    header = struct.pack(">IIBBBBB", width, len(indexes) // width, 8, 3, 0, 0, 0)
    palette = bytes(number for colour in colours for number in colour)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ))  # fmt: skip


def main() -> None:
    """Archive the sample texts and write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        shutil.copytree(SEEDS, "seeds")
        settings = load_settings(environ={"LESART_HOME": folder, "LESART_SEEDS": "seeds"})
        with Archive.open(settings.database_url) as archive:
            control.run_all_sources(archive, settings, 1)
        browser = open_browser(f"{folder}/profile")
        try:
            with page_of(settings) as (address, _token):
                browser.set_window_size(WIDTH, MOST_HEIGHT)
                paths = pages(address)
                for name, page in PICTURES.items():
                    browser.get(address + paths[page].replace("lang=de", "lang=en"))
                    write_picture(browser, FOLDER / f"{name}.png")
        finally:
            browser.quit()


if __name__ == "__main__":
    main()
