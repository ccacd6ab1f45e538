"""Withhold bytes that contain the text of a restricted article, wherever it was captured."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from storage.database.rows import fetch, stream
from storage.database.view_queries.sql_words import RESTRICTED
from storage.record.contents.phrases import Phrases, TextIdentity

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TEXTS = f"""
SELECT w.title AS title, w.text AS text, d.detail AS detail FROM snapshot s
JOIN derivation d ON d.id = s.derivation_id JOIN wording w ON w.id = d.wording_id
WHERE s.article_id IN {RESTRICTED}"""
_ADDRESSES = f"""
SELECT r.origin AS origin FROM article_origin o JOIN origin r ON r.id = o.origin_id
WHERE o.article_id IN {RESTRICTED}"""
_HEADLINES = f"""
SELECT t.headline AS headline FROM teaser t JOIN article_origin o ON o.origin_id = t.origin_id
WHERE t.headline IS NOT NULL AND o.article_id IN {RESTRICTED}"""
_READINGS = f"""
SELECT w.title AS title, w.text AS text FROM derivation d JOIN wording w ON w.id = d.wording_id
JOIN snapshot s ON s.derivation_id = d.id
WHERE d.capture_id = :capture AND s.article_id NOT IN {RESTRICTED}"""


class RestrictedTexts:
    """The texts of the restricted articles, as one connection sees them."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._identity = TextIdentity()
        for row in stream(connection, _TEXTS, {}):
            self._identity.add_text(row["title"], row["text"], row["detail"] or {})
        for row in stream(connection, _HEADLINES, {}):
            self._identity.add_title(row["headline"])
        for row in stream(connection, _ADDRESSES, {}):
            self._identity.add_address(row["origin"])
        self._phrases = Phrases(self._identity.phrases)

    def __bool__(self) -> bool:
        return bool(self._phrases)

    def are_in_capture(self, capture_id: int, raw: bytes) -> bool:
        """Check whether the bytes of a capture are withheld.

        What the text itself says that another article was read as is a quotation, and shown.
        """
        if not self._phrases:
            return False
        found = self._phrases.find_in_bytes(raw)
        told = self._identity.recognises(found.phrases)
        if not told:
            return found.left_out is not None
        for row in fetch(self._connection, _READINGS, {"capture": capture_id}):
            told -= self._phrases.find_in_text(f"{row['title'] or ''}\n\n{row['text'] or ''}")
        return bool(told)

    def are_in_bytes(self, raw: bytes) -> bool:
        """Check whether bytes without a reading of their own, such as headers, are withheld."""
        if not self._phrases:
            return False
        return bool(self._identity.recognises(self._phrases.find_in_bytes(raw).phrases))

    def are_in_field(self, value: object, text: str) -> bool:
        """Check whether a field of another article has a text that its own text does not have."""
        if not self._phrases:
            return False
        joined = "\0\0".join(_strings(value))
        told = self._identity.recognises(self._phrases.find_in_text(joined))
        return bool(told and told - self._phrases.find_in_text(text))


def _strings(value: object) -> Iterator[str]:
    """Yield all strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for each in pair for text in _strings(each))
    elif isinstance(value, (list, tuple)):
        yield from (text for each in value for text in _strings(each))
