"""The signature by which near-copies of a text find each other."""

import struct
from collections.abc import Iterable

from rensa import RMinHash

from storage.verdict import Signature

PERMUTATIONS = 128
SHINGLE_WORDS = 3
SEED = 42
ALGORITHM = f"rensa-rminhash-v{RMinHash.ALGORITHM_VERSION}-p{PERMUTATIONS}-w{SHINGLE_WORDS}"
_NUMBERS = struct.Struct(f"<{PERMUTATIONS}I")


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
    return Signature(ALGORITHM, SEED, _NUMBERS.pack(*minhash.digest()))
