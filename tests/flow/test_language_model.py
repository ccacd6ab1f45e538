"""The language model is unpacked once on a machine; then each process maps it from a file."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from py3langid import langid

from tests.flow.processes import LESART, ROOT, environment
from worker.flow import language_model
from worker.flow.language_model import load_model
from worker.text.annotate import language

TEXTS = (
    "Kanalbroen er lukket siden mandag, og omvejen er tolv kilometer lang.",
    "De brug over het kanaal is sinds maandag gesloten voor alle auto's.",
    "Le pont sur le canal est fermé depuis lundi, et le détour est long.",
    "Most na rzece jest zamknięty od poniedziałku do końca czerwca.",
    "De Brügg över'n Kanaal is siet Maandag dicht, seggt de Lüüd.",
    "THE BRIDGE HAS BEEN CLOSED SINCE MONDAY, AND THE DETOUR IS LONG.",
    "Мост через канал закрыт с понедельника.", "橋は月曜日から閉鎖されています。", "37 % \ud800 €", "",
)  # fmt: skip


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which one process has stored the model."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        load_model()
        load_model()
    return folder / "lesart"


@pytest.fixture
def cache(shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of that folder, which this process uses."""
    folder = tmp_path / "lesart"
    folder.mkdir()
    for each in shared_cache.iterdir():
        (folder / each.name).write_bytes(each.read_bytes())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return folder


@pytest.fixture
def unpackings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of how often this process unpacks the model."""
    counted: list[str] = []
    unpack = language.unpack_model

    def count() -> language.Model:
        counted.append("unpacked")
        return unpack()

    monkeypatch.setattr(language_model, "unpack_model", count)
    return counted


def model_file(cache: Path) -> Path:
    (found,) = (each for each in cache.iterdir() if not each.suffix)
    return found


def test_a_mapped_model_gives_the_same_answers(cache: Path, unpackings: list[str]) -> None:
    mapped, unpacked = load_model(), language.unpack_model()
    assert not unpackings
    assert [mapped.rank(each) for each in TEXTS] == [unpacked.rank(each) for each in TEXTS]


def flip_a_byte(file: Path) -> None:
    found = file.stat()
    with file.open("r+b") as stream:
        stream.seek(30_000_000)
        byte = stream.read(1)
        stream.seek(30_000_000)
        stream.write(bytes([byte[0] ^ 1]))
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "one byte, with the old times": flip_a_byte,
    "cut off": lambda file: os.truncate(file, 40_000_000),
    "empty": lambda file: os.truncate(file, 0),
    "missing": Path.unlink,
    "the arrays of another release": lambda file: file.write_bytes(b"x" * 5000),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_replaced(
    damage: Callable[[Path], None], cache: Path, unpackings: list[str], shared_cache: Path
) -> None:
    load_model()
    damage(model_file(cache))
    first, second = load_model(), load_model()
    assert len(unpackings) == 1
    assert first.rank(TEXTS[0]) == second.rank(TEXTS[0])
    assert model_file(cache).read_bytes() == model_file(shared_cache).read_bytes()


@pytest.mark.slow
def test_files_of_other_releases_and_of_killed_processes_are_removed(
    cache: Path, unpackings: list[str]
) -> None:
    model_file(cache).rename(cache / "language-model-0123456789abcdef")
    (cache / "language-model-k1ll3d").write_bytes(b"half")
    load_model()
    assert unpackings == ["unpacked"]
    assert model_file(cache).stat().st_size > 60_000_000


@pytest.mark.slow
def test_without_a_cache_or_room_the_model_is_unpacked(
    tmp_path: Path, unpackings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load_model().rank(TEXTS[0])[0][0] == "da"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(language_model, "_MIN_FREE_BYTES", 1 << 60)
    assert load_model().rank(TEXTS[0])[0][0] == "da"
    assert len(unpackings) == 2
    assert not [*(tmp_path / "lesart").iterdir()]


@pytest.mark.slow
def test_another_release_of_the_package_is_unpacked(
    cache: Path, unpackings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class OtherIdentifier(langid.LanguageIdentifier):
        def __init__(self, *tables: object, norm_probs: bool, tk_row: list[int]) -> None:
            if not len(tk_row):
                raise TypeError("this release wants rows")
            super().__init__(*tables, norm_probs=norm_probs, tk_row=tk_row)

    monkeypatch.setattr(langid, "LanguageIdentifier", OtherIdentifier)
    assert load_model().rank(TEXTS[0])[0][0] == "da"
    assert unpackings == ["unpacked"]


@pytest.mark.slow
def test_two_commands_at_once_share_one_file(tmp_path: Path) -> None:
    (tmp_path / "da.txt").write_text(f"Kanalbroen lukket\n\n{TEXTS[0]} {TEXTS[0]}", "utf-8")
    running = [
        subprocess.Popen(
            [*LESART, "ingest", "da.txt"], cwd=tmp_path, stdout=subprocess.DEVNULL,
            env=environment(home=str(tmp_path / name)) | {"XDG_CACHE_HOME": str(tmp_path / "c")},
        )
        for name in ("one", "two")
    ]  # fmt: skip
    assert [each.wait() for each in running] == [0, 0]
    name = model_file(tmp_path / "c" / "lesart").name
    script = (
        "import os, sys; from pathlib import Path; from worker.flow import language_model;"
        "language_model.unpack_model = sys.exit; model = language_model.load_model();"
        f"print('{name}' in Path('/proc/self/maps').read_text())"
    )
    environ = environment() | {"XDG_CACHE_HOME": str(tmp_path / "c")}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environ, cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    assert ended.stdout == b"True\n"
