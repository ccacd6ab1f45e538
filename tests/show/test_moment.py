"""Times as people type them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.read.render.moment import MomentError, parse_moment

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

BERLIN = ZoneInfo("Europe/Berlin")

SPANS = {
    "year": ("2024", UTC, "2024-01-01T00:00:00", "2024-12-31T23:59:59.999999"),
    "month": ("2024-02", UTC, "2024-02-01T00:00:00", "2024-02-29T23:59:59.999999"),
    "last month": ("2023-12", UTC, "2023-12-01T00:00:00", "2023-12-31T23:59:59.999999"),
    "day": ("2024-06-18", UTC, "2024-06-18T00:00:00", "2024-06-18T23:59:59.999999"),
    "day of Berlin": ("2024-06-18", BERLIN, "2024-06-17T22:00:00", "2024-06-18T21:59:59.999999"),
    "day of 25 hours": ("2024-10-27", BERLIN, "2024-10-26T22:00:00", "2024-10-27T22:59:59.999999"),
    "minute": ("2024-06-18T12:00", UTC, "2024-06-18T12:00:00", "2024-06-18T12:00:59.999999"),
    "second": ("2024-06-18T12:00:05", UTC, "2024-06-18T12:00:05", "2024-06-18T12:00:05"),
    "minute that comes twice": (
        "2026-10-25T02:30",
        BERLIN,
        "2026-10-25T00:30:00",
        "2026-10-25T01:30:59.999999",
    ),
    "German day": ("18.6.2024", BERLIN, "2024-06-17T22:00:00", "2024-06-18T21:59:59.999999"),
    "German minute": (
        "18.06.2024, 12:00",
        UTC,
        "2024-06-18T12:00:00",
        "2024-06-18T12:00:59.999999",
    ),
    "zone of its own": (
        "2024-06-18T12:00:00+02:00",
        BERLIN,
        "2024-06-18T10:00:00",
        "2024-06-18T10:00:00",
    ),
    "zulu": ("2024-06-18 12:00:00Z", BERLIN, "2024-06-18T12:00:00", "2024-06-18T12:00:00"),
}


@pytest.mark.parametrize(("typed", "zone", "first", "last"), SPANS.values(), ids=SPANS.keys())
def test_a_time_is_as_long_as_it_is_vague(typed, zone, first, last):
    assert parse_moment(typed, zone, "first") == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert parse_moment(typed, zone, "last") == datetime.fromisoformat(last).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "yesterday",
        "12:00",
        "gestern",
        "18.06.24",
        "31.06.2024",
        "18.06.2024 12 Uhr",
        "2024-13",
        "2024-02-30",
        "2024-6",
        "0000",
        "9999-12-31T25:00",
        "٢٠٢٤",
    ],
)
def test_a_malformed_time_is_refused_with_an_example(typed):
    with pytest.raises(MomentError, match="2024-06-18T12:00"):
        parse_moment(typed, UTC, "first")


def test_the_end_of_time_is_no_crash():
    with pytest.raises(MomentError):
        parse_moment("9999", UTC, "last")


@given(
    st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2100-01-01")),
    st.sampled_from([4, 7, 10, 16, 19]),
)
def test_the_first_moment_never_comes_after_the_last(moment, digits):
    typed = moment.isoformat(timespec="seconds")[:digits]
    assert parse_moment(typed, BERLIN, "first") <= parse_moment(typed, BERLIN, "last")
