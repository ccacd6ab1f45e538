"""A listing names all files in a fixed order, everything that is no file, and whether it is complete."""

import os
import socket
from pathlib import Path

import pytest

from tests.sources.descriptors import open_descriptors
from worker.sources.containers.items import FoundFile, RefusedDocument
from worker.sources.folders import folder as listing_module
from worker.sources.folders.folder import DEEPEST, expand, walk


def told(listing) -> list[str]:
    """Iterate a listing and give the locators of its files; refusals follow their code."""
    return [
        entry.locator if isinstance(entry, FoundFile) else f"{entry.locator}!{entry.refused.code}"
        for entry in listing
    ]


def test_files_are_listed_below_all_folders_in_the_order_of_their_names(folder):
    for path in ("b.txt", "a/z.txt", "a/b/c.txt", "Z.txt", "ä.txt", "a.txt"):
        folder.write(path, "Text")
    expected = ["Z.txt", "a/b/c.txt", "a/z.txt", "a.txt", "b.txt", "ä.txt"]
    assert told(walk(folder.root)) == expected
    assert told(walk(folder.root)) == expected


@pytest.mark.parametrize(
    "name",
    [".swp", ".a.txt", "a.txt~", "a.tmp", "a.txt.part", "README", "README.md", ".git/a.txt"],
)
def test_ignored_names_are_passed_over_without_a_word(folder, name):
    folder.write(name, "Text")
    listing = walk(folder.root)
    assert told(listing) == []
    assert listing.rejected == 0
    assert listing.complete


@pytest.mark.parametrize("name", ["readme.txt", "MY_README.txt", "a.part.txt", "README.d/a.txt"])
def test_names_that_are_only_alike_are_listed(folder, name):
    folder.write(name, "Text")
    assert told(walk(folder.root)) == [name]


def test_a_special_file_is_reported_and_never_followed(folder, tmp_path):
    outside = tmp_path / "draussen"
    outside.mkdir()
    (outside / "geheim.txt").write_text("Geheim")
    (folder.root / "dangling.txt").symlink_to("nirgends")
    (folder.root / "folder").symlink_to(outside)
    (folder.root / "loop.txt").symlink_to("loop.txt")
    (folder.root / "link.txt").symlink_to(outside / "geheim.txt")
    (folder.root / "x.txt").mkdir()
    folder.write("y.html/a.txt", "Text")
    os.mkfifo(folder.root / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder.root / "socket.txt"))
        entries = list(walk(folder.root))
    words = {entry.locator: entry.refused.message.split(": ")[1] for entry in entries}
    assert {entry.refused.code for entry in entries} == {"not_regular_file"}
    assert words == {
        "dangling.txt": "a symbolic link.",
        "folder": "a symbolic link.",
        "loop.txt": "a symbolic link.",
        "link.txt": "a symbolic link.",
        "x.txt": "a folder.",
        "y.html": "a folder.",
        "pipe.txt": "a pipe.",
        "socket.txt": "a socket.",
    }


def test_a_hard_link_is_a_file(folder):
    first = folder.write("a.txt", "Text")
    os.link(first, folder.root / "b.txt")
    assert told(walk(folder.root)) == ["a.txt", "b.txt"]


def test_odd_names_are_found_and_their_locators_escaped(folder):
    names = ["-rf", "a\nb.txt", os.fsdecode(b"gie\xdf.txt"), "n" * 251 + ".txt", "con.txt"]
    for name in names:
        folder.write(name, "Text")
    found = list(walk(folder.root))
    assert sorted(entry.path for entry in found) == sorted(names)
    assert {r"a\x0ab.txt", r"gie\xdf.txt"} < {entry.locator for entry in found}
    assert all((folder.root / entry.path).stat().st_size == 4 for entry in found)


def test_the_stamp_is_what_stat_says(folder):
    status = folder.write("a.txt", "Texte").stat()
    (found,) = walk(folder.root)
    assert found.stamp == (5, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def test_the_figures_count_files_refusals_and_bytes(folder):
    folder.write("a.txt", "Text")
    folder.write("b/c.txt", "Texte")
    (folder.root / "d").symlink_to("a.txt")
    listing = walk(folder.root)
    assert not listing.complete
    told(listing)
    assert (listing.files, listing.rejected, listing.bytes) == (2, 1, 9)
    assert listing.complete


def digest_of(root: Path) -> str:
    listing = walk(root)
    told(listing)
    return listing.digest


def test_the_digest_is_equal_exactly_while_nothing_changes(folder):
    for number in range(1_100):
        folder.write(f"{number % 7}/{number}.txt", "Text")
    before = digest_of(folder.root)
    assert digest_of(folder.root) == before
    changed = folder.write("3/3.txt", "Text")
    os.utime(changed, ns=(1, 1))
    touched = digest_of(folder.root)
    assert touched != before
    changed.rename(folder.root / "3/drei.txt")
    assert digest_of(folder.root) not in {before, touched}


def test_a_missing_root_gives_an_incomplete_listing(tmp_path):
    listing = walk(tmp_path / "weg")
    assert told(listing) == ["!unreadable"]
    assert not listing.complete


def refuse_to_open(monkeypatch, folder_name: str, error: OSError) -> None:
    """Let the system refuse one folder: root is refused nothing by permissions."""
    really_open = os.open

    def fail(path, *args, **kwargs):
        if path == folder_name:
            raise error
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(listing_module.os, "open", fail)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(PermissionError(13, "x"), "its permissions forbid it", id="forbidden"),
        pytest.param(FileNotFoundError(2, "x"), "it vanished or never existed", id="vanished"),
        pytest.param(OSError(5, "Input/output error"), "input/output error", id="broken disk"),
    ],
)
def test_a_folder_that_cannot_be_listed_makes_the_listing_incomplete(
    folder, monkeypatch, error, reason
):
    folder.write("a.txt", "Text")
    folder.write("b/c.txt", "Text")
    folder.write("d.txt", "Text")
    refuse_to_open(monkeypatch, "b", error)
    listing = walk(folder.root)
    entries = list(listing)
    assert [entry.locator for entry in entries] == ["a.txt", "b", "d.txt"]
    assert entries[1].refused.code == "unreadable"
    assert reason in entries[1].refused.message
    assert not listing.complete


def test_folders_nested_too_deeply_are_reported_and_close_every_descriptor(folder):
    deep = folder.root
    for _ in range(DEEPEST + 5):
        deep /= "t"
    deep.mkdir(parents=True)
    open_before = open_descriptors()
    listing = walk(folder.root)
    (entry,) = list(listing)
    assert isinstance(entry, RefusedDocument)
    assert "nested deeper" in entry.refused.message
    assert not listing.complete
    assert open_descriptors() == open_before


def test_a_listing_that_is_left_early_closes_every_descriptor(folder):
    for path in ("a/b/c/1.txt", "a/b/c/2.txt"):
        folder.write(path, "Text")
    open_before = open_descriptors()
    entries = iter(walk(folder.root))
    next(entries)
    entries.close()
    assert open_descriptors() == open_before


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("*.txt", ["a.txt", "b.txt"], id="one folder"),
        pytest.param("2024/*.txt", ["c.txt"], id="below a folder"),
        pytest.param("20*/c.*", ["2024/c.txt"], id="folders too"),
        pytest.param("**/*.txt", ["2024/06/d.txt", "2024/c.txt", "a.txt", "b.txt"], id="any depth"),
        pytest.param("[a]?t*", ["a.txt"], id="sets and single signs"),
        pytest.param("2024/**", ["06/d.txt", "c.txt"], id="all below"),
        pytest.param("*.html", [], id="nothing"),
    ],
)
def test_a_pattern_lists_the_matching_files(folder, pattern, expected):
    for path in ("a.txt", "b.txt", "2024/c.txt", "2024/06/d.txt", "x.md", ".c.txt", "README.txt"):
        folder.write(path, "Text")
    listing = expand(pattern, folder.root)
    assert told(listing) == expected
    assert listing.complete


def test_a_pattern_does_not_enter_folders_that_it_cannot_match(folder, monkeypatch):
    folder.write("a.txt", "Text")
    folder.write("gross/b.txt", "Text")
    refuse_to_open(monkeypatch, "gross", AssertionError("entered"))
    assert told(expand("*.txt", folder.root)) == ["a.txt"]


def test_magic_signs_in_the_base_are_no_pattern(tmp_path):
    base = tmp_path / "a[1]"
    base.mkdir()
    (base / "b.txt").write_text("Text")
    assert told(expand("*.txt", base)) == ["b.txt"]


def test_a_file_that_has_the_name_of_a_pattern_is_taken_by_its_name(folder):
    folder.write("a[1].txt", "Text")
    folder.write("a1.txt", "Text")
    assert told(expand("a[1].txt", folder.root)) == ["a[1].txt"]


def test_a_file_that_is_named_is_listed_even_if_a_folder_would_ignore_it(folder):
    folder.write("2024/README.md", "Text")
    listing = expand("2024/README.md", folder.root)
    assert told(listing) == ["README.md"]
    assert listing.root == folder.root / "2024"


def test_a_named_link_is_not_followed(folder):
    folder.write("a.txt", "Text")
    (folder.root / "b.txt").symlink_to("a.txt")
    assert told(expand("b.txt", folder.root)) == ["b.txt!not_regular_file"]


def test_a_folder_may_be_a_link_where_it_is_the_source_itself(folder, tmp_path):
    folder.write("a.txt", "Text")
    (tmp_path / "verweis").symlink_to(folder.root)
    assert told(expand("verweis", tmp_path)) == ["a.txt"]


def test_a_missing_document_is_absent_but_a_missing_folder_may_be_unmounted(folder):
    missing_document = expand("weg.txt", folder.root)
    missing_folder = expand("weg", folder.root)
    assert told(missing_document) == ["weg.txt!unreadable"]
    assert told(missing_folder) == ["weg!unreadable"]
    assert missing_document.complete
    assert not missing_folder.complete
