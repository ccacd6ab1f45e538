"""Fixtures for the tests of the web: sites on the loopback, and the way to them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.values.net.private_hosts import hosts_by_port
from tests.web.desk import Desk, desk_at
from tests.web.site import Web, simulated_web
from worker.web.connection import Network


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """Give a simulated web that goes by the clock of the machine."""
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as found:
        yield found


@pytest.fixture
def network(web: Web) -> Callable[..., Network]:
    """Give a function that makes the way to the named sites, and to no others."""

    def made(*hosts: str) -> Network:
        return Network(hosts_by_port(web.allow_hosts(*hosts).split(",")), web.ca_file)

    return made


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Give a newsroom that watches the simulated web; its archive must be without a flaw."""
    with desk_at(database_url, tmp_path) as found:
        yield found
