"""Run a command; turn errors into exit codes and one message on standard error."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer

from storage.capabilities import CAPABILITIES
from storage.cli.output import (
    OutputError,
    PipeClosedError,
    UnwritableError,
    is_lost_with_container,
    silence_output,
)
from storage.read.render.moment import MomentError
from storage.read.render.visible import one_line
from storage.settings import SettingsError, hide_secrets, load_settings
from storage.values.failures import driver_error, failing_cause, remedy_for
from storage.values.settings.readers import IntervalError

SUCCESS = 0
NO = 1
WRONG_USE = 2
NO_SUCH = 3
UNCHECKED = 4
INTERNAL = 70
INTERRUPTED = 130

ERROR_LOG = "errors.log"


class InterruptionError(Exception):
    """The user interrupted a command that can be continued; the message states how."""


ExitCodes = Mapping[type[BaseException], int]
NO_FURTHER: ExitCodes = MappingProxyType({})

_OWN: ExitCodes = {
    SettingsError: WRONG_USE,
    MomentError: WRONG_USE,
    IntervalError: WRONG_USE,
    OutputError: WRONG_USE,
    UnwritableError: UNCHECKED,
    InterruptionError: INTERRUPTED,
}
OF_ARCHIVES = (
    ("storage.values.errors", "NoSuchError", NO_SUCH),
    ("storage.values.errors", "AmbiguousError", NO_SUCH),
    ("storage.values.errors", "SearchQueryError", WRONG_USE),
    ("storage.values.errors", "RedactedError", NO),
    ("storage.values.errors", "RestrictedError", NO),
    ("storage.values.arrivals.source", "NoSuchSourceError", NO_SUCH),
    ("storage.values.net.token", "TokenError", WRONG_USE),
    ("storage.database.rows", "CursorError", WRONG_USE),
    ("storage.read.revision", "RevisionError", WRONG_USE),
    ("storage.read.sql", "QueryError", WRONG_USE),
    ("storage.database.compression", "DamagedBytesError", NO),
    ("storage.verify.verify", "PlaceError", WRONG_USE),
    ("storage.capabilities.hooks", "CapabilityError", WRONG_USE),
    ("storage.proof.checkpoints", "ProofKeyError", WRONG_USE),
    ("storage.proof.note", "NoteError", WRONG_USE),
    ("storage.proof.policy", "PolicyError", WRONG_USE),
    ("storage.values.errors", "PageUnreachableError", UNCHECKED),
    ("storage.database.archive_errors", "ArchiveMissingError", NO_SUCH),
    ("storage.database.archive_errors", "ForeignFileError", NO_SUCH),
    ("storage.database.archive_errors", "ArchiveUnreachableError", UNCHECKED),
    ("storage.database.archive_errors", "ArchiveDamagedError", UNCHECKED),
    ("storage.write.copies", "PlaceUnwritableError", UNCHECKED),
    ("storage.database.archive_errors", "ArchiveError", WRONG_USE),
)
"""Errors by module and name, with exit codes; importing all modules would take a second."""

_PASSWORD_REASONS = ("no password supplied", "password authentication failed")
_BUSY_REASON = "statement timeout"


def run(
    app: typer.Typer,
    arguments: Sequence[str] | None = None,
    *,
    exit_codes: ExitCodes = NO_FURTHER,
) -> int:
    """Run the command in `arguments` and return its exit code; no exception leaves this function.

    `exit_codes` adds the errors of the caller. An expected error becomes one message on standard
    error; the traceback of an unexpected one goes to a log file.
    """
    open_streams()
    given = with_bare_values(sys.argv[1:] if arguments is None else arguments)
    _speak_utf8()
    try:
        command = _command(app, *given[:1])
        answer = command(given, prog_name="lesart", standalone_mode=False)
    except SystemExit as ended:
        return _exit_code(ended)
    except (KeyboardInterrupt, typer.Abort):
        answer = INTERRUPTED
    except typer.TyperException as error:
        return _report_wrong_use(error)
    except Exception as error:  # noqa: BLE001  # the last place: no trace reaches a user
        return _report(error, given, exit_codes)
    if answer == INTERRUPTED:
        say("interrupted")
    return answer if isinstance(answer, int) else SUCCESS


def with_bare_values(arguments: Sequence[str]) -> list[str]:
    """Add the values of options that may have none, which Typer does not know.

    >>> with_bare_values(["ingest", "--browser", "https://a.example/"])
    ['ingest', '--browser', 'always', 'https://a.example/']
    >>> with_bare_values(["ingest", "--browser", "auto"])
    ['ingest', '--browser', 'auto']
    """
    own = {o.option: o for each in CAPABILITIES for o in each.source_options if o.bare is not None}
    found: list[str] = []
    for word, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        found.append(word)
        option = own.get(word)
        if option is not None and following not in {option.bare, *option.metavar[1:-1].split("|")}:
            found.append(str(option.bare))
    return found


@lru_cache
def _command(app: typer.Typer, *name: str) -> Callable[..., Any]:
    """Return the program reduced to a command: once a process, however often a process runs it."""
    return typer.main.get_command(only_named(app, name))


def only_named(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Return the program reduced to the command or group in the first argument.

    Typer builds each command from the signature of its function, and only one of sixty is needed.
    """
    only = copy(app)
    only.registered_commands = [
        each for each in app.registered_commands if each.name in arguments[:1]
    ]
    only.registered_groups = [each for each in app.registered_groups if each.name in arguments[:1]]
    return only if only.registered_commands or only.registered_groups else app


def open_streams() -> None:
    """Open a replacement for closed standard streams.

    Otherwise the next opened file, such as an archive, would get their file descriptor. Writing to
    a closed standard output fails; messages to a closed standard error are discarded.
    """
    for name, number, how in (
        ("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")
    ):  # fmt: skip
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, number)
            setattr(sys, name, os.fdopen(handle, how, encoding="utf-8"))


def say(sentence: str) -> None:
    """Write one message to standard error, without secrets and control characters."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"lesart: {one_line(hide_secrets(sentence))}\n")
        sys.stderr.flush()


def exit_code_of(error: Exception, exit_codes: ExitCodes = NO_FURTHER) -> int | None:
    """Return the exit code for `error`; None if the error is unexpected."""
    for known in (exit_codes, _OWN, _archive_exit_codes()):
        for kind in type(error).__mro__:
            if kind in known:
                return _refine_code(error, known[kind])
    if isinstance(error, OSError):
        return UNCHECKED if remedy_for(error) is not None else None
    return _database_exit_code(error)


def _report_wrong_use(error: typer.TyperException) -> int:
    """Print the mistake, and the command that prints the usage: two lines.

    A group without a command prints its help.
    """
    context = getattr(error, "ctx", None)
    if context is not None and error.message == context.get_help():
        with suppress(OSError):
            typer.echo(error.message, err=True)
        return WRONG_USE
    say(error.format_message())
    if context is not None:
        say(f"try `{context.command_path} --help`")
    return WRONG_USE


def _report(error: Exception, arguments: Sequence[str], exit_codes: ExitCodes) -> int:
    if isinstance(error, PipeClosedError):
        return SUCCESS
    if isinstance(error, OSError):
        silence_output()  # Typer may have written its buffer
    code = exit_code_of(error, exit_codes)
    if "--debug" in arguments:
        traceback.print_exception(error)
    if code is None:
        where = "above" if "--debug" in arguments else _keep_details(error, arguments)
        say(f"internal error ({type(error).__name__}): please report it; the details are {where}")
        return INTERNAL
    say(_sentence(error))
    return code


def _sentence(error: Exception) -> str:
    """Return the error and its remedy, without the SQL statement that SQLAlchemy adds."""
    origin, cause = driver_error(error), failing_cause(error)
    remedy = remedy_for(error)
    if origin is not None:
        sentence = f"database error: {str(origin).strip().partition(chr(10))[0]}"
    elif isinstance(error, OSError) and remedy is not None:
        where = f"{error.filename}: " if error.filename is not None else ""
        sentence = f"{where}{error.strerror}"
    else:
        sentence = str(error)
        remedy = None if cause is None else remedy_for(cause)
    return f"{sentence}; {remedy}" if remedy is not None and remedy not in sentence else sentence


def _archive_exit_codes() -> ExitCodes:
    """Return the exit codes of the errors in the modules that are loaded."""
    return {
        getattr(sys.modules[module], name): code
        for module, name, code in OF_ARCHIVES
        if module in sys.modules
    }


def _refine_code(error: Exception, code: int) -> int:
    """Return `code`; wrong usage if the database responds but refuses the password.

    Nothing is wrong with the usage if the disk fails under a file that the user named.
    """
    if code == WRONG_USE and failing_cause(error) is not None:
        return UNCHECKED
    is_password = code == UNCHECKED and any(each in str(error) for each in _PASSWORD_REASONS)
    return WRONG_USE if is_password else code


def _database_exit_code(error: Exception) -> int | None:
    said = driver_error(error)
    if said is None:
        return None
    reason = str(said).lower()
    if getattr(said, "sqlstate", None) == "42501" or "not a database" in reason:
        return WRONG_USE
    is_cut = getattr(error, "connection_invalidated", False)
    is_cut = is_cut or "connect" in reason or "resolve host" in reason
    is_away = is_cut or remedy_for(error) is not None
    return UNCHECKED if is_away or "malformed" in reason or _BUSY_REASON in reason else None


def _keep_details(error: Exception, arguments: Sequence[str]) -> str:
    """Append the traceback to a log in the home folder, or print it; return its location.

    It is printed in a container with a temporary home folder, so that the container log has it.
    """
    trace = "".join(traceback.format_exception(error))
    report = hide_secrets(
        f"{datetime.now(UTC).isoformat()} lesart {' '.join(arguments)}\n{trace}\n"
    )
    with suppress(OSError, SettingsError):
        log = load_settings().home / ERROR_LOG
        if not is_lost_with_container(log.parent):
            _append(log, report)
            return f"in {log}"
    with suppress(OSError):
        sys.stderr.write(report)
    return "above"


def _append(log: Path, report: str) -> None:
    """Append to `log`; its folder must exist, because reading commands create none."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(report)


def _exit_code(ended: SystemExit) -> int:
    """Return the exit code; 0 for a closed pipe, for which Typer exits with 1."""
    if isinstance(ended.__context__, BrokenPipeError):
        silence_output()
        return SUCCESS
    return ended.code if isinstance(ended.code, int) else SUCCESS


def _speak_utf8() -> None:
    """Write UTF-8 in any locale; undecodable file names are escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
