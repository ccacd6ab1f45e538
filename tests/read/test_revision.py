"""One grammar names a version, for addresses of any form."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.read.revision import (
    MAX_LENGTH,
    AtMoment,
    Latest,
    Number,
    Revision,
    RevisionError,
    Selector,
    StepsBack,
    WordingPrefix,
    parse_revision,
    parse_revisions,
)

pytestmark = pytest.mark.unit

BERLIN = ZoneInfo("Europe/Berlin")
URL = "https://example.org/@ada/a..b?c=1:2"


def known(*origins: str) -> Callable[[str], bool]:
    return lambda text: text in origins


NOBODY = known()


@pytest.mark.parametrize(
    ("tail", "selector"),
    [
        pytest.param("", Latest(), id="bare article"),
        pytest.param("@latest", Latest(), id="latest"),
        pytest.param("@3", Number(3), id="number"),
        pytest.param("@2024", Number(2024), id="bare digits are a version"),
        pytest.param("@~1", StepsBack(1), id="back"),
        pytest.param(
            "@2024-06-18",
            AtMoment(datetime(2024, 6, 18, 21, 59, 59, 999999, UTC)),
            id="end of the day",
        ),
        pytest.param(
            "@2024-06-18T12:00", AtMoment(datetime(2024, 6, 18, 10, 0, tzinfo=UTC)), id="local"
        ),
        pytest.param(
            "@2024-06-18T12:00Z", AtMoment(datetime(2024, 6, 18, 12, 0, tzinfo=UTC)), id="UTC"
        ),
        pytest.param(
            "@2024-06-18T12:00:30.5-04:00",
            AtMoment(datetime(2024, 6, 18, 16, 0, 30, 500000, UTC)),
            id="offset and seconds",
        ),
        pytest.param(
            "@2024-10-27T02:30",
            AtMoment(datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
            id="clock set back",
        ),
        pytest.param("@w1:5F3a9c00", WordingPrefix("5f3a9c00"), id="wording"),
        pytest.param("@w1:" + "a" * 64, WordingPrefix("a" * 64), id="whole wording"),
    ],
)
@pytest.mark.parametrize("article", ["0zfme61hjyre0a76", URL, "seed:s/a@b.txt", "file:///ö/ü.txt"])
def test_a_selector_follows_the_last_at(article: str, tail: str, selector: Selector) -> None:
    assert parse_revision(article + tail, NOBODY, BERLIN) == Revision(article, selector)


@pytest.mark.parametrize(
    "text",
    ["https://example.org/@ada", "https://example.org/@v1.2", "mail@example.org", "a@LATEST", "a@"],
)
def test_an_at_that_no_selector_follows_belongs_to_the_article(text: str) -> None:
    assert parse_revision(text, NOBODY, UTC) == Revision(text, Latest())


def test_an_exact_origin_wins() -> None:
    assert parse_revision("x@3", known("x@3"), UTC) == Revision("x@3", Latest())
    assert parse_revision("x@3@2", known("x@3"), UTC) == Revision("x@3", Number(2))
    assert parse_revision("x@2024-06", known("x@2024-06"), UTC).selector == Latest()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a@w1:5f3a9c0", "8 to 64 hexadecimal digits", id="seven digits"),
        pytest.param("a@w1:", "8 to 64", id="no digits"),
        pytest.param("a@w1:" + "0" * 65, "8 to 64", id="too many digits"),
        pytest.param("a@w1:nothexat", "only hexadecimal digits", id="not hexadecimal"),
        pytest.param("a@0", "from 1", id="version zero"),
        pytest.param("a@~0", "from 1", id="back zero"),
        pytest.param("a@~x", "from 1", id="back nothing"),
        pytest.param("a@2024-06", "whole date", id="month"),
        pytest.param("a@2024-02-30", "whole date", id="no such day"),
        pytest.param("a@2024-06-18T25:00", "whole date", id="no such hour"),
        pytest.param("a@2024-06-18T12", "whole date", id="hour alone"),
        pytest.param("a@1234567890", "neither", id="too many digits for a number"),
        pytest.param("@3", "not specify an article", id="no article"),
        pytest.param("", "not specify an article", id="empty"),
        pytest.param("a\0b", "not allowed in addresses", id="NUL"),
        pytest.param("a\ud800", "not allowed in addresses", id="surrogate"),
        pytest.param("a" * (MAX_LENGTH + 1), "longer than", id="too long"),
    ],
)
def test_a_malformed_selector_is_refused_with_the_reason(text: str, reason: str) -> None:
    for parse in (parse_revision, parse_revisions):
        with pytest.raises(RevisionError, match="not a revision") as caught:
            parse(text, NOBODY, UTC)
        assert reason in caught.value.reason
        assert caught.value.text == text


@pytest.mark.parametrize(
    ("text", "zone"),
    [("a@9999-12-31", "Pacific/Pago_Pago"), ("a@0001-01-01T00:00", "Asia/Tokyo")],
    ids=["after the last day", "before the first day"],
)
def test_a_moment_outside_the_calendar_is_refused(text: str, zone: str) -> None:
    with pytest.raises(RevisionError) as caught:
        parse_revision(text, NOBODY, ZoneInfo(zone))
    assert "whole date" in caught.value.reason


@pytest.mark.parametrize(
    ("text", "origins", "a", "b"),
    [
        pytest.param("A@1..A@3", (), Revision("A", Number(1)), Revision("A", Number(3)), id="both"),
        pytest.param(
            "A@1..@3", (), Revision("A", Number(1)), Revision("A", Number(3)), id="inherits"
        ),
        pytest.param(
            "A..@~1", ("A",), Revision("A", Latest()), Revision("A", StepsBack(1)), id="known left"
        ),
        pytest.param(
            "A..B", ("A", "B"), Revision("A", Latest()), Revision("B", Latest()), id="two ids"
        ),
        pytest.param(
            f"{URL}@1..@latest",
            (),
            Revision(URL, Number(1)),
            Revision(URL, Latest()),
            id="dots before",
        ),
        pytest.param(
            f"A@1..{URL}@2", (), Revision("A", Number(1)), Revision(URL, Number(2)), id="dots after"
        ),
        pytest.param(
            "x@1..y@2..z@3",
            ("x@1..y", "z"),
            Revision("x@1..y", Number(2)),
            Revision("z", Number(3)),
            id="known articles first",
        ),
        pytest.param(
            "A@2024-06-18T12:00Z..@w1:00000000",
            (),
            Revision("A", AtMoment(datetime(2024, 6, 18, 12, tzinfo=UTC))),
            Revision("A", WordingPrefix("00000000")),
            id="other selectors",
        ),
    ],
)
def test_two_dots_separate_what_parses(
    text: str, origins: tuple[str, ...], a: Revision, b: Revision
) -> None:
    assert parse_revisions(text, known(*origins), UTC) == (a, b)


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        pytest.param("https://example.org/a/../b", (), id="path"),
        pytest.param("A@1..A@3", ("A@1..A@3",), id="exact origin"),
        pytest.param("..", (), id="dots alone"),
        pytest.param("@1..@2", (), id="no article"),
        pytest.param("A@1..B", ("A",), id="unknown right"),
        pytest.param("A@3", ("A",), id="one revision"),
    ],
)
def test_two_dots_inside_an_address_separate_nothing(text: str, origins: tuple[str, ...]) -> None:
    with suppress(RevisionError):
        assert len(parse_revisions(text, known(*origins), UTC)) == 1


def test_one_revision_is_no_range() -> None:
    text = "https://example.org/a/../b@3"
    assert parse_revisions(text, NOBODY, UTC) == (Revision(text[:-2], Number(3)),)


ARTICLES = st.text(st.sampled_from("ab@.:/~1w-é"), min_size=1, max_size=12)
MOMENTS = st.integers(0, 2**40).map(lambda n: datetime.fromtimestamp(n / 256, UTC))
SELECTORS: st.SearchStrategy[Selector] = st.one_of(
    st.just(Latest()),
    st.integers(1, 10**9 - 1).map(Number),
    st.integers(1, 10**9 - 1).map(StepsBack),
    MOMENTS.map(AtMoment),
    st.text("0123456789abcdef", min_size=8, max_size=64).map(WordingPrefix),
)
REVISIONS = st.builds(Revision, ARTICLES, SELECTORS)


def format_revision(revision: Revision) -> str:
    return f"{revision.article}@{_format_selector(revision.selector)}"


def _format_selector(selector: Selector) -> str:
    match selector:
        case Latest():
            return "latest"
        case Number(number):
            return str(number)
        case StepsBack(steps):
            return f"~{steps}"
        case AtMoment(moment):
            return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case WordingPrefix(digits):
            return f"w1:{digits}"


@given(REVISIONS)
def test_a_formatted_revision_parses_to_the_same(revision: Revision) -> None:
    assert parse_revision(format_revision(revision), NOBODY, BERLIN) == revision


@given(REVISIONS, REVISIONS)
def test_a_written_range_parses_to_the_same(a: Revision, b: Revision) -> None:
    text = f"{format_revision(a)}..{format_revision(b)}"
    is_origin = known(a.article, b.article)
    if not any(is_origin(side) for side in (text, format_revision(a), format_revision(b))):
        found = parse_revisions(text, is_origin, BERLIN)
        assert "..".join(map(format_revision, found)) == text


@given(st.text(st.sampled_from("a@.~1w:-T0Z+\0") | st.characters(), max_size=24), st.booleans())
def test_any_text_parses_or_says_why(text: str, answer: bool) -> None:
    for parse in (parse_revision, parse_revisions):
        reason = "."
        try:
            parse(text, lambda _: answer, UTC)
        except RevisionError as error:
            reason = error.reason
        assert reason.endswith(".")
