"""The text core: from the bytes of a capture to a draft, pure, by named steps."""

from worker.text.formats.metadata import holds_text
from worker.text.hints import EXTRACTOR, Hints, Offer, TextSettings, extractor
from worker.text.kinds import HEAD_BYTES, detect_type
from worker.text.read import TYPES, read

__all__ = [
    "EXTRACTOR",
    "HEAD_BYTES",
    "TYPES",
    "Hints",
    "Offer",
    "TextSettings",
    "detect_type",
    "extractor",
    "holds_text",
    "read",
]
