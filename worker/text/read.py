"""Extract the draft from the bytes of a capture, by its document type."""

from collections.abc import Callable

from storage.values.draft import Draft
from storage.values.refusals import Refused, refuse
from worker.text.formats.json_article import read_json
from worker.text.formats.seed import read_seed
from worker.text.hints import Hints, TextSettings


def _markdown(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | Refused:
    from worker.text.formats.markdown import read_markdown  # noqa: PLC0415  # loads the parsers

    return read_markdown(raw, hints, settings)


_READERS: dict[str, Callable[[bytes, Hints, TextSettings], Draft | Refused]] = {
    "seed": read_seed,
    "text": read_seed,
    "markdown": _markdown,
    "json": read_json,
    "jsonl": read_json,
    "csv": read_json,
    "tsv": read_json,
}
TYPES = tuple(_READERS)
"""The document types read in this process; pages (`html`) are read in a child process."""


def read_document(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | Refused:
    """Return the draft of one document, or the refusal of its content; never raises.

    For `jsonl`, `csv` and `tsv`, the caller passes each record as one JSON object.
    """
    reader = _READERS.get(hints.type)
    if reader is None:
        return refuse("type_unknown", detected=hints.type)
    return reader(raw, hints, settings)
