"""How long a receiver may be away, by a simulated clock of the database."""

from collections.abc import Callable

import pytest

from storage.capabilities.alert_sending import outbox
from storage.database import outgoing
from storage.database.outgoing import ALERTS
from storage.values.net.pauses import DAY
from tests.alerts.receivers import receiving
from tests.capabilities.alert_sending.conftest import Watched, pegel, settings_for
from worker.capabilities.alert_sending.work import work

HOUR = 3_600.0


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """Give the time of the database, which the test sets."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(outgoing, "database_epoch", lambda _connection: now[0])
    monkeypatch.setattr(outbox, "database_epoch", lambda _connection: now[0])
    return now


def attempts_of(
    press: Watched, clock: list[float], answer: Callable[[float], str | None]
) -> tuple[str, list[float]]:
    """Send a message to a receiver at each time that is planned; return its state and the times."""
    begun, tried = clock[0], list[float]()

    def answered() -> str | None:
        tried.append(clock[0] - begun)
        return answer(tried[-1])

    press.scan(0, t=pegel(3))
    with receiving(answered) as receiver:
        press.alert("hafen", ("webhook", receiver.url))
        press.scan(1, t=pegel(36))
        for _ in range(100):
            work(press.archive, settings_for(press, receiver))
            (delivery,) = press.log()
            if delivery.state != "failed":
                break
            clock[0] = delivery.next_at.timestamp() + 1
    return delivery.state, tried


@pytest.mark.slow
def test_a_receiver_that_is_away_for_twenty_hours_gets_the_message(press, clock):
    state, tried = attempts_of(press, clock, lambda at: "500" if at < 20 * HOUR else None)
    assert state == "sent"
    assert 20 * HOUR <= tried[-1] <= 22 * HOUR + 60


@pytest.mark.slow
def test_a_receiver_that_never_comes_back_is_given_up_after_a_day(press, clock):
    state, tried = attempts_of(press, clock, lambda _at: "500")
    assert (state, len(tried)) == ("dead", ALERTS.most_attempts)
    assert 22 * HOUR <= tried[-1] <= 30 * HOUR


def test_a_receiver_is_left_alone_for_the_day_that_it_asks_for(press, clock):
    state, tried = attempts_of(press, clock, lambda at: "503 86400" if at < DAY else None)
    assert (state, len(tried)) == ("sent", 2)
    assert DAY <= tried[1] <= DAY + 60
