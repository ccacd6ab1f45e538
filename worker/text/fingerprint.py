"""The signature by which near-copies of a text find each other."""

import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from rensa import RMinHash

from storage.verdict import Signature

if TYPE_CHECKING:
    import numpy as np

PERMUTATIONS = 128
SHINGLE_WORDS = 3
SEED = 42
ALGORITHM = f"rensa-rminhash-v{RMinHash.ALGORITHM_VERSION}-p{PERMUTATIONS}-b{SHINGLE_WORDS}"
"""`b3`: shingles of three words, each word by its BLAKE2b of 8 bytes, combined by `shingles`."""

_NUMBERS = struct.Struct(f"<{PERMUTATIONS}I")
_FIRST, _SECOND = 0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F
_MAX_WORDS = 200_000
"""Words whose hashes are remembered, about 25 MB; then anew."""


def signature(words: Sequence[str]) -> Signature:
    """Return the MinHash over the 3-shingles of `words`, as blanks part them.

    Shingles of three words and not of five: agency reports come back cut and edited, every
    changed word costs as many shingles as a shingle has words, and German compounds and
    endings make three words in a row rare enough. Case does not count, order does.
    """
    found = shingles(words)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        found, [0, len(found)], PERMUTATIONS, SEED
    )
    return Signature(ALGORITHM, SEED, _NUMBERS.pack(*matrix.to_rows()[0]))


def shingles(words: Sequence[str]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Return a number of 64 bits for each three words in a row; one for a text of fewer."""
    import numpy as np  # noqa: PLC0415  # slow to load, and only readers need it

    hashes = np.fromiter(map(_HASHES.__getitem__, words), dtype="u8", count=len(words))
    if len(hashes) < SHINGLE_WORDS:
        hashes = np.concatenate([hashes, np.zeros(SHINGLE_WORDS - len(hashes), dtype="u8")])
    first, second = np.uint64(_FIRST), np.uint64(_SECOND)
    found: np.ndarray[tuple[int], np.dtype[np.uint64]] = (
        hashes[:-2] * first + hashes[1:-1]
    ) * second + hashes[2:]
    return found


class _Hashes(dict[str, int]):
    """The hashes of words met before: nine of ten of a text were."""

    def __missing__(self, word: str) -> int:
        folded = word.casefold().encode("utf-8", "surrogatepass")
        found = int.from_bytes(blake2b(folded, digest_size=8).digest(), "little")
        if len(self) >= _MAX_WORDS:
            self.clear()
        self[word] = found
        return found


_HASHES = _Hashes()
