"""What several of these tests start from."""

from tests.proof.conftest import _press_template, dialect, old_press, press, press_url  # noqa: F401
