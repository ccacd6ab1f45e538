"""The installed program, and an archive on each database."""

import pytest

from tests.outside.installation import Installation, install
from tests.outside.places import both_databases


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Installation:
    """Give the installed program."""
    return install(tmp_path_factory.mktemp("outside"))


@pytest.fixture(scope="module")
def both(installed, tmp_path_factory):
    """Give an archive on each database."""
    with both_databases(installed, tmp_path_factory.mktemp("places")) as found:
        yield found
