"""The option of sources that asks another archive for copies of their pages."""

from collections.abc import Mapping
from typing import Any

from storage.proof.log import numbers
from storage.settings import Settings
from storage.values.net.web_archive import copy_archives
from storage.write.archive import Archive
from worker.errors import ScheduleError


def add_options(
    archive: Archive, settings: Settings, options: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, Any]:
    """Return the options of a source whose new versions are copied by the web archive `copy_to`.

    `off` ends the copies, without it nothing changes. Only versions found from now on are copied.
    Raises: ScheduleError.
    """
    name = given.get("copy_to")
    if options.get("headers") and (name or options.get("copy_to")) and name != "off":
        raise ScheduleError(
            "a source with --header has no copies at other archives: its pages may not be public"
        )
    if name is None:
        return dict(options)
    others = {key: value for key, value in options.items() if key != "copy_to"}
    if name == "off":
        return others
    known = copy_archives(settings.web_archives)
    if name not in known:
        raise ScheduleError(
            f"there is no web archive {name!r} for copies: LESART_WEB_ARCHIVES has "
            f"{', '.join(sorted(known)) or 'none'}"
        )
    return {**others, "copy_to": {"archive": name, "since": archive.read(numbers)[0]}}
