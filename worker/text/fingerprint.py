"""The signature by which near-copies of a text find each other."""

from collections.abc import Iterable
from dataclasses import dataclass

from rensa import RMinHash

PERMUTATIONS = 128
SHINGLE_WORDS = 3
SEED = 42
ALGORITHM = f"rensa-rminhash-v{RMinHash.ALGORITHM_VERSION}-p{PERMUTATIONS}-w{SHINGLE_WORDS}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A MinHash of one text: `values` holds 128 unsigned 32-bit numbers, little endian.

    Two signatures compare only if `algorithm` and `seed` are equal.
    """

    algorithm: str
    seed: int
    values: bytes


def signature(paragraphs: Iterable[str]) -> Signature:
    """Return the MinHash over the word 3-shingles of `paragraphs`.

    Shingles of three words and not of five: agency reports come back cut and edited, every
    changed word costs as many shingles as a shingle has words, and German compounds and
    endings make three words in a row rare enough. Case does not count, order does.
    """
    words = " ".join(paragraphs).casefold().split()
    shingles = [" ".join(run) for run in zip(words, words[1:], words[2:], strict=False)]
    minhash = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    minhash.update(shingles or [" ".join(words)])
    values = b"".join([value.to_bytes(4, "little") for value in minhash.digest()])
    return Signature(ALGORITHM, SEED, values)
