"""Members of tar and zip are captures; unsafe ones are refused alone, bombs end the archive."""

import gzip
import io
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sources.containers.gunzip import UnsafeArchiveError
from worker.sources.containers.items import Item, Limits, RefusedDocument
from worker.sources.containers.tar_zip import MOST_HEADER_BYTES, tar_members
from worker.sources.folders.members import MemberHints, members_of_bytes
from worker.text.file_types import detect_type

TEXT = b"date 2024-06 Regen\n\nEs regnet seit gestern."


def holds(name: str, raw: bytes, limits: Limits | None = None) -> list[Item | RefusedDocument]:
    return list(members_of_bytes(name, raw, MemberHints(detect_type, limits=limits or Limits())))


def told(outcomes: list[Item | RefusedDocument]) -> list[str]:
    return [
        f"{outcome.member}!{outcome.refused.code}"
        if isinstance(outcome, RefusedDocument)
        else outcome.member
        for outcome in outcomes
    ]


def tar_of(*members: tuple[str | tarfile.TarInfo, bytes], style: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as archive:
        for member, data in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = info.size or len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes], packed: bool = True) -> bytes:
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that stand twice
        for member, data in members:
            archive.writestr(member, data, compress_type=method)
    return buffer.getvalue()


PACKERS = [
    pytest.param("a.tar", tar_of, id="tar"),
    pytest.param("a.tar.gz", lambda *m: gzip.compress(tar_of(*m)), id="tar.gz"),
    pytest.param("a.tgz", lambda *m: gzip.compress(tar_of(*m)), id="tgz"),
    pytest.param("a.zip", zip_of, id="zip"),
]


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_members_are_items_of_their_own_types(name, pack):
    outcomes = holds(
        name,
        pack(
            ("2024/a.txt", TEXT),
            ("b.md", b"# Regen\n\nText"),
            ("c.txt.gz", gzip.compress(TEXT)),
            ("d.jsonl", b'{"id": "x"}\n{"id": "y"}\n'),
            ("e.csv.gz", gzip.compress(b"id,text\n7,Text\n")),
            ("f.json", b"[{}, {}]"),
            ("./g//h.html", b"<html></html>"),
        ),
    )
    assert [(item.member, item.type) for item in outcomes] == [
        ("#2024/a.txt", "seed"),
        ("#b.md", "markdown"),
        ("#c.txt", "seed"),
        ("#d.jsonl#x", "json"),
        ("#d.jsonl#y", "json"),
        ("#e.csv#7", "csv"),
        ("#f.json#1", "json"),
        ("#f.json#2", "json"),
        ("#g/h.html", "html"),
    ]
    assert outcomes[0].raw == outcomes[2].raw == TEXT
    assert outcomes[0].origin_path == name.removesuffix(".gz") + "#2024/a.txt"


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_ignored_names_are_ignored_inside_too(name, pack):
    members = ["README.md", ".DS_Store", "__MACOSX/._a.txt", "a/.git/b.txt", "c.txt~", "d.part"]
    assert holds(name, pack(*((member, TEXT) for member in members))) == []


@pytest.mark.parametrize(("name", "pack"), PACKERS)
@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("../draussen.txt", "leads out"),
        ("a/../../draussen.txt", "leads out"),
        ("a\\..\\..\\draussen.txt", "leads out"),
        ("/etc/draussen.txt", "absolute"),
        ("C:/draussen.txt", "absolute"),
    ],
)
def test_a_name_that_leads_out_is_refused_alone(name, pack, member, reason):
    outcomes = holds(name, pack(("a.txt", TEXT), (member, TEXT), ("z.txt", TEXT)))
    assert [o.member for o in outcomes if isinstance(o, Item)] == ["#a.txt", "#z.txt"]
    (rejected,) = (o for o in outcomes if isinstance(o, RefusedDocument))
    assert rejected.refused.code == "archive_unsafe"
    assert reason in rejected.refused.message
    assert rejected.raw is None


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_a_member_that_occurs_twice_is_kept_under_another_name(name, pack):
    first, second = holds(name, pack(("a.txt", TEXT), ("a.txt", TEXT + b"!")))
    assert (first.member, second.member) == ("#a.txt", "#a.txt~2")
    assert (first.flags, second.flags) == ((), ("key_repeated",))


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_an_archive_in_an_archive_is_refused_alone(name, pack):
    inner = zip_of(("x.txt", TEXT))
    outcomes = holds(name, pack(("in.zip", inner), ("in.tgz", b"x"), ("a.txt", TEXT)))
    assert told(outcomes) == ["#in.zip!archive_unsafe", "#in.tgz!archive_unsafe", "#a.txt"]


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_a_member_above_the_limit_is_refused_alone(name, pack):
    outcomes = holds(
        name, pack(("gross.txt", b"x" * 101), ("klein.txt", TEXT)), Limits(document=100)
    )
    assert told(outcomes) == ["#gross.txt!too_large", "#klein.txt"]


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_a_picture_inside_is_refused_and_kept(name, pack):
    picture = b"\x89PNG\r\n\x1a\n" + b"x"
    (rejected,) = holds(name, pack(("a.txt", picture)))
    assert (rejected.refused.code, rejected.raw) == ("not_text", picture)


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_too_many_entries_end_the_archive(name, pack):
    members = [(f"{number}.txt", TEXT) for number in range(11)]
    outcomes = holds(name, pack(*members), Limits(entries=10))
    assert told(outcomes)[-1] == "!archive_unsafe"
    assert "more than 10 entries" in outcomes[-1].refused.message
    assert len(holds(name, pack(*members[:10]), Limits(entries=10))) == 10


@pytest.mark.parametrize(("name", "pack"), PACKERS[1:])
def test_more_bytes_than_allowed_end_the_archive(name, pack):
    limits = Limits(document=40_000, container=100_000)
    members = [(f"{number}.txt", bytes([65 + number]) * 30_000) for number in range(8)]
    outcomes = holds(name, pack(*members), limits)
    assert told(outcomes)[-1] == "!archive_unsafe"
    assert 2 <= len(outcomes) <= 4
    assert "100000 bytes" in outcomes[-1].refused.message


@pytest.mark.parametrize(("name", "pack"), PACKERS[1:])
@pytest.mark.parametrize("size", [3_000_000, 30_000_000])
def test_a_bomb_ends_the_archive_by_its_ratio(name, pack, size):
    limits = Limits(ratio_free=1_000_000)
    outcomes = holds(name, pack(("a.txt", TEXT), ("bombe.txt", b"0" * size)), limits)
    codes = {o.refused.code for o in outcomes if isinstance(o, RefusedDocument)}
    assert codes == {"archive_unsafe"}
    assert "200 times" in outcomes[-1].refused.message


# ------------------------------------------------------------------ tar


@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_every_style_of_tar_is_read(style):
    names = ["a.txt", "ordner/" * 12 + "b.txt", "Küche.txt", "o" * 80 + "/" + "p" * 80]
    members = [(name, TEXT + name.encode()) for name in names]
    items = holds("a.tar", tar_of(*members, style=style))
    assert [(item.member[1:], item.raw) for item in items] == members


@given(st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=1500)), max_size=5))
def test_any_tar_is_read_as_tarfile_reads_it(members):
    raw = tar_of(*((f"{'n' * length}{i}.bin", data) for i, (length, data) in enumerate(members)))
    seen = [
        (member.name, member.size, member.problem, member.read(10_000))
        for member in tar_members(io.BytesIO(raw), Limits())
    ]
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        expected = [
            (info.name, info.size, None, archive.extractfile(info).read()) for info in archive
        ]
    assert seen == expected


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        pytest.param(special("a", tarfile.SYMTYPE, "/etc/passwd"), "link", id="symlink"),
        pytest.param(special("a", tarfile.LNKTYPE, "b.txt"), "link", id="hard link"),
        pytest.param(special("a", tarfile.CHRTYPE), "device", id="character device"),
        pytest.param(special("a", tarfile.BLKTYPE), "device", id="block device"),
        pytest.param(special("a", tarfile.FIFOTYPE), "pipe", id="pipe"),
        pytest.param(special("a", tarfile.GNUTYPE_SPARSE), "kind", id="sparse"),
    ],
)
def test_a_tar_member_that_is_no_file_is_refused_alone(info, reason):
    outcomes = holds("a.tar", tar_of((info, b""), ("b.txt", TEXT)))
    assert told(outcomes) == ["#a!archive_unsafe", "#b.txt"]
    assert reason in outcomes[0].refused.message


def test_folders_in_an_archive_are_passed_over():
    assert told(holds("a.tar", tar_of((special("2024", tarfile.DIRTYPE), b"")))) == []
    assert told(holds("a.zip", zip_of(("2024/", b"")))) == []


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda raw: raw[:512] + b"x" * 512 + raw[1024:], None, id="in the text"),
        pytest.param(lambda raw: raw[:1024] + b"x" + raw[1025:], "damaged", id="in a header"),
        pytest.param(lambda raw: raw[:600], "end is missing", id="cut off in a member"),
        pytest.param(lambda raw: raw[:1024], "end is missing", id="cut off between members"),
        pytest.param(lambda raw: b"", "end is missing", id="empty"),
        pytest.param(lambda _: TEXT * 40, "damaged", id="no tar"),
    ],
)
def test_a_damaged_tar_is_never_taken_for_its_end(damage, reason):
    raw = tar_of(("a.txt", TEXT), ("b.txt", TEXT), style=tarfile.USTAR_FORMAT)
    outcomes = holds("a.tar", damage(raw))
    last = outcomes[-1]
    if reason is None:
        assert told(outcomes) == ["#a.txt", "#b.txt"]
    else:
        assert last.refused.code == "archive_unsafe"
        assert reason in last.refused.message


def test_an_extended_header_of_any_size_is_not_read_into_memory():
    header = special("././@PaxHeader", tarfile.XHDTYPE)
    header.size = MOST_HEADER_BYTES + 1
    raw = header.tobuf() + b"\0" * 4096
    with pytest.raises(UnsafeArchiveError, match="too long"):
        list(tar_members(io.BytesIO(raw), Limits()))


@pytest.mark.parametrize(
    "records",
    [b"99 path=a\n", b"x path=a\n", b"0 path=a\n", b"10 path=a", b"12 size=-5000\n", b"9999"],
)
def test_broken_pax_records_end_the_archive(records):
    header = special("x", tarfile.XHDTYPE)
    header.size = len(records)
    body = records + b"\0" * (-len(records) % 512)
    raw = header.tobuf() + body + tar_of(("a.txt", TEXT), style=tarfile.USTAR_FORMAT)
    assert told(holds("a.tar", raw)) == ["!archive_unsafe"]


# ------------------------------------------------------------------ zip


def patched(raw: bytes, local: Iterable[tuple[int, bytes]], central: Iterable[tuple[int, bytes]]):
    """Write bytes into the first local header and the first central one of a zip."""
    data = bytearray(raw)
    at = data.index(b"PK\1\2")
    for offset, value in local:
        data[offset : offset + len(value)] = value
    for offset, value in central:
        data[at + offset : at + offset + len(value)] = value
    return bytes(data)


ZIP = zip_of(("a.txt", TEXT * 20), ("b.txt", TEXT))
STORED = zip_of(("a.txt", TEXT * 20), ("b.txt", TEXT), packed=False)


def link(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(patched(ZIP, [(6, b"\1")], [(8, b"\1")]), "encrypted", id="encrypted"),
        pytest.param(patched(ZIP, [], [(24, struct.pack("<L", 10))]), "damaged", id="too small"),
        pytest.param(patched(ZIP, [], [(24, struct.pack("<L", 9000))]), "damaged", id="too large"),
        pytest.param(patched(ZIP, [], [(16, b"\0\0\0\0")]), "damaged", id="wrong checksum"),
        pytest.param(patched(STORED, [(50, b"?")], []), "damaged", id="flipped bit"),
        pytest.param(patched(ZIP, [(0, b"XX")], []), "damaged", id="no local header"),
        pytest.param(patched(ZIP, [(8, b"\x0c")], [(10, b"\x0c")]), "method", id="bzip2"),
        pytest.param(patched(ZIP, [(8, b"\x63")], [(10, b"\x63")]), "method", id="unknown method"),
        pytest.param(
            zip_of((link("a.txt", 0o120777), b"/etc/passwd"), ("b.txt", TEXT)), "link", id="link"
        ),
        pytest.param(
            zip_of((link("a.txt", 0o020666), b""), ("b.txt", TEXT)), "device", id="device"
        ),
    ],
)
def test_a_zip_member_that_cannot_be_trusted_is_refused_alone(raw, reason):
    outcomes = holds("a.zip", raw)
    assert told(outcomes) == ["#a.txt!archive_unsafe", "#b.txt"]
    assert reason in outcomes[0].refused.message


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(TEXT, id="no zip"),
        pytest.param(ZIP[:-30], id="cut off"),
        pytest.param(ZIP.replace(b"PK\1\2", b"PK\1\3"), id="damaged directory"),
    ],
)
def test_a_zip_without_a_directory_is_refused(raw):
    assert told(holds("a.zip", raw)) == ["!archive_unsafe"]


def test_a_directory_too_large_for_memory_is_refused_before_it_is_read(monkeypatch):
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 200_000_000, 0, 0)
    monkeypatch.setattr(zipfile, "ZipFile", lambda _: pytest.fail("it was read"))
    assert told(holds("a.zip", b"\0" * 100 + end)) == ["!archive_unsafe"]
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**9, 10**9, 10**11, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 100, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0, 0)
    assert told(holds("a.zip", b"\0" * 100 + large + locator + end)) == ["!archive_unsafe"]


def test_a_zip_from_windows_has_folders():
    (item,) = holds("a.zip", zip_of(("2024\\a.txt", TEXT)))
    assert item.member == "#2024/a.txt"


def test_a_zip_in_gzip_is_refused():
    assert told(holds("a.zip.gz", gzip.compress(ZIP))) == ["!archive_unsafe"]


def test_a_large_archive_is_streamed_from_disk(folder):
    folder.limits = Limits(document=2_000)
    members = [(f"{number}.txt", TEXT * 20) for number in range(50)]
    expected = [f"#{number}.txt" for number in range(50)]
    assert told(folder.holds("a.tar", tar_of(*members))) == expected
    assert told(folder.holds("a.zip", zip_of(*members, packed=False))) == expected


@given(st.binary(max_size=300), st.integers(0, len(ZIP)))
def test_no_broken_archive_ever_raises(noise, at):
    for name, raw in (
        ("a.zip", ZIP),
        ("a.tar", tar_of(("a.txt", TEXT))),
        ("a.txt.gz", b"\x1f\x8b"),
    ):
        holds(name, raw[:at] + noise + raw[at + len(noise) :])
