"""The commands as a person sees them: in a pseudo terminal of a given width."""

import csv
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import chdir, suppress
from pathlib import Path

import pytest
from rich.cells import cell_len

from storage.cli.table import cell
from storage.read.query.doors import DOORS
from tests.flow.processes import LESART, ROOT, environment

pytestmark = [pytest.mark.child, pytest.mark.postgresql("fast"), pytest.mark.traced_children]

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BRIDGE = "https://www.hafenkurier.example/lokales/kanalbruecke-sperrung"


def on_screen(folder: Path, *words: str, wide: int = 80, code: int = 0) -> list[str]:
    """Run `lesart WORDS` in a terminal of that width; return the lines of both outputs.

    A line that was written over, such as a progress bar, is returned as it was last.
    """
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, wide, 0, 0))
    plain = {
        name: value for name, value in environment().items() if name not in {"COLUMNS", "LINES"}
    }
    with subprocess.Popen(
        [*LESART, *words], stdin=inner, stdout=inner, stderr=inner, cwd=folder,
        env={**plain, "TERM": "xterm-256color"},
    ) as process:  # fmt: skip
        os.close(inner)
        text = b"".join(read_all(outer)).decode()
        os.close(outer)
    assert process.returncode == code, text
    return [
        CONTROL.sub("", line).rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")
    ][:-1]


def read_all(handle: int) -> Iterator[bytes]:
    """Yield the output of a terminal until no one writes to it any more."""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(handle, 65_536):
            yield piece


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> Path:
    """Give a folder with the samples, archived, an empty file, and an archive with a log's key."""
    folder = tmp_path_factory.mktemp("screen")
    shutil.copytree(ROOT / "seeds", folder / "seeds")
    on_screen(folder, "up", "--once")
    return folder


def rows(folder: Path, *words: str) -> list[dict]:
    """Return the rows that a command writes to a pipe."""
    done = subprocess.run(
        [*LESART, *words], cwd=folder, env=environment(), capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_up_once_reports_one_sentence_and_refusals_below_it(tmp_path):
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    assert on_screen(tmp_path, "up", "--once")[-1] == (
        "19 documents read: 16 new articles, 2 new versions, 1 copy. Nothing refused."
    )
    (tmp_path / "seeds" / "leer.txt").touch()
    lines = on_screen(tmp_path, "up", "--once", code=1)
    assert lines[-6:] == [
        "20 documents read: 19 unchanged. 1 refused.",
        "",
        "locator:  seed:seeds/leer.txt",
        "code:     empty",
        "message:  The document contains no text.",
        "hint:     Check that the file was written completely.",
    ]


@pytest.mark.slow
def test_up_once_reports_the_rest_of_an_interrupted_job_from_the_new_check(tmp_path):
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    (left,) = rows(tmp_path, "ingest", "seeds", "--no-wait")
    lines = on_screen(tmp_path, "up", "--once")
    assert [each for each in lines if each.startswith("seeds, ")] == [
        f"seeds, rest of the interrupted job {left['job']}: 19 documents read: 16 new articles, "
        "2 new versions, 1 copy. Nothing refused.",
        "seeds, checked again after it: 19 documents read: 19 unchanged. Nothing refused.",
    ]


@pytest.mark.slow
def test_ingest_reports_one_sentence_on_a_terminal_and_every_count_in_a_pipe(tmp_path):
    (tmp_path / "pegel.md").write_text("# Pegel\n\nDer Pegel der Lohe steigt seit dem Morgen.\n")
    assert on_screen(tmp_path, "ingest", "pegel.md")[-1] == (
        "1 document read: 1 new article. Nothing refused."
    )
    (row,) = rows(tmp_path, "ingest", "pegel.md")
    assert (row["seen"], row["unchanged"], row["refused"], row["failed"]) == (1, 1, 0, 0)


@pytest.mark.slow
def test_the_progress_bar_counts_documents_on_both_sides(tmp_path):
    texts = [
        {"title": f"Pegel {n}", "text": f"Der Pegel steigt um {n} Zentimeter."} for n in range(30)
    ]
    (tmp_path / "pegel.json").write_text(json.dumps(texts))
    outer, inner = pty.openpty()
    with subprocess.Popen(
        [*LESART, "ingest", "pegel.json"], stdin=inner, stdout=subprocess.DEVNULL, stderr=inner,
        cwd=tmp_path, env={**environment(batch_items="10"), "TERM": "xterm-256color"},
    ) as process:  # fmt: skip
        os.close(inner)
        text = b"".join(read_all(outer)).decode()
        os.close(outer)
    assert process.returncode == 0, text
    shown = {
        (int(done), int(total)) for done, total in re.findall(r"(\d+) of (\d+) documents", text)
    }
    assert shown
    assert all(done <= total == 30 for done, total in shown), shown


ORIGIN = "sehr-langer-name.archiv.zeitung.example/archiv/der/presse/im/norden/des/landes"
TOKEN = ("token:", r"lesart_[\w-]{43}")
SECRET = ("secret:", r"whsec_[A-Za-z0-9+/=]{44}")
KEY = ("vkey:", rf"{re.escape(ORIGIN)}\+[0-9a-f]{{8}}\+\S{{44}}")
SHOWN_ONCE = (
    (("token", "add", "redaktion"), TOKEN),
    (("alert", "add", "pegel", "--query", "Pegel", "--webhook", "https://hooks.zeitung.example/p"), SECRET),
    (("proof", "keygen", "--origin", ORIGIN), KEY),
)  # fmt: skip
SHOWN_AGAIN = (
    *SHOWN_ONCE,
    (("alert", "rotate", "pegel"), SECRET),
    (("proof", "keygen", "--rotate"), KEY),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wide", "commands"),
    [
        (80, SHOWN_ONCE),
        pytest.param(40, SHOWN_AGAIN, marks=pytest.mark.slow),
        pytest.param(200, SHOWN_AGAIN, marks=pytest.mark.slow),
    ],
)
def test_secrets_and_keys_have_a_line_of_their_own_at_any_width(wide, commands, tmp_path, lesart):
    with chdir(tmp_path):
        assert lesart("db", "upgrade")[0] == 0
    for words, (label, wanted) in commands:
        lines = on_screen(tmp_path, *words, wide=wide)
        shown = lines[lines.index(label) + 1]
        assert re.fullmatch(wanted, shown), lines


TABLES = (
    (80, "list"), (60, "list"), (200, "list"), (80, "search", "Brücke"), (80, "history", BRIDGE),
    (80, "changes"), (200, "changes"), (80, "blame", BRIDGE), (80, "relations"),
    (80, "source", "list"), (60, "sql", "SELECT * FROM versions"),
)  # fmt: skip


@pytest.mark.slow
def test_nothing_is_cut_at_any_width(samples, lesart):
    for wide, *words in TABLES:
        lines = on_screen(samples, *words, wide=wide)
        text = "\n".join(lines)
        for line in lines:
            assert cell_len(line) <= wide or " " not in line.strip(), (
                "only what is copied is longer"
            )
        code, output, _message = lesart(
            *words, "--format", "jsonl", "--archive", str(samples / "lesart-data/lesart.sqlite3")
        )
        assert code == 0
        for row in map(json.loads, output.splitlines()):
            labels = {*lines[0].split(), *re.findall(r"^(\w+):", text, re.MULTILINE)}
            short = DOORS[words[0]].short if words[0] in DOORS else ()
            for name in labels & row.keys() - {"published", *short}:  # it is shown in UTC
                for word in cell(row[name]).split():
                    assert word in text, (words, wide, name, word)


@pytest.mark.slow
def test_at_100_columns_each_row_of_a_list_is_one_line_with_outlet_and_title(samples):
    for name, title in (("changes", "title"), ("list", "title"), ("relations", "a_title")):
        heading, *lines = on_screen(samples, name, wide=100)
        assert {title, title.replace("title", "outlet")} <= {*heading.split()}
        assert max(map(cell_len, lines)) <= 100
        assert len(lines) == len(rows(samples, name)), name
    assert "Hafenkurier  Kanalbrücke wird noch" in on_screen(samples, "changes", wide=100)[1]


@pytest.mark.slow
def test_reason_and_remedy_are_whole_at_80_columns(samples):
    with (samples / "seeds" / "leer.txt").open("w"):
        on_screen(samples, "ingest", "seeds/leer.txt", code=1)
    for words in (("refusals",), ("doctor", "--all")):
        told = " ".join(" ".join(on_screen(samples, *words)).split())
        for row in rows(samples, *words):
            for name in ("message", "hint", "mend"):
                said = re.sub(
                    r"^[\d.]+ GB free", "GB free", row.get(name) or ""
                )  # others write, too
                assert set(said.split()) <= set(told.split()), row


@pytest.mark.slow
def test_a_record_has_a_line_for_each_field(samples):
    lines = on_screen(samples, "stats")
    assert "articles:        17" in lines
    assert lines[lines.index("sources:") + 1].split() == ["source:", "seeds"]


@pytest.mark.slow
def test_the_times_of_a_table_are_all_in_utc(samples):
    (row,) = (each for each in rows(samples, "list") if each["versions"] == 3)
    assert (row["published"]["value"], row["published"]["zone"]) == (
        "2024-06-18T07:40:00",
        "+02:00",
    )
    lines = on_screen(samples, "list", wide=200)
    (line,) = (each for each in lines if row["article"] in each)
    assert "2024-06-18 05:40Z" in line
    assert line.rstrip().endswith("2024-06-18 16:00:00Z")
    shown = on_screen(samples, "show", BRIDGE)
    assert any(
        each.startswith("published  2024-06-18 05:40Z (given as 2024-06-18T07:40:00 +02:00)")
        for each in shown
    )


@pytest.mark.slow
def test_csv_has_the_fields_that_it_always_had(samples):
    done = subprocess.run(
        [*LESART, "jobs", "--format", "csv"], cwd=samples, env=environment(), capture_output=True,
        encoding="utf-8", check=True,
    )  # fmt: skip
    (first, *_) = csv.DictReader(done.stdout.splitlines())
    assert "result" not in first
    assert {"seen", "new_articles", "refused", "reason"} <= first.keys()


def test_help_describes_each_command_whole(tmp_path):
    for words in (("--help",), ("proof", "--help")):
        lines = on_screen(tmp_path, *words)
        assert [line for line in lines if line.endswith("...")] == lines[:1], (
            "but for its arguments"
        )
        assert max(map(cell_len, lines)) <= 80
