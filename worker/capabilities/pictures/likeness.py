"""PURE: the perceptual hash PDQ of a picture, and what became of one picture in another.

PDQ is the hash of https://github.com/facebook/ThreatExchange (256 bits of the lowest frequencies).
A part of a picture is found by normalised cross-correlation at several sizes. The thresholds fit
one half of the pictures and variants of `python -m tests.capabilities.pictures.figures`.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
HASHED_SIDE = 512
"""Longest side of the brightness that is hashed, in pixels: tall pictures took 4 s otherwise."""
_BLOCKS, _WAVES = 64, 16
SAME_BITS = 60
"""Number of different bits of 256 up to which two pictures are the same one."""
SEARCH_SIDE = 128
"""Longest side of the picture in which a part is searched, in pixels."""
SMALLEST_PART = 0.3
"""Smallest side of a part that is searched, as a share of the whole."""
STEP = 0.96
"""Factor between two sizes of the part that are tried."""
PART_SCORE = 0.65
"""Correlation from which a picture is a part of another."""


def hash_brightness(brightness: Matrix) -> NDArray[np.bool_]:
    """Return the 256 bits of PDQ of a brightness (rows, columns; 0 to 255).

    >>> bits = hash_brightness(np.arange(10_000.0).reshape(100, 100) % 251)
    >>> bits.shape, bool(100 < bits.sum() < 156)
    ((256,), True)
    """
    for _ in range(2):
        for axis in (0, 1):
            window = (brightness.shape[axis] + 2 * _BLOCKS - 1) // (2 * _BLOCKS)
            after = (window + 2) // 2
            brightness = _window_mean(brightness, axis, window - after, after)
    places = [
        ((np.arange(_BLOCKS) + 0.5) * side / _BLOCKS).astype(int) for side in brightness.shape
    ]
    reduced = brightness[np.ix_(*places)]
    waves = _cosines() @ reduced @ _cosines().T
    return (waves > np.median(waves)).ravel()


def _window_mean(values: Matrix, axis: int, before: int, after: int) -> Matrix:
    """Return the mean of a window around each value, from `before` to below `after`."""
    side = values.shape[axis]
    places = np.arange(side)
    low, high = np.maximum(places - before, 0), np.minimum(places + after, side)
    sums, shape = _sums(values, axis), _along(axis, side)
    found: Matrix = (sums.take(high, axis) - sums.take(low, axis)) / (high - low).reshape(shape)
    return found


def _sums(values: Matrix, axis: int) -> Matrix:
    """Return the sums of the values before each place."""
    return np.insert(np.cumsum(values, axis), 0, 0.0, axis)


def _along(axis: int, size: int) -> tuple[int, int]:
    return (size, 1) if axis == 0 else (1, size)


@cache
def _cosines() -> Matrix:
    waves, places = np.arange(1, _WAVES + 1)[:, None], np.arange(_BLOCKS)[None, :]
    found: Matrix = np.sqrt(2 / _BLOCKS) * np.cos(np.pi / 2 / _BLOCKS * waves * (2 * places + 1))
    return found


def different_bits(a: str, b: str) -> int:
    """Return the number of bits that differ between two hashes in hexadecimal form.

    >>> different_bits("0f", "ff")
    4
    """
    return (int(a, 16) ^ int(b, 16)).bit_count()


def part_score(whole: Matrix, part: Matrix) -> float:
    """Return the best correlation of `part` at any size and place within `whole`, 0 to 1.

    Only details are compared: two skies are alike, but not two clouds.
    """
    rows, columns = whole.shape
    aspect = part.shape[0] / part.shape[1]
    width = min(columns, rows / aspect)
    spectrum, squares = _spectra(_details(whole))
    best = 0.0
    while width >= SMALLEST_PART * columns and width * min(1.0, aspect) >= 8:
        size = max(1, min(rows, round(width * aspect))), max(1, min(columns, round(width)))
        best = max(best, _correlate(spectrum, squares, _details(resized(part, size)), whole.shape))
        width *= STEP
    return best


def resized(values: Matrix, size: tuple[int, int]) -> Matrix:
    """Return a picture in another size (rows, columns), by the mean of what each pixel covers."""
    for axis, side in enumerate(size):
        sums = _sums(values, axis)
        ends = np.linspace(0, values.shape[axis], side + 1)
        low = np.floor(ends).astype(int)
        share = (ends - low).reshape(_along(axis, side + 1))
        high = np.minimum(low + 1, values.shape[axis])
        at = sums.take(low, axis) * (1 - share) + sums.take(high, axis) * share
        values = np.diff(at, axis=axis) / (values.shape[axis] / side)
    return values


def _details(values: Matrix) -> Matrix:
    """Return a picture without its coarse brightness: less the mean of its surroundings."""
    mean = values
    for axis in (0, 1, 0, 1):
        mean = _window_mean(mean, axis, 3, 4)
    return values - mean


def _spectra(whole: Matrix) -> tuple[NDArray[np.complex128], Matrix]:
    """Return the spectrum of a picture, and the sums of its squares up to each place."""
    squares = np.zeros((whole.shape[0] + 1, whole.shape[1] + 1))
    squares[1:, 1:] = (whole**2).cumsum(0).cumsum(1)
    return np.fft.rfft2(whole), squares


def _correlate(
    spectrum: NDArray[np.complex128], squares: Matrix, part: Matrix, shape: tuple[int, ...]
) -> float:
    """Return the best correlation of the details of a part with those of the whole."""
    rows, columns = part.shape
    energy = float((part**2).sum())
    if energy < part.size:  # an even area is part of anything
        return 0.0
    turned = np.conj(np.fft.rfft2(part, shape))
    found = np.fft.irfft2(spectrum * turned, shape)[: shape[0] - rows + 1, : shape[1] - columns + 1]
    local = squares[rows:, columns:] - squares[:-rows, columns:]
    local = local - squares[rows:, :-columns] + squares[:-rows, :-columns]
    return float(np.max(found / np.sqrt(np.maximum(local, part.size) * energy)))
