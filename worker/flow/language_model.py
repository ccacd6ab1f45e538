"""The language model of py3langid as arrays mapped from a file in the user's cache.

Its package has it compressed: to unpack it takes half a second and 100 MB in each process. The
first process that needs it writes the arrays to a file; all others map them in a millisecond and
share their memory. The answers are the same.

The file is written aside and renamed. Its digest is checked once, and again after each change of
its place, size or times; a damaged file is replaced. Without a cache that can be written and has
room for it, the model is unpacked as before.
"""

import json
import mmap
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from storage.values.lazy import LazyModule
from worker.text.annotate.language import Model, unpack_model

if TYPE_CHECKING:
    import numpy as np
    from py3langid import langid
else:
    np = LazyModule("numpy")
    langid = LazyModule("py3langid.langid")

_NAME = "language-model-"
_SAMPLES = ("Havnen blev lukket om natten.", "Les quais étaient fermés.", "Причал закрыт", "42")
"""Texts for which a file must give the same answers before it is used."""
_PAGE = 4096
"""The head of the file, and what the start of each array is a multiple of, in bytes."""
_DIGEST_LENGTH = 64
_MIN_FREE_BYTES = 500_000_000


def load_model() -> Model:
    """Return the model, mapped if possible."""
    path = _model_path()
    # No such file, a damaged one, or a release of py3langid with other attributes.
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        if _is_whole(path):
            return _map_model(path)
    model = unpack_model()
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        _store_model(model, path)
    return model


def _model_path() -> Path:
    """Return the place of the file for the installed model and the code that reads it."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(given) if given.startswith("/") else Path("~/.cache").expanduser()
    sources = (Path(langid.MODEL_DIR) / langid.MODEL_FILE, Path(langid.__file__))
    stats = [(each.stat().st_size, each.stat().st_mtime_ns) for each in sources]
    own = Path(__file__).read_bytes()  # the same in all checkouts, which then share the file
    key = sha256(repr((sys.byteorder, stats, own)).encode()).hexdigest()[:16]
    return cache / "lesart" / f"{_NAME}{key}"


def _is_whole(path: Path) -> bool:
    """Check the digest of a file, unless it was checked since its last change."""
    found = path.stat()
    state = f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
    note = path.with_name(f"{path.name}.checked")
    with suppress(OSError, ValueError):
        if note.read_text("ascii") == state:
            return True
    with path.open("rb") as file:
        stated = file.read(_DIGEST_LENGTH)
        content = sha256()
        while piece := file.read(1 << 20):
            content.update(piece)
    is_whole = content.hexdigest().encode() == stated
    with suppress(OSError):
        if is_whole:
            note.write_text(state, "ascii")
    return is_whole


def _map_model(path: Path) -> Model:
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    head = json.loads(data[_DIGEST_LENGTH:_PAGE])
    arrays = [np.frombuffer(data, kind, count, start) for kind, count, start in head["arrays"]]
    weights, prior, moves, rows, outputs = arrays
    model = langid.LanguageIdentifier(
        weights.reshape(-1, len(prior)), prior, head["classes"], moves.data, outputs.data,
        norm_probs=True, tk_row=(),
    )  # fmt: skip
    model._rowbase = rows.data  # noqa: SLF001 -- instead of the list made from tk_row
    mapped: Model = model
    return mapped


def _store_model(model: "langid.LanguageIdentifier", path: Path) -> None:
    """Write the arrays of a model to a file, if this gives the same answers."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(path.parent).free < _MIN_FREE_BYTES:
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_NAME, delete=False) as file:
        aside = Path(file.name)
        try:
            content = sha256()
            file.write(bytes(_DIGEST_LENGTH))
            for piece in _pieces(model):
                content.update(piece)
                file.write(piece)
            file.seek(0)
            file.write(content.hexdigest().encode())
            file.flush()
            os.fsync(file.fileno())
            mapped = _map_model(aside)
            if all(mapped.rank(each) == model.rank(each) for each in _SAMPLES):
                aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    for other in path.parent.glob(f"{_NAME}*"):  # of earlier releases, or of a killed process
        if not other.name.startswith(path.name):
            other.unlink(missing_ok=True)


def _pieces(model: "langid.LanguageIdentifier") -> Iterator[bytes]:
    """Yield the file after its digest: the head, then each array, filled up to whole pages."""
    arrays = [
        model.nb_ptc, model.nb_pc, np.asarray(model.tk_nextmove),
        np.asarray(model._rowbase, np.uint32), np.asarray(model.tk_output, np.int32),  # noqa: SLF001
    ]  # fmt: skip
    facts, start = [], _PAGE
    for each in arrays:
        facts.append((each.dtype.str, each.size, start))
        start += each.nbytes + -each.nbytes % _PAGE
    head = json.dumps({"arrays": facts, "classes": model.nb_classes}).encode()
    yield head.ljust(_PAGE - _DIGEST_LENGTH)
    for each in arrays:
        yield each.tobytes() + bytes(-each.nbytes % _PAGE)
