"""Dates on a page: publication, modification, and dates that are neither."""

from datetime import UTC, datetime

import pytest

from storage.values.draft import Candidate
from tests.page.test_page_metadata import json_ld_script
from worker.text.annotate.date_lines import dates_in_line, read_relative_date
from worker.text.page.fields.dates import choose_date

SEEN_AT = datetime(2024, 6, 20, 12, 0, tzinfo=UTC)


def chosen(*candidates: tuple[str, str], field: str = "published"):
    offered = [Candidate(value, place) for place, value in candidates]
    found = choose_date(field, offered, SEEN_AT, "Europe/Berlin")
    return found and found.date.value


@pytest.mark.parametrize(
    ("line", "stamps"),
    [
        ("18.06.2024", [("published", "18.06.2024")]),
        ("Veröffentlicht am 17. Juni 2024 um 8:05 Uhr", [("published", "17. Juni 2024 um 8:05 Uhr")]),
        ("Stand: 18.06.2024, 13:34 Uhr", [("modified", "18.06.2024, 13:34 Uhr")]),
        ("17.06.2024 | 08:00 | Aktualisiert 18.06.2024 | 13:34", [("published", "17.06.2024, 08:00"), ("modified", "18.06.2024, 13:34")]),
        ("Published June 17, 2024 Updated June 18, 2024 at 1:34 pm", [("published", "June 17, 2024"), ("modified", "June 18, 2024 at 1:34 pm")]),
        ("17:41 JST, October 13, 2023", [("published", "October 13, 2023, 17:41")]),
        ("Mittwoch, 03. November 2021, 16.45 Uhr", [("published", "03. November 2021, 16.45 Uhr")]),
        ("17/02/2022", [("published", "17.02.2022")]),
        ("02/03/2022", []),
        ("Nr. 5 vom 3. Band 2024", []),
        ("Artikel 202406181334", []),
    ],
)  # fmt: skip
def test_each_date_of_a_line_is_what_the_words_before_it_say(line, stamps):
    assert list(dates_in_line(line)) == stamps


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("vor 3 Stunden", "2024-06-20"),
        ("vor 2 Tagen", "2024-06-18"),
        ("vor einem Tag", "2024-06-19"),
        ("5 minutes ago", "2024-06-20"),
        ("3 days ago", "2024-06-17"),
        ("Heute, 13:34 Uhr", "2024-06-20T13:34"),
        ("Gestern um 8.05 Uhr", "2024-06-19T08:05"),
        ("vorgestern", "2024-06-18"),
        ("Yesterday at 09:15", "2024-06-19T09:15"),
        ("vor 14 Stunden", None),
        ("vor 3 Jahren", None),
        ("heute Abend", "2024-06-20"),
    ],
)
def test_a_distance_from_the_capture_gives_no_more_than_follows(line, value):
    found = read_relative_date(line, "time", SEEN_AT, "Europe/Berlin")
    assert (found and found.value) == value


def test_the_day_of_a_distance_is_that_of_the_zone():
    late = datetime(2024, 6, 20, 22, 30, tzinfo=UTC)
    assert read_relative_date("heute", "time", late, "Europe/Berlin").value == "2024-06-21"


def test_a_distance_is_read_on_the_page(draft, html):
    page = draft(html(body="<p>vor 3 Stunden</p>"))
    assert page.fields["published"].value["value"] == "2024-06-20"


def test_the_date_in_json_ld_is_believed_whatever_the_page_shows():
    places = [
        ("page text", "6. Juni 2024, 16:25 Uhr"),
        ("meta article:published_time", "2024-06-06T14:25:00Z"),
        ("JSON-LD datePublished", "2024-06-03T10:25:56Z"),
    ]
    assert chosen(*places) == "2024-06-03T10:25:56"
    assert chosen(*places[:2]) == "2024-06-06T14:25:00"


def test_a_mark_that_a_page_gives_to_many_texts_tells_the_day_of_none():
    listed = [("itemprop datepublished", f"2024-06-{day:02}") for day in (13, 12, 9)]
    assert chosen(*listed, ("meta date", "March 27, 2024")) == "2024-03-27"
    assert chosen(*listed[:2], ("meta date", "March 27, 2024")) == "2024-06-13"


def test_a_line_with_a_time_goes_before_a_mere_day():
    places = [("page text", "11. Juni 2024"), ("page text", "13. Juni 2024 um 15:44")]
    assert chosen(*places) == "2024-06-13T15:44"
    assert chosen(*places, ("time", "12. Juni 2024")) == "2024-06-12"


def test_a_date_that_says_not_of_what_comes_after_the_time_that_is_marked():
    assert chosen(("meta dc.date", "2024-06-05"), ("time[datetime]", "2024-03-01")) == "2024-03-01"
    assert chosen(("meta dc.date", "2024-06-05")) == "2024-06-05"


def test_a_day_that_the_head_calls_published_is_read(draft, html):
    page = draft(html('<meta name="published" content="June 17, 2024">'))
    assert page.fields["published"].value["value"] == "2024-06-17"


def test_two_dates_of_one_line_are_the_two_fields(draft, html):
    line = "<p>Veröffentlicht: 17.06.2024, 08:00 Uhr – Aktualisiert: 18.06.2024, 13:34 Uhr</p>"
    fields = draft(html(body=line)).fields
    assert fields["published"].value["value"] == "2024-06-17T08:00"
    assert fields["modified"].value["value"] == "2024-06-18T13:34"


def test_a_day_in_the_headline_is_that_of_the_matter(draft, html):
    page = draft(html(h1="Der Deich am 18. Juni 2024"))
    published = page.fields.get("published")
    assert published is None or published.found_in == "trafilatura"


def test_a_time_beside_the_article_is_the_last_resort(draft, html):
    beside = '<aside><time datetime="2024-06-10">10. Juni</time></aside>'
    assert draft(html(body=beside)).fields["published"].value["value"] == "2024-06-10"
    head = json_ld_script(datePublished="2024-06-18")
    assert draft(html(head, beside)).fields["published"].value["value"] == "2024-06-18"
