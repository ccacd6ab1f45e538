"""The page, served for real."""

from tests.serve.conftest import (  # noqa: F401 -- fixtures
    _served_postgresql,
    _served_sqlite,
    archive_url,
    client,
)
