"""PURE: the decision of a robots.txt for one address, by RFC 9309, with the reason; protego parses
it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from string import ascii_lowercase
from typing import Any, Literal

from protego import Protego

from storage.values.messages import message_text
from storage.values.net.rights import MOST, Declaration, declaration, is_usage_preference

MOST_BYTES = 500 * 1024
"""Maximum size of a robots.txt that is read; RFC 9309 requires at least this size."""

_BOM = b"\xef\xbb\xbf"
_ABSENT = frozenset({404, 410})
_NAME = "asked"
_AGENTS = {"all": "*", "named": _NAME, "other": "other"}

LINE = re.compile(
    r"(?P<agent>user[- ]?agent)|(?P<allow>allow)|(?P<disallow>dis{1,2}all?ow|diasllow|disallaw)"
    r"|(?P<delay>crawl[- ]delay)",
    re.IGNORECASE,
)
"""Names of lines that are read, including common misspellings.

>>> LINE.fullmatch("Dissalow").lastgroup, LINE.fullmatch("Useragent").lastgroup
('disallow', 'agent')
"""

NEEDLESS_ESCAPE = re.compile(r"%(?:3[0-9]|[46][1-9a-f]|[57][0-9a]|2[de]|5f|7e)", re.IGNORECASE)
"""An escaped letter, digit or sign that needs no escape.

>>> NEEDLESS_ESCAPE.findall("/a%62%2F%2d")
['%62', '%2d']
"""


@dataclass(frozen=True, slots=True)
class RobotsRule:
    """Whether an address may be fetched, the deciding line, the crawl delay, and the reason.

    `rule` is the line that decided (`Disallow: /intern`), or None; `crawl_delay` is in seconds;
    `reason` is a plain clause. `declared` are the declarations about the use of the address.
    """

    allowed: bool
    rule: str | None
    crawl_delay: float | None
    reason: str
    declared: tuple[Declaration, ...] = ()


def decide(
    status: int | None,
    body: bytes | None,
    address: str,
    agent: str,
    *,
    strict: bool = False,
) -> RobotsRule:
    r"""Decide whether `agent` may fetch `address`, by the robots.txt of its host.

    `status` and `body` are the last answer for that robots.txt after redirects; `status` is None if
    the host could not be reached. With `strict`, a 4xx status that does not mean that the file is
    missing (401, 403, 429 …) disallows.

    >>> decide(200, b"User-agent: *\nDisallow: /in", "https://a.example/intern", "Lesart").rule
    'Disallow: /in'
    >>> decide(503, b"", "https://a.example/", "Lesart").allowed
    False
    """
    if status is None:
        return _rule_without_file(allowed=False, reason=message_text("robots_unreachable"))
    if 200 <= status < 300:
        if body is None:
            return _rule_without_file(allowed=False, reason=message_text("robots_unreadable"))
        return _rule_from_text(_text(body), address, agent)
    if 300 <= status < 400:
        return _rule_without_file(
            allowed=True, reason=message_text("robots_nowhere", status=status)
        )
    if 400 <= status < 500:
        allowed = not strict or status in _ABSENT
        return _rule_without_file(
            allowed=allowed, reason=message_text("robots_withheld", status=status)
        )
    return _rule_without_file(allowed=False, reason=message_text("robots_error", status=status))


def _rule_without_file(*, allowed: bool, reason: str) -> RobotsRule:
    return RobotsRule(allowed=allowed, rule=None, crawl_delay=None, reason=reason)


def _text(body: bytes) -> str:
    """Return the complete lines within the limit, without a byte order mark, even a partial one."""
    if len(body) > MOST_BYTES:
        body = body[: max(body.rfind(b"\n", 0, MOST_BYTES), body.rfind(b"\r", 0, MOST_BYTES)) + 1]
    for length in (3, 2, 1):
        body = body.removeprefix(_BOM[:length])
    return body.decode("utf-8", "replace")


def _rule_from_text(text: str, address: str, agent: str) -> RobotsRule:
    token = agent.partition("/")[0].strip().lower()
    lines = list(_rule_lines(text, address, token))
    rules = Protego.parse("\n".join(line for line in lines if not line.startswith("Crawl-delay")))
    address = address.replace("/robots.txt", "/robots%2Etxt")  # protego would not search for a rule
    allowed = rules.can_fetch(address, _NAME)
    rule = _deciding_line(rules, address, allowed=allowed)
    if not allowed:
        reason = message_text("robots_forbids")
    else:
        reason = message_text("robots_allows") if rule else message_text("robots_silent")
    delay = Protego.parse("\n".join(lines)).crawl_delay(_NAME)
    declared = declarations_for(text, address, token, rule)
    return RobotsRule(allowed, rule, delay, reason, tuple(declared))


def _rule_lines(text: str, address: str, agent: str) -> Iterator[str]:
    """Yield the relevant lines, with each agent replaced: the requested one, all, or another.

    Protego matches agents in the middle of names and lets unknown lines end a group, contrary to
    RFC 9309. An address is disallowed if any reading of the standard disallows it.
    """
    for line in text.splitlines():
        kind, value = _split(line.partition("#")[0])
        match kind:
            case "agent":
                yield f"User-agent: {_AGENTS[matching_agent(value, agent)]}"
            case "allow" if not _is_doubtful(value, address):
                yield f"Allow: {value}"
            case "disallow":
                yield f"Disallow: {value}"
            case "delay":
                yield f"Crawl-delay: {value}"


def _split(line: str) -> tuple[str | None, str]:
    """Return the kind of a line and its value; a missing colon is accepted.

    >>> _split("user-agent Foo"), _split("<br />")
    (('agent', 'Foo'), (None, '/>'))
    """
    name, colon, value = line.strip().partition(":")
    if not colon:
        name, _, value = line.strip().partition(" ")
    known = LINE.fullmatch(name.strip())
    return (known.lastgroup if known else None), value.strip()


def _is_doubtful(pattern: str, address: str) -> bool:
    """Check whether interpretations of the standard differ on whether `pattern` matches
    `address`.
    """
    if any(escape not in address for escape in NEEDLESS_ESCAPE.findall(pattern)):
        return True
    return not address.isascii() and ("%" in pattern or not pattern.isascii())


def _deciding_line(rules: Protego, address: str, *, allowed: bool) -> str | None:
    """Return the line that decided, from the private attributes of protego.

    If another release changes them, the decision remains and only its line is missing.
    """
    try:
        group: Any = rules._get_matching_rule_set(_NAME)  # noqa: SLF001
        wanted = "allow" if allowed else "disallow"
        lines = [rule for rule in group._rules if rule.field == wanted]  # noqa: SLF001
    except AttributeError:
        return None
    for line in lines:  # the longest line comes first
        pattern = line.value._pattern  # noqa: SLF001
        if matches(pattern, address):
            return f"{wanted.capitalize()}: {pattern}"
    return None


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
