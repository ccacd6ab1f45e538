"""A bundle holds on a bare Python, and fails with a reason where anything in it was changed."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from storage.export.bundle import Bundle, BundleRequest
from storage.export.check_bundle import is_signed
from storage.proof import checkpoints
from storage.proof.note import COSIGNATURE, Checkpoint, Note, Signer
from storage.proof.others.authorities import keep_stamp
from storage.proof.stamp import Authority, stamped_at
from storage.read.find import Finder
from storage.read.render.bundle_report import report
from tests.authority import authority
from tests.flow.driver import Newsroom, hour, page, seed
from tests.flow.whole_record import KEY, WITNESS, A, B
from tests.proof.grown import with_line
from tests.warcs import answer, request, response
from tests.warcs import page as saved_page

BERLIN = ZoneInfo("Europe/Berlin")
OTHER = Signer.generate(KEY.verifier.name)


def bundle(
    room: Newsroom, rev: str, path: Path, passage: str | None = None, language="de", *, wacz=False
) -> Path:
    engine, clock = room.archive.engine, room.archive.clock
    made = checkpoints.make(engine, clock, KEY)
    line = WITNESS.cosign(Note.parse(made.note).text, 1_700_000_000)
    one = Authority("uni", "http://uni.example", authority("one").root.read_bytes())
    stamp = authority("one").stamp_of(made.note.encode())
    with room.archive.unit() as unit:
        keep_stamp(unit, made, "uni", stamp, stamped_at(stamp, made.note, one))
    room.write("spaeter.txt", seed("Später", "Ein Satz, der nach dem Stempel kam."))
    room.scan()
    made = checkpoints.make(engine, clock, KEY)
    line = WITNESS.cosign(Note.parse(made.note).text, 1_700_000_000)
    with room.archive.unit() as unit:
        checkpoints.keep_cosignatures(unit, made, [(WITNESS.verifier, line)])
    with room.archive.looking() as connection:
        signed = checkpoints.latest(connection)
        found = Finder(connection, BERLIN).versions(rev)
        written = partial(report, language=language, zone=BERLIN)
        asked = BundleRequest(rev, found, passage, written, "lesart test", hour(50), [one])
        with path.open("wb") as stream:
            made_of = Bundle(connection, asked, signed)
            (made_of.write_wacz if wacz else made_of.write)(stream, KEY)
    return path


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def packed(request, tmp_path_factory) -> Path:
    """Give the bundle of an article that changed, was away, and came back."""
    root = tmp_path_factory.mktemp("bundle")
    if request.param == "sqlite":
        return _packed(Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root), root)
    with request.getfixturevalue("postgres_databases").database() as url:
        return _packed(Newsroom(url, root), root)


def _packed(room: Newsroom, root: Path) -> Path:
    room.write("a.txt", seed("Pegel <b>steigt</b>", A))
    room.scan(0)
    room.write("a.txt", seed("Pegel steigt", B))
    room.scan(2)
    room.remove("a.txt")
    room.scan(4)
    room.write("a.txt", seed("Pegel steigt", A))
    room.scan(6)
    room.write("b.txt", seed("Etwas anderes", "Ein Satz, der nicht dazu gehört."))
    room.scan(7)
    path = bundle(room, "seed:presse/a.txt@1..@3", root / "b.zip", "stieg in der Nacht um 3,6")
    room.close()
    return path


@pytest.fixture
def unpacked(packed, tmp_path) -> Path:
    with zipfile.ZipFile(packed) as found:
        found.extractall(tmp_path / "b")
    return tmp_path / "b"


def checked(folder: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", *options],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_bundle_holds_and_says_what(unpacked):
    code, told = checked(unpacked, "--key", KEY.verifier.vkey)
    assert code == 0, told
    assert "Version 1 has the passage." in told
    assert "Version 2 lacks the passage." in told
    assert "Version 3 has the passage." in told
    assert "zeuge.example/w signed that it saw it at 2023-11-14T22:13:20+00:00." in told
    assert "It does not prove who published them" in told
    manifest = json.loads((unpacked / "manifest.json").read_text())
    assert [each["told"] for each in manifest["observations"]] == [
        "content",
        "content",
        "gone",
        "content",
    ]
    assert "nicht dazu" not in "".join(path.read_text("latin-1") for path in unpacked.rglob("*") if path.is_file())  # fmt: skip


def test_what_a_file_manager_lays_into_the_folder_is_told_and_breaks_nothing(unpacked):
    (unpacked / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (unpacked / "rows" / "Thumbs.db").write_bytes(b"")
    code, told = checked(unpacked)
    assert code == 0, told
    assert "left by a file manager: .DS_Store, rows/Thumbs.db." in told
    (unpacked / "rows" / "Thumbs.txt").write_bytes(b"")
    code, told = checked(unpacked)
    assert (code, "Thumbs.txt does not belong to the bundle" in told) == (1, True)


def test_a_stamp_covers_the_rows_that_came_before_it_and_openssl_says_by_whom(unpacked):
    _code, lines = checked(unpacked)
    rows = len(list(unpacked.glob("rows/*.json")))
    assert f"covers {rows} of the {rows} rows" in lines
    commands = re.findall(r"openssl ts .*", (unpacked / "report.html").read_text())
    assert len(commands) == 1
    command = commands[0].replace("</pre>", "").split()
    assert subprocess.run(command, cwd=unpacked, capture_output=True).returncode == 0
    foreign = [*command[:-1], str(authority("two").root)]
    assert subprocess.run(foreign, cwd=unpacked, capture_output=True).returncode == 1


def test_a_python_without_any_package_is_enough(unpacked):
    seen = "import sys; sys.argv[0] = 'verify.py'; import runpy; "
    seen += "print([m for m in sys.modules if 'site' in m or 'lesart' in m]); "
    seen += "runpy.run_path('verify.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", seen], cwd=unpacked, env={},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[]\n")
    paths = subprocess.run([sys.executable, "-I", "-S", "-c", "import sys; print(sys.path)"],
                           capture_output=True, text=True).stdout  # fmt: skip
    assert "site-packages" not in paths


def test_a_proof_is_small_and_the_verifier_needs_the_standard_library_alone(unpacked):
    assert max(each.stat().st_size for each in unpacked.glob("proofs/*.tlog-proof")) <= 2048
    imported = re.findall(
        r"^(?:import|from) (\w+)", (unpacked / "verify.py").read_text(), re.MULTILINE
    )
    assert set(imported) <= sys.stdlib_module_names


def test_the_report_escapes_what_was_archived_and_tells_both_clocks(unpacked):
    page = (unpacked / "report.html").read_text()
    assert "&lt;b&gt;steigt&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "2024-06-18 06:00:00 UTC<br>2024-06-18 08:00:00 CEST" in page
    assert page.index("SHA-256") < page.index("So prüfen Sie es selbst")
    assert KEY.verifier.vkey in page


def rewrite(folder: Path, name: str, change: Callable[[str], str]) -> None:
    path = folder / name
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)


def resigned(folder: Path, signer: Signer = OTHER) -> None:
    """Make list and signature anew, as somebody could who has another key."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {
        name: sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    text = f"lesart bundle v1\n{sha256((folder / 'manifest.json').read_bytes()).hexdigest()}\n"
    (folder / "manifest.note").write_text(f"{text}\n{signer.sign(text)}")


def one(folder: Path, pattern: str) -> str:
    return str(min(folder.glob(pattern)).relative_to(folder))


def flip(pattern: str, sign: bool = False):
    def attack(folder: Path) -> None:
        path = folder / one(folder, pattern)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
        if sign:
            resigned(folder, KEY)

    return attack


def in_manifest(change: Callable[[dict], None], signer: Signer | None = KEY):
    def attack(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        if signer is not None:
            resigned(folder, signer)

    return attack


def in_row(table: str, change: Callable[[dict], None]):
    def attack(folder: Path) -> None:
        path = folder / one(folder, f"rows/*-{table}-*.json")
        row = json.loads(path.read_text())
        change(row)
        path.write_text(json.dumps(row))
        resigned(folder, KEY)

    return attack


def set_in(name: str, key: str, value):
    return lambda manifest: manifest[name][0].update({key: value})


def swap_rows(folder: Path) -> None:
    a, b = sorted(folder.glob("rows/*-observation-*.json"))[:2]
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)
    resigned(folder, KEY)


def another_checkpoint(signer: Signer, size: int | None = None):
    def attack(folder: Path) -> None:
        text = Note.parse((folder / "log/checkpoint").read_text()).text
        found = Checkpoint.parse(text)
        forged = Checkpoint(found.origin, size or found.size, sha256(b"x").digest())
        (folder / "log/checkpoint").write_text(forged.signed(signer))
        resigned(folder, KEY)

    return attack


def forged_witness(folder: Path) -> None:
    note = Note.parse((folder / "log/checkpoint").read_text())
    false = Signer.generate(WITNESS.verifier.name, COSIGNATURE)
    (folder / "log/checkpoint").write_text(
        with_line(Note.parse(Checkpoint.parse(note.text).signed(KEY)), false.cosign(note.text, 1))
    )
    resigned(folder, KEY)


TAMPERED = {
    "a byte of a capture": (flip("captures/*"), "was changed"),
    "a byte of a capture, signed": (flip("captures/*", sign=True), "bytes of capture"),
    "a byte of a text": (flip("texts/1.txt"), "was changed"),
    "a byte of a text, signed": (flip("texts/1.txt", sign=True), "DOES NOT HOLD"),
    "a byte of the report": (flip("report.html"), "was changed"),
    "a byte of an entry": (flip("proofs/*-wording-*[0-9]", sign=True), "not the row that was logged"),
    "a byte of a row": (flip("rows/*-derivation-*.json", sign=True), "DOES NOT HOLD"),
    "a byte of a proof": (flip("proofs/*-verdict-*.tlog-proof"), "was changed"),
    "a byte of the list": (flip("manifest.json"), "DOES NOT HOLD"),
    "a byte of its signature": (flip("manifest.note"), "DOES NOT HOLD"),
    "the list signed by another key": (in_manifest(lambda m: None, OTHER), "not signed by the key"),
    "another time": (in_manifest(set_in("versions", "changed_by", "2020-01-01T00:00:00.000000+00:00")), "not seen when it is said"),
    "another outcome": (in_manifest(set_in("observations", "outcome", "gone")), "told otherwise"),
    "another place": (in_manifest(set_in("observations", "place", "https://anderswo.example/")), "told otherwise"),
    "another answer of the server": (in_manifest(set_in("observations", "http_status", 404)), "told otherwise"),
    "a passage that is not there": (in_manifest(set_in("versions", "has_passage", False)), "passage is not in"),
    "other bytes": (in_manifest(set_in("versions", "raw", "00" * 32)), "from other bytes"),
    "a row that is not there": (in_manifest(set_in("versions", "derivation", 999)), "spoken of and not there"),
    "a changed time in a row": (in_row("observation", lambda row: row.update(plain=row["plain"].replace("2024", "2023"))), "not the row that was logged"),
    "a changed salt": (in_row("wording", lambda row: row["contents"]["text"].update(salt="00" * 16)), "not the row that was logged"),
    "two rows swapped": (swap_rows, "not the row that was logged"),
    "a row of another kind": (in_row("verdict", lambda row: row.update(table="refusal")), "not the row that was logged"),
    "a file more": (lambda folder: (folder / "more.txt").write_text("x"), "does not belong"),
    "a file less": (lambda folder: (folder / "report.html").unlink(), "is missing"),
    "another root": (another_checkpoint(KEY), "did not sign the checkpoint"),
    "another size": (another_checkpoint(KEY, 3), "DOES NOT HOLD"),
    "a checkpoint by another key": (another_checkpoint(OTHER), "not signed by the key"),
    "a witness that did not sign": (forged_witness, "did not sign"),
}  # fmt: skip


@pytest.mark.parametrize(("attack", "reason"), TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_bundle_fails_with_the_reason(unpacked, attack, reason):
    attack(unpacked)
    code, told = checked(unpacked, "--key", KEY.verifier.vkey)
    assert code == 1, told
    assert reason in told
    assert told.startswith("DOES NOT HOLD: ")


def test_a_checkpoint_from_outside_tells_two_histories_apart(unpacked, tmp_path):
    (tmp_path / "mine").write_bytes((unpacked / "log/checkpoint").read_bytes())
    assert checked(unpacked, "--checkpoint", str(tmp_path / "mine"))[0] == 0
    found = Checkpoint.parse(Note.parse((unpacked / "log/checkpoint").read_text()).text)
    other = Checkpoint(found.origin, found.size, bytes(32)).signed(KEY)
    (tmp_path / "other").write_text(other)
    code, told = checked(unpacked, "--checkpoint", str(tmp_path / "other"))
    assert (code, "two histories" in told) == (1, True)


def test_the_plain_signatures_agree_with_the_library():
    for number in range(8):
        signer = Signer.generate("a", seed=bytes([number]) * 32)
        message = b"m" * number
        signature = signer._signed(message)
        assert is_signed(signer.verifier.key, message, signature)
        assert not is_signed(signer.verifier.key, message + b"!", signature)
        assert not is_signed(
            signer.verifier.key, message, signature[:-1] + bytes([signature[-1] ^ 16])
        )
        assert not is_signed(
            signer.verifier.key, message, bytes([signature[0] ^ 1]) + signature[1:]
        )


def test_a_page_of_a_web_archive_brings_request_headers_and_certificate_along(tmp_path):
    room = Newsroom(f"sqlite:///{tmp_path / 'lesart.sqlite3'}", tmp_path)
    address, seen_at = "https://presse.example/b", "2024-06-17T06:00:00Z"
    capture = response(address, seen_at, answer(saved_page("Pegel fällt", A, B)))
    room.write("e.warc", capture + request(address, seen_at))
    room.scan(0)
    path = bundle(room, address, tmp_path / "b.zip", language="en")
    room.close()
    with zipfile.ZipFile(path) as found:
        found.extractall(tmp_path / "b")
    assert checked(tmp_path / "b")[0] == 0
    (transfer,) = (tmp_path / "b" / "rows").glob("*-transfer-*.json")
    contents = json.loads(transfer.read_text())["contents"]
    assert contents["response_headers"]["value"]
    assert contents["request"]["value"]
    assert "What this does not prove" in (tmp_path / "b" / "report.html").read_text()


def test_a_file_that_says_when_it_was_captured_is_told_so_and_holds(tmp_path):
    root = tmp_path / "room"
    root.mkdir()
    room = Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root)
    url = "https://www.lohebote.example/pegel"
    room.write("a.md", page(A, url=url, observed_at=hour(-20)))
    room.write("b.md", page(B, url=url, observed_at=hour(-10)))
    room.scan(0)
    path = bundle(room, f"{url}@1..@2", tmp_path / "b.zip")
    room.close()
    folder = tmp_path / "b"
    with zipfile.ZipFile(path) as found:
        found.extractall(folder)
    code, told = checked(folder)
    assert code == 0, told
    assert (
        "Version 2 was captured at 2024-06-17T20:00:00.000000+00:00, as its own file says" in told
    )


def test_relations_are_told_as_they_were_logged_and_not_otherwise(database_url, tmp_path):
    room = Newsroom(database_url, tmp_path / "room")
    for name in "abc":
        room.write(f"{name}.txt", seed("Pegel steigt", A))
    room.scan(0)
    first = room.rows("SELECT id FROM relations ORDER BY id")[0]["id"]
    room.archive.undo(first, "Zufall")
    path = bundle(room, "seed:presse/a.txt", tmp_path / "b.zip", language="en")
    room.close()
    folder = tmp_path / "b"
    with zipfile.ZipFile(path) as found:
        found.extractall(folder)
    code, told = checked(folder)
    assert (code, told.count("exact_copy between")) == (0, 2), told
    assert told.count("was undone later") == 1
    assert "What is related" in (folder / "report.html").read_text()
    before = (folder / "manifest.json").read_bytes()
    for key, value in (("kind", "follow_up"), ("a", "seed:presse/x.txt"), ("undone", 999)):
        in_manifest(set_in("relations", key, value))(folder)
        code, told = checked(folder)
        assert code == 1, told
        (folder / "manifest.json").write_bytes(before)
