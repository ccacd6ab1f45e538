"""Detection of the document type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.arrivals.formats import DOCUMENT_TYPES
from storage.values.refusals import RefusalReason
from worker.text.file_types import detect_type


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.txt", b"date 2024 A", "seed"),
        ("a.TXT", b"date 2024 A", "seed"),
        ("a.txt.gz", b"date 2024 A", "seed"),
        ("a.txt", b"<html><p>A", "seed"),
        ("a.txt", b"", "seed"),
        ("a.md", b"# A", "markdown"),
        ("a.markdown", b"# A", "markdown"),
        ("a.htm", b"<p>", "html"),
        ("a.xhtml", b"<?xml version='1.0'?><html>", "html"),
        ("a.json", b"{", "json"),
        ("a.ndjson", b"{}", "jsonl"),
        ("a.csv", b"title,text", "csv"),
        ("a.tsv", b"title\ttext", "tsv"),
        ("seite", b"\n <!DOCTYPE html><title>", "html"),
        ("seite", b"<!-- gespeichert --><HTML lang=de>", "html"),
        ("seite.aspx", b"<html>", "html"),
        ("eins", b'{"title": "A"}', "json"),
        ("eins", b"---\ntitle: A\n---\n", "markdown"),
        ("eins", b"\xef\xbb\xbf date 2024-06 A", "seed"),
        ("eins", b"Nur ein Satz.", "seed"),
        ("2024.06.18", b"Nur ein Satz.", "seed"),
        ("brand.seed", b" date Juni 2024 A", "seed"),
        ("bmw.txt", b"BMW ruft Autos zurueck", "seed"),
        ("mz.txt", b"MZ: Die Zeitung", "seed"),
    ],
)
def test_a_text_type_is_detected_by_name_and_content(name: str, head: bytes, kind: str) -> None:
    assert detect_type(name, head) == kind


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"GIF89a", "GIF"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"\x89PNG\r\n\x1a\n\0", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x7fELF\x02", "ELF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
        (b"SQLite format 3\0", "SQLite"),
        (b"a" * 257 + b"ustar\0", "tar"),
        (b"{\\rtf1\\ansi", "RTF"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.json", "a"])
def test_bytes_that_are_no_text_are_refused_under_any_name(
    name: str, head: bytes, named: str
) -> None:
    found = detect_type(name, head)
    assert isinstance(found, RefusalReason)
    assert (found.code, named in found.message) == ("not_text", True)


@pytest.mark.parametrize(("name", "head"), [("a.py", b"import os"), ("feed", b"<?xml ?><rss>")])
def test_an_unsupported_type_is_unknown(name: str, head: bytes) -> None:
    found = detect_type(name, head)
    assert isinstance(found, RefusalReason)
    assert found.code == "type_unknown"


@given(st.text(max_size=20), st.binary(max_size=300))
def test_no_name_and_no_bytes_make_detection_fail(name: str, head: bytes) -> None:
    found = detect_type(name, head)
    assert isinstance(found, RefusalReason) or found in DOCUMENT_TYPES
