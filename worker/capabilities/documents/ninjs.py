"""Read an item of an agency in ninjs (News in JSON by the IPTC), in the spelling of any version."""

import json
from collections import deque
from collections.abc import Iterator

from storage.values.draft import Draft, Extractor, Json
from storage.values.fields import FIELDS
from storage.values.refusals import RefusalReason, refuse
from worker.capabilities.documents.agency_item import (
    AgencyItem,
    build_item_draft,
    item_extractor,
)
from worker.capabilities.documents.press_text import DocumentBlock
from worker.text.annotate.roles import blocks
from worker.text.decode import decode
from worker.text.formats.json_article import invalid_reason, parse_record
from worker.text.formats.metadata import plain_key
from worker.text.hints import Hints, TextSettings
from worker.text.page.layout.fragment import fragment_blocks

NAME = "lesart-ninjs"
VERSION = "3"
"""Incremented with every change that can alter a text, role, mark or field."""
MAX_VALUES = 1_000
_MARKUP_BODIES = ("bodyxhtml", "bodyhtml")
"""Bodies of ninjs 1 in the order of preference; those of later versions state their type."""


def extractor(settings: TextSettings) -> Extractor:
    """Return the extractor of ninjs."""
    return item_extractor(NAME, VERSION, settings)


def read(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read one ninjs object.

    Refusals in addition to those of every text: `record_invalid`, and `item_without_text` for a
    picture, film, event or package.
    """
    decoded = decode(raw, hints.charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    try:
        record = parse_record(decoded.text)
    except (ValueError, RecursionError) as error:
        return refuse("record_invalid", line="1", reason=invalid_reason(error))
    by_key = {plain_key(key): (key, value) for key, value in record.items()}
    item = AgencyItem("ninjs", flags=list(decoded.flags), steps=decoded.steps)
    item.identifier = _text(by_key, "uri") or _text(by_key, "guid")
    item.created = _text(by_key, "versioncreated")
    for spec in FIELDS:
        for key in spec.ninjs:
            written, value = by_key.get(key, (key, None))
            for text in _texts(value):
                item.add(spec.name, text, written)
    found = _body(by_key)
    if isinstance(found, RefusalReason):
        return found
    item.blocks = found
    return build_item_draft(item, hints, settings, extractor(settings))


def split(raw: bytes) -> list[tuple[str, bytes]] | RefusalReason:
    """Return identifier and JSON of each item with a text in a package; none if it has one text.

    The package itself is the first one if it has a text.
    """
    decoded = decode(raw, None)
    if isinstance(decoded, RefusalReason):
        return decoded
    try:
        package = parse_record(decoded.text)
    except (ValueError, RecursionError) as error:
        return refuse("record_invalid", line="1", reason=invalid_reason(error))
    found: list[tuple[str, bytes]] = []
    has_own = False
    for item in _with_associated(package):
        by_key = {plain_key(key): (key, value) for key, value in item.items()}
        if any(key.startswith("bod") and value for key, (_key, value) in by_key.items()):
            has_own |= item is package
            own = raw if item is package else json.dumps(item).encode()
            found.append((_text(by_key, "uri") or _text(by_key, "guid") or "", own))
    return [] if has_own and len(found) == 1 else found


def _with_associated(package: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Yield an item and the items in its associations, whose nesting the JSON parser bounds."""
    waiting: deque[Json] = deque([package])
    while waiting:
        item = waiting.popleft()
        if isinstance(item, dict):
            yield item
            listed = item.get("associations")
            waiting += listed.values() if isinstance(listed, dict) else ()
            waiting += listed if isinstance(listed, list) else ()


def _text(by_key: dict[str, tuple[str, Json]], key: str) -> str | None:
    value = by_key.get(key, (key, None))[1]
    return value.strip() or None if isinstance(value, str) else None


def _texts(value: Json) -> Iterator[str | int]:
    """Yield the texts of a value, of a list of values, or of objects with a value or a name.

    Main values come first.
    """
    if isinstance(value, str | int):
        yield value
    elif isinstance(value, list):
        entries = value[:MAX_VALUES]
        for entry in sorted(entries, key=lambda each: _role(each) != "main"):
            content = entry.get("value", entry.get("name")) if isinstance(entry, dict) else entry
            if isinstance(content, str | int):
                yield content


def _role(entry: Json) -> str:
    return str(entry.get("role", "")) if isinstance(entry, dict) else ""


def _body(by_key: dict[str, tuple[str, Json]]) -> list[DocumentBlock] | RefusalReason:
    """Return the paragraphs of the first body in HTML, otherwise in plain text."""
    entries = by_key.get("bodies", ("", None))[1]
    bodies = (
        [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    )
    markup: list[str] = []
    plain: list[str] = []
    for entry in bodies[:MAX_VALUES]:
        keys = {plain_key(key): value for key, value in entry.items()}
        content = keys.get("value")
        if isinstance(content, str) and content.strip():
            is_markup = "html" in str(keys.get("contenttype", ""))
            (markup if is_markup else plain).append(content)
    markup += [text for key in _MARKUP_BODIES if (text := _text(by_key, key))]
    plain += [text] if (text := _text(by_key, "bodytext")) else []
    for html in markup[:1]:
        pairs = fragment_blocks(html)
        if isinstance(pairs, RefusalReason):
            return pairs
        return [DocumentBlock(text, role) for text, role in pairs]
    texts = blocks(plain[0].replace("\r\n", "\n")) if plain else []
    return [DocumentBlock(text) for text in texts]
