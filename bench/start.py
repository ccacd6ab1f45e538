"""Processor time of commands, in times of `import sqlalchemy` in the same run.

    python -m bench.start [--rounds N]

Prints the minimum of N runs of each command on a small archive. The ratio to `import sqlalchemy`
also holds on a slow or busy machine. The goals were set on a machine on which that import takes
0.31 s: a goal of 0.3 s is a ratio of 0.97. The server of an ingested address is another process,
whose time is not counted.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path

SEEDS = Path(__file__).parent.parent / "seeds"
REFERENCE, REFERENCE_SECONDS = "import sqlalchemy", 0.31
"""The import that every ratio refers to, and its processor time where the goals were set."""
PROGRAM = (sys.executable, "-P", "-m", "worker")
VERSIONS_SEED = "https://www.hafenkurier.example/lokales/kanalbruecke-sperrung"
"""An article of the seeds with several versions."""
SENTENCES = (
    "Am Deich von Harkenbrück beginnen im Herbst die Arbeiten am Abschnitt {0}.",
    "Der Rat hat den Bau nach langer Aussprache beschlossen, gegen die Stimmen der Opposition.",
    "Der Abschnitt ist {0} Meter lang und soll vor dem Winter fertig sein.",
    "Anwohner fürchten Lärm und Staub, die Gemeinde verspricht eine Umleitung für Lastwagen.",
    "„Wir bauen so zügig, wie es das Wetter erlaubt“, sagte Bauleiterin Imke Tönnsen.",
    "Die Kosten trägt zur Hälfte das Land, den Rest teilen sich der Verband und die Gemeinde.",
)
PAGE = """<!doctype html><html lang="de"><head><title>Deich {0} wird erneuert</title></head>
<body><article><h1>Deich {0} wird erneuert</h1>{1}</article></body></html>"""


@dataclass(frozen=True)
class Measurement:
    """A command, its exit code, and its goal in seconds of processor time."""

    name: str
    command: Sequence[str]
    goal: float | None = None
    exit_code: int = 0


def run_command(command: Sequence[str], folder: str, exit_code: int = 0) -> float:
    """Run a command and return its processor time in seconds.

    Raises: RuntimeError if it ends with another exit code.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {
        "LESART_SEEDS": str(SEEDS), "LESART_HOME": folder,
    }  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != exit_code:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measurements() -> list[Measurement]:
    """Return the commands that ask for the same in each round."""
    return [
        Measurement("import sqlmodel", (sys.executable, "-c", "import sqlmodel")),
        Measurement("--help", (*PROGRAM, "--help"), 0.2),
        Measurement("wrong option", (*PROGRAM, "list", "--lmit", "3"), 0.4, 2),
        Measurement("unknown command", (*PROGRAM, "lst"), 0.4, 2),
        Measurement("unknown article", (*PROGRAM, "show", "missing"), 0.4, 3),
        Measurement("unknown file", (*PROGRAM, "ingest", "missing.txt"), 0.4, 3),
        Measurement("bad address", (*PROGRAM, "source", "add", "ftp://zeitung.example/a"), 0.4, 2),
        Measurement("explain mailto:", (*PROGRAM, "explain", "mailto:a@zeitung.example"), 0.4, 1),
        Measurement("list", (*PROGRAM, "list"), 0.3),
        Measurement("show", (*PROGRAM, "show", VERSIONS_SEED), 0.3),
        Measurement("diff", (*PROGRAM, "diff", VERSIONS_SEED), 0.3, 1),
        Measurement("search", (*PROGRAM, "search", "Brücke"), 0.3),
        Measurement("changes", (*PROGRAM, "changes")),
        Measurement("history", (*PROGRAM, "history", VERSIONS_SEED)),
    ]


def next_documents(folder: Path, number: int) -> tuple[str, str]:
    """Write a text and a page that no earlier round wrote, and return their names."""
    paragraphs = [each.format(number) for each in SENTENCES]
    page = PAGE.format(number, "".join(f"<p>{each}</p>" for each in paragraphs))
    text = "\n\n".join((f"# Abschnitt {number} am Deich", *reversed(paragraphs)))
    names = f"deich-{number}.md", f"deich-{number}.html"
    for name, content in zip(names, (text, page), strict=True):
        (folder / name).write_text(content, "utf-8")
        os.utime(folder / name, (1_700_000_000, 1_700_000_000 + number))
    return names


class _SiteHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *words: object) -> None:  # noqa: A002  # its own name
        """Log nothing."""


def _serve(folder: str, ports: "SimpleQueue[int]") -> None:
    handler = partial(_SiteHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        ports.put(server.server_port)
        server.serve_forever()


@contextmanager
def site(folder: str) -> Iterator[str]:
    """Serve a folder from another process and yield its address."""
    context = get_context("spawn")
    ports = context.SimpleQueue()
    process = context.Process(target=_serve, args=(folder, ports), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get()}"
    finally:
        process.kill()
        process.join()


def measure(rounds: int, folder: str) -> dict[Measurement, float]:
    """Return the minimum processor time of each command; they run in turn."""
    fixed = measurements()
    file, address = Measurement("ingest FILE", (), 1.0), Measurement("ingest URL", (), 1.0)
    reference = Measurement(REFERENCE, (sys.executable, "-c", REFERENCE))
    minimum = dict.fromkeys((reference, *fixed, file, address), float("inf"))
    Path(folder, "site").mkdir()
    with site(str(Path(folder, "site"))) as root:
        os.environ["LESART_ALLOW_HOSTS"] = root.removeprefix("http://")
        for number in range(rounds):
            text, page = next_documents(Path(folder, "site"), number)
            commands = {each: each.command for each in (reference, *fixed)} | {
                file: (*PROGRAM, "ingest", f"site/{text}"),
                address: (*PROGRAM, "ingest", f"{root}/{page}"),
            }
            for each, command in commands.items():
                seconds = run_command(command, folder, each.exit_code)
                minimum[each] = min(minimum[each], seconds)
    return minimum


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        run_command((*PROGRAM, "up", "--once"), folder)
        minimum = measure(rounds, folder)
    reference = next(iter(minimum.values()))
    print(f"{'command':<18} {'CPU s':>6} {'ratio':>6} {'goal':>6}")
    for each, seconds in minimum.items():
        goal = "" if each.goal is None else f"{each.goal / REFERENCE_SECONDS:.2f}"
        print(f"{each.name:<18} {seconds:6.3f} {seconds / reference:6.2f} {goal:>6}")


if __name__ == "__main__":
    main()
