"""PURE: the signature by which near-copies find each other, and how much two texts share by it."""

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
"""Of so many texts the signature is remembered: a batch, and what it is compared with."""
Hashes = np.ndarray[tuple[int], np.dtype[Any]]
_FIRST, _SECOND = np.uint64(0x9E37_79B9_7F4A_7C15), np.uint64(0xC2B2_AE3D_27D4_EB4F)
_NUMBERS = struct.Struct(f"<{PERMUTATIONS}I")
_hash_of = lru_cache(1 << 16)(word_hash)
_signed: OrderedDict[bytes, bytes] = OrderedDict()


def signature(words: Hashes) -> bytes:
    """Return the MinHash over the 3-shingles of words, given by `vocabulary.word_hash`.

    These are 128 values of 32 bits, little endian. They are stored nowhere: index keys are made
    of them, and whoever needs them again has the text.

    Shingles of three words and not of five: agency reports come back cut and edited, every
    changed word costs as many shingles as a shingle has words, and German compounds and
    endings make three words in a row rare enough. Case does not count, order does.
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


def _remembered(text: str) -> bytes:
    key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    known = _signed.get(key)
    if known is None:
        known = _signed[key] = signature_of(text)
        if len(_signed) > SIGNED:
            _signed.popitem(last=False)
    return known


def shingles(words: Hashes) -> Hashes:
    """Return a number of 64 bits for each three words in a row; one for a text of fewer."""
    missing = SHINGLE_WORDS - len(words)
    if missing > 0:
        words = np.concatenate([words, np.zeros(missing, dtype=np.uint64)])
    found: Hashes = (words[:-2] * _FIRST + words[1:-1]) * _SECOND + words[2:]
    return found


@dataclass(frozen=True, slots=True)
class ComparedText:
    """What is compared of a text: its title, its digest, and the text, None where it is gone."""

    title: str | None
    digest: bytes | None
    text: str | None


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
    return max(_shared(a.text, b.text), 0.5 if same_title else 0.0)


def _shared(a: str | None, b: str | None) -> float:
    """Return the share of equal values of the signatures of two texts, 0 where one is gone."""
    if a is None or b is None:
        return 0.0
    pairs = zip(*(_NUMBERS.unpack(_remembered(each)) for each in (a, b)), strict=True)
    return sum(1 for x, y in pairs if x == y) / PERMUTATIONS
