"""The command that takes things out again: what it tells, what it refuses, how it ends."""

import json

import pytest

from storage.cli.exits import run
from worker.cli import commands


@pytest.fixture
def command(capsys):
    def call(*arguments: str) -> tuple[int, list[dict], str]:
        code = run(commands.app, arguments)
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines() if line[:1] == "{"], err

    return call


def test_a_version_is_redacted_told_and_listed(written, command):
    given = f"{written.article}@1"
    code, (plan,), _ = command("redact", given, "--dry-run")
    assert (code, plan["texts"], plan["addresses_kept"]) == (0, 1, [written.article])
    assert command("show", given)[0] == 0, "nothing was changed"
    assert command("redact", given)[0] == 2, "a reason is missing"
    assert command("redact", given, "--reason", "retention")[0] == 2
    assert command("redact", "--reason", "mistake")[0] == 2
    assert command("redact", "nothing/there", "--reason", "mistake")[0] == 3
    code, (hits,), _ = command("redact", given, "--passage", "3,6", "--dry-run")
    assert (code, hits["readings"]) == (0, 1)
    assert command("redact", given, "--passage", " ", "--reason", "mistake")[0] == 2
    code, (told,), err = command("redact", given, "--reason", "court_order", "--by", "ada")
    assert (code, told["versions"]) == (0, plan["versions"])
    assert "backups" in err
    code, (shown,), err = command("show", given, "--format", "jsonl")
    assert (code, shown["text"], shown["title"], shown["flags"]) == (1, None, None, ["redacted"])
    for asked in (("raw", given), ("blame", given), ("cite", given), ("diff", f"{given}..@2")):
        code, _, err = command(*asked)
        assert (code, "was redacted here" in err) == (1, True), asked
    code, (act,), _ = command("redact", "--list")
    assert (act["reason"], act["actor"], act["emptied"]["wording"]) == ("court_order", "ada", 1)
    assert command("verify")[0] == 0
    assert command("redact", given, "--reason", "mistake", "--no-scrub")[2].count("nothing left")


def test_an_old_backup_is_redacted_again_when_it_comes_back(written, command, tmp_path):
    backup, listed = tmp_path / "old.sqlite3", tmp_path / "redactions.jsonl"
    assert command("backup", str(backup))[0] == 0
    command("redact", f"{written.article}@1", "--reason", "court_order", "--no-scrub")
    assert command("redact", "--list", "--format", "jsonl", "-o", str(listed))[0] == 0
    elsewhere = ("--archive", str(tmp_path / "new.sqlite3"))
    code, _, err = command("restore", str(backup), "--redactions", str(listed), *elsewhere)
    assert (code, "1 redactions were carried out again" in err) == (0, True)
    assert command("show", f"{written.article}@1", *elsewhere)[0] == 1
    assert command("show", f"{written.article}@2", *elsewhere)[0] == 0


@pytest.mark.parametrize("content", ["{", "[1]", '{"archive": "another"}', '{"rows": 1}'])
def test_what_is_no_list_of_redactions_is_refused(written, command, tmp_path, content):
    backup, listed = tmp_path / "old.sqlite3", tmp_path / "redactions.jsonl"
    command("backup", str(backup))
    listed.write_text(content)
    options = ("--redactions", str(listed), "--archive", str(tmp_path / "new.sqlite3"))
    code, _, err = command("restore", str(backup), "--no-verify", *options)
    assert (code, "redactions" in err) == (2, True)
