"""`lesart redact`: its reports, refusals and exit codes."""

import errno
import json
import os
import pty
import sys
from contextlib import suppress
from unittest.mock import Mock

import pytest

from storage.cli.exits import run
from storage.write.redaction import redact_articles
from tests.flow.driver import SENTENCES, seed
from worker.cli import commands

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


@pytest.fixture
def command(capsys):
    def call(*arguments: str) -> tuple[int, list[dict], str]:
        code = run(commands.app, arguments)
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines() if line[:1] == "{"], err

    return call


def test_a_version_is_redacted_reported_and_listed(written, command):
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
    code, _, err = command("redact", given, "--passage", "nirgends", "--reason", "mistake")
    assert (code, "contains this passage: nothing was changed" in err) == (3, True)
    code, (told,), err = command("redact", given, "--reason", "court_order", "--by", "ada")
    assert (code, told["versions"]) == (0, plan["versions"])
    assert "backups" in err
    code, (shown,), err = command("show", given, "--format", "jsonl")
    assert (code, shown["text"], shown["title"], shown["flags"]) == (1, None, None, ["redacted"])
    for asked in (("raw", given), ("blame", given), ("cite", given), ("diff", f"{given}..@2")):
        code, _, err = command(*asked)
        assert (code, "was redacted" in err) == (1, True), asked
    code, (act,), _ = command("redact", "--list")
    assert (act["reason"], act["actor"], act["emptied"]["wording"]) == ("court_order", "ada", 1)
    assert command("verify")[0] == 0
    assert command("redact", given, "--reason", "mistake", "--no-scrub")[2].count(
        "nothing was changed"
    )


@pytest.mark.slow
def test_a_redacted_refusal_keeps_its_place_in_the_list(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    first, second = folder / "a.txt", folder / "b.txt"
    first.write_text(seed("Pegel steigt", SENTENCES[0]))
    second.write_text(seed("Damm hält", SENTENCES[1]))
    assert command("ingest", "in")[0] == 0
    first.write_text(" ")
    second.write_text("  ")
    assert command("ingest", "in")[0] == 1
    list_them = ("refusals", "--format", "jsonl")
    before = command(*list_them)[1]
    assert [row["locator"] for row in before] == [each.as_uri() for each in (first, second)]
    given = ("redact", first.as_uri(), "--addresses", "--reason", "mistake")
    assert command(*given)[0] == 0
    after = command(*list_them)[1]
    assert after[0]["locator"].startswith("redacted:")
    assert [row["at"] for row in after] == [row["at"] for row in before]
    assert after[1] == before[1]
    query = "SELECT locator FROM refusals ORDER BY seq"
    assert command("sql", query)[1][0]["locator"] == second.as_uri(), "but it is renewed"


@pytest.mark.parametrize(
    "words",
    [
        ("--retention",),
        ("--list",),
        ("--finish",),
        ("--list-restricted",),
        ("--reason", "gdpr_restriction"),
        ("--passage", "3,6", "--reason", "gdpr_restriction"),
        ("--restrict", "--lift", "--reason", "mistake"),
        ("--restrict", "--passage", "3,6", "--reason", "mistake"),
        ("--passage", "d", "--reason", "mistake"),
        ("--passage", "Redacted]", "--reason", "mistake"),
        ("--restrict", "--retention", "--reason", "mistake"),
    ],
)
def test_an_order_that_cannot_be_carried_out_whole_is_refused(written, command, words):
    assert command("redact", written.article, *words)[0] == 2
    assert command("show", written.article)[0] == 0, "nothing was changed"


def test_an_article_is_restricted_reported_and_shown_again(written, command):
    article = written.article
    assert command("redact", article, "--restrict")[0] == 2, "a reason is missing"
    why = ("--reason", "gdpr_restriction", "--by", "ada")
    assert command("redact", f"{article}@1", "--restrict", *why)[0] == 2, "of whole articles alone"
    assert command("redact", article, "--restrict", "--dry-run", *why)[0] == 0
    assert command("show", article)[0] == 0, "nothing was changed"
    assert command("redact", article, "--restrict", *why)[0] == 1, "a copy has the same text"
    code, (told,), _ = command("redact", article, "--restrict", "--with-copies", *why)
    assert (code, told["changed"]) == (0, 2)
    code, (shown,), err = command("show", f"{article}@1", "--format", "jsonl")
    assert (code, shown["text"], shown["flags"]) == (1, None, ["restricted"])
    assert "restricted" in err
    for asked in (("raw", article), ("blame", article), ("cite", article), ("diff", article)):
        code, _, err = command(*asked)
        assert (code, "is restricted" in err) == (1, True), asked
    assert "2 articles are restricted" in command("export")[2]
    assert command("verify")[0] == 0
    code, (listed, _of_copy), _ = command("redact", "--list-restricted")
    assert (listed["reason"], listed["actor"], listed["lifted_at"]) == (why[1], "ada", None)
    assert command("redact", article, "--lift", "--by", "bea")[1][0]["changed"] == 2
    assert command("show", article)[0] == 0
    assert "restricted" not in command("export")[2]
    assert command("redact", "--list-restricted")[1][0]["lifted_by"] == "bea"


def test_bytes_whose_time_is_over_are_reported_before_they_go(written, command, monkeypatch):
    monkeypatch.setenv("LESART_RETAIN_CAPTURES", "1h")
    code, told, _ = command("redact", "--retention", "--dry-run")
    assert (code, sum(each["captures"] for each in told) > 0) == (0, True)
    assert command("raw", f"{written.article}@1", "-o", "a.html")[0] == 0, "nothing was changed"
    assert command("redact", "--retention")[0] == 0
    code, _, err = command("raw", f"{written.article}@1")
    assert (code, "after its retention period" in err, "nothing was redacted" in err) == (
        1,
        True,
        True,
    )
    assert command("show", f"{written.article}@1")[0] == 0
    code, _, err = command("verify")
    assert (code, "0 redacted" in err, "no bytes after their retention" in err) == (
        0,
        True,
        True,
    )
    assert sum(each["captures"] for each in command("redact", "--retention")[1]) == 0


QUESTIONS = {
    "version": (("ARTICLE@1", "--reason", "mistake"), ("blame", "ARTICLE@1")),
    "passage": (("ARTICLE", "--passage", "3,6", "--reason", "mistake", "--with-copies"), ("cite", "ARTICLE@1", "--passage", "3,6")),
    "retention": (("--retention",), ("raw", "ARTICLE@1", "-o", "a.html")),
}  # fmt: skip
"""Orders that ask on a terminal, each with a command that fails once it was carried out."""


@pytest.mark.few_cases
@pytest.mark.parametrize("order", QUESTIONS)
@pytest.mark.parametrize(
    ("answer", "words", "is_asked", "exits"),
    [("n", (), True, 1), ("", (), True, 1), ("y", (), True, 0), ("n", ("--yes",), False, 0)],
    ids=["no", "nothing", "yes", "--yes"],
)
def test_on_a_terminal_it_is_removed_after_a_question(
    written, command, monkeypatch, order, answer, words, is_asked, exits
):
    monkeypatch.setenv("LESART_RETAIN_CAPTURES", "1h")
    given, left = (
        [word.replace("ARTICLE", written.article) for word in each] for each in QUESTIONS[order]
    )
    assert command(*left)[0] == 0
    outer, inner = pty.openpty()
    os.write(outer, f"{answer}\n".encode())
    keys, screen = os.fdopen(inner), os.fdopen(os.dup(inner), "w")
    with monkeypatch.context() as terminal, keys, screen:
        terminal.setattr(sys, "stdin", keys)
        terminal.setattr(sys, "stderr", screen)
        code, _, _ = command("redact", *given, *words)
    shown = ""
    with suppress(OSError):  # the end: the other side is closed
        while piece := os.read(outer, 65_536):
            shown += piece.decode()
    os.close(outer)
    assert (code, "for good?" in shown) == (exits, is_asked)
    assert ("nothing was changed" in shown) == (exits == 1)
    assert (command(*left)[0] == 0) == (exits == 1)


def test_an_old_backup_is_redacted_again_when_it_comes_back(written, command, tmp_path):
    backup, listed = tmp_path / "old.sqlite3", tmp_path / "redactions.jsonl"
    assert command("backup", str(backup))[0] == 0
    command("redact", f"{written.article}@1", "--reason", "court_order", "--no-scrub")
    assert command("redact", "--list", "--format", "jsonl", "-o", str(listed))[0] == 0
    elsewhere = ("--archive", str(tmp_path / "new.sqlite3"))
    code, _, err = command("restore", str(backup), "--redactions", str(listed), *elsewhere)
    assert (code, "repeated 1 redaction" in err) == (0, True)
    assert command("show", f"{written.article}@1", *elsewhere)[0] == 1
    assert command("show", f"{written.article}@2", *elsewhere)[0] == 0


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_restored_archive_that_was_not_redacted_again_is_completed_by_the_same_command(
    written, command, tmp_path, monkeypatch, request, database
):
    """A file does not appear before its texts were removed."""
    backup, listed, new = (tmp_path / name for name in ("old.sqlite3", "acts.jsonl", "new.sqlite3"))
    command("backup", str(backup))
    command("redact", f"{written.article}@1", "--reason", "court_order", "--no-scrub")
    command("redact", "--list", "--format", "jsonl", "-o", str(listed))
    place = str(new) if database == "sqlite" else request.getfixturevalue("postgres_url")
    (tmp_path / "late.txt").write_text(seed("Pegel fällt", *SENTENCES[2:]), "utf-8")
    words = ("restore", str(backup), "--redactions", str(listed), "--archive", place)
    with monkeypatch.context() as failing:
        lost = OSError(errno.EIO, os.strerror(errno.EIO))
        failing.setattr(redact_articles, "empty_ordered", Mock(side_effect=lost))
        assert command(*words)[0] == 4
    assert not new.exists()
    if database == "postgresql":
        another = tmp_path / "another.sqlite3"
        command("ingest", str(tmp_path / "late.txt"))
        command("backup", str(another))
        assert command("restore", str(another), *words[2:])[0] == 2, "it is not that backup"
    assert command(*words)[0] == 0
    assert command("show", f"{written.article}@1", "--archive", place)[0] == 1
    assert command(*words)[0] == 2, "the archive is complete now"


@pytest.mark.parametrize("content", ["{", "[1]", '{"archive": "another"}', '{"rows": 1}'])
def test_a_malformed_list_of_redactions_is_refused(written, command, tmp_path, content):
    backup, listed = tmp_path / "old.sqlite3", tmp_path / "redactions.jsonl"
    command("backup", str(backup))
    listed.write_text(content)
    options = ("--redactions", str(listed), "--archive", str(tmp_path / "new.sqlite3"))
    code, _, err = command("restore", str(backup), "--no-verify", *options)
    assert (code, "redactions" in err) == (2, True)


def test_the_plan_of_a_passage_shows_the_words_around_each_place(written, command):
    """A short passage is a part of other words: they are seen before anything happens."""
    given = ("redact", written.article, "--dry-run", "--passage")
    (plan,) = command(*given, "egel")[1]
    around = {(each["before"], each["passage"], each["after"][:8]) for each in plan["places"]}
    assert ("Der P", "egel", " der Loh") in around
    assert command(*given, "egel", "--whole-words")[1][0]["places"] == []
    (plan,) = command(*given, "pegel", "--whole-words")[1]
    assert {each["passage"] for each in plan["places"]} == {"Pegel"}
    for wrong in ((*given[:3], "--whole-words"), (*given, "…!")):
        assert command(*wrong)[0] == 2
