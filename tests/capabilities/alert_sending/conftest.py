"""A press that alerts watch, on either database."""

from collections.abc import Iterator

import pytest

from storage.capabilities.alert_sending import manage
from storage.capabilities.alert_sending.outbox import waits
from storage.capabilities.alert_sending.store import match
from storage.database.engine import read_connection
from storage.history.alerts import lists
from storage.history.alerts.rule import AlertRule
from storage.settings import load_settings
from tests.pauses import without_pauses
from tests.read.press import Press, draft
from worker.capabilities.alert_sending.work import work

HOOK = ("webhook", "https://redaktion.example/hook")


class Watched(Press):
    """A press with alerts that check each new text."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url

    def alert(self, name="hafen", *targets, daily_at=None, **rule) -> dict[str, str]:
        return self.archive.transact(manage.add, name, AlertRule(**rule),
                        targets or (HOOK,), daily_at=daily_at)  # fmt: skip

    def match(self) -> int:
        return match(self.archive.engine, self.archive.clock)

    def log(self, **asked) -> list[lists.Delivery]:
        """Return the deliveries in the order in which they were written."""
        with read_connection(self.archive.engine) as connection:
            return list(lists.deliveries(connection, **asked))[::-1]

    def told(self, **asked) -> list[tuple[int, str]]:
        return [(each.version, each.state) for each in self.log(**asked)]


def pegel(number, *more, title="Der Damm hält", **options):
    return draft(title, f"Der Pegel der Lohe stieg um {number} Zentimeter.", *more, **options)


@pytest.fixture
def press(database_url: str) -> Iterator[Watched]:
    found = Watched(database_url)
    yield found
    found.close()


def settings_for(press, receiver=None, **environment):
    """Return the settings for messages of a press to a receiver on this machine."""
    given = {f"LESART_{name.upper()}": value for name, value in environment.items()}
    if receiver is not None:
        given["LESART_ALLOW_HOSTS"] = f"127.0.0.1:{receiver.port}"
    return load_settings(archive=press.url, environ=given)


def send(press, settings) -> int:
    """Send due messages until none is left, with no pauses."""
    with without_pauses():
        arrived = work(press.archive, settings)
        while waits(press.archive.engine):
            arrived += work(press.archive, settings)
    return arrived
