"""PURE: the signature by which near-copies find each other, and the estimated similarity of two
texts.
"""

import struct
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from rensa import RMinHash

from storage.language.vocabulary import word_hash
from storage.values.digest import canonical

PERMUTATIONS = 128
SHINGLE_WORDS = 3
SEED = 42
SIGNED = 256
"""Number of texts whose signatures are cached: a batch, and the texts it is compared with."""
Hashes = np.ndarray[tuple[int], np.dtype[Any]]
_FIRST, _SECOND = np.uint64(0x9E37_79B9_7F4A_7C15), np.uint64(0xC2B2_AE3D_27D4_EB4F)
_NUMBERS = struct.Struct(f"<{PERMUTATIONS}I")
_hash_of = lru_cache(1 << 16)(word_hash)
_signed: OrderedDict[bytes, bytes] = OrderedDict()


def signature(words: Hashes) -> bytes:
    """Return the MinHash over the 3-shingles of words, given by `vocabulary.word_hash`.

    The result has 128 values of 32 bits, little endian. It is not stored: index keys are derived
    from it, and it can be computed again from the text.

    Shingles have three words instead of five because agency reports are cut and edited: a changed
    word costs as many shingles as a shingle has words, and German compounds and endings make three
    consecutive words rare enough. Case is ignored, order matters.
    """
    found = shingles(words)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        found, [0, len(found)], PERMUTATIONS, SEED
    )
    return _NUMBERS.pack(*matrix.to_rows()[0])


def signature_of(text: str) -> bytes:
    """Return the signature of a text."""
    words = text.split()
    return signature(np.fromiter(map(_hash_of, words), dtype=np.uint64, count=len(words)))


def _signature_from_cache(text: str) -> bytes:
    key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    known = _signed.get(key)
    if known is None:
        known = _signed[key] = signature_of(text)
        if len(_signed) > SIGNED:
            _signed.popitem(last=False)
    return known


def shingles(words: Hashes) -> Hashes:
    """Return a 64-bit number for each three consecutive words; one for a shorter text."""
    missing = SHINGLE_WORDS - len(words)
    if missing > 0:
        words = np.concatenate([words, np.zeros(missing, dtype=np.uint64)])
    found: Hashes = (words[:-2] * _FIRST + words[1:-1]) * _SECOND + words[2:]
    return found


@dataclass(frozen=True, slots=True)
class ComparedText:
    """The compared parts of a text: its title, its digest, and the text, or None if it is gone."""

    title: str | None
    digest: bytes | None
    text: str | None


def agreement(a: ComparedText, b: ComparedText) -> float:
    """Return the agreement of two texts from 0 to 1; 1 for the same wording.

    It is the estimated share of common word sequences, or of the headline if it is the same,
    because a text may be rewritten below it.

    >>> one, other = ComparedText("Pegel", b"1", None), ComparedText("Pegel ", b"2", None)
    >>> agreement(one, other)
    0.5
    """
    if a.digest is not None and a.digest == b.digest:
        return 1.0
    same_title = bool(a.title) and canonical(a.title or "") == canonical(b.title or "")
    return max(_share_of_values(a.text, b.text), 0.5 if same_title else 0.0)


def _share_of_values(a: str | None, b: str | None) -> float:
    """Return the share of equal values in the signatures of two texts, 0 if one is gone."""
    if a is None or b is None:
        return 0.0
    pairs = zip(*(_NUMBERS.unpack(_signature_from_cache(each)) for each in (a, b)), strict=True)
    return sum(1 for x, y in pairs if x == y) / PERMUTATIONS
