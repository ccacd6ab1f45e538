"""Decode and compare pictures in a child process with limits of memory and time.

The child (`python -m worker.capabilities.pictures.decoder`) answers one request at a time.
"""

import io
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from storage.child_process import LENGTH, READY, Child, begin, limit_time, receive, send
from storage.values.lazy import LazyModule
from worker.capabilities.pictures.likeness import (
    HASHED_SIDE,
    PART_SCORE,
    SAME_BITS,
    SEARCH_SIDE,
    Matrix,
    different_bits,
    hash_brightness,
    part_score,
    resized,
)

if TYPE_CHECKING:
    from PIL import Image, ImageOps
else:
    Image = LazyModule("PIL.Image")
    ImageOps = LazyModule("PIL.ImageOps")

MEMORY_MB = 768
SECONDS, WALL_SECONDS = 5.0, 20.0
"""Limits of one request: processor time, and time by the clock."""
MOST_PIXELS = 40_000_000
"""Maximum number of pixels; the header states it, so larger pictures are not decoded."""
TYPES = {
    "JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif",
    "AVIF": "image/avif",
}  # fmt: skip
"""The formats that are decoded, with their media types."""
UNREADABLE, TOO_LARGE, TOO_SLOW = "unreadable", "too_many_pixels", "resources"


@dataclass(frozen=True, slots=True)
class Measured:
    """The type of a picture, its size in pixels, and its hash in hexadecimal form."""

    media_type: str
    width: int
    height: int
    pdq: str


class PictureDecoder:
    """Measures and compares pictures in a child process, which starts with the first request."""

    def __init__(self) -> None:
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._end()

    def measure(self, raw: bytes) -> Measured | str:
        """Return the facts of a picture, or the code of why it cannot be read."""
        answer = self._request(b"m", raw)
        return answer["code"] if "code" in answer else Measured(**answer)

    def is_part(self, a: bytes, b: bytes) -> bool | None:
        """Check whether one of two pictures is a part of the other; None if that is unknown."""
        return self._request(b"c", a, b).get("is_part")

    def _request(self, *frames: bytes) -> dict[str, Any]:
        if self._child is None:
            self._child = _Child.launch(MEMORY_MB, {})
        packed = b"".join(LENGTH.pack(len(each)) + each for each in frames)
        try:
            answer = self._child.exchange(packed, WALL_SECONDS)
        except TimeoutError:
            answer = None
        if answer is None:
            self._end()
            return {"code": TOO_SLOW}
        found: dict[str, Any] = json.loads(answer)
        return found

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()


class _Child(Child):
    module = "worker.capabilities.pictures.decoder"
    purpose = "The process that decodes pictures {}."


# ----------------------------------------------------------------------- in the child process


def look_at(picture: "Image.Image") -> tuple[str, Matrix]:
    """Return the hash of a picture, and its brightness in the size in which parts are searched."""
    picture = ImageOps.exif_transpose(picture)
    picture.thumbnail((HASHED_SIDE, HASHED_SIDE))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        empty = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(empty, picture)
    brightness = np.asarray(picture.convert("RGB").convert("L"), dtype=float)
    bits = np.packbits(hash_brightness(brightness)[::-1])  # in the order of its reference
    share = min(1.0, SEARCH_SIDE / max(brightness.shape))
    rows, columns = (max(1, round(side * share)) for side in brightness.shape)
    return bits.tobytes().hex(), resized(brightness, (rows, columns))


def _open(raw: bytes) -> "Image.Image":
    """Return a picture that is not decoded yet. Raises: any error of the library."""
    return Image.open(io.BytesIO(raw), formats=tuple(TYPES))


def _measure(raw: bytes) -> dict[str, Any]:
    try:
        picture = _open(raw)
    except Image.DecompressionBombError:
        return {"code": TOO_LARGE}
    width, height = picture.size
    if width * height > MOST_PIXELS:
        return {"code": TOO_LARGE}
    kind = TYPES[str(picture.format)]
    picture.draft("RGB", (2 * HASHED_SIDE, 2 * HASHED_SIDE))
    return {
        "media_type": kind, "width": width, "height": height, "pdq": look_at(picture)[0],
    }  # fmt: skip


def _compare(a: bytes, b: bytes) -> dict[str, Any]:
    (bits, first), (other, second) = (look_at(_open(each)) for each in (a, b))
    is_same = different_bits(bits, other) <= SAME_BITS
    score = max(part_score(first, second), part_score(second, first))
    return {"is_part": is_same or score >= PART_SCORE}


def _answer(kind: bytes, pictures: list[bytes]) -> dict[str, Any]:
    try:
        return _measure(*pictures) if kind == b"m" else _compare(*pictures)
    except MemoryError:
        return {"code": TOO_SLOW}
    except Exception:  # noqa: BLE001 -- whatever a decoder throws belongs to this picture
        return {"code": UNREADABLE}


def main() -> None:
    """Answer requests until the pipe ends."""
    warnings.simplefilter("ignore")
    requests, answers, _orders = begin()
    Image.init()
    send(answers, READY)
    while kind := receive(requests):
        pictures = [receive(requests) or b"" for _ in range(1 if kind == b"m" else 2)]
        with limit_time(SECONDS, WALL_SECONDS):
            answer = _answer(kind, pictures)
        send(answers, json.dumps(answer).encode())


if __name__ == "__main__":
    main()
