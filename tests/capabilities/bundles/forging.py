"""Attacks of a forger on a bundle: change files and rows, sign again, even log again."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from storage.capabilities.bundles import bundle_report, check_bundle
from storage.capabilities.bundles.bundle_log import LoggedRow, Wrong, write_json
from storage.proof.note import Checkpoint, Signer, tlog_proof
from storage.proof.tree import inclusion, leaf_hash
from tests.flow.whole_record import KEY
from tests.proof.grown import Tree

UNSIGNED = {"manifest.json", "manifest.note", *check_bundle.PROGRAMS}
Json = dict[str, Any]


def manifest_of(folder: Path) -> Json:
    return json.loads((folder / "manifest.json").read_text())


def signed(folder: Path, signer: Signer = KEY, **changes: Any) -> None:
    """List and sign all files as they are now; `changes` are made in the manifest."""
    manifest = manifest_of(folder)
    files = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
    manifest["files"] = {
        name: sha256((folder / name).read_bytes()).hexdigest() for name in sorted(files - UNSIGNED)
    }
    manifest |= changes
    written = write_json(manifest).decode()
    (folder / "manifest.json").write_text(written)
    text = f"{check_bundle.FORMAT}\n{sha256(written.encode()).hexdigest()}\n"
    (folder / "manifest.note").write_text(f"{text}\n{signer.sign(text)}")


def written_anew(folder: Path, signer: Signer = KEY, **changes: Any) -> None:
    """Write texts and report from the rows that are there, as the archive would, and sign."""
    signed(folder, signer, **changes)
    manifest = manifest_of(folder)
    readers = {name: (folder / name).read_bytes for name in manifest["files"]}
    with suppress(
        Wrong, LookupError, ValueError, TypeError, AttributeError
    ):  # the forger sends it as it is
        facts = check_bundle.LoggedBundle(readers, manifest, []).facts()
        for text in (folder / "texts").iterdir():
            text.unlink()
        for text in (each for place in facts["places"] for each in place["texts"]):
            (folder / f"texts/{text['number']}.txt").write_text(text["text"])
        page = bundle_report.page(facts, manifest["language"])
        (folder / "report.html").write_text(page)
    signed(folder, signer, **changes)


def rows(folder: Path, table: str = "*") -> list[Path]:
    return sorted(folder.glob(f"rows/*-{table}-*.json"))


def row_in(path: Path) -> tuple[Json, Json]:
    """Return a row file and its plain columns."""
    row = json.loads(path.read_text())
    return row, json.loads(row["plain"])


def value_in(path: Path, name: str) -> str | None:
    value = row_in(path)[0]["contents"][name]["value"]
    return None if value is None else base64.b64decode(value).decode()


def set_plain(path: Path, **values: Any) -> None:
    row, plain = row_in(path)
    row["plain"] = json.dumps(plain | values)
    path.write_bytes(write_json(row))


def set_content(path: Path, name: str, value: str | None) -> None:
    row, _plain = row_in(path)
    encoded = None if value is None else base64.b64encode(value.encode()).decode()
    row["contents"][name]["value"] = encoded
    path.write_bytes(write_json(row))


def withhold(folder: Path, *paths: Path) -> None:
    """Take rows out of the bundle, with their proofs."""
    for path in paths:
        path.unlink()
        (folder / "proofs" / path.stem).unlink()
        (folder / "proofs" / f"{path.stem}.tlog-proof").unlink()


def logged_anew(folder: Path, signer: Signer = KEY) -> None:
    """Log the rows as they are now in a new log of their own, signed by the key."""
    kept = [LoggedRow(path.read_bytes()) for path in rows(folder)]
    given = [path.read_bytes() for path in rows(folder)]
    withhold(folder, *rows(folder))
    for each in (folder / "log").iterdir():
        each.unlink()
    tree = Tree(leaf_hash(each.entry) for each in kept)
    note = Checkpoint(signer.verifier.name, len(tree), tree.root()).signed(signer)
    (folder / "log/checkpoint").write_text(note)
    for index, (row, content) in enumerate(zip(kept, given, strict=True)):
        stem = f"{index:08}-{row.table}-{row.seq}"
        path = inclusion(tree.node, index, len(tree))
        (folder / f"rows/{stem}.json").write_bytes(content)
        (folder / f"proofs/{stem}").write_bytes(row.entry)
        (folder / f"proofs/{stem}.tlog-proof").write_text(tlog_proof(index, path, note))
    written_anew(folder, signer, witnesses=[], stamps=[], key=signer.verifier.vkey)


def set_checkpoint(folder: Path, note: str) -> None:
    """Replace the checkpoint, and that below each proof."""
    (folder / "log/checkpoint").write_text(note)
    for path in folder.glob("proofs/*.tlog-proof"):
        above, separator, _below = path.read_text().partition("\n\n")
        path.write_text(above + separator + note)


def replaced(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def each_text(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "texts").iterdir()):
        yield path.read_text()


Attack = Callable[[Path], None]
