"""A bundle holds on a bare Python, and fails with a reason where anything in it was changed."""

import json
import re
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from storage.capabilities.bundles import bundle_report, check_bundle
from storage.capabilities.bundles.bundle import Bundle, BundleRequest
from storage.capabilities.bundles.bundle_log import is_signed
from storage.language.passage import Passage
from storage.proof import checkpoints
from storage.proof.calendar_stamp import first_stamp
from storage.proof.external.requests import store_stamp
from storage.proof.note import Note, Signer
from storage.proof.stamp import Authority, read_stamp_time
from storage.read.find import Finder
from storage.read.render.visible import CONTROL, UNSEEN
from storage.values.redaction import RedactionReason
from storage.write.redaction.redact_articles import drop_overdue_bytes, redact_passage
from storage.write.undo import undo
from tests.authority import authority
from tests.capabilities.bundles.forging import withhold, written_anew
from tests.flow.driver import Newsroom, hour, page, seed
from tests.flow.whole_record import KEY, WITNESS, A, B
from tests.proof.grown import cosign
from tests.proof.test_calendars import NONCE, PROMISE
from tests.warcs import answer, request, response
from tests.warcs import page as saved_page
from tests.write.test_redaction import redact, target
from worker.cli.redactions import prepare_reading

BERLIN = ZoneInfo("Europe/Berlin")
OTHER = Signer.generate(KEY.verifier.name)


def bundle(
    room: Newsroom, rev: str, path: Path, passage: str | None = None, language="de", *, wacz=False
) -> Path:
    engine, clock = room.archive.engine, room.archive.clock
    made = checkpoints.make(engine, clock, KEY)
    line = cosign(WITNESS, Note.parse(made.note).text, 1_700_000_000)
    one = Authority("uni", "http://uni.example", authority("one").root.read_bytes())
    stamp = authority("one").stamp_of(made.note.encode())
    with room.archive.unit() as unit:
        store_stamp(unit, made, "uni", stamp, read_stamp_time(stamp, made.note, one))
    room.write("spaeter.txt", seed("Später", "Ein Satz, der nach dem Stempel kam."))
    room.scan()
    made = checkpoints.make(engine, clock, KEY)
    line = cosign(WITNESS, Note.parse(made.note).text, 1_700_000_000)
    with room.archive.unit() as unit:
        checkpoints.store_cosignatures(unit, made, [(WITNESS.verifier, line)])
    with room.archive.read_connection() as connection:
        signed = checkpoints.latest(connection)
        found = Finder(connection, BERLIN).versions(rev)
        asked = BundleRequest(found, passage, language, "lesart test", hour(50), [one])
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
    code, told = checked(unpacked, "--key", KEY.verifier.vkey, "--witness", WITNESS.verifier.vkey)
    assert code == 0, told
    lines = told.splitlines()
    assert "    Text 1 contains the passage." in lines
    assert "    Text 2 does not contain the passage." in lines
    assert "    Text 3 contains the passage." in lines
    assert (
        f"{WITNESS.verifier.vkey}: the specified witness signed at 2023-11-14T22:13:20+00:00"
        in told
    )
    assert "HOLDS, by the specified key." in lines
    assert "Who published the text" in lines[-1]
    assert [each.partition(": ")[2] for each in lines if each.startswith("  Check at ")] == [
        "captured, Text 1", "captured, Text 2", "gone",
        "captured, Text 3, no change in this bundle up to the scan of 2024-06-18T13:00:00.000000+00:00",
    ]  # fmt: skip
    assert "    another text before it was last seen at 2024-06-18T06:00:00.000000+00:00" in lines
    assert "nicht dazu" not in "".join(path.read_text("latin-1") for path in unpacked.rglob("*") if path.is_file())  # fmt: skip


def test_a_zip_is_checked_as_it_is_by_a_copy_of_the_program_that_is_not_in_it(packed, tmp_path):
    program = Path(check_bundle.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-S", program, packed, "--key", KEY.verifier.vkey],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    with zipfile.ZipFile(packed) as found:
        found.extractall(tmp_path / "b")
    assert done.stdout == checked(tmp_path / "b", "--key", KEY.verifier.vkey)[1]
    assert list((tmp_path / "b").rglob("__pycache__")) == []


def test_files_of_a_file_manager_in_the_folder_are_reported_and_break_nothing(unpacked):
    (unpacked / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (unpacked / "rows" / "Thumbs.db").write_bytes(b"")
    code, told = checked(unpacked)
    assert code == 0, told
    assert (
        "Not checked: .DS_Store, bundle_log.py, bundle_report.py, rows/Thumbs.db, verify.py."
        in told
    )
    (unpacked / "rows" / "Thumbs.txt").write_bytes(b"")
    code, told = checked(unpacked)
    assert (code, "Thumbs.txt does not belong to the bundle" in told) == (1, True)


def test_a_stamp_covers_all_rows_but_the_scan_after_it_and_openssl_says_by_whom(unpacked):
    _code, lines = checked(unpacked)
    rows = len(list(unpacked.glob("rows/*.json")))
    assert f"which covers {rows - 1} of the {rows} rows. Its signature" in lines
    commands = re.findall(r"openssl ts .*", (unpacked / "report.html").read_text())
    command, shown = (each.replace("</pre>", "").split() for each in commands)
    assert b"Time stamp: " in subprocess.check_output(shown, cwd=unpacked)
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
    for name in check_bundle.PROGRAMS:
        written = (unpacked / name).read_text()
        imported = re.findall(r"^(?:import|from) (\w+)", written, re.MULTILINE)
        assert imported
        assert set(imported) <= sys.stdlib_module_names
        assert written.count("\n") < 700


def test_the_report_escapes_archived_text_and_shows_the_checks(unpacked):
    page = (unpacked / "report.html").read_text()
    assert "&lt;b&gt;steigt&lt;/b&gt;" in page
    assert "<b>steigt" not in page
    assert "<time>2024-06-18 06:00:00 UTC</time>" in page
    assert page.index("SHA-256") < page.index("So prüfen Sie es selbst")
    assert KEY.verifier.vkey in page


def test_no_character_that_acts_or_hides_is_printed():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    hidden = set(UNSEEN.findall(every)) | set(CONTROL.findall(every))
    assert hidden <= set(bundle_report.HIDDEN.findall(every))
    assert bundle_report.one_line("a\nHOLDS \x1b[2J") == "a HOLDS <U+001B>[2J"


def test_the_plain_signatures_agree_with_the_library():
    for number in range(8):
        signer = Signer.generate("a", seed=bytes([number]) * 32)
        message = b"m" * number
        signature = Ed25519PrivateKey.from_private_bytes(signer._seed).sign(message)
        assert is_signed(signer.verifier.key, message, signature)
        assert not is_signed(signer.verifier.key, message + b"!", signature)
        assert not is_signed(
            signer.verifier.key, message, signature[:-1] + bytes([signature[-1] ^ 16])
        )
        assert not is_signed(
            signer.verifier.key, message, bytes([signature[0] ^ 1]) + signature[1:]
        )


@pytest.mark.slow
def test_a_page_of_a_web_archive_brings_request_headers_and_certificate_along(tmp_path):
    room = Newsroom(f"sqlite:///{tmp_path / 'lesart.sqlite3'}", tmp_path)
    address, seen_at = "https://presse.example/b", "2024-06-17T06:00:00Z"
    raw = answer(saved_page("Pegel fällt", A, B), headers={"Content-Usage": "train-ai=n"})
    capture = response(address, seen_at, raw)
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
    assert bundle_report.WORDS["en"]["stated"] in checked(tmp_path / "b")[1], "a record is foreign"
    assert "declared: content-usage: train-ai=n (header)" in checked(tmp_path / "b")[1]
    withhold(tmp_path / "b", transfer)
    written_anew(tmp_path / "b")
    code, told = checked(tmp_path / "b")
    assert (code, bundle_report.WORDS["en"]["stated"] in told) == (0, True), (
        "a key holder hides it not"
    )
    assert "What this does not prove" in (tmp_path / "b" / "report.html").read_text()


def test_a_file_that_says_when_it_was_captured_is_reported_and_holds(tmp_path):
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
    assert f"At {url}, by the checks in this bundle:" in told
    assert (
        "    seen from 2024-06-17T20:00:00.000000+00:00 to 2024-06-17T20:00:00.000000+00:00 (stated by the file"
        in told
    )
    assert "    recorded at 2024-06-18T06:00:00.000000+00:00 as entry " in told


def test_the_times_that_follow_from_the_rows_are_those_of_the_history(database_url, tmp_path):
    room = Newsroom(database_url, tmp_path / "room")
    for at, body in enumerate((A, A, A, B, B, A, None, None, B, B)):
        if body is None:
            (room.folder / "a.txt").unlink(missing_ok=True)
        elif at in {0, 3, 5, 8}:
            room.write("a.txt", seed("Pegel steigt", body))
        room.scan(at)
    versions = room.rows(
        "SELECT changed_after, changed_by, last_seen FROM versions ORDER BY version"
    )
    shown = {}
    for rev, first, last in (("@1..@4", 1, 4), ("@2", 1, 3), ("@3", 2, 4)):
        path = bundle(room, f"seed:presse/a.txt{rev}", tmp_path / "b.zip")
        with zipfile.ZipFile(path) as found:
            manifest = json.loads(found.read("manifest.json"))
            readers = {name: partial(found.read, name) for name in manifest["files"]}
            (place,) = check_bundle.LoggedBundle(readers, manifest, []).facts()["places"]
        shown[rev] = [(each["before"], each["first"], each["last"]) for each in place["texts"]]
        wanted = [tuple(row.values()) for row in versions[first - 1 : last]]
        assert shown[rev][1:-1] == wanted[1:-1]
        assert [each[1] for each in shown[rev]] == [each[1] for each in wanted]
    room.close()
    assert shown["@1..@4"] == [tuple(row.values()) for row in versions]


def test_relations_are_reported_as_they_were_logged_and_not_otherwise(database_url, tmp_path):
    room = Newsroom(database_url, tmp_path / "room")
    for name in "abc":
        room.write(f"{name}.txt", seed("Pegel steigt", A))
    room.scan(0)
    first = room.rows("SELECT id FROM relations ORDER BY id")[0]["id"]
    room.archive.transact(undo, first, "Zufall")
    path = bundle(room, "seed:presse/a.txt", tmp_path / "b.zip", language="en")
    room.close()
    folder = tmp_path / "b"
    with zipfile.ZipFile(path) as found:
        found.extractall(folder)
    code, told = checked(folder)
    assert (code, told.count(" and seed:presse/a.txt")) == (0, 2), told
    assert told.count(", undone at ") == 1
    assert "Related texts" in (folder / "report.html").read_text()


def test_a_stamp_of_a_calendar_is_on_an_earlier_checkpoint_of_the_same_log(tmp_path):
    root = tmp_path / "room"
    root.mkdir()
    room = Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root)
    room.write("a.txt", seed("Pegel steigt", A))
    room.scan(0)
    made = checkpoints.make(room.archive.engine, room.archive.clock, KEY)
    with room.archive.unit() as unit:
        store_stamp(unit, made, "kalender", first_stamp(made.note, NONCE, PROMISE), hour(0))
    path = bundle(room, "seed:presse/a.txt", tmp_path / "b.zip")
    room.close()
    folder = tmp_path / "b"
    with zipfile.ZipFile(path) as found:
        found.extractall(folder)
    code, told = checked(folder)
    assert code == 0, told
    assert f"log/calendar-1.note.ots is on a checkpoint of {made.size} entries" in told
    assert "<pre>ots verify log/calendar-1.note.ots</pre>" in (folder / "report.html").read_text()


def test_a_redacted_row_is_named_and_the_rest_still_holds(tmp_path):
    root = tmp_path / "room"
    root.mkdir()
    room = Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root)
    room.write("a.txt", seed("Pegel steigt", f"{A} Ada Lohe rief an."))
    room.scan(0)
    room.write("a.txt", seed("Pegel steigt", B))
    room.scan(2)
    article = target(room, "seed:presse/a.txt")
    why = RedactionReason.COURT_ORDER
    assert (
        redact_passage(
            room.archive, [article], Passage.parse("Ada Lohe"), why, "ada", prepare_reading
        )
        is not None
    )
    path = bundle(room, "seed:presse/a.txt@1..@2", tmp_path / "b.zip")
    room.close()
    folder = tmp_path / "b"
    with zipfile.ZipFile(path) as found:
        found.extractall(folder)
    code, told = checked(folder)
    assert code == 0, told
    assert "(court_order)" in told
    written = b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
    assert b"Ada Lohe" not in written
    assert "[redacted] rief an." in (folder / "texts/1.txt").read_text()


@pytest.mark.slow
def test_bytes_whose_time_is_over_are_reported_and_not_as_redacted(tmp_path, monkeypatch):
    root = tmp_path / "room"
    root.mkdir()
    room = Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root)
    room.write("a.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.write("a.txt", seed("Pegel steigt", B))
    room.scan(48)
    assert drop_overdue_bytes(room.archive, 86_400.0, by_clock=True)
    written = bundle(room, "seed:presse/a.txt@1..@2", tmp_path / "b.zip", language="en")
    page_of_today = bundle_report.page

    def page_of_older(facts, language):
        told = [{**each, "is_expiry": False} for each in facts["redactions"]]
        return page_of_today({**facts, "redactions": told}, language)

    monkeypatch.setattr(bundle_report, "page", page_of_older)
    older = bundle(room, "seed:presse/a.txt@1..@2", tmp_path / "older.zip", language="en")
    room.close()
    for path in (written, older):
        with zipfile.ZipFile(path) as found:
            found.extractall(path.with_suffix(""))
        code, told = checked(path.with_suffix(""))
        assert (code, "deleted after their retention period" in told) == (0, True), told
        assert "Redacted at" not in told


@pytest.mark.slow
def test_a_relation_to_an_article_whose_address_was_redacted_still_holds(tmp_path):
    root = tmp_path / "room"
    root.mkdir()
    room = Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root)
    url = "https://presse.example/ada-lohe"
    room.write("a.txt", seed("Pegel steigt", A))
    room.scan(0)
    room.write("b.md", page(A, url=url))
    room.scan(1)
    assert room.rows("SELECT id FROM relations") != []
    redact(room, [target(room, url)], with_addresses=True)
    room.write("a.txt", seed("Pegel steigt", B))
    room.scan(2)
    path = bundle(room, "seed:presse/a.txt@1", tmp_path / "b.zip")
    room.close()
    with zipfile.ZipFile(path) as found:
        found.extractall(tmp_path / "b")
    code, told = checked(tmp_path / "b")
    assert code == 0, told
    assert re.search(r"copy of redacted:\d+ and seed:presse/a.txt", told), told
    assert "ada-lohe" not in told
