"""Files, signed checkpoints, proof paths and logged rows, with the Python standard library alone.

This file is part of the program that verifies a bundle. Each file of a bundle has exactly one form:
what it contains is read strictly, written again, and must be the same bytes.
"""

import base64
import hashlib
import io
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

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
    "article_picture": ("address", "caption", "credit", "pdq"),
    "page_resource": ("address", "location", "media_type"),
}  # fmt: skip
"""The salted columns of each table: the log commits to their order, not to their names."""
_COLUMNS: Mapping[str, str] = {
    "origin": "",
    "capture": "size:int encoding:text",
    "scan": "seq:int source_id:int job_id:int? started_at:time complete:bool files:int changed:int "
    "gone:int clock_at:time?",
    "observation": "source_id:int scan_id:int? job_id:int? locator_id:int observed_at:time "
    "outcome:text capture_id:int? http_status:int? clock_at:time?",
    "certificate": "",
    "transfer": "observation_id:int tls_version:text? certificate_id:int? started_at:time "
    "duration_ms:int? wire_bytes:int? body_encoding:text? body_capture_id:int? is_foreign:bool",
    "wording": "",
    "verdict": "observation_id:int job_id:int? kind:text derivation_id:int?",
    "derivation": "capture_id:int extractor:text extractor_version:text config:text "
    "wording_id:int? language:text? published:text? published_precision:text? "
    "published_from:time? published_to:time? word_count:int?",
    "relation": "kind:text a_origin_id:int b_origin_id:int score:float method:text "
    "threshold:float earlier:text decided_at:time",
    "relation_undone": "relation_id:int undone_at:time",
    "refusal": "job_id:int? source_id:int? observation_id:int? code:text kept:bool "
    "capture_id:int? at:time",
    "redaction": "table_name:text row_id:int at:time actor:text? act_id:int?",
    "clock_correction": "at:time since:time was:time",
    "outside_copy": "observation_id:int archive:text captured_at:time",
    "article_picture": "observation_id:int position:int capture_id:int? media_type:text? "
    "width:int? height:int? event:text before_id:int? refused:text?",
    "page_resource": "observation_id:int status:int size:int capture_id:int?",
}
WRITTEN = {"relation": "decided_at", "relation_undone": "undone_at", "refusal": "at",
           "redaction": "at"}  # fmt: skip
"""The column with the time of writing, where it is not `recorded_at`."""
PLAIN: Mapping[str, Mapping[str, str]] = {
    table: dict(each.split(":") for each in f"id:int {columns}".split())
    | ({} if table in WRITTEN else {"recorded_at": "time"})
    for table, columns in _COLUMNS.items()
}
"""The other columns of each table with their types; those with `?` are missing if null."""
REDACTABLE: Mapping[str, tuple[str, ...]] = {
    "capture": ("digest",), "observation": ("hints", "note"),
    "transfer": ("request", "response_headers", "rights"), "wording": ("title", "text", "digest"),
    "derivation": ("detail", "raw_output", "publisher", "context"), "refusal": ("message",),
    "outside_copy": ("address",), "article_picture": ("address", "caption", "credit", "pdq"),
    "page_resource": ("address", "location", "media_type"),
    "origin_address": ("origin", "public_id"),
    "transfer_address": ("address", "hops"), "refusal_address": ("locator",),
}  # fmt: skip
"""The columns that a redaction may hide, by its `table_name`; none after a retention period."""
KINDS: Mapping[str, type] = {"int": int, "text": str, "bool": bool, "float": float, "time": str}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
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


def bytes_of(encoded: str) -> bytes:
    """Return the bytes of a text in base64 in its only form. Raises: Wrong."""
    data = base64.b64decode(encoded, validate=True)
    if base64.b64encode(data).decode() != encoded:
        raise Wrong("a text in base64 is not in its only form")
    return data


def number_of(written: str) -> int:
    """Return a number in its only form. Raises: Wrong."""
    if not _NUMBER.fullmatch(written):
        raise Wrong(f"the number {written} is malformed")
    return int(written)


def key_of(vkey: str) -> tuple[str, int, bytes]:
    """Return name, type and bytes of a published key. Raises: Wrong."""
    name, _, rest = vkey.partition("+")
    number, _, encoded = rest.partition("+")
    data = bytes_of(encoded)
    own = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    if own != number or len(data) != 33 or not _NAME.fullmatch(name):
        raise Wrong(f"the key {vkey} is malformed")
    return name, data[0], data[1:]


def signature_of(note: str, vkey: str) -> tuple[str, bytes] | None:
    """Return the text of a note and the signature of this key, None if it did not sign."""
    name, kind, key = key_of(vkey)
    text, separator, below = note.rpartition("\n\n")
    text += "\n"
    number = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]
    lines = below.split("\n")
    if not separator or lines.pop() or not all(line.startswith(DASH) for line in lines):
        raise Wrong("a signed note is malformed")
    for line in lines:
        signer, _, encoded = line.removeprefix(DASH).partition(" ")
        data = bytes_of(encoded)
        if (signer, data[:4]) != (name, number):
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
    return origin, number_of(size), bytes_of(root)


def path_of(proof: str, checkpoint: str) -> tuple[int, list[bytes]]:
    """Return the index of an entry and its path to the root of this checkpoint (C2SP tlog-proof).

    Raises: Wrong.
    """
    above, _, below = proof.partition("\n\n")
    heading, index, *path = above.split("\n")
    if heading != "c2sp.org/tlog-proof@v1" or not index.startswith("index "):
        raise Wrong("a proof is malformed")
    if below != checkpoint:
        raise Wrong("a proof is of another checkpoint")
    return number_of(index[6:]), [bytes_of(line) for line in path]


# --------------------------------------------------------------------------- JSON and logged rows


def read_json(written: bytes) -> Any:
    """Return JSON in UTF-8 in which every name occurs once and every number is finite.

    Raises: Wrong.
    """
    return json.loads(
        written.decode("utf-8", "surrogatepass"),
        object_pairs_hook=_unique_object,
        parse_constant=_refuse,
    )


def _unique_object(pairs: list[tuple[str, Any]]) -> Facts:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Wrong("a name occurs twice in one object")
    return found


def _refuse(name: str) -> float:
    raise Wrong(f"{name} is no number")


def write_json(content: Facts) -> bytes:
    """Return the only form of a JSON file in a bundle."""
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def value_in(facts: Facts, name: str, kind: type) -> Any:
    """Return a value of this type, None if there is none. Raises: Wrong."""
    value = facts.get(name)
    if value is not None and type(value) is not kind:
        raise Wrong(f"{name} has another type than it is defined with")
    return value


class LoggedRow:
    """A row of the record with the values that the log committed to."""

    def __init__(self, written: bytes) -> None:
        content = read_json(written)
        self.table, self.seq = str(content["table"]), content["seq"]
        self.index, self._contents = -1, content["contents"]
        self._plain, blind = content["plain"].encode(), bytes.fromhex(content["blind"])
        if tuple(sorted(self._contents)) != CONTENTS.get(self.table) or len(blind) != SALT:
            raise Wrong(f"a row of {self.table} has unexpected columns")
        opened = {name: self._open(self._contents[name]) for name in CONTENTS[self.table]}
        forms = {name: form for name, (form, _hash) in opened.items()}
        form = {"table": self.table, "seq": self.seq, "plain": content["plain"],
                "blind": blind.hex(), "contents": forms}  # fmt: skip
        if type(self.seq) is not int or write_json(form) != written:
            raise Wrong(f"a file with a row of {self.table} is not in its only form")
        parts = [DOMAIN, self.table.encode(), b"\n", self._plain, b"\n", blind]
        commitment = hashlib.sha256(b"".join([*parts, *(each for _, each in opened.values())]))
        self.entry = f"{ENTRY} {self.table} {self.seq} {commitment.hexdigest()}".encode()
        self._values = self._check_types(read_json(self._plain))
        if self._values["seq" if self.table == "scan" else "id"] != self.seq:
            raise Wrong(f"{self.table} {self.seq} has another number")

    def _check_types(self, values: Facts) -> Facts:
        """Refuse columns that are not defined, missing, or of another type."""
        kinds = PLAIN[self.table]
        required = {name for name, kind in kinds.items() if not kind.endswith("?")}
        if not required <= set(values) <= set(kinds):
            raise Wrong(f"a row of {self.table} has unexpected columns")
        for name, value in values.items():
            kind = kinds[name].rstrip("?")
            is_typed = type(value) is KINDS[kind]
            if kind == "time":
                is_typed = is_typed and bool(TIME.fullmatch(value))
                is_typed = is_typed and datetime.fromisoformat(value) is not None
            if not is_typed or (kind == "int" and abs(value) >= 1 << 63):
                raise Wrong(f"{name} of a row of {self.table} is no {kind}")
        return values

    @staticmethod
    def _open(content: Facts) -> tuple[Facts, bytes]:
        """Return a content in its only form, and its hash; it is hidden, or has salt and value."""
        if set(content) == {"hash"}:
            found = bytes.fromhex(content["hash"])
            form: Facts = {"hash": found.hex()}
        elif set(content) == {"salt", "value"}:
            salt, value = bytes.fromhex(content["salt"]), content["value"]
            found = b"\0" if value is None else b"\1" + bytes_of(value)
            found = hashlib.sha256(salt + found).digest() if len(salt) == SALT else b""
            form = {"salt": salt.hex(), "value": value}
        else:
            raise Wrong("a column has something else than a hash, or a salt and a value")
        if len(found) != HASH:
            raise Wrong("a salt or a hash of a row has an invalid length")
        return form, found

    def __getitem__(self, name: str) -> Any:
        """Return the value of a plain column, None if it is null."""
        return self._values.get(name)

    @property
    def written_at(self) -> str:
        """Return when the row was written."""
        return str(self._values[WRITTEN.get(self.table, "recorded_at")])

    @property
    def hidden_columns(self) -> list[str]:
        return [name for name, each in self._contents.items() if "hash" in each]

    def content(self, name: str) -> bytes | None:
        """Return the bytes of a salted column, None if it is null or was redacted."""
        value = self._contents[name].get("value")
        return None if value is None else base64.b64decode(value)

    def words(self, name: str) -> str | None:
        content = self.content(name)
        return None if content is None else content.decode()

    def json(self, name: str) -> Facts:
        """Return a salted column with an object, an empty one if it is null. Raises: Wrong."""
        found = read_json(self.content(name) or b"{}")
        if found is not None and not isinstance(found, dict):
            raise Wrong(f"{name} of a row of {self.table} is no object")
        return found or {}


def declarations(rights: Facts) -> Iterator[str]:
    """Yield what a site declared about the use of a text, each with its place."""
    for place, found in (value_in(rights, "declared", dict) or {}).items():
        for each in found:
            name, value = (value_in(each, part, str) for part in ("name", "value"))
            yield f"{name}: {value} ({place})"


# ---------------------------------------------------------------------------------------- files

FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")
MANIFEST, PACKAGE, WACZ_BUNDLE = "manifest.json", "datapackage.json", "lesart/bundle.zip"
MOST_FILES, MOST_FILE_BYTES, MOST_BYTES = 100_000, 1 << 28, 1 << 30
MOST_LIST_BYTES = 1 << 24
"""The most bytes of a list of files: that of a zip, the manifest, and that of a WACZ."""
Reader = Callable[[], bytes]
_NEVER = re.compile(r"[\\:\x00-\x1f\x7f]")
_IN_WACZ = re.compile(
    r"archive/[^/]+\.warc(?:\.gz)?|indexes/[^/]+\.(?:cdxj?|idx)(?:\.gz)?|pages/[^/]+\.jsonl|"
    r"datapackage(?:-digest)?\.json|lesart/(?:bundle\.zip|wacz-key\.note)"
)
_WITH_DESCRIPTOR, _UTF8 = 0x8, 0x800
_FLAGS = _WITH_DESCRIPTOR | _UTF8 | 0x6
"""What a member of a zip may state: also how thoroughly it was compressed. No encryption."""
_TIMES_AND_OWNERS = {0x000A, 0x5455, 0x5855, 0x7855, 0x7875}
"""Additional fields of a member that no program reads as another name, size or content."""
_LEFT_OVER = "the zip contains bytes that belong to no file in its list"


def is_of_file_manager(name: str) -> bool:
    """Return whether file managers write such a file into folders that they show."""
    last = name.rpartition("/")[2]
    return last in FILE_MANAGERS or last.startswith("._")


def files_of_bundle(place: Path) -> tuple[dict[str, Reader], list[str]]:
    """Return how to read each file of a bundle, and the names of the files around it in a WACZ.

    The bundle is a folder or zip, or in a WACZ, whose `datapackage.json` lists exactly its files,
    and which has no files but those that belong to this format. Names of files never decide.

    Raises: Wrong.
    """
    files = _files_in(_in_folder(place) if place.is_dir() else _in_zip(lambda: place.open("rb")))
    if PACKAGE not in files or MANIFEST in files:
        return files, []
    package = read_json(files[PACKAGE]())
    for name in files:
        if not _IN_WACZ.fullmatch(name) and not is_of_file_manager(name):
            raise Wrong(f"the file {name} does not belong to a WACZ")
    listed = {PACKAGE, "datapackage-digest.json", *(each["path"] for each in package["resources"])}
    own = {name for name in files if not is_of_file_manager(name)}
    if type(package["wacz_version"]) is not str or own != listed or WACZ_BUNDLE not in own:
        raise Wrong("this is neither a bundle nor a WACZ with a bundle and a list of its files")
    bundle = partial(io.BytesIO, files[WACZ_BUNDLE]())
    return _files_in(_in_zip(bundle)), sorted(set(files) - {WACZ_BUNDLE})


def _files_in(found: Iterable[tuple[str, int, bool, Reader]]) -> dict[str, Reader]:
    """Return how to read each file; refuses links, duplicates, huge files and names outside."""
    files: dict[str, Reader] = {}
    sizes: dict[str, int] = {}
    for name, size, is_regular, read in found:
        if name.startswith("/") or {"..", ""} & set(name.split("/")) or _NEVER.search(name):
            raise Wrong(f"the name {name} points outside the bundle")
        if not is_regular:
            raise Wrong(f"{name} is a link or not a regular file")
        if name in files:
            raise Wrong(f"the file {name} is there twice")
        if len(files) == MOST_FILES:
            raise Wrong("there are more files than this program reads")
        files[name], sizes[name] = read, size
    is_wacz = PACKAGE in files and MANIFEST not in files
    for name, size in sizes.items():
        most = MOST_BYTES if is_wacz else MOST_FILE_BYTES
        if size > (MOST_LIST_BYTES if name in {PACKAGE, MANIFEST} else most):
            raise Wrong(f"the file {name} is larger than this program reads")
    if sum(sizes.values()) > MOST_BYTES * (1 + is_wacz):
        raise Wrong("all files together are larger than this program reads")
    return files


def _in_folder(place: Path) -> Iterator[tuple[str, int, bool, Reader]]:
    for folder, below, names in os.walk(place):
        links = [each for each in below if (Path(folder) / each).is_symlink()]
        for path in (Path(folder) / each for each in (*links, *names)):
            state = path.lstat()
            name = path.relative_to(place).as_posix()
            yield name, state.st_size, stat.S_ISREG(state.st_mode), path.read_bytes


def _in_zip(opened: Callable[[], IO[bytes]]) -> Iterator[tuple[str, int, bool, Reader]]:
    """Yield the members of a zip that any program unpacks in the same way. Raises: Wrong."""
    with opened() as stream:
        number, size, begin = _end_of(stream)
        if size > MOST_LIST_BYTES:
            raise Wrong("the list of the zip is larger than this program reads")
        packed = zipfile.ZipFile(stream)  # only its list is used; `_unpack` reads the members
        at = 0
        for each in sorted(packed.infolist(), key=lambda each: each.header_offset):
            if each.header_offset != at:
                raise Wrong(_LEFT_OVER)
            content, at = _places_of(stream, each)
            name, is_folder = each.orig_filename, each.is_dir() and not each.file_size
            kind = stat.S_IFMT(each.external_attr >> 16)
            if not is_folder or name.startswith("/") or {"..", ""} & set(name.split("/")[:-1]):
                read = partial(_unpack, opened, each, content)
                yield name, max(each.file_size, each.compress_size), kind in {0, stat.S_IFREG}, read
        if (len(packed.infolist()), packed.start_dir, at) != (number, begin, begin):
            raise Wrong(_LEFT_OVER)


def _end_of(stream: IO[bytes]) -> tuple[int, int, int]:
    """Return the number of members of a zip, and the size and place of its list. Raises: Wrong.

    A zip with many members states them twice. Nothing may follow, not even a comment.
    """
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - 98))
    tail = stream.read().rjust(98, b"\0")
    head, *disks, number, size, begin, comment = struct.unpack("<4s4H2LH", tail[76:])
    if head != b"PK\5\6" or disks != [0, 0, number] or comment:
        raise Wrong(_LEFT_OVER)
    end -= 22
    if tail[56:60] == b"PK\6\7":
        stated, end = (number, size, begin), end - 76
        mark, *more, here, number, size, begin = struct.unpack("<4sQ2H2L4Q", tail[:56])
        shown = (min(number, 0xFFFF), min(size, 0xFFFFFFFF), min(begin, 0xFFFFFFFF))
        fields = (more[0], *more[3:], here, *struct.unpack("<LQL", tail[60:76]))
        if mark != b"PK\6\6" or stated != shown or fields != (44, 0, 0, number, 0, end, 1):
            raise Wrong(_LEFT_OVER)
    if begin + size != end:
        raise Wrong(_LEFT_OVER)
    return number, size, begin


def _places_of(stream: IO[bytes], member: zipfile.ZipInfo) -> tuple[int, int]:
    """Return where the content of a member of a zip begins, and where its bytes end.

    What its header states is the same as in the list, which other programs do not read.

    Raises: Wrong.
    """
    stream.seek(member.header_offset)
    head, _version, flags, method, _written, *sizes, long, more = struct.unpack(
        "<4s3HL3L2H", stream.read(30)
    )
    name, additional = stream.read(long), stream.read(more)
    stated = (member.CRC, member.compress_size, member.file_size)
    begin = member.header_offset + 30 + long + more
    end = begin + member.compress_size
    if head != b"PK\3\4" or name != _name_in_header(member):
        raise Wrong(_LEFT_OVER)
    is_same = (flags, method) == (member.flag_bits, member.compress_type)
    if flags & _WITH_DESCRIPTOR:
        stream.seek(end)
        described = stream.read(16)
        is_marked = described[:4] == b"PK\7\x08"
        end += 16 if is_marked else 12
        is_same &= struct.unpack("<3L", described[4:] if is_marked else described[:12]) == stated
        sizes = [each or value for each, value in zip(sizes, stated)]  # noqa: B905  # older Pythons
    if not is_same or (*sizes,) != stated:
        raise Wrong(f"{member.orig_filename} is another file in its header than in the list")
    if flags & ~_FLAGS or method not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Wrong(f"{member.orig_filename} is encrypted or packed in an unknown way")
    if {*_fields(member.extra), *_fields(additional)} - _TIMES_AND_OWNERS:
        raise Wrong(f"{member.orig_filename} may have another name or size for other programs")
    return begin, end


def _name_in_header(member: zipfile.ZipInfo) -> bytes:
    return member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8 else "cp437")


def _fields(additional: bytes) -> Iterator[int]:
    """Yield the kind of each additional field of a member."""
    while additional:
        kind, long = struct.unpack("<2H", additional[:4])
        yield kind
        additional = additional[4 + long :]


def _unpack(opened: Callable[[], IO[bytes]], member: zipfile.ZipInfo, begin: int) -> bytes:
    """Return the whole content of a member, of which no more is unpacked than its list states.

    Raises: Wrong.
    """
    with opened() as stream:
        stream.seek(begin)
        content = stream.read(member.compress_size)
    is_whole = True
    if member.compress_type == zipfile.ZIP_DEFLATED:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        content = unpacker.decompress(content, member.file_size + 1)
        is_whole = unpacker.eof and not unpacker.unused_data
    if not is_whole or len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise Wrong(f"{member.orig_filename} is not the content that the list of the zip states")
    return content
