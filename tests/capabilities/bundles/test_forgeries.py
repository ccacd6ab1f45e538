"""Each claim of a bundle against each forger: what the program that checks it answers.

The table of docs/bundles.md is this one. A forger *with the key* signs what he changed, and may log
again; one *without the key* cannot; one with *an older log* has what the archive signed earlier.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from storage.capabilities.bundles import check_bundle
from storage.capabilities.bundles.bundle_log import write_json
from storage.proof.note import COSIGNATURE, Checkpoint, Note, Signer
from tests.capabilities.bundles import forging
from tests.capabilities.bundles.forging import (
    Attack,
    logged_anew,
    manifest_of,
    replaced,
    row_in,
    rows,
    set_checkpoint,
    set_content,
    set_plain,
    signed,
    withhold,
    written_anew,
)
from tests.capabilities.bundles.test_bundle import _packed, checked
from tests.flow.driver import Newsroom
from tests.flow.whole_record import KEY, WITNESS
from tests.proof.grown import cosign, with_line

OTHER = Signer.generate(KEY.verifier.name)
GIVEN = ("--key", KEY.verifier.vkey)


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("forged")
    return _packed(Newsroom(f"sqlite:///{root / 'lesart.sqlite3'}", root), root)


@pytest.fixture
def folder(packed, tmp_path) -> Path:
    with zipfile.ZipFile(packed) as found:
        found.extractall(tmp_path / "b")
    return tmp_path / "b"


def refused(folder: Path, *options: str) -> str:
    code, told = checked(folder, *options)
    assert code == 1, told
    assert told.startswith("DOES NOT HOLD: ")
    assert told.count("\n") == 1
    return told


def in_report(old: str, new: str) -> Attack:
    def attack(folder: Path) -> None:
        replaced(folder, "report.html", old, new)
        signed(folder)

    return attack


def claimed(**more) -> Attack:
    return lambda folder: signed(folder, **more)


def in_row(table: str, number: int = 0, **plain) -> Attack:
    def attack(folder: Path) -> None:
        set_plain(rows(folder, table)[number], **plain)
        written_anew(folder)

    return attack


def without(*tables: str) -> Attack:
    def attack(folder: Path) -> None:
        for table in tables:
            withhold(folder, *rows(folder, table))
        written_anew(folder)

    return attack


def other_text(folder: Path) -> None:
    (folder / "texts/1.txt").write_bytes((folder / "texts/2.txt").read_bytes())
    signed(folder)


def verdict_of_another(folder: Path, *, anew: bool) -> None:
    """Give the first observation the text of the second, as the forgery that was found did."""
    first, second = rows(folder, "verdict")[:2]
    set_plain(first, derivation_id=row_in(second)[1]["derivation_id"])
    (logged_anew if anew else written_anew)(folder)


def derivation_of_another(folder: Path) -> None:
    first, second = rows(folder, "derivation")[:2]
    set_plain(first, capture_id=row_in(second)[1]["capture_id"])
    logged_anew(folder)


def bytes_of_another(folder: Path) -> None:
    first, second = sorted((folder / "captures").iterdir())[:2]
    first.write_bytes(second.read_bytes())
    signed(folder)


def hidden_hints(folder: Path) -> None:
    path = rows(folder, "wording")[0]
    row, _plain = row_in(path)
    held = row["contents"]["title"]
    value = b"\1" + base64.b64decode(held["value"])
    row["contents"]["title"] = {"hash": sha256(bytes.fromhex(held["salt"]) + value).hexdigest()}
    path.write_bytes(write_json(row))
    written_anew(folder)


def renamed_columns(folder: Path) -> None:
    """Show the text of a wording as its title: the log commits to the order of columns alone."""
    path = rows(folder, "wording")[0]
    row, _plain = row_in(path)
    digest, text, title = (row["contents"][name] for name in ("digest", "text", "title"))
    row["contents"] = {"digest": digest, "title": text, "zzz": title}
    path.write_bytes(write_json(row))
    written_anew(folder)


def shifted_salt(folder: Path) -> None:
    """Move the end of a salt into its text: the hash stays as it is."""
    path = rows(folder, "wording")[0]
    row, _plain = row_in(path)
    held = row["contents"]["text"]
    whole = bytes.fromhex(held["salt"]) + b"\1" + base64.b64decode(held["value"])
    cut = whole.index(b"\1", 17) if b"\1" in whole[17:] else 20
    row["contents"]["text"] = {
        "salt": whole[:cut].hex(),
        "value": base64.b64encode(whole[cut + 1 :]).decode(),
    }
    path.write_bytes(write_json(row))
    written_anew(folder)


def row_twice(folder: Path) -> None:
    first, second = rows(folder, "scan")[:2]
    set_plain(second, id=row_in(first)[1]["id"])
    logged_anew(folder)


def numbers_exchanged(folder: Path) -> None:
    """Log two checks in the opposite order."""
    numbers = [row_in(each)[0]["seq"] for each in rows(folder, "observation")[:2]]
    for path, number in zip(rows(folder, "observation")[:2], reversed(numbers), strict=True):
        set_plain(path, id=number)
        row = row_in(path)[0] | {"seq": number}
        path.write_bytes(write_json(row))
    logged_anew(folder)


def own_witness(folder: Path) -> None:
    own = Signer.generate(WITNESS.verifier.name, COSIGNATURE)
    note = Note.parse((folder / "log/checkpoint").read_text())
    set_checkpoint(folder, with_line(note, cosign(own, note.text, 1)))
    written_anew(folder, witnesses=[own.verifier.vkey])


def wrong_cosignature(folder: Path) -> None:
    note = Note.parse((folder / "log/checkpoint").read_text())
    plain = Note.parse(Checkpoint.parse(note.text).signed(KEY))
    own = Signer.generate(WITNESS.verifier.name, COSIGNATURE)
    set_checkpoint(folder, with_line(plain, cosign(own, note.text, 1)))
    written_anew(folder)


def witnesses_of(listed: Callable[[str], list[str]]) -> Attack:
    return lambda folder: written_anew(folder, witnesses=listed(WITNESS.verifier.vkey))


def two_names(folder: Path) -> None:
    """Cosign under two names with one key."""
    note = (folder / "log/checkpoint").read_text()
    seed, keys = bytes(range(5, 37)), []
    for name in ("zeuge.example/a", "zeuge.example/b"):
        own = Signer.generate(name, COSIGNATURE, seed=seed)
        note = with_line(Note.parse(note), cosign(own, Note.parse(note).text, 1))
        keys.append(own.verifier.vkey)
    set_checkpoint(folder, note)
    written_anew(folder, witnesses=keys)


def in_list(change: Callable[[bytes], bytes]) -> Attack:
    """Change the list of files, and sign that."""

    def attack(folder: Path) -> None:
        signed(folder)
        data = change((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_bytes(data)
        text = f"{check_bundle.FORMAT}\n{sha256(data).hexdigest()}\n"
        (folder / "manifest.note").write_text(f"{text}\n{KEY.sign(text)}")

    return attack


def in_file(pattern: str, old: str, new: str) -> Attack:
    def attack(folder: Path) -> None:
        replaced(folder, min(folder.glob(pattern)).relative_to(folder).as_posix(), old, new)
        signed(folder)

    return attack


def another_checkpoint(folder: Path) -> None:
    """Lay another checkpoint under one proof, which other programs would show."""
    path = min(folder.glob("proofs/*.tlog-proof"))
    proof = path.read_text().partition("\n\n")[0]
    path.write_text(f"{proof}\n\n{Checkpoint(KEY.verifier.name, 9, bytes(32)).signed(KEY)}")
    signed(folder)


def stamp_twice(folder: Path) -> None:
    for ending in ("tsr", "note", "pem"):
        shutil.copyfile(folder / f"log/stamp-1.{ending}", folder / f"log/stamp-2.{ending}")
    (stamp,) = manifest_of(folder)["stamps"]
    written_anew(folder, stamps=[stamp, stamp | {"name": "log/stamp-2"}])


def hash_and_value(folder: Path) -> None:
    """Show a false text beside the hash of the logged one."""
    path = rows(folder, "wording")[0]
    row, _plain = row_in(path)
    held = row["contents"]["text"]
    value = b"\1" + base64.b64decode(held["value"])
    whole = sha256(bytes.fromhex(held["salt"]) + value).hexdigest()
    false = base64.b64encode(b"Ein Satz, den niemand schrieb.").decode()
    row["contents"]["text"] = {"hash": whole, "value": false}
    path.write_bytes(write_json(row))
    written_anew(folder)


def wrong_redaction(
    table_name: str, *, row_id: int | None = None, reason: str = "gdpr_erasure"
) -> Attack:
    """Hide the title of a wording, and log a redaction that does not permit it."""

    def attack(folder: Path) -> None:
        path = rows(folder, "wording")[0]
        hidden_hints(folder)
        number = row_in(path)[1]["id"] if row_id is None else row_id
        at = row_in(rows(folder)[-1])[1]["recorded_at"]
        plain = {"id": 90_000, "table_name": table_name, "row_id": number, "at": at}
        told = {"salt": "00" * 16, "value": base64.b64encode(reason.encode()).decode()}
        row = {"table": "redaction", "seq": 90_000, "plain": json.dumps(plain), "blind": "11" * 16,
               "contents": {"reason": told}}  # fmt: skip
        (folder / "rows/99999999-redaction-90000.json").write_bytes(write_json(row))
        for ending in ("", ".tlog-proof"):
            (folder / f"proofs/99999999-redaction-90000{ending}").write_text("")
        logged_anew(folder)

    return attack


def runs_back(folder: Path) -> None:
    set_plain(rows(folder, "observation")[0], recorded_at="2030-01-01T00:00:00.000000+00:00")
    logged_anew(folder)


def another_root(signer: Signer, size: int | None = None) -> Attack:
    def attack(folder: Path) -> None:
        found = Checkpoint.parse(Note.parse((folder / "log/checkpoint").read_text()).text)
        forged = Checkpoint(found.origin, size or found.size, sha256(b"x").digest())
        set_checkpoint(folder, forged.signed(signer))
        written_anew(folder, witnesses=[], stamps=[])

    return attack


def stamp_of(note: bytes) -> Attack:
    def attack(folder: Path) -> None:
        (folder / "log/stamp-1.note").write_bytes(note or (folder / "log/checkpoint").read_bytes())
        signed(folder, **({} if note else {"stamps": [{"name": "log/stamp-1", "path": []}]}))

    return attack


def older_checkpoint(signer: Signer) -> Attack:
    def attack(folder: Path) -> None:
        older_file("log/checkpoint")(folder)
        written_anew(folder, signer, witnesses=[], stamps=[])

    return attack


def older_file(name: str) -> Attack:
    """Replace a file by one that the archive signed earlier."""
    return lambda folder: shutil.copyfile(folder / "log/stamp-1.note", folder / name)


def linked(name: str, target: str) -> Attack:
    def attack(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
        signed(folder) if (folder / name).exists() else None

    return attack


def listed(name: str) -> Attack:
    def attack(folder: Path) -> None:
        (folder.parent / "outside.txt").write_text("x")
        digest = sha256(b"x").hexdigest()
        signed(folder)
        files = {**manifest_of(folder)["files"], name: digest}
        signed(folder, files=dict(sorted(files.items())))

    return attack


def extra(name: str) -> Attack:
    def attack(folder: Path) -> None:
        (folder / name).write_text("x")
        signed(folder)

    return attack


def changed(pattern: str) -> Attack:
    def attack(folder: Path) -> None:
        path = min(folder.glob(pattern))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))

    return attack


NO_CLAIM = "the manifest contains fields that this program does not check"
NOT_LOGGED = "is not the row that was logged"
REPORT = "report.html differs from the rows"
FIRST, THIRD = "2024-06-18 06:00:00 UTC", "2024-06-18 13:00:00 UTC"
WITH_KEY: dict[str, tuple[Attack, str]] = {
    "versions as the exporter tells them": (claimed(versions=[{"version": 1, "changed_by": "2020"}]), NO_CLAIM),
    "an empty list of observations": (claimed(observations=[]), NO_CLAIM),
    "a revision": (claimed(revision="https://anderswo.example/@7"), NO_CLAIM),
    "an article": (claimed(article="0zfme61hjyre0a76"), NO_CLAIM),
    "a place": (claimed(place="https://anderswo.example/"), NO_CLAIM),
    "a title": (claimed(title="Anderes"), NO_CLAIM),
    "the time of export": (claimed(exported_at="2020-01-01T00:00:00+00:00"), NO_CLAIM),
    "texts/: the text of another time": (other_text, "is not the text in the log"),
    "verdict: the text of another observation": (partial(verdict_of_another, anew=False), NOT_LOGGED),
    "verdict: the same, logged anew": (partial(verdict_of_another, anew=True), "does not have the bytes of its text"),
    "derivation: of other bytes, logged anew": (derivation_of_another, "does not have the bytes of its text"),
    "captures/: the bytes of another time": (bytes_of_another, "differ from the stored bytes"),
    "observation: another time": (in_row("observation", observed_at="2020-01-01T00:00:00.000000+00:00"), NOT_LOGGED),
    "observation: another outcome": (in_row("observation", 2, outcome="captured"), NOT_LOGGED),
    "observation: another answer": (in_row("observation", http_status=404), NOT_LOGGED),
    "scan: a later one": (in_row("scan", -1, started_at="2030-01-01T00:00:00.000000+00:00"), NOT_LOGGED),
    "origin: another place": (lambda f: (set_content(rows(f, "origin")[0], "origin", "https://anderswo.example/"), written_anew(f)), NOT_LOGGED),
    "wording: another title": (lambda f: (set_content(rows(f, "wording")[0], "title", "Anderes"), written_anew(f)), NOT_LOGGED),
    "wording: a hidden column": (hidden_hints, "hides a column without a redaction"),
    "wording: its text as its title": (renamed_columns, "has unexpected columns"),
    "wording: a salt of another length": (shifted_salt, "an invalid length"),
    "a row twice": (row_twice, "is there twice"),
    "a row with another number": (in_row("observation", id=1), "has another number"),
    "rows in another order": (numbers_exchanged, "not logged in the order of their numbers"),
    "no observation": (without("observation"), "the bundle contains no checks"),
    "no wording": (without("wording"), "is required but missing from the bundle"),
    "no origin": (without("origin"), "is required but missing from the bundle"),
    "no row at all": (lambda f: (withhold(f, *rows(f)), written_anew(f)), "the bundle contains no checks"),
    "report: another title": (in_report("Pegel steigt", "Pegel fällt"), REPORT),
    "report: first seen": (in_report(FIRST, "2020-01-01 06:00:00 UTC"), REPORT),
    "report: last seen": (in_report(THIRD, "2030-01-01 06:00:00 UTC"), REPORT),
    "report: another place": (in_report("seed:presse/a.txt", "https://anderswo.example/"), REPORT),
    "report: another wording": (in_report("<code>w1:", "<code>w1:00"), REPORT),
    "report: other limits": (in_report("nicht beweist", "beweist"), REPORT),
    "report: has the passage": (in_report("enthält die Stelle nicht", "enthält die Stelle"), REPORT),
    "a witness that did not sign": (wrong_cosignature, "did not sign the checkpoint"),
    "the log as its own witness": (lambda f: written_anew(f, witnesses=[KEY.verifier.vkey]), "is there twice, or is that of the log"),
    "a witness three times": (witnesses_of(lambda vkey: [vkey, f" {vkey}", f"{vkey}\n"]), "is malformed"),
    "a witness twice": (witnesses_of(lambda vkey: [vkey, vkey]), "is there twice, or is that of the log"),
    "a witness under two names": (two_names, "is there twice, or is that of the log"),
    "an empty passage": (claimed(passage=" "), "the passage is empty"),
    "the list with a field twice": (in_list(lambda data: data[:-2] + b',\n "passage": "x"\n}'), "a name occurs twice"),
    "the list with a blank": (in_list(lambda data: data + b" "), "is not in its only form"),
    "the list in another encoding": (in_list(lambda data: data.decode().encode("utf-16")), "malformed"),
    "the list with another type": (claimed(language=["de"]), "another type than it is defined with"),
    "the list of no key": (claimed(key=OTHER.verifier.vkey), "not signed by the key of the archive"),
    "a proof under another checkpoint": (another_checkpoint, "a proof is of another checkpoint"),
    "a number with a sign": (in_file("proofs/*.tlog-proof", "index ", "index +"), "is malformed"),
    "a stamp twice": (stamp_twice, "a stamp is there twice"),
    "a stamp with another number": (lambda f: signed(f, stamps=[manifest_of(f)["stamps"][0] | {"name": "log/stamp-01"}]), "an invalid description"),
    "wording: a hash beside the value": (hash_and_value, "has something else than a hash, or a salt and a value"),
    "a column that the redaction does not empty": (wrong_redaction("capture"), "hides a column without a redaction"),
    "a redaction of another row": (wrong_redaction("wording", row_id=0), "hides a column without a redaction"),
    "a redaction after a retention period": (wrong_redaction("wording", reason="retention"), "hides a column without a redaction"),
    "a row that runs back in time": (runs_back, "no correction of the clock between them"),
    "a stamp on another history": (stamp_of(b"archiv.example/log\n5\nAAAA\n\n"), "is of another history"),
    "a stamp on something else": (stamp_of(b""), "is on something else"),
    "a stamp outside of the log": (lambda f: signed(f, stamps=[{"name": "../x", "path": []}]), "an invalid description"),
    "a stamp with a name and a time": (lambda f: signed(f, stamps=[manifest_of(f)["stamps"][0] | {"authority": "PTB", "stamped_at": "2020"}]), "an invalid description"),
    "another root": (another_root(KEY), "is not in the log"),
    "another size": (another_root(KEY, 3), "DOES NOT HOLD"),
    "a file of no row": (extra("captures/00"), "belongs to no row"),
    "a link": (linked("texts/2.txt", "1.txt"), "is a link or not a regular file"),
    "a link out of the bundle": (linked("texts/2.txt", "/etc/hostname"), "is a link or not a regular file"),
    "a linked folder": (linked("more", ".."), "is a link or not a regular file"),
    "a listed file outside": (listed("../outside.txt"), "is missing"),
    "a listed absolute path": (listed("/etc/hostname"), "is missing"),
}  # fmt: skip
"""What somebody did who has the key of the log, and the answer."""

WITHOUT_KEY: dict[str, tuple[Attack, str]] = {
    "a byte of a capture": (changed("captures/*"), "was changed"),
    "a byte of a text": (changed("texts/1.txt"), "was changed"),
    "a byte of the report": (changed("report.html"), "was changed"),
    "a byte of a row": (changed("rows/*-derivation-*.json"), "was changed"),
    "a byte of a proof": (changed("proofs/*-verdict-*.tlog-proof"), "was changed"),
    "a byte of the list": (changed("manifest.json"), "DOES NOT HOLD"),
    "a byte of its signature": (changed("manifest.note"), "DOES NOT HOLD"),
    "another passage": (lambda f: replaced(f, "manifest.json", "in der Nacht", "in Kiel"), "the list of files is not the signed one"),
    "a check withheld": (lambda f: withhold(f, rows(f, "observation")[0]), "is missing"),
    "a file more": (lambda f: (f / "more.txt").write_text("x"), "does not belong to the bundle"),
    "a file less": (lambda f: (f / "report.html").unlink(), "is missing"),
    "the list signed by another key": (lambda f: signed(f, OTHER), "not signed by the key of the archive"),
    "a checkpoint by another key": (another_root(OTHER), "not signed by the key of the archive"),
    "all logged anew by another key": (partial(logged_anew, signer=OTHER), "not signed by the key of the archive"),
}  # fmt: skip

OLDER_LOG: dict[str, tuple[Attack, str]] = {
    "newer rows below an older checkpoint": (older_checkpoint(KEY), "DOES NOT HOLD"),
    "the same, without the key": (older_checkpoint(OTHER), "not signed by the key of the archive"),
    "an older checkpoint in its place": (older_file("log/checkpoint"), "log/checkpoint was changed"),
    "an older list of files": (older_file("manifest.note"), "the list of files is not the signed one"),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize(("attack", "answer"), WITH_KEY.values(), ids=WITH_KEY)
def test_a_forger_with_the_key_is_refused(folder, attack, answer):
    attack(folder)
    assert answer in refused(folder, *GIVEN)


@pytest.mark.few_cases
@pytest.mark.parametrize(("attack", "answer"), WITHOUT_KEY.values(), ids=WITHOUT_KEY)
def test_a_forger_without_the_key_is_refused(folder, attack, answer):
    attack(folder)
    assert answer in refused(folder, *GIVEN)


@pytest.mark.parametrize(("attack", "answer"), OLDER_LOG.values(), ids=OLDER_LOG)
def test_a_forger_with_an_older_log_is_refused(folder, attack, answer):
    attack(folder)
    assert answer in refused(folder, *GIVEN)


# ------------------------------------------------------------------- what holds, and what it says


def test_false_rows_that_are_logged_again_hold_and_a_checkpoint_from_outside_refuses_them(folder):
    """A key holder can write another log: only someone else's copy of the checkpoint shows it."""
    (folder.parent / "kept").write_bytes((folder / "log/checkpoint").read_bytes())
    set_plain(rows(folder, "observation")[0], observed_at="2020-01-01T00:00:00.000000+00:00")
    logged_anew(folder)
    code, told = checked(folder, *GIVEN)
    assert code == 0, told
    assert "seen from 2020-01-01" in told
    assert "    recorded at 2024-06-18T06:00:00.000000+00:00 as entry " in told, (
        "it contradicts itself"
    )
    assert "A key holder can log false rows in the first place" in told
    assert "cannot be compared" in refused(
        folder, *GIVEN, "--checkpoint", str(folder.parent / "kept")
    )
    assert "did not sign the checkpoint" in refused(
        folder, *GIVEN, "--witness", WITNESS.verifier.vkey
    )


def test_a_later_check_that_is_withheld_is_not_missed_and_the_answer_says_so(folder):
    gone = next(
        each for each in rows(folder, "observation") if row_in(each)[1]["outcome"] == "gone"
    )
    withhold(folder, gone)
    written_anew(folder)
    code, told = checked(folder, *GIVEN)
    assert code == 0, told
    assert ": gone" not in told
    assert "That no check and no later undoing is missing" in told


def test_a_withheld_change_keeps_a_later_scan_valid_and_the_answer_states_its_rows(folder):
    """The scan is real; that nothing changed up to it is said of the rows in the bundle alone."""
    later = rows(folder, "observation")[1:]
    withhold(
        folder,
        *later,
        *(each for table in ("verdict", "relation") for each in rows(folder, table)[1:]),
    )
    written_anew(folder)
    code, told = checked(folder, *GIVEN)
    assert code == 0, told
    assert "no change in this bundle up to the scan of 2024-06-18T13:00:00.000000+00:00" in told
    assert "Text 2" not in told


def test_the_table_in_the_docs_has_each_answer_of_these_tests():
    written = Path(__file__).parents[3].joinpath("docs/bundles.md").read_text()
    for attacks in (WITH_KEY, WITHOUT_KEY, OLDER_LOG, ZIPS):
        for _attack, answer in attacks.values():
            assert answer in written or answer == "DOES NOT HOLD", answer


def test_a_witness_of_his_own_making_holds_under_its_own_key_and_never_as_the_real_one(folder):
    own_witness(folder)
    code, told = checked(folder, *GIVEN)
    assert code == 0, told
    assert ": the owner of that key signed at 1970-01-01" in told
    assert WITNESS.verifier.vkey not in told
    found = Checkpoint.parse(Note.parse((folder / "log/checkpoint").read_text()).text)
    set_checkpoint(folder, found.signed(KEY))
    written_anew(folder, witnesses=[])
    assert "did not sign" in refused(folder, *GIVEN, "--witness", WITNESS.verifier.vkey)


def test_a_stamp_that_he_made_up_is_never_reported_as_one_and_openssl_refuses_it(folder):
    note = (folder / "log/stamp-1.note").read_bytes()
    (folder / "log/stamp-1.tsr").write_bytes(b"20200101000000Z" + sha256(note).digest())
    written_anew(folder)
    code, told = checked(folder, *GIVEN)
    assert code == 0, told
    assert "Its signature and time are not checked here." in told
    assert "2020" not in told + (folder / "report.html").read_text()
    command = re.findall(r"openssl ts -verify .*", (folder / "report.html").read_text())[0].split()
    assert subprocess.run(command, cwd=folder, capture_output=True).returncode != 0


def test_a_bundle_by_another_key_names_that_key_and_asks_to_compare_it(folder):
    logged_anew(folder, OTHER)
    code, told = checked(folder)
    assert code == 0, told
    assert f"signed by the key {OTHER.verifier.vkey}" in told
    assert KEY.verifier.vkey not in told
    assert "HOLDS, if the key is that of the archive: compare it" in told


def test_an_older_bundle_holds_and_says_how_long_the_log_was(folder):
    size = Checkpoint.parse(Note.parse((folder / "log/checkpoint").read_text()).text).size
    _code, told = checked(folder, *GIVEN)
    assert f"The checkpoint of {size} entries" in told
    newer = Checkpoint(KEY.verifier.name, size + 9, bytes(32)).signed(KEY)
    (folder.parent / "newer").write_text(newer)
    answer = refused(folder, "--checkpoint", str(folder.parent / "newer"))
    assert f"of {size + 9} entries, not of {size}" in answer
    other = Checkpoint(KEY.verifier.name, size, bytes(32)).signed(KEY)
    (folder.parent / "other").write_text(other)
    assert "two histories" in refused(folder, "--checkpoint", str(folder.parent / "other"))
    (folder.parent / "same").write_bytes((folder / "log/checkpoint").read_bytes())
    assert checked(folder, "--checkpoint", str(folder.parent / "same"))[0] == 0


# ----------------------------------------------------------------------------------------- zips


def members(packed: Path) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    with zipfile.ZipFile(packed) as found:
        for each in found.infolist():
            yield each, found.read(each)


def checked_zip(path: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", check_bundle.__file__, path, *GIVEN],
        cwd=path.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def member_twice(packed: zipfile.ZipFile) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("texts/1.txt", "x")


def huge_member(packed: zipfile.ZipFile) -> None:
    with packed.open("more.txt", "w") as stream:
        for _ in range(257):
            stream.write(bytes(1 << 20))


def unlisted_member(packed: zipfile.ZipFile) -> None:
    """Add a file that only programs see which read a zip from its beginning."""
    packed.writestr("report.html.", "x")
    packed.filelist.pop()


def linked_member(packed: zipfile.ZipFile) -> None:
    link = zipfile.ZipInfo("more.txt")
    link.external_attr = 0o120777 << 16
    packed.writestr(link, "/etc/hostname")


ZIPS = {
    "a member twice": (member_twice, "is there twice"),
    "a huge member": (huge_member, "is larger than this program reads"),
    "a member that is a link": (linked_member, "is a link or not a regular file"),
    "a member above": (lambda z: z.writestr("../more.txt", "x"), "points outside the bundle"),
    "a member of a file manager above": (lambda z: z.writestr("../.DS_Store", "x"), "points outside the bundle"),
    "an absolute member": (lambda z: z.writestr("/tmp/more.txt", "x"), "points outside the bundle"),
    "a member on a drive": (lambda z: z.writestr("C:/more.txt", "x"), "points outside the bundle"),
    "a member with backslashes": (lambda z: z.writestr("..\\more.txt", "x"), "points outside the bundle"),
    "a member in other case": (lambda z: z.writestr("REPORT.html", "x"), "does not belong to the bundle"),
    "a folder above": (lambda z: z.writestr("../more/", ""), "points outside the bundle"),
    "a folder with content": (lambda z: z.writestr("more/", "x"), "points outside the bundle"),
    "a member with a control character": (lambda z: z.writestr("report.html\x01/.DS_Store", "x"), "points outside the bundle"),
    "a member that is not listed": (unlisted_member, "bytes that belong to no file in its list"),
    "a comment": (lambda z: setattr(z, "comment", b"HOLDS"), "bytes that belong to no file in its list"),
    "a member more": (lambda z: z.writestr("more.txt", "x"), "does not belong to the bundle"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [(b"PK", b""), (b"", b"\0"), (b"x" * 30, b"")])
def test_bytes_around_a_zip_are_refused(packed, tmp_path, before, after):
    path = tmp_path / "b.zip"
    path.write_bytes(before + packed.read_bytes() + after)
    code, told = checked_zip(path)
    assert (code, "bytes that belong to no file in its list" in told) == (1, True), told


@pytest.mark.few_cases
@pytest.mark.parametrize(("attack", "answer"), ZIPS.values(), ids=ZIPS)
def test_a_zip_that_is_made_to_deceive_is_refused(packed, tmp_path, attack, answer):
    path = tmp_path / "b.zip"
    shutil.copyfile(packed, path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as found:
        attack(found)
    code, told = checked_zip(path)
    assert (code, answer in told) == (1, True), told


def test_a_member_that_is_longer_than_it_says_or_garbled_is_refused(packed, tmp_path):
    path = tmp_path / "b.zip"
    data = bytearray(packed.read_bytes())
    at = data.rindex(b"texts/1.txt") - 46  # its entry in the directory of the zip
    data[at + 24 : at + 28] = (5).to_bytes(4, "little")
    path.write_bytes(data)
    assert checked_zip(path)[0] == 1
    for cut in (0, 10, len(data) // 2, len(data) - 5):
        path.write_bytes(packed.read_bytes()[:cut])
        code, told = checked_zip(path)
        assert (code, told.startswith("DOES NOT HOLD: ")) == (1, True)


def test_json_that_is_nested_beyond_measure_gets_an_answer(folder):
    (folder / "manifest.json").write_text("[" * 200_000)
    assert "malformed" in refused(folder)


# --------------------------------------------------------------------------- as a user would do it


def lesart(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "worker", "proof", *arguments], capture_output=True, text=True,
        env=os.environ, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_user_checks_a_bundle_in_an_empty_folder_and_one_that_the_key_holder_backdated(
    small_archive, tmp_path
):
    vkey = json.loads(lesart("keygen", "--format", "jsonl"))["vkey"]
    key = Signer.parse((small_archive.parent / "proof.key").read_text())
    lesart("seed:seeds/pegel.txt@1..@2", "-o", "x.zip", "--report", "en")
    empty = tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile("x.zip") as found:
        found.extractall(empty)
    code, told = checked(empty, "--key", vkey)
    assert code == 0, told
    assert "  Text 1, w1:" in told
    assert "  Text 2, w1:" in told
    first, second = (row_in(each)[1] for each in rows(empty, "verdict"))
    first, path = first | {"derivation_id": second["derivation_id"]}, rows(empty, "verdict")[0]
    set_plain(path, **first)
    forging.written_anew(empty, key)
    assert "is not the row that was logged" in refused(empty, "--key", vkey)
    logged_anew(empty, key)
    assert "does not have the bytes of its text" in refused(empty, "--key", vkey)
