"""The parts of an office document: named members of a ZIP file, within bounds."""

import struct
import zipfile
import zlib
from io import BytesIO

from lxml import etree

from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.capabilities.documents.safe_xml import parse_xml

MAX_PARTS = 5_000
MAX_PART_BYTES = 50_000_000
MAX_GROWTH = 200
GROWTH_FREE_BYTES = 1_000_000
"""A part up to this size may have grown by any factor."""
_ENCRYPTED_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The container of a DOCX document with a password."""
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)
"""Errors of the ZIP reader for damaged files."""


class PartError(Exception):
    """A document with a part that cannot be read."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.message)
        self.refused = reason


class ZipParts:
    """The parts of one document of the format `kind`; each part is read at most once by name."""

    def __init__(self, raw: bytes, kind: str) -> None:
        """Read the directory of the ZIP file.

        Raises: PartError if there is none, or it is too long.
        """
        self._kind = kind
        if raw.startswith(_ENCRYPTED_START):
            raise PartError(refuse("document_encrypted", kind=kind))
        try:
            self._archive = zipfile.ZipFile(BytesIO(raw))
        except _DAMAGE:
            raise self._error(message_text("zip_directory")) from None
        if len(self._archive.infolist()) > MAX_PARTS:
            raise self._error(message_text("many_parts", limit=MAX_PARTS))

    def names(self) -> list[str]:
        return self._archive.namelist()

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a part; None if there is no such part.

        Raises: PartError if the part is damaged, encrypted, or larger than its bounds.
        """
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            return None
        if info.flag_bits & _ENCRYPTED:
            raise PartError(refuse("document_encrypted", kind=self._kind))
        limit = min(MAX_PART_BYTES, max(GROWTH_FREE_BYTES, info.compress_size * MAX_GROWTH))
        try:
            with self._archive.open(info) as part:
                raw = part.read(limit + 1)
        except _DAMAGE:
            raise self._error(message_text("part_damaged", name=name)) from None
        if len(raw) > limit:
            raise self._error(message_text("part_grows", name=name, limit=limit))
        return raw

    def root(self, name: str) -> etree._Element | None:
        """Return the root of a part, None if it is missing or empty. Raises: PartError."""
        raw = self.read(name)
        root = parse_xml(raw, self._kind) if raw else None
        if isinstance(root, RefusalReason):
            raise PartError(root)
        return root

    def _error(self, reason: str) -> PartError:
        return PartError(refuse("document_invalid", kind=self._kind, reason=reason))
