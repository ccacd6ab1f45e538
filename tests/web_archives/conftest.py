"""A newsroom that watches the simulated web."""

from tests.web.conftest import desk  # noqa: F401 -- a fixture
