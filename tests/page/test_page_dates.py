"""Dates on a page: publication, modification, and dates that are neither."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from storage.values.draft import Candidate
from tests.page.test_page_metadata import json_ld_script
from worker.text.annotate.date_lines import dates_in_line, read_relative_date
from worker.text.hints import TextSettings
from worker.text.page.fields.dates import DateContext, choose_modified, choose_published
from worker.text.page.read_page import read_page

SEEN_AT = datetime(2024, 6, 20, 12, 0, tzinfo=UTC)


def chosen(*candidates: tuple[str, str], field: str = "published"):
    offered = [Candidate(value, place) for place, value in candidates]
    context = DateContext(SEEN_AT, "Europe/Berlin")
    is_modified = field == "modified"
    found = (
        choose_modified(offered, context) if is_modified else choose_published(offered, (), context)
    )
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
        ("2021年5月3日(月) 13時05分", [("published", "2021-05-03 13:05")]),
        ("公開日：2021.5.3 更新日：2021/05/04", [("published", "2021-05-03"), ("modified", "2021-05-04")]),
        ("입력 2021년 5월 3일 13:05", [("published", "2021-05-03 13:05")]),
        ("martes 17 de marzo de 2020", [("published", "2020-03-17")]),
        ("Publié le 1er août 2021 à 12h", [("published", "2021-08-01")]),
        ("Aggiornato il 3 luglio 2021", [("modified", "2021-07-03")]),
        ("Gepubliceerd: 3 mei 2021", [("published", "2021-05-03")]),
        ("25.01.22, 12:30 Uhr", [("published", "2022-01-25, 12:30 Uhr")]),
        ("25-Jan-2022", [("published", "2022-01-25")]),
        ("21. Januar 2022|Mobilität", [("published", "21. Januar 2022")]),
        ("Version 2.10.22.1, Abschnitt 2021.13.40", []),
        ("Nr. 5 vom 3. Band 2024", []),
        ("Artikel 202406181334", []),
    ],
)  # fmt: skip
def test_each_date_of_a_line_has_the_meaning_of_the_words_before_it(line, stamps):
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
def test_a_distance_from_the_capture_gives_only_the_certain_part_of_a_date(line, value):
    found = read_relative_date(line, "time", SEEN_AT, "Europe/Berlin")
    assert (found and found.value) == value


def test_the_day_of_a_distance_is_that_of_the_zone():
    late = datetime(2024, 6, 20, 22, 30, tzinfo=UTC)
    assert read_relative_date("heute", "time", late, "Europe/Berlin").value == "2024-06-21"


def test_a_distance_is_read_on_the_page(draft, html):
    page = draft(html(body="<p>vor 3 Stunden</p>"))
    assert page.fields["published"].value["value"] == "2024-06-20"


def test_the_date_in_json_ld_counts_more_than_the_visible_one():
    places = [
        ("page text", "6. Juni 2024, 16:25 Uhr"),
        ("meta article:published_time", "2024-06-06T14:25:00Z"),
        ("JSON-LD datePublished", "2024-06-03T10:25:56Z"),
    ]
    assert chosen(*places) == "2024-06-03T10:25:56"
    assert chosen(*places[:2]) == "2024-06-06T14:25:00"


def test_a_mark_that_a_page_gives_to_many_texts_reports_the_day_of_none():
    listed = [("itemprop datepublished", f"2024-06-{day:02}") for day in (13, 12, 9)]
    assert chosen(*listed, ("meta date", "March 27, 2024")) == "2024-03-27"
    assert chosen(*listed[:2], ("meta date", "March 27, 2024")) == "2024-06-13"


def test_a_line_with_a_time_goes_before_a_mere_day():
    places = [("page text", "11. Juni 2024"), ("page text", "13. Juni 2024 um 15:44")]
    assert chosen(*places) == "2024-06-13T15:44"
    assert chosen(*places, ("time near the headline", "12. Juni 2024")) == "2024-06-12"


def test_a_date_without_a_label_does_not_count_for_text_after_the_marked_time():
    marked = ("time[datetime] near the headline", "2024-03-01")
    assert chosen(("meta dc.date", "2024-06-05"), marked) == "2024-03-01"
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


def test_a_time_next_to_the_article_is_the_last_resort(draft, html):
    beside = '<aside><time datetime="2024-06-10">10. Juni</time></aside>'
    assert draft(html(body=beside)).fields["published"].value["value"] == "2024-06-10"
    head = json_ld_script(datePublished="2024-06-18")
    assert draft(html(head, beside)).fields["published"].value["value"] == "2024-06-18"


def published(page):
    field = page.fields.get("published")
    return field and field.value and field.value["value"]


@pytest.mark.parametrize(
    ("body", "day"),
    [
        ("<div class='docData'><span>Datum:</span> <span>18.05.2024</span></div>", "2024-05-18"),
        ("<dl><dt>Veröffentlicht</dt><dd>18.05.24</dd></dl>", "2024-05-18"),
        ("<p class='rte-paragraph__caption'>18. Mai 2024 | Naturschutz</p>", "2024-05-18"),
        ("<div class='teaser-text'><p>Pressemitteilung vom 18. Mai 2024 | Lohe – Der Verband stellt heute seine Pläne für den Bau des neuen Deichs in Niederlohe vor.</p></div>", "2024-05-18"),
        ("<p class='published-date'>/ martes 17 de marzo de 2020</p>", "2020-03-17"),
        ("<dl class='date'><dt>2019.03.08</dt><dd></dd></dl>", "2019-03-08"),
        ("<p>Stand: 18.05.2024, 18:00 Uhr</p>", "2024-05-18T18:00"),
        ("<p>Publié le 18/05/2024</p><p>Mis à jour le 19/05/2024</p>", "2024-05-18"),
        ("<ul><li>geboren 18.05.1975</li><li>gewählt 3.4.1999</li><li>gestorben 5.6.2020</li></ul>", None),
    ],
)  # fmt: skip
def test_a_day_near_the_headline_is_read_where_the_page_states_none(draft, html, body, day):
    assert published(draft(html(body=body), url=None)) == day


def test_numbers_are_read_in_the_order_of_the_language_of_the_page(draft, html):
    line = "<p>Published: 03/04/2024</p>"
    assert published(draft(html(body=line, lang="en-US"), url=None)) == "2024-03-04"
    assert published(draft(html(body=line, lang="en-GB"), url=None)) == "2024-04-03"


def test_an_update_is_no_publication_where_the_first_one_is_known(draft, html):
    head = json_ld_script(datePublished="2024-05-18", dateModified="2024-06-02")
    line = "<p>2. Juni 2024</p>"
    assert published(draft(html(head, line))) == "2024-05-18"
    assert published(draft(html(json_ld_script(dateModified="2024-06-02")))) is None


def test_a_moment_in_utc_is_on_the_day_that_the_page_shows(draft, html):
    head = json_ld_script(datePublished="2024-05-18T22:04:00Z")
    assert published(draft(html(head))) == "2024-05-18T22:04:00"
    shown = draft(html(head, "<p class='date'>19. Mai 2024 00:04 Uhr</p>"))
    assert published(shown) == "2024-05-19T00:04"


def test_a_clock_above_the_page_is_not_its_day(draft, html):
    clock = "<header role='banner'><p>Donnerstag, 20. Juni 2024, 12:00 Uhr</p></header>"
    head = json_ld_script(datePublished="2024-05-18")
    page = html(head).replace(b"<main>", clock.encode() + b"<main>")
    assert published(draft(page)) == "2024-05-18"


def test_the_labelled_day_near_the_headline_goes_before_those_of_a_list(draft, html):
    teasers = "".join(
        f"<h3>Meldung {d}</h3><p class='pubdate'>0{d}.05.2024</p>" for d in range(1, 6)
    )
    page = html(body="<p class='pubdate'>18.05.2024</p>").replace(
        b"</article>", f"<div>{teasers}</div></article>".encode()
    )
    assert published(draft(page, url=None)) == "2024-05-18"


def test_a_relative_time_counts_only_with_the_time_of_the_capture(html, hints):
    page = html(body="<p>vor 3 Stunden</p>")
    imported = replace(hints(url=None), has_capture_time=False)
    assert published(read_page(page, imported, TextSettings())) is None
    meta = '<meta name="observed_at" content="2024-06-19T12:00:00Z">'
    stated = html(meta, "<p>vor 3 Stunden</p>")
    assert published(read_page(stated, imported, TextSettings())) == "2024-06-19"
