"""Recognise redacted passages in texts without storing their letters.

The archive stores a keyed digest of the letters for each address, the number of letters, the ends
of the words, and a sum of the letters modulo 2^64 with a secret factor. The sums of all substrings
of a text are computed at once; only substrings with a stored sum are compared by digest.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storage.language.passage import Passage, fold, letters_of
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = LazyModule("numpy")

_MODULUS = 2**64
Form = tuple[tuple[int, ...], bool]
"""The ends of the words of a passage, and whether it matches whole words only."""


def form_of(salt: bytes, passage: Passage) -> dict[str, Any]:
    """Return the stored form of a passage: JSON without letters."""
    codes = _codes(passage.letters)
    total = int((codes * _powers(salt, len(codes))[0]).sum(dtype=np.uint64))
    return {
        "letters": len(codes), "sum": total,
        "breaks": list(passage.breaks), "whole": passage.is_whole,
    }  # fmt: skip


def passage_value(place: str, letters: str, form: Form) -> bytes:
    """Return the bytes of a passage at an address, whose keyed digest is stored."""
    breaks, is_whole = form
    parts = (place, letters, ",".join(map(str, breaks)), "whole" if is_whole else "")
    return "\0".join(parts).encode("utf-8", "surrogatepass")


def keyed(salt: bytes, kind: str, value: bytes) -> bytes:
    """Return the digest of a value, which cannot be computed without the salt.

    >>> keyed(b"salt", "raw", b"x") == keyed(b"other", "raw", b"x")
    False
    """
    return hmac.digest(salt, kind.encode() + b"\0" + value, "sha256")


@dataclass(slots=True)
class _PassagesOfOneLength:
    sums: set[int] = field(default_factory=set)
    forms: set[Form] = field(default_factory=set)


class SuppressedPassages:
    """The redacted passages of an archive; `kind` is the one of their rows."""

    def __init__(self, salt: bytes, kind: str) -> None:
        self._salt, self._kind = salt, kind
        self._lengths: dict[int, _PassagesOfOneLength] = defaultdict(_PassagesOfOneLength)
        self._acts: dict[bytes, int] = {}

    def __bool__(self) -> bool:
        return bool(self._acts)

    def add(self, digest: bytes, form: Mapping[str, Any], act: int) -> None:
        """Add a stored passage with the act that removed it."""
        group = self._lengths[form["letters"]]
        group.sums.add(form["sum"])
        group.forms.add((tuple(form["breaks"]), form["whole"]))
        self._acts[digest] = act

    def find(self, text: str, places: Iterable[str]) -> int | None:
        """Return the act that removed a passage of a text from one of these addresses."""
        return self.find_folded(fold(text), places)

    def find_folded(self, folded: str, places: Iterable[str]) -> int | None:
        """Return the act that removed a passage of a folded text from one of these addresses."""
        found = self._find_all(folded, tuple(places)) if self._acts else iter(())
        return next((act for act, _passage in found), None)

    def passages_in(self, text: str, places: Sequence[str]) -> Iterator[tuple[int, Passage]]:
        """Yield the redacted passages of a text from one of these addresses, with their acts."""
        return self._find_all(fold(text), places)

    def _find_all(self, folded: str, places: Sequence[str]) -> Iterator[tuple[int, Passage]]:
        letters = letters_of(folded)
        for substring, group in self._candidates(letters):
            for form in group.forms:
                if not all(0 < at < len(substring) for at in form[0]):
                    continue
                for place in places:
                    value = passage_value(place, substring, form)
                    act = self._acts.get(keyed(self._salt, self._kind, value))
                    if act is None:
                        continue
                    passage = Passage.from_breaks(substring, form[0], is_whole=form[1])
                    forms = [place, *address_forms(place)]
                    if passage.is_in_folded(without_addresses(folded, passage, forms)):
                        yield act, passage

    def _candidates(self, letters: str) -> Iterator[tuple[str, _PassagesOfOneLength]]:
        """Yield the substrings of a text whose sum is one of a stored passage of their length."""
        codes = _codes(letters)
        powers, inverses = _powers(self._salt, len(codes))
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(codes * powers, dtype=np.uint64)))
        for length, group in self._lengths.items():
            if length > len(codes):
                continue
            substrings = (sums[length:] - sums[:-length]) * inverses[: len(codes) - length + 1]
            stored = np.fromiter(group.sums, np.uint64, len(group.sums))
            starts = np.flatnonzero(np.isin(substrings, stored))
            for substring in {letters[start : start + length] for start in map(int, starts)}:
                yield substring, group


def address_forms(origin: str) -> list[str]:
    """Return the forms of an address in links: host and path, and the path alone.

    >>> address_forms("https://zeitung.example/damm?x=1"), address_forms("seed:presse/a.txt")
    (['zeitung.example/damm?x=1', '/damm?x=1'], [])
    """
    parts = urlsplit(origin)
    if not parts.scheme.startswith("http"):
        return []
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return [f"{parts.netloc}{path}", path]


def without_addresses(folded: str, passage: Passage, forms: Iterable[str]) -> str:
    """Return a folded text without the addresses that contain a passage, the longest ones first.

    An article keeps its own address when a passage is removed from it.
    """
    for form in sorted((each for each in forms if passage.is_in(each)), key=len, reverse=True):
        folded = folded.replace(fold(form), " ")
    return folded


def _codes(letters: str) -> "NDArray[np.uint64]":
    raw = letters.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(raw, np.uint32).astype(np.uint64)


def _powers(salt: bytes, number: int) -> tuple["NDArray[np.uint64]", "NDArray[np.uint64]"]:
    """Return the first powers of the secret factor and of its inverse, modulo 2^64."""
    factor = int.from_bytes(hmac.digest(salt, b"factor", "sha256")[:8], "big") | 1
    size = 1 << max(number - 1, 1).bit_length()
    powers, inverses = _all_powers(factor, size)
    return powers[:number], inverses[:number]


@cache
def _all_powers(factor: int, size: int) -> tuple["NDArray[np.uint64]", "NDArray[np.uint64]"]:
    def powers(base: int) -> "NDArray[np.uint64]":
        steps = np.full(size, base, np.uint64)
        steps[0] = 1
        return np.cumprod(steps, dtype=np.uint64)

    return powers(factor), powers(pow(factor, -1, _MODULUS))
