"""PURE: how much two texts share that are said to be one article."""

from dataclasses import dataclass

from storage.values.digest import canonical


@dataclass(frozen=True, slots=True)
class Signature:
    """A MinHash signature with all that is needed to compare it: 32-bit values, little endian."""

    algorithm: str
    seed: int
    values: bytes


@dataclass(frozen=True, slots=True)
class ComparedText:
    """What is compared of a text: its title, its digest, its signature."""

    title: str | None
    digest: bytes | None
    signature: Signature | None


def agreement(a: ComparedText, b: ComparedText) -> float:
    """Return how much two texts agree, from 0 to 1: all of it where they are one wording.

    The estimate of the share of words in a row that both have, or of the headline where it is the
    same: a text may be rewritten below it.

    >>> one, other = ComparedText("Pegel", b"1", None), ComparedText("Pegel ", b"2", None)
    >>> agreement(one, other)
    0.5
    """
    if a.digest is not None and a.digest == b.digest:
        return 1.0
    same_title = bool(a.title) and canonical(a.title or "") == canonical(b.title or "")
    return max(_shared(a.signature, b.signature), 0.5 if same_title else 0.0)


def _shared(a: Signature | None, b: Signature | None) -> float:
    """Return the share of equal values of two signatures, 0 where they cannot be compared."""
    if a is None or b is None or (a.algorithm, a.seed) != (b.algorithm, b.seed):
        return 0.0
    mine, other = memoryview(a.values).cast("I"), memoryview(b.values).cast("I")
    if not mine or len(mine) != len(other):
        return 0.0
    return sum(x == y for x, y in zip(mine, other, strict=True)) / len(mine)
