"""Check an unpacked bundle with nothing but Python: run `python3 -I verify.py` in its folder.

It ends with 0 where everything holds, with 1 where something does not, and says so in words.
`--key VKEY` takes the key that the archive published instead of the one in the bundle,
`--checkpoint FILE` a checkpoint of the same size that you had from somewhere else.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ENTRY = "lesart v1"
DOMAIN = b"lesart commitment v1\n"
DASH = "— "
FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")  # what they lay into a folder
ED25519, COSIGNATURE = 1, 4


class Wrong(Exception):  # noqa: N818  # it is no error of the program
    """Something in the bundle does not hold."""


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
        raise Wrong("a key or signature is no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Wrong("a key or signature is no point of the curve")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is by this key over this message."""
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
    """Return name, kind and bytes of a key as it is published."""
    name, _, rest = vkey.strip().partition("+")
    number, _, encoded = rest.partition("+")
    data = base64.b64decode(encoded, validate=True)
    if hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8] != number or len(data) != 33:
        raise Wrong(f"the key {vkey} is garbled")
    return name, data[0], data[1:]


def signature_of(note: str, vkey: str) -> tuple[str, bytes] | None:
    """Return the text of a note and the signature of this key, None where it did not sign."""
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
    """Return the root that an entry and its path lead to."""
    if not 0 <= index < size:
        raise Wrong("an entry lies beyond the end of the log")
    found = hashlib.sha256(b"\0" + entry).digest()
    for sibling, is_left in _climb(index, size - 1, path, "a path to the root"):
        found = _node(sibling, found) if is_left else _node(found, sibling)
    return found


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _climb(place: int, last: int, path: list[bytes], name: str) -> Iterator[tuple[bytes, bool]]:
    """Yield each sibling on the way to the root, and whether it stands on the left."""
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
    """Return the old and the new root that a consistency proof leads to."""
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


# ----------------------------------------------------------------------------- rows and claims


class BundleRow:
    """A row of the record, opened: what the log committed to."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.table, self.seq, self.name = given["table"], given["seq"], given["name"]
        self._plain = given["plain"].encode()
        self._blind = bytes.fromhex(given["blind"])
        self._contents = given["contents"]

    @property
    def entry(self) -> bytes:
        hidden = [self._hidden(self._contents[name]) for name in sorted(self._contents)]
        parts = [DOMAIN, self.table.encode(), b"\n", self._plain, b"\n", self._blind, *hidden]
        commitment = hashlib.sha256(b"".join(parts)).hexdigest()
        return f"{ENTRY} {self.table} {self.seq} {commitment}".encode()

    def __getitem__(self, name: str) -> Any:
        """Return the value of a plain column."""
        return json.loads(self._plain).get(name)

    def content(self, name: str) -> bytes | None:
        """Return the bytes of a content column, None where it is null or was taken away."""
        value = self._contents[name].get("value")
        return None if value is None else base64.b64decode(value)

    @staticmethod
    def _hidden(content: dict[str, Any]) -> bytes:
        if "hash" in content:
            return bytes.fromhex(content["hash"])
        value = content["value"]
        encoded = b"\0" if value is None else b"\1" + base64.b64decode(value)
        return hashlib.sha256(bytes.fromhex(content["salt"]) + encoded).digest()


def _is_of_a_file_manager(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last in FILE_MANAGERS or last.startswith("._")


class UnpackedBundle:
    """An unpacked bundle, and what was checked of it so far."""

    def __init__(self, folder: Path, key: str | None) -> None:
        self.folder = folder
        self.manifest = json.loads(self._read("manifest.json"))
        if self.manifest.get("format") != "lesart bundle v1":
            raise Wrong("this is no bundle that this program knows")
        self.key = key or self.manifest["key"]
        self.rows: dict[tuple[str, int], BundleRow] = {}
        self.size, self.root = 0, b""
        self.indexes: list[int] = []

    def check(self) -> list[str]:
        """Check everything and return what holds, in words.

        Raises: Wrong.
        """
        return [
            *self._files(), *self._checkpoint(), *self._rows(), *self._captures(),
            *self._versions(), *self._passage(), *self._relations(), *self._stamps(),
        ]  # fmt: skip

    def compare(self, other: str) -> str:
        """Compare the checkpoint with one that came from somewhere else.

        Raises: Wrong.
        """
        found = signature_of(other, self.key)
        if found is None:
            raise Wrong("the checkpoint from outside is not signed by this key")
        size, root = _head(found[0])
        if size != self.size:
            raise Wrong(f"the checkpoint from outside is of {size} entries, not of {self.size}")
        if root != self.root:
            raise Wrong("the checkpoint from outside has another root: there are two histories")
        return "The checkpoint from outside is the same."

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise Wrong(f"the file {name} is missing") from error

    def _files(self) -> list[str]:
        note = self._read("manifest.note").decode()
        found = signature_of(note, self.key)
        digest = hashlib.sha256(self._read("manifest.json")).hexdigest()
        if found is None:
            raise Wrong("the list of files is not signed by the key of the archive")
        if found[0] != f"lesart bundle v1\n{digest}\n":
            raise Wrong("the list of files is not the one that was signed")
        listed = self.manifest["files"]
        there = {str(path.relative_to(self.folder).as_posix()) for path in
                 self.folder.rglob("*") if path.is_file()}  # fmt: skip
        more = there - {*listed, "manifest.json", "manifest.note", "verify.py"}
        strange = {name for name in more if not _is_of_a_file_manager(name)}
        if strange:
            raise Wrong(f"the file {min(strange)} does not belong to the bundle")
        for name, wanted in listed.items():
            if hashlib.sha256(self._read(name)).hexdigest() != wanted:
                raise Wrong(f"the file {name} was changed")
        beside = f" Beside them, left by a file manager: {', '.join(sorted(more))}." if more else ""
        return [f"{len(listed)} files are those that the archive signed.{beside}"]

    def _checkpoint(self) -> list[str]:
        note = self._read("log/checkpoint").decode()
        found = signature_of(note, self.key)
        if found is None:
            raise Wrong("the checkpoint is not signed by the key of the archive")
        self.size, self.root = _head(found[0])
        proven = [f"The checkpoint of {self.size} entries is signed by {key_of(self.key)[0]}."]
        for vkey in self.manifest["witnesses"]:
            cosigned = signature_of(note, vkey)
            if cosigned is None:
                raise Wrong(f"the witness {key_of(vkey)[0]} did not sign the checkpoint")
            at = datetime.fromtimestamp(int.from_bytes(cosigned[1], "big"), timezone.utc)  # noqa: UP017  # older Pythons, too
            proven.append(f"{key_of(vkey)[0]} signed that it saw it at {at.isoformat()}.")
        return proven

    def _rows(self) -> list[str]:
        for name in sorted(self.manifest["files"]):
            if name.startswith("rows/"):
                row = BundleRow({**json.loads(self._read(name)), "name": name})
                self._row(row)
                self.rows[row.table, row["id"]] = row
        if not self.rows:
            raise Wrong("there are no rows of the record in it")
        return [f"{len(self.rows)} rows of the record are in the log below that checkpoint."]

    def _row(self, row: BundleRow) -> None:
        stem = row.name.removeprefix("rows/").removesuffix(".json")
        if self._read(f"proofs/{stem}") != row.entry:
            raise Wrong(f"{row.table} {row.seq} is not the row that was logged")
        index, path = _proof(self._read(f"proofs/{stem}.tlog-proof").decode())
        if root_of(row.entry, index, self.size, path) != self.root:
            raise Wrong(f"{row.table} {row.seq} is not in the log")
        self.indexes.append(index)

    def _stamps(self) -> list[str]:
        """Check what each stamp is on; its signature is for a program that knows certificates."""
        lines = []
        for claim in self.manifest.get("stamps", ()):
            who, name = claim["authority"], claim["name"]
            note, stamp = self._read(f"{name}.note"), self._read(f"{name}.tsr")
            size, root = _head(note.decode())
            if size == self.size:
                roots = (root, root)
            else:
                path = [bytes.fromhex(each) for each in claim["path"]]
                roots = roots_of(size, self.size, root, path)
            if not 0 < size <= self.size or roots != (root, self.root):
                raise Wrong(f"the checkpoint that {who} stamped is of another history")
            at = datetime.fromisoformat(claim["stamped_at"]).strftime("%Y%m%d%H%M%S").encode()
            if hashlib.sha256(note).digest() not in stamp or at not in stamp:
                raise Wrong(f"the stamp of {who} is on something else, or says another time")
            number = sum(index < size for index in self.indexes)
            lines.append(
                f"A stamp by {who}, {claim['stamped_at']}, is on a checkpoint that covers "
                f"{number} of the {len(self.indexes)} rows. Whether it is genuine: openssl ts "
                f"-verify -in {name}.tsr -data {name}.note -CAfile CERTIFICATE-OF-{who}.pem"
            )
        return lines

    def _captures(self) -> list[str]:
        number = 0
        for (table, _id), row in self.rows.items():
            if table != "capture" or row.content("digest") is None:
                continue
            digest = (row.content("digest") or b"").hex()
            if f"captures/{digest}" not in self.manifest["files"]:
                continue
            raw = self._read(f"captures/{digest}")
            if hashlib.sha256(raw).hexdigest() != digest or len(raw) != row["size"]:
                raise Wrong(f"the bytes of capture {digest} are not those that were kept")
            number += 1
        return [f"{number} captures have the digests that are in the log."]

    def _one(self, table: str, number: int) -> BundleRow:
        row = self.rows.get((table, number))
        if row is None:
            raise Wrong(f"{table} {number} is spoken of and not there")
        return row

    def _place(self, number: int) -> str:
        """Return an origin, or what stands there where its address was taken away."""
        held = self._one("origin", number).content("origin")
        return f"redacted:{number}" if held is None else held.decode()

    def _versions(self) -> list[str]:
        proven = []
        for claim in self.manifest["versions"]:
            seen = self._one("observation", claim["observation"])
            derivation = self._one("derivation", claim["derivation"])
            capture = self._one("capture", derivation["capture_id"])
            wording = self._one("wording", derivation["wording_id"])
            verdict = self._one("verdict", claim["verdict"])
            is_import = claim["changed_by"] == _said_time(derivation)
            is_seen_then = seen["observed_at"] == claim["changed_by"] or is_import
            if verdict["observation_id"] != seen["id"] or not is_seen_then:
                raise Wrong(f"version {claim['version']} was not seen when it is said to be")
            if (capture.content("digest") or b"").hex() != claim["raw"]:
                raise Wrong(f"version {claim['version']} is said to come from other bytes")
            if self._read(f"texts/{claim['version']}.txt") != _text(wording):
                raise Wrong(f"the text of version {claim['version']} is not the one in the log")
            proven.append(f"Version {claim['version']} was seen at {claim['changed_by']}.")
            if is_import:
                proven[-1] = (
                    f"Version {claim['version']} was captured at {claim['changed_by']}, as its own "
                    f"file says; this archive had that file at {seen['observed_at']}."
                )
        for claim in self.manifest["observations"]:
            row = self._one("observation", claim["observation"])
            told = [claim[name] for name in ("observed_at", "outcome", "http_status", "place")]
            logged = [row[name] for name in ("observed_at", "outcome", "http_status")]
            if told != [*logged, self._place(row["locator_id"])]:
                raise Wrong(f"observation {row.seq} is told otherwise than it was logged")
        return [*proven, f"{len(self.manifest['observations'])} checks stand as they were logged."]

    def _relations(self) -> list[str]:
        proven = []
        for claim in self.manifest.get("relations", ()):
            row = self._one("relation", claim["relation"])
            places = [self._place(row[f"{side}_origin_id"]) for side in "ab"]
            told = [claim[name] for name in ("kind", "score", "decided_at", "a", "b")]
            if told != [row["kind"], row["score"], row["decided_at"], *places]:
                raise Wrong(f"relation {row.seq} is told otherwise than it was logged")
            undone = claim["undone"]
            is_undone = undone is not None
            if is_undone and self._one("relation_undone", undone)["relation_id"] != row["id"]:
                raise Wrong(f"relation {row.seq} is said to be undone and was not")
            ending = ", and was undone later" if is_undone else ""
            between = f"{claim['kind']} between {places[0]} and {places[1]}"
            proven.append(f"{between} was decided at {claim['decided_at']}{ending}.")
        return proven

    def _passage(self) -> list[str]:
        passage = self.manifest.get("passage")
        proven = []
        for claim in self.manifest["versions"] if passage else ():
            text = self._read(f"texts/{claim['version']}.txt").decode()
            has_it = " ".join(passage.split()) in " ".join(text.split())
            if has_it != claim["has_passage"]:
                raise Wrong(f"the passage is not in version {claim['version']} as it is told")
            proven.append(f"Version {claim['version']} {'has' if has_it else 'lacks'} the passage.")
        return proven


def _said_time(derivation: BundleRow) -> str | None:
    """Return when a file says itself that it was captured, None where it says nothing."""
    detail = json.loads(derivation.content("detail") or b"null") or {}
    said = (detail.get("fields") or {}).get("observed_at")
    if said is None:
        return None
    moment = datetime.fromisoformat(said["value"]).astimezone(timezone.utc)  # noqa: UP017  # older Pythons, too
    return moment.isoformat(timespec="microseconds")


def _head(text: str) -> tuple[int, bytes]:
    lines = text.split("\n")
    return int(lines[1]), base64.b64decode(lines[2], validate=True)


def _proof(text: str) -> tuple[int, list[bytes]]:
    above = text.partition("\n\n")[0].split("\n")
    if above[0] != "c2sp.org/tlog-proof@v1" or not above[1].startswith("index "):
        raise Wrong("a proof is garbled")
    return int(above[1][6:]), [base64.b64decode(line, validate=True) for line in above[2:]]


def _text(wording: BundleRow) -> bytes:
    title, text = wording.content("title"), wording.content("text")
    if text is None:
        return b"[redacted]\n"
    return (title or b"") + b"\n\n" + text + b"\n"


def main(arguments: list[str] | None = None) -> int:
    """Check the bundle in the folder of this file and say what holds."""
    parser = argparse.ArgumentParser(description="Check an unpacked bundle of Lesart.")
    parser.add_argument("--key", metavar="VKEY", help="the key that the archive published")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint from somewhere else")
    asked = parser.parse_args(arguments)
    try:
        bundle = UnpackedBundle(Path(__file__).resolve().parent, asked.key)
        proven = bundle.check()
        if asked.checkpoint:
            proven.append(bundle.compare(Path(asked.checkpoint).read_text("utf-8")))
    except Wrong as wrong:
        print(f"DOES NOT HOLD: {wrong}.")
        return 1
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        OSError,
        OverflowError,
    ) as error:
        print(f"DOES NOT HOLD: the bundle is garbled ({type(error).__name__}: {error}).")
        return 1
    for line in proven:
        print(line)
    print(f"HOLDS, if the key is that of the archive: {bundle.key}")
    print("It proves that this archive held these bytes when the checkpoint was signed.")
    print("It does not prove who published them, nor that no check is left out of the bundle.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
