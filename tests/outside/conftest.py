"""The installed program, once for all processes of a run."""

import fcntl
import os

import pytest

from tests.outside.installation import Installation, install
from tests.outside.places import both_databases


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Installation:
    """Give the installed program; the first process that asks installs it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "outside"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            install(folder)
            (folder / "ready").touch()
    return Installation(folder)


@pytest.fixture(scope="module")
def both(installed, tmp_path_factory):
    """Give an archive on each database."""
    with both_databases(installed, tmp_path_factory.mktemp("places")) as found:
        yield found
