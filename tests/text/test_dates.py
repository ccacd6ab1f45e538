"""Dates: precision of the source, and the time span that they cover."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.dates import span
from storage.values.draft import PartialDate
from worker.text.annotate.dates import InvalidDate, instant, leading_date, read_date

GOOD = [
    ("2024", "2024", "year", None),
    ("2024-06", "2024-06", "month", None),
    ("2024-06-18", "2024-06-18", "day", None),
    ("2024-6-8", "2024-06-08", "day", None),
    ("20240618", "2024-06-18", "day", None),
    ("18.06.2024", "2024-06-18", "day", None),
    ("18. 6. 2024", "2024-06-18", "day", None),
    ("18. Juni 2024", "2024-06-18", "day", None),
    ("1. Jänner 1998", "1998-01-01", "day", None),
    ("Juni 2024", "2024-06", "month", None),
    ("März 2024", "2024-03", "month", None),
    ("Dienstag, 18. Juni 2024", "2024-06-18", "day", None),
    ("Dienstag, den 18. Juni 2024", "2024-06-18", "day", None),
    ("Stand: 18.06.2024, 13:34 Uhr", "2024-06-18T13:34", "minute", None),
    ("18.06.2024, 13.34 Uhr", "2024-06-18T13:34", "minute", None),
    ("18. Juni 2024 um 7:05 Uhr", "2024-06-18T07:05", "minute", None),
    ("18. Juni 2024, 13 Uhr", "2024-06-18", "day", None),
    ("18.06.2024 13:34 MESZ", "2024-06-18T13:34", "minute", "+02:00"),
    ("June 18, 2024", "2024-06-18", "day", None),
    ("June 18th, 2024 at 1:34 pm", "2024-06-18T13:34", "minute", None),
    ("June 18, 2024, 12:05 a.m.", "2024-06-18T00:05", "minute", None),
    ("18 June 2024", "2024-06-18", "day", None),
    ("Sept. 2024", "2024-09", "month", None),
    ("Tue, 18 Jun 2024 13:34:05 +0200", "2024-06-18T13:34:05", "second", "+02:00"),
    ("2024-06-18T13:34:05Z", "2024-06-18T13:34:05", "second", "+00:00"),
    ("2024-06-18T13:34+05:30", "2024-06-18T13:34", "minute", "+05:30"),
    ("2024-06-18 13:34:05.123456-07:00", "2024-06-18T13:34:05", "second", "-07:00"),
]


@pytest.mark.parametrize(("text", "value", "precision", "zone"), GOOD, ids=[g[0] for g in GOOD])
def test_a_date_is_as_precise_as_its_source(
    text: str, value: str, precision: str, zone: str | None
) -> None:
    assert read_date(text, "test", 2025) == PartialDate(value, precision, zone, "test")


@pytest.mark.parametrize(
    "text",
    [
        "2024-13",
        "0000-00",
        "9999",
        "31.02.2024",
        "29. Februar 2023",
        "0000-00-00",
        "2024-06-18T25:00",
        "2024-06-18T13:60",
        "2024-06-18 13:34 pm",
        "2024-06-18T13:34+25:00",
        "1599",
        "2026",
    ],
)
def test_a_date_of_no_calendar_is_invalid(text: str) -> None:
    assert isinstance(read_date(text, "test", 2025), InvalidDate)


@pytest.mark.parametrize(
    "text",
    [
        "gestern",
        "",
        "18.06.24",
        "06/18/2024",
        "2024er",
        "20245",
        "Juni",
        "2024-06-18 und mehr",
        "٢٠٢٤",
    ],
)
def test_unknown_date_formats_are_ignored(text: str) -> None:
    assert read_date(text, "test", 2025) is None


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("2024-06 Angriff: Feuer", "Angriff: Feuer"),
        ("2024 Öllager brennt", "Öllager brennt"),
        ("Juni 2024: Öllager brennt", "Öllager brennt"),
        ("18.06.2024, 13:34 Uhr Öllager brennt", "Öllager brennt"),
        ("2024-06-18 3 Tote in Köln", "3 Tote in Köln"),
        ("2024-06-18", ""),
    ],
)
def test_a_headline_after_a_date_is_unchanged(line: str, rest: str) -> None:
    found = leading_date(line, "test", 2025)
    assert found is not None
    assert found[1] == rest


@pytest.mark.parametrize("line", ["2024er Jahrgang", "2024-2025 im Ausblick", "Öl 2024"])
def test_a_headline_that_only_looks_like_a_date_is_none(line: str) -> None:
    assert leading_date(line, "test", 2025) is None


@given(
    st.from_regex(
        r"\A[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?)?)?\Z", fullmatch=True
    )
)
def test_no_digit_is_added_to_an_iso_date(text: str) -> None:
    found = read_date(text, "test", 2025)
    if isinstance(found, PartialDate):
        assert found.value == text


@given(st.text(st.sampled_from("0123456789.-:TZ +Juni,Uhr "), max_size=24))
def test_no_text_makes_reading_a_date_fail(text: str) -> None:
    found = read_date(text, "test", 2025)
    if isinstance(found, PartialDate):
        assert re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}(T[0-9]{2}(:[0-9]{2}){1,2})?", found.value)
        first, last = span(found)
        assert first <= last


@pytest.mark.parametrize(
    ("date", "zone", "first", "last"),
    [
        (
            PartialDate("2024", "year", None, "x"),
            "UTC",
            "2024-01-01T00:00:00",
            "2024-12-31T23:59:59",
        ),
        (
            PartialDate("2024-02", "month", None, "x"),
            "UTC",
            "2024-02-01T00:00:00",
            "2024-02-29T23:59:59",
        ),
        (
            PartialDate("2024-12", "month", None, "x"),
            "UTC",
            "2024-12-01T00:00:00",
            "2024-12-31T23:59:59",
        ),
        (
            PartialDate("2024-06-18", "day", None, "x"),
            "Europe/Berlin",
            "2024-06-17T22:00:00",
            "2024-06-18T21:59:59",
        ),
        (
            PartialDate("2024-03-31", "day", None, "x"),
            "Europe/Berlin",
            "2024-03-30T23:00:00",
            "2024-03-31T21:59:59",
        ),
        (
            PartialDate("2024-06-18T13:34", "minute", "+02:00", "x"),
            "UTC",
            "2024-06-18T11:34:00",
            "2024-06-18T11:34:59",
        ),
        (
            PartialDate("2024-06-18T13:34:05", "second", "-03:30", "x"),
            "UTC",
            "2024-06-18T17:04:05",
            "2024-06-18T17:04:05",
        ),
    ],
    ids=[
        "a year",
        "a leap month",
        "december",
        "a day in a zone",
        "the day of summer time",
        "a minute",
        "a second",
    ],
)
def test_a_span_holds_its_first_and_its_last_second(
    date: PartialDate, zone: str, first: str, last: str
) -> None:
    assert [moment.isoformat() for moment in span(date, zone)] == [
        f"{first}+00:00",
        f"{last}+00:00",
    ]


def test_a_month_is_no_instant_but_a_day_begins() -> None:
    assert instant(PartialDate("2024-06", "month", None, "x"), "UTC") is None
    begun = instant(PartialDate("2024-06-18", "day", None, "x"), "Europe/Berlin")
    assert begun is not None
    assert begun.isoformat() == "2024-06-17T22:00:00+00:00"
