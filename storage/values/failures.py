"""PURE: failures of the machine, as opposed to faulty documents, and their remedies."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FREE_SPACE = "free some disk space, then run the command again; all stored data is intact"
CHECK_PERMISSIONS = "check the permissions, or choose another location"
CHECK_FOLDER = (
    "SQLite needs write access to the archive and its folder; a read-only file system allows "
    "reading alone: check the permissions, or copy the archive to another folder"
)
CHECK_DISK = "check the disk and the system log"
RESTORE_BACKUP = (
    "the archive file is damaged: `lesart verify` lists the damage; move the file away and "
    "restore a backup with `lesart restore`"
)
PROCESSES = "end some processes, or raise the limit on processes (`ulimit -u`)"
OPEN_FILES = "close some files, or raise the limit on open files (`ulimit -n`)"

USE_OTHER_ROLE = (
    "commands that read need the role lesart_page, those that write lesart_worker; lesart_reader "
    "is for SQL alone (`lesart sql`; in Python `archive.sql` and `archive.session`). A role of "
    "your own needs `GRANT lesart_page TO` it or `GRANT lesart_worker TO` it; `lesart db roles` "
    "prints the SQL that creates these roles"
)

CONFINE_SQL = (
    "set LESART_SQL_DATABASE_URL to an address with the role lesart_reader (Access to the database "
    "in docs/administration.md)"
)

SYSTEM_REMEDIES: Mapping[int, str] = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EFBIG: FREE_SPACE,
    errno.EIO: CHECK_DISK,
    errno.EROFS: CHECK_PERMISSIONS,
    errno.EACCES: CHECK_PERMISSIONS,
    errno.EPERM: CHECK_PERMISSIONS,
    errno.ENOTDIR: "a part of this path is not a folder: choose another path",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.EBADF: "keep it open, or write to a file with --output",
    errno.EMFILE: OPEN_FILES,
    errno.ENFILE: OPEN_FILES,
    errno.EREMOTEIO: (
        "check that the object storage is running and that captures_url, captures_key and "
        "captures_secret are correct; all stored data is intact"
    ),
    errno.EAGAIN: PROCESSES,
    errno.ENOMEM: "free some memory, then run the command again",
}
"""Remedies by the error number of the operating system."""

FAILING = frozenset(
    {
        errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG,
        errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EREMOTEIO, errno.EAGAIN,
    }
)  # fmt: skip
"""Error numbers of a machine that fails: no other path or setting is right instead."""

DATABASE_REMEDIES: Mapping[str, str] = {
    "disk is full": FREE_SPACE,
    "no space left": FREE_SPACE,
    "readonly database": CHECK_FOLDER,
    "read-only": CHECK_PERMISSIONS,
    "unable to open": CHECK_FOLDER,
    "disk i/o error": CHECK_DISK,
    "disk image is malformed": RESTORE_BACKUP,
    "permission denied for": USE_OTHER_ROLE,
    "database is locked": "another process is writing: run the command again later",
}
"""Remedies by a part of the error message of the database."""
RESTART = "restart lesart if it was upgraded or moved while it ran; otherwise install it again"
DRIVERS = frozenset({"sqlite3", "psycopg"})
"""Modules of the errors that database drivers raise."""
TEMPORARY = frozenset({"database is locked"})
"""Database errors that disappear after a while."""


def remedy_for(error: BaseException) -> str | None:
    """Return the remedy for a failure of the machine; None for any other error.

    >>> remedy_for(OSError(errno.EROFS, "Read-only file system", "/a")) == CHECK_PERMISSIONS
    True
    >>> remedy_for(KeyError("x"))
    """
    if isinstance(error, OSError):
        if error.errno == errno.ENOENT and error.filename is None:
            return "the current folder was deleted: change to another folder"
        return SYSTEM_REMEDIES.get(error.errno or 0)
    if isinstance(error, ImportError):
        return RESTART
    return DATABASE_REMEDIES.get(_database_reason(error) or "")


def is_machine_failure(error: BaseException) -> bool:
    """Check whether nothing can be read or stored at all, so that no document is the cause."""
    return remedy_for(error) is not None and _database_reason(error) not in TEMPORARY


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Name the file in an error of the system, which `read` does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def failing_cause(error: BaseException) -> OSError | None:
    """Return the failure of the machine that an error was raised from; None for any other cause.

    >>> wrapped = ValueError("the key cannot be read")
    >>> wrapped.__cause__ = OSError(errno.EIO, "Input/output error")
    >>> failing_cause(wrapped)
    OSError(5, 'Input/output error')
    """
    cause = error.__cause__
    return cause if isinstance(cause, OSError) and cause.errno in FAILING else None


def driver_error(error: BaseException) -> BaseException | None:
    """Return the error of a database driver, unwrapped from SQLAlchemy; None for other errors.

    >>> driver_error(KeyError("x")) is None
    True
    """
    wrapped: BaseException | None = getattr(error, "orig", None)
    if wrapped is not None:
        return wrapped
    return error if type(error).__module__.partition(".")[0] in DRIVERS else None


def is_foreseen(error: BaseException) -> bool:
    """Check whether an error is one of the machine or of a database, so that a trace has no use.

    >>> is_foreseen(OSError(errno.EIO, "Input/output error")), is_foreseen(KeyError("x"))
    (True, False)
    """
    return isinstance(error, OSError) or driver_error(error) is not None


def brief(error: BaseException) -> str:
    """Return the kind of an error and its message, of a database without the statement.

    >>> brief(KeyError("x"))
    "KeyError: 'x'"
    """
    return f"{type(error).__name__}: {driver_error(error) or error}".strip()


def _database_reason(error: BaseException) -> str | None:
    """Return the key in DATABASE_REMEDIES that the error message contains."""
    message = str(driver_error(error) or "").lower()
    return next((reason for reason in DATABASE_REMEDIES if reason in message), None)
