"""Count the modules through which one file goes, for whoever reads the code along its way.

    python -m bench.walk [TREE]

A reader follows the functions in the order of their first call. A stay is a run of functions of
one module, a return is a stay in a module that was left before. `collect` is the job that finds
the file, `read` the one that reads and stores it. TREE is another checkout.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
TEXT = """Kanalbrücke gesperrt

Die Brücke über den Kanal ist seit Montag gesperrt. {0} Tonnen sind zu viel, sagte Ada Kern.

Die Sperrung dauert bis Juni, und der Umweg beträgt {0} Kilometer.
"""
WATCH = """
import os, sys, threading, time
tree, out = os.environ.get("WALKED_TREE"), os.environ.get("WALKED_TO")
if tree:
    stream = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    folders = tuple(f"{tree}/{name}/" for name in ("storage", "worker"))
    starts = {("worker/flow/run_jobs.py", "collect"): "collect",
              ("worker/flow/read.py", "read_batch"): "read"}
    seen, part = set(), ["-"]
    def watch(frame, event, _value):
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(folders):
            return
        key = code.co_filename[len(tree) + 1:], code.co_qualname
        if event == "return":
            part[0] = "-" if starts.get(key) == part[0] else part[0]
        elif not code.co_name.startswith("<"):
            if starts.get(key, part[0]) != part[0]:
                part[0] = starts[key]
                seen.clear()
            if key not in seen:
                seen.add(key)
                line = f"{time.time():.6f} {os.getpid()} {part[0]} {key[0]}\\n"
                os.write(stream, line.encode())
    sys.setprofile(watch)
    threading.setprofile(watch)
"""
"""Writes each first call of a function, in every process."""


def walk(tree: Path, work: Path) -> list[list[str]]:
    """Return time, process, part and module of each first call while a file is ingested."""
    (work / "sitecustomize.py").write_text(WATCH, "utf-8")
    environment = {
        **os.environ, "PYTHONPATH": f"{work}:{tree}", "LESART_HOME": str(work / "home"),
        "LESART_DATABASE_URL": f"sqlite:///{work / 'archive.sqlite3'}",
    }  # fmt: skip
    watched = {"WALKED_TREE": str(tree), "WALKED_TO": str(work / "calls")}
    for number, more in enumerate((dict[str, str](), watched)):  # the first one makes the archive
        folder = work / f"texts{number}"
        folder.mkdir()
        (folder / "bericht.txt").write_text(TEXT.format(number + 3), "utf-8")
        command = [sys.executable, "-P", "-m", "worker", "ingest", str(folder), "--processes", "1"]
        subprocess.run(command, env=environment | more, cwd=work, capture_output=True, check=True)
    return sorted(line.split() for line in (work / "calls").read_text("utf-8").splitlines())


def main() -> None:
    """Print the numbers of both parts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("tree", nargs="?", type=Path, default=HERE)
    tree = parser.parse_args().tree.resolve()
    with tempfile.TemporaryDirectory() as work:
        calls = walk(tree, Path(work))
    own = next(process for _, process, part, _ in calls if part != "-")
    for part in ("collect", "read"):
        modules = [
            module
            for _, process, of, module in calls
            if of == part or (part == "read" and process != own)
        ]
        stays = [module for module, before in zip(modules, ["", *modules], strict=False)
                 if module != before]  # fmt: skip
        number = len(set(modules))
        print(f"{part}: {number} modules, {len(stays)} stays, {len(stays) - number} returns")


if __name__ == "__main__":
    main()
