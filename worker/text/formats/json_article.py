"""Read one article from a JSON object, by the keys of schema.org and of common exports."""

import json
from collections.abc import Iterator, Mapping
from typing import get_args

from storage.values.draft import Draft, Json, Role
from storage.values.fields import TEXT_KEYS
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.roles import blocks, split_at_blank_lines
from worker.text.decode import decode
from worker.text.file_types import has_markup
from worker.text.formats.assemble import ParsedDocument, assemble
from worker.text.formats.metadata import RecordCleaner, plain_key, read_metadata
from worker.text.hints import Hints, TextSettings

MAX_DEPTH = 50
MAX_INTEGER_DIGITS = 18
"""Longer integers remain strings."""
_ROLES: tuple[Role, ...] = get_args(Role)


class RecordInvalidError(ValueError):
    """A record that is valid JSON but breaks a rule of this format."""


def read_json(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | RefusalReason:
    """Read one JSON object, or one CSV row passed as one, as an article.

    Refused as `record_invalid`: invalid JSON, NaN and Infinity, a duplicate key, nesting deeper
    than 50, and anything other than an object. Numbers keep their digits: a decimal fraction
    remains a string.
    """
    decoded = decode(raw, hints.charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    if not decoded.text.strip():
        return refuse("empty")
    try:
        record = parse_record(decoded.text)
    except (ValueError, RecursionError) as error:
        return refuse("record_invalid", line=_line_number(hints.name), reason=invalid_reason(error))
    cleaner = RecordCleaner(list(decoded.flags))
    record = cleaner.clean_value(record)
    document = _read_body(record)
    document.flags += cleaner.flags
    document.steps = (*decoded.steps, *cleaner.steps())
    metadata = {key: value for key, value in record.items() if not _is_body(key, value, document)}
    source = "csv" if hints.type in ("csv", "tsv") else "json"
    read_metadata(metadata, source, document, hints, settings)
    return assemble(document, settings)


def parse_record(text: str) -> dict[str, Json]:
    """Parse a JSON object; integers beyond 18 digits and decimal fractions remain strings.

    Control characters in strings are accepted; cleaning removes them in a step.

    Raises: ValueError (RecordInvalidError) or RecursionError if it is invalid.
    """
    record = json.loads(
        text,
        strict=False,
        object_pairs_hook=_reject_duplicate_keys,
        parse_constant=_reject_constant,
        parse_float=str,
        parse_int=_parse_integer,
    )
    if not isinstance(record, dict):
        raise RecordInvalidError(message_text("no_object"))
    if _is_deeper_than(record, MAX_DEPTH):
        raise RecordInvalidError(message_text("nested_deeper", limit=MAX_DEPTH))
    return record


def _reject_duplicate_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        duplicate = next(key for key in keys if keys.count(key) > 1)
        raise RecordInvalidError(message_text("key_twice", key=duplicate[:80]))
    return record


def _reject_constant(name: str) -> Json:
    raise RecordInvalidError(message_text("not_json", name=name))


def _parse_integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else digits


def _is_deeper_than(value: Json, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        level = [inner for item in level for inner in _children(item)]
        if not level:
            return False
    return True


def _children(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _line_number(name: str) -> str:
    _, mark, line = name.rpartition("#")
    return line if mark and line.isdecimal() else "1"


def invalid_reason(error: Exception) -> str:
    """Return why `parse_record` failed, for a message."""
    if isinstance(error, RecursionError):
        return message_text("nested_deeply")
    if isinstance(error, json.JSONDecodeError):
        return message_text("not_json_at", problem=error.msg, line=error.lineno, column=error.colno)
    return str(error)


def _read_body(record: Mapping[str, Json]) -> ParsedDocument:
    """Read the body from the first text key that has one."""
    by_key = {plain_key(key): value for key, value in record.items()}
    for key in TEXT_KEYS:
        document = ParsedDocument(*_blocks(by_key.get(key)))
        if document.blocks:
            if any(map(has_markup, document.blocks)):
                document.flags.append("markup_in_text")
            return document
    return ParsedDocument([])


def _is_body(key: str, value: Json, document: ParsedDocument) -> bool:
    """Check whether a text key only repeats the body."""
    if plain_key(key) not in TEXT_KEYS:
        return False
    is_same = " ".join(_blocks(value)[0]).split() == " ".join(document.blocks).split()
    return is_same or not value


def _blocks(value: Json) -> tuple[list[str], list[Role | None] | None]:
    """Return the paragraphs, and the roles if the value is a list of {"role", "text"}."""
    if isinstance(value, str):
        return blocks(value), None
    if not isinstance(value, list):
        return [], None
    pairs = [pair for item in value for pair in _block_pairs(item)]
    roles = [role for _, role in pairs]
    return [text for text, _ in pairs], roles if any(roles) else None


def _block_pairs(item: Json) -> Iterator[tuple[str, Role | None]]:
    role_name = item.get("role") if isinstance(item, dict) else None
    text = item.get("text") if isinstance(item, dict) else item
    role = next((role for role in _ROLES if role == role_name), None)
    if isinstance(text, str):
        for block in split_at_blank_lines(text):
            yield block, role
