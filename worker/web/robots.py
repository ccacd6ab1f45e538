"""PURE: the decision of a robots.txt for one address, by RFC 9309, with the reason; protego parses
it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from protego import Protego

from storage.values.messages import message_text
from storage.values.net.rights import Declaration
from worker.web.robots_rights import declarations_for, matches, matching_agent

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
    lines = list(_lines(text, address, token))
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


def _lines(text: str, address: str, agent: str) -> Iterator[str]:
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
