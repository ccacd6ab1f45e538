"""A newsroom that watches the simulated web."""

from tests.web.conftest import desk, network, web  # noqa: F401 -- fixtures
