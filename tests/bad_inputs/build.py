"""Build the folder of bad inputs: copy committed files, generate those that no repository can hold."""

import gzip
import io
import os
import shutil
import socket
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

FILES = Path(__file__).parent / "files"
MEGABYTE = 1_000_000
LONG_NAME_BYTES = 255
MANY_ENTRIES = 100_001  # one more than the limit
MANY_LINES = 20_000


class CannotBuildError(Exception):
    """This machine or this user cannot make the input; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def build_committed(folder: Path) -> None:
    """Copy the committed fixtures into `folder`, byte for byte."""
    for path in sorted(FILES.iterdir()):
        if not path.name.startswith("."):
            shutil.copyfile(path, folder / path.name)


def build(name: str, folder: Path) -> None:
    """Make the input `name`, a key of `BUILDERS`, inside `folder`.

    Raises: CannotBuildError where this user may not make such a thing.
    """
    BUILDERS[name](folder)


def seed_text(headline: str, *paragraphs: str) -> str:
    """Return a document in the seed format: a good header, no newline at the end."""
    return f" date 2024-06 {headline}\n\n" + "\n\n".join(paragraphs)


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


def _long_headline(folder: Path) -> None:
    headline = " ".join(["Niederlohe feiert sein Fest am Siel"] * 300)[:10_000]
    body = "Das Fest am Siel dauert drei Tage und begann noch nie bei gutem Wetter in Niederlohe."
    _write(folder / "b04_long_headline.txt", f"{headline}\n\n{body}")


def _200_megabytes(folder: Path) -> None:
    _sparse(folder / "b05_200_megabytes.txt", 200 * MEGABYTE)


def _10_gibibytes(folder: Path) -> None:
    _sparse(folder / "b05_10_gibibytes.txt", 10 * 1024**3)


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _one_line(folder: Path) -> None:
    word = "Kanalbrückensperrungsankündigung"
    line = word * (5 * MEGABYTE // len(word.encode()))
    _write(folder / "b06_one_line.txt", seed_text("Ein sehr langes Wort im Amtsblatt", line))


def _many_words(folder: Path) -> None:
    words = [f"wort{number:x}xylem{number * 7919 % 999_983:x}" for number in range(90_000)]
    paragraphs = [" ".join(words[at : at + 60]) + "." for at in range(0, len(words), 60)]
    _write(folder / "b07_many_words.txt", seed_text("Das Wörterbuch der Lohe", *paragraphs))


def _newline_in_name(folder: Path) -> None:
    text = seed_text(
        "Schild am Bahnhof zeigt zwei Namen",
        "Am Bahnhof von Quellstedt steht ein Schild mit zwei Namen. Beide sind richtig geschrieben.",
        "Der zweite war bis 1934 gültig.",
    )
    _write(folder / "b20_zeile\nzwei.txt", text)


def _name_in_latin1(folder: Path) -> None:
    text = seed_text(
        "Kastanien am Markt bekommen Gießringe",
        "Elf Kastanien am Markt bekommen Gießringe. Die Feuerwehr füllt sie zweimal in der Woche.",
        "Gespendet hat sie der Verschönerungsverein.",
    )
    name = os.fsencode(folder) + b"/b21_gie\xdfring.txt"
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644)
    except OSError as error:
        raise CannotBuildError("this file system takes only UTF-8 names") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())


def _name_like_an_option(folder: Path) -> None:
    text = seed_text(
        "Rad-Fahrschule übt jetzt im Hof der Molkerei",
        "Die Rad-Fahrschule für Erwachsene übt jetzt im Hof der alten Molkerei in Niederlohe.",
        "Der Kurs dauert vier Abende; Helme werden gestellt.",
    )
    _write(folder / "-rf.txt", text)


def _name_of_255_bytes(folder: Path) -> None:
    text = seed_text(
        "Ortsname passt nicht auf das Schild",
        "Der Name der neuen Siedlung passt nicht auf das Ortsschild. Es fehlen elf Zentimeter.",
        "Der Rat berät über eine Abkürzung.",
    )
    _write(folder / ("b21_" + "n" * (LONG_NAME_BYTES - 8) + ".txt"), text)


def _reserved_name(folder: Path) -> None:
    text = seed_text(
        "Council counts its clocks",
        "Eldergate has 64 public clocks, and 19 of them agree. The council wants the rest mended.",
        "The one on the corn exchange will be left as it is.",
    )
    _write(folder / "con.txt", text)


def _symlink(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    _write(outside / "target.txt", seed_text("Draußen", "Dieser Satz steht außerhalb."))
    (folder / "b22_symlink.txt").symlink_to(outside / "target.txt")


def _dangling_symlink(folder: Path) -> None:
    (folder / "b22_dangling.txt").symlink_to(folder / "nirgends.txt")


def _symlink_loop(folder: Path) -> None:
    (folder / "b22_loop.txt").symlink_to(folder / "b22_loop.txt")


def _hard_link(folder: Path) -> None:
    os.link(folder / "b22_hard_link_first.txt", folder / "b22_hard_link_second.txt")


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "b22_fifo.txt")


def _socket(folder: Path) -> None:
    """Bind by a relative name: the path of a socket may not be longer than 107 bytes."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("b22_socket.txt")
    finally:
        os.chdir(here)


def _device(folder: Path) -> None:
    try:
        os.mknod(folder / "b22_device.txt", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except OSError as error:
        raise CannotBuildError("only root may make a device") from error


def _directory(folder: Path) -> None:
    (folder / "b22_directory.txt").mkdir()
    text = seed_text(
        "Regalbrett in der Bücherei gibt nach",
        "In der Bücherei von Quellstedt hat ein Regalbrett nachgegeben. Es trug die Lexika.",
        "Verletzt wurde niemand, verstaubt wurden alle.",
    )
    _write(folder / "b22_directory.txt" / "inside.txt", text)


def _mode_000(folder: Path) -> None:
    text = seed_text("Tür bleibt zu", "Die Tür zum Heimatmuseum bleibt bis Oktober zu.")
    path = folder / "b24_mode_000.txt"
    _write(path, text)
    path.chmod(0)


def _zip_bomb(folder: Path) -> None:
    with (
        zipfile.ZipFile(folder / "b27_bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("nullen.txt", "w") as member,
    ):
        for _ in range(300):
            member.write(b"0" * MEGABYTE)


def _tar_gz_bomb(folder: Path) -> None:
    with tarfile.open(folder / "b27_bomb.tar.gz", "w:gz", compresslevel=9) as archive:
        member = tarfile.TarInfo("nullen.txt")
        member.size = 300 * MEGABYTE
        archive.addfile(member, _Zeros(member.size))


class _Zeros(io.RawIOBase):
    """A stream of `size` zero bytes that needs no memory."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def read(self, size: int = -1) -> bytes:
        given = self._left if size < 0 else min(size, self._left)
        self._left -= given
        return b"0" * given


def _zip_in_zip_in_zip(folder: Path) -> None:
    """Make a small 42.zip: four levels that each hold ten copies of the one below, in one more."""
    below = io.BytesIO()
    with zipfile.ZipFile(below, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("nullen.txt", b"0" * MEGABYTE)
    for _ in range(4):
        level = io.BytesIO()
        with zipfile.ZipFile(level, "w", zipfile.ZIP_DEFLATED) as archive:
            for copy in range(10):
                archive.writestr(f"{copy}.zip", below.getvalue())
        below = level
    with zipfile.ZipFile(folder / "b27_nested.zip", "w") as archive:
        archive.writestr("alles.zip", below.getvalue())


def _zip_of_100000_entries(folder: Path) -> None:
    with zipfile.ZipFile(folder / "b27_many_entries.zip", "w") as archive:
        for number in range(MANY_ENTRIES):
            archive.writestr(zipfile.ZipInfo(f"{number}.txt"), b"")


def _gzip_bomb(folder: Path) -> None:
    with gzip.GzipFile(folder / "b28_bomb.txt.gz", "wb", mtime=0) as file:
        for _ in range(300):
            file.write(b"0" * MEGABYTE)


def _many_lines(folder: Path) -> None:
    line = (
        '{{"id": "{0}", "title": "Pegel der Lohe um {0} Uhr", "date": "2024-06-01", '
        '"language": "de", "text": "Die Lohe stand um {0} Uhr bei {1} Zentimetern."}}\n'
    )
    with (folder / "b48_many_lines.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(line.format(number, number * 37 % 521) for number in range(MANY_LINES))


BUILDERS: dict[str, Callable[[Path], None]] = {
    "long_headline": _long_headline,
    "200_megabytes": _200_megabytes,
    "10_gibibytes": _10_gibibytes,
    "one_line": _one_line,
    "many_words": _many_words,
    "newline_in_name": _newline_in_name,
    "name_in_latin1": _name_in_latin1,
    "name_like_an_option": _name_like_an_option,
    "name_of_255_bytes": _name_of_255_bytes,
    "reserved_name": _reserved_name,
    "symlink": _symlink,
    "dangling_symlink": _dangling_symlink,
    "symlink_loop": _symlink_loop,
    "hard_link": _hard_link,
    "fifo": _fifo,
    "socket": _socket,
    "device": _device,
    "directory": _directory,
    "mode_000": _mode_000,
    "zip_bomb": _zip_bomb,
    "tar_gz_bomb": _tar_gz_bomb,
    "zip_in_zip_in_zip": _zip_in_zip_in_zip,
    "zip_of_100000_entries": _zip_of_100000_entries,
    "gzip_bomb": _gzip_bomb,
    "many_lines": _many_lines,
}
"""What is made at test time, by the name that `built` in cases.toml gives."""
