"""May this address be fetched: RFC 9309, case by case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.web.robots import MOST_BYTES, decide

pytestmark = pytest.mark.unit

PAGE = "https://zeitung.example/intern/1?x=2"


def allowed(robots: str | bytes, address: str = PAGE, agent: str = "Lesart") -> bool:
    raw = robots.encode() if isinstance(robots, str) else robots
    return decide(200, raw, address, agent).allowed


@pytest.mark.parametrize(
    ("status", "is_allowed", "strictly"),
    [
        (None, False, False), (500, False, False), (503, False, False), (599, False, False),
        (404, True, True), (410, True, True), (401, True, False), (403, True, False), (429, True, False),
        (301, True, True), (100, False, False),
    ],
)  # fmt: skip
def test_the_status_decides_where_there_are_no_rules(status, is_allowed, strictly):
    rule = decide(status, b"User-agent: *\nDisallow: /", PAGE, "Lesart")
    assert rule.allowed is is_allowed
    assert decide(status, None, PAGE, "Lesart", strict=True).allowed is strictly
    assert (rule.rule, rule.crawl_delay) == (None, None)
    assert rule.reason


@pytest.mark.parametrize(
    ("robots", "is_allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow:", True),
        ("User-agent: *\nDisallow: /", False),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        (b"\xef\xbbUser-agent: *\nDisallow: /", False),
        ("User-agent: *\rDisallow: /", False),
        ("User-agent: *\nDisallow: /intern", False),
        ("User-agent: *\nDisallow: /Intern", True),
        ("User-agent: *\nDisallow: /intern\nAllow: /intern/1", True),
        ("User-agent: *\nAllow: /intern\nDisallow: /intern/1", False),
        ("User-agent: *\nAllow: /intern/1\nDisallow: /intern/1", True),
        ("User-agent: *\nDisallow: /*?x=", False),
        ("User-agent: *\nDisallow: /intern/1$", True),
        ("User-agent: lesart\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: lesart/2.0\nDisallow: /", False),
        ("User-agent: lesartbot\nDisallow: /", True),
        ("User-agent: les\nDisallow: /", True),
        ("User-agent: a\nUser-agent: Lesart\nDisallow: /", False),
        ("User-agent: a\nSitemap: /s.xml\nUser-agent: Lesart\nDisallow: /", False),
        ("User-agent: a\nDisallow: /\nUser-agent: Lesart\nDisallow: /x", True),
        ("Disallow: /", True),
        ("user-agent lesart\ndisallow /", False),
        ("User-agent: *\nDissallow: /", False),
        ("User-agent: * # alle\nDisallow: / # nichts", False),
        ("<html><body>Nicht gefunden</body></html>", True),
    ],
)
def test_the_most_specific_rule_of_the_own_group_decides(robots, is_allowed):
    assert allowed(robots) is is_allowed


def test_a_version_behind_the_name_does_not_matter():
    assert not allowed("User-agent: Lesart\nDisallow: /", agent="Lesart/0.1 (+mailto:a@b.example)")


def test_a_right_that_only_one_reading_grants_is_not_granted():
    robots = "User-agent: *\nDisallow: /\nAllow: /b%61r"
    assert not allowed(robots, "https://a.example/bar")
    assert allowed(robots, "https://a.example/b%61r")
    assert not allowed("User-agent: *\nDisallow: /ü", "https://a.example/ü")
    assert not allowed("User-agent: *\nDisallow: /%C3%BC", "https://a.example/ü")


def test_the_line_that_decided_and_the_pace_are_reported():
    rule = decide(
        200, b"User-agent: *\nCrawl-delay: 2.5\nDisallow: /in\nDisallow: /intern/*x", PAGE, "Lesart"
    )
    assert (rule.allowed, rule.rule, rule.crawl_delay) == (False, "Disallow: /intern/*x", 2.5)
    rule = decide(200, b"User-agent: *\nDisallow: /\nAllow: /intern", PAGE, "Lesart")
    assert (rule.allowed, rule.rule) == (True, "Allow: /intern")
    assert decide(200, b"", PAGE, "Lesart").rule is None


def test_rules_beyond_the_limit_do_not_count_and_the_last_line_is_not_cut():
    filler = b"# " + b"x" * 97 + b"\n"
    early = b"User-agent: *\nDisallow: /intern\n"
    late = early + filler * (MOST_BYTES // 100 + 1) + b"Allow: /intern/1\n"
    assert len(late) > MOST_BYTES
    assert not allowed(late)
    cut = b"User-agent: *\n" + b"#" * (MOST_BYTES - 20) + b"\nDisallow: /other\n"
    assert allowed(cut, "https://a.example/o")


@given(st.binary(max_size=200), st.text(max_size=40))
def test_no_bytes_raise(raw, path):
    decide(200, b"User-agent: *\nDisallow: " + raw, f"https://a.example/{path}", "Lesart")
