"""PURE: what is wrong with the machine rather than with what is worked on, and what to do then."""

import errno
from collections.abc import Mapping

ROOM = "make room there, then give the command again; nothing that was kept is lost"
LEAVE = "check who may write there, or name another place"
FOLDER = (
    "SQLite needs its folder, and leave to write in it, even to read: check who may, or take a copy"
)
DISK = "look at the disk and at the log of the system"
DAMAGED = (
    "the file of the archive is damaged: `lesart verify` names what it can, and "
    "`lesart restore` puts a backup in its place"
)
OPEN_FILES = "close something, or allow more open files (`ulimit -n`)"

OF_SYSTEM: Mapping[int, str] = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EIO: DISK,
    errno.EROFS: LEAVE,
    errno.EACCES: LEAVE,
    errno.EPERM: LEAVE,
    errno.ENOTDIR: "a part of this path is no folder: name another place",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.EBADF: "leave it open, or write to a file with --output",
    errno.EMFILE: OPEN_FILES,
    errno.ENFILE: OPEN_FILES,
    errno.EREMOTEIO: (
        "see that it runs and that captures_url, captures_key and captures_secret are right; "
        "nothing that was kept is lost"
    ),
    errno.ENOMEM: "free some memory, then give the command again",
}
"""What to do about an error of the operating system."""

OF_DATABASE: Mapping[str, str] = {
    "disk is full": ROOM,
    "no space left": ROOM,
    "readonly database": FOLDER,
    "read-only": LEAVE,
    "unable to open": FOLDER,
    "disk i/o error": DISK,
    "disk image is malformed": DAMAGED,
    "database is locked": "another process writes for long: give the command again",
}
"""What to do about an error of a database, by a part of what it says."""
DRIVERS = frozenset({"sqlite3", "psycopg"})
"""The modules of the errors that databases raise."""
PASSING = frozenset({"database is locked"})
"""What goes by if one only waits."""


def mend_of(error: BaseException) -> str | None:
    """Return what to do about an error that comes from the machine; None for any other.

    >>> mend_of(OSError(errno.EROFS, "Read-only file system", "/a")) == LEAVE
    True
    >>> mend_of(KeyError("x"))
    """
    if isinstance(error, OSError):
        if error.errno == errno.ENOENT and error.filename is None:
            return "the working folder is no longer there: go to one that is"
        return OF_SYSTEM.get(error.errno or 0)
    return OF_DATABASE.get(_part_of(error) or "")


def is_of_machine(error: BaseException) -> bool:
    """Return whether nothing can be kept at all, so that no document is to blame."""
    return mend_of(error) is not None and _part_of(error) not in PASSING


def driver_error(error: BaseException) -> BaseException | None:
    """Return what a driver of a database raised, be it wrapped or not; None for other errors.

    >>> driver_error(KeyError("x")) is None
    True
    """
    wrapped: BaseException | None = getattr(error, "orig", None)
    if wrapped is not None:
        return wrapped
    return error if type(error).__module__.partition(".")[0] in DRIVERS else None


def _part_of(error: BaseException) -> str | None:
    """Return the part of what a database said by which its error is known."""
    message = str(driver_error(error) or "").lower()
    return next((part for part in OF_DATABASE if part in message), None)
