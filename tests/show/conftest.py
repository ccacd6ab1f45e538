"""The commands, run in this process."""

from tests.cli.conftest import lesart  # noqa: F401 -- a fixture
