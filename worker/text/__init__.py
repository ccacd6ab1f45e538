"""Convert the bytes of a capture into a draft, in named steps and without side effects."""

from worker.text.file_types import HEAD_BYTES, detect_type
from worker.text.formats.metadata import is_field_key, is_text_key
from worker.text.hints import EXTRACTOR, Hints, SourceValue, TextSettings, extractor
from worker.text.read import (
    current_extractors,
    extractor_of,
    is_isolated,
    read_document,
    split_document,
)

__all__ = [
    "EXTRACTOR",
    "HEAD_BYTES",
    "Hints",
    "SourceValue",
    "TextSettings",
    "current_extractors",
    "detect_type",
    "extractor",
    "extractor_of",
    "is_field_key",
    "is_isolated",
    "is_text_key",
    "read_document",
    "split_document",
]
