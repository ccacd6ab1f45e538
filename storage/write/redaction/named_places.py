"""Places of jobs that specify a redacted address, and places that only contain it."""

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from storage.database.rows import STREAMING
from storage.database.tables import JOB
from storage.values.job import ADDRESS_KINDS, addresses_of

JOBS: Select[Any] = select(JOB.c.id, JOB.c.state, JOB.c.arguments, JOB.c.reason)


def places_in(job: Row[Any]) -> list[dict[str, Any]]:
    """Return the places of a job."""
    return list((job.arguments or {}).get("places") or ())


def is_named(place: Mapping[str, Any], address: str) -> bool:
    """Check whether a place of a job specifies an address, or the file that contains it.

    A pattern names a file where only the folders are left open.

    >>> presse = {"prefix": "seed:presse/", "root": "", "is_scan": False}
    >>> is_named({**presse, "locator": "/a/presse/*/ada.txt"}, "seed:presse/b/ada.txt")
    True
    >>> is_named({**presse, "locator": "/a/presse/ada.txt"}, "seed:presse/b/ada.txt")
    False
    """
    locator = place["locator"]
    if address in addresses_of(place) or locator == address:
        return True
    if place.get("kind") in ADDRESS_KINDS:
        rest = locator.removeprefix(address) if locator.startswith(address) else "-"
        is_old = place.get("origin") is None and not place["is_scan"]
        return is_old and (rest[0] in "?#&" or rest == "/")
    folder, name = locator.rpartition("/")[::2]
    is_pattern = not place["is_scan"] and not set("*?[").isdisjoint(folder)
    return is_pattern and address.startswith(place["prefix"]) and address.endswith(f"/{name}")


def leads_to(place: Mapping[str, Any], address: str) -> bool:
    """Check whether a place is a folder with that file, or a pattern that matches it.

    >>> presse = {"prefix": "seed:presse/", "root": "ada", "is_scan": False}
    >>> leads_to({**presse, "locator": "/a/presse/ada/k*.txt"}, "seed:presse/ada/kern.txt")
    True
    >>> leads_to({**presse, "locator": "/a/presse/ada"}, "seed:presse/ada/kern.txt")
    True
    >>> leads_to({**presse, "locator": "/a/presse/ada/b.txt"}, "seed:presse/ada/kern.txt")
    False
    """
    root, locator = place["root"], place["locator"]
    if place.get("kind") in ADDRESS_KINDS or not address.startswith(place["prefix"] + root):
        return False
    is_folder = place["is_scan"] or (root and locator.endswith(f"/{root}"))
    return is_folder or fnmatchcase(address.rpartition("/")[2], locator.rpartition("/")[2])


def find_retained_places(connection: Connection, addresses: Collection[str]) -> list[str]:
    """Return the folders and patterns of jobs that contain redacted files.

    They are retained because they cover other files, too.
    """
    if not addresses:
        return []
    found: set[str] = set()
    jobs = JOBS.where(JOB.c.kind == "ingest")
    with connection.execute(jobs, execution_options=STREAMING) as rows:
        for place in (each for row in rows for each in places_in(row)):
            led = (each for each in addresses if leads_to(place, each))
            if place["locator"] not in found and any(not is_named(place, each) for each in led):
                found.add(place["locator"])
    return sorted(found)
