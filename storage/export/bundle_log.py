"""Signed checkpoints and their proof paths, with the Python standard library alone.

This file is part of the program that verifies a bundle.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

DASH = "— "
ED25519, COSIGNATURE = 1, 4
ENTRY = "lesart v1"
DOMAIN = b"lesart commitment v1\n"
SALT, HASH = 16, 32
CONTENTS: Mapping[str, tuple[str, ...]] = {
    "origin": ("origin", "public_id"), "capture": ("digest",), "scan": ("listing_digest",),
    "observation": ("hints", "note"), "certificate": ("chain", "digest"),
    "transfer": ("address", "hops", "peer", "request", "response_headers", "rights"),
    "wording": ("digest", "text", "title"), "verdict": (),
    "derivation": ("context", "detail", "publisher", "raw_output"),
    "relation": ("agency", "evidence"), "relation_undone": ("reason",),
    "refusal": ("hint", "locator", "message"), "redaction": ("reason",),
    "clock_correction": (), "outside_copy": ("address",),
}  # fmt: skip
"""The salted columns of each table: the log commits to their order, not to their names."""
Facts = dict[str, Any]


class Wrong(Exception):  # noqa: N818  # it is no error of the program
    """A part of the bundle is invalid."""


# ----------------------------------------------------------------------- Ed25519 (RFC 8032)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)


def _times(number: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _add(found, point)
        point = _add(point, point)
        number >>= 1
    return found


def _is_same(a: Point, b: Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def _point(data: bytes) -> Point:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        raise Wrong("a key or signature is not a point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Wrong("a key or signature is not a point of the curve")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Check whether a signature over this message is by this key."""
    number = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or number >= L:
        return False
    try:
        a, r = _point(key), _point(signature[:32])
    except Wrong:
        return False
    hashed = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(hashed, "little") % L
    return _is_same(_times(number, BASE), _add(r, _times(challenge, a)))


# -------------------------------------------------------------- notes and trees (C2SP, RFC 6962)


def key_of(vkey: str) -> tuple[str, int, bytes]:
    """Return name, type and bytes of a published key."""
    name, _, rest = vkey.strip().partition("+")
    number, _, encoded = rest.partition("+")
    data = base64.b64decode(encoded, validate=True)
    if hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8] != number or len(data) != 33:
        raise Wrong(f"the key {vkey} is malformed")
    return name, data[0], data[1:]


def signature_of(note: str, vkey: str) -> tuple[str, bytes] | None:
    """Return the text of a note and the signature of this key, None if it did not sign."""
    name, kind, key = key_of(vkey)
    text, separator, below = note.rpartition("\n\n")
    text += "\n"
    number = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]
    for line in below.split("\n") if separator else ():
        signer, _, encoded = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH) or signer != name:
            continue
        data = base64.b64decode(encoded, validate=True)
        if data[:4] != number:
            continue
        message, signature = text.encode(), data[4:]
        if kind == COSIGNATURE:
            at = int.from_bytes(data[4:12], "big")
            message, signature = f"cosignature/v1\ntime {at}\n{text}".encode(), data[12:]
        if not is_signed(key, message, signature):
            raise Wrong(f"the signature of {name} is wrong")
        return text, data[4:12]
    return None


def root_of(entry: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root that follows from an entry and its path."""
    if not 0 <= index < size:
        raise Wrong("an entry lies beyond the end of the log")
    found = hashlib.sha256(b"\0" + entry).digest()
    for sibling, is_left in _climb(index, size - 1, path, "a path to the root"):
        found = _node(sibling, found) if is_left else _node(found, sibling)
    return found


def _node(first: bytes, second: bytes) -> bytes:
    return hashlib.sha256(b"\1" + first + second).digest()


def _climb(place: int, last: int, path: list[bytes], name: str) -> Iterator[tuple[bytes, bool]]:
    """Yield each sibling on the way to the root, and whether it is the left one."""
    for sibling in path:
        if last == 0:
            raise Wrong(f"{name} is too long")
        is_left = bool(place & 1) or place == last
        yield sibling, is_left
        while is_left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise Wrong(f"{name} is too short")


def roots_of(old: int, new: int, old_root: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Return the old and the new root that follow from a consistency proof."""
    name = "a path from one checkpoint to the next"
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        raise Wrong(f"{name} is too short")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for each, is_left in _climb(place, last, steps[1:], name):
        first = _node(each, first) if is_left else first
        second = _node(each, second) if is_left else _node(second, each)
    return first, second


def head_of(text: str) -> tuple[str, int, bytes]:
    """Return the origin, the size and the root of a checkpoint."""
    origin, size, root = text.split("\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


def path_of(text: str) -> tuple[int, list[bytes]]:
    """Return the index of an entry and its path to the root (C2SP tlog-proof)."""
    above = text.partition("\n\n")[0].split("\n")
    if above[0] != "c2sp.org/tlog-proof@v1" or not above[1].startswith("index "):
        raise Wrong("a proof is malformed")
    return int(above[1][6:]), [base64.b64decode(line, validate=True) for line in above[2:]]


# --------------------------------------------------------------------- logged rows


class LoggedRow:
    """A row of the record with the values that the log committed to."""

    def __init__(self, content: Facts) -> None:
        self.table, self.seq, self.index = content["table"], content["seq"], -1
        self._plain, blind = content["plain"].encode(), bytes.fromhex(content["blind"])
        self._contents = content["contents"]
        if tuple(sorted(self._contents)) != CONTENTS.get(self.table) or len(blind) != SALT:
            raise Wrong(f"a row of {self.table} has unexpected columns")
        hidden = [self._hash(self._contents[name]) for name in CONTENTS[self.table]]
        parts = [DOMAIN, self.table.encode(), b"\n", self._plain, b"\n", blind, *hidden]
        commitment = hashlib.sha256(b"".join(parts)).hexdigest()
        self.entry = f"{ENTRY} {self.table} {self.seq} {commitment}".encode()
        self._values = json.loads(self._plain)

    def __getitem__(self, name: str) -> Any:
        """Return the value of a plain column, None if it is null."""
        return self._values.get(name)

    @property
    def hidden_columns(self) -> list[str]:
        return [name for name, each in self._contents.items() if "hash" in each]

    def content(self, name: str) -> bytes | None:
        """Return the bytes of a salted column, None if it is null or was redacted."""
        value = self._contents[name].get("value")
        return None if value is None else base64.b64decode(value)

    def words(self, name: str) -> str | None:
        content = self.content(name)
        return None if content is None else content.decode("utf-8", "replace")

    def json(self, name: str) -> Facts:
        return json.loads(self.content(name) or b"null") or {}

    @staticmethod
    def _hash(content: Facts) -> bytes:
        if "hash" in content:
            found = bytes.fromhex(content["hash"])
        else:
            salt, value = bytes.fromhex(content["salt"]), content["value"]
            found = b"\0" if value is None else b"\1" + base64.b64decode(value)
            found = hashlib.sha256(salt + found).digest() if len(salt) == SALT else b""
        if len(found) != HASH:
            raise Wrong("a salt or a hash of a row has an invalid length")
        return found


def declarations(rights: Facts) -> Iterator[str]:
    """Yield what a site declared about the use of a text, each with its place."""
    for place, found in rights.get("declared", {}).items():
        for each in found:
            yield f"{each['name']}: {each['value']} ({place})"
