"""The option of sources whose pages a browser reads."""

from collections.abc import Mapping
from typing import Any

from storage.settings import Settings
from storage.values.net.addresses import BROWSER_CHOICES
from storage.write.archive import Archive
from worker.errors import ScheduleError


def add_options(
    _archive: Archive, _settings: Settings, options: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, Any]:
    """Return the options of a source with the choice of `--browser`. Raises: ScheduleError."""
    choice = given.get("browser")
    if choice is None:
        return dict(options)
    if choice not in BROWSER_CHOICES:
        raise ScheduleError(f"--browser is one of {', '.join(BROWSER_CHOICES)}, not {choice}")
    return {**options, "browser": choice}
