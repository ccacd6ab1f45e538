"""Quality values of what a client accepts, in every header of the server that has them."""

import ast
from pathlib import Path

import pytest
from starlette.datastructures import Headers

import storage
import worker
from storage.web.accepting import choose_language, choose_type

LINES = "application/jsonl"
PAGE = "text/html; charset=utf-8"
PROBLEM = "application/problem+json"
READS = ("headers.get", "headers.getlist")
DEEP = "en;q=0.5," * 900
"""A header near the limit of the server."""

LANGUAGES = {
    "de;q=0, en;q=1": "en",
    "de;q=0": "en",
    "en;q=0": "de",
    "de;q=0.0, en;q=0.000": "de",
    "de-AT": "de",
    "fr;q=0.9, de-AT, en;q=0.5": "de",
    "en;q=0.5, de;q=0.8": "de",
    "en, de": "en",
    "de, en": "de",
    "EN-gb; Q=1 , de ; q = 0.9": "en",
    "de-AT, de;q=0.5, en;q=0.8": "de",
    "de-AT, de;q=0, en;q=0.1": "en",
    "de-AT;q=0, de;q=0.9, en;q=0.8": "de",
    "de-AT;q=0, en;q=0.8": "en",
    "*": "de",
    "*;q=0": "de",
    "en, *;q=0": "en",
    "*, de;q=0.5": "en",
    "*-AT, en;q=0.5": "en",
    "fr": "de",
    "den": "de",
    "english": "de",
    "en;q=nan, de;q=0.1": "de",
    "en;q=2": "de",
    "en;q=-1": "de",
    "en;q=": "de",
    "en;q": "de",
    "en;q=1e9": "de",
    "en;q=.2": "en",
    "en;quality=0": "en",
    "en;level=1;q=0.1": "en",
    ";q=1,,;,=": "de",
    "": "de",
    DEEP: "en",
    DEEP + "de": "de",
}
TYPES = {
    "text/html": "text/html",
    "text/html;q=0": "application/json",
    "text/html;q=0, */*": "application/json",
    "application/json, text/html;q=0.9": "application/json",
    "application/json;q=0.2, text/html;q=0.9": "text/html",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "text/html",
    "text/*": "text/html",
    "text/*;q=0.1, text/html;q=0": "application/json",
    "*/*": "application/json",
    "*/*;q=0.1, text/html;q=0.2": "text/html",
    "text/html, image/gif, *; q=.2, */*; q=.2": "text/html",
    "image/png": "application/json",
    "nottext/html": "application/json",
    "": "application/json",
}
ANSWERS = [
    ("/", "Accept-Language", "de;q=0, en;q=1", '<html lang="en">'),
    ("/", "Accept-Language", "en;q=0, de-AT;q=0.1", '<html lang="de">'),
    ("/feed.atom", "Accept-Language", "en;q=0.1, de;q=0.2", 'xml:lang="de"'),
    ("/feed.atom", "Accept-Language", "de;q=0, en;q=0.2", 'xml:lang="en"'),
    ("/a/nothing", "Accept", "text/html", PAGE),
    ("/a/nothing", "Accept", "application/json, text/html;q=0.5", PROBLEM),
    ("/a/nothing", "Accept", "text/html;q=0, */*", PROBLEM),
    ("/api/articles", "Accept", LINES, LINES),
    ("/api/articles", "Accept", f"{LINES};q=0, */*", "application/json"),
    ("/api/articles", "Accept", f"application/json, {LINES};q=0.5", "application/json"),
    ("/api/changes", "Accept", f"application/json;q=0.2, {LINES};q=0.5", LINES),
    ("/api/articles", "Accept-Encoding", "gzip;q=1, identity;q=0", "application/json"),
    ("/timegate/https://a.example/", "Accept-Datetime", "Thu, 01 Jan 2026 00:00:00 GMT;q=0", PROBLEM),
]  # fmt: skip


@pytest.mark.parametrize("header", LANGUAGES)
def test_a_language_is_chosen_by_quality_and_then_by_place(header):
    given = Headers({"accept-language": header})
    assert choose_language(given, ("de", "en")) == LANGUAGES[header]


@pytest.mark.parametrize("header", TYPES)
def test_a_type_is_chosen_by_quality_and_then_by_place(header):
    given = Headers({"accept": header})
    assert choose_type(given, ("application/json", "text/html")) == TYPES[header]


def test_lines_of_the_same_header_are_one_list():
    lines = Headers(raw=[(b"accept-language", b"de;q=0.1"), (b"accept-language", b"en")])
    assert choose_language(lines, ("de", "en")) == "en"


@pytest.mark.parametrize(("path", "header", "value", "expected"), ANSWERS)
def test_every_answer_follows_the_quality_values(client, path, header, value, expected):
    answer = client.get(path, headers={header: value})
    assert "content-encoding" not in answer.headers
    assert expected in answer.text or answer.headers["content-type"] == expected


def test_no_other_module_reads_a_header_with_quality_values():
    """`Accept-Datetime` has none, and no answer of the server is compressed."""
    found = {}
    places = (Path(each.__file__).parent for each in (storage, worker))
    for path in (path for each in places for path in each.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(READS):
                name = getattr(node.args[0], "value", None) if node.args else None
                if isinstance(name, str) and name.lower().startswith("accept"):
                    found.setdefault(name.lower(), set()).add(path.name)
    assert found == {
        "accept": {"accepting.py"},
        "accept-language": {"accepting.py"},
        "accept-datetime": {"pages.py"},
    }
