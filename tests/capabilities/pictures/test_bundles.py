"""A proof bundle has the screenshot and the HTML of a page that a browser read, and misses no change of them."""

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from storage.capabilities.bundles.bundle_log import Wrong
from storage.capabilities.bundles.check_bundle import LoggedBundle
from tests.capabilities.browser_pages.test_pages import SHELL, TEXT, shown
from tests.flow.processes import lesart, rows
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Reply, simulated_web
from worker.capabilities.browser_pages.browser import PROGRAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium"),
]


def verified(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Check a bundle with the program in it, on a bare Python."""
    with zipfile.ZipFile(folder / "proof.zip") as whole:
        whole.extractall(folder / "program")
    words = [sys.executable, "-I", "-S", folder / "program" / "verify.py", folder / name]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_bundle_has_the_screenshot_and_finds_a_changed_one(tmp_path: Path) -> None:
    def run(*words: str) -> None:
        done = lesart(tmp_path, *words, **given)
        assert done.returncode == 0, done.stderr

    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web:
        web.put(A, Reply(SHELL))
        given = {
            "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file), "pace": "0.01",
            "proof_key": str(tmp_path / "proof.key"),
        }  # fmt: skip
        for paragraphs in (PEGEL, HIGHER):
            web.put(TEXT, shown(paragraphs))
            run("ingest", A, "--browser")
    run("proof", "keygen")
    run("proof", "checkpoint", "-o", "checkpoint.txt")
    run("proof", f"{A}@2", "-o", "proof.zip")
    whole = verified(tmp_path, "proof.zip")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    shot = [row for row in rows(tmp_path, "pictures", A) if row["event"] == "screenshot"][-1]
    size = f"screenshot, {shot['width']} × {shot['height']} pixels, image/jpeg, SHA-256"
    assert f"{size} {shot['digest']}" in whole.stdout
    with zipfile.ZipFile(tmp_path / "proof.zip") as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    assert any(b"36 Zentimeter" in raw for name, raw in files.items() if "captures/" in name)
    for name in [
        each for each in files if each.endswith(shot["digest"]) or "article_picture" in each
    ]:
        with zipfile.ZipFile(tmp_path / "changed.zip", "w") as packed:
            for each, raw in files.items():
                packed.writestr(
                    each, raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:] if each == name else raw
                )
        changed = verified(tmp_path, "changed.zip")
        assert changed.returncode != 0
        assert f"the file {name} was changed" in changed.stdout + changed.stderr
    manifest = {**json.loads(files["manifest.json"])}
    readers = {name: partial(bytes, files[name]) for name in manifest["files"]}
    readers[f"captures/{shot['digest']}"] = partial(bytes, b"another picture")
    with pytest.raises(Wrong, match=f"the bytes of capture {shot['digest']} differ"):
        LoggedBundle(readers, manifest, []).facts()  # as if the list had been signed again
