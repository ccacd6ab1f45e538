"""A damaged SQLite file: `lesart` names the damage, whatever part of the file it is in."""

import json
import random
import shutil
from pathlib import Path

import pytest

from tests.flow.processes import lesart

PAGE = 1_024


def overwrite(path: Path, begin: int, size: int, filling: str) -> None:
    data = bytes(size) if filling == "zeros" else random.Random(begin).randbytes(size)
    with path.open("r+b") as stream:
        stream.seek(begin)
        stream.write(data)


def run(path: Path, *words: str) -> tuple[int, str, str]:
    ended = lesart(path.parent, *words, "--archive", str(path))
    assert "Traceback" not in ended.stderr
    assert "no archive" not in ended.stderr
    assert "internal error" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("filling", ["zeros", "garbage"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.9])
def test_overwritten_inner_pages_are_reported(path, part, filling):
    pages = path.stat().st_size // PAGE
    overwrite(path, int(pages * part) * PAGE, 8 * PAGE, filling)
    code, out, told = run(path, "verify", "--format", "json")
    if code == 4:  # they define tables: nothing of it can be read
        assert "is a damaged archive" in told
        return
    assert code == 1
    kinds = {(each["object"], each["kind"]) for each in json.loads(out)["findings"]}
    # a page in the middle of a long value belongs to no tree: the digest of the value is wrong then
    assert kinds & {("database", "page_damaged"), ("log_run", "run_wrong")}


@pytest.mark.large  # a verification for each page or so
@pytest.mark.parametrize("filling", ["zeros", "garbage"])
def test_any_overwritten_page_is_named(whole_file, tmp_path, filling):
    pages = whole_file.stat().st_size // PAGE
    silent = []
    for page in sorted({*range(1, 12), *range(12, pages, 97)}):
        path = Path(shutil.copy(whole_file, tmp_path))
        overwrite(path, page * PAGE, PAGE, filling)
        code, _out, told = run(path, "verify", "--format", "json")
        if code not in {1, 4}:
            silent.append((page, code, told[-300:]))
    assert silent == []


@pytest.mark.parametrize("part", [0.2, 0.5, 0.95])
def test_a_file_that_was_cut_off_is_named_as_damaged(path, part):
    with path.open("r+b") as stream:
        stream.truncate(int(path.stat().st_size * part) // PAGE * PAGE + 100)
    code, out, told = run(path, "verify", "--format", "json")
    assert code in {1, 4}
    assert "damaged" in out + told


@pytest.mark.parametrize("filling", ["zeros", "garbage"])
@pytest.mark.parametrize("begin", [0, 100], ids=["all of it", "behind the header"])
@pytest.mark.parametrize(
    "words", [("verify",), ("list",), ("up", "--once"), ("backup", "copy.sqlite3")], ids=" ".join
)
def test_a_damaged_first_page_is_named_as_damage(path, begin, filling, words):
    overwrite(path, begin, PAGE - begin, filling)
    before = path.read_bytes()
    code, _out, told = run(path, *words)
    assert code == 4
    assert "is a damaged archive" in told
    assert "lesart restore" in told
    assert path.read_bytes() == before


@pytest.mark.parametrize("filling", ["zeros", "garbage"])
def test_a_damaged_header_is_named_as_damage(path, filling):
    overwrite(path, 0, 100, filling)
    code, _out, told = run(path, "verify")
    assert code == 4
    assert "is a damaged archive" in told


def test_doctor_names_a_damaged_first_page(path):
    overwrite(path, 0, PAGE, "garbage")
    code, out, _told = run(path, "doctor")
    assert code == 1
    assert "is a damaged archive" in out


def test_a_text_is_still_no_archive(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Nothing of Lesart.\n" * 200)
    ended = lesart(tmp_path, "verify", "--archive", str(path))
    assert (ended.returncode, "is no archive of Lesart" in ended.stderr) == (3, True)
