"""Extract the draft from the bytes of a capture, by its document type.

The type decides the reader, and the extractor that is recorded with the text.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from storage.values.draft import Draft, Extractor
from storage.values.lazy import LazyModule
from storage.values.net.addresses import FRONT
from storage.values.refusals import RefusalReason, refuse
from worker.text.formats.json_article import read_json
from worker.text.formats.seed import read_seed
from worker.text.hints import Hints, TextSettings, extractor

if TYPE_CHECKING:
    from worker.text import mail
    from worker.text.documents import docx, newsml, ninjs, odt, pdf
    from worker.text.formats import markdown
    from worker.text.page import read_page as page
    from worker.text.page import teasers
else:
    mail = LazyModule("worker.text.mail")
    docx = LazyModule("worker.text.documents.docx")
    newsml = LazyModule("worker.text.documents.newsml")
    ninjs = LazyModule("worker.text.documents.ninjs")
    odt = LazyModule("worker.text.documents.odt")
    pdf = LazyModule("worker.text.documents.pdf")
    markdown = LazyModule("worker.text.formats.markdown")
    page = LazyModule("worker.text.page.read_page")
    teasers = LazyModule("worker.text.page.teasers")


class TypeReader(NamedTuple):
    """How documents of one type are read.

    Isolated documents are read in a child process, whatever their size; their drafts may depend on
    the time of the capture. `split` returns the texts of a document that contains several.
    """

    read: Callable[[bytes, Hints, TextSettings], Draft | RefusalReason]
    extractor: Callable[[TextSettings], Extractor] = extractor
    is_isolated: bool = False
    split: Callable[[bytes], list[tuple[str, bytes]] | RefusalReason] | None = None


def _read_markdown(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return markdown.read_markdown(raw, hints, settings)


def _read_page(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return page.read_page(raw, hints, settings)


def _page_extractor(settings: TextSettings) -> Extractor:
    return page.page_extractor(settings)


def _read_front(raw: bytes, hints: Hints, _settings: TextSettings) -> Draft | RefusalReason:
    return teasers.read_front(raw, hints)


def _read_mail(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return mail.read_mail(raw, hints, settings)


def _mail_extractor(settings: TextSettings) -> Extractor:
    return mail.mail_extractor(settings)


def _read_docx(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return docx.read_docx(raw, hints, settings)


def _docx_extractor(settings: TextSettings) -> Extractor:
    return docx.docx_extractor(settings)


def _read_odt(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return odt.read_odt(raw, hints, settings)


def _odt_extractor(settings: TextSettings) -> Extractor:
    return odt.odt_extractor(settings)


def _read_pdf(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return pdf.read_pdf(raw, hints, settings)


def _pdf_extractor(settings: TextSettings) -> Extractor:
    return pdf.pdf_extractor(settings)


def _read_ninjs(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return ninjs.read_ninjs(raw, hints, settings)


def _ninjs_extractor(settings: TextSettings) -> Extractor:
    return ninjs.ninjs_extractor(settings)


def _read_newsml(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    return newsml.read_newsml(raw, hints, settings)


def _newsml_extractor(settings: TextSettings) -> Extractor:
    return newsml.newsml_extractor(settings)


def _split_mail(raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    return mail.split_mail(raw)


def _split_ninjs(raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    return ninjs.split_ninjs(raw)


def _split_newsml(raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    return newsml.split_newsml(raw)


READERS: dict[str, TypeReader] = {
    "seed": TypeReader(read_seed),
    "markdown": TypeReader(_read_markdown),
    "html": TypeReader(_read_page, _page_extractor, is_isolated=True),
    "json": TypeReader(read_json),
    "jsonl": TypeReader(read_json),
    "csv": TypeReader(read_json),
    "tsv": TypeReader(read_json),
    "eml": TypeReader(_read_mail, _mail_extractor, is_isolated=True, split=_split_mail),
    "docx": TypeReader(_read_docx, _docx_extractor, is_isolated=True),
    "odt": TypeReader(_read_odt, _odt_extractor, is_isolated=True),
    "pdf": TypeReader(_read_pdf, _pdf_extractor, is_isolated=True),
    "ninjs": TypeReader(_read_ninjs, _ninjs_extractor, is_isolated=True, split=_split_ninjs),
    "newsml": TypeReader(_read_newsml, _newsml_extractor, is_isolated=True, split=_split_newsml),
}
"""The readers of the document types in `storage.values.arrivals.formats`."""

_FRONT = TypeReader(_read_front, is_isolated=True)


def _reader_of(type: str) -> TypeReader | None:  # noqa: A002  # the word of the hints
    """Return the reader of a document type, or the reader of the teasers of front pages."""
    return _FRONT if type == FRONT else READERS.get(type)


def read_document(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Return the draft of one document, or the refusal of its content; never raises.

    For `jsonl`, `csv` and `tsv`, the caller passes each record as one JSON object.
    """
    reader = _reader_of(hints.type)
    if reader is None:
        return refuse("type_unknown", detected=hints.type)
    return reader.read(raw, hints, settings)


def split_document(kind: str, raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    """Return the name and the bytes of each text in a document, none if it has only one."""
    split = READERS[kind].split
    return [] if split is None else split(raw)


def is_isolated(type: str) -> bool:  # noqa: A002  # the word of the hints
    """Check whether documents of this type are always read in a child process."""
    reader = _reader_of(type)
    return reader is not None and reader.is_isolated


def extractor_of(type: str, settings: TextSettings) -> Extractor:  # noqa: A002
    """Return the current extractor of documents of this type."""
    return (READERS[type].extractor if type in READERS else extractor)(settings)


def current_extractors(settings: TextSettings) -> frozenset[Extractor]:
    """Return the extractors of this program under `settings`."""
    return frozenset(each.extractor(settings) for each in READERS.values())
