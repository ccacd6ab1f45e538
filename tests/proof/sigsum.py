"""Debian's witness `sigsum-witness`, run for a log as docs/proof.md describes."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.proof.note import Verifier

SIGSUM = shutil.which("sigsum-witness")
GO = {**os.environ, "GODEBUG": "httpmuxgo121=0"}
"""Debian's Go programs take their routes for others without it, and answer 404."""


@contextmanager
def sigsum_witness(folder: Path, log_key: Verifier) -> Iterator[tuple[str, Verifier]]:
    """Run Debian's witness for a log as docs/proof.md describes; yield its URL and its key."""
    (folder / "log.vkey").write_text(f"{log_key.vkey}\n")
    sigsum_key("from-vkey", "-k", folder / "log.vkey", "-o", folder / "log.pub")
    sigsum_key("generate", "-o", folder / "w")
    name = f"sigsum.org/v1/witness/{sigsum_key('to-hash', '-k', folder / 'w.pub')}"
    vkey = sigsum_key("to-vkey", "-k", folder / "w.pub", "-t", "cosignature/v1", "-n", name)
    command: list[str | Path] = ["sigsum-witness", "-k", folder / "w", f"--log-key={folder / 'log.pub'}",
               f"--state-file={folder / 'state'}"]  # fmt: skip
    with running(command) as url:
        yield url, Verifier.parse(vkey)


def sigsum_key(*arguments: str | Path) -> str:
    done = subprocess.run(["sigsum-key", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextmanager
def running(command: Sequence[str | Path]) -> Iterator[str]:
    """Run a server that takes the address to listen on as its last argument; yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*command, f"127.0.0.1:{port}"],
        env=GO,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            await_state(lambda: accepts(port), process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def await_state(is_reached: Callable[[], bool], process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + 60
    while not is_reached():
        assert process.poll() is None, "the program ended"
        assert time.monotonic() < end, "the program does not answer"
        time.sleep(0.05)
