"""How long the oldest delivery has waited: reported by `lesart doctor` and `/metrics`."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from storage.capabilities.alert_sending import manage
from storage.database.engine import read_connection
from storage.database.tables import ALERT_DELIVERY
from storage.history.alerts.lists import overdue_seconds
from tests.capabilities.alert_sending.conftest import pegel, settings_for
from tests.read.press import hour
from tests.serve.conftest import served
from worker.capabilities.alert_sending.check import check_alerts


def overdue(press, at: float, since_match: float | None = None) -> dict[str, int]:
    with read_connection(press.archive.engine) as connection:
        found = overdue_seconds(connection, hour(at), since_match)
    return {name: round(seconds) for name, seconds in found.items()}


def late(press, seconds: float) -> None:
    """Make every delivery due for that time."""
    with press.archive.engine.begin() as connection:
        values = {"next_at": ALERT_DELIVERY.c.next_at - seconds}
        connection.execute(update(ALERT_DELIVERY).values(**values))


def test_a_change_that_was_not_matched_is_overdue_since_it_was_recorded(press):
    press.scan(0, pegel=pegel(3))
    press.alert("hafen")
    assert overdue(press, 5) == {"hafen": 0}
    press.scan(1, pegel=pegel(36))
    assert overdue(press, 3) == {"hafen": 2 * 3600}
    assert overdue(press, 3, since_match=7.0) == {"hafen": 7}
    press.match()
    assert overdue(press, 3) == {"hafen": 0}


def test_an_absence_that_was_not_matched_is_overdue_too(press):
    press.scan(0, pegel=pegel(3))
    press.alert("weg", classes=("gone",))
    press.scan(1, pegel=None)
    assert overdue(press, 2) == {"weg": 3600}
    press.match()
    assert overdue(press, 2) == {"weg": 0}


def test_a_delivery_is_overdue_from_its_hour_on_and_not_while_its_alert_is_paused(press):
    press.scan(0, pegel=pegel(3))
    press.alert("hafen")
    press.alert("morgens", ("mail", "ada@bote.example"), daily_at="07:00")
    press.scan(1, pegel=pegel(36))
    press.match()
    with press.archive.engine.begin() as connection:
        is_digest = ALERT_DELIVERY.c.kind == "mail"
        values = {"next_at": ALERT_DELIVERY.c.next_at + 10**9}
        connection.execute(update(ALERT_DELIVERY).where(is_digest).values(**values))
    late(press, 90)
    found = overdue(press, 1)
    assert 90 <= found["hafen"] < 300
    assert found["morgens"] == 0
    press.archive.transact(manage.pause, "hafen")
    assert overdue(press, 1) == {"morgens": 0}


def test_doctor_and_metrics_report_a_late_delivery(press):
    press.archive.clock = lambda: datetime.now(UTC) - timedelta(seconds=1)
    press.scan(0, pegel=pegel(3))
    press.alert("hafen")
    press.scan(1, pegel=pegel(36))
    press.match()
    (found,) = check_alerts(settings_for(press))
    assert found.state == "ok"
    assert "the oldest delivery has been due for" in found.message
    late(press, 3600)
    (found,) = check_alerts(settings_for(press))
    assert found.state == "warning"
    assert found.message.startswith("the oldest delivery of hafen has been due for 36")
    press.archive.record_acts({"alerts": 5.0})
    with served(press.url) as client:
        figures = client.get("/metrics").text
    (line,) = [each for each in figures.splitlines() if "overdue_seconds{" in each]
    assert line.startswith('lesart_alert_overdue_seconds{alert="hafen"} 36')
    assert 'lesart_act_age_seconds{act="alerts"}' in figures
