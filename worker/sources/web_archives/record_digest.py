"""PURE: the digests in records of web archives: parsed in any notation, and compared."""

import base64
import binascii
import hashlib

ALGORITHMS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b"})


def parse_digest(text: str | None) -> str | None:
    """Return a digest in the form `ALGORITHM:HEX`; None if its form is unknown.

    >>> parse_digest("SHA-1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ")
    'sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709'
    """
    algorithm, _, value = (text or "").strip().partition(":")
    algorithm = algorithm.lower().replace("-", "")
    if algorithm not in ALGORITHMS:
        return None
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    digest = _read(value.strip(), size)
    return f"{algorithm}:{digest.hex()}" if digest is not None else None


def matches_digest(named: str | None, *candidates: bytes) -> bool:
    """Check whether one of `candidates` has the digest `named`; an unknown digest always matches.

    >>> matches_digest("sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", b"")
    True
    >>> matches_digest("sha1:3I42H3S6", b""), matches_digest(None)
    (True, True)
    """
    known = parse_digest(named)
    if known is None:
        return True
    algorithm, _, value = known.partition(":")
    return any(
        hashlib.new(algorithm, each, usedforsecurity=False).hexdigest() == value
        for each in candidates
    )


def sha1_name(payload: bytes) -> str:
    """Return the SHA-1 digest of a payload as most web archives write it."""
    return "sha1:" + hashlib.sha1(payload, usedforsecurity=False).hexdigest()


def _read(value: str, size: int) -> bytes | None:
    """Parse a digest of `size` bytes in base 32, 16 or 64: the WARC standard allows each."""
    for read in (_base_32, _base_16, _base_64):
        try:
            digest = read(value)
        except (binascii.Error, ValueError):
            continue
        if len(digest) == size:
            return digest
    return None


def _base_32(value: str) -> bytes:
    return base64.b32decode(value + "=" * (-len(value) % 8), casefold=True)


def _base_16(value: str) -> bytes:
    return base64.b16decode(value, casefold=True)


def _base_64(value: str) -> bytes:
    plain = value.replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
