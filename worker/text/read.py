"""Extract the draft from the bytes of a capture, by its document type.

The type decides the reader, and the extractor that is recorded with the text.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from storage.capabilities import PAGE_KINDS, load_part_for, load_parts
from storage.values.draft import BY_BROWSER, Draft, Extractor
from storage.values.lazy import LazyModule
from storage.values.net.addresses import RENDERED
from storage.values.refusals import RefusalReason, refuse
from worker.text.formats.json_article import read_json
from worker.text.formats.seed import read_seed
from worker.text.hints import Hints, TextSettings, TypeReader, extractor

if TYPE_CHECKING:
    from worker.text import mail
    from worker.text.formats import markdown
    from worker.text.page import read_page as page
else:
    mail = LazyModule("worker.text.mail")
    markdown = LazyModule("worker.text.formats.markdown")
    page = LazyModule("worker.text.page.read_page")


def _browser_extractor(who: Extractor) -> Extractor:
    return replace(who, config=who.config + BY_BROWSER)


def _mark_rendered(outcome: Draft | RefusalReason) -> Draft | RefusalReason:
    """Return a draft as that of a page whose document a browser made."""
    if isinstance(outcome, RefusalReason):
        return outcome
    return replace(outcome, extractor=_browser_extractor(outcome.extractor))


# ruff: noqa: PLW0108 -- each function is found in its module when it is called first
READERS: dict[str, TypeReader] = {
    "seed": TypeReader(read_seed),
    "markdown": TypeReader(
        lambda raw, hints, settings: markdown.read_markdown(raw, hints, settings)
    ),
    "html": TypeReader(
        lambda raw, hints, settings: page.read_page(raw, hints, settings),
        lambda settings: page.page_extractor(settings),
        is_isolated=True,
    ),
    RENDERED: TypeReader(
        lambda raw, hints, settings: _mark_rendered(page.read_page(raw, hints, settings)),
        lambda settings: _browser_extractor(page.page_extractor(settings)),
        is_isolated=True,
    ),
    "json": TypeReader(read_json),
    "jsonl": TypeReader(read_json),
    "csv": TypeReader(read_json),
    "tsv": TypeReader(read_json),
    "eml": TypeReader(
        lambda raw, hints, settings: mail.read_mail(raw, hints, settings),
        lambda settings: mail.mail_extractor(settings),
        is_isolated=True,
        split=lambda raw: mail.split_mail(raw),
    ),
    **{kind: own for part in load_parts("format_readers") for kind, own in part.READERS.items()},
}
"""The readers of the document types in `storage.values.arrivals.formats`."""

_OF_CAPABILITY = TypeReader(
    lambda raw, hints, _settings: load_part_for(hints.type, "page_reader").read_page(raw, hints),
    is_isolated=True,
)


def _reader_of(type: str) -> TypeReader | None:  # noqa: A002  # the word of the hints
    """Return the reader of a document type, or that of a capability for pages of its kinds."""
    return _OF_CAPABILITY if type in PAGE_KINDS else READERS.get(type)


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
