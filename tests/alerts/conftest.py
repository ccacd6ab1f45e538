"""A press that alerts watch, on either database."""

from collections.abc import Iterator

import pytest

from storage.alerts import keep, lists
from storage.alerts.match import match
from storage.alerts.rule import AlertRule
from storage.database.engine import looking
from tests.read.press import Press, draft

HOOK = ("webhook", "https://redaktion.example/hook")


class Watched(Press):
    """A press with alerts; each text that comes is looked at by them."""

    def alert(self, name="hafen", *targets, daily_at=None, **rule) -> dict[str, str]:
        return keep.add(self.archive.engine, self.archive.clock, name, AlertRule(**rule),
                        targets or (HOOK,), daily_at=daily_at)  # fmt: skip

    def match(self) -> int:
        return match(self.archive.engine, self.archive.clock)

    def log(self, **asked) -> list[lists.Delivery]:
        """Return the deliveries in the order in which they were written."""
        with looking(self.archive.engine) as connection:
            return list(lists.deliveries(connection, **asked))[::-1]

    def told(self, **asked) -> list[tuple[int, str]]:
        return [(each.version, each.state) for each in self.log(**asked)]


def pegel(number, *more, title="Der Damm hält"):
    return draft(title, f"Der Pegel der Lohe stieg um {number} Zentimeter.", *more)


@pytest.fixture
def press(database_url: str) -> Iterator[Watched]:
    found = Watched(database_url)
    yield found
    found.close()
