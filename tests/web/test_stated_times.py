"""Times that a server states, by a wrong clock or on purpose: none stops checks for long."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from storage.database.outgoing import ALERTS
from storage.schedule.interval import DAY, IntervalRange, next_interval
from tests.web.desk import PEGEL, A
from tests.web.site import Reply, page
from worker.web.outcome import LONGEST_RETRY_AFTER, retry_after

NOW = datetime(2024, 6, 18, 6, tzinfo=UTC)
HOUR, LONGEST = timedelta(hours=1), LONGEST_RETRY_AFTER


def http(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def after_date(error: timedelta) -> dict[str, str]:
    """Return the headers of a server that asks for an hour, by a clock with this error."""
    return {"date": http(NOW + error), "retry-after": http(NOW + error + HOUR)}


RETRIES = {
    "seconds": ({"retry-after": "3600"}, HOUR),
    "many digits": ({"retry-after": "9" * 400}, LONGEST),
    "a date": ({"retry-after": http(NOW + HOUR)}, HOUR),
    "a date in 400 days": ({"retry-after": http(NOW + timedelta(days=400))}, LONGEST),
    "the last date": ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST),
    "past the last date": ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359"}, LONGEST),
    "a year that does not exist": ({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
    "a date of the past": ({"retry-after": http(NOW - HOUR)}, None),
    "a wrong Date alone": ({"date": http(NOW + timedelta(days=400))}, None),
    "an unreadable Date": ({"date": "bald", "retry-after": http(NOW + HOUR)}, HOUR),
    **{
        f"a clock wrong by {hours} h": (after_date(timedelta(hours=hours)), HOUR)
        for hours in (-9600, -480, -1, 1, 24, 480, 9600)
    },
}


@pytest.mark.parametrize(("headers", "expected"), RETRIES.values(), ids=RETRIES)
def test_a_pause_that_a_server_asks_for_is_counted_by_its_clock_and_a_week_at_most(
    headers, expected
):
    until = retry_after(headers.get, NOW)
    assert (None if until is None else until - NOW) == expected
    asked = None if until is None else (until - NOW).total_seconds()
    assert ALERTS.pauses.seconds_after(1, asked) <= ALERTS.pauses.longest_requested


@pytest.mark.parametrize("days", [-20_000, -400, 0, 400, 2_900_000])
def test_the_age_that_a_list_states_leaves_the_next_check_within_the_longest_interval(days):
    found = next_interval(IntervalRange(), None, "first", age=max(0.0, -days * DAY))
    assert found.due_in is not None
    assert found.due_in <= IntervalRange().longest * 1.1


@pytest.mark.slow
@pytest.mark.parametrize("stated", ["lastmod", "none"])
def test_a_list_with_times_of_the_future_neither_stops_nor_multiplies_the_checks(desk, stated):
    place = "https://zeitung.example/sitemap.xml"
    changed = "<lastmod>2099-01-01T00:00:00Z</lastmod>" if stated == "lastmod" else ""
    listed = f"<urlset><url><loc>{A}</loc>{changed}</url><!-- {{}} --></urlset>"
    desk.web.put(A, page("Pegel", PEGEL))
    source = desk.watch_page(place, kind="sitemap")
    for at in (1, 1.01, 1.02):
        desk.web.put(place, Reply(listed.format(at).encode(), type="application/xml"))
        desk.look(source, at=at)
    paths = [each.path for each in desk.web.asked()]
    assert paths.count("/lokales/pegel") == 1
    (watch,) = desk.rows(f"SELECT next_check FROM watch WHERE address = '{A}'")
    assert datetime.fromisoformat(watch["next_check"]) <= desk.now + timedelta(days=44)
