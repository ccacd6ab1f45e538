"""The usual press, from the tests of reading."""

from tests.read.conftest import _press_template, dialect, press_url  # noqa: F401 -- fixtures
