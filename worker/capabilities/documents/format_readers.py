"""The readers of office documents, PDFs and items of agencies, each loaded at its first use."""

from typing import TYPE_CHECKING, Any

from storage.values.lazy import LazyModule
from worker.text.hints import TypeReader

if TYPE_CHECKING:
    from worker.capabilities.documents import docx, newsml, ninjs, odt, pdf
else:
    docx = LazyModule("worker.capabilities.documents.docx")
    newsml = LazyModule("worker.capabilities.documents.newsml")
    ninjs = LazyModule("worker.capabilities.documents.ninjs")
    odt = LazyModule("worker.capabilities.documents.odt")
    pdf = LazyModule("worker.capabilities.documents.pdf")


# ruff: noqa: PLW0108 -- each function is found in its module when it is called first
def _read_by(module: Any, *, can_split: bool = False) -> TypeReader:
    """Return the reader whose functions are those of a module."""
    return TypeReader(
        lambda raw, hints, settings: module.read(raw, hints, settings),
        lambda settings: module.extractor(settings),
        is_isolated=True,
        split=(lambda raw: module.split(raw)) if can_split else None,
    )


READERS: dict[str, TypeReader] = {
    "docx": _read_by(docx),
    "odt": _read_by(odt),
    "pdf": _read_by(pdf),
    "ninjs": _read_by(ninjs, can_split=True),
    "newsml": _read_by(newsml, can_split=True),
}
