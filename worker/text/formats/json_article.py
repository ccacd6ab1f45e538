"""One article as a JSON object, by the keys of schema.org and of common exports."""

import json
from collections.abc import Iterator, Mapping
from typing import get_args

from storage.values.draft import Draft, Json, Role
from storage.values.refusals import Refused, refuse
from worker.text.annotate.roles import blocks, split_at_blank_lines
from worker.text.decode import decode
from worker.text.formats.assemble import Material, assemble
from worker.text.formats.metadata import TEXT_KEYS, Cleaning, gather, plain_key
from worker.text.hints import Hints, TextSettings
from worker.text.kinds import has_markup

DEEPEST = 50
LONGEST_INTEGER = 18
"""Integers of more digits stay the strings they are: no reader of ours needs them as numbers."""
_ROLES: tuple[Role, ...] = get_args(Role)


class RecordInvalidError(ValueError):
    """A record breaks a rule that JSON itself leaves open."""


def read_json(raw: bytes, hints: Hints, settings: TextSettings) -> Draft | Refused:
    """Read one JSON object as an article; a CSV row arrives here as one, too.

    Refused as `record_invalid`: broken JSON, NaN and Infinity, a key that stands twice (no
    rule says which one counts), nesting deeper than 50, anything but an object. Numbers keep
    their digits: a decimal fraction stays the string that it was.
    """
    decoded = decode(raw, hints.charset)
    if isinstance(decoded, Refused):
        return decoded
    if not decoded.text.strip():
        return refuse("empty")
    try:
        record = _parsed(decoded.text)
    except (ValueError, RecursionError) as error:
        return refuse("record_invalid", line=_line_of(hints.name), reason=_reason(error))
    cleaning = Cleaning(list(decoded.flags))
    record = cleaning.cleaned(record)
    material = _body(record)
    material.flags += cleaning.flags
    material.steps = (*decoded.steps, *cleaning.steps())
    metadata = {key: value for key, value in record.items() if not _is_body(key, value, material)}
    where = "csv" if hints.type in ("csv", "tsv") else "json"
    gather(metadata, where, material, hints, settings)
    return assemble(material, settings)


def _parsed(text: str) -> dict[str, Json]:
    record = json.loads(
        text,
        object_pairs_hook=_unique_pairs,
        parse_constant=_no_constant,
        parse_float=str,
        parse_int=_integer,
    )
    if not isinstance(record, dict):
        raise RecordInvalidError("it is no JSON object")
    if _deeper_than(record, DEEPEST):
        raise RecordInvalidError(f"nested deeper than {DEEPEST}")
    return record


def _unique_pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RecordInvalidError(f'the key "{twice[:80]}" stands twice')
    return record


def _no_constant(name: str) -> Json:
    raise RecordInvalidError(f"{name} is no JSON")


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INTEGER else digits


def _deeper_than(value: Json, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return False
    return True


def _inside(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _line_of(name: str) -> str:
    _, mark, line = name.rpartition("#")
    return line if mark and line.isdecimal() else "1"


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error)


def _body(record: Mapping[str, Json]) -> Material:
    """Take the body from the first of the text keys that holds one."""
    by_key = {plain_key(key): value for key, value in record.items()}
    for key in TEXT_KEYS:
        material = Material(*_blocks(by_key.get(key)))
        if material.blocks:
            if any(map(has_markup, material.blocks)):
                material.flags.append("markup_in_text")
            return material
    return Material([])


def _is_body(key: str, value: Json, material: Material) -> bool:
    """Return whether a text key says nothing beyond the body that was taken."""
    if plain_key(key) not in TEXT_KEYS:
        return False
    same = " ".join(_blocks(value)[0]).split() == " ".join(material.blocks).split()
    return same or not value


def _blocks(value: Json) -> tuple[list[str], list[Role | None] | None]:
    """Return paragraphs, with the roles that a list of {"role", "text"} names."""
    if isinstance(value, str):
        return blocks(value), None
    if not isinstance(value, list):
        return [], None
    pairs = [pair for item in value for pair in _block_pairs(item)]
    roles = [role for _, role in pairs]
    return [text for text, _ in pairs], roles if any(roles) else None


def _block_pairs(item: Json) -> Iterator[tuple[str, Role | None]]:
    named = item.get("role") if isinstance(item, dict) else None
    text = item.get("text") if isinstance(item, dict) else item
    role = next((role for role in _ROLES if role == named), None)
    if isinstance(text, str):
        for block in split_at_blank_lines(text):
            yield block, role
