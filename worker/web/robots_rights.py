"""PURE: declarations of a robots.txt about the use of an address: `License` (RSL 1.0, section 4.4),
`Content-Usage` (draft-ietf-aipref-attach, section 3), `Content-Signal` (contentsignals.org), and
comments that reserve rights.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from string import ascii_lowercase
from typing import Literal

from protego import Protego

from storage.values.net.rights import MOST, Declaration, declaration, is_usage_preference

LONGEST_PATTERN = 2_000
_TOKEN_CHARACTERS = frozenset(ascii_lowercase + "_-")
_LINE = re.compile(r"\s*([A-Za-z][A-Za-z -]{0,30}?)\s*:\s*([^\r\n]*)")
_DECLARATIONS = re.compile(r"licen[sc]e|content-(?:usage|signal)|reserv|vorbehalt", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_PROSE = re.compile(
    r"vorbehalt|reserv|licen[sc]e|lizenz|data[- ]mining|machine learning|artificial intelligence|"
    r"\b44b\b|\bAI\b|\bKI\b",
    re.IGNORECASE,
)
SIGNALS = re.compile(
    r"(?:search|ai-input|ai-train)\s*=\s*(?:yes|no)"
    r"(?:\s*,\s*(?:search|ai-input|ai-train)\s*=\s*(?:yes|no))*",
    re.IGNORECASE,
)
"""The signals of a `Content-Signal` line.

>>> bool(SIGNALS.fullmatch("search=yes, ai-train=no")), bool(SIGNALS.fullmatch("ai-train=never"))
(True, False)
"""
_RULES = frozenset({"allow", "disallow", "crawl-delay"})


@dataclass(slots=True)
class _AgentGroup:
    """The lines of one group; `agents` is empty for the lines outside of groups."""

    agents: set[str] = field(default_factory=set)
    licenses: list[str] = field(default_factory=list)
    usages: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    has_rules: bool = False


def matching_agent(value: str, agent: str) -> Literal["all", "named", "other"]:
    """Return to which crawlers a `User-agent` line applies: all, the crawler `agent`, or others.

    >>> matching_agent("Lesart/1.0", "lesart"), matching_agent("*", "lesart")
    ('named', 'all')
    """
    if agent == "".join(takewhile(_TOKEN_CHARACTERS.__contains__, value.lower())):
        return "named"
    return "all" if value == "*" or value.startswith(("* ", "*\t")) else "other"


def matches(pattern: str, address: str) -> bool:
    """Check whether a path pattern of a robots.txt matches an address.

    >>> matches("/ai-ok/", "https://a.example/ai-ok/1"), matches("/b", "https://a.example/")
    (True, False)
    """
    return not Protego.parse(f"User-agent: *\nDisallow: {pattern}").can_fetch(address, "*")


def declarations_for(text: str, address: str, agent: str, rule: str | None) -> list[Declaration]:
    r"""Return the declarations of a robots.txt for the crawler `agent` and an address.

    `rule` is the line that permits the request. License lines of the selected group replace those
    outside of groups. Of the usage rules, those with the longest matching path apply.

    >>> text = "License: https://a.example/l.xml\nUser-agent: *\nContent-Usage: / train-ai=n"
    >>> [each.value for each in declarations_for(text, "https://a.example/1", "lesart", None)]
    ['https://a.example/l.xml', 'train-ai=n']
    """
    found = [declaration("rule", rule, "robots", is_readable=True)] if rule else []
    if not _DECLARATIONS.search(text):
        return found
    outside, *groups = _groups(text, agent)
    selected = [each for each in groups if "named" in each.agents]
    selected = selected or [each for each in groups if "all" in each.agents]
    licenses = [value for group in selected for value in group.licenses] or outside.licenses
    for value in licenses[:MOST]:
        is_address = _ADDRESS.fullmatch(value) is not None
        found.append(declaration("license", value, "rsl", is_readable=is_address))
    usages = [value for group in selected for value in group.usages]
    for value in _longest_matching(usages[:MOST], address):
        is_readable = is_usage_preference(value)
        found.append(declaration("content-usage", value, "aipref", is_readable=is_readable))
    signals = [value for group in selected for value in group.signals]
    for value in _longest_matching(signals[:MOST], address):
        is_readable = SIGNALS.fullmatch(value) is not None
        found.append(
            declaration("content-signal", value, "content_signals", is_readable=is_readable)
        )
    found += [
        declaration("comment", comment, "prose", is_readable=False) for comment in _comments(text)
    ]
    return found


def _groups(text: str, agent: str) -> list[_AgentGroup]:
    """Return the lines outside of groups, then the groups."""
    groups = [_AgentGroup()]
    for line in text.splitlines():
        parts = _LINE.match(line.partition("#")[0])
        if parts is None:
            continue
        name, value = parts[1].lower(), parts[2].strip()
        group = groups[-1]
        if name in {"user-agent", "user agent", "useragent"}:
            if not group.agents or group.has_rules:
                group = _AgentGroup()
                groups.append(group)
            group.agents.add(matching_agent(value, agent))
        elif name == "license" and value:
            group.licenses.append(value)
            group.has_rules = True
        elif name in {"content-usage", "content-signal"} and value:
            (group.usages if name == "content-usage" else group.signals).append(value)
            group.has_rules = True
        elif name in _RULES:
            group.has_rules = True
    return groups


def _longest_matching(usages: list[str], address: str) -> list[str]:
    """Return the usage preferences with the longest matching path; without a path, `/` counts."""
    found: list[tuple[int, str]] = []
    for usage in usages:
        path, _, preference = usage.partition(" ") if usage.startswith("/") else ("/", "", usage)
        path, _, rest = path.partition("\t")
        if len(path) <= LONGEST_PATTERN and matches(path, address):
            found.append((len(path.encode()), (rest + preference).strip()))
    longest = max((length for length, _preference in found), default=0)
    return [preference for length, preference in found if length == longest]


def _comments(text: str) -> Iterator[str]:
    """Yield the blocks of comments that mention rights."""
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.lstrip().startswith("#"):
            block.append(line.strip().lstrip("#").strip())
        elif block:
            comment = " ".join(filter(None, block))
            block = []
            if _PROSE.search(comment):
                yield comment
