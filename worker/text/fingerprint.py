"""The signature by which near-copies of a text find each other."""

import struct
from typing import Any

import numpy as np
from rensa import RMinHash

from storage.similarity.signature import Signature

PERMUTATIONS = 128
SHINGLE_WORDS = 3
SEED = 42
ALGORITHM = f"rensa-rminhash-v{RMinHash.ALGORITHM_VERSION}-p{PERMUTATIONS}-b{SHINGLE_WORDS}"
"""`b3`: shingles of three words, each by its `word_hash`, combined by `shingles`."""

Hashes = np.ndarray[tuple[int], np.dtype[Any]]
_FIRST, _SECOND = np.uint64(0x9E37_79B9_7F4A_7C15), np.uint64(0xC2B2_AE3D_27D4_EB4F)
_NUMBERS = struct.Struct(f"<{PERMUTATIONS}I")


def signature(words: Hashes) -> Signature:
    """Return the MinHash over the 3-shingles of words, given by `vocabulary.word_hash`.

    Shingles of three words and not of five: agency reports come back cut and edited, every
    changed word costs as many shingles as a shingle has words, and German compounds and
    endings make three words in a row rare enough. Case does not count, order does.
    """
    found = shingles(words)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        found, [0, len(found)], PERMUTATIONS, SEED
    )
    return Signature(ALGORITHM, SEED, _NUMBERS.pack(*matrix.to_rows()[0]))


def shingles(words: Hashes) -> Hashes:
    """Return a number of 64 bits for each three words in a row; one for a text of fewer."""
    missing = SHINGLE_WORDS - len(words)
    if missing > 0:
        words = np.concatenate([words, np.zeros(missing, dtype=np.uint64)])
    found: Hashes = (words[:-2] * _FIRST + words[1:-1]) * _SECOND + words[2:]
    return found
