"""PURE: files with declarations by location: `tdmrep.json` (TDM Reservation Protocol, final report
of May 2024, section 6) and documents of RSL 1.0 (section 3).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from storage.values.freshness import is_fresh
from storage.values.lazy import LazyModule
from storage.values.net.addresses import WatchedAddress
from storage.values.net.origin_name import origin_of
from storage.values.net.rights import (
    LONGEST,
    Declaration,
    Declared,
    RightsFile,
    inline_terms,
    named_declaration,
)
from worker.sources.listings import safe_xml

if TYPE_CHECKING:
    from lxml import etree
else:
    etree = LazyModule("lxml.etree")

WELL_KNOWN = "/.well-known/tdmrep.json"
KIND = "rights"
"""The kind of the check of such a file."""
MOST_BYTES = 512 * 1024
MOST_RULES = 1_000
MOST_SECONDS = 5.0
"""Time limit of all files of a server in a run: its pages do not wait for longer."""
MOST_FILES = 5
"""Maximum number of RSL documents per site."""
KEPT, FAILED_KEPT = timedelta(hours=24), timedelta(minutes=30)
"""Time for which an answer is valid, and for which a server error is."""


def watched_file(source_id: int, address: str, options: Mapping[str, Any]) -> WatchedAddress:
    """Return such a file as an address to check."""
    return WatchedAddress(
        source_id, 0, origin_of(address), address, KIND, None, None, None, None,
        None, None, {}, address, options,
    )  # fmt: skip


def is_current(file: RightsFile | None, now: datetime) -> bool:
    """Check whether a file was requested recently."""
    if file is None:
        return False
    return is_fresh(file.fetched_at, now, KEPT if file.is_known else FAILED_KEPT)


def read_rules(address: str, raw: bytes) -> tuple[tuple[str, Declaration], ...]:
    """Return the declarations of a file, each with the pattern of addresses to which it applies.

    Without its scheme: `host/path`, in which `*` is any text and `$` at the end the end.

    >>> raw = b'[{"location": "/a*", "tdm-reservation": 1}]'
    >>> read_rules("https://a.example/.well-known/tdmrep.json", raw)[0][0]
    'a.example/a*'
    """
    if len(raw) > MOST_BYTES:
        return ()
    rules = _tdmrep_rules(raw) if address.endswith(WELL_KNOWN) else _rsl_rules(raw)
    found = []
    for (location, each), _number in zip(rules, range(MOST_RULES), strict=False):
        try:
            pattern = urljoin(address, location)
        except ValueError:
            continue
        if len(pattern) <= LONGEST:
            found.append((pattern.partition("://")[2], each))
    return tuple(found)


def _tdmrep_rules(raw: bytes) -> Iterator[tuple[str, Declaration]]:
    try:
        entries = json.loads(raw)
    except (ValueError, RecursionError):
        return
    for entry in entries if isinstance(entries, list) else ():
        location = entry.get("location") if isinstance(entry, dict) else None
        if not isinstance(location, str) or not location.startswith("/"):
            continue
        for name in ("tdm-reservation", "tdm-policy"):
            value = entry.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool):
                yield location, named_declaration(name, str(value))


def _rsl_rules(raw: bytes) -> Iterator[tuple[str, Declaration]]:
    root = safe_xml.parse(raw) if safe_xml.unsafe(raw) is None else None
    if root is None or "rslstandard.org/rsl" not in str(root.tag):
        return
    for content in root.iter("{*}content"):
        if content.get("url"):
            terms = etree.tostring(content, encoding="utf-8", with_tail=False)
            yield str(content.get("url")), inline_terms(bytes(terms))


def is_match(pattern: str, place: str) -> bool:
    """Check whether the pattern of a rule matches an address without its scheme.

    >>> is_match("a.example/a/*", "a.example/a/1"), is_match("a.example/*.pdf$", "a.example/a")
    (True, False)
    """
    is_whole = pattern.endswith("$")
    first, *parts = pattern.removesuffix("$").split("*")
    if not place.startswith(first):
        return False
    at = len(first)
    last = parts.pop() if is_whole and parts else ""
    for part in parts:
        start = place.find(part, at)
        if start < 0:
            return False
        at = start + len(part)
    is_at_end = place.endswith(last) and len(place) - len(last) >= at
    return is_at_end if is_whole and "*" in pattern else not is_whole or at == len(place)


def find_declarations(files: Mapping[str, RightsFile], address: str) -> Declared:
    """Return the declarations for an address by place; of each file, those of the longest pattern.

    A file that could not be requested is no place that was examined.
    """
    found: dict[str, list[Declaration]] = {}
    place = address.partition("://")[2]
    for file in files.values():
        if file.is_known:
            own = found.setdefault(
                "tdmrep.json" if file.address.endswith(WELL_KNOWN) else "rsl", []
            )
            own += _longest_matching(file.rules, place)
    return found


def _longest_matching(
    rules: Iterable[tuple[str, Declaration]], place: str
) -> Iterator[Declaration]:
    matching = [(pattern, each) for pattern, each in rules if is_match(pattern, place)]
    longest = max((len(pattern) for pattern, _each in matching), default=0)
    return (each for pattern, each in matching if len(pattern) == longest)
