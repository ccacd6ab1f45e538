"""The usual press, from the tests of reading."""

from tests.read.conftest import _press_template, archive, dialect, shared_url  # noqa: F401 -- fixtures
