"""A plain or gzipped document is one capture: its bytes, bit for bit."""

import gzip
import io
import zlib

import pytest

from worker.sources.containers.items import Item, Limits, RefusedDocument, UnsettledFile
from worker.sources.folders.members import MemberHints, members_of_bytes, members_of_input
from worker.text.file_types import detect_type

SEED = "date 2024-06 Ruderclub tauft Boot\n\nDer Ruderclub hat ein Boot getauft."


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.txt", "seed"), ("a.md", "markdown"), ("a.html", "html"), ("a", "seed")],
)
def test_a_document_is_one_item_with_its_bytes(folder, name, kind):
    data = SEED.encode() + b"\r\n\xff"
    assert folder.holds(name, data) == [Item(name, "", data, kind)]


def test_a_gzipped_document_is_the_same_capture_of_the_same_origin(folder):
    (plain,) = folder.holds("2024/a.txt", SEED)
    (packed,) = folder.holds("2024/a.txt.gz", gzip.compress(SEED.encode()))
    assert packed == Item("2024/a.txt.gz", "", SEED.encode(), "seed")
    assert (packed.raw, packed.origin_path) == (plain.raw, plain.origin_path)


@pytest.mark.parametrize("padding", [b"", b"\0" * 600], ids=["bare", "padded with zeros"])
def test_a_gzip_of_several_parts_is_one_text(folder, padding):
    data = gzip.compress(b"date 2024-06 Ein") + gzip.compress(b"s\n\nZwei.") + padding
    assert folder.holds("a.txt.gz", data)[0].raw == b"date 2024-06 Eins\n\nZwei."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(gzip.compress(SEED.encode() * 50)[:-9], "end of its gzip data", id="cut off"),
        pytest.param(gzip.compress(SEED.encode())[:5], "end of its gzip data", id="only a head"),
        pytest.param(gzip.compress(b"x")[:-8] + b"\0" * 8, "damaged", id="wrong checksum"),
        pytest.param(gzip.compress(SEED.encode()) + b"und mehr", "other bytes", id="more behind"),
        pytest.param(SEED.encode(), "no gzip data", id="never packed"),
        pytest.param(b"", "no gzip data", id="empty"),
    ],
)
def test_a_damaged_gzip_is_refused_and_nothing_of_it_taken(folder, codes, data, reason):
    (rejected,) = folder.holds("a.txt.gz", data)
    assert rejected.refused.code == "archive_unsafe"
    assert reason in rejected.refused.message


def test_a_gzip_bomb_is_refused_once_it_has_grown_too_large(folder):
    folder.limits = Limits(document=100_000)
    packed = gzip.compress(b"0" * 5_000_000)
    (rejected,) = folder.holds("a.txt.gz", packed)
    assert rejected.refused.code == "too_large_decoded"
    assert "100000" in rejected.refused.message


def test_a_gzip_bomb_is_not_unpacked_further_than_its_limit(monkeypatch):
    written = 0
    really = zlib.decompressobj

    class Counting:
        def __init__(self, **options):
            self._inner = really(**options)

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def decompress(self, data, most):
            nonlocal written
            piece = self._inner.decompress(data, most)
            written += len(piece)
            return piece

    monkeypatch.setattr("worker.sources.containers.gunzip.zlib.decompressobj", Counting)
    hints = MemberHints(detect_type, limits=Limits(document=100_000))
    list(members_of_bytes("a.txt.gz", gzip.compress(b"0" * 20_000_000), hints))
    assert 100_000 < written < 400_000


def test_gzip_in_gzip_is_refused(folder, codes):
    data = gzip.compress(gzip.compress(SEED.encode()))
    assert codes(folder.holds("a.txt.gz.gz", data)) == [("", "archive_unsafe")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("a.txt", b"GIF89a", id="GIF"),
        pytest.param("a.txt", b"PK\3\4\0\0", id="zip"),
        pytest.param("a.txt", b"\x89PNG\r\n\x1a\n", id="PNG"),
        pytest.param("a.txt", b"\x7fELF\2\1", id="ELF"),
        pytest.param("a.txt", gzip.compress(b"x"), id="gzip"),
        pytest.param("a.json", b"\x89PNG\r\n\x1a\n", id="PNG as JSON"),
        pytest.param("a.txt.gz", gzip.compress(b"GIF89a"), id="GIF in gzip"),
    ],
)
def test_a_document_that_is_no_text_is_refused_under_any_name_and_kept(folder, name, data):
    (rejected,) = folder.holds(name, data)
    assert rejected.refused.code == "not_text"
    assert rejected.raw == (gzip.decompress(data) if name.endswith(".gz") else data)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_picture_named_like_a_list_is_refused_once(folder, codes, name):
    picture = b"\x89PNG\r\n\x1a\n" + b"\n\0,\n" * 500
    assert codes(folder.holds(name, picture)) == [("", "not_text")]


@pytest.mark.parametrize("name", ["a.tar.xz", "a.7z", "a.txt.bz2", "a.warc.zst"])
def test_file_types_that_are_not_read_are_named(folder, codes, name):
    assert codes(folder.holds(name, "egal")) == [("", "type_unknown")]


def test_a_document_above_the_limit_is_refused(folder, codes):
    folder.limits = Limits(document=10)
    assert codes(folder.holds("a.txt", "12345678901")) == [("", "too_large")]
    assert codes(folder.holds("a.txt", "1234567890")) == [("", "item")]


def test_a_fresh_file_comes_as_unsettled_and_can_be_waited_for(folder, codes):
    folder.write("a.txt", SEED, age_ns=0)
    (outcome,) = folder.capture("a.txt")
    assert isinstance(outcome, UnsettledFile)
    assert codes(folder.capture("a.txt", wait=True)) == [("", "item")]


def test_a_named_type_goes_before_the_name(folder):
    assert folder.holds("a.txt", SEED, "markdown") == [Item("a.txt", "", SEED.encode(), "markdown")]
    for raw in (b"%PDF-1.7 \n", b"GIF89a"):
        (rejected,) = folder.holds("a.txt", raw, "seed")
        assert rejected.refused.code == "not_text"


def from_input(
    data: bytes, kind: str, limits: Limits | None = None
) -> list[Item | RefusedDocument]:
    hints = MemberHints(detect_type, limits=limits or Limits(), type=kind)
    return list(members_of_input(io.BytesIO(data), hints))


def test_standard_input_holds_what_its_type_says():
    assert from_input(SEED.encode(), "seed") == [Item("-", "", SEED.encode(), "seed")]
    items = from_input(b'{"id": "a"}\n{"id": "b"}\n', "jsonl")
    assert [item.member for item in items] == ["#a", "#b"]


def test_standard_input_may_be_gzipped():
    assert from_input(gzip.compress(SEED.encode()), "seed")[0].raw == SEED.encode()


def test_a_zip_on_standard_input_is_bounded():
    (rejected,) = from_input(b"x" * 101, "zip", Limits(list=100))
    assert rejected.refused.code == "too_large"
