"""What holds is what a person unpacks: containers around a bundle, each with the answer."""

import io
import json
import shutil
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.capabilities.bundles import bundle_log, check_bundle
from storage.proof.note import Signer
from tests.capabilities.bundles.forging import logged_anew
from tests.flow.whole_record import KEY

BUNDLES = Path(__file__).parent / "archived"
Files = dict[str, bytes]
LEFT_OVER = "bytes that belong to no file in its list"
OTHER_NAME = "may have another name or size for other programs"
FALSE = b"<!DOCTYPE html><title>Falsch</title>"


def files_in(name: str) -> Files:
    with zipfile.ZipFile(BUNDLES / name) as found:
        return {each: found.read(each) for each in found.namelist()}


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content, method)
    return written.getvalue()


def with_member(info: zipfile.ZipInfo, content: bytes = b"x", method: int = 0) -> bytes:
    """Return the bundle with a member that file managers write, in an unusual form."""
    written = io.BytesIO((BUNDLES / "whole.zip").read_bytes())
    with zipfile.ZipFile(written, "a") as made:
        made.writestr(info, content, method)
    return written.getvalue()


def extra(kind: int, content: bytes = b"") -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("._more")
    info.extra = struct.pack("<2H", kind, len(content)) + content
    return info


def unicode_path() -> bytes:
    """Give a member a second name, by which some programs unpack it."""
    field = struct.pack("<BL", 1, zlib.crc32(b"._more")) + b"report.html"
    return with_member(extra(0x7075, field), FALSE)


def in_entry(offset: int, value: bytes, name: bytes = b"report.html") -> bytes:
    """Change the entry of a member in the list of the zip, not its header."""
    data = bytearray((BUNDLES / "whole.zip").read_bytes())
    at = data.rindex(b"PK\1\2", 0, data.rindex(name)) + offset
    data[at : at + len(value)] = value
    return bytes(data)


def in_header(offset: int, value: bytes, name: bytes = b"report.html") -> bytes:
    data = bytearray((BUNDLES / "whole.zip").read_bytes())
    at = data.index(name) - 30 + offset
    data[at : at + len(value)] = value
    return bytes(data)


def two_lists() -> bytes:
    """Point programs that know no large zips to another list, which is in a stored member."""
    false = zipped({"report.html": FALSE})
    data = with_member(zipfile.ZipInfo("._more"), false)
    end = len(data) - 22
    number, size, begin = struct.unpack("<HLL", data[end + 10 : end + 20])
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, number, number, size, begin)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    at = data.rindex(false) + false.rindex(b"PK\1\2")
    short = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 57, at, 0)
    return data[:end] + large + locator + short


def large_zip() -> bytes:
    """Return the bundle with the records that a zip of more than 65,535 members has."""
    data = (BUNDLES / "whole.zip").read_bytes()
    end = len(data) - 22
    number, size, begin = struct.unpack("<HLL", data[end + 10 : end + 20])
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, number, number, size, begin)
    return data[:end] + large + struct.pack("<4sLQL", b"PK\6\7", 0, end, 1) + data[end:]


def longer_stream() -> bytes:
    """Append to the page in its deflated stream; its entry states the length of the true page."""
    files = files_in("whole.zip")
    true = files.pop("report.html")
    longer = zipped({"report.html": true + FALSE})
    stated = [struct.pack("<L", number) for number in (zlib.crc32(true), len(true))]
    wrong = [struct.pack("<L", number) for number in
             (zlib.crc32(true + FALSE), len(true) + len(FALSE))]  # fmt: skip
    for old, new in zip(wrong, stated, strict=True):
        assert longer.count(old) >= 2
        longer = longer.replace(old, new)
    written = io.BytesIO(longer)
    with zipfile.ZipFile(written, "a") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return written.getvalue()


def streamed() -> bytes:
    """Return the bundle as a program writes it that cannot go back: lengths after contents."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    written = Pipe()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files_in("whole.zip").items():
            made.writestr(name, content)
    return written.getvalue()


def bomb(name: str, size: int = 200 << 20) -> bytes:
    """Return a zip whose member unpacks to many times the size that its entry states."""
    data = zipped({**(files_in("web.wacz") if "/" in name else WHOLE), name: bytes(size)})
    return data.replace(struct.pack("<L", size), struct.pack("<L", 7))


def of_another_archive(tmp_path: Path) -> Files:
    with zipfile.ZipFile(BUNDLES / "whole.zip") as found:
        found.extractall(tmp_path / "other")
    logged_anew(tmp_path / "other", Signer.generate("anderes.example/log"))
    paths = [each for each in (tmp_path / "other").rglob("*") if each.is_file()]
    return {each.relative_to(tmp_path / "other").as_posix(): each.read_bytes() for each in paths}


def wacz(more: Files | None = None, *, is_listed: bool = True, **package: object) -> Files:
    """Return a WACZ with further files, which its description lists, and changes of that."""
    files = {**files_in("web.wacz"), **(more or {})}
    told = json.loads(files["datapackage.json"])
    if is_listed:
        told["resources"] += [{"path": name} for name in more or {}]
    files["datapackage.json"] = json.dumps(told | package).encode()
    return files


def bundle_within(**around: bytes) -> Files:
    return {**around, "lesart/bundle.zip": (BUNDLES / "whole.zip").read_bytes()}


WHOLE = files_in("whole.zip")
FORGED = {**WHOLE, "report.html": FALSE, "texts/1.txt": b"Falsch.\n"}
NO_WACZ = "does not belong to a WACZ"
NO_BUNDLE = "does not belong to the bundle"
REFUSED: dict[str, tuple[Callable[[], Files | bytes], str]] = {
    "a false bundle around the true one": (lambda: FORGED | bundle_within(), NO_BUNDLE),
    "a true bundle around itself": (lambda: WHOLE | bundle_within(), NO_BUNDLE),
    "the true bundle in a zip": (bundle_within, "this is not a bundle"),
    "the true bundle in a zip with a page": (lambda: bundle_within(**{"report.html": FALSE}), "this is not a bundle"),
    "the true bundle in a zip, in capitals": (lambda: {"LESART/BUNDLE.ZIP": zipped(WHOLE)}, "this is not a bundle"),
    "a false bundle that is a WACZ, too": (lambda: FORGED | files_in("web.wacz"), NO_BUNDLE),
    "a WACZ with a page beside": (lambda: wacz({"report.html": FALSE}), NO_WACZ),
    "a WACZ with a page among its captures": (lambda: wacz({"archive/report.html": FALSE}), NO_WACZ),
    "a WACZ with texts": (lambda: wacz({"texts/1.txt": FALSE}), NO_WACZ),
    "a WACZ with its bundle in capitals, too": (lambda: wacz({"LESART/BUNDLE.ZIP": FALSE}), NO_WACZ),
    "a WACZ with captures that it does not list": (lambda: wacz({"archive/more.warc": b""}, is_listed=False), "neither a bundle nor a WACZ"),
    "a WACZ without a version": (lambda: wacz(wacz_version=None), "neither a bundle nor a WACZ"),
    "a WACZ that lists nothing": (lambda: wacz(resources=[]), "neither a bundle nor a WACZ"),
    "a WACZ that lists what is not there": (lambda: wacz(resources=[{"path": "x"}]), "neither a bundle nor a WACZ"),
    "a WACZ that is no description": (lambda: {**files_in("web.wacz"), "datapackage.json": b"[]"}, "malformed"),
    "a WACZ without a bundle": (lambda: {"datapackage.json": b'{"wacz_version": "1", "resources": []}'}, "neither a bundle nor a WACZ"),
    "a WACZ in the place of its bundle": (lambda: wacz() | {"lesart/bundle.zip": zipped(wacz())}, "this is not a bundle"),
    "a WACZ around a false bundle": (lambda: wacz() | {"lesart/bundle.zip": zipped(FORGED)}, "was changed"),
    "a WACZ with a link": (lambda: wacz() | {"lesart/bundle.zip": with_member(link())}, "is a link or not a regular file"),
    "a member above": (lambda: WHOLE | {"../._more": b"x"}, "points outside the bundle"),
    "an absolute member": (lambda: WHOLE | {"/tmp/._more": b"x"}, "points outside the bundle"),
    "a member above a WACZ": (lambda: wacz({"../._more": b"x"}), "points outside the bundle"),
    "a link": (lambda: with_member(link()), "is a link or not a regular file"),
    "a second name": (unicode_path, OTHER_NAME),
    "a second size": (lambda: with_member(extra(0x9901)), OTHER_NAME),
    "a second list": (two_lists, LEFT_OVER),
    "a member that goes on": (longer_stream, "is not the content that the list of the zip states"),
    "another method in the header": (lambda: in_header(8, b"\0\0"), "is another file in its header"),
    "another length in the header": (lambda: in_header(22, b"\7\0\0\0"), "is another file in its header"),
    "another digest in the header": (lambda: in_header(14, b"\7\0\0\0"), "is another file in its header"),
    "another name in the header": (lambda: in_header(30, b"raport.html"), LEFT_OVER),
    "another length in the list": (lambda: in_entry(24, b"\7\0\0\0"), "is another file in its header"),
    "an encrypted member": (lambda: in_both(b"\1\0", 6, 8), "is encrypted or packed in an unknown way"),
    "an encrypted program": (lambda: in_both(b"\1\0", 6, 8, b"verify.py"), "is encrypted or packed in an unknown way"),
    "an unknown method": (lambda: with_member(zipfile.ZipInfo("._more"), b"x", zipfile.ZIP_LZMA), "is encrypted or packed in an unknown way"),
    "bytes before": (lambda: b"x" + zipped(WHOLE), LEFT_OVER),
    "bytes after": (lambda: zipped(WHOLE) + b"x", LEFT_OVER),
    "two zips": (lambda: zipped(FORGED) + zipped(WHOLE), LEFT_OVER),
    "a bomb": (lambda: bomb("report.html"), "is not the content that the list of the zip states"),
    "a bomb in the place of the manifest": (lambda: bomb("manifest.json"), "is not the content that the list of the zip states"),
    "a huge manifest": (lambda: WHOLE | {"manifest.json": bytes(17 << 20)}, "is larger than this program reads"),
    "a huge list": (lambda: b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, 1 << 25, 0, 0), LEFT_OVER),
    "an endless list": (lambda: bytes(1 << 25) + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, 1 << 25, 0, 0), "is larger than this program reads"),
}  # fmt: skip
"""Containers that do not hold, and the answer."""

HOLDING: dict[str, tuple[Callable[[], Files | bytes], str]] = {
    "a bundle": (lambda: WHOLE, "Not checked: bundle_log.py, bundle_report.py, verify.py.\n"),
    "a bundle with files of a file manager": (lambda: WHOLE | {"__MACOSX/._report.html": b"x"}, "Not checked: __MACOSX/._report.html, bundle_log.py, "),
    "a bundle without its programs": (lambda: {name: each for name, each in WHOLE.items() if not name.endswith(".py")}, "Not checked: none.\n"),
    "a bundle with times and owners": (lambda: with_member(extra(0x7875)), "Not checked: ._more, "),
    "a bundle that was written as a stream": (streamed, "Not checked: "),
    "a bundle in a large zip": (large_zip, "Not checked: "),
    "a WACZ": (lambda: files_in("web.wacz"), "Of the WACZ only lesart/bundle.zip was checked, no other file.\nHOLDS"),
    "a WACZ with foreign captures": (lambda: wacz({"archive/foreign.warc.gz": b"x"}), ", archive/data.warc.gz, archive/foreign.warc.gz, datapackage-digest.json, "),
}  # fmt: skip
"""Containers that hold, and what the answer says of their other files."""


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("._more")
    info.external_attr = 0o120777 << 16
    return info


def in_both(value: bytes, header: int, entry: int, name: bytes = b"report.html") -> bytes:
    changed = bytearray(in_header(header, value, name))
    at = changed.rindex(b"PK\1\2", 0, changed.rindex(name)) + entry
    changed[at : at + len(value)] = value
    return bytes(changed)


def answer(place: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = check_bundle.main([str(place), "--key", KEY.verifier.vkey])
    return code, capsys.readouterr().out


def written(made: Files | bytes, path: Path) -> Path:
    path.write_bytes(made if isinstance(made, bytes) else zipped(made))
    return path


@pytest.mark.parametrize("name", ["forged.zip", "forged.wacz"])
@pytest.mark.parametrize(("container", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_container_that_unpacks_to_something_else_is_refused(
    container, reason, name, tmp_path, capsys
):
    code, told = answer(written(container(), tmp_path / name), capsys)
    assert (code, reason in told, "HOLDS" in told) == (1, True, False), told


@pytest.mark.parametrize("name", ["bundle.zip", "bundle.wacz", "bundle"])
@pytest.mark.parametrize(("container", "said"), HOLDING.values(), ids=HOLDING)
def test_a_container_that_holds_names_the_files_that_were_not_checked(
    container, said, name, tmp_path, capsys
):
    path = written(container(), tmp_path / name)
    code, told = answer(path, capsys)
    assert (code, said in told) == (0, True), told
    with zipfile.ZipFile(path) as found:
        found.extractall(tmp_path / "unpacked")
    assert answer(tmp_path / "unpacked", capsys) == (code, told), "a folder is another container"


def test_a_bundle_in_a_bundle_of_another_archive_is_refused_by_both_keys(tmp_path, capsys):
    files = of_another_archive(tmp_path) | bundle_within()
    path = written(files, tmp_path / "b.zip")
    assert (
        NO_BUNDLE in answer(path, capsys)[1] or "not signed by the key" in answer(path, capsys)[1]
    )
    assert check_bundle.main([str(path)]) == 1
    assert NO_BUNDLE in capsys.readouterr().out


@pytest.mark.parametrize("name", ["report.html", "manifest.json", "lesart/bundle.zip"])
def test_a_bomb_is_unpacked_no_further_than_its_list_states(name, tmp_path, capsys):
    path = written(bomb(name), tmp_path / "b.zip")
    tracemalloc.start()
    try:
        assert answer(path, capsys)[0] == 1
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(shutil.which("unzip") is None, reason="the program unzip is not installed")
def test_what_another_program_unpacks_from_a_bundle_that_holds_holds(tmp_path, capsys):
    for number, (container, _said) in enumerate(HOLDING.values()):
        path = written(container(), tmp_path / f"{number}.zip")
        folder = tmp_path / str(number)
        done = subprocess.run(["unzip", "-q", path, "-d", folder], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert answer(folder, capsys) == answer(path, capsys)


def test_the_docs_have_each_answer_of_these_tests():
    documented = Path(__file__).parents[3].joinpath("docs/bundles.md").read_text()
    assert [each for _, each in REFUSED.values() if each not in documented] == []
    assert bundle_log.WACZ_BUNDLE in documented
