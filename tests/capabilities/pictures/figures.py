"""How well swapped pictures are told from others, on pictures and variants made here.

`python -m tests.capabilities.pictures.figures` prints the thresholds that fit one half of the pictures and variants, and
precision and recall of swapped pictures on the other half, which no threshold was fitted on. With
`--photos FOLDER` it prints those of the photos (JPEG) in a folder and the variants of that half.
"""

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from worker.capabilities.pictures.decoder import look_at
from worker.capabilities.pictures.likeness import PART_SCORE, SAME_BITS, different_bits, part_score

WIDTH, HEIGHT, LARGEST = 960, 640, 1600
Variant = Callable[[Image.Image, np.random.Generator], Image.Image]


def _cloud(chance: np.random.Generator, size: int, sides: tuple[int, int]) -> Any:
    """Return noise with spots of a size (rows, columns; 0 to 255)."""
    coarse = chance.random((max(2, sides[1] // size), max(2, sides[0] // size))) * 255
    spots = Image.fromarray(coarse.astype("uint8")).resize(sides, Image.Resampling.BICUBIC)
    return np.asarray(spots, dtype=float)


def make_scene(place: int, moment: int) -> Image.Image:
    """Return a picture of a place at a moment, which has its own things and its own frame."""
    ground, things = np.random.default_rng([place, 7]), np.random.default_rng([place, moment, 8])
    rows, columns = HEIGHT + 160, WIDTH + 240
    noise = sum(_cloud(ground, s, (columns, rows)) * s for s in (200, 90, 40, 16, 6)) / 352
    slope = np.linspace(ground.uniform(-60, 60), ground.uniform(-60, 60), rows)[:, None]
    tints = ground.uniform(0.5, 1.3, 3)
    layers = [np.clip((noise + slope) * tint, 0, 255) for tint in tints]
    picture = Image.fromarray(np.stack(layers, 2).astype("uint8"))
    pen = ImageDraw.Draw(picture)
    horizon = int(ground.uniform(0.3, 0.6) * rows)
    for _ in range(int(ground.integers(3, 9))):  # houses of the place
        x, w, h = (int(ground.integers(*each)) for each in ((0, columns), (40, 220), (40, 260)))
        colour = tuple(int(each) for each in ground.integers(30, 220, 3))
        pen.rectangle((x, horizon - h, x + w, horizon + 60), fill=colour)
        for wx in range(x + 8, x + w - 12, 24):
            for wy in range(horizon - h + 8, horizon + 30, 30):
                pen.rectangle((wx, wy, wx + 10, wy + 14), fill=(240, 220, 120))
    for _ in range(int(things.integers(6, 16))):  # people and cars of the moment
        x, y = int(things.integers(0, columns)), int(things.integers(horizon - 20, rows))
        size = int(things.integers(40, 220))
        colour = tuple(int(each) for each in things.integers(0, 255, 3))
        pen.ellipse((x, y - size, x + size * 0.6, y + size * 0.5), fill=colour)
        skin = tuple(int(each) for each in things.integers(90, 230, 3))
        pen.ellipse((x + size * 0.1, y - size * 1.4, x + size * 0.5, y - size), fill=skin)
    left, top = int(things.integers(0, 240)), int(things.integers(0, 160))
    return picture.crop((left, top, left + WIDTH, top + HEIGHT))


def _cut(least: float, most: float) -> Variant:
    def cut(picture: Image.Image, chance: np.random.Generator) -> Image.Image:
        width, height = (round(side * chance.uniform(least, most)) for side in picture.size)
        x = int(chance.integers(0, picture.width - width + 1))
        y = int(chance.integers(0, picture.height - height + 1))
        return picture.crop((x, y, x + width, y + height))

    return cut


def _scaled(share: float) -> Variant:
    return lambda picture, _chance: picture.resize(
        (round(picture.width * share), round(picture.height * share))
    )


def _encoded(kind: str, quality: int) -> Variant:
    def encode(picture: Image.Image, _chance: np.random.Generator) -> Image.Image:
        held = io.BytesIO()
        picture.save(held, kind, quality=quality)
        return Image.open(held).convert("RGB")

    return encode


def _with_logo(picture: Image.Image, chance: np.random.Generator) -> Image.Image:
    marked = picture.copy()
    side = round(min(picture.size) * chance.uniform(0.12, 0.22))
    ImageDraw.Draw(marked).rectangle((10, 10, 10 + side * 2, 10 + side), fill=(200, 20, 20))
    return marked


def _square(picture: Image.Image) -> Image.Image:
    side, left = min(picture.size), min(picture.width // 6, picture.width - min(picture.size))
    return picture.crop((left, 0, left + side, side))


def _then(*steps: Variant) -> Variant:
    def act(picture: Image.Image, chance: np.random.Generator) -> Image.Image:
        for step in steps:
            picture = step(picture, chance)
        return picture

    return act


FITTED: dict[str, Variant] = {
    "jpeg 75": _encoded("JPEG", 75), "half": _scaled(0.5), "part .8": _cut(0.75, 0.85),
    "grey": lambda picture, _chance: picture.convert("L").convert("RGB"),
    "brighter": lambda picture, _chance: ImageEnhance.Brightness(picture).enhance(1.25),
    "part .6": _then(_cut(0.55, 0.65), _encoded("JPEG", 70)),
}  # fmt: skip
UNSEEN: dict[str, Variant] = {
    "webp 50": _encoded("WEBP", 50), "third": _then(_scaled(0.33), _encoded("JPEG", 60)),
    "jpeg 25": _encoded("JPEG", 25), "larger": _scaled(1.6), "logo": _with_logo,
    "contrast": lambda picture, _chance: ImageEnhance.Contrast(picture).enhance(1.4),
    "sharper": lambda picture, _chance: picture.filter(ImageFilter.UnsharpMask(2, 120)),
    "part .9": _cut(0.86, 0.95), "part .7": _then(_cut(0.65, 0.75), _scaled(0.6)),
    "part .5": _then(_cut(0.5, 0.6), _encoded("WEBP", 60)),
    "wide": lambda p, _chance: p.crop((0, p.height // 6, p.width, p.height * 5 // 6)),
    "square": lambda picture, _chance: _square(picture),
    "slightly wider": lambda p, _chance: p.resize((round(p.width * 1.04), p.height)),
}  # fmt: skip


def make_pairs(
    places: range, variants: dict[str, Variant]
) -> Iterator[tuple[str, Image.Image, Image.Image]]:
    """Yield pairs with the name of the variant; `another` and `same place` are swapped."""
    names = list(variants)
    for place in places:
        chance = np.random.default_rng([place, 9])
        picture = make_scene(place, 1)
        for name in names:
            yield name, picture, variants[name](picture, chance)
        for number, name in enumerate(names[:6]):
            other = make_scene(place + 1000 * (number + 1), 1)
            yield "another", picture, other if number % 2 else variants[name](other, chance)
            if number % 2:
                moment = make_scene(place, number + 2)
                yield "same place", picture, variants[name](moment, chance)


def photo_pairs(folder: Path) -> Iterator[tuple[str, Image.Image, Image.Image]]:
    """Yield the same pairs of the photos in a folder; each is swapped with the six that follow."""
    files, variants = sorted(folder.rglob("*.jpg")), list(UNSEEN.items())
    photos = [Image.open(each).convert("RGB") for each in files]
    for photo in photos:
        photo.thumbnail((LARGEST, LARGEST))
    for place, photo in enumerate(photos):
        chance = np.random.default_rng([place, 10])
        for name, variant in variants:
            yield name, photo, variant(photo, chance)
        for number, (_name, variant) in enumerate(variants[:6]):
            other = photos[(place + number + 1) % len(photos)]
            yield "another", photo, other if number % 2 else variant(other, chance)


def measure(pairs: Iterator[tuple[str, Image.Image, Image.Image]]) -> list[tuple[str, int, float]]:
    """Return for each pair its name, the number of different bits, and the score of a part."""
    found = []
    for name, *both in pairs:
        (a, first), (b, second) = (look_at(each) for each in both)
        score = max(part_score(first, second), part_score(second, first))
        found.append((name, different_bits(a, b), score))
    return found


SWAPPED = frozenset({"another", "same place"})


def figures(found: list[tuple[str, int, float]], bits: int, score: float) -> tuple[float, float]:
    """Return precision and recall of swapped pictures by two thresholds."""
    said = [(name in SWAPPED, not (b <= bits or s >= score)) for name, b, s in found]
    right = sum(a and b for a, b in said)
    return right / max(1, sum(b for _a, b in said)), right / sum(a for a, _b in said)


def main() -> None:
    """Fit on one half, and report on the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=60, help="pictures of each half")
    parser.add_argument("--photos", type=Path, help="folder of photos to measure instead")
    given = parser.parse_args()
    if given.photos is not None:
        sys.stdout.write(f"{json.dumps(_told(measure(photo_pairs(given.photos))))}\n")
        return
    half = measure(make_pairs(range(given.places), FITTED))
    fits = [
        (min(figures(half, bits, score / 100)), -bits, score / 100)
        for bits in range(20, 100, 2) for score in range(20, 95, 2)
    ]  # fmt: skip
    best = max(fits)[0]
    near = [(-bits, score) for value, bits, score in fits if value == best]
    fitted = {
        "best": best, "bits": [min(b for b, _s in near), max(b for b, _s in near)],
        "score": [min(s for _b, s in near), max(s for _b, s in near)],
    }  # fmt: skip
    rest = measure(make_pairs(range(500, 500 + given.places), UNSEEN))
    sys.stdout.write(f"{json.dumps({'fitted': fitted, 'unseen': _told(rest)}, indent=1)}\n")


def _told(found: list[tuple[str, int, float]]) -> dict[str, Any]:
    """Return the figures by the thresholds of the product, and the number of wrong pairs by name."""
    precision, recall = figures(found, SAME_BITS, PART_SCORE)
    wrong: Counter[str] = Counter()
    for name, bits, score in found:
        wrong[name] += (name in SWAPPED) != (not (bits <= SAME_BITS or score >= PART_SCORE))
    return {"pairs": len(found), "precision": precision, "recall": recall, "wrong": dict(+wrong)}


if __name__ == "__main__":
    main()
