"""The commands of the log as a user types them."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database.engine import database_url, writing_engine
from storage.proof.note import Checkpoint, Note, Signer, Verifier
from tests.authority import authority, serving

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


@pytest.fixture
def keyed(written, lesart) -> dict[str, str]:
    """Give an archive that has a key; its public half."""
    code, out, told = lesart("proof", "keygen", "--format", "json")
    assert code == 0, told
    return json.loads(out)[0] if out.startswith("[") else json.loads(out)


def test_without_a_key_the_way_to_one_is_reported(written, lesart):
    code, _out, told = lesart("proof", "checkpoint")
    assert code == 2
    assert "lesart proof keygen" in told


def test_a_key_is_made_once_and_read_by_its_owner_alone(keyed, lesart):
    assert Path(keyed["key"]).stat().st_mode & 0o777 == 0o600
    assert Verifier.parse(keyed["vkey"]).name == keyed["origin"]
    code, _out, told = lesart("proof", "keygen")
    assert code == 2
    assert "--rotate" in told
    code, out, _told = lesart("proof", "keygen", "--rotate", "--format", "json")
    assert code == 0
    assert keyed["vkey"] not in out


def test_a_checkpoint_is_checked_against_later(keyed, lesart):
    assert lesart("proof", "checkpoint", "-o", "kept.txt")[0] == 0
    note = Note.parse(Path("kept.txt").read_text())
    note.require([Verifier.parse(keyed["vkey"])])
    code, _out, told = lesart("verify", "--against", "kept.txt")
    assert code == 0
    assert "level: checked against a copy outside" in told
    found = Checkpoint.parse(note.text)
    forged = Checkpoint(found.origin, found.size + 50, bytes(32))
    Path("longer.txt").write_text(forged.signed(Signer.parse(Path(keyed["key"]).read_text())))
    code, out, told = lesart("verify", "--against", "longer.txt", "--format", "json")
    assert code == 1
    assert "log_shorter" in out
    assert "no level holds" in told


@pytest.mark.slow
def test_an_archive_that_was_set_back_is_found_by_its_last_checkpoint(keyed, lesart, small_archive):
    """A failover that loses commits, and an older backup, look the same."""

    def findings() -> dict[str, str]:
        rows = map(json.loads, lesart("doctor", "--format", "jsonl")[1].splitlines())
        return {each["check"]: each["state"] for each in rows}

    assert lesart("proof", "checkpoint")[0] == 0
    before = small_archive.read_bytes()
    assert findings()["log"] == "ok"
    Path("neu.txt").write_text(" date 2024-06-18 Neu\nEin neuer Text.\n", "utf-8")
    assert lesart("ingest", "neu.txt")[0] == 0
    assert lesart("proof", "checkpoint")[0] == 0
    small_archive.write_bytes(before)
    for name in ("-wal", "-shm"):
        small_archive.with_name(f"{small_archive.name}{name}").unlink(missing_ok=True)
    assert findings()["log"] == "broken"
    assert lesart("proof", "checkpoint")[0] == 0  # the proof of what was lost is not overwritten
    assert findings()["log"] == "broken"


def test_a_changed_row_is_named_on_the_command_line(keyed, lesart, written):
    assert lesart("proof", "checkpoint")[0] == 0
    engine = writing_engine(database_url(str(Path("lesart-data/lesart.sqlite3"))))
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER guard_verdict_update"))
        number = connection.execute(text("SELECT min(id) FROM verdict")).scalar_one()
        connection.execute(
            text("UPDATE verdict SET kind = 'copies' WHERE id = :id"), {"id": number}
        )
    engine.dispose()
    code, _out, told = lesart("proof", written.article, "-o", "b.zip")
    assert (code, Path("b.zip").exists()) == (3, False)
    assert f"verdict {number} is not the row that was logged; see `lesart verify`" in told
    code, out, _told = lesart("verify", "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert ("verdict", number, "row_changed") in [
        (each["object"], each["id"], each["kind"]) for each in found
    ]


@pytest.mark.parametrize("options", [["--sample", "7"], ["--sample", "x%"], ["--after", "x"],
                                     ["--since", "gestern"]])  # fmt: skip
def test_wrong_options_of_verify_are_refused(written, lesart, options):
    assert lesart("verify", *options)[0] == 2


def test_a_part_is_verified_and_a_run_goes_on(keyed, lesart):
    for options in (["--sample", "50%"], ["--since", "2020-01-01"], ["--after", "log:3"]):
        assert lesart("verify", *options)[0] == 0


def test_tiles_and_a_bundle_are_written(keyed, lesart, written):
    code, out, _told = lesart("proof", "tiles", "out", "--format", "json")
    assert code == 0
    assert (Path("out/checkpoint").exists(), Path("out/tile/0").is_dir()) == (True, True)
    assert "another history" not in out
    code, _out, told = lesart("proof", written.article, "-o", "b.zip", "--report", "en")
    assert code == 0, told
    with zipfile.ZipFile("b.zip") as found:
        found.extractall("b")
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", "--key", keyed["vkey"]], cwd="b", capture_output=True,
        text=True,
    )  # fmt: skip
    assert (done.returncode, "HOLDS" in done.stdout) == (0, True), done.stdout
    assert lesart("proof", written.article)[0] == 2, "a bundle is a file"
    assert lesart("proof", "gibtesnicht", "-o", "c.zip")[0] == 3


def test_authorities_stamp_a_checkpoint_and_the_state_is_reported(keyed, lesart, monkeypatch):
    one = authority("one")
    with serving(one) as url:
        Path("list").write_text(f"authority uni {url} {one.root}\n")
        monkeypatch.setenv("LESART_PROOF_AUTHORITIES", "list")
        code, out, _told = lesart("proof", "stamps", "--format", "json")
        assert (code, json.loads(out)[0]["state"]) == (0, "waiting")
        code, _out, told = lesart("proof", "checkpoint", "-o", "kept.txt")
        assert code == 0
        assert "uni: stamped at" in told
    code, out, _told = lesart("proof", "stamps", "--format", "json")
    assert (code, json.loads(out)[0]["state"]) == (0, "stamped")
    code, _out, told = lesart("verify")
    assert code == 0, told
    assert "level: stamped" in told
    assert lesart("proof", "keygen", "--rotate")[0] == 0
    code, _out, told = lesart("proof", "checkpoint", "-o", "later.txt")
    code, out, _told = lesart("proof", "stamps", "--format", "json")
    assert (code, json.loads(out)[0]["state"]) == (0, "failed"), "the newest has no stamp"
    Path("list").write_text("authority uni\n")
    code, _out, told = lesart("proof", "stamps")
    assert (code, "line 1" in told) == (2, True)
