"""The check of copies at other archives in `lesart doctor`."""

from collections.abc import Iterator

from storage.capabilities.outside_copies import store
from storage.read.archive import ReadOnlyArchive
from storage.settings import Settings
from storage.values.messages import quantity
from storage.values.net.web_archive import archive_keys, copy_archives
from storage.verify.doctor import Finding, with_archive

ELSEWHERE = "set LESART_WEB_ARCHIVES for the services, or `lesart source set NAME --copy-to off`"
NO_KEYS = "set LESART_WEB_ARCHIVE_KEYS for `lesart up`, or on the stack for the scheduler"
WAITING = "{n} page waits for the archive {name}|{n} pages wait for the archive {name}"


@with_archive
def check_copies(settings: Settings, archive: ReadOnlyArchive) -> Iterator[Finding]:
    """Report archives that are not configured, and pages that wait for an archive, with reasons."""
    with archive.connect() as connection:
        orders = store.copy_orders(connection)
        waiting = {each.archive: each for each in store.open_requests(connection)}
    services, keys = (
        copy_archives(settings.web_archives),
        archive_keys(settings.web_archive_keys or ()),
    )
    for name in sorted({*waiting, *(each.archive for each in orders.values())}):
        delayed = waiting.get(name)
        if name not in services:
            yield Finding("copies", "warning", f"the archive {name} is not configured", ELSEWHERE)
        elif services[name].kind == "spn2" and name not in keys:
            yield Finding("copies", "warning", f"the archive {name} needs a key", NO_KEYS)
        elif delayed is not None and delayed.reason is not None:
            message = f"{quantity(WAITING, delayed.number, name=name)}: {delayed.reason}"
            mend = "they are sent again after a pause; see `lesart refusals` for those given up"
            yield Finding("copies", "warning", message, mend)
        else:
            number = delayed.number if delayed is not None else 0
            yield Finding("copies", "ok", quantity(WAITING, number, name=name))


CHECKS = (("copies", check_copies),)
