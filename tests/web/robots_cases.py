"""Reads the conformance cases of a robots specification, written as text protocol buffers."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
FIELD = re.compile(r"(robotstxt|testurl|useragent|expected_outcome|test_type): *(.*)")


class RobotsCase(NamedTuple):
    file: str
    robotstxt: bytes
    address: str
    agent: str
    allowed: bool
    google_only: bool


def robots_cases(folder: Path) -> list[RobotsCase]:
    return [case for path in sorted(folder.rglob("*.textproto")) for case in _cases(path)]


def _cases(path: Path) -> list[RobotsCase]:
    cases: list[RobotsCase] = []
    robotstxt, seen, field = b"", {}, None
    for line in [*path.read_text("utf-8").splitlines(), 'testurl: ""']:
        named = FIELD.match(line.strip())
        if named is None:
            if field == "robotstxt" and line.strip().startswith('"'):
                robotstxt += _bytes(line)
            elif line.strip() and not line.strip().startswith('"'):
                field = None
            continue
        field, value = named[1], named[2]
        if field in {"robotstxt", "testurl"} and "testurl" in seen:
            cases.append(
                RobotsCase(
                    path.name,
                    robotstxt,
                    seen["testurl"],
                    seen["useragent"],
                    seen["expected_outcome"] == "ALLOWED",
                    "test_type" in seen,
                )
            )
            seen = {}
        if field == "robotstxt":
            robotstxt = _bytes(value)
        elif value:
            seen[field] = _bytes(value).decode() if value.startswith('"') else value
    return cases


def _bytes(line: str) -> bytes:
    return b"".join(ast.literal_eval("b" + _ascii(text)) for text in STRING.findall(line))


def _ascii(text: str) -> str:
    return "".join(c if c < "\x80" else "".join(f"\\x{b:02x}" for b in c.encode()) for c in text)
