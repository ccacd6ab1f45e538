"""The page, served for real."""

from tests.serve.conftest import archive_url, client  # noqa: F401 -- fixtures
