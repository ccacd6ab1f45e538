"""The page, served for real."""

from tests.serve.conftest import _served_templates, archive_url, client  # noqa: F401 -- fixtures
