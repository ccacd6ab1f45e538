"""A bundle as WACZ: signed, whole, found by players; nothing in it can be changed unseen."""

import base64
import json
import shutil
import subprocess
import zipfile
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from warcio.archiveiterator import ArchiveIterator

from storage.proof.note import Note
from tests.capabilities.bundles.test_bundle import bundle, checked
from tests.flow.driver import Newsroom
from tests.flow.whole_record import KEY, A, B
from tests.warcs import answer, request, response
from tests.warcs import page as saved_page

ADDRESS = "https://presse.example/b"
WACZ = shutil.which("wacz")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def packed(request, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("wacz")
    if request.param == "sqlite":
        return _packed(Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root), root)
    with request.getfixturevalue("postgres_databases").database() as url:
        return _packed(Newsroom(url, root), root)


def _packed(room: Newsroom, root: Path) -> Path:
    for day, title in ((17, "Pegel fällt"), (18, "Pegel steigt")):
        seen_at = f"2024-06-{day}T06:00:00Z"
        capture = response(ADDRESS, seen_at, answer(saved_page(title, A, B)))
        room.write(f"{day}.warc", capture + request(ADDRESS, seen_at))
    room.scan(0)
    path = bundle(room, f"{ADDRESS}@1..@2", root / "b.wacz", language="en", wacz=True)
    room.close()
    return path


def wrong(files: dict[str, bytes]) -> list[str]:
    """Return the faults of a WACZ: digests, the signature, what belongs to nothing."""
    told = json.loads(files["datapackage-digest.json"])
    digest = f"sha256:{sha256(files['datapackage.json']).hexdigest()}"
    found = [] if told["hash"] == told["signedData"]["hash"] == digest else ["package"]
    key = load_der_public_key(base64.b64decode(told["signedData"]["publicKey"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    raw = base64.b64decode(told["signedData"]["signature"])
    numbers = (int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
    try:
        key.verify(encode_dss_signature(*numbers), told["hash"].encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        found.append("signature")
    resources = json.loads(files["datapackage.json"])["resources"]
    for each in resources:
        content = files.get(each["path"], b"")
        is_whole = len(content) == each["bytes"]
        if not is_whole or each["hash"] != f"sha256:{sha256(content).hexdigest()}":
            found.append(each["path"])
    known = {each["path"] for each in resources} | {"datapackage.json", "datapackage-digest.json"}
    return found + sorted(files.keys() - known)


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as found:
        return {each.filename: found.read(each) for each in found.infolist()}


def test_all_that_is_in_it_is_signed_and_each_change_is_found(packed):
    files = unpacked(packed)
    assert wrong(files) == []
    for name in files:
        changed = {**files, name: bytes([files[name][0] ^ 1]) + files[name][1:]}
        if name == "datapackage-digest.json":
            changed = {**files, name: files[name].replace(b'"signature": "', b'"signature": "AA')}
        with suppress(ValueError):  # it is no JSON any more
            assert wrong(changed), name
    assert wrong({**files, "mehr.txt": b"x"}) == ["mehr.txt"]


def test_the_key_that_signs_is_vouched_for_by_that_of_the_log(packed):
    files = unpacked(packed)
    note = Note.parse(files["lesart/wacz-key.note"].decode())
    key = json.loads(files["datapackage-digest.json"])["signedData"]["publicKey"]
    assert note.text == f"lesart wacz key v1\n{key}\n"
    assert note.line_of(KEY.verifier) is not None


def test_each_record_is_where_the_index_says_and_the_pages_are_there(packed):
    files = unpacked(packed)
    with zipfile.ZipFile(packed) as found:
        assert found.getinfo("archive/data.warc.gz").compress_type == zipfile.ZIP_STORED
    lines = [each.split(" ", 2) for each in files["indexes/index.cdx"].decode().splitlines()]
    assert [each[:2] for each in lines] == [
        ["example,presse)/b", "20240617060000"], ["example,presse)/b", "20240618060000"],
    ]  # fmt: skip
    for _key, _moment, held in lines:
        told = json.loads(held)
        begin, size = int(told["offset"]), int(told["length"])
        part = files["archive/data.warc.gz"][begin : begin + size]
        record = next(iter(ArchiveIterator(BytesIO(part), check_digests="raise")))
        assert record.rec_headers.get_header("WARC-Target-URI") == told["url"] == ADDRESS
        assert (told["status"], told["mime"]) == ("200", "text/html")
        assert b"Pegel" in record.content_stream().read()
    pages = [json.loads(each) for each in files["pages/pages.jsonl"].decode().splitlines()]
    assert [(each["url"], each["title"]) for each in pages[1:]] == [
        (ADDRESS, "Pegel fällt"), (ADDRESS, "Pegel steigt"),
    ]  # fmt: skip


def test_the_bundle_in_it_holds_by_itself(packed, tmp_path):
    with zipfile.ZipFile(BytesIO(unpacked(packed)["lesart/bundle.zip"])) as found:
        found.extractall(tmp_path)
    code, told = checked(tmp_path)
    assert code == 0, told


@pytest.mark.slow
@pytest.mark.skipif(WACZ is None, reason="the program wacz is not installed")
def test_a_program_of_others_accepts_it_and_refuses_a_changed_one(packed, tmp_path):
    assert WACZ is not None
    assert subprocess.run([WACZ, "validate", "-f", packed], check=False).returncode == 0
    files = unpacked(packed)
    files["archive/data.warc.gz"] += b"\0"
    bad = tmp_path / "bad.wacz"
    with zipfile.ZipFile(bad, "w") as written:
        for name, content in files.items():
            written.writestr(name, content)
    assert subprocess.run([WACZ, "validate", "-f", bad], check=False).returncode != 0
